//! A server sends an address no more than three times what came from there, until it is known that the client is there (RFC 9000
//! section 8.1): by a Handshake packet, by a token, or by the answer to a PATH_CHALLENGE that was sent there.

use super::Scene;
use crate::{checkers::Notebook, quic::tape::Event};
use core::net::SocketAddr;
use sakigake_quic::{
    frame::Frame,
    rules::{Epoch, Side},
};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(scene: &Scene<'_>, notebook: &mut Notebook) {
    let mut came: BTreeMap<SocketAddr, usize> = BTreeMap::new();
    let mut went: BTreeMap<SocketAddr, usize> = BTreeMap::new();
    let mut validated = BTreeSet::new();
    let mut challenges: BTreeMap<[u8; 8], SocketAddr> = BTreeMap::new();
    for event in &scene.tape.events {
        match *event {
            Event::In { at: Side::Server, from, bytes } => *came.entry(from).or_default() += bytes,
            Event::Out { by: Side::Server, to, bytes } if !validated.contains(&to) => {
                notebook.see();
                let went = went.entry(to).or_default();
                *went += bytes;
                let may = 3 * came.get(&to).copied().unwrap_or(0);
                notebook.expect(*went <= may, || format!("{to} was sent {went} bytes and owed {may}"));
            }
            Event::Sent(index) if scene.tape.packets[index].sender == Side::Server => {
                let packet = &scene.tape.packets[index];
                for frame in packet.frames() {
                    if let Frame::PathChallenge(challenge) = frame {
                        challenges.insert(challenge.data, packet.addresses.1);
                    }
                }
            }
            Event::Received { packet, from } if scene.tape.packets[packet].sender == Side::Client => {
                let packet = &scene.tape.packets[packet];
                if packet.epoch == Epoch::Handshake || packet.has_token {
                    validated.insert(from);
                }
                for frame in packet.frames() {
                    if let Frame::PathResponse(response) = frame {
                        validated.extend(challenges.get(&response.data));
                    }
                }
            }
            _ => {}
        }
    }
}
