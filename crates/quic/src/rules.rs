//! What the specifications have as tables, as tables.

pub mod codes;
pub mod frames;
pub mod parameters;
pub mod versions;

pub use frames::{Epoch, Epochs, FRAMES, FrameRule, frame};
pub use parameters::{PARAMETERS, ParameterRule, parameter};
pub use sakigake_tls::rules::Side;

/// As many streams of a kind can have a number (RFC 9000 section 4.6).
pub const MAX_STREAM_COUNT: u64 = 1 << 60;
/// The longest max_ack_delay, in milliseconds (RFC 9000 section 18.2).
pub const MAX_ACK_DELAY_MS: u64 = (1 << 14) - 1;
