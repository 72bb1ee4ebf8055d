//! What the first bytes of an input decide: both sides' configurations, and what each had before.

use super::toy::{self, Judge, Lcg, Named};
use crate::{
    Connection, Event, KeyRing, Session, TicketKey, Tickets, client,
    compression::{ALL, Compression},
    extension::TicketRequest,
    rules::Side,
    server::{
        self, AntiReplay, ClientAuthentication, Cookies, Demand, EarlyDataPolicy, UnknownName, WithoutAlpn,
    },
};
use sakigake_crypto::{Secret, aws_lc};
use sakigake_wire::{Instant, Span};
use std::sync::{Arc, LazyLock};

pub(super) const HOST: &str = "example.test";

/// What a run begins with.
pub(super) struct Plan {
    /// Who is tested; the other one is honest.
    pub(super) subject: Side,
    pub(super) client: Arc<client::Config>,
    pub(super) server: Arc<server::Config>,
    pub(super) name: &'static str,
    pub(super) session: Option<Session>,
    pub(super) now: Instant,
    /// The two will not agree, whatever comes: not even where nobody interferes.
    pub(super) is_futile: bool,
    /// The honest side sends change_cipher_spec after its first message.
    pub(super) disguises: bool,
    /// The owner answers at once.
    pub(super) answers: bool,
    /// A server that is tested holds its tickets back until its owner sends them.
    pub(super) holds_tickets: bool,
    /// Does everything twice, and compares.
    pub(super) twice: bool,
}

/// Bytes that a plan takes of an input.
pub(super) const BYTES: usize = 10;

impl Plan {
    pub(super) fn new(subject: Side, bits: [u8; BYTES]) -> Self {
        let [groups, alpn, tickets, early, asked, owners, compressed, limits, habits, times] = bits;
        let mut client = client::Options::new(toy::provider(groups));
        let mut server = server::Options::new(toy::provider(0));
        let mut is_futile = choose_groups(groups / 8, &mut client, &mut server);
        is_futile |= choose_alpn(alpn, &mut client, &mut server);
        choose_tickets(tickets, early, &mut client, &mut server);
        is_futile |= choose_asking(asked, owners, &mut client, &mut server);
        choose_lengths(compressed, limits, &mut client, &mut server);
        (client.middlebox, client.grease) = (habits & 1 == 0, habits & 2 == 0);
        (client.key_log, server.key_log) = (habits & 4 != 0, habits & 4 != 0);
        let name = if habits & 8 == 0 { HOST } else { "192.0.2.1" };
        if habits & 16 != 0 && habits & 8 != 0 {
            server.unknown_name = UnknownName::Refuse; // Addresses go unnamed: nothing comes of it.
        }
        let honest = if subject == Side::Client { &mut server.limits } else { &mut client.limits };
        (honest.key_updates_per_10_s, honest.certificate_requests_per_10_s) = (u32::MAX, u32::MAX);
        server.unix_secs_at_start = UNIX_SECS;
        client.unix_secs_at_start = UNIX_SECS;
        let (client, server) = (built(client.build()), built(server.build()));
        let (session, wait_ms) = match tickets & 0x80 {
            0 => (None, 0),
            _ => (ticket(&client, &server, name), WAITS_MS[usize::from(times) % WAITS_MS.len()]),
        };
        Self {
            subject,
            client,
            server,
            name,
            session,
            now: START + Span::from_millis(wait_ms),
            is_futile,
            disguises: habits & 32 != 0,
            answers: habits & 64 == 0,
            holds_tickets: early & 16 != 0 && subject == Side::Server,
            twice: habits & 128 != 0,
        }
    }

    /// Both sides as they begin. `seed` makes another handshake of it.
    pub(super) fn connection(&self, side: Side, seed: u64) -> Connection {
        let entropy = Box::new(Lcg(seed));
        match side {
            Side::Client => {
                let config = Arc::clone(&self.client);
                Connection::resume(config, self.name, self.session.clone(), self.now, entropy)
                    .expect("the name is ours")
            }
            Side::Server => Connection::server(Arc::clone(&self.server), self.now, entropy),
        }
    }
}

/// True where there is no group in common.
fn choose_groups(choice: u8, client: &mut client::Options, server: &mut server::Options) -> bool {
    const OFFERS: [&[u16]; 6] = [
        &[toy::X25519],
        &[toy::X25519, toy::SECP256R1],
        &[toy::X25519MLKEM768, toy::X25519],
        &[],
        &[toy::X25519MLKEM768],
        &[toy::SECP256R1],
    ];
    const TAKEN: [&[u16]; 4] =
        [&[], &[toy::SECP256R1, toy::X25519], &[toy::SECP256R1], &[toy::X25519MLKEM768, toy::SECP256R1]];
    let offered = OFFERS[usize::from(choice) % OFFERS.len()];
    let taken = TAKEN[usize::from(choice) / OFFERS.len() % TAKEN.len()];
    (client.groups, server.groups) = (offered.to_vec(), taken.to_vec());
    let is_common = |group: &u16| taken.contains(group);
    !offered.is_empty() && !taken.is_empty() && !offered.iter().any(is_common)
}

/// True where both want a protocol and there is none in common.
fn choose_alpn(choice: u8, client: &mut client::Options, server: &mut server::Options) -> bool {
    const LISTS: [&[&[u8]]; 4] = [&[], &[b"h2"], &[b"http/1.1"], &[b"http/1.1", b"h2"]];
    let list = |choice: u8| -> Vec<Vec<u8>> {
        LISTS[usize::from(choice) % LISTS.len()].iter().map(|name| name.to_vec()).collect()
    };
    (client.alpn, server.alpn) = (list(choice), list(choice / 4));
    if choice & 16 != 0 {
        server.without_alpn = WithoutAlpn::Refuse;
    }
    let is_common = client.alpn.iter().any(|name| server.alpn.contains(name));
    let may_go_without = client.alpn.is_empty() && server.without_alpn == WithoutAlpn::Allow;
    !(server.alpn.is_empty() || is_common || may_go_without)
}

fn choose_tickets(choice: u8, early: u8, client: &mut client::Options, server: &mut server::Options) {
    if choice & 1 != 0 {
        client.tickets = Some(TicketRequest { new_session_count: choice >> 3 & 3, resumption_count: 1 });
    }
    if choice & 2 != 0 {
        let mut tickets = Tickets::new(KEYS.clone());
        tickets.count = choice >> 5 & 3;
        server.tickets = Some(tickets);
        if early & 1 != 0 {
            let mut policy = EarlyDataPolicy::new(Arc::new(First));
            policy.max_bytes = if early & 4 != 0 { 100 } else { 4_000 };
            server.early_data = Some(policy);
        }
    }
    client.early_data = early & 2 != 0;
    server.cookies = (early & 8 != 0).then(|| Cookies::new(KEYS.clone()));
}

/// True where the server insists on a certificate, and the client has none.
fn choose_asking(choice: u8, owners: u8, client: &mut client::Options, server: &mut server::Options) -> bool {
    let demand = [Demand::Never, Demand::Never, Demand::Optional, Demand::Required, Demand::Later]
        [usize::from(choice % 5)];
    if owners & 1 == 0 {
        client.verifier = Some(Arc::new(Judge(Named::Server)));
    }
    server.credentials = vec![Named::Server.credential(owners & 2 == 0)];
    server.ask_certificate = owners & 4 != 0;
    server.client_authentication = vec![Arc::new(ClientAuthentication {
        hosts: Vec::new(),
        is_default: true,
        demand,
        verifier: (owners & 8 == 0).then(|| Arc::new(Judge(Named::Alice)) as _),
        authorities: if owners & 16 == 0 { Vec::new() } else { vec![vec![0x30, 0]] },
    })];
    let has_certificate = choice & 0x80 != 0;
    if has_certificate {
        client.credentials = vec![Named::Alice.credential(owners & 32 == 0)];
    }
    client.post_handshake_auth = choice & 0x40 != 0;
    // No certificate of ours is of those authorities.
    demand == Demand::Required && !(has_certificate && owners & 16 == 0)
}

fn choose_lengths(compressed: u8, limits: u8, client: &mut client::Options, server: &mut server::Options) {
    const OFFERS: [&[Compression]; 4] = [&[], &ALL, ALL.split_at(1).0, ALL.split_at(2).1];
    const LIMITS: [Option<u16>; 5] = [None, Some(64), Some(512), Some(5_000), Some(16_385)];
    client.compressions = OFFERS[usize::from(compressed) % OFFERS.len()];
    if compressed & 4 != 0 {
        server.compressions = OFFERS[usize::from(compressed >> 3) % OFFERS.len()];
    }
    client.record_size_limit = LIMITS[usize::from(limits) % LIMITS.len()];
    server.record_size_limit = LIMITS[usize::from(limits >> 4) % LIMITS.len()];
    if compressed & 64 != 0 {
        (client.limits.records_per_key, server.limits.records_per_key) = (16, 16);
    }
    if compressed & 128 != 0 {
        for limits in [&mut client.limits, &mut server.limits] {
            (limits.handshake_message_bytes, limits.held_bytes) = (2_048, 2_048);
        }
    }
}

/// What the two give a client that comes for the first time.
fn ticket(client: &Arc<client::Config>, server: &Arc<server::Config>, name: &str) -> Option<Session> {
    let (client, server) = (Arc::clone(client), Arc::clone(server));
    let mut client = Connection::client(client, name, START, Box::new(Lcg(21))).expect("the name is ours");
    let mut server = Connection::server(server, START, Box::new(Lcg(22)));
    let (mut session, mut out) = (None, vec![0; 16_384]);
    for _ in 0..100 {
        let to_server = client.transmit(START, &mut out).unwrap_or(0);
        let mut wanted = Vec::new();
        // Where they do not agree there is no ticket.
        let _ =
            server.handle(START, &mut out[..to_server], &mut |event| keep(event, &mut session, &mut wanted));
        answer(&mut server, Side::Server, wanted, &mut session);
        let to_client = server.transmit(START, &mut out).unwrap_or(0);
        let mut wanted = Vec::new();
        let _ =
            client.handle(START, &mut out[..to_client], &mut |event| keep(event, &mut session, &mut wanted));
        answer(&mut client, Side::Client, wanted, &mut session);
        if to_server + to_client == 0 {
            break;
        }
    }
    session
}

fn keep(event: Event<'_>, session: &mut Option<Session>, wanted: &mut Vec<crate::Wanted>) {
    match event {
        Event::Ticket(ticket) => *session = Some(*ticket),
        Event::Wanted(question) => wanted.push(question),
        _ => {}
    }
}

fn answer(
    connection: &mut Connection,
    side: Side,
    mut wanted: Vec<crate::Wanted>,
    session: &mut Option<Session>,
) {
    while let Some(question) = wanted.pop() {
        let answer = super::puppet::truth(side, &question);
        // As above.
        let _ = connection.answer(START, answer, &mut |event| keep(event, session, &mut wanted));
    }
}

fn built<T>(config: Result<T, crate::Misuse>) -> T {
    config.expect("the options are ours")
}

/// Takes everybody for the first one.
struct First;

impl AntiReplay for First {
    fn is_first(&self, _: u64, _: u64, _: &[u8]) -> bool {
        true
    }
}

static KEYS: LazyLock<Arc<KeyRing>> = LazyLock::new(|| {
    let key = TicketKey {
        name: [1; TicketKey::NAME_BYTES],
        secret: Secret::new(&[2; TicketKey::SECRET_BYTES]),
        from_unix_secs: 0,
        until_unix_secs: UNIX_SECS + 200_000,
        opens_until_unix_secs: UNIX_SECS + 400_000,
    };
    Arc::new(KeyRing::new(&aws_lc::PROVIDER.suites[0], vec![key]))
});

const START: Instant = Instant::from_nanos(1_000_000_000);

/// 2026-06-01.
const UNIX_SECS: u64 = 1_780_272_000;

/// From a ticket to its use: at once, within and beyond what early data may be off, at its end, after it.
const WAITS_MS: [u64; 5] = [0, 9_000, 60_000, 86_399_000, 86_401_000];
