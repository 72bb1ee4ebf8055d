#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sakigake_preload::fuzz::fuzz_link(bytes));
