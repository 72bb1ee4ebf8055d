//! Where handshake messages begin and end in the bytes of their records (RFC 9846 section 5.1).

/// Follows the headers of handshake messages (type and 24-bit length) without keeping their bodies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Boundary {
    /// The beginning of the current message's header.
    header: [u8; 4],
    /// Bytes of the header that have come.
    header_len: usize,
    /// Bytes of the body that are still to come, once the header is whole.
    body_left: usize,
}

impl Boundary {
    /// How many of `bytes`, at most all, belong to the current message; the message counts as taken that far.
    pub fn take(&mut self, bytes: &[u8]) -> usize {
        let head = bytes.len().min(4 - self.header_len);
        self.header[self.header_len..self.header_len + head].copy_from_slice(&bytes[..head]);
        if head > 0 {
            self.header_len += head;
            if self.header_len == 4 {
                let [_, a, b, c] = self.header;
                self.body_left = u32::from_be_bytes([0, a, b, c]) as usize;
            }
        }
        let body = self.body_left.min(bytes.len() - head);
        self.body_left -= body;
        if self.header_len == 4 && self.body_left == 0 {
            *self = Self::default();
        }
        head + body
    }

    /// Whether the last message is whole, so that another record type or other keys may follow.
    pub fn is_aligned(&self) -> bool {
        self.header_len == 0
    }
}

#[cfg(test)]
mod tests;
