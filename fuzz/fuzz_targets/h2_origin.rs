#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sakigake_h2::fuzz::fuzz_origin(bytes));
