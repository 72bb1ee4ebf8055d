/// Plaintext on its way out, for a protocol that has no engine here. Bounded; holds nothing while nothing waits.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    bytes: Vec<u8>,
    sent: usize,
    ended: bool,
}

impl Outgoing {
    /// Bytes that may wait here: four full records.
    pub(crate) const QUEUE_BYTES: usize = 64 * 1024;

    /// Takes as much of `bytes` as there is room for, and says how much that was.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        let room = if self.ended { 0 } else { Self::QUEUE_BYTES - (self.bytes.len() - self.sent) };
        let taken = bytes.len().min(room);
        self.bytes.extend_from_slice(&bytes[..taken]);
        taken
    }

    /// Nothing follows what was written.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// What waits.
    pub(crate) fn waiting(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    /// The first `len` bytes of what waits have left.
    pub(crate) fn sent(&mut self, len: usize) {
        self.sent += len;
        if self.sent == self.bytes.len() {
            self.bytes = Vec::new();
            self.sent = 0;
        }
    }

    /// Whether everything was sent and nothing will follow.
    pub(crate) fn is_over(&self) -> bool {
        self.ended && self.bytes.is_empty()
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}
