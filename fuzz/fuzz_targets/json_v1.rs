//! libFuzzer's program for `servoir_fuzz::JSON_V1`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (servoir_fuzz::JSON_V1.run)(bytes));
