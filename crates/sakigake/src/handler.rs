//! What stands between the protocols' fronts and a site: who answers requests, and hears how each ended.

use crate::{
    access_log::{Entry, Visit},
    files::{Ask, Reply},
    server::Seat,
    service::Local,
};
use core::task::{Context, Poll};
use sakigake_preload::table::Links;
use sakigake_semantics::Control;
use sakigake_session as session;
use std::{
    net::SocketAddr,
    rc::Rc,
    time::{Duration, SystemTime},
};

/// HTTP/2, as the log and the metrics call it.
pub(crate) const H2: &str = "h2";
/// HTTP/3.
pub(crate) const H3: &str = "h3";

/// What answers the requests of one connection.
pub(crate) trait Handler {
    /// The answer, as of `now`, to one request for `authority`: the host as the client wrote it, with the port if it wrote
    /// one; empty where HTTP/1.0 named none.
    fn answer(&self, authority: &[u8], ask: &Ask<'_>, now: SystemTime) -> Dispatched;

    /// The response to one request ended, whole or not.
    fn served(&self, served: &Served);

    /// Who asks.
    fn client(&self) -> SocketAddr;

    /// What a client that does not know the PRELOAD frame is to be told with the document at `path`, which `seat` answers.
    fn links(&self, seat: Option<&Seat>, authority: &[u8], path: &[u8]) -> Option<Links> {
        let _ = (seat, authority, path); // Whoever has no hints says nothing.
        None
    }

    /// Where else the client finds the same: the value of `alt-svc` (RFC 7838).
    fn alternative(&self) -> Option<&str> {
        None // Most are found in one place.
    }

    /// A service did what it must not; the client was told that it is not its fault.
    fn blame(&self, why: &str) {
        let _ = why; // Whoever keeps no log has nobody to tell.
    }

    /// Ready with what the session wanted, as soon as it is known.
    fn poll_answer(&self, cx: &mut Context<'_>) -> Poll<session::Answer> {
        let _ = cx; // Whoever has all keys at hand is never asked.
        Poll::Pending
    }

    /// The session said something, whatever it was.
    fn heard(&self, event: &session::Event<'_>) {
        let _ = event; // Whoever keeps no books does not listen.
    }
}

/// Which host a request came to, and its answer.
pub(crate) struct Dispatched {
    /// The host; none where the server answers itself that there is no such host here.
    pub(crate) seat: Option<Rc<Seat>>,
    pub(crate) answer: Answer,
    /// What the log wants to keep of the request's fields.
    pub(crate) visit: Option<Box<Visit>>,
}

/// How a request is answered.
pub(crate) enum Answer {
    /// At once; the request's body, if it has one, is not read.
    Reply(Reply),
    /// By asking a service.
    Service(Local),
}

/// One request and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    /// `HTTP/1.0`, `HTTP/1.1`, [`H2`] or [`H3`].
    pub(crate) protocol: &'static str,
    /// The host that answered.
    pub(crate) seat: Option<Rc<Seat>>,
    /// The request's method, path and query.
    pub(crate) asked: Control,
    /// The response's status.
    pub(crate) status: u16,
    /// Bytes of the body that were handed on: over HTTP/2 and HTTP/3, those that the engine has handed on.
    pub(crate) bytes: u64,
    /// From the end of the request's head until the end of the response's body was handed on, or never would be.
    pub(crate) took: Duration,
    /// Whether the body went out whole.
    pub(crate) whole: bool,
    /// Whether this connection had been hinted at what was asked for.
    pub(crate) hinted: bool,
    /// How many hints went out in frames for this request.
    pub(crate) hints: usize,
    /// How many went out in a 103 (Early Hints).
    pub(crate) early_hints: usize,
    /// What the log wants to keep of the request's fields.
    pub(crate) visit: Option<Box<Visit>>,
}

impl Served {
    /// What the access log says of it, now.
    pub(crate) fn entry<'a>(&'a self, client: SocketAddr, identity: &'a str) -> Entry<'a> {
        Entry {
            at: SystemTime::now(),
            client,
            identity,
            protocol: self.protocol,
            host: self.seat.as_ref().map_or("", |seat| seat.host().label()),
            method: self.asked.method(),
            path: self.asked.path(),
            status: self.status,
            bytes: self.bytes,
            took: self.took,
            whole: self.whole,
            hinted: self.hinted,
            hints: self.hints,
            early_hints: self.early_hints,
            referer: self.visit.as_ref().map_or(b"", |visit| &visit.referer),
            user_agent: self.visit.as_ref().map_or(b"", |visit| &visit.user_agent),
        }
    }
}
