/// One field line, as a compressor sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldLine<'a> {
    /// The field's name.
    pub name: &'a [u8],
    /// The field's value.
    pub value: &'a [u8],
    /// Whether the value must never enter a compression table (RFC 7541 section 7.1.3).
    pub sensitive: bool,
}

impl<'a> FieldLine<'a> {
    /// A line that any table may hold.
    pub const fn new(name: &'a [u8], value: &'a [u8]) -> Self {
        Self { name, value, sensitive: false }
    }

    /// Its size in a table and in a field section: name, value and 32 bytes (RFC 7541 section 4.1).
    pub const fn size(&self) -> usize {
        self.name.len() + self.value.len() + 32
    }
}
