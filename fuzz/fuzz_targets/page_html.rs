#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sakigake_page::fuzz::fuzz_html(bytes));
