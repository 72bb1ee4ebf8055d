//! What a GET over HTTP/3 costs a server from a datagram's bytes to those of the answer's: packets opened, QPACK, the host, the file, QPACK,
//! HTTP/3, packets sealed, and what the client's acknowledgements take. The handshake and the client are not counted.

use crate::{
    WARM,
    get::{Folder, request, runtime},
    messages::{LOAD, Line, REQUEST},
    quic::{BATCH_BYTES, accepted, addresses, attempt, chance},
    when,
    world::{NOW, System, World},
};
use sakigake::server::BareQuic;
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_quic::{
    connection::{Connection, Options, Received, Transmit},
    paths::Addresses,
};
use sakigake_semantics::{Event as Http, Request, StreamId};
use sakigake_session::{Carrier as _, ClientConfig, Event, Http3, OverQuic, ServerConfig};
use sakigake_wire::{Instant, Span};
use std::sync::Arc;

/// What passes before acknowledgements that were held back have left, so that each piece of work begins with nothing under way.
const SETTLED: u64 = 40;

/// A browser asks for a file of so many bytes, then asks again.
pub(crate) fn one_by_one(times: usize, bytes: usize) {
    gets(times, bytes, &REQUEST, 1);
}

/// A load generator asks so often at a time.
pub(crate) fn at_once(times: usize, bytes: usize, requests: usize) {
    gets(times, bytes, &LOAD, requests);
}

fn gets(times: usize, bytes: usize, lines: &[Line], requests: usize) {
    let runtime = runtime();
    let _inside = runtime.enter();
    let folder = Folder::with(bytes);
    let mut pair = Pair::new(&folder);
    let request = request(lines);
    for at in 0..times + WARM {
        pair.get(&request, requests, bytes, at >= WARM);
    }
}

/// A client and a server that have shaken hands, with nothing between them but a buffer.
struct Pair {
    client: Connection,
    http3: Http3,
    heard: Heard,
    server: BareQuic,
    now: Instant,
    buffer: Vec<u8>,
    is_counted: bool,
}

/// What the client heard, and what it has not given back to the server's credit.
#[derive(Default)]
struct Heard {
    is_ready: bool,
    bytes: usize,
    read: Vec<(StreamId, usize)>,
}

impl Pair {
    fn new(folder: &Folder) -> Self {
        let world = World::speaking(b"h3");
        let h3 = || Some(Arc::default());
        let config = ClientConfig { tls: world.client.clone(), h2: None, h3: h3(), trace: false };
        let mut http3 = Http3::client(Arc::new(config)).greased(&mut System);
        let server = ServerConfig { tls: world.server, h2: None, h3: h3(), hints: None, trace: false };
        let quic = Options::default().build(&PROVIDER).expect("the options are good");
        let mut client = Connection::client(world.client, quic.clone(), attempt(), NOW, chance())
            .expect("the name is good");
        http3.begin(&mut client, None);
        let mut buffer = vec![0; BATCH_BYTES];
        let sent = client.transmit(NOW, &mut buffer).expect("a client begins");
        let accepted = accepted(&buffer[..sent.segment_bytes]);
        let server = BareQuic::new(folder.site(server), quic, &accepted, NOW).expect("it speaks HTTP/3");
        let (heard, now) = (Heard::default(), NOW);
        let mut pair = Self { client, http3, heard, server, now, buffer, is_counted: false };
        pair.pass_on(sent);
        pair.answered();
        while !pair.heard.is_ready {
            pair.turn();
        }
        pair.settle();
        pair
    }

    /// Asks so often at a time, hears all answers, and waits until nothing is under way.
    fn get(&mut self, request: &Request, times: usize, bytes: usize, is_counted: bool) {
        let Self { client: connection, http3, .. } = self;
        let mut carrier = OverQuic { connection, http3 };
        let http = carrier.http().expect("both speak HTTP/3");
        for _ in 0..times {
            http.request(request, true).expect("there are not so many");
        }
        self.is_counted = is_counted;
        self.heard.bytes = 0;
        while self.heard.bytes < bytes * times {
            self.turn();
        }
        self.settle();
    }

    fn settle(&mut self) {
        (0..SETTLED).for_each(|_| self.turn());
    }

    /// Whatever either side has to say arrives, what came is read, and a millisecond passes.
    fn turn(&mut self) {
        while let Some(sent) = self.asked() {
            self.pass_on(sent);
            self.answered();
        }
        self.now += Span::from_millis(1);
        let now = self.now;
        if self.server.deadline().is_some_and(|deadline| deadline <= now) {
            when(self.is_counted, || self.server.expire(now));
            self.answered();
        }
        let Self { client, http3, heard, .. } = self;
        if client.deadline().is_some_and(|deadline| deadline <= now) {
            client.expire(now, &mut |event| http3.heard(now, event, &mut |event| heard.hear(&event)));
        }
    }

    /// The client hears what the server has to say.
    fn answered(&mut self) {
        let Self { client, http3, heard, server, buffer, .. } = self;
        let now = self.now;
        while let Some(sent) = when(self.is_counted, || server.transmit(now, buffer)) {
            for bytes in buffer[..sent.len].chunks_mut(sent.segment_bytes) {
                let received = Received { bytes, addresses: addresses(), mark: sent.mark };
                client.handle(now, received, &mut |event| {
                    http3.heard(now, event, &mut |event| heard.hear(&event));
                });
            }
        }
    }

    /// What the client has to say.
    fn asked(&mut self) -> Option<Transmit> {
        let Self { client: connection, http3, heard, now, buffer, .. } = self;
        http3.tell(&mut |event| heard.hear(&event));
        if let Some(http) = (OverQuic { connection, http3 }).http() {
            heard.read.drain(..).for_each(|(stream, bytes)| http.consume(*now, stream, bytes));
        }
        http3.depart(*now, connection);
        connection.transmit(*now, buffer)
    }

    fn pass_on(&mut self, sent: Transmit) {
        let Addresses { local, peer } = sent.addresses;
        let Self { server, now, buffer, is_counted, .. } = self;
        for bytes in buffer[..sent.len].chunks_mut(sent.segment_bytes) {
            let received =
                Received { bytes, addresses: Addresses { local: peer, peer: local }, mark: sent.mark };
            when(*is_counted, || server.handle(*now, received));
        }
    }
}

impl Heard {
    fn hear(&mut self, event: &Event<'_>) {
        match event {
            Event::Http(Http::Data { stream, bytes, .. }) => {
                self.bytes += bytes.len();
                self.read.push((*stream, bytes.len()));
            }
            Event::Http(Http::Response { response, .. }) => assert_eq!(response.status, 200, "a file"),
            Event::Ready { .. } => self.is_ready = true,
            Event::Closed => panic!("nobody wanted that"),
            _ => {}
        }
    }
}
