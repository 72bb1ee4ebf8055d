#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sakigake::fuzz::fuzz_alt_svc(bytes));
