/// How soon a response is wanted (RFC 9218 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Priority {
    /// From 0, most urgent, to 7.
    pub urgency: u8,
    /// Whether the response is of use piece by piece, so that it may share the connection with its equals.
    pub incremental: bool,
}

impl Default for Priority {
    fn default() -> Self {
        Self { urgency: 3, incremental: false }
    }
}
