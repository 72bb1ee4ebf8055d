//! One connection as the pool sees it: commands in, news out, whatever protocol ALPN chose.

use super::{
    Http3, Shared, dial,
    exchanges::Exchanges,
    failure::{Cause, Failed},
    http1,
    offers::{self, Found, Way},
    outflow::Payload,
    over_quic::{Plan, Race, Raced},
    place,
    pool::Asker,
    tickets::{Keeper, Over},
    witness::Witness,
};
use sakigake_h2 as h2;
use sakigake_net::{Ended, SystemEntropy, drive};
use sakigake_page::{Origin, load::Id};
use sakigake_semantics::{Fields, Request, Response};
use sakigake_session::Session;
use sakigake_tls as tls;
use sakigake_wire::Instant;
use std::{net::SocketAddr, rc::Rc, sync::Arc};
use tokio::sync::mpsc;

/// A request and its body, ready to leave.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) request: Request,
    pub(crate) body: Payload,
}

impl Call {
    /// The same for asking again; none where some of its body may be gone.
    pub(crate) fn copy(&self) -> Option<Self> {
        Some(Self { body: self.body.copy()?, request: self.request.clone() })
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
    Ready(Ready),
    /// The server's origin set, for the first time or changed.
    Origins(Box<h2::OriginSet>),
    /// The addresses of an origin that a connection may serve.
    Found(Origin, Result<Vec<SocketAddr>, Failed>),
    /// A line for whoever watches frames.
    Frame(String),
    /// A PRELOAD frame's block, of this connection or of the one that it goes on from.
    Preload(Vec<u8>),
    /// An interim response.
    Interim(Id, Box<Response>),
    /// A response began.
    Head(Id, Box<Response>),
    /// A piece of its body.
    Data(Id, Vec<u8>),
    /// Fields after its body.
    Trailers(Id, Box<Fields>),
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

impl News {
    /// The request that it is about.
    pub(crate) fn request(&self) -> Option<Id> {
        match self {
            Self::Head(id, _)
            | Self::Interim(id, _)
            | Self::Data(id, _)
            | Self::Trailers(id, _)
            | Self::End(id)
            | Self::Failed(id, _)
            | Self::Refused(id, _)
            | Self::Returned(id, _) => Some(*id),
            _ => None,
        }
    }
}

/// A connection that can carry requests.
#[derive(Clone, Debug)]
pub(crate) struct Ready {
    pub(crate) protocol: Protocol,
    pub(crate) line: Line,
    /// Who knows its certificate; nobody where none was checked.
    pub(crate) witness: Option<Arc<Witness>>,
}

/// How a connection came about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) resolved: Instant,
    pub(crate) connected: Instant,
    pub(crate) ready: Instant,
    pub(crate) address: SocketAddr,
    pub(crate) is_proxied: bool,
}

/// What ALPN chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1: one request at a time.
    Http1,
    /// HTTP/2: as many as the server allows.
    Http2,
    /// HTTP/3, over QUIC: as many as the server allows.
    Http3,
}

impl Protocol {
    /// As status lines and people spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
            Self::Http3 => "HTTP/3",
        }
    }

    /// As ALPN spells it.
    pub(super) const fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
            Self::Http3 => b"h3",
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
    pub(crate) asker: Asker,
}

impl Ear {
    pub(crate) fn tell(&self, news: News) {
        let _ = self.news.send((self.number, news)); // A loader that is gone needs no news.
    }

    /// Hints of an earlier connection are as good as a frame of this one.
    pub(crate) fn remember(&self, hints: Option<Vec<u8>>) {
        if let Some(block) = hints {
            self.frame(|| format!("PRELOAD: {} bytes of hints are remembered", block.len()));
            self.tell(News::Preload(block));
        }
    }

    pub(crate) fn frame(&self, line: impl FnOnce() -> String) {
        if self.watches {
            self.tell(News::Frame(line()));
        }
    }
}

/// Opens a connection and serves the pool's commands until it ends.
/// `known` are the origin's addresses, where somebody looked them up.
pub(crate) async fn run(
    shared: Rc<Shared>,
    ear: Ear,
    commands: mpsc::UnboundedReceiver<Command>,
    known: Option<Vec<SocketAddr>>,
) {
    let why = connect(&shared, &ear, commands, known).await.err();
    ear.tell(News::Gone(why));
}

async fn connect(
    shared: &Rc<Shared>,
    ear: &Ear,
    commands: mpsc::UnboundedReceiver<Command>,
    known: Option<Vec<SocketAddr>>,
) -> Result<(), Failed> {
    let began = shared.clock.now();
    let is_proxied = shared.proxies.of(&ear.origin.host).is_some();
    if is_proxied || shared.http3 == Http3::Never {
        if shared.http3 == Http3::Only {
            return Err(Failed::new(Cause::Proxy, "HTTP/3 is not asked for through a proxy"));
        }
        return over_tcp(shared, ear, commands, known).await;
    }
    let Found { addresses, ways } = offers::look_up(shared, &ear.origin, known).await?;
    if ways.is_empty() {
        if shared.http3 == Http3::Only {
            let why = format_args!("cannot find {}: it has no address", ear.origin.host);
            return Err(Failed::new(Cause::CouldntResolveHost, why));
        }
        return over_tcp(shared, ear, commands, Some(addresses)).await;
    }
    let (race, exchanges) = over_quic(shared, ear, commands, ways).await?;
    ear.frame(|| format!("addresses after {}", shared.clock.now().since(began)));
    let tcp = (shared.http3 != Http3::Only).then(|| dial::dial(shared, &ear.origin, Some(addresses)));
    match race.run(exchanges, tcp).await {
        Raced::Ended(outcome) => outcome,
        Raced::Failed(why) => Err(why),
        Raced::Tcp(exchanges, dialled) => {
            let mut tickets = shared.tickets(&ear.origin, Over::Tcp);
            let earlier = tickets.as_mut().and_then(|tickets| tickets.take(shared.unix_ms()));
            let start = Start { tickets, earlier, is_early: false };
            carry(shared, ear, dialled, start, |ready| exchanges.moved(ready)).await
        }
    }
}

/// A race over QUIC, and who asks there.
async fn over_quic(
    shared: &Rc<Shared>,
    ear: &Ear,
    commands: mpsc::UnboundedReceiver<Command>,
    ways: Vec<Way>,
) -> Result<(Race, Exchanges), Failed> {
    let mut tickets = shared.tickets(&ear.origin, Over::Quic);
    let session = tickets.as_mut().and_then(|tickets| tickets.take(shared.unix_ms()));
    let is_early = shared.early_data && session.as_ref().is_some_and(|session| session.max_early_data > 0);
    if is_early {
        ear.remember(tickets.as_mut().and_then(Keeper::remembered)); // spec: preload-profile-9-a
        // Whoever loads the page runs in this thread: it has asked for what they name before the first flight leaves.
        tokio::task::yield_now().await;
    }
    let host = ear.origin.host.trim_start_matches('[').trim_end_matches(']');
    let (config, witness) = shared
        .session(host, Over::Quic, ear, is_early)
        .map_err(|misuse| Failed::new(Cause::SslConnectError, misuse))?;
    let now = shared.clock.now();
    let address = ways.first().map_or_else(|| SocketAddr::from(([0; 4], 0)), |way| way.address);
    let line = Line { resolved: now, connected: now, ready: now, address, is_proxied: false };
    let ready = Ready { protocol: Protocol::Http3, line, witness };
    let token = tickets.as_mut().map(Keeper::take_token).unwrap_or_default();
    let mut exchanges = Exchanges::new(shared.clone(), ear.clone(), commands, ready);
    exchanges.tickets = tickets;
    let plan = Plan { config, session, token, is_early, ways };
    Ok((Race::new(shared.clone(), ear.clone(), plan), exchanges))
}

/// What a connection over TCP begins with.
struct Start {
    tickets: Option<Keeper>,
    earlier: Option<tls::Session>,
    is_early: bool,
}

async fn over_tcp(
    shared: &Rc<Shared>,
    ear: &Ear,
    commands: mpsc::UnboundedReceiver<Command>,
    known: Option<Vec<SocketAddr>>,
) -> Result<(), Failed> {
    let began = shared.clock.now();
    let mut tickets = shared.tickets(&ear.origin, Over::Tcp);
    let earlier = tickets.as_mut().and_then(|tickets| tickets.take(shared.unix_ms()));
    // Over HTTP/1.1 nothing would leave early.
    let may_be_early = |earlier: &tls::Session| {
        earlier.max_early_data > 0 && earlier.alpn.as_deref() == Some(Protocol::Http2.alpn())
    };
    let is_early = shared.early_data && earlier.as_ref().is_some_and(may_be_early);
    if is_early {
        // Told before the socket is there, so that what they name leaves beside the document.
        ear.remember(tickets.as_mut().and_then(Keeper::remembered)); // spec: preload-profile-9-a
    }
    let dialled = match dial::dial(shared, &ear.origin, known).await {
        Ok(dialled) => dialled,
        Err(why) => {
            // Nobody has seen it.
            if let Some((tickets, earlier)) = tickets.zip(earlier) {
                tickets.give_back(earlier);
            }
            return Err(why);
        }
    };
    ear.frame(|| {
        let dial::Dialled { resolved, connected, address, is_proxied, .. } = &dialled;
        let kind = if *is_proxied { "the proxy at " } else { "" };
        let (dns, tcp) = (resolved.since(began), connected.since(*resolved));
        format!("connected to {kind}{address} (address after {dns}, connection after {tcp})")
    });
    let start = Start { tickets, earlier, is_early };
    let exchanges = |ready| Exchanges::new(shared.clone(), ear.clone(), commands, ready);
    carry(shared, ear, dialled, start, exchanges).await
}

/// Requests over a socket that is there, to their end.
async fn carry(
    shared: &Rc<Shared>,
    ear: &Ear,
    dialled: dial::Dialled,
    start: Start,
    exchanges: impl FnOnce(Ready) -> Exchanges,
) -> Result<(), Failed> {
    let Start { tickets, earlier, is_early } = start;
    let host = ear.origin.host.trim_start_matches('[').trim_end_matches(']');
    let (config, witness) = shared
        .session(host, Over::Tcp, ear, is_early)
        .map_err(|misuse| Failed::new(Cause::SslConnectError, misuse))?;
    let session = Session::resume(config, host, earlier, shared.clock.now(), Box::new(SystemEntropy));
    let session = session.map_err(|misuse| Failed::new(Cause::UrlMalformat, misuse))?;
    let dial::Dialled { resolved, connected, address, is_proxied, stream } = dialled;
    let line = Line { resolved, connected, ready: connected, address, is_proxied };
    // What protocol it is will be known when it is ready.
    let mut application = exchanges(Ready { protocol: Protocol::Http1, line, witness });
    application.tickets = tickets;
    match drive(stream, session, &mut application, shared.clock).await {
        Ok(Ended::Closed) => Ok(()),
        Ok(Ended::Plain(mut stream)) => {
            if let Some(mut tickets) = application.tickets.take() {
                stream.watch(move |event| tickets.hear(&event));
            }
            http1::serve(*stream, ear, application.into_commands()).await
        }
        Err(failure) => Err(Failed::of_connection(&place(&ear.origin), &failure, application.is_ready())),
    }
}
