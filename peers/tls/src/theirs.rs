//! rustls's side of the comparison, by its usual interface, without session ids.

use crate::{
    credentials::{Credentials, HOST},
    stack::{Side, Stack, Terms, Tickets, look_at},
};
use rustls::{
    ClientConfig, ClientConnection, Connection, HandshakeKind, NamedGroup, RootCertStore, ServerConfig,
    ServerConnection,
    client::{ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName},
    server::NoServerSessionStorage,
};
use std::{
    io::BufRead,
    sync::{Arc, Mutex, PoisonError},
};

/// Both configurations, for either interface.
#[derive(Clone)]
pub struct Configs {
    pub client: Arc<ClientConfig>,
    pub server: Arc<ServerConfig>,
}

impl Configs {
    pub fn new(terms: Terms, credentials: &Credentials) -> Self {
        let provider = Arc::new(provider(terms));
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(credentials.authority.clone())).expect("the authority is one");
        let versions = [&rustls::version::TLS13];
        let mut client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions)
            .expect("the provider has what TLS 1.3 needs")
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.alpn_protocols = vec![b"h2".to_vec()];
        client.resumption = match terms.tickets {
            Tickets::None => Resumption::disabled(),
            // Its own memory keeps eight tickets a server, fewer than connections are under way here.
            Tickets::Each(_) => Resumption::store(Arc::new(Store::default())),
        };
        let chain = vec![CertificateDer::from(credentials.leaf.clone())];
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .expect("the provider has what TLS 1.3 needs")
            .with_no_client_auth()
            .with_single_cert(chain, PrivatePkcs8KeyDer::from(credentials.key.clone()).into())
            .expect("the key is the leaf's");
        server.alpn_protocols = vec![b"h2".to_vec()];
        server.send_tls13_tickets = 0;
        if let Tickets::Each(count) = terms.tickets {
            server.send_tls13_tickets = count.into();
            server.ticketer = aws_lc_rs::Ticketer::new().expect("a key is drawn");
        }
        server.session_storage = Arc::new(NoServerSessionStorage {});
        Self { client: Arc::new(client), server: Arc::new(server) }
    }
}

/// Tickets for the one server.
#[derive(Debug, Default)]
struct Store(Mutex<Vec<Tls13ClientSessionValue>>);

impl ClientSessionStore for Store {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(value);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// aws-lc-rs with one suite and one group.
fn provider(terms: Terms) -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|suite| u16::from(suite.suite()) == terms.suite);
    provider.kx_groups = aws_lc_rs::ALL_KX_GROUPS
        .iter()
        .copied()
        .filter(|row| row.name() == NamedGroup::from(terms.group))
        .collect();
    assert!(provider.cipher_suites.len() == 1 && provider.kx_groups.len() == 1, "both are there");
    provider
}

/// The interface that most programs use: rustls keeps what came and what goes out.
pub struct Theirs(pub Configs);

impl Stack for Theirs {
    fn name(&self) -> &'static str {
        "rustls"
    }

    fn client(&self) -> Box<dyn Side> {
        let name = ServerName::try_from(HOST).expect("the name is good");
        let client = ClientConnection::new(Arc::clone(&self.0.client), name);
        let mut connection = Connection::from(client.expect("the configuration is good"));
        connection.set_buffer_limit(None);
        Box::new(connection)
    }

    fn server(&self) -> Box<dyn Side> {
        let server = ServerConnection::new(Arc::clone(&self.0.server)).expect("the configuration is good");
        let mut connection = Connection::from(server);
        connection.set_buffer_limit(None);
        Box::new(connection)
    }
}

impl Side for Connection {
    fn turn(&mut self, input: &mut [u8], out: &mut [u8]) -> usize {
        self.open(input);
        drain(self, out)
    }

    fn is_established(&self) -> bool {
        !self.is_handshaking()
    }

    fn is_resumed(&self) -> bool {
        self.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    fn seal(&mut self, data: &[u8], out: &mut [u8]) -> usize {
        std::io::Write::write_all(&mut self.writer(), data).expect("there is no limit");
        drain(self, out)
    }

    fn open(&mut self, records: &mut [u8]) -> usize {
        let (mut rest, mut len) = (&*records, 0);
        while !rest.is_empty() {
            self.read_tls(&mut rest).expect("memory can be read");
            let state = self.process_new_packets().expect("the peer is right");
            if state.plaintext_bytes_to_read() > 0 {
                let mut reader = self.reader();
                let mut left = state.plaintext_bytes_to_read();
                while left > 0 {
                    let piece = look_at(reader.fill_buf().expect("there is some"));
                    reader.consume(piece);
                    (left, len) = (left - piece, len + piece);
                }
            }
        }
        len
    }
}

fn drain(connection: &mut Connection, out: &mut [u8]) -> usize {
    let mut len = 0;
    while connection.wants_write() {
        len += connection.write_tls(&mut &mut out[len..]).expect("there is room");
    }
    len
}
