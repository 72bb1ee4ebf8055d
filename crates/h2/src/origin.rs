//! The ORIGIN frame (RFC 8336): for which origins a server wants a connection to be used.

use crate::Misuse;
use crate::connection::{Connection, Going};
use crate::frame::Frame;
use crate::rules::{MIN_MAX_FRAME_SIZE, ORIGIN_CRITICAL_FLAGS};
use sakigake_semantics::{Origin, OriginSet, origin_frames};

impl Connection {
    /// A client's origin set: `None` until the server has sent ORIGIN, and then only what is in it may be asked for here
    /// (RFC 8336 section 2.4). [`sakigake_semantics::Event::Origin`] says when it has changed.
    pub fn origins(&self) -> Option<&OriginSet> {
        self.origins.set()
    }

    /// Says which origin a client connected to: the host that it named in TLS, and the port. It is in the set from the
    /// beginning (RFC 8336 section 2.3).
    pub fn connected_to(&mut self, origin: Origin) {
        self.origins.connected_to(origin);
    }

    /// A response said 421: the connection is not for that origin, whatever was said before (RFC 8336 section 2.3).
    pub fn misdirected(&mut self, origin: &Origin) {
        self.origins.misdirected(origin);
    }

    /// Sends the configuration's origins, once: as many ORIGIN frames as they need, behind what was asked for before.
    /// Nothing leaves where there are none.
    ///
    /// # Errors
    /// A client has none to send, and nothing is sent any more on a connection that has ended.
    pub fn announce_origins(&mut self) -> Result<(), Misuse> {
        if self.client {
            return Err(Misuse::Role);
        }
        if core::mem::replace(&mut self.are_origins_announced, true) {
            return Ok(());
        }
        if self.going == Going::Over {
            return Err(Misuse::Closing);
        }
        for entries in origin_frames(&self.config.origins, MIN_MAX_FRAME_SIZE as usize) {
            self.output.push(&Frame::Origin { entries: &entries }); // spec: 8336-2.2-a
        }
        Ok(())
    }
}

/// Whether a frame with these flags counts: the first four bits change what it means (RFC 8336 section 2.2).
pub(crate) const fn is_understood(flags: u8) -> bool {
    flags & ORIGIN_CRITICAL_FLAGS == 0 // spec: 8336-2.2-c
}

#[cfg(test)]
mod tests;
