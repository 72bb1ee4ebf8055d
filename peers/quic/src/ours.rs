//! Ours.

use crate::exchange::{
    CONNECTION_WINDOW, DATAGRAM_BYTES, DELAY, Exchange, PIECE, Pair, Progress, SEGMENTS, STREAM_WINDOW,
    STREAMS, Stack, piece,
};
use bench_tls::{
    credentials::{Credentials, HOST},
    stack::look_at,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use sakigake_crypto::aws_lc::{self, PROVIDER};
use sakigake_quic::{
    connection::{Accepted, Attempt, Chance, Config, Connection, Event, Options, Received},
    ids::ConnectionId,
    packet::{self, Door, FixedBit, Header},
    paths::Addresses,
    rules::Side,
    streams::{Chunk, Direction, Heard, StreamId},
};
use sakigake_tls::{self as tls, Credential, WebPki};
use sakigake_wire::{Entropy, Instant, Span};
use std::{collections::BTreeMap, sync::Arc};

pub(crate) struct Ours {
    client: Arc<tls::client::Config>,
    server: Arc<tls::server::Config>,
    config: Arc<Config>,
}

struct System;

impl Entropy for System {
    fn fill(&mut self, out: &mut [u8]) {
        aws_lc::random(out);
    }
}

impl Ours {
    pub(crate) fn new(credentials: &Credentials) -> Self {
        let mut verifier = WebPki::new(&PROVIDER);
        verifier.trust(&credentials.authority).expect("an authority");
        let alpn = vec![b"hq-interop".to_vec()];
        let unix_secs_at_start = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
        let client = tls::client::Options {
            verifier: Some(Arc::new(verifier)),
            alpn: alpn.clone(),
            unix_secs_at_start,
            groups: vec![0x001d],
            ..tls::client::Options::new(&PROVIDER)
        };
        let key = (PROVIDER.signing_key)(&PrivatePkcs8KeyDer::from(&credentials.key[..]).into())
            .expect("the key is one");
        let credential = Credential::load(vec![credentials.leaf.clone()], key);
        let server = tls::server::Options {
            credentials: vec![Arc::new(credential.expect("a key and its leaf"))],
            alpn,
            unix_secs_at_start,
            groups: vec![0x001d],
            ..tls::server::Options::new(&PROVIDER)
        };
        let mut options = Options { ecn: false, ..Options::default() };
        options.limits.streams.initial_stream_window_bytes = STREAM_WINDOW.into();
        options.limits.streams.initial_connection_window_bytes = CONNECTION_WINDOW.into();
        options.limits.streams.stream_window_bytes = STREAM_WINDOW.into();
        options.limits.streams.connection_window_bytes = CONNECTION_WINDOW.into();
        options.limits.streams.bidirectional_streams = STREAMS.into();
        options.limits.paths.datagram_bytes = DATAGRAM_BYTES;
        Self {
            client: client.build().expect("good options"),
            server: server.build().expect("good options"),
            config: options.build(&PROVIDER).expect("good options"),
        }
    }
}

struct Here {
    ends: [Connection; 2],
    progress: [BTreeMap<StreamId, Progress>; 2],
    /// What was heard and is to be consumed.
    read: Vec<(StreamId, u64)>,
    now: Instant,
    buffer: Vec<u8>,
    piece: Arc<[u8]>,
    response_bytes: usize,
    heard: usize,
    over: usize,
}

fn addresses() -> Addresses {
    Addresses {
        local: "192.0.2.1:4000".parse().expect("an address"),
        peer: "192.0.2.2:443".parse().expect("an address"),
    }
}

fn chance() -> Chance {
    Chance { tls: Box::new(System), quic: Box::new(System) }
}

impl Stack for Ours {
    fn connect(&self) -> Box<dyn Pair> {
        let now = Instant::from_nanos(1);
        let mut id = [0; 16];
        aws_lc::random(&mut id);
        let attempt = Attempt {
            server_name: HOST,
            session: None,
            token: Vec::new(),
            addresses: addresses(),
            local: ConnectionId::new(&id[..8]).expect("8 bytes"),
            version: None,
            has_reacted: false,
        };
        let (tls, config) = (Arc::clone(&self.client), Arc::clone(&self.config));
        let mut client = Connection::client(tls, config, attempt, now, chance()).expect("it begins");
        let mut buffer = vec![0; SEGMENTS * usize::from(DATAGRAM_BYTES)];
        let sent = client.transmit(now, &mut buffer).expect("a first flight");
        let door = Door { side: Side::Server, id_bytes: 8, fixed_bit: FixedBit::Required };
        let packet = packet::parse(&buffer[..sent.segment_bytes], &door).expect("a packet");
        let Header::Initial { version, dcid, scid, .. } = packet.header else { panic!("an Initial packet") };
        let Addresses { local, peer } = addresses();
        let dcid = ConnectionId::new(dcid).expect("at most 20 bytes");
        let accepted = Accepted {
            version,
            original_dcid: dcid,
            retry_source: None,
            dcid,
            local: ConnectionId::new(&id[8..]).expect("8 bytes"),
            peer: ConnectionId::new(scid).expect("at most 20 bytes"),
            addresses: Addresses { local: peer, peer: local },
            is_validated: false,
        };
        let (tls, config) = (Arc::clone(&self.server), Arc::clone(&self.config));
        let server = Connection::server(tls, config, &accepted, now, chance());
        let mut here = Here {
            ends: [client, server],
            progress: [BTreeMap::new(), BTreeMap::new()],
            read: Vec::new(),
            now,
            buffer,
            piece: piece(),
            response_bytes: 0,
            heard: 0,
            over: 0,
        };
        here.hand(0, sent.len, sent.segment_bytes);
        while !(here.ends[0].is_confirmed() && here.ends[1].is_confirmed()) {
            here.turn();
        }
        Box::new(here)
    }
}

impl Here {
    /// Both sides say what they have to say; time passes.
    fn turn(&mut self) {
        let mut is_busy = false;
        for from in [0, 1] {
            while self.ends[from].ids_wanted() > 0 {
                let mut id = [0; 8];
                aws_lc::random(&mut id);
                self.ends[from].issue(ConnectionId::new(&id).expect("8 bytes"));
            }
            while let Some(sent) = self.ends[from].transmit(self.now, &mut self.buffer) {
                is_busy = true;
                self.hand(from, sent.len, sent.segment_bytes);
                while let Some(id) = self.ends[from].next_writable() {
                    self.write(from, id);
                }
            }
            self.now += Span::from_micros(DELAY.as_micros() as u64);
        }
        let deadlines = self.ends.iter().filter_map(Connection::deadline);
        if let (Some(next), false) = (deadlines.min(), is_busy) {
            self.now = self.now.max(next);
        }
        for end in &mut self.ends {
            if end.deadline().is_some_and(|deadline| deadline <= self.now) {
                end.expire(self.now, &mut |event| assert!(!matches!(event, Event::Closed(_)), "{event:?}"));
            }
        }
    }

    /// The other side takes what lies in the buffer.
    fn hand(&mut self, from: usize, len: usize, segment: usize) {
        let to = 1 - from;
        let Self { ends, progress, read, now, buffer, heard, over, response_bytes, .. } = self;
        let Addresses { local, peer } = addresses();
        let mut addresses = Addresses { local, peer };
        if to == 1 {
            addresses = Addresses { local: peer, peer: local };
        }
        let mut finished = Vec::new();
        for bytes in buffer[..len].chunks_mut(segment) {
            let received = Received { bytes, addresses, mark: sakigake_quic::recovery::acks::Mark::NotEct };
            ends[to].handle(*now, received, &mut |event| match event {
                Event::Stream(Heard::Data { id, bytes }) => {
                    *heard += look_at(bytes);
                    read.push((id, bytes.len() as u64));
                }
                Event::Stream(Heard::Finished { id }) => finished.push(id),
                Event::Closed(why) => panic!("{why:?}"),
                _ => {}
            });
            for (id, bytes) in read.drain(..) {
                ends[to].consume(id, bytes);
            }
        }
        for id in finished {
            if to == 1 {
                let place = Progress { to_send: *response_bytes, ..Progress::default() };
                progress[1].insert(id, place);
            } else {
                *over += 1;
            }
        }
        if to == 1 {
            let due: Vec<StreamId> =
                self.progress[1].iter().filter(|(_, p)| !p.is_over).map(|(id, _)| *id).collect();
            for id in due {
                self.write(1, id);
            }
        }
    }

    /// Queues as much of a stream as it takes.
    fn write(&mut self, end: usize, id: StreamId) {
        let Some(progress) = self.progress[end].get_mut(&id) else { return };
        while progress.to_send > 0
            && self.ends[end].room(id).is_ok_and(|room| room >= PIECE.min(progress.to_send) as u64)
        {
            let len = progress.to_send.min(PIECE);
            let chunk = match len {
                PIECE => Chunk::Shared(Arc::clone(&self.piece)),
                _ => Chunk::Owned(self.piece[..len].to_vec()),
            };
            self.ends[end].write(id, chunk).expect("there is room");
            progress.to_send -= len;
        }
        if progress.to_send == 0 && !progress.is_over {
            self.ends[end].finish(id).expect("it was not over");
            progress.is_over = true;
        }
    }
}

impl Pair for Here {
    fn carry(&mut self, exchange: Exchange) -> usize {
        (self.heard, self.over, self.response_bytes) = (0, 0, exchange.response_bytes);
        self.progress.iter_mut().for_each(BTreeMap::clear);
        for _ in 0..exchange.streams {
            let id = self.ends[0].open(Direction::Bidirectional).expect("as many are allowed");
            let progress = Progress { to_send: exchange.request_bytes, ..Progress::default() };
            self.progress[0].insert(id, progress);
            self.write(0, id);
        }
        while self.over < exchange.streams {
            self.turn();
        }
        self.heard
    }
}
