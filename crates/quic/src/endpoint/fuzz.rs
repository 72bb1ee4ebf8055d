//! What any datagrams in any order must leave intact where they are routed, and the endpoint that they and the tests meet.

use super::{Accepted, Arrived, Endpoint, Limits, Neighbours, Options, Reply, Retry, Route, Validation};
use super::{reset, reset::ResetKey, token};
use crate::ids::{ConnectionId, IdKeys, IdSource, Place};
use crate::packet::{self, Door, Draft, FixedBit, Header, Long, Number};
use crate::paths::Addresses;
use crate::rules::Side;
use crate::rules::versions::{LongType, VERSION_1, VERSION_2, Version};
use core::net::SocketAddr;
use sakigake_crypto::{Secret, Suite, aws_lc};
use sakigake_tls::{KeyRing, Rotation, TicketKey};
use sakigake_wire::{Entropy, Instant, Reader, Span, Writer};
use std::sync::Arc;
use token::{AddressTokens, Lives};

/// Plays `bytes` as clients, strangers and an owner of a server's endpoint: no panic, nothing beyond its limits, no answer as
/// long as what it answers, none to an answer but by a smaller reset, and nothing left when all connections are over.
pub fn fuzz_endpoint(bytes: &[u8]) {
    let mut play = Play::new();
    let mut reader = Reader::new(bytes);
    while let Ok([verb, who, more]) = reader.array::<3>() {
        match verb & 0x0f {
            0..9 => play.datagram(verb, who, more, &mut reader),
            _ => play.owner(verb, who, more),
        }
        play.check();
    }
    play.finish();
}

/// Numbers that never come twice.
struct Count(u64);

/// An endpoint, and an owner without connections.
struct Play {
    endpoint: Endpoint,
    /// Another server, which hears the answers of this one.
    other: Endpoint,
    now: Instant,
    entropy: Count,
    /// Ids that somebody has or had.
    ids: Vec<ConnectionId>,
    /// The owner's slab.
    open: [bool; OWNED],
    token: Vec<u8>,
    reply: Vec<u8>,
    arrived: u64,
}

const OWNED: usize = 8;
const LIMITS: Limits = Limits {
    connections: 6,
    half_open: 4,
    early_datagrams: 3,
    early_bytes: 2_500,
    early_ms: 200,
    version_negotiations_per_s: 9,
    retries_per_s: 9,
    refusals_per_s: 9,
    reset_candidates: 2,
    resets: reset::Limits { resets_per_s: 9 },
    tokens: token::Limits { spent_tokens: 4 },
};

impl Play {
    fn new() -> Self {
        let validation = Some(Validation { tokens: tokens(), retry: Retry::From(2) });
        let strangers = [source(HERE, 5).draw(), source(Place { process: 8, worker: 3 }, 5).draw()];
        Self {
            endpoint: Endpoint::new(Options { validation, limits: LIMITS, ..options() }),
            other: Endpoint::new(options()),
            now: Instant::from_nanos(5_000_000_000),
            entropy: Count(77),
            ids: strangers.into_iter().chain(ConnectionId::new(&[1; 8])).collect(),
            open: [false; OWNED],
            token: Vec::new(),
            reply: vec![0x40; 60],
            arrived: 0,
        }
    }

    fn datagram(&mut self, verb: u8, who: u8, more: u8, reader: &mut Reader<'_>) {
        let known = self.ids[usize::from(who >> 2) % self.ids.len()];
        let fresh = [who; 20];
        let dcid = if verb & 0x80 == 0 { known.as_ref() } else { &fresh[..usize::from(more) % 21] };
        let version = if verb & 0x40 == 0 { &VERSION_1 } else { &VERSION_2 };
        let len = if verb & 0x20 == 0 { 1_200 } else { 100 + usize::from(more) * 8 };
        let token = if verb & 0x10 == 0 { &[][..] } else { &self.token };
        let bytes = match verb & 0x0f {
            0 | 1 => long(version, LongType::Initial, dcid, token, len.max(400)),
            2 => long(version, LongType::ZeroRtt, dcid, &[], len),
            3 => long(version, LongType::Handshake, dcid, &[], len),
            4 | 5 => short(dcid, 21 + usize::from(more).max(20)),
            6 => {
                let mut bytes = long(version, LongType::Initial, dcid, &[], len);
                bytes[1] ^= more | 1;
                bytes
            }
            7 => self.reply.clone(),
            _ => reader.take(usize::from(more).min(reader.len())).unwrap_or_default().to_vec(),
        };
        self.arrive(&bytes, who & 3);
    }

    fn arrive(&mut self, bytes: &[u8], client: u8) {
        let arrived = Arrived {
            now: self.now,
            unix_secs: UNIX_SECS,
            bytes,
            addresses: addresses(1_000 + u16::from(client)),
        };
        let mut out = [0; 1_200];
        let route = self.endpoint.route(&arrived, &mut self.entropy, &mut out);
        self.arrived += 1;
        match route {
            Route::Connection(index) => assert!(self.open[index], "{index} is over"),
            Route::Accept(accepted) => self.accept(&accepted),
            Route::Reply { len, reply } => self.replied(bytes, &out[..len], reply),
            Route::PerhapsReset => {
                let candidates = self.endpoint.connections_with(arrived.addresses.peer).count();
                assert!((1..=LIMITS.reset_candidates).contains(&candidates));
            }
            Route::Hand(place) => assert_ne!(place, HERE),
            Route::Pass(_) | Route::Held | Route::Drop(_) => {}
        }
    }

    fn accept(&mut self, accepted: &Accepted) {
        assert!(self.endpoint.connections() < LIMITS.connections);
        assert!(accepted.is_validated || self.endpoint.half_open() < LIMITS.half_open);
        assert!(accepted.retry_source.is_none_or(|id| id == accepted.dcid && id != accepted.original_dcid));
        let index = self.open.iter().position(|is_open| !is_open).expect("the limit is below the slab's");
        self.open[index] = true;
        assert!(self.endpoint.take_early(accepted).count() <= LIMITS.early_datagrams);
        self.endpoint.accept(accepted, index);
        self.know(accepted.dcid);
        self.know(accepted.local);
    }

    /// Reads an answer as a client would, and gives it to another server.
    fn replied(&mut self, to: &[u8], reply: &[u8], kind: Reply) {
        assert!(reply.len() < to.len());
        let door = Door { side: Side::Client, id_bytes: 0, fixed_bit: FixedBit::Required };
        let parsed = packet::parse(reply, &door).expect("answers can be read");
        match (kind, parsed.header) {
            (Reply::Retry, Header::Retry { scid, token, .. }) => {
                self.token = token.to_vec();
                self.know(ConnectionId::new(scid).expect("an id of ours"));
            }
            (Reply::VersionNegotiation, Header::VersionNegotiation { versions, .. }) => {
                assert!(versions.contains(VERSION_1.number));
            }
            (Reply::Refused | Reply::InvalidToken, Header::Initial { token: &[], .. })
            | (Reply::StatelessReset, Header::Short { .. }) => {}
            (kind, header) => panic!("{kind:?}: {header:?}"),
        }
        let arrived =
            Arrived { now: self.now, unix_secs: UNIX_SECS, bytes: reply, addresses: addresses(9_000) };
        let route = self.other.route(&arrived, &mut self.entropy, &mut [0; 1_200]);
        let is_reset =
            matches!(route, Route::Reply { reply: Reply::StatelessReset, len } if len < reply.len());
        assert!(is_reset || matches!(route, Route::Drop(_) | Route::Hand(_)), "{route:?}");
        self.reply = reply.to_vec();
    }

    fn know(&mut self, id: ConnectionId) {
        if self.ids.len() >= 48 {
            self.ids.remove(3);
        }
        self.ids.push(id);
    }

    fn owner(&mut self, verb: u8, who: u8, more: u8) {
        let index = usize::from(who) % OWNED;
        match verb & 0x0f {
            9 => self.endpoint.validated(index),
            10 => {
                self.open[index] = false;
                self.endpoint.forget(index);
            }
            11 if self.open[index] => {
                let id = self.endpoint.issue(index);
                self.know(id);
            }
            12 => {
                let id = self.ids[usize::from(who) % self.ids.len()];
                self.endpoint.retire(&id);
            }
            13 => self.endpoint.moved(index, addresses(1_000 + u16::from(more & 3)).peer),
            14 => {
                self.now += Span::from_millis(u64::from(more) * 8);
                self.endpoint.expire(self.now);
                assert!(self.endpoint.deadline().is_none_or(|deadline| deadline > self.now));
            }
            15 if more == 0xff && who == 0xff => self.endpoint.drain(),
            _ => {}
        }
    }

    fn check(&self) {
        let open = self.open.iter().filter(|is_open| **is_open).count();
        assert_eq!(self.endpoint.connections(), open);
        assert!(self.endpoint.half_open() <= LIMITS.half_open.min(open));
        assert!(self.endpoint.early.is_within(&LIMITS));
        assert!(self.endpoint.spent.len() <= LIMITS.tokens.spent_tokens);
        assert_eq!(self.endpoint.counters.sum(), self.arrived);
    }

    fn finish(mut self) {
        for index in 0..OWNED {
            self.endpoint.forget(index);
        }
        self.endpoint.expire(self.now + Span::from_millis(LIMITS.early_ms));
        assert!(self.endpoint.routes.is_empty() && self.endpoint.deadline().is_none());
    }
}

impl Entropy for Count {
    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            self.0 += 1;
            chunk.copy_from_slice(&self.0.to_be_bytes()[..chunk.len()]);
        }
    }
}

pub(crate) const UNIX_SECS: u64 = 1_800_000_000;
/// Where the endpoint is.
pub(crate) const HERE: Place = Place { process: 7, worker: 0 };

fn suite() -> &'static Suite {
    aws_lc::PROVIDER.suite(0x1301).expect("the suite that every implementation has")
}

/// A source of ids under the key of [`options`].
pub(crate) fn source(place: Place, seed: u64) -> IdSource {
    IdSource::new(1, &aws_lc::AES_128_BLOCK, &[3; 16], place, &mut Count(seed))
}

pub(crate) fn tokens() -> Arc<AddressTokens> {
    let key = TicketKey::draw(UNIX_SECS - 1_000, Rotation::default(), &mut Count(1));
    Arc::new(AddressTokens::new(Arc::new(KeyRing::new(suite(), vec![key])), Lives::default()))
}

/// A server's, worker 0 of 2 of process 7, with process 8 beside it.
pub(crate) fn options() -> Options {
    Options {
        side: Side::Server,
        suite: suite(),
        versions: vec![&VERSION_1, &VERSION_2],
        fixed_bit: FixedBit::Required,
        ids: source(HERE, 1_000),
        keys: IdKeys::new().with(1, &aws_lc::AES_128_BLOCK, &[3; 16]),
        neighbours: Neighbours { workers: 2, processes: vec![8] },
        reset_key: ResetKey::new(&aws_lc::SHA256, Secret::new(&[9; 32])),
        validation: None,
        limits: Limits::default(),
    }
}

pub(crate) fn addresses(client: u16) -> Addresses {
    let peer = SocketAddr::from(([192, 0, 2, 1], client));
    Addresses { local: SocketAddr::from(([198, 51, 100, 1], 443)), peer }
}

/// A datagram of `len` bytes that begins with a long header; nothing behind that is real.
pub(crate) fn long(
    version: &'static Version,
    kind: LongType,
    dcid: &[u8],
    token: &[u8],
    len: usize,
) -> Vec<u8> {
    let mut bytes = vec![0; len];
    let header = Long { version, kind, dcid, scid: &[0xc1; 5], token };
    let mut out = Writer::new(&mut bytes);
    let number = Number::with_len(0, 2).expect("0 fits two bytes");
    let draft = Draft::long(&mut out, &header, number).expect("the caller gives it room");
    let payload = draft.most_payload(len);
    draft.finish(&mut bytes, payload);
    bytes
}

/// A datagram of `len` bytes, more than the id has, that begins with a short header.
pub(crate) fn short(dcid: &[u8], len: usize) -> Vec<u8> {
    let mut bytes = vec![0x5a; len];
    bytes[0] = 0x40;
    bytes[1..=dcid.len()].copy_from_slice(dcid);
    bytes
}

#[cfg(test)]
mod tests;
