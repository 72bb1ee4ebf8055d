//! Keys serve within their lives (RFC 9001 section 4.9): Initial keys until Handshake keys are used, Handshake keys until the
//! handshake is confirmed, 0-RTT keys until 1-RTT keys are there, and no phase runs ahead of the other side's by more than one.

use super::Scene;
use crate::{
    checkers::Notebook,
    quic::tape::{Event, Packet, peer},
};
use core::net::SocketAddr;
use sakigake_quic::{
    frame::Frame,
    rules::{Epoch, Side},
};
use std::collections::BTreeMap;

/// What one side of a connection has done.
#[derive(Default)]
struct Life {
    has_left_initial: bool,
    is_confirmed: bool,
    has_sent_one_rtt: bool,
    updates: u64,
    /// Where the peer was first.
    peer: Option<SocketAddr>,
}

pub(super) fn check(scene: &Scene<'_>, notebook: &mut Notebook) {
    let mut lives: BTreeMap<(usize, Side), Life> = BTreeMap::new();
    for event in &scene.tape.events {
        match event {
            Event::Sent(index) => {
                let packet = &scene.tape.packets[*index];
                notebook.see();
                let theirs = lives.entry((packet.connection, peer(packet.sender))).or_default().updates;
                let life = lives.entry((packet.connection, packet.sender)).or_default();
                let is_phased = packet.epoch == Epoch::OneRtt;
                notebook.expect(!is_phased || packet.updates <= theirs + 1, || {
                    format!("{:?} is {} updates on, its peer {theirs}", packet.sender, packet.updates)
                });
                notebook.expect(!is_phased || packet.updates >= life.updates, || {
                    format!("{:?} went back to the keys of update {}", packet.sender, packet.updates)
                });
                // Who has closed hears no more of the handshake, and says so under all keys that it had.
                let closes = || packet.frames().any(|frame| matches!(frame, Frame::ConnectionClose(_)));
                if let Some(what) = life.send(packet).filter(|_| !closes()) {
                    notebook.complain(format!("{:?} sent {:?} {what}", packet.sender, packet.epoch));
                }
            }
            Event::Received { packet, from } => {
                let packet = &scene.tape.packets[*packet];
                let life = lives.entry((packet.connection, peer(packet.sender))).or_default();
                // Before the handshake is confirmed nobody moves: what comes from elsewhere is not read.
                if *life.peer.get_or_insert(*from) == *from || packet.epoch == Epoch::OneRtt {
                    life.receive(packet);
                }
            }
            Event::Out { .. } | Event::In { .. } => {}
        }
    }
}

impl Life {
    /// Why a packet should not have been sent.
    fn send(&mut self, packet: &Packet) -> Option<&'static str> {
        let wrong = match packet.epoch {
            Epoch::Initial if self.has_left_initial => Some("after it had no Initial keys any more"),
            Epoch::Handshake if self.is_confirmed => Some("after the handshake was confirmed"),
            Epoch::ZeroRtt if self.has_sent_one_rtt => Some("after 1-RTT packets"),
            _ => None,
        };
        self.has_left_initial |= packet.epoch == Epoch::Handshake && packet.sender == Side::Client;
        self.has_sent_one_rtt |= packet.epoch == Epoch::OneRtt;
        self.updates = packet.updates.max(self.updates);
        wrong
    }

    fn receive(&mut self, packet: &Packet) {
        // A server has Handshake keys when a Handshake packet reaches it, a client hears that all is over.
        self.has_left_initial |= packet.epoch == Epoch::Handshake && packet.sender == Side::Client;
        self.is_confirmed |= packet.sender == Side::Server
            && self.has_sent_one_rtt
            && packet.frames().any(|frame| matches!(frame, Frame::HandshakeDone));
    }
}
