use super::*;

fn id(number: u64) -> StreamId {
    StreamId::new(number).unwrap()
}

#[test]
fn streams_come_and_go_in_any_order_and_leave_nothing() {
    let mut shelf = Shelf::default();
    for number in [8, 0, 3, 12, 4] {
        shelf.insert(id(number), number);
    }
    assert_eq!(shelf.ids().map(StreamId::number).collect::<Vec<_>>(), [0, 3, 4, 8, 12]);
    assert_eq!(shelf.find(id(3)).copied(), Some(3));
    assert_eq!(shelf.remove(id(3)), Some(3));
    assert!(shelf.find(id(3)).is_none() && shelf.look(id(3)).is_none());
    assert_eq!(shelf.remove(id(3)), None);
    shelf.insert(id(16), 16);
    assert_eq!(shelf.places.len(), 5); // A place was used again.
    assert_eq!((shelf.find(id(16)).copied(), shelf.look(id(3)), shelf.len()), (Some(16), None, 5));
    for number in [8, 0, 16, 12, 4] {
        assert_eq!(shelf.remove(id(number)), Some(number));
    }
    assert_eq!((shelf.places.capacity(), shelf.index.capacity(), shelf.free.capacity()), (0, 0, 0));
}
