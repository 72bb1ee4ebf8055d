//! HTTP/3 over a QUIC connection that its owner drives: everything of such a session but the `quic::Connection` itself.
//!
//! ```text
//!   quic::Event -> Http3::heard -> h3::Connection -> Event
//!   acts (OverQuic) -> h3::Connection -> Http3::depart -> quic::Connection -> transmit
//! ```
//!
//! The owner calls [`Http3::begin`] once, [`Http3::heard`] with all that the connection says, and, whenever it is free,
//! [`Http3::tell`], its acts by way of [`OverQuic`], then [`Http3::depart`], before it sends.

mod departure;
mod frames;
mod remembered;

use crate::{
    Agreed, Carrier, ClientConfig, Event, Fault, Mark, Protocol, ServerConfig,
    hints::{Hints, Speaks},
};
use frames::Frames;
use sakigake_h3 as h3;
use sakigake_preload::{Told, table::Flight};
use sakigake_quic::{
    connection::{self as quic, Closed},
    streams::{Direction, Heard},
};
use sakigake_semantics::{self as semantics, Http, StreamId};
use sakigake_tls as tls;
use sakigake_wire::{Entropy, Instant, Span};
use std::sync::Arc;

/// HTTP/3, as ALPN names it (RFC 9114 section 3.1).
const H3: &[u8] = b"h3";

/// Tickets that wait for the server's SETTINGS; the newest stay.
const TICKETS: usize = 4;

/// What a session over QUIC has beside its connection.
pub struct Http3 {
    role: Role,
    /// Once ALPN chose it, or from the beginning where early data may be sent.
    engine: Option<Box<h3::Connection>>,
    server_name: Option<String>,
    agreed: Option<Agreed>,
    identity: Option<tls::Identity>,
    is_ready: bool,
    /// The host asks clients who they are: hints wait until one has said so.
    is_client_asked: bool,
    /// A server's tickets wait until it is known what they say of hints.
    owes_tickets: bool,
    /// Early data was in vain: the connection has to forget its streams before anything leaves.
    begins_anew: bool,
    /// The engine knows what the peer lets leave of its encoder's instructions, as of the last turn.
    knows_credit: bool,
    is_closing: bool,
    /// What ended it, but for a good reason.
    fault: Option<Box<Fault>>,
    is_over: bool,
    /// A client's tickets until it knows what settings they go by.
    tickets: Vec<tls::Session>,
    /// Until it is known what is spoken.
    grease: Option<Box<h3::Grease>>,
    /// The frames that pass by, where they are shown.
    frames: Option<Box<Frames>>,
    /// How many requests the peer may make in all, as far as it was told.
    peer_requests: u64,
    /// Bytes of all streams that had left when it was last asked which of them wait.
    sent_before: u64,
}

enum Role {
    Server { config: Arc<ServerConfig>, hints: Option<Hints> },
    Client { config: Arc<ClientConfig> },
}

impl Http3 {
    /// A server's side. The configuration's `tls` is that of the connection.
    pub fn server(config: Arc<ServerConfig>) -> Self {
        let hints = config.hints.clone().map(Hints::new);
        Self::new(Role::Server { config, hints })
    }

    /// A client's side.
    pub fn client(config: Arc<ClientConfig>) -> Self {
        Self::new(Role::Client { config })
    }

    fn new(role: Role) -> Self {
        let is_traced = match &role {
            Role::Server { config, .. } => config.trace,
            Role::Client { config } => config.trace,
        };
        Self {
            role,
            frames: is_traced.then(Box::default),
            engine: None,
            server_name: None,
            agreed: None,
            identity: None,
            is_ready: false,
            is_client_asked: false,
            owes_tickets: false,
            begins_anew: false,
            knows_credit: false,
            is_closing: false,
            fault: None,
            is_over: false,
            tickets: Vec::new(),
            grease: None,
            peer_requests: 0,
            sent_before: 0,
        }
    }

    /// The same, which says things that mean nothing, so that peers stay used to them (RFC 9114 sections 6.2.3 and 7.2.8).
    #[must_use]
    pub fn greased(mut self, entropy: &mut dyn Entropy) -> Self {
        self.grease = Some(Box::new(h3::Grease::draw(entropy)));
        self
    }

    /// The engine of a connection that begins.
    fn begun(&self, mut engine: h3::Connection) -> Box<h3::Connection> {
        if let Some(grease) = &self.grease {
            engine.grease(**grease);
        }
        engine.allow_peer_requests(self.peer_requests);
        Box::new(engine)
    }

    /// The connection is there, and nothing has come or left. `remembered` is what an earlier one kept
    /// ([`Http3::remembered`]), where this one goes on from it.
    pub fn begin(&mut self, connection: &mut quic::Connection, remembered: Option<h3::Settings>) {
        self.peer_requests = connection.allowed(Direction::Bidirectional);
        match &self.role {
            Role::Server { config, hints } => {
                if let Some(h3) = &config.h3 {
                    let settings = h3::Connection::server(h3.clone()).settings();
                    connection.set_early_terms(settings.to_bytes()); // spec: 9114-7.2.4.2-b
                }
                if hints.is_some() {
                    self.owes_tickets = true;
                    connection.hold_tickets();
                }
            }
            Role::Client { config } => {
                let is_ours = |early: &&tls::EarlyOffer| early.alpn.as_deref() == Some(H3);
                let may = connection.early_data().filter(is_ours).and(config.h3.clone());
                // Who does not know what the server takes begins when it is heard.
                if let (Some(h3), Some(settings)) = (may, remembered) {
                    let mut engine = h3::Connection::client(h3);
                    engine.remember(settings);
                    self.engine = Some(self.begun(engine));
                }
            }
        }
    }

    /// What a ticket of [`Event::Ticket`] keeps for [`Http3::begin`]; to be asked before the ticket is used up.
    pub fn remembered(session: &tls::Session) -> Option<h3::Settings> {
        remembered::of(session)
    }

    /// Takes what the connection said. What the peer did wrong is told to it by [`Http3::depart`], and known from
    /// [`Http3::outcome`].
    pub fn heard(&mut self, now: Instant, event: quic::Event<'_>, heard: &mut impl FnMut(Event<'_>)) {
        match event {
            quic::Event::Negotiated(negotiated) => self.negotiated(now, negotiated, heard),
            quic::Event::Authenticated(identity) => self.identity = identity,
            quic::Event::Established => self.established(heard),
            quic::Event::Wanted(wanted) => heard(Event::Wanted(wanted.clone())),
            quic::Event::Ticket(session) => {
                if self.tickets.len() == TICKETS {
                    self.tickets.remove(0);
                }
                self.tickets.push(*session);
                self.tell_tickets(heard);
            }
            quic::Event::NewToken(token) => heard(Event::Token(token)),
            quic::Event::Stream(stream) => {
                self.listen(now, stream, heard);
                self.tell_tickets(heard);
            }
            quic::Event::Datagram(bytes) => {
                let Some(engine) = &mut self.engine else { return };
                match engine.handle_datagram(now, bytes) {
                    Ok(Some((stream, bytes))) => heard(Event::Datagram { stream, bytes }),
                    Ok(None) => {}
                    Err(fault) => self.end_by(Fault::H3(fault)),
                }
            }
            quic::Event::KeyLog(line) => heard(Event::KeyLog(line)),
            quic::Event::Quiet => {
                if let Some(engine) = &mut self.engine {
                    engine.shrink();
                }
            }
            quic::Event::Closed(closed) => self.closed(closed, heard),
            // What is left concerns who routes datagrams; `depart` looks for room by itself.
            quic::Event::Confirmed
            | quic::Event::Writable(_)
            | quic::Event::Retired(_)
            | quic::Event::Validated(_)
            | quic::Event::Moved(_)
            | quic::Event::OtherVersions(_)
            | quic::Event::Traced { .. } => {}
        }
    }

    /// Gives the events that arose in [`Http3::depart`], [`Http3::expire`] and the owner's own acts.
    pub fn tell(&mut self, heard: &mut impl FnMut(Event<'_>)) {
        if let Some(frames) = &mut self.frames {
            frames.tell(heard);
        }
        if let Some(engine) = &mut self.engine {
            engine.tell(&mut |event| heard(Event::Http(event)));
        }
    }

    /// When to call [`Http3::expire`], beside the connection's own deadline.
    pub fn deadline(&self) -> Option<Instant> {
        let engine = self.engine.as_ref().and_then(|engine| engine.deadline());
        let hints = match &self.role {
            Role::Server { hints: Some(hints), .. } => hints.deadline(),
            Role::Server { hints: None, .. } | Role::Client { .. } => None,
        };
        [engine, hints].into_iter().flatten().min()
    }

    /// Time passed; [`Http3::depart`] follows.
    pub fn expire(&mut self, now: Instant) {
        if let Some(engine) = &mut self.engine {
            engine.expire(now);
        }
    }

    /// How it ended, once it did: well, or by whose fault.
    pub fn outcome(&self) -> Option<Result<(), &Fault>> {
        self.is_over.then(|| self.fault.as_deref().map_or(Ok(()), Err))
    }

    /// Whether the handshake is over on this side.
    pub fn is_ready(&self) -> bool {
        self.is_ready
    }

    fn negotiated(&mut self, now: Instant, negotiated: tls::Negotiated, heard: &mut impl FnMut(Event<'_>)) {
        let tls::Negotiated {
            server_name,
            alpn,
            suite,
            group,
            is_resumed,
            is_client_asked,
            early_data,
            note,
        } = negotiated;
        if let Role::Server { hints: Some(hints), .. } = &mut self.role
            && let Some(told) = note.as_ref().and_then(Told::from_bytes)
        {
            hints.returned(now, told, server_name.as_deref());
        }
        (self.is_client_asked, self.server_name) = (is_client_asked, server_name);
        let is_taken = matches!(early_data, tls::EarlyData::Accepted { .. });
        let is_ours = alpn.as_deref() == Some(H3);
        match &self.role {
            Role::Server { config, .. } => {
                let h3 = config.h3_for(self.server_name.as_deref()).filter(|_| is_ours); // spec: preload-profile-2-b
                self.engine = h3.map(|h3| self.begun(h3::Connection::server(h3)));
            }
            Role::Client { .. } if is_taken && self.engine.is_some() => {} // It goes on with what it said.
            Role::Client { config } => {
                self.begins_anew = self.engine.is_some();
                let h3 = config.h3.clone().filter(|_| is_ours);
                self.engine = h3.map(|h3| self.begun(h3::Connection::client(h3)));
            }
        }
        self.grease = None;
        self.knows_credit = false;
        self.agreed = Some(Agreed { suite, group, alpn, is_resumed, early_data });
        if is_taken && matches!(self.role, Role::Server { .. }) {
            heard(Event::Early { server_name: self.server_name.clone() });
        }
    }

    /// What is wrong first is what ends it.
    fn end_by(&mut self, fault: Fault) {
        self.fault.get_or_insert_with(|| Box::new(fault));
    }

    fn established(&mut self, heard: &mut impl FnMut(Event<'_>)) {
        self.is_ready = true;
        let agreed = self.agreed.as_ref();
        let is_resumed = agreed.is_some_and(|agreed| agreed.is_resumed);
        let early_data = agreed.map_or_else(Default::default, |agreed| agreed.early_data);
        let protocol = if self.engine.is_some() { Protocol::H3 } else { Protocol::Plain };
        let (server_name, identity) = (self.server_name.clone(), self.identity.clone());
        heard(Event::Ready { protocol, server_name, is_resumed, identity, early_data });
    }

    /// A stream said something.
    fn listen(&mut self, now: Instant, stream: Heard<'_>, heard: &mut impl FnMut(Event<'_>)) {
        let Self { engine: Some(engine), role, server_name, frames, .. } = self else { return };
        if let Some(frames) = frames {
            frames.received(&stream, heard);
        }
        let mut listener = |event: semantics::Event<'_>| {
            if let (
                semantics::Event::Request { stream, request, .. },
                Role::Server { hints: Some(hints), .. },
            ) = (&event, &mut *role)
            {
                hints.asked(*stream, request, server_name.as_deref());
            }
            heard(Event::Http(event));
        };
        let outcome = match stream {
            Heard::Data { id, bytes } => {
                engine.handle(now, StreamId(id.number()), bytes, false, &mut listener)
            }
            Heard::Finished { id } => engine.handle(now, StreamId(id.number()), &[], true, &mut listener),
            Heard::Reset { id, code } => engine.reset_heard(now, StreamId(id.number()), code, &mut listener),
            Heard::Stopped { id, code } => engine.stop_heard(now, StreamId(id.number()), code, &mut listener),
            Heard::Opened { .. } | Heard::Delivered { .. } | Heard::MayOpen { .. } => Ok(()),
        };
        if let Err(fault) = outcome {
            self.end_by(Fault::H3(fault));
        }
    }

    /// Tickets are of use with the settings of the server that gave them.
    fn tell_tickets(&mut self, heard: &mut impl FnMut(Event<'_>)) {
        let settings = self.engine.as_ref().and_then(|engine| engine.peer_settings());
        if self.tickets.is_empty() || (settings.is_none() && self.engine.is_some()) {
            return;
        }
        for mut session in core::mem::take(&mut self.tickets) {
            if let Some(settings) = &settings {
                remembered::keep(&mut session, settings);
            }
            heard(Event::Ticket(Box::new(session)));
        }
    }

    fn closed(&mut self, closed: Closed, heard: &mut impl FnMut(Event<'_>)) {
        self.is_over = true;
        let is_good = match &closed {
            Closed::Local => true,
            Closed::Peer { code, frame_type: None, .. } => *code == h3::ErrorCode::NoError.wire(),
            Closed::Peer { code, frame_type: Some(_), .. } => *code == 0,
            Closed::Idle => self.is_ready && self.engine.as_ref().is_none_or(|engine| !engine.has_streams()),
            Closed::Fault(_) | Closed::Reset | Closed::NoPath | Closed::Version => false,
        };
        if !is_good {
            self.end_by(Fault::Quic(closed));
        }
        heard(Event::Closed);
    }
}

/// A session over QUIC as an owner of HTTP sees it.
pub struct OverQuic<'a> {
    /// The connection.
    pub connection: &'a mut quic::Connection,
    /// All else.
    pub http3: &'a mut Http3,
}

impl Carrier for OverQuic<'_> {
    fn http(&mut self) -> Option<&mut dyn Http> {
        if !self.http3.knows_credit {
            self.http3.learn_credit(self.connection);
        }
        let engine = self.http3.engine.as_mut()?;
        engine.allow_requests(self.connection.openable(Direction::Bidirectional).end);
        Some(&mut **engine)
    }

    fn mark(&mut self, stream: StreamId) -> Mark {
        match &mut self.http3.role {
            Role::Server { hints: Some(hints), .. } => hints.mark(stream),
            Role::Server { hints: None, .. } | Role::Client { .. } => Mark::default(),
        }
    }

    fn server_name(&self) -> Option<&str> {
        self.http3.server_name.as_deref()
    }

    fn agreed(&self) -> Option<&Agreed> {
        self.http3.agreed.as_ref()
    }

    fn is_ready(&self) -> bool {
        self.http3.is_ready
    }

    fn identity(&self) -> Option<&tls::Identity> {
        self.http3.identity.as_ref()
    }

    fn exporter(&self) -> Option<&tls::Exporter> {
        self.connection.exporter()
    }

    fn close(&mut self, now: Instant) {
        self.http3.is_closing = true;
        if let Some(engine) = &mut self.http3.engine {
            engine.drain(now, rtt(self.connection));
        }
    }
}

/// The engine and what it does not know, as hints need them.
struct Speaker<'a> {
    engine: &'a mut h3::Connection,
    rtt: Option<Span>,
}

impl Speaks for Speaker<'_> {
    fn preload(&mut self, flight: &Flight) -> bool {
        self.engine.preload(flight.section()).is_ok()
    }

    fn knows_preload(&self) -> bool {
        self.engine.knows_preload()
    }

    fn rtt(&self) -> Option<Span> {
        self.rtt
    }
}

/// So far as it was measured.
fn rtt(connection: &quic::Connection) -> Option<Span> {
    let rtt = connection.rtt();
    rtt.first_sample().map(|_| rtt.smoothed())
}

#[cfg(test)]
mod tests;
