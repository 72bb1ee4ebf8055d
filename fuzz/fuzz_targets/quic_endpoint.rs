#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sakigake_quic::endpoint::fuzz::fuzz_endpoint(bytes));
