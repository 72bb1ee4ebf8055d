use super::*;
use crate::rules::is_reserved;
use crate::{Departure, Fault};
use sakigake_wire::{Instant, Reader};
use std::sync::Arc;

const NOW: Instant = Instant::from_nanos(1);

/// The same bytes over and over.
struct Byte(u8);

impl Entropy for Byte {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(self.0);
    }
}

/// A server that greases, and what it says on each stream where so many of its own may begin.
fn said(byte: u8, streams: u64, heard: bool) -> (Connection, Vec<(u64, Vec<u8>, bool)>) {
    let mut server = Connection::server(Arc::default());
    server.grease(Grease::draw(&mut Byte(byte)));
    if heard {
        server.preload(&[7]).unwrap();
        server.handle(NOW, StreamId(2), &[0x00, 0x04, 0x00], false, &mut |_| ()).unwrap();
    }
    let mut all: Vec<(u64, Vec<u8>, bool)> = Vec::new();
    while let Some(departure) =
        server.depart(NOW, &mut |stream| if stream.0 < 4 * streams { u64::MAX } else { 0 })
    {
        if let Departure::Bytes { stream, chunk, fin } = departure {
            match all.last_mut().filter(|last| last.0 == stream.0) {
                Some(last) => last.1.extend_from_slice(chunk.as_ref()),
                None => all.push((stream.0, chunk.as_ref().to_vec(), fin)),
            }
        }
    }
    (server, all)
}

#[test]
fn what_means_nothing_is_drawn() {
    // spec: 9114-6.2.3-a
    // spec: 9114-7.2.4.1-b
    // spec: 9114-7.2.8-a
    for byte in [0, 1, 0x5a, 0xff] {
        let (server, all) = said(byte, 100, true);
        let [(3, control, false), (7, stream, true)] = &all[..] else { panic!("{all:?}") };
        let mut reader = Reader::new(control);
        assert_eq!((reader.varint(), reader.varint()), (Ok(0), Ok(4)));
        let len = reader.varint().unwrap() as usize;
        let mut settings = Reader::new(reader.take(len).unwrap());
        let mut ids = Vec::new();
        while !settings.is_empty() {
            ids.push(settings.varint().unwrap());
            settings.varint().unwrap();
        }
        assert!(ids.iter().any(|id| is_reserved(*id)), "{ids:?}");
        assert_eq!(reader.take(4), Ok(&[0x40, 0xf0, 1, 7][..]), "PRELOAD is behind SETTINGS");
        let kind = reader.varint().unwrap();
        let len = reader.varint().unwrap() as usize;
        assert!(is_reserved(kind) && reader.take(len).is_ok() && reader.is_empty());
        assert!(is_reserved(Reader::new(stream).varint().unwrap()));
        assert!(server.is_idle(), "it holds up nothing");
    }
}

#[test]
fn a_stream_that_means_nothing_takes_no_other_ones_place() {
    for (streams, wanted) in [(3, 1), (4, 2)] {
        let (server, all) = said(1, streams, true);
        assert_eq!((all.len(), server.is_idle()), (wanted, true), "{streams} streams");
    }
    assert_eq!(said(1, 100, false).1.len(), 1, "nor does it leave before the peer has spoken");
}

#[test]
fn who_wants_none_of_it_may_say_so() {
    let (mut server, _) = said(1, 100, true);
    assert_eq!(server.stop_heard(NOW, StreamId(7), 0x103, &mut |_| ()), Ok(()));
    assert_eq!(server.stop_heard(NOW, StreamId(3), 0x103, &mut |_| ()), Err(Fault::CriticalStream));
}
