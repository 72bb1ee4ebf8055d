//! The frames of HTTP/3 that pass by, for who asked to see them.

use crate::Event;
use sakigake_h3::{Departure, Seen, Tracer, What};
use sakigake_quic::streams::Heard;
use sakigake_semantics::StreamId;

#[derive(Debug, Default)]
pub(super) struct Frames {
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

/// Frames of ours that may wait to be told; later ones are not shown. One turn seldom has as many.
const WAITING_FRAMES: usize = 1_024;

impl Frames {
    /// What the peer says.
    pub(super) fn received(&mut self, heard: &Heard<'_>, told: &mut impl FnMut(Event<'_>)) {
        match heard {
            Heard::Data { id, bytes } => {
                let mut told = |seen: Seen<'_>| told(Event::Http3Frame { is_sent: false, seen });
                self.received.feed(StreamId(id.number()), bytes, &mut told);
            }
            Heard::Finished { id } | Heard::Reset { id, .. } => self.received.forget(StreamId(id.number())),
            Heard::Opened { .. }
            | Heard::Stopped { .. }
            | Heard::Delivered { .. }
            | Heard::MayOpen { .. } => {}
        }
    }

    /// What leaves: told by [`Frames::tell`].
    pub(super) fn sent(&mut self, departure: &Departure) {
        let Self { sent, waiting, .. } = self;
        match departure {
            Departure::Bytes { stream, chunk, fin } => {
                sent.feed(*stream, chunk.as_ref(), &mut |seen| {
                    if waiting.len() < WAITING_FRAMES {
                        waiting.push(Waiting::of(seen));
                    }
                });
                if *fin {
                    sent.forget(*stream);
                }
            }
            Departure::Reset { stream, .. } => sent.forget(*stream),
            _ => {}
        }
    }

    pub(super) fn tell(&mut self, heard: &mut impl FnMut(Event<'_>)) {
        for Waiting { seen, detail } in self.waiting.drain(..) {
            let what = match seen.what {
                What::Frame { kind, length, .. } => What::Frame { kind, length, detail: &detail },
                what @ What::Begun { .. } => what,
            };
            heard(Event::Http3Frame { is_sent: true, seen: Seen { what, ..seen } });
        }
    }
}

impl Waiting {
    fn of(seen: Seen<'_>) -> Self {
        let (what, detail) = match seen.what {
            What::Frame { kind, length, detail } => {
                (What::Frame { kind, length, detail: &[] }, detail.to_vec())
            }
            What::Begun { kind } => (What::Begun { kind }, Vec::new()),
        };
        Self { seen: Seen { stream: seen.stream, what }, detail }
    }
}
