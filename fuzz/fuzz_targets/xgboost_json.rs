//! libFuzzer's program for `servoir_fuzz::XGBOOST_JSON`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (servoir_fuzz::XGBOOST_JSON.run)(bytes));
