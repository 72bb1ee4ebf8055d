use core::fmt;

/// The input ended before what was asked for: that many bytes were wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short(
    /// Bytes that were asked for.
    pub usize,
);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the input ends before {} more byte(s)", self.0)
    }
}

impl std::error::Error for Short {}

/// A cursor over borrowed bytes. Every take is checked, so no length from the network can panic.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from their beginning.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], Short> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(Short(len))?;
        self.rest = rest;
        Ok(head)
    }

    /// The next `N` bytes by value.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Short> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(Short(N))?;
        self.rest = rest;
        Ok(*head)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, Short> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Two bytes in network order.
    pub fn u16(&mut self) -> Result<u16, Short> {
        self.array().map(u16::from_be_bytes)
    }

    /// Three bytes in network order.
    pub fn u24(&mut self) -> Result<u32, Short> {
        self.array::<3>().map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// Four bytes in network order.
    pub fn u32(&mut self) -> Result<u32, Short> {
        self.array().map(u32::from_be_bytes)
    }

    /// Eight bytes in network order.
    pub fn u64(&mut self) -> Result<u64, Short> {
        self.array().map(u64::from_be_bytes)
    }

    /// A variable-length integer (RFC 9000 section 16).
    pub fn varint(&mut self) -> Result<u64, Short> {
        let first = *self.rest.first().ok_or(Short(1))?;
        let bytes = self.take(1 << (first >> 6))?;
        Ok(bytes[1..].iter().fold(u64::from(first & 0x3f), |value, byte| value << 8 | u64::from(*byte)))
    }

    /// A vector behind a length of one byte, as a reader of its own.
    pub fn vector_u8(&mut self) -> Result<Reader<'a>, Short> {
        let len = usize::from(self.u8()?);
        self.take(len).map(Reader::new)
    }

    /// A vector behind a length of two bytes, as a reader of its own.
    pub fn vector_u16(&mut self) -> Result<Reader<'a>, Short> {
        let len = usize::from(self.u16()?);
        self.take(len).map(Reader::new)
    }

    /// A vector behind a length of three bytes, as a reader of its own.
    pub fn vector_u24(&mut self) -> Result<Reader<'a>, Short> {
        let len = self.u24()? as usize;
        self.take(len).map(Reader::new)
    }

    /// All that is left, taken.
    pub fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    /// All that is left, looked at.
    pub const fn peek(&self) -> &'a [u8] {
        self.rest
    }

    /// How many bytes are left.
    pub const fn len(&self) -> usize {
        self.rest.len()
    }

    /// Whether nothing is left.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}
