//! Worlds of TLS alone: talk and echo, KeyUpdates in mid-stream, an end by either side.

use super::{
    Ready,
    draw::{Tls, link, pick},
};
use crate::{
    checkers::Expected,
    node::{
        Someone, Talker,
        talker::{Answers, Habits, Role},
    },
    plain,
    scenario::HOST,
    seed::Seed,
    world::World,
};
use sakigake_tls::{Answer, Credential, Wanted};
use sakigake_wire::Span;
use std::sync::Arc;

const PROTOCOL: &[u8] = b"http/1.1";

pub(super) fn draw(seed: &mut Seed) -> Ready {
    let say = match seed.below(3) {
        0 => seed.between(0, 2_000),
        1 => seed.between(0, 40_000),
        _ => seed.between(0, 200_000),
    } as usize;
    let link = link(seed, say as u64 + 4_000);
    let mut tls = Tls::draw(seed);
    if seed.chance(600) {
        tls.client.alpn = vec![b"unknown/9".to_vec(), PROTOCOL.to_vec()];
        tls.server.alpn = vec![PROTOCOL.to_vec()];
    }
    let answers = seed.chance(250).then(|| answers(seed));
    if answers.is_some() {
        tls.server.ask_certificate = true;
        tls.server.credentials.clear();
    }
    let client = Habits { say, hush_at: Some(say), answer_after: Span::ZERO, ..habits(seed, say) };
    let server = Habits {
        echo: true,
        close_at: seed.chance(250).then(|| seed.below(say as u64 + 1) as usize),
        answer_after: Span::from_millis(seed.between(0, 300)),
        ..habits(seed, say)
    };
    let mut world = World::new(seed.draw(), link.clone());
    let config = tls.server.build().expect("the drawn options are good");
    let node =
        world.add(|seed| Someone::Talker(Box::new(Talker::new(Role::Server(config), server, answers, seed))));
    let config = tls.client.build().expect("the drawn options are good");
    let role = Role::Client(config, node, HOST.into());
    world.add(|seed| Someone::Talker(Box::new(Talker::new(role, client, None, seed))));
    Ready { world, link, expected: Expected::default() }
}

/// What both sides may do. New keys come at most so often that nobody takes it for a flood.
fn habits(seed: &mut Seed, say: usize) -> Habits {
    let record_bytes = match seed.below(4) {
        0 => seed.between(say as u64 / 200 + 1, say as u64 / 20 + 200) as usize,
        _ => 0,
    };
    let update_every = seed.chance(400).then(|| say / seed.between(1, 8) as usize + 1);
    Habits { record_bytes, update_every, pad_to: pick(seed, &[0, 0, 0, 16, 256, 4_096]), ..Habits::default() }
}

/// A keeper of certificates, and a signer, that are asked.
fn answers(seed: &mut Seed) -> Answers {
    let (chain, signer) = plain::certificate(HOST, seed.draw());
    let number = seed.draw();
    Arc::new(move |wanted: &Wanted| match wanted {
        Wanted::Certificate { .. } => {
            let credential =
                Credential { chain: chain.clone(), signer: None, ..plain::credential(HOST, number) };
            Answer::Certificate(Some(Arc::new(credential)))
        }
        Wanted::Signature { scheme, message, .. } => {
            Answer::Signature(signer.sign(*scheme, message, &mut Seed::new(number)))
        }
        Wanted::Verify { .. } | Wanted::VerifyClient { .. } => Answer::Verify(Ok(sakigake_tls::Verified)),
        Wanted::TransportParameters { .. } => unreachable!("over QUIC alone"),
    })
}
