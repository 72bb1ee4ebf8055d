//! Worlds of early data and an attacker: first flights are recorded and sent again, to either of two workers, before, during
//! and after the original, and after a restart. Each may be taken as early data once at most.

use super::Outcome;
use crate::{plain, scenario::HOST, seed::Seed};
use sakigake_crypto::Secret;
use sakigake_tls::{
    Connection, Event, Fault, KeyRing, Session, TicketKey, Tickets, client,
    extension::TicketRequest,
    server::{self, AntiReplay, EarlyDataPolicy, Seen},
};
use sakigake_wire::{Instant, Span};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// 2026-06-01.
const UNIX_SECS: u64 = 1_780_272_000;
/// What a world lasts, and when its clients have their tickets from.
const WORLD: Span = Span::from_secs(120);
const TOLERANCE_MS: u64 = 10_000;
/// Clocks of two workers, and of two runs, stand apart by less.
const CLOCKS_MS: u64 = 2_000;

/// A register that both workers of one process share.
struct Register(Mutex<Seen>);

impl AntiReplay for Register {
    fn is_first(&self, unix_ms: u64, until_unix_ms: u64, binder: &[u8]) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.is_first(unix_ms, until_unix_ms, binder)
    }
}

/// Two workers with one register, and keys that outlive them.
struct Servers {
    workers: [Arc<server::Config>; 2],
}

impl Servers {
    fn start(register: Arc<dyn AntiReplay>, seed: &mut Seed) -> Self {
        let workers = core::array::from_fn(|_| {
            let mut options = server::Options::new(&plain::PROVIDER);
            options.credentials = vec![Arc::new(plain::credential(HOST, 1))];
            options.alpn = vec![b"h2".to_vec()];
            let key = TicketKey {
                name: [1; 16],
                secret: Secret::new(&[1; 32]),
                from_unix_secs: 0,
                until_unix_secs: u64::MAX,
                opens_until_unix_secs: u64::MAX,
            };
            options.tickets =
                Some(Tickets::new(Arc::new(KeyRing::new(&plain::PROVIDER.suites[0], vec![key]))));
            let policy =
                EarlyDataPolicy { tolerance_ms: TOLERANCE_MS, ..EarlyDataPolicy::new(register.clone()) };
            options.early_data = Some(policy);
            options.unix_secs_at_start = UNIX_SECS + seed.below(2);
            options.build().expect("a good configuration")
        });
        Self { workers }
    }

    /// A register that begins at `at`, with room for few or for many.
    fn register(at: Instant, seed: &mut Seed) -> Arc<dyn AntiReplay> {
        let unix_ms = UNIX_SECS * 1_000 + at.as_nanos() / 1_000_000;
        let entries = if seed.chance(200) { seed.between(0, 3) } else { 1_000 };
        Arc::new(Register(Mutex::new(Seen::new(unix_ms, 2 * TOLERANCE_MS + CLOCKS_MS, entries as usize))))
    }

    /// Carries `flight` to one of the workers; whether its early data was taken.
    fn take(&self, at: Instant, flight: &[u8], seed: &mut Seed) -> Result<bool, Fault> {
        let worker = self.workers[seed.below(2) as usize].clone();
        let mut server = Connection::server(worker, at, Box::new(seed.fork()));
        let mut is_taken = false;
        // Cut at an odd place: what is taken must not hang on that.
        let mut bytes = flight.to_vec();
        let (head, tail) = bytes.split_at_mut(seed.below(flight.len() as u64) as usize);
        for piece in [head, tail] {
            server.handle(at, piece, &mut |event| is_taken |= matches!(event, Event::Data(_)))?;
        }
        Ok(is_taken)
    }
}

/// Something that happens.
enum Act {
    /// The first flight of that number comes: the original or a copy.
    Flight(usize),
    /// The servers begin anew; with what their register knew, or without.
    Restart { is_kept: bool },
}

/// Runs one world.
pub(super) fn run(seed: &mut Seed) -> Outcome {
    let mut outcome = Outcome { is_ready: true, ..Outcome::default() };
    if let Err(why) = world(seed, &mut outcome) {
        outcome.verdict.complaints.push(format!("replay: {why}"));
    }
    outcome
}

fn world(seed: &mut Seed, outcome: &mut Outcome) -> Result<(), String> {
    let start = Instant::default();
    let mut register = Servers::register(start, seed);
    let mut servers = Servers::start(register.clone(), seed);
    let (flights, acts) = plan(&servers, seed)?;
    let mut taken = vec![0_u64; flights.len()];
    for (at, act) in acts {
        match act {
            Act::Flight(number) => {
                let flight = flights.get(number).ok_or("a flight that nobody sent")?;
                let is_taken = servers.take(at, flight, seed).map_err(|fault| fault.to_string())?;
                taken[number] += u64::from(is_taken);
                outcome.bytes += flight.len() as u64;
            }
            Act::Restart { is_kept } => {
                if !is_kept {
                    register = Servers::register(at, seed);
                }
                servers = Servers::start(register.clone(), seed);
            }
        }
    }
    outcome.requests = flights.len() as u64;
    outcome.verdict.seen.insert("taken", taken.iter().sum());
    match taken.iter().position(|times| *times > 1) {
        Some(number) => Err(format!("flight {number} was taken {} times", taken[number])),
        None => Ok(()),
    }
}

/// First flights, and what happens when.
type Plan = (Vec<Vec<u8>>, BTreeMap<Instant, Act>);

/// Draws the world's course.
fn plan(servers: &Servers, seed: &mut Seed) -> Result<Plan, String> {
    let mut flights = Vec::new();
    let mut acts = BTreeMap::new();
    for number in 0..seed.between(1, 6) as usize {
        let left = Instant::default() + seed.span(WORLD);
        flights.push(first_flight(servers, left, seed)?);
        // The attacker may be faster than whoever it copied from; most of its copies come soon.
        for _ in 0..=seed.below(8) {
            let late = if seed.chance(700) { seed.span(Span::from_secs(12)) } else { seed.span(WORLD) };
            acts.insert(left + late, Act::Flight(number));
        }
    }
    for _ in 0..seed.below(3) {
        acts.insert(Instant::default() + seed.span(WORLD), Act::Restart { is_kept: seed.chance(300) });
    }
    Ok((flights, acts))
}

/// What a client with a ticket sends at `at`: ClientHello and early data.
fn first_flight(servers: &Servers, at: Instant, seed: &mut Seed) -> Result<Vec<u8>, String> {
    let mut options = client::Options::new(&plain::PROVIDER);
    options.verifier = Some(Arc::new(plain::Verifier));
    options.alpn = vec![b"h2".to_vec()];
    options.tickets = Some(TicketRequest { new_session_count: 1, resumption_count: 1 });
    options.early_data = true;
    // Whose clock is wrong tells the same age for all that: what counts is how fast it runs.
    options.unix_secs_at_start = UNIX_SECS - 50 + seed.below(100);
    let config = options.build().map_err(|misuse| misuse.to_string())?;
    let session = session(servers, &config, seed)?;
    let mut client = Connection::resume(config, HOST, Some(session), at, Box::new(seed.fork()))
        .map_err(|misuse| misuse.to_string())?;
    let mut flight = vec![0; 4_096];
    let mut len = client.transmit(at, &mut flight).unwrap_or(0);
    len += client.seal(&mut flight[len..], &mut |place| {
        place[..QUESTION.len()].copy_from_slice(QUESTION);
        QUESTION.len()
    });
    flight.truncate(len);
    if client.early_data().is_none() {
        return Err("the ticket allows no early data".into());
    }
    Ok(flight)
}

/// A ticket, of a first connection at the world's beginning.
fn session(servers: &Servers, config: &Arc<client::Config>, seed: &mut Seed) -> Result<Session, String> {
    let now = Instant::default();
    let mut client = Connection::client(config.clone(), HOST, now, Box::new(seed.fork()))
        .map_err(|misuse| misuse.to_string())?;
    let worker = servers.workers[seed.below(2) as usize].clone();
    let mut server = Connection::server(worker, now, Box::new(seed.fork()));
    let mut session = None;
    let mut out = vec![0; 16_384];
    while session.is_none() {
        let asked = client.transmit(now, &mut out).unwrap_or(0);
        server.handle(now, &mut out[..asked], &mut |_| {}).map_err(|fault| fault.to_string())?;
        let answered = server.transmit(now, &mut out).unwrap_or(0);
        let mut hear = |event: Event<'_>| {
            if let Event::Ticket(ticket) = event {
                session = Some(*ticket);
            }
        };
        client.handle(now, &mut out[..answered], &mut hear).map_err(|fault| fault.to_string())?;
        if asked + answered == 0 {
            return Err("no ticket came".into());
        }
    }
    session.ok_or_else(|| "no ticket came".into())
}

const QUESTION: &[u8] = b"buy one";
