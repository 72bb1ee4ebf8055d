use super::Shelf;
use crate::stream::State;
use crate::streams::Stream;

fn stream(window: u32) -> Stream {
    Stream::new(State::Open, 0, window)
}

fn windows(shelf: &Shelf) -> Vec<(u32, usize)> {
    shelf.iter().map(|(id, stream)| (id, stream.send.window.available())).collect()
}

#[test]
fn streams_are_found_by_number_in_whatever_order_they_go() {
    let mut shelf = Shelf::default();
    for id in [1, 3, 5, 7, 9] {
        shelf.insert(id, stream(id));
    }
    for id in [5, 1, 9] {
        assert!(shelf.remove(id));
        assert!(!shelf.remove(id) && shelf.look(id).is_none());
    }
    // Places of those that went are used again.
    for id in [11, 13, 15, 2] {
        shelf.insert(id, stream(id));
    }
    assert_eq!(windows(&shelf), [(2, 2), (3, 3), (7, 7), (11, 11), (13, 13), (15, 15)]);
    assert_eq!(shelf.places.len(), 6);
    let mut all: Vec<_> = shelf.iter_mut().map(|(id, stream)| (id, stream.send.window.available())).collect();
    all.sort_unstable();
    assert_eq!(all, windows(&shelf));
}

#[test]
fn an_empty_shelf_holds_no_memory() {
    let mut shelf = Shelf::default();
    for id in 1..100 {
        shelf.insert(id, stream(id));
    }
    for id in 1..100 {
        shelf.remove(id);
    }
    assert_eq!((shelf.len(), shelf.places.capacity(), shelf.index.capacity()), (0, 0, 0));
}
