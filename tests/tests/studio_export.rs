//! Models that the Studio trains are served by the tree kernels where they are trees, and say there what they say in ONNX
//! Runtime; where they are none, by ONNX Runtime.

use bytes::Bytes;
use servoir_runtime::{Artifact, EngineName, Engines, Format, LoadOptions, inspect};
use servoir_studio::config::{Algorithm, TrainConfig};
use servoir_studio::job::{Job, MODEL_NATIVE, MODEL_ONNX};
use servoir_studio::table::inspect::inspect as inspect_table;
use servoir_studio::table::{MISSING, Table, Values};
use servoir_studio::task::Task;
use servoir_studio::worker::run::run;
use servoir_studio::worker::stop::Stop;
use servoir_tests::environment;
use servoir_types::{Data, Label, Role, Tensor};
use std::path::Path;

const SUBJECTS: [(&str, &str, Task); 4] = [
    ("tumours", "diagnosis", Task::Classification),
    ("wines", "cultivar", Task::Classification),
    ("digits", "digit", Task::Classification),
    ("progression", "progression", Task::Regression),
];

/// How far numbers may be off, in relation to the largest.
const TOLERANCE: f32 = 1e-6;

fn trained(name: &str, target: &str, task: Task, algorithm: Algorithm, output: &Path) -> Table {
    let dataset = environment::fixtures().join("training").join(format!("{name}.csv"));
    let format = inspect_table(&dataset).expect("a table").format;
    let table = Table::read(&dataset, &format, None).expect("a table");
    let mut config = TrainConfig { algorithm, target_column: Some(target.into()), ..TrainConfig::default() };
    if matches!(algorithm, Algorithm::GradientBoosting | Algorithm::RandomForest) {
        config.hyperparameters.insert("n_estimators".into(), 20.into());
    }
    let output = output.to_owned();
    let job =
        Job { dataset, format, task, config, output, threads: 1, memory_bytes_max: 4 << 30, nice: 0, script: None };
    run(&job, &Stop::default(), std::io::sink()).expect("a model");
    table
}

/// A table's column as an input, every seventh value taken out and every eleventh one that the table does not have.
fn input(table: &Table, name: &str) -> Tensor {
    let is_missing = |row: usize| (row + name.len()).is_multiple_of(7);
    let is_unseen = |row: usize| (row + name.len()).is_multiple_of(11);
    let data = match &table.column(name).expect("a column").values {
        Values::Numbers(numbers) => {
            let number = |(row, &number): (usize, &f64)| match row {
                row if is_missing(row) => f32::NAN,
                row if is_unseen(row) => -1e4,
                _ => number as f32,
            };
            Data::Fp32(numbers.iter().enumerate().map(number).collect::<Vec<_>>().into())
        }
        Values::Texts { codes, texts } => {
            let text = |(row, &code): (usize, &u32)| match row {
                row if is_missing(row) || code == MISSING => Bytes::new(),
                row if is_unseen(row) => Bytes::from("never seen"),
                _ => Bytes::from(texts[code as usize].clone()),
            };
            Data::Bytes(codes.iter().enumerate().map(text).collect())
        }
    };
    Tensor::new(vec![table.rows, 1], data).expect("a column")
}

fn answers(engines: &Engines, artifact: &Artifact, engine: EngineName, table: &Table) -> Vec<Tensor> {
    let options = LoadOptions::cpu(engine, 1);
    let program =
        engines.load(artifact, &options).unwrap_or_else(|error| panic!("{}: {error}", artifact.path.display()));
    let inputs: Vec<Tensor> = program.signature().inputs.iter().map(|spec| input(table, &spec.name)).collect();
    let mut outputs = Vec::new();
    program.session().expect("a session").run(&inputs, &mut outputs).expect("answers");
    outputs
}

fn largest_difference(ours: &Tensor, theirs: &Tensor) -> f32 {
    assert_eq!((ours.shape(), ours.datatype()), (theirs.shape(), theirs.datatype()));
    match (ours.data(), theirs.data()) {
        (Data::Fp32(ours), Data::Fp32(theirs)) => {
            let unit = theirs.iter().fold(1.0f32, |most, of| most.max(of.abs()));
            ours.iter().zip(theirs.iter()).map(|(ours, theirs)| (ours - theirs).abs() / unit).fold(0.0, f32::max)
        }
        (ours, theirs) => f32::from(u8::from(ours != theirs)),
    }
}

#[test]
fn trees_that_were_trained_run_on_the_tree_kernels_and_linear_models_on_onnx_runtime() {
    let engines = Engines::discover(Some(&environment::onnxruntime()), 1);
    for (name, target, task) in SUBJECTS {
        for algorithm in [Algorithm::GradientBoosting, Algorithm::RandomForest] {
            let folder = tempfile::tempdir().expect("a folder");
            let table = trained(name, target, task, algorithm, folder.path());
            let artifact = |name: &str, format| Artifact { path: folder.path().join(name), folder: None, format };
            let onnx = artifact(MODEL_ONNX, Format::Onnx);
            let ours = answers(&engines, &onnx, EngineName::Trees, &table);
            let theirs = answers(&engines, &onnx, EngineName::OnnxRuntime, &table);
            for (ours, theirs) in ours.iter().zip(&theirs) {
                let difference = largest_difference(ours, theirs);
                assert!(difference <= TOLERANCE, "{name} {algorithm:?}: {difference}");
            }
            says_what_is_asked_and_answered(&onnx.path, name, task);
            let native = inspect(&folder.path().join(MODEL_NATIVE), None);
            assert_eq!(native.expect("a model").format, Format::XgboostUbj, "{name} {algorithm:?}");
        }
        let linear = match task {
            Task::Classification => Algorithm::LogisticRegression,
            Task::Regression => Algorithm::LinearRegression,
        };
        let folder = tempfile::tempdir().expect("a folder");
        trained(name, target, task, linear, folder.path());
        let onnx = Artifact { path: folder.path().join(MODEL_ONNX), folder: None, format: Format::Onnx };
        let program = engines.load(&onnx, &LoadOptions::cpu(None, 1)).expect("a model");
        assert_eq!(program.engine(), EngineName::OnnxRuntime, "{name}");
        says_what_is_asked_and_answered(&onnx.path, name, task);
    }
}

/// The roles of outputs, the classes, and that numbers may be missing are all in the file.
fn says_what_is_asked_and_answered(path: &Path, name: &str, task: Task) {
    let signature = inspect(path, None).expect("a model").signature;
    for input in signature.inputs.iter().filter(|input| input.datatype.is_float()) {
        assert!(input.accepts_missing, "{name}: {}", input.name);
    }
    if task == Task::Regression {
        return assert_eq!(signature.outputs[0].name, "variable");
    }
    let roles: Vec<_> = signature.outputs.iter().map(|of| of.role).collect();
    assert_eq!(roles, [Some(Role::Label), Some(Role::Probabilities)]);
    let classes = signature.outputs[1].classes.as_ref().expect("classes");
    assert_eq!(matches!(classes[0], Label::Int(_)), name == "digits", "{name}: {classes:?}");
}
