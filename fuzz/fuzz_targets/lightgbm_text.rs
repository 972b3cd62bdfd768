//! libFuzzer's program for `servoir_fuzz::LIGHTGBM_TEXT`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (servoir_fuzz::LIGHTGBM_TEXT.run)(bytes));
