//! One connection as the pool sees it: commands in, news out, whatever protocol ALPN chose.

use super::{
    Shared, dial,
    failure::{Cause, Failed},
    http1, http2, place,
};
use sakigake_net::{Ended, SystemEntropy, drive};
use sakigake_page::{Origin, load::Id};
use sakigake_semantics::{Request, Response};
use sakigake_session::Session;
use std::{rc::Rc, sync::Arc};
use tokio::sync::mpsc;

/// A request and its body, ready to leave.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) request: Request,
    pub(crate) body: Option<Arc<[u8]>>,
}

impl Call {
    pub(crate) fn body_bytes(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.len())
    }
}

/// What the pool asks of a connection.
#[derive(Debug)]
pub(crate) enum Command {
    /// Send it.
    Request(Id, Box<Call>),
    /// Nobody needs it any more.
    Cancel(Id),
    /// So many bytes of its body were used: the server may send as many more.
    Used(Id, usize),
}

/// What a connection tells.
#[derive(Debug)]
pub(crate) enum News {
    /// The handshake is over.
    Ready(Protocol),
    /// A line for whoever watches frames.
    Frame(String),
    /// A PRELOAD frame's block.
    Preload(Vec<u8>),
    /// A response began.
    Head(Id, Box<Response>),
    /// A piece of its body.
    Data(Id, Vec<u8>),
    /// It is complete.
    End(Id),
    /// It will not come.
    Failed(Id, Failed),
    /// The peer did not act on it: another connection may try.
    Refused(Id, Box<Call>),
    /// It was not sent, since this connection carries one at a time.
    Returned(Id, Box<Call>),
    /// The connection is gone, and why if that was not its time.
    Gone(Option<Failed>),
}

/// What ALPN chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1: one request at a time.
    Http1,
    /// HTTP/2: as many as the server allows.
    Http2,
}

impl Protocol {
    /// As status lines and people spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        }
    }

    /// As ALPN spells it.
    pub(super) const fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }
}

/// Where a connection's news go: marked with its number.
#[derive(Clone)]
pub(crate) struct Ear {
    pub(crate) origin: Origin,
    pub(crate) number: usize,
    pub(crate) news: mpsc::UnboundedSender<(usize, News)>,
    pub(crate) watches: bool,
}

impl Ear {
    pub(crate) fn tell(&self, news: News) {
        let _ = self.news.send((self.number, news)); // A loader that is gone needs no news.
    }

    pub(crate) fn frame(&self, line: impl FnOnce() -> String) {
        if self.watches {
            self.tell(News::Frame(line()));
        }
    }
}

/// Opens a connection and serves the pool's commands until it ends.
pub(crate) async fn run(shared: Rc<Shared>, ear: Ear, commands: mpsc::UnboundedReceiver<Command>) {
    let why = connect(&shared, &ear, commands).await.err();
    ear.tell(News::Gone(why));
}

async fn connect(
    shared: &Rc<Shared>,
    ear: &Ear,
    commands: mpsc::UnboundedReceiver<Command>,
) -> Result<(), Failed> {
    let place = place(&ear.origin);
    let began = shared.clock.now();
    let dialled = dial::dial(shared, &ear.origin, None).await?;
    ear.frame(|| {
        let dial::Dialled { resolved, connected, address, is_proxied, .. } = &dialled;
        let kind = if *is_proxied { "the proxy at " } else { "" };
        let (dns, tcp) = (resolved.since(began), connected.since(*resolved));
        format!("connected to {kind}{address} (address after {dns}, connection after {tcp})")
    });
    let host = ear.origin.host.trim_start_matches('[').trim_end_matches(']');
    let config = if ear.watches { &shared.traced } else { &shared.session };
    let session = Session::client(config.clone(), host, shared.clock.now(), Box::new(SystemEntropy));
    let session = session.map_err(|misuse| Failed::new(Cause::UrlMalformat, misuse))?;
    let mut application = http2::Http2::new(shared.clone(), ear.clone(), commands);
    match drive(dialled.stream, session, &mut application, shared.clock).await {
        Ok(Ended::Closed) => Ok(()),
        Ok(Ended::Plain(stream)) => http1::serve(*stream, ear, application.into_commands()).await,
        Err(failure) => Err(Failed::of_connection(&place, &failure, application.is_ready())),
    }
}
