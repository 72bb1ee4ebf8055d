//! A worker's own instance of a service, asked by all of its connections.

use super::{Body, BoxError, Failure, Outgoing, outgoing::let_go, remote::Remote};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker, ready},
};
use tokio::runtime::Handle;
use tower_service::Service;

/// A service that a worker made.
#[derive(Clone)]
pub(crate) struct Local(Rc<dyn Ask>);

/// Something that answers.
pub(super) trait Ask {
    /// The answer to come. Nothing runs before it is polled.
    fn ask(self: Rc<Self>, request: http::Request<Body>) -> Boxed;
}

/// What becomes of a request.
pub(super) type Answer = Result<http::Response<Outgoing>, Failure>;
pub(super) type Boxed = Pin<Box<dyn Future<Output = Answer>>>;

impl Local {
    /// Runs here.
    pub(super) fn new<F, S, B>(make: F) -> Self
    where
        F: Fn() -> S + 'static,
        S: Service<http::Request<Body>, Response = http::Response<B>, Error: Into<BoxError>> + 'static,
        B: http_body::Body<Error: Into<BoxError>> + 'static,
    {
        let service = RefCell::new(Some(make()));
        Self(Rc::new(Shared { make, service, waiting: Arc::default() }))
    }

    /// Runs elsewhere.
    pub(super) fn remote<S, B>(handle: Handle, service: S) -> Self
    where
        S: Service<http::Request<Body>, Response = http::Response<B>, Error: Into<BoxError>, Future: Send>
            + Clone
            + Send
            + 'static,
        B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        Self(Rc::new(Remote { handle, service }))
    }

    /// None, because making one panicked.
    pub(crate) fn none() -> Self {
        Self(Rc::new(Nobody))
    }

    /// The answer to come; dropping it cancels.
    pub(crate) fn ask(&self, request: http::Request<Body>) -> Pending {
        Pending::new(self.0.clone().ask(request))
    }
}

/// An answer to come. A panic in it is an outcome like others.
pub(crate) struct Pending(Option<Boxed>);

impl Pending {
    pub(super) fn new(future: Boxed) -> Self {
        Self(Some(future))
    }

    /// Drops what was asked.
    pub(crate) fn let_go(&mut self) -> Result<(), Failure> {
        let_go(self.0.take())
    }

    /// What the server answers in the service's place: this status, and no body.
    pub(crate) fn refusal(status: http::StatusCode) -> Self {
        let mut response = http::Response::new(Outgoing::empty());
        *response.status_mut() = status;
        Self::new(Box::pin(std::future::ready(Ok(response))))
    }
}

impl Future for Pending {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        let Some(future) = &mut self.0 else { return Poll::Ready(Err(Failure::Panicked)) };
        // What a panic leaves behind is dropped, and the service's own state is behind its own cells.
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        let answer = match polled {
            Ok(polled) => ready!(polled),
            Err(_) => Err(Failure::Panicked), // The panic's message is out already, by the hook.
        };
        let gone = self.let_go();
        Poll::Ready(answer.and_then(|answer| gone.map(|()| answer)))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // Whoever keeps a log has let it go before. The panic's message is out already, by the hook.
        let _ = self.let_go();
    }
}

/// In the place of a service that could not be made.
struct Nobody;

impl Ask for Nobody {
    fn ask(self: Rc<Self>, _: http::Request<Body>) -> Boxed {
        Box::pin(std::future::ready(Err(Failure::NotMade)))
    }
}

struct Shared<F, S> {
    make: F,
    /// Always there until the end.
    service: RefCell<Option<S>>,
    waiting: Arc<Waiting>,
}

impl<F, S> Drop for Shared<F, S> {
    fn drop(&mut self) {
        // It harms no worker. The panic's message is out already, by the hook, and no request is there to blame.
        let _ = let_go(self.service.get_mut().take());
    }
}

impl<F, S, B> Ask for Shared<F, S>
where
    F: Fn() -> S + 'static,
    S: Service<http::Request<Body>, Response = http::Response<B>, Error: Into<BoxError>> + 'static,
    B: http_body::Body<Error: Into<BoxError>> + 'static,
{
    fn ask(self: Rc<Self>, request: http::Request<Body>) -> Boxed {
        Box::pin(async move {
            let mut request = Some(request);
            let mut place = Place { waiting: self.waiting.clone(), number: None };
            let called = poll_fn(|cx| self.poll_call(cx, &mut request, &mut place)).await;
            drop(place);
            let future = called.map_err(Failure::Service)?;
            let response = future.await.map_err(|error| Failure::Service(error.into()))?;
            Ok(response.map(Outgoing::new))
        })
    }
}

impl<F, S> Shared<F, S>
where
    F: Fn() -> S,
    S: Service<http::Request<Body>, Error: Into<BoxError>>,
{
    /// Waits until the service is ready, and calls it in the same breath: nobody comes between.
    fn poll_call(
        &self,
        cx: &Context<'_>,
        request: &mut Option<http::Request<Body>>,
        place: &mut Place,
    ) -> Poll<Result<S::Future, BoxError>> {
        let mut place_of = self.service.borrow_mut();
        let service = place_of.get_or_insert_with(&self.make);
        // One service and many who wait: it remembers one waker, so that one has to wake all.
        let waker = Waker::from(self.waiting.clone());
        let mut everybody = Context::from_waker(&waker);
        let mut outcome = service.poll_ready(&mut everybody);
        if outcome.is_pending() {
            place.wait(cx.waker());
            outcome = service.poll_ready(&mut everybody); // It may have become ready before we were on the list.
        }
        if let Err(error) = ready!(outcome) {
            // Its own word for "I am broken": the next request gets another.
            let broken = place_of.take();
            drop(place_of);
            drop(broken);
            waker.wake(); // Those who waited for the broken one would wait for ever.
            return Poll::Ready(Err(error.into()));
        }
        match request.take() {
            Some(request) => Poll::Ready(Ok(service.call(request))),
            None => Poll::Pending, // Never: the future is over once it has called.
        }
    }
}

/// Requests that wait for the service to be ready.
#[derive(Default)]
struct Waiting(Mutex<Line>);

#[derive(Default)]
struct Line {
    /// By the order in which they came.
    wakers: BTreeMap<u64, Waker>,
    next: u64,
}

/// One request's place among them, which is free again when it is dropped: a client may ask and give up as often as it likes.
struct Place {
    waiting: Arc<Waiting>,
    number: Option<u64>,
}

impl Waiting {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn wait(&mut self, waker: &Waker) {
        let waker = waker.clone();
        let mut line = self.waiting.line();
        let number = *self.number.get_or_insert_with(|| {
            line.next += 1;
            line.next
        });
        let before = line.wakers.insert(number, waker);
        drop(line); // A waker's drop may do anything.
        drop(before);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let waker = self.number.and_then(|number| self.waiting.line().wakers.remove(&number));
        drop(waker);
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        let wakers = core::mem::take(&mut self.line().wakers);
        wakers.into_values().for_each(Waker::wake);
    }
}
