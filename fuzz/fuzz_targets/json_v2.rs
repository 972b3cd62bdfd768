//! libFuzzer's program for `servoir_fuzz::JSON_V2`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (servoir_fuzz::JSON_V2.run)(bytes));
