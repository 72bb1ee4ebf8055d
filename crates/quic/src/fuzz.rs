//! Fuzz bodies: they hold what must be true of any bytes.

use crate::{
    Fault,
    frame::{Frame, Terms, walk},
    parameters::{Parameters, Remembered},
    rules::{Epoch, Side},
};
use sakigake_wire::{Entropy, Writer};

/// A payload; the first byte says who sent it and in which packet. What reads is written and read again.
pub fn fuzz_frames(bytes: &[u8]) {
    let Some((habit, payload)) = bytes.split_first() else { return };
    let epoch = Epoch::ALL[usize::from(habit & 3)];
    let terms = Terms {
        sender: side(habit & 4 != 0),
        max_datagram_frame_size: u64::from(habit & 8) * 100,
        reset_stream_at: habit & 16 != 0,
        min_ack_delay_us: (habit & 32 != 0).then_some(1_000),
    };
    let mut out = vec![0; payload.len()];
    let mut frames = 0;
    for frame in walk(payload, epoch, terms) {
        frames += 1;
        let Ok(frame) = frame else { break };
        let rule = frame.rule();
        assert!(rule.epochs.allows(epoch) && rule.may_come_from(terms.sender));
        let mut writer = Writer::new(&mut out);
        frame.write(&mut writer).expect("what was read in so many bytes fits in as many");
        let len = writer.written();
        let mut again = walk(&out[..len], epoch, terms);
        assert_eq!(again.next(), Some(Ok(frame.clone())));
        assert_eq!(again.next(), None);
        if let Frame::Ack(ack) = frame {
            let mut below = u64::MAX;
            for range in ack.ranges() {
                assert!(range.start < range.end && range.end < below);
                below = range.start;
            }
        }
    }
    assert!(frames <= payload.len().max(1));
}

/// Transport parameters; the first byte says whose. What reads is written and read again.
pub fn fuzz_parameters(bytes: &[u8]) {
    let Some((habit, value)) = bytes.split_first() else { return };
    let sender = side(habit & 1 != 0);
    if let Ok(parameters) = Parameters::read(value, sender) {
        let written = parameters.to_vec(sender, &mut Constant(*habit));
        assert_eq!(Parameters::read(&written, sender), Ok(parameters.clone()));
        let remembered = parameters.remembered();
        assert_eq!(again(&remembered), Ok(remembered.clone()));
        assert_eq!(remembered.check_kept(&parameters), Ok(()));
        assert!(remembered.may_take_early_data(&parameters));
    }
    if let Ok(remembered) = Remembered::read(value) {
        assert_eq!(again(&remembered), Ok(remembered));
    }
}

fn again(remembered: &Remembered) -> Result<Remembered, Fault> {
    let mut out = [0; 256];
    let mut writer = Writer::new(&mut out);
    remembered.write(&mut writer).expect("a dozen integers fit");
    let len = writer.written();
    Remembered::read(&out[..len])
}

fn side(is_server: bool) -> Side {
    if is_server { Side::Server } else { Side::Client }
}

struct Constant(u8);

impl Entropy for Constant {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(self.0);
    }
}

#[cfg(test)]
mod tests;
