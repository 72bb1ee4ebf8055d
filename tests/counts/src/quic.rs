//! QUIC connections, one side counted: full handshakes over X25519 with a P-256 certificate, and streams of 1 MiB, with
//! TLS_AES_128_GCM_SHA256 and packets as large as the path's limit lets them be.

use crate::{
    WARM, when,
    world::{HOST, NOW, System, World},
};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_quic::{
    connection::{Accepted, Attempt, Chance, Config, Connection, Event, Options, Received, Transmit},
    ids::ConnectionId,
    packet::{self, Door, FixedBit, Header},
    paths::Addresses,
    rules::Side,
    streams::{Chunk, Direction, Heard, StreamId},
};
use sakigake_wire::{Instant, Span};
use std::sync::Arc;

const CONTENT_BYTES: u64 = 1 << 20;
/// What the owner gives at a time: half of what a stream keeps.
const CHUNK_BYTES: usize = 1 << 16;
/// Streams before the counted ones: by then windows and packets are as large as they get.
const STREAMS_BEFORE: usize = 20;
/// The place for a batch of packets.
pub(crate) const BATCH_BYTES: usize = 65_535;

pub(crate) fn handshake_client(times: usize) {
    handshakes(times, Side::Client);
}

pub(crate) fn handshake_server(times: usize) {
    handshakes(times, Side::Server);
}

pub(crate) fn send(times: usize) {
    streams(times, Side::Server);
}

pub(crate) fn receive(times: usize) {
    streams(times, Side::Client);
}

fn handshakes(times: usize, side: Side) {
    let world = World::new();
    for at in 0..times + WARM {
        let pair = Pair::new(&world, (at >= WARM).then_some(side));
        let Pair { client, server, counted, .. } = pair;
        when(counted == Some(Side::Client), || drop(client));
        when(counted == Some(Side::Server), || drop(server));
    }
}

/// The server sends, the client takes.
fn streams(times: usize, side: Side) {
    let mut pair = Pair::new(&World::new(), None);
    let chunk: Arc<[u8]> = vec![5; CHUNK_BYTES].into();
    for at in 0..times + STREAMS_BEFORE {
        pair.counted = (at >= STREAMS_BEFORE).then_some(side);
        pair.carry(&chunk);
    }
}

/// Both ends, with nothing between them but a buffer.
struct Pair {
    client: Connection,
    server: Connection,
    /// Whose work counts.
    counted: Option<Side>,
    now: Instant,
    buffer: Vec<u8>,
    ids: u64,
}

impl Pair {
    /// A connection that both ends have confirmed.
    fn new(world: &World, counted: Option<Side>) -> Self {
        let config = Options::default().build(&PROVIDER).expect("the options are good");
        let mut buffer = vec![0; BATCH_BYTES];
        let (client, sent) = when(counted == Some(Side::Client), || {
            let mut client =
                Connection::client(world.client.clone(), config.clone(), attempt(), NOW, chance())
                    .expect("the name is good");
            let sent = client.transmit(NOW, &mut buffer).expect("a client begins");
            (client, sent)
        });
        let mut server =
            when(counted == Some(Side::Server), || accept(world, &buffer[..sent.segment_bytes], &config));
        when(counted == Some(Side::Server), || hand(&mut server, NOW, &mut buffer, sent, &mut |_| {}));
        let mut pair = Self { client, server, counted, now: NOW, buffer, ids: 2 };
        while !(pair.client.is_confirmed() && pair.server.is_confirmed()) {
            pair.turn(&mut |_| {});
        }
        pair
    }

    /// One stream of the server's, to its end.
    fn carry(&mut self, chunk: &Arc<[u8]>) {
        let is_server = self.counted == Some(Side::Server);
        let id = self.server.open(Direction::Unidirectional).expect("the client grants more when one ends");
        let (mut left, mut is_over) = (CONTENT_BYTES, false);
        while !is_over {
            while left > 0 && self.server.room(id).is_ok_and(|room| room >= CHUNK_BYTES as u64) {
                when(is_server, || self.server.write(id, Chunk::Shared(chunk.clone())))
                    .expect("there is room");
                left -= CHUNK_BYTES as u64;
                if left == 0 {
                    when(is_server, || self.server.finish(id)).expect("it is open");
                }
            }
            self.turn(&mut |event| is_over |= matches!(event, Event::Stream(Heard::Finished { .. })));
        }
    }

    /// Whatever either side has to say arrives, what came is read, and a millisecond passes.
    fn turn(&mut self, heard: &mut impl FnMut(&Event<'_>)) {
        let mut is_busy = true;
        while std::mem::take(&mut is_busy) {
            for side in [Side::Client, Side::Server] {
                is_busy |= self.pass(side, heard);
            }
        }
        self.now += Span::from_millis(1);
        let now = self.now;
        for (side, connection) in [(Side::Client, &mut self.client), (Side::Server, &mut self.server)] {
            if connection.deadline().is_some_and(|deadline| deadline <= now) {
                when(self.counted == Some(side), || connection.expire(now, &mut |_| {}));
            }
        }
    }

    /// All that one side has to say; whether that was anything.
    fn pass(&mut self, side: Side, heard: &mut impl FnMut(&Event<'_>)) -> bool {
        let Self { client, server, counted, now, buffer, ids } = self;
        let (from, to) = if side == Side::Client { (client, server) } else { (server, client) };
        let (is_from, is_to) = (*counted == Some(side), counted.is_some_and(|counted| counted != side));
        while from.ids_wanted() > 0 {
            *ids += 1;
            let id = ConnectionId::new(&ids.to_be_bytes()).expect("eight bytes are an id");
            when(is_from, || from.issue(id));
        }
        let mut is_busy = false;
        while let Some(sent) = when(is_from, || from.transmit(*now, buffer)) {
            is_busy = true;
            when(is_to, || hand(to, *now, buffer, sent, heard));
        }
        is_busy
    }
}

pub(crate) fn attempt() -> Attempt<'static> {
    Attempt {
        server_name: HOST,
        session: None,
        token: Vec::new(),
        addresses: addresses(),
        local: ConnectionId::new(&[1; 8]).expect("eight bytes are an id"),
        version: None,
        has_reacted: false,
    }
}

/// As the client sees them.
pub(crate) fn addresses() -> Addresses {
    let address = |text: &str| text.parse().expect("an address");
    Addresses { local: address("192.0.2.1:4000"), peer: address("192.0.2.2:443") }
}

pub(crate) fn chance() -> Chance {
    Chance { tls: Box::new(System), quic: Box::new(System) }
}

/// The server's side of what a client began.
fn accept(world: &World, datagram: &[u8], config: &Arc<Config>) -> Connection {
    Connection::server(world.server.clone(), config.clone(), &accepted(datagram), NOW, chance())
}

/// What an endpoint finds in a client's first packet.
pub(crate) fn accepted(datagram: &[u8]) -> Accepted {
    let door = Door { side: Side::Server, id_bytes: 8, fixed_bit: FixedBit::Required };
    let Header::Initial { version, dcid, scid, .. } =
        packet::parse(datagram, &door).expect("it is one").header
    else {
        panic!("a client begins with an Initial packet")
    };
    let id = |bytes: &[u8]| ConnectionId::new(bytes).expect("it was read from a header");
    let Addresses { local, peer } = addresses();
    Accepted {
        version,
        original_dcid: id(dcid),
        retry_source: None,
        dcid: id(dcid),
        local: id(&[2; 8]),
        peer: id(scid),
        addresses: Addresses { local: peer, peer: local },
        is_validated: true,
    }
}

/// Each datagram of a batch arrives, and what came is read.
fn hand(
    to: &mut Connection,
    now: Instant,
    buffer: &mut [u8],
    sent: Transmit,
    heard: &mut impl FnMut(&Event<'_>),
) {
    let Addresses { local, peer } = sent.addresses;
    for bytes in buffer[..sent.len].chunks_mut(sent.segment_bytes) {
        let received = Received { bytes, addresses: Addresses { local: peer, peer: local }, mark: sent.mark };
        let mut read: Option<(StreamId, u64)> = None;
        to.handle(now, received, &mut |event| {
            if let Event::Stream(Heard::Data { id, bytes }) = &event {
                read = Some((*id, read.map_or(0, |(_, before)| before) + bytes.len() as u64));
            }
            heard(&event);
        });
        if let Some((id, bytes)) = read {
            to.consume(id, bytes);
        }
    }
}
