//! Sakigake's side of the comparison.

use crate::{
    credentials::{Credentials, HOST},
    stack::{self, Side, Stack, Terms, look_at},
};
use sakigake_crypto::{Provider, aws_lc};
use sakigake_tls::{
    Connection, Credential, Event, KeyRing, Rotation, Session, TicketKey, Tickets, WebPki, client,
    extension::TicketRequest, server,
};
use sakigake_wire::{Entropy, Instant};
use std::{
    cell::RefCell,
    rc::Rc,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

const NOW: Instant = Instant::from_nanos(0);

pub struct Ours {
    client: Arc<client::Config>,
    server: Arc<server::Config>,
    sessions: Sessions,
}

/// What a client's connections left behind to go on from.
type Sessions = Rc<RefCell<Vec<Session>>>;

/// A connection, and where its tickets go.
struct Ended {
    connection: Connection,
    sessions: Sessions,
    is_resumed: bool,
}

impl Ours {
    pub fn new(terms: Terms, credentials: &Credentials) -> Self {
        let provider = provider(terms);
        let mut verifier = WebPki::new(provider);
        verifier.trust(&credentials.authority).expect("the authority is one");
        let key = (provider.signing_key)(&sakigake_key(&credentials.key)).expect("the key is one");
        let credential =
            Credential::load(vec![credentials.leaf.clone()], key).expect("the key is the leaf's");
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
        let client = client::Options {
            verifier: Some(Arc::new(verifier)),
            unix_secs_at_start: since_1970.as_secs(),
            alpn: vec![b"h2".to_vec()],
            groups: vec![terms.group],
            tickets: match terms.tickets {
                stack::Tickets::None => None,
                stack::Tickets::Each(count) => {
                    Some(TicketRequest { new_session_count: count, resumption_count: count })
                }
            },
            ..client::Options::new(provider)
        };
        let server = server::Options {
            credentials: vec![Arc::new(credential)],
            alpn: vec![b"h2".to_vec()],
            groups: vec![terms.group],
            tickets: match terms.tickets {
                stack::Tickets::None => None,
                stack::Tickets::Each(count) => {
                    let key = TicketKey::draw(since_1970.as_secs(), Rotation::default(), &mut System);
                    // AES-128-GCM, as in the product; rustls seals its own by AES-256-CBC and HMAC-SHA-256.
                    let keys = Arc::new(KeyRing::new(&aws_lc::PROVIDER.suites[0], vec![key]));
                    Some(Tickets { count, count_resumed: count, ..Tickets::new(keys) })
                }
            },
            unix_secs_at_start: since_1970.as_secs(),
            ..server::Options::new(provider)
        };
        Self {
            client: client.build().expect("the options are good"),
            server: server.build().expect("the options are good"),
            sessions: Sessions::default(),
        }
    }
}

/// The provider with one suite.
fn provider(terms: Terms) -> &'static Provider {
    let all = &aws_lc::PROVIDER;
    let suite = all.suite(terms.suite).expect("the provider has the suite");
    // Once a set of terms, of which there are few.
    Box::leak(Box::new(Provider { suites: std::slice::from_ref(suite), ..*all }))
}

fn sakigake_key(pkcs8: &[u8]) -> rustls::pki_types::PrivateKeyDer<'_> {
    rustls::pki_types::PrivatePkcs8KeyDer::from(pkcs8).into()
}

impl Stack for Ours {
    fn name(&self) -> &'static str {
        "sakigake"
    }

    fn client(&self) -> Box<dyn Side> {
        let session = self.sessions.borrow_mut().pop();
        let client = Connection::resume(Arc::clone(&self.client), HOST, session, NOW, Box::new(System));
        self.side(client.expect("the name is good"))
    }

    fn server(&self) -> Box<dyn Side> {
        self.side(Connection::server(Arc::clone(&self.server), NOW, Box::new(System)))
    }
}

impl Ours {
    fn side(&self, connection: Connection) -> Box<dyn Side> {
        Box::new(Ended { connection, sessions: Rc::clone(&self.sessions), is_resumed: false })
    }
}

impl Side for Ended {
    fn turn(&mut self, input: &mut [u8], out: &mut [u8]) -> usize {
        let Self { connection, sessions, is_resumed } = self;
        let mut heard = |event: Event<'_>| match event {
            Event::Negotiated(negotiated) => *is_resumed = negotiated.is_resumed,
            Event::Ticket(session) => sessions.borrow_mut().push(*session),
            _ => {}
        };
        connection.handle(NOW, input, &mut heard).expect("the peer is right");
        let mut len = 0;
        while let Some(more) = connection.transmit(NOW, &mut out[len..]) {
            len += more;
        }
        len
    }

    fn is_established(&self) -> bool {
        self.connection.is_established()
    }

    fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    fn seal(&mut self, data: &[u8], out: &mut [u8]) -> usize {
        let (mut rest, mut len) = (data, 0);
        while !rest.is_empty() {
            let (taken, sealed) = self.connection.seal_from(&mut out[len..], rest);
            (rest, len) = (&rest[taken..], len + sealed);
        }
        len
    }

    fn open(&mut self, records: &mut [u8]) -> usize {
        let mut len = 0;
        let mut heard = |event: Event<'_>| {
            if let Event::Data(data) = event {
                len += look_at(data);
            }
        };
        self.connection.handle(NOW, records, &mut heard).expect("the peer is right");
        len
    }
}

/// The operating system's randomness, as in the product.
struct System;

impl Entropy for System {
    fn fill(&mut self, out: &mut [u8]) {
        aws_lc::random(out);
    }
}
