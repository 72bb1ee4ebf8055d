use super::{KeyUpdate, Message};
use crate::Fault;

#[test]
fn a_key_update_asks_for_zero_or_one() {
    let read = Message::read(&[0x18, 0, 0, 1, 1]);
    assert_eq!(read, Ok(Message::KeyUpdate(KeyUpdate { update_requested: true })));
    assert_eq!(Message::read(&[0x18, 0, 0, 1, 2]), Err(Fault::BadKeyUpdateRequest)); // spec: 9846-4.7.3-a
}
