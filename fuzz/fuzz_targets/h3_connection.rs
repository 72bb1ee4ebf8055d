#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sakigake_h3::fuzz::fuzz_connection(bytes));
