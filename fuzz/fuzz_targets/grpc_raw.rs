//! libFuzzer's program for `servoir_fuzz::GRPC_RAW`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (servoir_fuzz::GRPC_RAW.run)(bytes));
