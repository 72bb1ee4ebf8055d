#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sakigake_semantics::fuzz::fuzz_priority(bytes));
