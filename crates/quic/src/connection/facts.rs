//! What somebody who watches from outside may ask, and nobody else needs.

use super::Connection;

impl Connection {
    /// Whether what leaves next may exceed the congestion window: a probe timeout is answered (RFC 9002 section 7.5), or the
    /// handshake has something to say that nothing else would ever make room for.
    pub fn may_exceed_window(&self) -> bool {
        self.probes != [0; 3] || self.is_held_up()
    }
}
