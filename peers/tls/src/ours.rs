//! Sakigake's side of the comparison.

use crate::{
    credentials::{Credentials, HOST},
    stack::{Side, Stack, Terms, look_at},
};
use sakigake_crypto::{Provider, aws_lc};
use sakigake_tls::{Connection, Credential, Event, WebPki, client, server};
use sakigake_wire::{Entropy, Instant};
use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

const NOW: Instant = Instant::from_nanos(0);

pub struct Ours {
    client: Arc<client::Config>,
    server: Arc<server::Config>,
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
            ..client::Options::new(provider)
        };
        let server = server::Options {
            credentials: vec![Arc::new(credential)],
            alpn: vec![b"h2".to_vec()],
            groups: vec![terms.group],
            ..server::Options::new(provider)
        };
        Self {
            client: client.build().expect("the options are good"),
            server: server.build().expect("the options are good"),
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
        let client = Connection::client(Arc::clone(&self.client), HOST, NOW, Box::new(System));
        Box::new(client.expect("the name is good"))
    }

    fn server(&self) -> Box<dyn Side> {
        Box::new(Connection::server(Arc::clone(&self.server), NOW, Box::new(System)))
    }
}

impl Side for Connection {
    fn turn(&mut self, input: &mut [u8], out: &mut [u8]) -> usize {
        self.handle(NOW, input, &mut |_| {}).expect("the peer is right");
        let mut len = 0;
        while let Some(more) = self.transmit(NOW, &mut out[len..]) {
            len += more;
        }
        len
    }

    fn is_established(&self) -> bool {
        Connection::is_established(self)
    }

    fn seal(&mut self, data: &[u8], out: &mut [u8]) -> usize {
        let (mut rest, mut len) = (data, 0);
        while !rest.is_empty() {
            len += Connection::seal(self, &mut out[len..], &mut |place| {
                let (now, later) = rest.split_at(rest.len().min(place.len()));
                place[..now.len()].copy_from_slice(now);
                rest = later;
                now.len()
            });
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
        self.handle(NOW, records, &mut heard).expect("the peer is right");
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
