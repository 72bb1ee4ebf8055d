//! The examples of RFC 9204 appendix B, as it prints them.

/// What happens next.
pub(super) enum Step {
    /// The encoder stream carries this; the dynamic table has that many bytes then.
    Instructions(&'static str, usize),
    /// A stream carries a section; it holds these lines, where its entries are there.
    Section(u64, &'static str, &'static [(&'static str, &'static str)]),
    /// The decoder abandons a stream.
    Cancel(u64),
    /// The decoder stream carries this.
    Answer(&'static str),
}

use Step::{Answer, Cancel, Instructions, Section};

pub(super) static STEPS: [Step; 11] = [
    Section(0, "0000 510b 2f69 6e64 6578 2e68 746d 6c", &[(":path", "/index.html")]),
    Instructions("3fbd01 c00f 7777 772e 6578 616d 706c 652e 636f 6d c10c 2f73 616d 706c 652f 7061 7468", 106),
    Section(4, "0381 10 11", &[(":authority", "www.example.com"), (":path", "/sample/path")]),
    Answer("84"),
    Instructions("4a63 7573 746f 6d2d 6b65 790c 6375 7374 6f6d 2d76 616c 7565", 160),
    Answer("01"),
    // The duplicate comes after its section: the stream is cancelled before.
    Section(8, "0500 80 c1 81", &[]),
    Cancel(8),
    Answer("48"),
    Instructions("02", 217),
    Instructions("810d 6375 7374 6f6d 2d76 616c 7565 32", 215),
];
