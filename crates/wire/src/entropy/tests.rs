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
fn what_was_drawn_before_is_used_up_before_more_is_drawn() {
    let mut source = Counter::default();
    let mut drawn = Drawn::before(&mut source, &[7, 8, 9]);
    let mut out = [0; 5];
    drawn.fill(&mut out[..2]);
    drawn.fill(&mut out[2..]);
    assert_eq!(out, [7, 8, 9, 0, 1]);
    assert_eq!(source.calls, 1, "for the two bytes beyond them");
    let mut out = [0; 200];
    Drawn::before(&mut source, &[9; 150]).fill(&mut out);
    assert_eq!(out[..128], [9; 128]);
    assert_eq!(out[128..], core::array::from_fn::<u8, 72, _>(|at| 2 + at as u8));
}
