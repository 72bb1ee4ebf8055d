//! What stands before a server's connections where a world wants it: an `Endpoint`, which routes datagrams, asks clients to show
//! that they are there, and answers what no connection is there for.

use crate::{
    datagram::{Note, Outgoing},
    plain,
    seed::Seed,
};
use sakigake_crypto::{Secret, aws_lc::AES_128_BLOCK};
use sakigake_quic::{
    endpoint::{
        Arrived, Endpoint, Limits, Neighbours, Options, Retry, Route, Validation,
        reset::ResetKey,
        token::{AddressTokens, Lives},
    },
    ids::{IdKeys, IdSource, Place},
    packet::FixedBit,
    paths::Addresses,
    recovery::acks::Mark,
    rules::{Side, versions::Version},
};
use sakigake_tls::{KeyRing, TicketKey};
use sakigake_wire::Instant;
use std::{collections::VecDeque, sync::Arc};

/// How a server's front is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Front {
    /// Which clients have to come back with a token.
    pub retry: Retry,
    /// How long the token of a Retry is good for, in seconds.
    pub retry_secs: u64,
    /// Whether clients are given tokens for their next connections.
    pub gives_tokens: bool,
    /// When the server forgets all its connections, in order.
    pub restarts: Vec<Instant>,
}

/// What all lives of a server's process have in common.
pub(super) struct Office {
    front: Front,
    tokens: Arc<AddressTokens>,
    reset_key: ResetKey,
}

/// A front at work.
pub(super) struct Reception {
    office: Office,
    versions: Vec<&'static Version>,
    fixed_bit: FixedBit,
    unix_secs_at_start: u64,
    pub(super) endpoint: Endpoint,
    next_restart: usize,
    replies: VecDeque<(Vec<u8>, Addresses)>,
}

impl Office {
    pub(super) fn new(front: Front) -> Self {
        let suite = plain::PROVIDER.suite(0x1301).expect("the lab has the suite of Initial packets");
        let key = TicketKey {
            name: [2; 16],
            secret: Secret::new(&[2; 32]),
            from_unix_secs: 0,
            until_unix_secs: u64::MAX,
            opens_until_unix_secs: u64::MAX,
        };
        let keys = KeyRing::new(suite, vec![key]);
        let lives = Lives { retry_secs: front.retry_secs, ..Lives::default() };
        let tokens = Arc::new(AddressTokens::new(Arc::new(keys), lives));
        Self { front, tokens, reset_key: ResetKey::new(suite.hash, Secret::new(&[3; 32])) }
    }

    /// What its connections have to know of it.
    pub(super) fn equip(&self, options: &mut sakigake_quic::connection::Options, unix_secs_at_start: u64) {
        options.reset_key = Some(self.reset_key.clone());
        options.tokens = self.front.gives_tokens.then(|| Arc::clone(&self.tokens));
        options.unix_secs_at_start = unix_secs_at_start;
    }

    fn endpoint(&self, versions: &[&'static Version], fixed_bit: FixedBit, seed: &mut Seed) -> Endpoint {
        let suite = plain::PROVIDER.suite(0x1301).expect("the lab has the suite of Initial packets");
        Endpoint::new(Options {
            side: Side::Server,
            suite,
            versions: versions.to_vec(),
            fixed_bit,
            ids: IdSource::new(0, &AES_128_BLOCK, &[4; 16], PLACE, seed),
            keys: IdKeys::new().with(0, &AES_128_BLOCK, &[4; 16]),
            neighbours: Neighbours { workers: 1, processes: Vec::new() },
            reset_key: self.reset_key.clone(),
            validation: Some(Validation { tokens: Arc::clone(&self.tokens), retry: self.front.retry }),
            limits: Limits::default(),
        })
    }
}

impl Reception {
    pub(super) fn new(office: Office, options: &sakigake_quic::connection::Options, mut seed: Seed) -> Self {
        let versions = options.versions.clone();
        let fixed_bit = if options.grease_quic_bit { FixedBit::Ignored } else { FixedBit::Required };
        let endpoint = office.endpoint(&versions, fixed_bit, &mut seed);
        let unix_secs_at_start = options.unix_secs_at_start;
        let replies = VecDeque::new();
        Self { office, versions, fixed_bit, unix_secs_at_start, endpoint, next_restart: 0, replies }
    }

    /// Says where a datagram goes; what answers it leaves by itself.
    pub(super) fn route(
        &mut self,
        now: Instant,
        bytes: &[u8],
        addresses: Addresses,
        seed: &mut Seed,
        notes: &mut Vec<Note>,
    ) -> Route {
        let unix_secs = self.unix_secs_at_start + now.as_nanos() / 1_000_000_000;
        let mut out = [0; 1_200];
        let route = self.endpoint.route(&Arrived { now, unix_secs, bytes, addresses }, seed, &mut out);
        if let Route::Reply { len, reply } = route {
            notes.push(Note::Answered { reply, bytes: out[..len].to_vec(), asked_bytes: bytes.len() });
            self.replies.push_back((out[..len].to_vec(), addresses));
        }
        route
    }

    pub(super) fn restart_due(&self) -> Option<Instant> {
        self.office.front.restarts.get(self.next_restart).copied()
    }

    /// Another life of the process begins: it knows its keys, and no connection.
    pub(super) fn restart(&mut self, seed: &mut Seed) {
        self.next_restart += 1;
        self.replies.clear();
        self.endpoint = self.office.endpoint(&self.versions, self.fixed_bit, seed);
    }

    pub(super) fn transmit(&mut self, out: &mut [u8]) -> Option<Outgoing> {
        let (bytes, Addresses { local, peer }) = self.replies.pop_front()?;
        out[..bytes.len()].copy_from_slice(&bytes);
        Some(Outgoing { len: bytes.len(), segment_bytes: None, from: local, to: peer, mark: Mark::NotEct })
    }
}

const PLACE: Place = Place { process: 1, worker: 0 };
