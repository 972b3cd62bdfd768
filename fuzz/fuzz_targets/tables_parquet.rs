//! libFuzzer's program for `servoir_fuzz::TABLES_PARQUET`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (servoir_fuzz::TABLES_PARQUET.run)(bytes));
