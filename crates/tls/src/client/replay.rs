//! Clients in the middle of a recorded handshake, for tests.

use super::{
    Config, State,
    hello::{AwaitSecondServerHello, AwaitServerHello},
    offer::{Offer, Share},
};
use crate::{EarlyData, message::Message, transcript::Unhashed};
use sakigake_crypto::{BadShare, Group, KeyShare, Secret};
use std::sync::Arc;

/// A key pair that knows the outcome.
struct Known(Secret);

impl KeyShare for Known {
    fn public(&self) -> &[u8] {
        &[]
    }

    fn agree(self: Box<Self>, _: &[u8]) -> Result<Secret, BadShare> {
        Ok(self.0)
    }
}

/// A client that has sent `client_hello` with a share for x25519.
pub(crate) fn after_client_hello(config: Arc<Config>, client_hello: &[u8], shared: &[u8]) -> State {
    let offer = Offer::recorded(config, client_hello);
    let share = known(&offer, 0x001d, shared);
    let client_hello = Unhashed::new(client_hello.to_vec());
    State::ServerHello(Box::new(AwaitServerHello { offer, share, client_hello }))
}

/// A client that has sent a ClientHello, got a HelloRetryRequest for secp256r1 and sent its second ClientHello.
pub(crate) fn after_retry(config: Arc<Config>, hellos: [&[u8]; 3], shared: &[u8]) -> State {
    let [first, retry, second] = hellos;
    let Ok(Message::HelloRetryRequest(read)) = Message::read(retry) else { panic!("no HelloRetryRequest") };
    let suite =
        config.provider.suites.iter().find(|row| row.id == read.cipher_suite).expect("a suite that we have");
    let mut transcript = Unhashed::new(first.to_vec()).retry(suite.hash);
    transcript.add(retry);
    transcript.add(second);
    let offer = Offer::recorded(config, second);
    let share = known(&offer, read.extensions.key_share.expect("a group"), shared);
    State::SecondServerHello(Box::new(AwaitSecondServerHello { offer, share, transcript, suite }))
}

fn known(offer: &Offer, group: u16, shared: &[u8]) -> Share {
    let group: &'static Group =
        offer.config.offered_groups().iter().find(|row| row.id == group).expect("a group that we have");
    Share { group, component: None, pair: Box::new(Known(Secret::new(shared))) }
}

impl Offer {
    /// What a recorded ClientHello offered.
    fn recorded(config: Arc<Config>, client_hello: &[u8]) -> Self {
        let Ok(Message::ClientHello(hello)) = Message::read(client_hello) else { panic!("no ClientHello") };
        Self {
            config,
            server_name: "server".into(),
            random: hello.random,
            session_id: hello.legacy_session_id.to_vec(),
            has_sni: true,
            grease: None,
            order: hello.extensions.order.iter().map(|raw| raw.kind).collect(),
            resumable: None,
            early: None,
            early_data: EarlyData::None,
            parameters: None,
        }
    }
}
