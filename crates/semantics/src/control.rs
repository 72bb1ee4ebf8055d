use core::{fmt, ops::Range};

/// A request's control data (RFC 9110 section 6.2): its parts in one allocation.
#[derive(Clone, Default)]
pub struct Control {
    text: Vec<u8>,
    /// Where each part lies, by [`Part`].
    places: [Range<u32>; PARTS],
}

/// A part of a request's control data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `GET`, `HEAD`, ...: case matters.
    Method,
    /// `https`; empty for CONNECT.
    Scheme,
    /// Host and port; from `host` where the request had no `:authority`.
    Authority,
    /// Path and query; empty for CONNECT.
    Path,
    /// Extended CONNECT's `:protocol` (RFC 8441); empty for everybody else.
    Protocol,
}

const PARTS: usize = 5;

/// Room for the parts of most requests.
const FIRST_BYTES: usize = 64;

impl Control {
    /// One part; empty where it was not set.
    pub fn part(&self, part: Part) -> &[u8] {
        let place = &self.places[part as usize];
        &self.text[place.start as usize..place.end as usize]
    }

    /// Sets a part. What it was before keeps its room.
    ///
    /// # Panics
    /// When all parts together pass 4 GiB; every engine's limits lie far below.
    pub fn set(&mut self, part: Part, value: &[u8]) {
        let offset = |len: usize| u32::try_from(len).expect("control data stay below 4 GiB");
        let start = offset(self.text.len());
        self.text.reserve(if self.text.is_empty() { value.len().max(FIRST_BYTES) } else { value.len() });
        self.text.extend_from_slice(value);
        self.places[part as usize] = start..offset(self.text.len());
    }

    /// The same with another part.
    #[must_use]
    pub fn with(mut self, part: Part, value: impl AsRef<[u8]>) -> Self {
        self.set(part, value.as_ref());
        self
    }

    /// The request's method.
    pub fn method(&self) -> &[u8] {
        self.part(Part::Method)
    }

    /// Its path and query.
    pub fn path(&self) -> &[u8] {
        self.part(Part::Path)
    }

    fn parts(&self) -> [&[u8]; PARTS] {
        [Part::Method, Part::Scheme, Part::Authority, Part::Path, Part::Protocol].map(|part| self.part(part))
    }
}

impl PartialEq for Control {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Control {}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.parts().map(String::from_utf8_lossy)).finish()
    }
}
