use super::Mtu;

/// Tells a path that swallows large datagrams from one that loses some of any size.
///
/// Losses are counted by rounds: all that was on its way when the first of them was noticed. A round counts where nothing
/// small was lost in it, and where no datagram as large as the lost ones arrived that was sent after them. Three such rounds,
/// one after the other, are a black hole; congestion, however bad, lets large datagrams through between its losses.
#[derive(Clone, Debug, Default)]
pub(super) struct Holes {
    rounds: u8,
    round: Option<Round>,
    /// The smallest datagram that was lost, and the last one, in all rounds that count.
    smallest: u16,
    last: u64,
    /// The last large packet that arrived, and its size.
    proof: Option<(u64, u16)>,
}

#[derive(Clone, Copy, Debug)]
struct Round {
    until: u64,
    is_mixed: bool,
}

impl Holes {
    pub(super) fn acked(&mut self, number: u64, bytes: u16) {
        if bytes <= Mtu::BASE_BYTES {
            return;
        }
        if self.proof.is_none_or(|(last, _)| number > last) {
            self.proof = Some((number, bytes));
        }
        if bytes >= self.smallest && number > self.last {
            (self.rounds, self.round) = (0, None);
        }
    }

    /// The smallest size that the hole swallows, once there is one.
    pub(super) fn lost(&mut self, number: u64, bytes: u16, largest_sent: u64) -> Option<u16> {
        let round = self.round.filter(|round| number <= round.until);
        if bytes <= Mtu::BASE_BYTES {
            self.round = round.map(|round| Round { is_mixed: true, ..round }).or(self.round);
            return None;
        }
        if self.proof.is_some_and(|(later, size)| later > number && size >= bytes) {
            return None;
        }
        if round.is_none() {
            self.close();
            self.round = Some(Round { until: largest_sent, is_mixed: false });
        }
        let is_first = self.rounds == 0 && round.is_none();
        self.smallest = if is_first { bytes } else { self.smallest.min(bytes) };
        self.last = self.last.max(number);
        let is_mixed = round.is_some_and(|round| round.is_mixed);
        (!is_mixed && self.rounds + 1 >= ROUNDS).then_some(self.smallest)
    }

    fn close(&mut self) {
        if let Some(round) = self.round.take() {
            self.rounds = if round.is_mixed { 0 } else { self.rounds + 1 };
        }
    }
}

const ROUNDS: u8 = 3;
