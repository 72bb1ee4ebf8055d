#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sakigake_quic::fuzz::fuzz_frames(bytes));
