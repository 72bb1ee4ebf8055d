//! Single requests to one origin, each streamed, over connections that stay: for gateways and other services.

use super::{
    Cause, Failed, Shared,
    connection::{Call, News, Protocol},
    http1::is_idempotent,
    outflow::{Outflow, Payload},
    pool::{self, Asker, Pool},
};
use crate::service::BoxError;
use bytes::Bytes;
use http_body_util::BodyExt;
use sakigake_page::{Origin, load::Id};
use sakigake_semantics::{Fields, Request, Response};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::{Rc, Weak},
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::sync::mpsc;

/// The connections to one origin. Dropping it ends them, and what they carry.
///
/// Whoever leaves a response unread holds up no other request, up to 1,024 over HTTP/2 and HTTP/3, 64 a connection, and 256 over
/// HTTP/1.1; of each so much as a mebibyte waits here. More requests wait for one of them to end.
pub struct Upstream(Rc<Inner>);

/// What the connections say of the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told<'a> {
    /// A PRELOAD frame's block; of a connection that goes on from an earlier one, perhaps that one's.
    Preload {
        /// Which connection it is; newer ones have higher numbers.
        connection: usize,
        /// A header block.
        block: &'a [u8],
    },
    /// A connection is gone, and what was known by it.
    Gone {
        /// Which one.
        connection: usize,
    },
}

/// What comes of a request, in this order.
#[derive(Debug)]
pub enum Heard {
    /// An interim response, other than 100 and 101; any number of them.
    Interim(Response),
    /// The response begins.
    Head(Response),
    /// A piece of its body; any number of them.
    Data(Bytes),
    /// Fields after its body.
    Trailers(Fields),
}

/// One request under way. Dropping it cancels the request.
pub struct Exchange {
    inner: Rc<Inner>,
    id: Id,
    heard: mpsc::UnboundedReceiver<Result<Option<Heard>, Failed>>,
    /// Bytes that were handed on last, whose credit goes back when more is asked for.
    owed: usize,
    is_over: bool,
    protocol: Rc<Cell<Option<Protocol>>>,
}

type Teller = Box<dyn Fn(Told<'_>)>;

struct Inner {
    shared: Rc<Shared>,
    origin: Origin,
    pool: RefCell<Pool>,
    callers: RefCell<BTreeMap<Id, Caller>>,
    next: Cell<usize>,
    told: Teller,
}

struct Caller {
    ear: mpsc::UnboundedSender<Result<Option<Heard>, Failed>>,
    /// To ask again where a connection ended as it was asked, which happens to those that had nothing to do for long.
    again: Option<Box<Call>>,
    /// By which it was answered.
    protocol: Rc<Cell<Option<Protocol>>>,
}

impl Upstream {
    pub(super) fn new(shared: Rc<Shared>, origin: Origin, told: Teller) -> Self {
        let (ear, news) = mpsc::unbounded_channel();
        let inner = Rc::new(Inner {
            shared: shared.clone(),
            origin,
            pool: RefCell::new(Pool::new(shared, Asker::Many, false, ear)),
            callers: RefCell::default(),
            next: Cell::new(0),
            told,
        });
        tokio::task::spawn_local(listen(Rc::downgrade(&inner), news));
        Self(inner)
    }

    /// Sends a request, whose authority the caller has set.
    pub fn request(&self, request: Request, body: Option<Arc<[u8]>>) -> Exchange {
        self.call(Call { request, body: body.into() })
    }

    /// The same with a body that comes piece by piece, and perhaps trailers: it is asked for more as the server takes it. Where it
    /// ends with an error, the request does, and the server is told that it has not all of it.
    pub fn request_streamed<B>(&self, request: Request, body: B) -> Exchange
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + 'static,
    {
        let body = Outflow::new(Box::pin(body.map_err(Into::into)));
        self.call(Call { request, body: Payload::Stream(body) })
    }

    fn call(&self, call: Call) -> Exchange {
        let inner = &self.0;
        let id = Id(inner.next.replace(inner.next.get() + 1));
        let again = call.copy().filter(|call| is_idempotent(call.request.method()));
        let (ear, heard) = mpsc::unbounded_channel();
        let protocol = Rc::new(Cell::new(None));
        let caller = Caller { ear, again: again.map(Box::new), protocol: protocol.clone() };
        inner.callers.borrow_mut().insert(id, caller);
        inner.pool.borrow_mut().request(&inner.origin, id, Box::new(call));
        Exchange { inner: inner.clone(), id, heard, owed: 0, is_over: false, protocol }
    }
}

impl Exchange {
    /// The protocol of the connection that brings the response; none before it begins.
    pub fn protocol(&self) -> Option<Protocol> {
        self.protocol.get()
    }

    /// What comes next; `None` after the end. Of a body no more comes than the window allows while nobody asks.
    ///
    /// # Errors
    /// Nothing more will come.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Heard>, Failed>> {
        if self.owed > 0 {
            self.inner.pool.borrow_mut().used(self.id, core::mem::take(&mut self.owed));
        }
        if self.is_over {
            return Poll::Ready(Ok(None));
        }
        let heard = ready!(self.heard.poll_recv(cx)).unwrap_or_else(|| Err(pool::closed()));
        match &heard {
            Ok(Some(Heard::Data(bytes))) => self.owed = bytes.len(),
            Ok(Some(_)) => {}
            Ok(None) => self.leave(true),
            Err(_) => self.leave(false),
        }
        Poll::Ready(heard)
    }

    /// The same, to wait for.
    ///
    /// # Errors
    /// Nothing more will come.
    pub async fn next(&mut self) -> Result<Option<Heard>, Failed> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    fn leave(&mut self, is_whole: bool) {
        if !core::mem::replace(&mut self.is_over, true) {
            self.inner.callers.borrow_mut().remove(&self.id);
            self.inner.pool.borrow_mut().leave(self.id, is_whole);
        }
    }
}

impl Drop for Exchange {
    /// The connection's window is owed what nobody will take.
    fn drop(&mut self) {
        let mut is_whole = false;
        while let Ok(heard) = self.heard.try_recv() {
            match heard {
                Ok(Some(Heard::Data(bytes))) => self.owed += bytes.len(),
                Ok(Some(_)) | Err(_) => {}
                Ok(None) => is_whole = true,
            }
        }
        if self.owed > 0 {
            self.inner.pool.borrow_mut().used(self.id, self.owed);
        }
        self.leave(is_whole);
    }
}

/// Takes the connections' news to whom they are for, as long as there is anybody.
async fn listen(inner: Weak<Inner>, mut news: mpsc::UnboundedReceiver<(usize, News)>) {
    while let Some((number, news)) = news.recv().await {
        let Some(inner) = inner.upgrade() else { return };
        inner.hear(number, news);
    }
}

impl Inner {
    fn hear(&self, number: usize, news: News) {
        if news.request().is_some_and(|id| !self.pool.borrow().is_carried(id, number)) {
            return; // Nobody waits for it any more.
        }
        match news {
            News::Ready(ready) => self.pool.borrow_mut().ready(number, ready),
            News::Origins(set) => self.pool.borrow_mut().origins(number, *set),
            News::Found(origin, found) => drop(self.pool.borrow_mut().found(origin, found)),
            News::Frame(_) => {}
            News::Preload(block) => (self.told)(Told::Preload { connection: number, block: &block }),
            News::Interim(id, response) => self.tell(id, Ok(Some(Heard::Interim(*response)))),
            News::Head(id, response) => {
                self.pool.borrow_mut().answered(number);
                self.shared.hear_alternatives(&self.origin, &response); // For the next connection.
                if let Some(caller) = self.callers.borrow_mut().get_mut(&id) {
                    caller.again = None;
                    caller.protocol.set(self.pool.borrow().find(number).and_then(|one| one.protocol()));
                }
                self.tell(id, Ok(Some(Heard::Head(*response))));
            }
            News::Data(id, bytes) => self.tell(id, Ok(Some(Heard::Data(bytes.into())))),
            News::Trailers(id, fields) => self.tell(id, Ok(Some(Heard::Trailers(*fields)))),
            News::End(id) => self.tell(id, Ok(None)),
            News::Failed(id, why) => self.tell(id, Err(why)),
            News::Refused(id, call) => {
                if !self.pool.borrow_mut().refused(number, id, call) {
                    self.tell(id, Err(Failed::new(Cause::RecvError, "the server takes no requests")));
                }
            }
            News::Returned(id, call) => self.pool.borrow_mut().returned(number, id, call),
            News::Gone(why) => self.gone(number, &why.unwrap_or_else(pool::closed)),
        }
    }

    fn gone(&self, number: usize, why: &Failed) {
        (self.told)(Told::Gone { connection: number });
        let was_ready = self.pool.borrow().find(number).is_some_and(|one| one.protocol().is_some());
        let lost = self.pool.borrow_mut().gone(number);
        for id in lost {
            let again = self.callers.borrow_mut().get_mut(&id).and_then(|caller| caller.again.take());
            match again.filter(|_| was_ready) {
                Some(call) => self.pool.borrow_mut().request(&self.origin, id, call),
                None => self.tell(id, Err(why.clone())),
            }
        }
    }

    fn tell(&self, id: Id, heard: Result<Option<Heard>, Failed>) {
        if let Some(caller) = self.callers.borrow().get(&id) {
            let _ = caller.ear.send(heard); // Who is being dropped hears nothing.
        }
    }
}
