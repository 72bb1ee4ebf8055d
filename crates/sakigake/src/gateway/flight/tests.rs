use super::*;

fn flight() -> Rc<Flight> {
    Rc::new(Flight::new(false, Places::default().take(1).expect("a place")))
}

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// What a reader gets.
type Read = Poll<Result<Option<Bytes>, ()>>;

/// What there is to read, in the pieces that it is given in, and what follows.
fn rest(reader: &mut Reader) -> (Vec<Bytes>, Read) {
    let mut pieces = Vec::new();
    loop {
        match reader.poll_piece(&cx()) {
            Poll::Ready(Ok(Some(piece))) => pieces.push(piece),
            end => return (pieces, end),
        }
    }
}

#[test]
fn pieces_of_a_byte_take_no_more_room_than_others_and_are_read_as_they_come() {
    let flight = flight();
    let bytes: Vec<u8> = (0..100_000_u32).map(|at| at as u8 ^ (at >> 8) as u8).collect();
    let (mut early, mut read) = (Reader::of(&flight), Vec::new());
    for (at, byte) in bytes.iter().enumerate() {
        flight.add(Bytes::copy_from_slice(&[*byte]));
        if at % 1_000 == 0 {
            read.extend(rest(&mut early).0.concat());
            assert_eq!(read.len(), at + 1);
        }
    }
    flight.end(true);
    let state = flight.state.borrow();
    let held: usize = state.pieces.iter().map(|(_, piece)| piece.len() + size_of::<(usize, Bytes)>()).sum();
    assert!(
        state.pieces.len() <= bytes.len() / PIECE_BYTES
            && held + state.tail.capacity() < bytes.len() * 11 / 10
    );
    read.extend(rest(&mut early).0.concat());
    let (late, end) = rest(&mut Reader::of(&flight));
    assert!(
        read == bytes && late.concat() == bytes && end == Poll::Ready(Ok(None)) && flight.whole() == bytes
    );
}

#[test]
fn pieces_of_all_lengths_come_in_their_order() {
    let flight = flight();
    let mut bytes = Vec::new();
    for (at, len) in [3, PIECE_BYTES, 1, 0, PIECE_BYTES - 1, 7, 3 * PIECE_BYTES, 2].into_iter().enumerate() {
        let piece = vec![at as u8; len];
        bytes.extend(&piece);
        flight.add(piece.into());
    }
    let (read, end) = rest(&mut Reader::of(&flight));
    assert!(read.concat() == bytes && end.is_pending() && flight.whole() == bytes);
    flight.end(false);
    flight.end(true); // Too late.
    assert_eq!(rest(&mut Reader::of(&flight)).1, Poll::Ready(Err(())));
}

#[test]
fn who_goes_away_is_waited_for_and_woken_no_more() {
    let flight = flight();
    for _ in 0..1_000 {
        let reader = Reader::of(&flight);
        assert!(reader.poll_head(&cx()).is_pending() && reader.poll_head(&cx()).is_pending());
        assert!(flight.is_awaited());
    }
    assert!(!flight.is_awaited());
}

#[test]
fn a_place_is_free_when_the_last_reader_is_gone() {
    let places = Places::default();
    let flight = Rc::new(Flight::new(false, places.take(2).expect("a place")));
    let reader = Reader::of(&flight);
    flight.end(true);
    drop(flight);
    let other = places.take(2);
    assert!(other.is_some() && places.take(2).is_none());
    drop(reader);
    assert!(places.take(2).is_some());
}
