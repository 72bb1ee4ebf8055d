//! Two handshakes and their owners, who carry bytes by level as QUIC does.

use crate::{
    Answer, Fact, Fault, Flight, Handshake, Level, Negotiated, Session, Step, TrafficSecret, Wanted, client,
    handshake::tests::pair::{Counter, NOW, Side, client_options},
    handshake::tests::resumption,
    rules::HandshakeType,
    server,
};
use core::fmt::Write as _;

pub(super) const OF_CLIENT: &[u8] = b"parameters of the client";
pub(super) const OF_SERVER: &[u8] = b"parameters of the server";

/// What a server's owner answers to [`Wanted::TransportParameters`].
#[derive(Clone)]
pub(super) struct Owner {
    pub(super) parameters: Vec<u8>,
    pub(super) remembered: Vec<u8>,
    pub(super) takes_early_data: bool,
    pub(super) takes_ticket: bool,
}

impl Default for Owner {
    fn default() -> Self {
        Self {
            parameters: OF_SERVER.to_vec(),
            remembered: b"limits".to_vec(),
            takes_early_data: true,
            takes_ticket: true,
        }
    }
}

impl Owner {
    pub(super) fn answer(&self) -> Answer {
        let Self { parameters, remembered, takes_early_data, takes_ticket } = self.clone();
        match takes_ticket {
            true => Answer::TransportParameters { parameters, remembered, takes_early_data },
            false => Answer::FullHandshake { parameters, remembered },
        }
    }
}

/// One side with what it has given out.
pub(super) struct End {
    pub(super) handshake: Handshake,
    flight: Flight,
    /// What it did, in order.
    pub(super) story: Vec<String>,
    pub(super) facts: Vec<Fact>,
    pub(super) wanted: Vec<Wanted>,
    pub(super) write: Vec<TrafficSecret>,
    pub(super) read: Vec<TrafficSecret>,
    /// Bytes for the other side by level, and how many of them were delivered.
    pub(super) sent: [(Level, Vec<u8>, usize); 3],
}

impl End {
    fn new(handshake: Handshake, flight: Flight) -> Self {
        Self {
            handshake,
            flight,
            story: Vec::new(),
            facts: Vec::new(),
            wanted: Vec::new(),
            write: Vec::new(),
            read: Vec::new(),
            sent: [Level::Plain, Level::Handshake, Level::Application].map(|level| (level, Vec::new(), 0)),
        }
    }

    pub(super) fn handle(&mut self, level: Level, bytes: &[u8]) -> Result<(), Fault> {
        let result = self.handshake.handle(NOW, level, bytes, &mut self.flight);
        self.carry_out();
        result
    }

    pub(super) fn answer(&mut self, answer: Answer) -> Result<(), Fault> {
        let result = self.handshake.answer(NOW, answer, &mut self.flight);
        self.carry_out();
        result
    }

    /// Does something at its owner's wish.
    pub(super) fn act<T>(&mut self, act: impl FnOnce(&mut Handshake, &mut Flight) -> T) -> T {
        let result = act(&mut self.handshake, &mut self.flight);
        self.carry_out();
        result
    }

    /// All bytes of messages that it sent at a level.
    pub(super) fn bytes(&self, level: Level) -> &[u8] {
        let queue = self.sent.iter().find(|queue| queue.0 == level);
        queue.map_or(&[], |queue| &queue.1)
    }

    pub(super) fn negotiated(&self) -> &Negotiated {
        let found = self.facts.iter().find_map(|fact| match fact {
            Fact::Negotiated(negotiated) => Some(negotiated),
            _ => None,
        });
        found.expect("it was told")
    }

    pub(super) fn sessions(&self) -> Vec<Session> {
        let session =
            |fact: &Fact| if let Fact::Ticket(session) = fact { Some((**session).clone()) } else { None };
        self.facts.iter().filter_map(session).collect()
    }

    fn carry_out(&mut self) {
        let Flight { steps, facts, .. } = core::mem::take(&mut self.flight);
        self.facts.extend(facts);
        for step in steps {
            let mut line = String::new();
            match step {
                Step::Send { level, message } => {
                    write!(line, "send {level:?} {}", HandshakeType(message[0])).unwrap();
                    let queue = self.sent.iter_mut().find(|queue| queue.0 == level);
                    queue.expect("no message goes out as early data").1.extend(message);
                }
                Step::WriteKey(secret) => {
                    write!(line, "write {:?}", secret.level).unwrap();
                    self.write.push(secret);
                }
                Step::ReadKey(secret) => {
                    write!(line, "read {:?}", secret.level).unwrap();
                    self.read.push(secret);
                }
                Step::WritePlain => line.push_str("write Plain"),
                Step::LimitRecords { .. } => panic!("QUIC has no records"),
            }
            self.story.push(line);
        }
    }

    /// Whether it can open what comes at this level.
    fn opens(&self, level: Level) -> bool {
        level == Level::Plain || self.read.iter().any(|secret| secret.level == level)
    }
}

pub(super) struct Pair {
    pub(super) client: End,
    pub(super) server: End,
    pub(super) owner: Owner,
    /// Bytes a call.
    pub(super) in_pieces: usize,
}

/// The same for whoever has no [`Owner`].
pub(in super::super) fn answer() -> Answer {
    Owner::default().answer()
}

pub(in super::super) fn client() -> client::Options {
    client::Options { alpn: vec![b"h3".to_vec()], ..resumption::client() }
}

pub(in super::super) fn server() -> server::Options {
    server::Options { alpn: vec![b"h3".to_vec()], ..resumption::server() }
}

impl Pair {
    pub(super) fn new() -> Self {
        Self::with(client(), server())
    }

    pub(super) fn with(client: client::Options, server: server::Options) -> Self {
        Self::resuming(client, server, None)
    }

    pub(super) fn resuming(
        client: client::Options,
        server: server::Options,
        session: Option<Session>,
    ) -> Self {
        let mut flight = Flight::default();
        let client = Handshake::quic_client(
            client.build().unwrap(),
            "example.com",
            session,
            OF_CLIENT.to_vec(),
            NOW,
            Box::new(Counter(1)),
            &mut flight,
        );
        let server = Handshake::quic_server(server.build().unwrap(), NOW, Box::new(Counter(2)));
        let mut client = End::new(client.unwrap(), flight);
        client.carry_out();
        let server = End::new(server, Flight::default());
        Self { client, server, owner: Owner::default(), in_pieces: usize::MAX }
    }

    /// Delivers until nothing moves.
    pub(super) fn run(&mut self) -> Result<(), (Side, Fault)> {
        while self.turn(Side::Client)? | self.turn(Side::Server)? {}
        Ok(())
    }

    /// Delivers what one side has sent, as far as the other one has keys for it; answers what that wants.
    pub(super) fn turn(&mut self, from: Side) -> Result<bool, (Side, Fault)> {
        let (sender, receiver) = match from {
            Side::Client => (&mut self.client, &mut self.server),
            Side::Server => (&mut self.server, &mut self.client),
        };
        let mut news = false;
        for (level, bytes, delivered) in &mut sender.sent {
            while *delivered < bytes.len() && receiver.opens(*level) {
                let end = bytes.len().min(delivered.saturating_add(self.in_pieces));
                let fault = |fault| (from.peer(), fault);
                receiver.handle(*level, &bytes[*delivered..end]).map_err(fault)?;
                (*delivered, news) = (end, true);
                if let Some(wanted) = receiver.handshake.wanted().cloned() {
                    let Wanted::TransportParameters { .. } = wanted else { panic!("{wanted:?}") };
                    receiver.wanted.push(wanted);
                    receiver.answer(self.owner.answer()).map_err(fault)?;
                }
            }
        }
        Ok(news)
    }

    /// A pair that has run to its end.
    pub(super) fn established(mut self) -> Self {
        self.run().unwrap();
        assert!(self.client.handshake.is_established() && self.server.handshake.is_established());
        let key = |secret: &TrafficSecret| (secret.level, secret.suite.id, secret.secret.as_ref().to_vec());
        let keys = |secrets: &[TrafficSecret]| {
            let mut keys: Vec<_> = secrets.iter().map(key).collect();
            keys.sort();
            keys
        };
        assert_eq!(keys(&self.server.write), keys(&self.client.read));
        let read = keys(&self.server.read);
        let written = keys(&self.client.write).into_iter();
        let written: Vec<_> = written.filter(|key| key.0 != Level::EarlyData || read.contains(key)).collect();
        assert_eq!(read, written);
        self
    }
}

/// Both sides over TCP with the same protocols.
pub(super) fn over_tcp() -> (client::Options, server::Options) {
    let alpn = vec![b"h3".to_vec()];
    let credentials = resumption::server().credentials;
    let client = client::Options { alpn: alpn.clone(), tickets: client().tickets, ..client_options() };
    (client, server::Options { alpn, credentials, ..server() })
}
