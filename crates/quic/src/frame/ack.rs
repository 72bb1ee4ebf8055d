//! ACK (RFC 9000 section 19.3): ranges are read where they lie, and written from whoever keeps them.

use super::short;
use crate::{Fault, rules::frames::kind};
use core::ops::Range;
use sakigake_wire::{Full, Reader, Span, Writer, varint_len};

/// Packets that have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    /// The largest packet number that has come.
    pub largest: u64,
    /// How long the sender sat on it, as written; see [`Ack::delay`].
    pub encoded_delay: u64,
    /// How many packets just below the largest have come too.
    first: u64,
    /// How many ranges there are beside the first.
    more: u64,
    /// Those ranges, as written.
    ranges: &'a [u8],
    /// How many packets bore which mark, if the sender counts.
    pub ecn: Option<EcnCounts>,
}

/// Packets of a packet number space that bore each mark, from its beginning (section 19.3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EcnCounts {
    /// ECT(0).
    pub ect0: u64,
    /// ECT(1).
    pub ect1: u64,
    /// Congestion experienced.
    pub ce: u64,
}

/// What [`write_ack`] got into the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Ranges, the first included: there may have been more.
    pub ranges: usize,
    /// The packet numbers from the lowest that is in the frame to the largest, gaps included.
    pub span: Range<u64>,
}

impl<'a> Ack<'a> {
    /// What follows the type `frame`. Every range is looked at once, so that nobody has to again.
    pub fn read(frame: u64, reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let short = short(frame);
        let largest = reader.varint().map_err(&short)?;
        let encoded_delay = reader.varint().map_err(&short)?;
        let more = reader.varint().map_err(&short)?;
        let first = reader.varint().map_err(&short)?;
        let below_zero = || Fault::AckBelowZero { frame };
        let mut smallest = largest.checked_sub(first).ok_or_else(below_zero)?; // spec: 9000-19.3.1-m
        let bytes = reader.peek();
        // Each turn takes two bytes at least: the packet bounds the count.
        for _ in 0..more {
            let (gap, len) = gap_and_len(reader).ok_or(Fault::FrameEndsEarly { frame })?;
            smallest = next(smallest, gap, len).ok_or_else(below_zero)?.start; // spec: 9000-19.3.1-m
        }
        let ranges = bytes.get(..bytes.len() - reader.len()).unwrap_or_default();
        let ecn = (frame == kind::ACK_ECN).then(|| EcnCounts::read(reader)).transpose()?;
        Ok(Self { largest, encoded_delay, first, more, ranges, ecn })
    }

    /// Appends the frame as it was read, or nothing where it does not fit.
    pub fn write(&self, out: &mut Writer<'_>) -> Result<(), Full> {
        out.all_or_nothing(|out| {
            for value in [self.kind(), self.largest, self.encoded_delay, self.more, self.first] {
                out.varint(value)?;
            }
            out.put(self.ranges)?;
            self.ecn.map_or(Ok(()), |ecn| ecn.write(out))
        })
    }

    /// Its type.
    pub fn kind(&self) -> u64 {
        kind_with(self.ecn)
    }

    /// The acknowledged packet numbers, highest range first, each half-open.
    pub fn ranges(&self) -> AckRanges<'a> {
        AckRanges { next: Some(self.largest - self.first..self.largest + 1), rest: Reader::new(self.ranges) }
    }

    /// How long the sender sat on the largest packet, by its ack_delay_exponent; at most [`Span::MAX`] (section 13.2.5).
    pub fn delay(&self, ack_delay_exponent: u64) -> Span {
        let scale = u32::try_from(ack_delay_exponent).ok().and_then(|shift| 1_u64.checked_shl(shift));
        Span::from_micros(self.encoded_delay.saturating_mul(scale.unwrap_or(u64::MAX)))
    }
}

impl EcnCounts {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let mut count = || reader.varint().map_err(short(kind::ACK_ECN));
        Ok(Self { ect0: count()?, ect1: count()?, ce: count()? })
    }

    fn write(self, out: &mut Writer<'_>) -> Result<(), Full> {
        [self.ect0, self.ect1, self.ce].into_iter().try_for_each(|count| out.varint(count))
    }

    fn len(self) -> usize {
        varint_len(self.ect0) + varint_len(self.ect1) + varint_len(self.ce)
    }
}

/// The ranges of an [`Ack`].
#[derive(Clone, Debug)]
pub struct AckRanges<'a> {
    next: Option<Range<u64>>,
    rest: Reader<'a>,
}

impl Iterator for AckRanges<'_> {
    type Item = Range<u64>;

    fn next(&mut self) -> Option<Range<u64>> {
        let now = self.next.take()?;
        self.next = gap_and_len(&mut self.rest).and_then(|(gap, len)| next(now.start, gap, len));
        Some(now)
    }
}

/// Appends an ACK frame of as many of `ranges` as fit, highest first: half-open, neither empty nor touching each other.
/// `encoded_delay` is scaled already. Nothing is written where there is no range; [`Full`] where not even the first fits.
pub fn write_ack(
    out: &mut Writer<'_>,
    ranges: impl Iterator<Item = Range<u64>> + Clone,
    encoded_delay: u64,
    ecn: Option<EcnCounts>,
) -> Result<Option<Written>, Full> {
    let mut rest = ranges;
    let Some(first) = rest.next() else { return Ok(None) };
    let (largest, first_len) = (first.end - 1, first.end - 1 - first.start);
    let fixed = [kind_with(ecn), largest, encoded_delay, first_len].map(varint_len).iter().sum::<usize>()
        + ecn.map_or(0, EcnCounts::len);
    let room = out.room().checked_sub(fixed + 1).ok_or(Full(fixed + 1))?;
    let more = fitting(room, first.start, rest.clone());
    out.all_or_nothing(|out| {
        for value in [kind_with(ecn), largest, encoded_delay, more as u64, first_len] {
            out.varint(value)?;
        }
        let mut smallest = first.start;
        for range in rest.take(more) {
            let (gap, len) = relative(smallest, &range);
            out.varint(gap)?;
            out.varint(len)?;
            smallest = range.start;
        }
        ecn.map_or(Ok(()), |ecn| ecn.write(out))?;
        Ok(Some(Written { ranges: 1 + more, span: smallest..largest + 1 }))
    })
}

/// How many ranges below `smallest` fit into `room` bytes, where one byte is already there for their count.
fn fitting(room: usize, smallest: u64, ranges: impl Iterator<Item = Range<u64>>) -> usize {
    let (mut below, mut used, mut count) = (smallest, 0, 0);
    for range in ranges {
        let (gap, len) = relative(below, &range);
        used += varint_len(gap) + varint_len(len);
        if used + varint_len(count as u64 + 1) - 1 > room {
            break;
        }
        (below, count) = (range.start, count + 1);
    }
    count
}

/// Gap and length of `range` as they are written behind a range that begins at `smallest`.
fn relative(smallest: u64, range: &Range<u64>) -> (u64, u64) {
    (smallest - range.end - 1, range.end - 1 - range.start)
}

/// The range behind one that begins at `smallest`; `None` below zero.
fn next(smallest: u64, gap: u64, len: u64) -> Option<Range<u64>> {
    let largest = smallest.checked_sub(gap)?.checked_sub(2)?;
    Some(largest.checked_sub(len)?..largest + 1)
}

fn gap_and_len(reader: &mut Reader<'_>) -> Option<(u64, u64)> {
    match (reader.varint(), reader.varint()) {
        (Ok(gap), Ok(len)) => Some((gap, len)),
        _ => None,
    }
}

fn kind_with(ecn: Option<EcnCounts>) -> u64 {
    if ecn.is_some() { kind::ACK_ECN } else { kind::ACK }
}

#[cfg(test)]
mod tests;
