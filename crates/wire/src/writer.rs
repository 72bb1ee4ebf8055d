use core::fmt;

/// The output has no room for that many bytes more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full(
    /// Bytes that did not fit.
    pub usize,
);

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the output has no room for {} more byte(s)", self.0)
    }
}

impl std::error::Error for Full {}

/// Bounded output into the caller's buffer. A put that does not fit changes nothing and says so.
#[derive(Debug)]
pub struct Writer<'a> {
    buf: &'a mut [u8],
    at: usize,
}

impl<'a> Writer<'a> {
    /// Writes into `buf` from its beginning.
    pub fn new(buf: &'a mut [u8]) -> Self {
        Self { buf, at: 0 }
    }

    /// Bytes that still fit.
    pub fn room(&self) -> usize {
        self.buf.len() - self.at
    }

    /// Bytes written so far.
    pub fn written(&self) -> usize {
        self.at
    }

    /// What is not yet written to; tell [`Writer::advance`] how much of it was filled.
    pub fn spare(&mut self) -> &mut [u8] {
        &mut self.buf[self.at..]
    }

    /// Counts `len` bytes of [`Writer::spare`] as written.
    pub fn advance(&mut self, len: usize) -> Result<(), Full> {
        if len > self.room() {
            return Err(Full(len));
        }
        self.at += len;
        Ok(())
    }

    /// Appends `bytes`.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let spare = self.buf.get_mut(self.at..self.at + bytes.len()).ok_or(Full(bytes.len()))?;
        spare.copy_from_slice(bytes);
        self.at += bytes.len();
        Ok(())
    }

    /// Appends one byte.
    pub fn u8(&mut self, value: u8) -> Result<(), Full> {
        self.put(&[value])
    }

    /// Appends two bytes in network order.
    pub fn u16(&mut self, value: u16) -> Result<(), Full> {
        self.put(&value.to_be_bytes())
    }

    /// Appends the low three bytes in network order.
    pub fn u24(&mut self, value: u32) -> Result<(), Full> {
        self.put(&value.to_be_bytes()[1..])
    }

    /// Appends four bytes in network order.
    pub fn u32(&mut self, value: u32) -> Result<(), Full> {
        self.put(&value.to_be_bytes())
    }

    /// Appends eight bytes in network order.
    pub fn u64(&mut self, value: u64) -> Result<(), Full> {
        self.put(&value.to_be_bytes())
    }

    /// Appends a variable-length integer (RFC 9000 section 16) in as few bytes as it takes.
    ///
    /// # Panics
    /// When `value` is above [`MAX_VARINT`]: what we send was bounded when it was counted or configured.
    pub fn varint(&mut self, value: u64) -> Result<(), Full> {
        let len = varint_len(value);
        let mut bytes = value.to_be_bytes();
        let bytes = &mut bytes[8 - len..];
        bytes[0] |= (len.trailing_zeros() as u8) << 6; // spec: 9000-16-a
        self.put(bytes)
    }

    /// Runs `body`; when it fails, nothing that it wrote remains.
    pub fn all_or_nothing<T>(&mut self, body: impl FnOnce(&mut Self) -> Result<T, Full>) -> Result<T, Full> {
        let mark = self.at;
        body(self).inspect_err(|_| self.at = mark)
    }
}

/// The largest variable-length integer (RFC 9000 section 16).
pub const MAX_VARINT: u64 = (1 << 62) - 1;

/// How many bytes [`Writer::varint`] takes for `value`: 1, 2, 4 or 8.
///
/// # Panics
/// When `value` is above [`MAX_VARINT`].
pub const fn varint_len(value: u64) -> usize {
    match value {
        0..=0x3f => 1,
        0x40..=0x3fff => 2,
        0x4000..=0x3fff_ffff => 4,
        0x4000_0000..=MAX_VARINT => 8,
        _ => panic!("a variable-length integer has at most 62 bits"),
    }
}

/// Growing output, for messages whose length our own configuration bounds. Lengths are written by nesting.
pub trait Grow {
    /// Appends `bytes`.
    fn put(&mut self, bytes: &[u8]);

    /// Appends one byte.
    fn u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    /// Appends two bytes in network order.
    fn u16(&mut self, value: u16) {
        self.put(&value.to_be_bytes());
    }

    /// Appends the low three bytes in network order.
    fn u24(&mut self, value: u32) {
        self.put(&value.to_be_bytes()[1..]);
    }

    /// Appends four bytes in network order.
    fn u32(&mut self, value: u32) {
        self.put(&value.to_be_bytes());
    }

    /// Appends a variable-length integer in as few bytes as it takes; see [`Writer::varint`].
    ///
    /// # Panics
    /// When `value` is above [`MAX_VARINT`].
    fn varint(&mut self, value: u64) {
        let mut bytes = [0; 8];
        let mut writer = Writer::new(&mut bytes);
        writer.varint(value).expect("eight bytes hold any of them");
        let len = writer.written();
        self.put(&bytes[..len]);
    }

    /// Appends what `body` writes behind its length in one byte.
    ///
    /// # Panics
    /// When `body` writes more than 255 bytes: the caller's configuration was not checked.
    fn vector_u8(&mut self, body: impl FnOnce(&mut Self));

    /// Appends what `body` writes behind its length in two bytes.
    ///
    /// # Panics
    /// When `body` writes more than 65,535 bytes: the caller's configuration was not checked.
    fn vector_u16(&mut self, body: impl FnOnce(&mut Self));

    /// Appends what `body` writes behind its length in three bytes.
    ///
    /// # Panics
    /// When `body` writes more than 16,777,215 bytes: the caller's configuration was not checked.
    fn vector_u24(&mut self, body: impl FnOnce(&mut Self));
}

impl Grow for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn vector_u8(&mut self, body: impl FnOnce(&mut Self)) {
        nest::<1>(self, body);
    }

    fn vector_u16(&mut self, body: impl FnOnce(&mut Self)) {
        nest::<2>(self, body);
    }

    fn vector_u24(&mut self, body: impl FnOnce(&mut Self)) {
        nest::<3>(self, body);
    }
}

fn nest<const WIDTH: usize>(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; WIDTH]);
    body(out);
    let len = (out.len() - start - WIDTH).to_be_bytes();
    let (high, low) = len.split_at(len.len() - WIDTH);
    assert!(high.iter().all(|byte| *byte == 0), "a vector outgrew its length prefix of {WIDTH} byte(s)");
    out[start..start + WIDTH].copy_from_slice(low);
}

#[cfg(test)]
mod tests;
