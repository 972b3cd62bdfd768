//! libFuzzer's program for `servoir_fuzz::MODEL_FILES`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (servoir_fuzz::MODEL_FILES.run)(bytes));
