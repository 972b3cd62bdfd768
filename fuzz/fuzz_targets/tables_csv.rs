//! libFuzzer's program for `servoir_fuzz::TABLES_CSV`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (servoir_fuzz::TABLES_CSV.run)(bytes));
