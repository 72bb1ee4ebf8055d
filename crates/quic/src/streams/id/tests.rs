use super::*;

#[test]
fn the_two_lowest_bits_name_the_four_kinds() {
    use Direction::{Bidirectional, Unidirectional};
    // Table 1 of section 2.1, and the streams that section 19.11 counts.
    let table = [
        (0x00, true, Bidirectional, 0),
        (0x01, false, Bidirectional, 0),
        (0x02, true, Unidirectional, 0),
        (0x03, false, Unidirectional, 0),
        (7, false, Unidirectional, 1),
        (11, false, Unidirectional, 2),
        (MAX_VARINT, false, Unidirectional, MAX_STREAM_COUNT - 1),
    ];
    for (number, is_clients, direction, index) in table {
        let id = StreamId::new(number).unwrap();
        assert_eq!((id.is_clients(), id.direction(), id.index()), (is_clients, direction, index));
        assert_eq!(StreamId::of(is_clients, direction, index), Some(id));
        assert_eq!(id.number(), number);
    }
}

#[test]
fn no_number_is_above_62_bits() {
    assert_eq!(StreamId::new(MAX_VARINT + 1), None);
    assert_eq!(StreamId::of(true, Direction::Bidirectional, MAX_STREAM_COUNT), None);
}
