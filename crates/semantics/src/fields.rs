use core::fmt;

/// Field lines in order, in one allocation whatever their number. Names are lower case once they passed
/// [`crate::Assembly`].
#[derive(Default, PartialEq, Eq)]
pub struct Fields {
    /// A head, a name and a value for each line.
    text: Vec<u8>,
    count: u32,
}

/// Before each line: twice the length of its name, and one more where it is sensitive; then the length of its value.
const HEAD_BYTES: usize = 8;

/// Room for the lines of a small message.
const FIRST_BYTES: usize = 112;

/// One field line.
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

    /// Its size as RFC 9113 section 10.5.1 counts it: name, value and 32 bytes.
    pub const fn size(&self) -> usize {
        self.name.len() + self.value.len() + 32
    }
}

impl Fields {
    /// No lines.
    pub const fn new() -> Self {
        Self { text: Vec::new(), count: 0 }
    }

    /// Appends a line.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        self.push_line(FieldLine::new(name, value));
    }

    /// Appends a line with its mark.
    ///
    /// # Panics
    /// When a name or a value passes 2 GiB; every engine's limits lie far below.
    pub fn push_line(&mut self, line: FieldLine<'_>) {
        let length = |text: &[u8]| i32::try_from(text.len()).expect("field text stays below 2 GiB") as u32;
        let name = length(line.name) << 1 | u32::from(line.sensitive);
        let more = HEAD_BYTES + line.name.len() + line.value.len();
        self.text.reserve(if self.text.is_empty() { more.max(FIRST_BYTES) } else { more });
        self.text.extend_from_slice(&name.to_ne_bytes());
        self.text.extend_from_slice(&length(line.value).to_ne_bytes());
        self.text.extend_from_slice(line.name);
        self.text.extend_from_slice(line.value);
        self.count += 1;
    }

    /// The lines in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = FieldLine<'_>> + Clone {
        Lines { rest: &self.text, left: self.len() }
    }

    /// The value of the first line of that name (in lower case).
    pub fn find<'a>(&'a self, name: &'a [u8]) -> Option<&'a [u8]> {
        self.find_all(name).next()
    }

    /// The values of all lines of that name (in lower case), in order.
    pub fn find_all<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |line| line.name == name).map(|line| line.value)
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The size of the section as RFC 9113 section 10.5.1 counts it, in bytes.
    pub fn size(&self) -> usize {
        self.text.len() + (32 - HEAD_BYTES) * self.len()
    }
}

/// What [`Fields::iter`] gives.
#[derive(Clone)]
struct Lines<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = FieldLine<'a>;

    fn next(&mut self) -> Option<FieldLine<'a>> {
        let ([n0, n1, n2, n3, v0, v1, v2, v3], rest) = self.rest.split_first_chunk()?;
        let name_len = u32::from_ne_bytes([*n0, *n1, *n2, *n3]);
        let value_len = u32::from_ne_bytes([*v0, *v1, *v2, *v3]);
        let (name, rest) = rest.split_at((name_len >> 1) as usize);
        let (value, rest) = rest.split_at(value_len as usize);
        (self.rest, self.left) = (rest, self.left - 1);
        Some(FieldLine { name, value, sensitive: name_len & 1 == 1 })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Lines<'_> {}

/// A copy has room for a line more, since many a copy is made to add one (a `date`).
impl Clone for Fields {
    fn clone(&self) -> Self {
        let mut text = Vec::with_capacity(self.text.len() + SPARE_BYTES);
        text.extend_from_slice(&self.text);
        Self { text, count: self.count }
    }
}

/// What a copy's text may grow by, in bytes, before it moves.
const SPARE_BYTES: usize = 48;

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for line in self.iter() {
            let value =
                if line.sensitive { "(sensitive)".into() } else { String::from_utf8_lossy(line.value) };
            map.entry(&String::from_utf8_lossy(line.name), &value);
        }
        map.finish()
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(lines: I) -> Self {
        let mut fields = Self::new();
        for (name, value) in lines {
            fields.push(name.as_ref(), value.as_ref());
        }
        fields
    }
}
