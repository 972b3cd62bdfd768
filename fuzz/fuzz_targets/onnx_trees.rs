//! libFuzzer's program for `servoir_fuzz::ONNX_TREES`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (servoir_fuzz::ONNX_TREES.run)(bytes));
