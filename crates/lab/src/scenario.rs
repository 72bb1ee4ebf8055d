//! Worlds that answer a question.

pub mod page;

use crate::plain;
use sakigake_crypto::Secret;
use sakigake_h2 as h2;
use sakigake_preload::Table;
use sakigake_session::{ClientConfig, ServerConfig};
use sakigake_tls::{self as tls, extension::TicketRequest};
use sakigake_wire::Span;
use std::sync::Arc;

/// The host that every world's server has.
pub const HOST: &str = "www.saki.test";
/// 2026-06-01.
const UNIX_SECS: u64 = 1_780_272_000;
/// Handshakes and settings may take this many round trips before a world's peers give up on each other.
const PATIENCE_RTTS: u64 = 100;

/// Both sides' configuration on the plain provider, patient enough for a link of `rtt`.
pub(crate) struct Configs {
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) client: Arc<ClientConfig>,
}

impl Configs {
    /// Speaks HTTP/2; sends the hints of `table`, and asks for them when `follows`. With `later` both sides resume with early
    /// data, so many seconds after the time of other worlds that say so.
    pub(crate) fn h2(
        rtt: Span,
        table: Option<Arc<Table>>,
        follows: bool,
        later: Option<u64>,
    ) -> Result<Self, tls::Misuse> {
        let patience_ms = tls::Limits::default().handshake_ms.max(rtt.times(PATIENCE_RTTS).as_millis());
        let mut server = tls::server::Options::new(&plain::PROVIDER);
        server.credentials = vec![Arc::new(plain::credential(HOST, 1))];
        server.alpn = vec![b"h2".to_vec()];
        server.key_log = true;
        server.limits.handshake_ms = patience_ms;
        let mut client = tls::client::Options::new(&plain::PROVIDER);
        client.verifier = Some(Arc::new(plain::Verifier));
        client.alpn = vec![b"h2".to_vec()];
        client.key_log = true;
        client.limits.handshake_ms = patience_ms;
        if let Some(later) = later {
            resume(&mut server, &mut client, rtt, UNIX_SECS + later);
        }
        let mut server_h2 = h2::Config::default();
        server_h2.limits.settings_ack_ms = patience_ms;
        server_h2.limits.stall_ms = patience_ms;
        server_h2.limits.drain_ms = patience_ms;
        let client_h2 = h2::Config { preload: follows, ..server_h2.clone() };
        Ok(Self {
            server: Arc::new(ServerConfig {
                tls: server.build()?,
                h2: Some(server_h2),
                h3: None,
                hints: table,
                trace: false,
            }),
            client: Arc::new(ClientConfig {
                tls: client.build()?,
                h2: Some(client_h2),
                h3: None,
                trace: false,
            }),
        })
    }
}

/// Tickets and early data on both sides, over a link of `rtt`. Nobody repeats anything in these worlds.
fn resume(server: &mut tls::server::Options, client: &mut tls::client::Options, rtt: Span, unix_secs: u64) {
    let key = tls::TicketKey {
        name: [1; 16],
        secret: Secret::new(&[1; 32]),
        from_unix_secs: 0,
        until_unix_secs: u64::MAX,
        opens_until_unix_secs: u64::MAX,
    };
    let ring = tls::KeyRing::new(&plain::PROVIDER.suites[0], vec![key]);
    server.tickets = Some(tls::Tickets::new(Arc::new(ring)));
    let policy = tls::server::EarlyDataPolicy::new(Arc::new(Anybody));
    // A ticket's age is told when the first flight departs, and held against the clock when it arrives.
    let tolerance_ms = policy.tolerance_ms.max(rtt.times(2).as_millis());
    server.early_data = Some(tls::server::EarlyDataPolicy { tolerance_ms, ..policy });
    server.unix_secs_at_start = unix_secs;
    client.tickets = Some(TicketRequest { new_session_count: 1, resumption_count: 1 });
    client.early_data = true;
    client.unix_secs_at_start = unix_secs;
}

/// A register that knows nobody.
struct Anybody;

impl tls::server::AntiReplay for Anybody {
    fn is_first(&self, _: u64, _: u64, _: &[u8]) -> bool {
        true
    }
}
