//! What means nothing and is said all the same, so that peers stay used to what they do not know (RFC 9114 sections 6.2.3, 7.2.4.1
//! and 7.2.8): a setting, a frame, a stream.

use crate::connection::Connection;
use crate::rules::reserved;
use sakigake_semantics::StreamId;
use sakigake_wire::Entropy;

/// What was drawn for one connection.
#[derive(Clone, Copy, Debug)]
pub struct Grease {
    /// A setting and its value.
    pub(crate) setting: (u64, u64),
    /// A frame's type.
    frame: u64,
    /// A stream's type.
    stream: u64,
    payload: [u8; 8],
    payload_bytes: usize,
}

/// How many streams of ours may still begin behind one that means nothing: those of QPACK.
const SPARE_STREAMS: u64 = 2;

impl Grease {
    /// Draws it.
    pub fn draw(entropy: &mut dyn Entropy) -> Self {
        let mut draw = || {
            let mut bytes = [0; 8];
            entropy.fill(&mut bytes);
            u64::from_be_bytes(bytes)
        };
        Self {
            setting: (reserved(draw()), draw() >> 32),
            frame: reserved(draw()),
            stream: reserved(draw()),
            payload: draw().to_be_bytes(),
            payload_bytes: (draw() % 9) as usize,
        }
    }
}

impl Connection {
    /// Makes this connection say what means nothing, before anything has left. Who does not ask for it says no more than one setting,
    /// the same each time.
    pub fn grease(&mut self, grease: Grease) {
        self.grease = Some(Box::new(grease));
    }

    /// The frame leaves when the peer has spoken, so that it does not stand between SETTINGS and PRELOAD.
    pub(crate) fn say_grease(&mut self) {
        if let Some(grease) = self.grease.as_deref().copied() {
            self.say(grease.frame, &grease.payload[..grease.payload_bytes]); // spec: 9114-7.2.8-a
        }
    }

    /// The stream begins behind all that the peer has to know, where there is room for it and for those that may follow.
    pub(crate) fn begin_grease(&mut self, room: &mut impl FnMut(StreamId) -> u64) {
        if self.grease.is_none() || !self.has_heard_settings() {
            return;
        }
        let ahead = StreamId(self.next_local() + 4 * SPARE_STREAMS);
        if let Some(grease) = self.grease.take_if(|_| room(ahead) > 0) {
            self.local_once(grease.stream, &grease.payload[..grease.payload_bytes]); // spec: 9114-6.2.3-a
        }
    }
}

#[cfg(test)]
mod tests;
