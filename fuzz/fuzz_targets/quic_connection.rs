#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sakigake_quic::connection::fuzz::fuzz_connection(bytes));
