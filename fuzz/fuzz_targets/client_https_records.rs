#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sakigake::fuzz::fuzz_https_records(bytes));
