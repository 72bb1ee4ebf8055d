//! What a QUIC connection allocates: nothing for a packet while data comes and goes in order, and little while it waits.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use sakigake_alloc::{during, is_counting};
use sakigake_crypto::aws_lc::{self, PROVIDER};
use sakigake_quic::{
    connection::{Accepted, Attempt, Chance, Connection, Event, Options, Received, Transmit},
    ids::ConnectionId,
    packet::{self, Door, FixedBit, Header},
    paths::Addresses,
    rules::Side,
    streams::{Chunk, Direction, Heard, StreamId},
};
use sakigake_tls::{self as tls, Credential, WebPki};
use sakigake_wire::{Entropy, Instant, Span};
use std::sync::Arc;

/// Heap bytes of a connection that waits, its own value included, on either side.
const IDLE_BYTES: i64 = 5_632;
const UNIX_SECS: u64 = 1_780_272_000;

struct System;

impl Entropy for System {
    fn fill(&mut self, out: &mut [u8]) {
        aws_lc::random(out);
    }
}

struct Configs {
    client: Arc<tls::client::Config>,
    server: Arc<tls::server::Config>,
}

fn configs() -> Configs {
    let authority = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let mut verifier = WebPki::new(&PROVIDER);
    verifier.trust(params.self_signed(&authority).unwrap().der()).unwrap();
    let issuer = Issuer::new(params, authority);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["example.com".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap().pem();
    let credential =
        Credential::from_pem(&PROVIDER, leaf.as_bytes(), key.serialize_pem().as_bytes()).unwrap();
    let alpn = vec![b"hq-interop".to_vec()];
    let client = tls::client::Options {
        verifier: Some(Arc::new(verifier)),
        alpn: alpn.clone(),
        unix_secs_at_start: UNIX_SECS,
        ..tls::client::Options::new(&PROVIDER)
    };
    let server = tls::server::Options {
        credentials: vec![Arc::new(credential)],
        alpn,
        unix_secs_at_start: UNIX_SECS,
        ..tls::server::Options::new(&PROVIDER)
    };
    Configs { client: client.build().unwrap(), server: server.build().unwrap() }
}

/// A client and a server with nothing between them but a buffer.
struct Pair {
    client: Connection,
    server: Connection,
    now: Instant,
    buffer: Vec<u8>,
    packets: u64,
    next_id: u64,
}

fn addresses() -> Addresses {
    Addresses { local: "192.0.2.1:4000".parse().unwrap(), peer: "192.0.2.2:443".parse().unwrap() }
}

fn chance() -> Chance {
    Chance { tls: Box::new(System), quic: Box::new(System) }
}

impl Pair {
    fn new(configs: &Configs) -> Self {
        let now = Instant::from_nanos(0);
        let config = Options::default().build(&PROVIDER).unwrap();
        let attempt = Attempt {
            server_name: "example.com",
            session: None,
            token: Vec::new(),
            addresses: addresses(),
            local: ConnectionId::new(&[1; 8]).unwrap(),
            version: None,
            has_reacted: false,
        };
        let mut client =
            Connection::client(configs.client.clone(), config.clone(), attempt, now, chance()).unwrap();
        let mut buffer = vec![0; 65_535];
        let sent = client.transmit(now, &mut buffer).unwrap();
        let mut server = accept(configs, &buffer[..sent.segment_bytes], &config, now);
        hand(&mut server, now, &mut buffer, sent, &mut |_| {});
        let mut pair = Self { client, server, now, buffer, packets: 0, next_id: 0 };
        while !pair.client.is_confirmed() {
            pair.turn(&mut |_| {});
        }
        pair
    }

    /// Whatever either side has to say arrives, and a millisecond passes.
    fn turn(&mut self, heard: &mut impl FnMut(Event<'_>)) {
        let Self { client, server, now, buffer, packets, next_id } = self;
        let mut busy = true;
        while std::mem::take(&mut busy) {
            for is_client in [true, false] {
                let (from, to) =
                    if is_client { (&mut *client, &mut *server) } else { (&mut *server, &mut *client) };
                while from.ids_wanted() > 0 {
                    *next_id += 1;
                    from.issue(ConnectionId::new(&next_id.to_be_bytes()).unwrap());
                }
                while let Some(sent) = from.transmit(*now, buffer) {
                    busy = true;
                    *packets += sent.len.div_ceil(sent.segment_bytes) as u64;
                    let mut read: [Option<(StreamId, u64)>; 64] = [None; 64];
                    let mut free = read.iter_mut();
                    let datagrams = buffer.as_ptr_range();
                    hand(to, *now, buffer, sent, &mut |event| {
                        if let Event::Stream(Heard::Data { id, bytes }) = &event {
                            assert!(
                                datagrams.contains(&bytes.as_ptr()),
                                "what comes in order is told where it lies"
                            );
                            *free.next().unwrap() = Some((*id, bytes.len() as u64));
                        }
                        heard(event);
                    });
                    read.iter().flatten().for_each(|(id, bytes)| to.consume(*id, *bytes));
                }
            }
        }
        *now += Span::from_millis(1);
        for side in [client, server] {
            if side.deadline().is_some_and(|deadline| deadline <= *now) {
                side.expire(*now, &mut |_| {});
            }
        }
    }
}

fn accept(
    configs: &Configs,
    datagram: &[u8],
    config: &Arc<sakigake_quic::connection::Config>,
    now: Instant,
) -> Connection {
    let door = Door { side: Side::Server, id_bytes: 8, fixed_bit: FixedBit::Required };
    let Header::Initial { version, dcid, scid, .. } = packet::parse(datagram, &door).unwrap().header else {
        panic!("a client begins with an Initial packet")
    };
    let dcid = ConnectionId::new(dcid).unwrap();
    let Addresses { local, peer } = addresses();
    let accepted = Accepted {
        version,
        original_dcid: dcid,
        retry_source: None,
        dcid,
        local: ConnectionId::new(&[2; 8]).unwrap(),
        peer: ConnectionId::new(scid).unwrap(),
        addresses: Addresses { local: peer, peer: local },
        is_validated: true,
    };
    Connection::server(configs.server.clone(), config.clone(), &accepted, now, chance())
}

fn hand(
    to: &mut Connection,
    now: Instant,
    buffer: &mut [u8],
    sent: Transmit,
    heard: &mut impl FnMut(Event<'_>),
) {
    let Addresses { local, peer } = sent.addresses;
    for bytes in buffer[..sent.len].chunks_mut(sent.segment_bytes) {
        let addresses = Addresses { local: peer, peer: local };
        to.handle(now, Received { bytes, addresses, mark: sent.mark }, heard);
    }
}

#[test]
fn ten_thousand_packets_in_order_cost_no_allocation() {
    if !is_counting() {
        return;
    }
    let mut pair = Pair::new(&configs());
    let chunk: Arc<[u8]> = vec![7; 200_000].into();
    let id = pair.client.open(Direction::Bidirectional).unwrap();
    let mut carry = |rounds: u64| {
        let (before, mut bytes) = (pair.packets, 0);
        for _ in 0..rounds {
            if pair.client.room(id).is_ok() {
                // What does not fit waits for the next round.
                let _ = pair.client.write(id, Chunk::Shared(chunk.clone()));
            }
            pair.turn(&mut |event| {
                if let Event::Stream(Heard::Data { bytes: data, .. }) = event {
                    assert!(data.iter().all(|byte| *byte == 7));
                    bytes += data.len();
                }
            });
        }
        (pair.packets - before, bytes)
    };
    carry(300);
    let ((packets, bytes), allocated) = during(|| carry(200));
    println!("{packets} packets, {bytes} bytes, {allocated:?}");
    assert!(packets > 10_000, "{packets}");
    assert_eq!(allocated.calls, 0, "{packets} packets, {bytes} bytes, {allocated:?}");
}

#[test]
fn a_connection_that_waits_holds_little() {
    if !is_counting() {
        return;
    }
    let configs = configs();
    drop(Pair::new(&configs)); // What is made once a process.
    let mut pair = Pair::new(&configs);
    // Two seconds: room for packets is kept for one.
    for _ in 0..2_000 {
        pair.turn(&mut |_| {});
    }
    let Pair { client, server, .. } = pair;
    let held = |connection: Connection| {
        let ((), freed) = during(|| drop(Box::new(connection)));
        -freed.held_bytes + size_of::<Connection>() as i64
    };
    let (client, server) = (held(client), held(server));
    println!("client {client} bytes, server {server} bytes, of them the value {}", size_of::<Connection>());
    assert!(client <= IDLE_BYTES && server <= IDLE_BYTES, "client {client}, server {server}");
}
