//! Worlds that answer a question.

pub mod page;

use crate::plain;
use sakigake_h2 as h2;
use sakigake_preload::Table;
use sakigake_session::{ClientConfig, ServerConfig};
use sakigake_tls as tls;
use sakigake_wire::Span;
use std::sync::Arc;

/// The host that every world's server has.
pub const HOST: &str = "www.saki.test";
/// Handshakes and settings may take this many round trips before a world's peers give up on each other.
const PATIENCE_RTTS: u64 = 100;

/// Both sides' configuration on the plain provider, patient enough for a link of `rtt`.
pub(crate) struct Configs {
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) client: Arc<ClientConfig>,
}

impl Configs {
    /// Speaks HTTP/2; sends the hints of `table`, and asks for them when `follows`.
    pub(crate) fn h2(rtt: Span, table: Option<Arc<Table>>, follows: bool) -> Result<Self, tls::Misuse> {
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
        let mut server_h2 = h2::Config::default();
        server_h2.limits.settings_ack_ms = patience_ms;
        server_h2.limits.stall_ms = patience_ms;
        server_h2.limits.drain_ms = patience_ms;
        let client_h2 = h2::Config { preload: follows, ..server_h2.clone() };
        Ok(Self {
            server: Arc::new(ServerConfig {
                tls: server.build()?,
                h2: Some(server_h2),
                hints: table,
                trace: false,
            }),
            client: Arc::new(ClientConfig { tls: client.build()?, h2: Some(client_h2), trace: false }),
        })
    }
}
