use crate::Event;
use sakigake_h2::{Seen, Tracer};

/// The frames that pass by, for who asked to see them.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    received: Tracer,
    sent: Tracer,
    /// Frames of ours that nobody was told of yet.
    waiting: Vec<Waiting>,
}

/// A [`Seen`] that outlives its bytes.
#[derive(Debug)]
struct Waiting {
    seen: Seen<'static>,
    detail: Vec<u8>,
}

/// Frames of ours that may wait to be told; later ones are not shown. One `transmit` of 64 KiB seldom has as many.
const WAITING_FRAMES: usize = 1_024;

impl Frames {
    /// Bytes from the peer.
    pub(crate) fn received(&mut self, bytes: &[u8], heard: &mut impl FnMut(Event<'_>)) {
        self.received.feed(bytes, &mut |seen| heard(Event::Frame { is_sent: false, seen }));
    }

    /// Bytes to the peer: told by [`Frames::tell`].
    pub(crate) fn sent(&mut self, bytes: &[u8]) {
        let waiting = &mut self.waiting;
        self.sent.feed(bytes, &mut |seen| {
            if waiting.len() < WAITING_FRAMES {
                let Seen { kind, flags, stream, length, detail } = seen;
                let seen = Seen { kind, flags, stream, length, detail: &[] };
                waiting.push(Waiting { seen, detail: detail.to_vec() });
            }
        });
    }

    pub(crate) fn tell(&mut self, heard: &mut impl FnMut(Event<'_>)) {
        for Waiting { seen, detail } in self.waiting.drain(..) {
            heard(Event::Frame { is_sent: true, seen: Seen { detail: &detail, ..seen } });
        }
    }
}

#[cfg(test)]
mod tests;
