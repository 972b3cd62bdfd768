//! libFuzzer's program for `servoir_fuzz::BINARY`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (servoir_fuzz::BINARY.run)(bytes));
