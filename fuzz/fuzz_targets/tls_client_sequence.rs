#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sakigake_tls::fuzz::fuzz_client_sequence(bytes));
