//! No more than three times what came, before the peer has shown that it is where it says (RFC 9000 section 8).

/// What may be sent to an address, to the byte.
#[derive(Clone, Debug)]
pub struct Credit {
    received_bytes: u64,
    sent_bytes: u64,
    is_limited: bool,
    /// Somebody wanted to send more than there was room for.
    is_blocked: bool,
}

impl Credit {
    /// For an address that is not validated.
    pub const fn limited() -> Self {
        Self { received_bytes: 0, sent_bytes: 0, is_limited: true, is_blocked: false }
    }

    /// For an address that is, and for all that a client sends to.
    pub const fn unlimited() -> Self {
        Self { is_limited: false, ..Self::limited() }
    }

    /// Counts a datagram that came from there: all of it, whether its packets could be read or not. Whether somebody waits
    /// for room: it has some now, and its timers are to be set anew (RFC 9002 section 6.2.2.1).
    pub fn received(&mut self, datagram_bytes: usize) -> bool {
        self.received_bytes = self.received_bytes.saturating_add(datagram_bytes as u64); // spec: 9000-8.1-b
        datagram_bytes > 0 && core::mem::take(&mut self.is_blocked)
    }

    /// Counts a datagram that went there.
    pub fn sent(&mut self, datagram_bytes: usize) {
        debug_assert!(datagram_bytes as u64 <= self.room(), "whoever sends has asked for room");
        self.sent_bytes = self.sent_bytes.saturating_add(datagram_bytes as u64);
    }

    /// Bytes that a datagram may have now.
    pub fn room(&self) -> u64 {
        match self.is_limited {
            true => self.received_bytes.saturating_mul(3).saturating_sub(self.sent_bytes), // spec: 9000-8-a
            false => u64::MAX,
        }
    }

    /// Whether a datagram of so many bytes may go out; if not, [`Credit::received`] will tell when to try again.
    pub fn may_send(&mut self, datagram_bytes: usize) -> bool {
        let may = datagram_bytes as u64 <= self.room();
        self.is_blocked |= !may;
        may
    }

    /// Whether somebody waits for room. No probe timeout runs then: it could send nothing (RFC 9002 section 6.2.2.1).
    pub const fn is_blocked(&self) -> bool {
        self.is_blocked
    }

    /// Whether the address is still to be validated.
    pub const fn is_limited(&self) -> bool {
        self.is_limited
    }

    /// The peer has shown that it receives there. Whether somebody waited for that.
    pub fn validate(&mut self) -> bool {
        self.is_limited = false; // spec: 9000-8.1-a
        core::mem::take(&mut self.is_blocked)
    }
}

#[cfg(test)]
mod tests;
