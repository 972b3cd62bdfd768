//! libFuzzer's program for `servoir_fuzz::XGBOOST_UBJ`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (servoir_fuzz::XGBOOST_UBJ.run)(bytes));
