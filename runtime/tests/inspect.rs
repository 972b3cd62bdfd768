//! What files say they are, and what they really are.

mod support;

use servoir_runtime::{Artifact, Format, LoadOptions, inspect};
use servoir_types::{Label, Role, Signature, TensorSpec};
use support::{artifact, engines, files, fixtures};

/// Files that are not models, and what must be said of each: what it is and what to do.
const REFUSED: [(&str, &str, &str); 32] = [
    ("absurd_dims.onnx", "declares", "export the model again"),
    ("archive.zip", "zip archive", "unpack"),
    ("cyclic.onnx", "circle", "export the model again"),
    ("dangling_input.onnx", "which nothing gives", "export the model again"),
    ("deep_graph.onnx", "nests graphs", "export the model again"),
    ("duplicate_inputs.onnx", "named", "export the model again"),
    ("duplicate_names.onnx", "defined twice", "export the model again"),
    ("elf.so", "shared library", "ONNX"),
    ("empty.onnx", "empty", "upload"),
    ("html.onnx", "web page", "link"),
    ("joblib.joblib", "pickle", "skl2onnx"),
    ("keras.h5", "HDF5", "onnx"),
    ("keras3.keras", "Keras", "onnx"),
    ("model.gguf", "GGUF", "export the whole model"),
    ("model.onnx.gz", "gzip", "unpack"),
    ("model.safetensors", "safetensors", "export the whole model"),
    ("model.tflite", "TensorFlow Lite", "tf2onnx"),
    ("negative_dims.onnx", "impossible dimensions", "export the model again"),
    ("no_graph.onnx", "no graph", "export the model again"),
    ("no_outputs.onnx", "no outputs", "export the model again"),
    ("noise.onnx", "not an ONNX model", "export the model again"),
    ("overflowing_dims.onnx", "impossible dimensions", "export the model again"),
    ("pickle.pkl", "runs whatever code", "skl2onnx"),
    ("pickle_named.onnx", "runs whatever code", "skl2onnx"),
    ("pickle_protocol0.pkl", "runs whatever code", "skl2onnx"),
    ("saved_model.pb", "SavedModel", "tf2onnx"),
    ("text.onnx", "text", "ONNX"),
    ("torch.pt", "PyTorch", "torch.onnx.export"),
    ("torchscript.pt", "TorchScript", "torch.onnx.export"),
    ("truncated.onnx", "not an ONNX model", "export the model again"),
    ("zeros.onnx", "not an ONNX model", "export the model again"),
    ("zip_bomb.zip", "zip archive", "unpack"),
];

#[test]
fn files_that_are_no_models_are_named_and_the_way_out_is_told() {
    let hostile = fixtures().join("hostile");
    let mut wrong = Vec::new();
    for (file, what, advice) in REFUSED {
        match inspect(&hostile.join(file), None) {
            Err(refusal) if refusal.found.contains(what) && refusal.advice.contains(advice) => {}
            other => wrong.push(format!("{file}: {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(inspect(&hostile, None).unwrap_err().found.contains("folder"));
    assert!(inspect(&hostile.join("absent"), None).unwrap_err().found.contains("cannot be read"));
}

#[test]
fn whatever_a_file_holds_it_is_read_or_refused() {
    for path in files(&fixtures().join("hostile")) {
        if let Ok(inspection) = inspect(&path, None) {
            assert_eq!(inspection.format, Format::Onnx, "{}", path.display());
        }
    }
}

#[test]
fn what_only_an_engine_can_judge_is_rejected_in_its_words() {
    for (file, words) in [("unknown_op.onnx", ""), ("unknown_domain.onnx", ""), ("wrong_opset.onnx", "")] {
        let path = fixtures().join("hostile").join(file);
        let artifact = Artifact { path, folder: None, format: Format::Onnx };
        let error = engines().load(&artifact, &LoadOptions::cpu(None, 1)).map(|_| ()).unwrap_err();
        assert!(
            error.to_string().starts_with("onnxruntime cannot load this model") && error.to_string().contains(words),
            "{error}"
        );
    }
}

#[test]
fn formats_are_told_by_their_content() {
    let cases = [
        ("xgb_binary/model.onnx", Format::Onnx),
        ("xgb_json/model.json", Format::XgboostJson),
        ("xgb_json/model.ubj", Format::XgboostUbj),
        ("lgbm_text/model.txt", Format::LightgbmText),
    ];
    for (file, format) in cases {
        let inspection = inspect(&fixtures().join(file), None).unwrap_or_else(|refusal| panic!("{file}: {refusal}"));
        assert_eq!(inspection.format, format, "{file}");
        assert!(!inspection.signature.outputs.is_empty(), "{file}");
    }
}

#[test]
fn external_data_is_taken_from_the_models_own_folder_only() {
    let own = artifact("external_data");
    assert!(inspect(&own.path, own.folder.as_deref()).is_ok());
    let alone = inspect(&own.path, None).unwrap_err();
    assert!(alone.found.contains("weights.bin") && alone.advice.contains("one file"), "{alone}");
    for name in ["absolute", "dotted", "parent", "symlink"] {
        let folder = fixtures().join("external_escape").join(name);
        let path = folder.join("model.onnx");
        let refusal = inspect(&path, Some(&folder)).unwrap_err();
        assert!(refusal.found.contains("is kept in"), "{name}: {refusal}");
        let artifact = Artifact { path, folder: Some(folder), format: Format::Onnx };
        assert!(engines().load(&artifact, &LoadOptions::cpu(None, 1)).is_err(), "{name}");
    }
}

fn signature(model: &str) -> Signature {
    let artifact = artifact(model);
    let inspection = inspect(&artifact.path, artifact.folder.as_deref());
    inspection.unwrap_or_else(|refusal| panic!("{model}: {refusal}")).signature
}

fn told(spec: &TensorSpec) -> String {
    let missing = if spec.accepts_missing { " missing" } else { "" };
    let names = spec.feature_names.as_ref().map_or(String::new(), |names| format!(" {} names", names.len()));
    let role = match spec.role {
        Some(Role::Label) => " label",
        Some(Role::Probabilities) => " probabilities",
        None => "",
    };
    let class = |label: &Label| match label {
        Label::Int(number) => number.to_string(),
        Label::Text(text) => format!("'{text}'"),
    };
    let classes = spec
        .classes
        .as_ref()
        .map_or(String::new(), |classes| format!(" of {}", classes.iter().map(class).collect::<Vec<_>>().join(",")));
    format!("{} {} {}{names}{missing}{role}{classes}", spec.name, spec.datatype, spec.shape)
}

#[test]
fn signatures_tell_names_shapes_and_meanings() {
    let cases: [(&str, &[&str], &[&str]); 10] = [
        (
            "xgb_missing",
            &["input FP32 [-1, 30] 30 names missing"],
            &["label INT64 [-1] label", "probabilities FP32 [-1, 2] probabilities of 0,1"],
        ),
        (
            "xgb_binary",
            &["input FP32 [-1, 30] 30 names"],
            &["label INT64 [-1] label", "probabilities FP32 [-1, 2] probabilities of 0,1"],
        ),
        (
            "rf_zipmap_string",
            &["input FP32 [-1, 4]"],
            &[
                "output_label BYTES [-1] label",
                "output_probability FP32 [-1, 3] probabilities of 'setosa','versicolor','virginica'",
            ],
        ),
        (
            "lr_zipmap_int",
            &["input FP32 [-1, 4]"],
            &["output_label INT64 [-1] label", "output_probability FP32 [-1, 3] probabilities of 0,1,2"],
        ),
        ("gbr", &["input FP32 [-1, 10]"], &["variable FP32 [-1, 1]"]),
        (
            "mlp_softmax",
            &["input FP32 [-1, 64]"],
            &["label INT64 [-1] label", "probabilities FP32 [-1, 10] probabilities of 0,1,2,3,4,5,6,7,8,9"],
        ),
        (
            "sklearn_pipeline_columns",
            &["tenure FP32 [-1, 1]", "charges FP32 [-1, 1]", "plan BYTES [-1, 1]", "region BYTES [-1, 1]"],
            &["label BYTES [-1] label", "probabilities FP32 [-1, 2] probabilities of 'leaves','stays'"],
        ),
        ("fixed_batch", &["x FP32 [4, 2]"], &["y FP32 [4, 2]"]),
        ("echo_BF16", &["input BF16 [-1, 3]"], &["output BF16 [-1, 3]"]),
        ("two_inputs_add", &["a FP32 [-1, 4]", "b FP32 [-1, 4]"], &["sum FP32 [-1, 4]"]),
    ];
    let mut wrong = Vec::new();
    for (model, inputs, outputs) in cases {
        let signature = signature(model);
        let got = (
            signature.inputs.iter().map(told).collect::<Vec<_>>(),
            signature.outputs.iter().map(told).collect::<Vec<_>>(),
        );
        if got.0 != inputs || got.1 != outputs {
            wrong.push(format!("{model}: {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
