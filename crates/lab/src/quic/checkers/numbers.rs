//! No packet number is used twice, and they only grow: in each space, of each side (RFC 9000 section 12.3). A packet that closes
//! the connection may go again as it was (section 10.2.1).

use super::Scene;
use crate::{
    checkers::Notebook,
    quic::tape::{Event, Packet, space},
};
use sakigake_quic::frame::Frame;
use std::collections::BTreeMap;

pub(super) fn check(scene: &Scene<'_>, notebook: &mut Notebook) {
    let mut largest: BTreeMap<_, &Packet> = BTreeMap::new();
    for event in &scene.tape.events {
        let Event::Sent(index) = event else { continue };
        let packet = &scene.tape.packets[*index];
        notebook.see();
        let key = (packet.connection, packet.sender, space(packet.epoch));
        let before = largest.insert(key, packet);
        let is_again = |before: &Packet| before.number == packet.number && before.payload == packet.payload;
        let closes = || packet.frames().any(|frame| matches!(frame, Frame::ConnectionClose(_)));
        let is_good = |before: &Packet| packet.number > before.number || (is_again(before) && closes());
        notebook.expect(before.is_none_or(is_good), || {
            let before = before.map(|before| before.number);
            format!("{:?} sent {:?} {} after {before:?}", packet.sender, packet.epoch, packet.number)
        });
    }
    notebook.expect(scene.tape.unread == 0, || format!("{} packets that no key opens", scene.tape.unread));
}
