//! libFuzzer's program for `servoir_fuzz::NUMBERS`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (servoir_fuzz::NUMBERS.run)(bytes));
