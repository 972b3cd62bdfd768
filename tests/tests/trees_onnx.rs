//! ONNX models of trees answer as ONNX Runtime does, from the tree kernels; others are left to it.

use servoir_runtime::{Artifact, EngineName, Engines, Format, LoadOptions};
use servoir_tests::environment;
use servoir_tests::trees::Case;
use std::collections::BTreeMap;

fn engines() -> Engines {
    Engines::discover(Some(&environment::onnxruntime()), 1)
}

#[test]
fn every_onnx_model_of_trees_answers_as_onnx_runtime_does() {
    let engines = engines();
    let wrong: Vec<String> = Case::all("onnx").iter().flat_map(|case| case.check(&engines)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_not_computed_here_is_named_and_left_to_onnx_runtime() {
    let engines = engines();
    let folder = environment::fixtures().join("trees").join("onnx_left");
    let left = std::fs::read(folder.join("left.json")).expect("left.json");
    let left: BTreeMap<String, String> = serde_json::from_slice(&left).expect("left.json has its form");
    assert!(!left.is_empty());
    for (file, operator) in left {
        let artifact = Artifact { path: folder.join(&file), folder: None, format: Format::Onnx };
        let load = |engine| engines.load(&artifact, &LoadOptions::cpu(engine, 1));
        let reason = match load(Some(EngineName::Trees)) {
            Ok(_) => panic!("{file} is computed here"),
            Err(error) => error.to_string(),
        };
        assert!(reason.contains("node '") && reason.contains(&operator), "{file}: {reason}");
        let program = load(None).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(program.engine(), EngineName::OnnxRuntime, "{file}");
    }
}
