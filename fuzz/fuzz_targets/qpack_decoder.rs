#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sakigake_fields::fuzz::fuzz_qpack_decoder(bytes));
