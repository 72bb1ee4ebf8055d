//! The loader's commands over HTTP/2 and HTTP/3.

#[cfg(test)]
mod tests;

use super::{
    Shared,
    alternatives::Spot,
    connection::{self, Call, Command, Ear, News, Ready},
    failure::{Cause, Failed},
    offers::{Way, own},
    outflow::{PIECE_BYTES, Payload},
    tickets::Keeper,
};
use core::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use sakigake_net::Application;
use sakigake_page::load::Id;
use sakigake_semantics::{Chunk, Event, Http, Misuse, Origin, Reason, Request, StreamId};
use sakigake_session::{self as session, Carrier, Protocol};
use sakigake_tls::EarlyData;
use sakigake_wire::{Instant, Span};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};
use tokio::sync::mpsc;

/// How long a connection that has all it came for still waits for a ticket, and how many of its round trips if that is longer.
const TICKET_PATIENCE: Span = Span::from_secs(1);
const TICKET_RTTS: u64 = 2;

/// One connection's requests.
pub(super) struct Exchanges {
    shared: Rc<Shared>,
    ear: Ear,
    commands: mpsc::UnboundedReceiver<Command>,
    waiting: Vec<Command>,
    streams: BTreeMap<StreamId, Exchange>,
    /// Streams whose response is whole while the request's body is not.
    answered_early: Vec<StreamId>,
    /// Requests whose streams the server reset, and with which error code.
    broken: Vec<(Exchange, u64)>,
    /// Streams whose requests' bodies come from somebody else.
    streamed: BTreeSet<StreamId>,
    /// What is told when the handshake is over.
    ready: Ready,
    /// Where tickets go, if anywhere.
    pub(super) tickets: Option<Keeper>,
    has_new_origins: bool,
    is_ready: bool,
    is_over: bool,
    /// Where the connection leads, if that is not the origin's own place (RFC 7838 section 5).
    alternative: Option<Vec<u8>>,
    /// The server answers early data before its tickets: who leaves with the answer comes back without one.
    is_ticket_due: bool,
    /// How long a ticket is still waited for.
    patience: Option<Pin<Box<tokio::time::Sleep>>>,
}

/// A request and what came of it.
struct Exchange {
    id: Id,
    call: Box<Call>,
    /// Bytes of the request's body that are queued, where all of it is here.
    sent: usize,
    /// Bytes of the body that the loader has not used yet.
    unread: usize,
    /// The response began: the loader has its head.
    has_begun: bool,
    /// The response is complete; only its last credit is outstanding.
    is_over: bool,
    /// It left before the handshake was over.
    is_early: bool,
}

impl Exchanges {
    pub(super) fn new(
        shared: Rc<Shared>,
        ear: Ear,
        commands: mpsc::UnboundedReceiver<Command>,
        ready: Ready,
    ) -> Self {
        let mut commands = commands;
        // What is asked for by now leaves in the first write: early data would come too late in the second.
        let waiting = core::iter::from_fn(|| commands.try_recv().ok()).collect();
        Self {
            shared,
            ear,
            commands,
            waiting,
            streams: BTreeMap::new(),
            answered_early: Vec::new(),
            broken: Vec::new(),
            streamed: BTreeSet::new(),
            ready,
            tickets: None,
            has_new_origins: false,
            is_ready: false,
            is_over: false,
            alternative: None,
            is_ticket_due: false,
            patience: None,
        }
    }

    /// The handshake is about to be told as over, on a connection that leads there.
    pub(super) fn goes_to(&mut self, way: &Way) {
        self.ready.line.address = way.address;
        let Spot { host, port } = &way.spot;
        self.alternative = (way.spot != own(&self.ear.origin)).then(|| format!("{host}:{port}").into_bytes());
    }

    /// Asks on another connection, which nothing was asked on yet.
    pub(super) fn moved(mut self, ready: Ready) -> Self {
        self.begin_anew();
        let (mut waiting, commands) = self.take_commands();
        let mut moved = Self::new(self.shared.clone(), self.ear.clone(), commands, ready);
        waiting.append(&mut moved.waiting);
        moved.waiting = waiting;
        moved
    }

    /// The commands that were not yet carried out, and those to come.
    pub(super) fn into_commands(mut self) -> (Vec<Command>, mpsc::UnboundedReceiver<Command>) {
        self.take_commands()
    }

    fn take_commands(&mut self) -> (Vec<Command>, mpsc::UnboundedReceiver<Command>) {
        let (_, none) = mpsc::unbounded_channel();
        (core::mem::take(&mut self.waiting), core::mem::replace(&mut self.commands, none))
    }

    /// Whether the handshake is over.
    pub(super) fn is_ready(&self) -> bool {
        self.is_ready
    }

    fn stream_of(&self, id: Id) -> Option<StreamId> {
        self.streams.iter().find(|(_, exchange)| exchange.id == id).map(|(stream, _)| *stream)
    }

    fn carry_out(&mut self, now: Instant, command: Command, session: &mut dyn Carrier) {
        let Some(http) = session.http() else { return };
        match command {
            Command::Request(id, call) => match http
                .request(&self.addressed(&call.request), call.body.is_none())
            {
                Ok(stream) => {
                    let is_early = !self.is_ready;
                    if matches!(call.body, Payload::Stream(_)) {
                        self.streamed.insert(stream);
                    }
                    let exchange =
                        Exchange { id, call, sent: 0, unread: 0, has_begun: false, is_over: false, is_early };
                    self.streams.insert(stream, exchange);
                }
                // It waits for a stream to end.
                Err(Misuse::TooManyStreams) => self.waiting.push(Command::Request(id, call)),
                Err(Misuse::Closing | Misuse::NoMoreStreams) => self.ear.tell(News::Refused(id, call)),
                Err(misuse) => self
                    .ear
                    .tell(News::Failed(id, Failed::new(Cause::of_engine(self.ready.protocol), misuse))),
            },
            Command::Cancel(id) => {
                self.waiting.retain(|waiting| !matches!(waiting, Command::Request(other, _) if *other == id));
                if let Some(stream) = self.stream_of(id) {
                    http.reset(stream, Reason::Cancel);
                    self.streams.remove(&stream);
                }
            }
            Command::Used(id, len) => {
                if let Some(stream) = self.stream_of(id) {
                    http.consume(now, stream, len);
                    self.settle(stream, |exchange| exchange.unread = exchange.unread.saturating_sub(len));
                }
            }
        }
    }

    /// A request as it leaves here.
    fn addressed<'a>(&self, request: &'a Request) -> Cow<'a, Request> {
        let Some(alternative) = &self.alternative else { return Cow::Borrowed(request) };
        let mut request = request.clone();
        request.fields.push(b"alt-used", alternative); // spec: 7838-5-a
        Cow::Owned(request)
    }

    /// Moves bodies of requests into their streams' queues, as far as there is room.
    fn send_bodies(&mut self, session: &mut dyn Carrier) {
        let Some(http) = session.http() else { return };
        let mut failed = Vec::new();
        for (stream, exchange) in self.streams.iter_mut().filter(|(_, exchange)| !exchange.is_over) {
            match &mut exchange.call.body {
                Payload::None => {}
                Payload::Whole(body) => exchange.sent = send_whole(body, exchange.sent, *stream, http),
                Payload::Stream(outflow) => {
                    if let Err(why) = outflow.send(*stream, http) {
                        failed.push((*stream, why));
                    }
                }
            }
        }
        for (stream, why) in failed {
            http.reset(stream, Reason::Cancel); // Nobody is to take what came for all of it.
            if let Some(exchange) = self.streams.remove(&stream) {
                let why = format_args!("the request's body broke off: {why}");
                self.ear.tell(News::Failed(exchange.id, Failed::new(Cause::ReadError, why)));
            }
        }
        let streams = &self.streams;
        self.streamed.retain(|stream| streams.get(stream).is_some_and(Exchange::is_sending));
        for stream in self.answered_early.drain(..) {
            http.reset(stream, Reason::Cancel);
        }
    }

    /// Tells of streams that were reset, by the protocol's names for the codes.
    fn tell_broken(&mut self, http: &dyn Http) {
        let protocol = self.ready.protocol;
        for (exchange, code) in self.broken.drain(..) {
            let name = http.error_name(code);
            let why = format_args!("{}: the stream was reset ({name}, {code:#x})", protocol.name());
            self.ear.tell(News::Failed(exchange.id, Failed::new(Cause::of_stream(protocol), why)));
        }
    }

    /// The server's origin set, when it changed; our own origin is in it.
    fn tell_origins(&mut self, session: &mut dyn Carrier) {
        if !core::mem::take(&mut self.has_new_origins) {
            return;
        }
        let own = Origin::parse(self.ear.origin.to_string().as_bytes());
        let Some((http, own)) = session.http().zip(own) else { return };
        http.connected_to(own);
        if let Some(set) = http.origins() {
            self.ear.tell(News::Origins(Box::new(set.clone())));
        }
    }

    fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::Origin => self.has_new_origins = true,
            Event::Preload { block } => self.ear.tell(News::Preload(block.to_vec())),
            Event::Informational { stream, response } => {
                self.ear.frame(|| {
                    let links = response.fields.find_all(b"link").count();
                    format!("< {} on stream {}, {links} links", response.status, stream.0)
                });
                if let Some(exchange) = self.streams.get(&stream) {
                    self.ear.tell(News::Interim(exchange.id, Box::new(response)));
                }
            }
            Event::Response { stream, response, .. }
                if response.status == TOO_EARLY && self.is_early(stream) =>
            {
                self.ask_again(stream); // spec: 8470-5.2-a
            }
            Event::Response { stream, response, end } => {
                if let Some(exchange) = self.streams.get_mut(&stream) {
                    exchange.has_begun = true;
                    self.ear.tell(News::Head(exchange.id, Box::new(response)));
                }
                self.finish(stream, end);
            }
            Event::Data { stream, bytes, end } => {
                if let Some(exchange) = self.streams.get_mut(&stream)
                    && !bytes.is_empty()
                {
                    exchange.unread += bytes.len();
                    self.ear.tell(News::Data(exchange.id, bytes.to_vec()));
                }
                self.finish(stream, end);
            }
            Event::Trailers { stream, fields } => {
                if let Some(exchange) = self.streams.get(&stream) {
                    self.ear.tell(News::Trailers(exchange.id, Box::new(fields)));
                }
                self.finish(stream, true);
            }
            Event::Reset { stream, code, untouched } => match self.streams.remove(&stream) {
                None | Some(Exchange { is_over: true, .. }) => {}
                // Whoever answers has acted on it, whatever it says later: asked again, one response would be made of two.
                Some(Exchange { id, call, has_begun: false, .. })
                    if untouched && call.body.is_untouched() =>
                {
                    self.ear.tell(News::Refused(id, call));
                }
                Some(exchange) => self.broken.push((exchange, code)),
            },
            Event::Settings
            | Event::GoAway { .. }
            | Event::Request { .. }
            | Event::Writable { .. }
            | Event::Finished { .. } => {}
        }
    }

    /// The response is whole, if that was its end.
    fn finish(&mut self, stream: StreamId, end: bool) {
        if end && let Some(exchange) = self.streams.get(&stream) {
            self.ear.tell(News::End(exchange.id));
            if exchange.is_sending() {
                self.answered_early.push(stream); // The rest has no use (RFC 9113 section 8.1).
            }
            self.settle(stream, |exchange| exchange.is_over = true);
        }
    }

    /// A stream is remembered until its last byte was used: the connection's window is owed that credit.
    fn settle(&mut self, stream: StreamId, change: impl FnOnce(&mut Exchange)) {
        let Some(exchange) = self.streams.get_mut(&stream) else { return };
        change(exchange);
        if exchange.is_over && exchange.unread == 0 {
            self.streams.remove(&stream);
        }
    }
}

impl Exchange {
    /// Whether some of the request has not been queued.
    fn is_sending(&self) -> bool {
        match &self.call.body {
            Payload::None => false,
            Payload::Whole(body) => self.sent < body.len(),
            Payload::Stream(outflow) => outflow.is_open(),
        }
    }
}

/// Queues what there is room for of a body, of which so much is queued; gives how much is then.
fn send_whole(body: &[u8], mut sent: usize, stream: StreamId, http: &mut dyn Http) -> usize {
    while sent < body.len() {
        let len = http.room(stream).min(body.len() - sent).min(PIECE_BYTES);
        let end = sent + len == body.len();
        // A stream that takes nothing any more was reset, which is told beside this.
        if len == 0 || http.send(stream, Chunk::Owned(body[sent..sent + len].to_vec()), end).is_err() {
            break;
        }
        sent += len;
    }
    sent
}

impl Exchanges {
    /// Ready when one of the requests' bodies has more to send.
    fn poll_bodies(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut polled = Poll::Pending;
        for stream in &self.streamed {
            let Some(exchange) = self.streams.get_mut(stream).filter(|exchange| !exchange.is_over) else {
                continue;
            };
            if let Payload::Stream(outflow) = &mut exchange.call.body
                && outflow.poll(cx).is_ready()
            {
                polled = Poll::Ready(());
            }
        }
        polled
    }

    /// Whether a ticket is worth waiting for before the connection ends.
    fn awaits_ticket(&self) -> bool {
        self.is_ticket_due && self.patience.is_some()
    }

    fn is_early(&self, stream: StreamId) -> bool {
        self.streams.get(&stream).is_some_and(|exchange| exchange.is_early)
    }

    /// The server saw nothing of what was asked early: it is asked again, once, since nothing is early any more. Under another
    /// protocol that is another request, which whoever speaks it makes of the same call.
    pub(super) fn begin_anew(&mut self) {
        if self.streams.is_empty() {
            return;
        }
        let lost = core::mem::take(&mut self.streams).into_values();
        self.ear.frame(|| format!("early data: {} requests are sent again", lost.len()));
        let again = lost.map(|exchange| Command::Request(exchange.id, exchange.call));
        self.waiting.splice(..0, again);
    }

    /// The server does not answer this early; the handshake is over by now.
    fn ask_again(&mut self, stream: StreamId) {
        if let Some(Exchange { id, call, .. }) = self.streams.remove(&stream) {
            self.ear.frame(|| format!("425 Too Early on stream {}: it is asked again", stream.0));
            self.answered_early.push(stream);
            self.waiting.push(Command::Request(id, call));
        }
    }
}

/// Whether it may leave as early data: whoever records that may send it again, so that it must change nothing.
fn may_be_early(command: &Command) -> bool {
    match command {
        Command::Request(_, call) => {
            call.body.is_none() && matches!(call.request.method(), b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE") // spec: 8470-4-a
        }
        Command::Cancel(_) | Command::Used(..) => true,
    }
}

/// 425 (RFC 8470 section 5.2).
const TOO_EARLY: u16 = 425;

impl Drop for Exchanges {
    /// What was not carried out when a connection ends was never sent: whatever it asks for, another one may (RFC 9113 section 8.7, RFC
    /// 9114 section 4.1.1). Of a connection that never was, its owner hears why.
    fn drop(&mut self) {
        if !self.is_ready {
            return;
        }
        self.commands.close();
        let waiting = core::mem::take(&mut self.waiting).into_iter();
        for command in waiting.chain(core::iter::from_fn(|| self.commands.try_recv().ok())) {
            if let Command::Request(id, call) = command
                && call.body.is_untouched()
            {
                self.ear.tell(News::Refused(id, call));
            }
        }
    }
}

impl Application for Exchanges {
    fn heard(&mut self, now: Instant, event: session::Event<'_>) {
        if let Some(tickets) = &mut self.tickets {
            tickets.hear(&event);
        }
        match event {
            session::Event::Ready { protocol, is_resumed, early_data, .. } => {
                self.is_ready = true;
                let carrier = if protocol == Protocol::H3 { "QUIC" } else { "TLS" };
                self.ear.frame(|| {
                    let how = if is_resumed { "resumed" } else { "full handshake" };
                    let early_data = match early_data {
                        EarlyData::None => "",
                        EarlyData::Accepted { .. } => ", early data accepted",
                        EarlyData::Rejected => ", early data rejected",
                    };
                    format!("{carrier}: {how}{early_data}")
                });
                match early_data {
                    EarlyData::None => {}
                    EarlyData::Accepted { .. } => self.is_ticket_due = self.tickets.is_some(),
                    EarlyData::Rejected => self.begin_anew(),
                }
                self.ready.line.ready = now;
                self.ready.protocol = match protocol {
                    Protocol::H2 => connection::Protocol::Http2,
                    Protocol::H3 => connection::Protocol::Http3,
                    Protocol::Plain => connection::Protocol::Http1,
                };
                self.ear.tell(News::Ready(self.ready.clone()));
            }
            session::Event::Http(event) => self.hear(event),
            session::Event::Ticket(_) => self.is_ticket_due = false,
            session::Event::Frame { is_sent, seen } => {
                self.ear.frame(|| format!("{} {seen}", if is_sent { '>' } else { '<' }));
            }
            session::Event::Http3Frame { is_sent, seen } => {
                self.ear.frame(|| format!("{} {seen}", if is_sent { '>' } else { '<' }));
            }
            session::Event::KeyLog(line) => {
                if let Some(Err(error)) = self.shared.key_log.as_ref().map(|file| file.write(line)) {
                    self.ear.frame(|| format!("the key log: {error}"));
                }
            }
            _ => {}
        }
    }

    fn act(&mut self, now: Instant, session: &mut dyn Carrier) {
        if self.is_ready {
            self.ear.remember(self.tickets.as_mut().and_then(Keeper::recalled));
        }
        if let Some(http) = session.http() {
            self.tell_broken(http);
            for command in core::mem::take(&mut self.waiting) {
                // What is there before the handshake is over takes what may come to the server twice.
                match self.is_ready || may_be_early(&command) {
                    true => self.carry_out(now, command, session),
                    false => self.waiting.push(command),
                }
            }
            self.send_bodies(session);
            self.tell_origins(session);
        }
        if self.is_over && !self.awaits_ticket() {
            session.close(now);
        }
    }

    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_over {
            let Some(patience) = &mut self.patience else { return Poll::Pending };
            core::task::ready!(patience.as_mut().poll(cx));
            self.patience = None;
            return Poll::Ready(());
        }
        let bodies = self.poll_bodies(cx);
        let Poll::Ready(command) = self.commands.poll_recv(cx) else { return bodies };
        match command {
            Some(command) => self.waiting.push(command),
            None => {
                self.is_over = true;
                let rtt = self.ready.line.connected.since(self.ready.line.resolved);
                let patience = TICKET_PATIENCE.max(rtt.times(TICKET_RTTS));
                self.patience = Some(Box::pin(tokio::time::sleep(Duration::from_nanos(patience.as_nanos()))));
            }
        }
        while let Ok(command) = self.commands.try_recv() {
            self.waiting.push(command);
        }
        Poll::Ready(())
    }
}
