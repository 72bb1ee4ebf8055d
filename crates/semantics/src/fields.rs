use core::fmt;

/// Field lines in order, in two allocations whatever their number. Names are lower case once they passed
/// [`crate::Assembly`].
#[derive(Default, PartialEq, Eq)]
pub struct Fields {
    text: Vec<u8>,
    lines: Vec<Line>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Line {
    start: u32,
    colon: u32,
    end: u32,
    sensitive: bool,
}

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
        Self { text: Vec::new(), lines: Vec::new() }
    }

    /// Appends a line.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        self.push_line(FieldLine::new(name, value));
    }

    /// Appends a line with its mark.
    ///
    /// # Panics
    /// When all text together passes 4 GiB; every engine's limits lie far below.
    pub fn push_line(&mut self, line: FieldLine<'_>) {
        let offset = |len: usize| u32::try_from(len).expect("field text stays below 4 GiB");
        self.text.reserve(line.name.len() + line.value.len());
        let start = offset(self.text.len());
        self.text.extend_from_slice(line.name);
        let colon = offset(self.text.len());
        self.text.extend_from_slice(line.value);
        let end = offset(self.text.len());
        self.lines.push(Line { start, colon, end, sensitive: line.sensitive });
    }

    /// The lines in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = FieldLine<'_>> + Clone {
        self.lines.iter().map(|line| FieldLine {
            name: &self.text[line.start as usize..line.colon as usize],
            value: &self.text[line.colon as usize..line.end as usize],
            sensitive: line.sensitive,
        })
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
        self.lines.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The size of the section as RFC 9113 section 10.5.1 counts it, in bytes.
    pub fn size(&self) -> usize {
        self.text.len() + 32 * self.lines.len()
    }
}

/// A copy has room for a line more, since many a copy is made to add one (a `date`).
impl Clone for Fields {
    fn clone(&self) -> Self {
        let mut text = Vec::with_capacity(self.text.len() + SPARE_BYTES);
        text.extend_from_slice(&self.text);
        let mut lines = Vec::with_capacity(self.lines.len() + 1);
        lines.extend_from_slice(&self.lines);
        Self { text, lines }
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
