#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sakigake_quic::streams::fuzz::fuzz_stream_frames(bytes));
