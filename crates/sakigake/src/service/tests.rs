use super::*;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use std::{
    convert::Infallible,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    rc::Rc,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    task::{Context, Poll, Waker},
};

type Reply = http::Response<Full<Bytes>>;

/// A service of one function, which is not `Send`.
struct Fn1<F>(F, PhantomData<Rc<()>>);

impl<F, R, E> Service<http::Request<Body>> for Fn1<F>
where
    F: FnMut(http::Request<Body>) -> R,
    R: Future<Output = Result<Reply, E>>,
{
    type Response = Reply;
    type Error = E;
    type Future = R;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> R {
        (self.0)(request)
    }
}

fn get(path: &str) -> http::Request<Body> {
    http::Request::get(path).body(Body::empty()).expect("a good request")
}

async fn text(response: http::Response<Outgoing>) -> Bytes {
    response.into_body().collect().await.expect("a whole body").to_bytes()
}

#[tokio::test]
async fn a_service_that_is_not_send_answers() {
    let factory = Factory::new(|| {
        let greeting = async |request: http::Request<Body>| {
            Ok::<_, Infallible>(Reply::new(request.uri().path().to_owned().into()))
        };
        Fn1(greeting, PhantomData)
    });
    let local = factory.make().unwrap_or_else(|_| panic!("it is made"));
    assert_eq!(text(local.ask(get("/a")).await.expect("an answer")).await, "/a");
    assert_eq!(text(local.ask(get("/b")).await.expect("an answer")).await, "/b");
}

#[tokio::test]
async fn a_worker_makes_its_service_once_and_again_when_it_broke() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    /// Ready once.
    struct Once(bool);
    impl Service<http::Request<Body>> for Once {
        type Response = Reply;
        type Error = BoxError;
        type Future = std::future::Ready<Result<Reply, BoxError>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            Poll::Ready(if self.0 { Err("worn out".into()) } else { Ok(()) })
        }
        fn call(&mut self, _: http::Request<Body>) -> Self::Future {
            self.0 = true;
            std::future::ready(Ok(Reply::default()))
        }
    }
    let factory = Factory::new(|| {
        MADE.fetch_add(1, Ordering::Relaxed);
        Once(false)
    });
    let local = factory.make().unwrap_or_else(|_| panic!("it is made"));
    assert!(local.ask(get("/")).await.is_ok());
    let error = local.ask(get("/")).await.err().expect("it is worn out");
    assert_eq!(error.to_string(), "worn out");
    assert!(local.ask(get("/")).await.is_ok());
    assert_eq!(MADE.load(Ordering::Relaxed), 2);
}

/// Ready while its gate is open; it remembers one waker, as services do.
struct Gate(Rc<std::cell::RefCell<(bool, Option<Waker>)>>);

impl Service<http::Request<Body>> for Gate {
    type Response = Reply;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Reply, Infallible>>;
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        let mut gate = self.0.borrow_mut();
        if gate.0 {
            return Poll::Ready(Ok(()));
        }
        gate.1 = Some(cx.waker().clone());
        Poll::Pending
    }
    fn call(&mut self, _: http::Request<Body>) -> Self::Future {
        std::future::ready(Ok(Reply::default()))
    }
}

#[tokio::test]
async fn all_who_wait_for_a_service_hear_that_it_is_ready() {
    let gate = Rc::new(std::cell::RefCell::new((false, None::<Waker>)));
    let make = {
        let gate = gate.clone();
        move || Gate(gate.clone())
    };
    let local = Local::new(make);
    let asks = async { tokio::join!(local.ask(get("/1")), local.ask(get("/2")), local.ask(get("/3"))) };
    let open = async {
        tokio::task::yield_now().await;
        gate.borrow_mut().0 = true;
        let waker = gate.borrow_mut().1.take();
        waker.expect("somebody waits").wake();
    };
    let ((one, two, three), ()) = tokio::join!(asks, open);
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
}

#[test]
fn who_no_longer_waits_for_a_service_is_forgotten() {
    let gate = Rc::new(std::cell::RefCell::new((false, None::<Waker>)));
    let local = Local::new(move || Gate(gate.clone()));
    let ring = Ring::new(&std::sync::Arc::default(), sakigake_semantics::StreamId(1));
    let waker = Waker::from(ring.clone());
    let mut ask = local.ask(get("/"));
    assert!(Pin::new(&mut ask).poll(&mut Context::from_waker(&waker)).is_pending());
    drop((ask, waker));
    assert_eq!(std::sync::Arc::strong_count(&ring), 1, "nothing remembers it");
}

#[tokio::test]
async fn who_waits_for_a_service_that_breaks_gets_the_next_one() {
    /// The first is never ready, and breaks when told; it wakes nobody.
    struct Breaks(Option<Rc<std::cell::Cell<bool>>>);
    impl Service<http::Request<Body>> for Breaks {
        type Response = Reply;
        type Error = BoxError;
        type Future = std::future::Ready<Result<Reply, BoxError>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            match &self.0 {
                None => Poll::Ready(Ok(())),
                Some(is_broken) if is_broken.get() => Poll::Ready(Err("broken".into())),
                Some(_) => Poll::Pending,
            }
        }
        fn call(&mut self, _: http::Request<Body>) -> Self::Future {
            std::future::ready(Ok(Reply::default()))
        }
    }
    let is_broken = Rc::new(std::cell::Cell::new(false));
    let first = std::cell::Cell::new(Some(is_broken.clone()));
    let local = Local::new(move || Breaks(first.take()));
    let one = local.ask(get("/1"));
    let two = async {
        tokio::task::yield_now().await;
        is_broken.set(true);
        local.ask(get("/2")).await
    };
    let both = async { tokio::join!(one, two) };
    let (one, two) = tokio::time::timeout(std::time::Duration::from_secs(20), both).await.expect("woken");
    assert!(one.is_ok() && two.is_err());
}

#[tokio::test]
async fn a_panic_is_an_outcome_and_the_next_request_is_served() {
    let factory = Factory::new(|| {
        let handler = async |request: http::Request<Body>| {
            assert_ne!(request.uri().path(), "/panic", "as asked");
            Ok::<_, Infallible>(Reply::default())
        };
        Fn1(handler, PhantomData)
    });
    let local = factory.make().unwrap_or_else(|_| panic!("it is made"));
    assert!(matches!(local.ask(get("/panic")).await, Err(Failure::Panicked)));
    assert!(local.ask(get("/")).await.is_ok());
}

/// Says when it is dropped.
struct Dropped(std::sync::Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[derive(Clone)]
struct There(std::sync::Arc<AtomicBool>);

impl Service<http::Request<Body>> for There {
    type Response = Reply;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Reply, Infallible>> + Send>>;
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let dropped = Dropped(self.0.clone());
        Box::pin(async move {
            let _dropped = dropped;
            if request.uri().path() == "/never" {
                std::future::pending::<()>().await;
            }
            assert_ne!(request.uri().path(), "/panic", "as asked");
            let name = std::thread::current().name().unwrap_or_default().to_owned();
            let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            Ok(Reply::new([name.as_bytes(), b": ", &body].concat().into()))
        })
    }
}

#[test]
fn a_handler_runs_on_the_runtime_that_it_was_given_to() {
    let theirs = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let handle = theirs.handle().clone();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::Builder::new().name("theirs".into());
    let thread = thread.spawn(move || theirs.block_on(stopped)).expect("a thread");
    let ours = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let dropped = std::sync::Arc::new(AtomicBool::new(false));
    let factory = Factory::on(handle, {
        let dropped = dropped.clone();
        move || There(dropped.clone())
    });
    let local = factory.make().unwrap_or_else(|_| panic!("it is made"));
    ours.block_on(async {
        let mut request = get("/");
        *request.body_mut() = Body::from(Bytes::from_static(b"hello"));
        assert_eq!(text(local.ask(request).await.expect("an answer")).await, "theirs: hello");
        assert!(matches!(local.ask(get("/panic")).await, Err(Failure::Panicked)));
        // Who is not waited for any more ends.
        dropped.store(false, Ordering::Release);
        let never = local.ask(get("/never"));
        assert!(tokio::time::timeout(std::time::Duration::from_millis(50), never).await.is_err());
        while !dropped.load(Ordering::Acquire) {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    });
    drop(stop);
    assert!(thread.join().expect("no panic of its own").is_err(), "stopped by us");
}

mod bodies {
    use super::super::*;
    use http_body::Body as _;
    use http_body_util::BodyExt as _;
    use sakigake_semantics::StreamId;
    use std::{
        pin::Pin,
        sync::Arc,
        task::{Context, Poll, Waker},
    };

    fn stream(length: Option<u64>) -> (Arc<Bell>, Arc<Inflow>, Body) {
        let bell = Arc::new(Bell::default());
        let inflow = Arc::new(Inflow::new(Ring::new(&bell, StreamId(1)), length));
        (bell, inflow.clone(), Body::of_stream(inflow))
    }

    fn poll(body: &mut Body) -> Poll<Option<Result<http_body::Frame<bytes::Bytes>, BodyError>>> {
        Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn credit_goes_back_only_for_what_is_read() {
        let (bell, inflow, mut body) = stream(None);
        inflow.push(b"abc", false);
        inflow.push(b"de", true);
        assert_eq!((inflow.take_read(), body.buffered(), inflow.is_over()), (0, 5, false));
        let Poll::Ready(Some(Ok(frame))) = poll(&mut body) else { panic!("a frame") };
        assert_eq!(frame.into_data().expect("data"), "abcde");
        assert_eq!((inflow.take_read(), inflow.take_read()), (5, 0));
        assert!(bell.take().contains(&StreamId(1)), "the connection is told");
        assert!(body.is_end_stream() && inflow.is_over());
        assert!(matches!(poll(&mut body), Poll::Ready(None)));
    }

    #[test]
    fn the_first_poll_is_told_so_that_100_can_be_sent() {
        let (bell, inflow, mut body) = stream(None);
        assert!(!inflow.is_asked() && bell.take().is_empty());
        assert!(poll(&mut body).is_pending());
        assert!(inflow.is_asked() && !bell.take().is_empty());
    }

    #[test]
    fn a_known_length_counts_down() {
        let (_, inflow, mut body) = stream(Some(5));
        assert_eq!(body.size_hint().exact(), Some(5));
        inflow.push(b"abc", false);
        assert_eq!(body.size_hint().exact(), Some(5));
        assert!(poll(&mut body).is_ready());
        assert_eq!(body.size_hint().exact(), Some(2));
    }

    #[tokio::test]
    async fn trailers_come_last() {
        let (_, inflow, body) = stream(None);
        inflow.push(b"abc", false);
        let mut fields = http::HeaderMap::new();
        fields.insert("x-sum", http::HeaderValue::from_static("6"));
        inflow.trailers(fields);
        let whole = body.collect().await.expect("a whole body");
        assert_eq!(whole.trailers().expect("trailers")["x-sum"], "6");
        assert_eq!(whole.to_bytes(), "abc");
    }

    #[test]
    fn what_nobody_will_read_counts_as_read_and_is_unwanted() {
        let (_, inflow, body) = stream(None);
        inflow.push(b"abc", false);
        drop(body);
        assert!(inflow.is_unwanted());
        inflow.push(b"de", false);
        assert_eq!(inflow.take_read(), 5);
        inflow.push(b"", true);
        assert!(!inflow.is_unwanted() && inflow.is_over(), "the client is done anyway");
    }

    #[test]
    fn a_reset_is_heard_before_what_came_first() {
        let (_, inflow, mut body) = stream(Some(9));
        inflow.push(b"abc", false);
        inflow.fail(BodyError::Reset(8));
        assert!(matches!(poll(&mut body), Poll::Ready(Some(Err(BodyError::Reset(8))))));
    }

    #[test]
    fn a_failure_is_told_once_and_nothing_is_kept() {
        let (_, inflow, mut body) = stream(None);
        inflow.push(b"abc", false);
        inflow.fail(BodyError::Lost);
        assert_eq!(body.buffered(), 0);
        assert!(matches!(poll(&mut body), Poll::Ready(Some(Err(BodyError::Lost)))));
        assert!(matches!(poll(&mut body), Poll::Ready(None)), "a reader that skips faults comes to an end");
    }

    #[test]
    fn a_reader_may_let_its_body_go_as_it_is_woken() {
        struct LetsGo(std::sync::Mutex<Option<Body>>);
        impl std::task::Wake for LetsGo {
            fn wake(self: Arc<Self>) {
                let body = self.0.lock().expect("no test panics here").take();
                drop(body);
            }
        }
        let (_, inflow, mut body) = stream(None);
        let reader = Arc::new(LetsGo(std::sync::Mutex::default()));
        let waker = Waker::from(reader.clone());
        assert!(Pin::new(&mut body).poll_frame(&mut Context::from_waker(&waker)).is_pending());
        *reader.0.lock().expect("no test panics here") = Some(body);
        inflow.push(b"abc", false);
        assert!(inflow.is_unwanted());
    }
}
