//! What must hold whatever bytes a stranger sends.
//!
//! Each target is one function over bytes: it hands them to a reader of the server's and panics when a property does not
//! hold. The short run in `tests/` calls the targets with the corpus and with mutations of it; `fuzz_targets/` is the
//! package through which libFuzzer calls them.

mod alone;
mod binary;
mod check;
mod folder;
mod grpc_raw;
mod json_v1;
mod json_v2;
mod model_files;
mod numbers;
mod onnx_trees;
mod oracle;
mod signatures;
mod tables;
mod trees;

use servoir_runtime::Format;

/// A reader of strangers' bytes under test.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: that of its folder in `corpus/` and of its file in `fuzz_targets/`.
    pub name: &'static str,
    /// Gives it an input. Panics when a property does not hold.
    pub run: fn(&[u8]),
}

/// The body of `/v1/predict`.
pub const JSON_V1: Target = Target { name: "json_v1", run: json_v1::run };
/// The body of `/v2/…/infer`.
pub const JSON_V2: Target = Target { name: "json_v2", run: json_v2::run };
/// The body of `/v2/…/infer` with tensors in binary form.
pub const BINARY: Target = Target { name: "binary", run: binary::run };
/// The message of a prediction over gRPC.
pub const GRPC_RAW: Target = Target { name: "grpc_raw", run: grpc_raw::run };
/// The elements of a JSON list of numbers.
pub const NUMBERS: Target = Target { name: "numbers", run: numbers::run };
/// A model file.
pub const MODEL_FILES: Target = Target { name: "model_files", run: model_files::run };
/// An XGBoost file in JSON.
pub const XGBOOST_JSON: Target = Target { name: "xgboost_json", run: |bytes| trees::run(Format::XgboostJson, bytes) };
/// An XGBoost file in UBJSON.
pub const XGBOOST_UBJ: Target = Target { name: "xgboost_ubj", run: |bytes| trees::run(Format::XgboostUbj, bytes) };
/// A LightGBM file.
pub const LIGHTGBM_TEXT: Target =
    Target { name: "lightgbm_text", run: |bytes| trees::run(Format::LightgbmText, bytes) };
/// An ONNX file of trees.
pub const ONNX_TREES: Target = Target { name: "onnx_trees", run: onnx_trees::run };

/// A file of text that is to be a dataset.
pub const TABLES_CSV: Target = Target { name: "tables_csv", run: tables::csv };
/// A file of Parquet that is to be a dataset.
pub const TABLES_PARQUET: Target = Target { name: "tables_parquet", run: tables::parquet };

/// Every target.
pub const TARGETS: [Target; 12] = [
    JSON_V1,
    JSON_V2,
    BINARY,
    GRPC_RAW,
    NUMBERS,
    MODEL_FILES,
    XGBOOST_JSON,
    XGBOOST_UBJ,
    LIGHTGBM_TEXT,
    ONNX_TREES,
    TABLES_CSV,
    TABLES_PARQUET,
];
