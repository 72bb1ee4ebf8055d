use super::*;

/// Counts bytes, and how often it was asked.
#[derive(Default)]
struct Counter {
    bytes: u8,
    calls: usize,
}

impl Entropy for Counter {
    fn fill(&mut self, out: &mut [u8]) {
        self.calls += 1;
        for byte in out {
            *byte = self.bytes;
            self.bytes = self.bytes.wrapping_add(1);
        }
    }
}

#[test]
fn what_was_drawn_at_once_is_given_out_once_and_in_order() {
    let mut source = Counter::default();
    let mut drawn = Drawn::new(&mut source, 10);
    let mut out = [0; 14];
    drawn.fill(&mut out[..4]);
    drawn.fill(&mut out[4..9]);
    drawn.fill(&mut out[9..]);
    assert_eq!(out, core::array::from_fn(|at| at as u8));
    assert_eq!(source.calls, 2, "ten bytes at once, then the four beyond them");
}

#[test]
fn what_was_drawn_before_is_used_up_before_more_is_drawn() {
    let mut source = Counter::default();
    let mut drawn = Drawn::before(&mut source, &[7, 8, 9]);
    let mut out = [0; 5];
    drawn.fill(&mut out[..2]);
    drawn.fill(&mut out[2..]);
    assert_eq!(out, [7, 8, 9, 0, 1]);
    let mut out = [0; 200];
    Drawn::before(&mut source, &[9; 150]).fill(&mut out);
    assert_eq!(out[..128], [9; 128]);
    assert_eq!(out[128..], core::array::from_fn::<u8, 72, _>(|at| 2 + at as u8));
}

#[test]
fn no_more_is_drawn_at_once_than_there_is_room_for() {
    let mut source = Counter::default();
    let mut out = [0; 200];
    Drawn::new(&mut source, 1_000).fill(&mut out);
    assert_eq!(out, core::array::from_fn(|at| at as u8));
    assert_eq!(source.bytes, 200);
}
