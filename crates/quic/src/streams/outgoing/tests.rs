use super::*;

#[test]
fn a_piece_and_its_head_fill_the_room_and_no_more() {
    let id = StreamId::new(4).unwrap();
    assert_eq!(most_data(id, 0, 2), None);
    for offset in [0, 1, 0x3f, 0x40, 0x4000, 0x4000_0000] {
        for room in 12..20_000 {
            let len = most_data(id, offset, room).unwrap();
            let head = |len| 2 + if offset == 0 { 0 } else { varint_len(offset) } + varint_len(len);
            assert!(head(len) + len as usize <= room, "{offset} {room}");
            assert!(head(len + 1) + len as usize + 1 > room, "{offset} {room}");
        }
    }
}
