use super::*;

#[test]
fn fields_of_limits_are_found_and_no_others() {
    let text = "pub struct Other {\n    pub no: u8,\n}\n\npub struct Limits {\n    /// Bytes.\n    pub frame_bytes: u32,\n    pub \
                streams: u32,\n}\n\npub struct After {\n    pub no: u8,\n}\n";
    assert_eq!(fields(text), ["frame_bytes", "streams"]);
}

#[test]
fn a_limit_is_named_as_a_word_of_its_own() {
    assert!(names("limits.streams = 1;", "streams"));
    assert!(!names("limits.closed_streams = 1; upstreams", "streams"));
}
