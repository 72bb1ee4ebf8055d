//! What leaves a port: batches cut into calls, and what to do when a call fails.

#[cfg(test)]
mod tests;

use rustix::io::Errno;
use sakigake_quic::{paths::Addresses, recovery::acks::Mark};
use std::io;

/// UDP's largest payload over IPv4, in bytes; a call takes no more, however many datagrams that are.
const CALL_BYTES: usize = 65_507;

/// Datagrams that leave together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch<'a> {
    /// Their payloads, one behind the other.
    pub bytes: &'a [u8],
    /// The bytes of each but the last, which may have fewer; all of them where it is one datagram.
    pub segment_bytes: usize,
    /// From which address of ours, and to whom.
    pub addresses: Addresses,
    /// Their ECN mark.
    pub mark: Mark,
}

impl<'a> Batch<'a> {
    fn segment(&self) -> usize {
        self.segment_bytes.max(1)
    }

    fn datagrams(&self) -> usize {
        self.bytes.len().div_ceil(self.segment())
    }

    /// Those from the byte `at` on, `segments` at most and no more than a call takes.
    fn piece(&self, at: usize, segments: usize) -> Self {
        let segment = self.segment();
        let rest = &self.bytes[at..];
        let len = (CALL_BYTES / segment).clamp(1, segments.max(1)).saturating_mul(segment).min(rest.len());
        Self { bytes: &rest[..len], segment_bytes: segment, ..*self }
    }

    /// The bytes of the datagrams that `sent` tells of.
    fn told(&self, sent: Sent) -> usize {
        let told = sent.left + sent.too_large + sent.failed;
        told.saturating_mul(self.segment()).min(self.bytes.len())
    }
}

/// What became of a batch's datagrams, in numbers of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// They are with the system.
    pub left: usize,
    /// They are lost: no path from this machine carries as much (EMSGSIZE).
    pub too_large: usize,
    /// They are lost for another reason, such as an address that is ours no longer.
    pub failed: usize,
    /// They are kept until the socket takes more.
    pub kept: usize,
}

/// How batches leave: how many datagrams a call takes, and what of the last batch still waits.
pub(super) struct Outbox {
    segments: usize,
    /// What waits, if anything does.
    kept: Vec<u8>,
    /// How the kept is cut and where it goes.
    kept_segment: usize,
    kept_for: Option<(Addresses, Mark)>,
}

impl Outbox {
    /// The system says that it cuts as many `segments` out of one call (GSO).
    pub(super) fn new(segments: usize) -> Self {
        Self { segments: segments.max(1), kept: Vec::new(), kept_segment: 1, kept_for: None }
    }

    pub(super) fn segments(&self) -> usize {
        self.segments
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.kept_for.is_some()
    }

    pub(super) fn send(
        &mut self,
        batch: &Batch<'_>,
        call: &mut impl FnMut(&Batch<'_>) -> io::Result<()>,
    ) -> Sent {
        if self.is_blocked() {
            return Sent { failed: batch.datagrams(), ..Sent::default() };
        }
        let sent = self.dispatch(batch, call);
        if sent.kept > 0 {
            self.kept.extend_from_slice(&batch.bytes[batch.told(sent)..]);
            self.kept_segment = batch.segment();
            self.kept_for = Some((batch.addresses, batch.mark));
        }
        sent
    }

    pub(super) fn flush(&mut self, call: &mut impl FnMut(&Batch<'_>) -> io::Result<()>) -> Sent {
        let Some((addresses, mark)) = self.kept_for.take() else { return Sent::default() };
        let mut kept = core::mem::take(&mut self.kept);
        let batch = Batch { bytes: &kept, segment_bytes: self.kept_segment, addresses, mark };
        let sent = self.dispatch(&batch, call);
        if sent.kept > 0 {
            let told = batch.told(sent);
            kept.drain(..told);
            self.kept = kept;
            self.kept_for = Some((addresses, mark));
        }
        sent
    }

    /// Sends piece by piece. A device that cannot cut what it was said to can is found out here alone: its first error is put to
    /// the test with one datagram by itself, and if that leaves, none is ever joined with others again.
    fn dispatch(&mut self, batch: &Batch<'_>, call: &mut impl FnMut(&Batch<'_>) -> io::Result<()>) -> Sent {
        let mut sent = Sent::default();
        let mut segments = self.segments;
        let mut is_suspect = false;
        while batch.told(sent) < batch.bytes.len() {
            let piece = batch.piece(batch.told(sent), segments);
            match call(&piece) {
                Ok(()) => {
                    sent.left += piece.datagrams();
                    if core::mem::take(&mut is_suspect) {
                        self.segments = 1;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    sent.kept = batch.datagrams() - sent.left - sent.too_large - sent.failed;
                    return sent;
                }
                // Those that were too large are not the device's fault: each is tried alone, since the last may be shorter.
                Err(error) if piece.datagrams() > 1 && (is_of_segments(&error) || is_of_size(&error)) => {
                    is_suspect = is_of_segments(&error);
                    segments = 1;
                }
                Err(error) if is_of_size(&error) => {
                    is_suspect = false;
                    sent.too_large += 1;
                }
                // What fails one fails all: they take the same way.
                Err(_) => sent.failed = batch.datagrams() - sent.left - sent.too_large,
            }
        }
        sent
    }
}

/// What a system says of a call whose datagrams it, or its device, cannot cut; it says so of other mistakes too.
pub(super) fn is_of_segments(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::IO | Errno::INVAL))
}

fn is_of_size(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::MSGSIZE)
}
