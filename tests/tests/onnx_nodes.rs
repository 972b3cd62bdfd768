//! ONNX's own conformance tests, one small model per operator and case, through the engine seam.
//!
//! `onnx_nodes/<engine>.failing.txt` lists what an engine is known to fail. The list only shrinks: a test that fails and is
//! not listed, or is listed and passes, is a failure here. `SERVOIR_UPDATE_LISTS=1` writes the lists anew. A line
//! `name  # skipped: reason` keeps a test from running at all, for those that would take the process down.

#[path = "onnx_nodes/proto.rs"]
mod proto;

use servoir_runtime::{Artifact, EngineName, Engines, Format, LoadOptions};
use servoir_tests::environment;
use servoir_types::{Data, Tensor};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const ENGINES: [EngineName; 2] = [EngineName::OnnxRuntime, EngineName::Tract];

/// As ONNX's own runner compares, with an absolute part for 32-bit arithmetic in another order.
const RELATIVE: f64 = 1e-3;
const ABSOLUTE: f64 = 1e-5;

/// Threads that run tests.
const RUNNERS: usize = 2;

fn list_path(engine: EngineName) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("onnx_nodes/{}.failing.txt", engine.as_str()))
}

/// What is known to fail: name to what is said of it.
fn read_list(engine: EngineName) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(list_path(engine)).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, said) = line.split_once('#').unwrap_or((line, ""));
            (name.trim().to_owned(), said.trim().to_owned())
        })
        .collect()
}

fn write_list(engine: EngineName, failing: &BTreeMap<String, String>) {
    let name = engine.as_str();
    let mut text =
        format!("# ONNX node tests that {name} fails. Written by `SERVOIR_UPDATE_LISTS=1`; it may only get shorter.\n");
    for (test, said) in failing {
        let said = if said.starts_with("skipped:") { format!("  # {said}") } else { String::new() };
        text.push_str(&format!("{test}{said}\n"));
    }
    std::fs::write(list_path(engine), text).expect("the list can be written");
}

/// The folders of tests whose inputs and outputs are tensors, and how many others there are.
fn tests_in_scope() -> (Vec<PathBuf>, usize) {
    let pointer = environment::fixtures().join("onnx_node_tests.txt");
    let root = std::fs::read_to_string(&pointer).unwrap_or_else(|error| panic!("{}: {error}", pointer.display()));
    let entries = std::fs::read_dir(root.trim()).expect("the folder of node tests is there");
    let mut folders: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|folder| folder.join("model.onnx").is_file())
        .collect();
    folders.sort();
    let all = folders.len();
    folders.retain(|folder| proto::carries_tensors_only(&folder.join("model.onnx")).unwrap_or(true));
    let others = all - folders.len();
    (folders, others)
}

/// The tensors `{what}_0.pb`, `{what}_1.pb` … of a data set.
fn tensors(data_set: &Path, what: &str) -> Result<Vec<Tensor>, String> {
    (0..)
        .map(|index| data_set.join(format!("{what}_{index}.pb")))
        .take_while(|path| path.is_file())
        .map(|path| proto::read_tensor(&path))
        .collect()
}

fn run(engines: &Engines, engine: EngineName, folder: &Path) -> Result<(), String> {
    let artifact =
        Artifact { path: folder.join("model.onnx"), folder: Some(folder.to_path_buf()), format: Format::Onnx };
    let options = LoadOptions::cpu(engine, 1);
    let program = engines.load(&artifact, &options).map_err(|error| error.to_string())?;
    let mut session = program.session().map_err(|error| error.to_string())?;
    let data_sets = (0..).map(|index| folder.join(format!("test_data_set_{index}"))).take_while(|path| path.is_dir());
    for data_set in data_sets {
        let mut outputs = Vec::new();
        session.run(&tensors(&data_set, "input")?, &mut outputs).map_err(|error| error.to_string())?;
        let wanted = tensors(&data_set, "output")?;
        if outputs.len() != wanted.len() {
            return Err(format!("{} outputs, not {}", outputs.len(), wanted.len()));
        }
        for (spec, (got, wanted)) in program.signature().outputs.iter().zip(outputs.iter().zip(&wanted)) {
            compare(got, wanted).map_err(|difference| format!("output '{}': {difference}", spec.name))?;
        }
    }
    Ok(())
}

fn compare(got: &Tensor, wanted: &Tensor) -> Result<(), String> {
    if got.shape() != wanted.shape() || got.datatype() != wanted.datatype() {
        let told = |tensor: &Tensor| format!("{} {:?}", tensor.datatype(), tensor.shape());
        return Err(format!("{}, not {}", told(got), told(wanted)));
    }
    let close = |a: f64, b: f64| (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= ABSOLUTE + RELATIVE * b.abs();
    let floats = |tensor: &Tensor| -> Option<Vec<f64>> {
        Some(match tensor.data() {
            Data::Fp16(v) => v.iter().map(|v| v.to_f64()).collect(),
            Data::Bf16(v) => v.iter().map(|v| v.to_f64()).collect(),
            Data::Fp32(v) => v.iter().map(|&v| v.into()).collect(),
            Data::Fp64(v) => v.to_vec(),
            _ => return None,
        })
    };
    let differing = match (floats(got), floats(wanted)) {
        (Some(got), Some(wanted)) => {
            got.into_iter().zip(wanted).find(|&(a, b)| !close(a, b)).map(|(a, b)| format!("{a}, not {b}"))
        }
        _ => (got.data() != wanted.data()).then(|| "other elements".to_owned()),
    };
    differing.map_or(Ok(()), Err)
}

/// Runs every test that is not skipped; which ones failed, and why.
fn run_all(
    engines: &Engines,
    engine: EngineName,
    folders: &[PathBuf],
    listed: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let (next, failing) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let work = || {
        while let Some(folder) = folders.get(next.fetch_add(1, Ordering::Relaxed)) {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(said) = listed.get(&name).filter(|said| said.starts_with("skipped:")) {
                failing.lock().unwrap().insert(name, said.clone());
                continue;
            }
            let result = catch_unwind(AssertUnwindSafe(|| run(engines, engine, folder)));
            if let Err(reason) = result.unwrap_or_else(|_| Err("it panicked".into())) {
                failing.lock().unwrap().insert(name, reason);
            }
        }
    };
    std::thread::scope(|scope| (0..RUNNERS).for_each(|_| drop(scope.spawn(work))));
    failing.into_inner().unwrap()
}

#[test]
fn node_tests_pass_but_for_those_that_are_known_to_fail() {
    let engines = Engines::discover(Some(&environment::onnxruntime()), 1);
    let (folders, others) = tests_in_scope();
    assert!(folders.len() > 1000, "only {} node tests were found", folders.len());
    println!(
        "{} node tests of tensors; {others} more take or give sequences, maps, optional values or other types",
        folders.len()
    );
    let mut wrong = Vec::new();
    // An engine's panics are expected here and counted; their messages would bury the result.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for engine in ENGINES {
        let listed = read_list(engine);
        let failing = run_all(&engines, engine, &folders, &listed);
        let name = engine.as_str();
        println!("{name}: {} pass, {} fail", folders.len() - failing.len(), failing.len());
        if std::env::var_os("SERVOIR_UPDATE_LISTS").is_some() {
            write_list(engine, &failing);
            failing.iter().for_each(|(test, reason)| println!("  {name} {test}: {reason}"));
            continue;
        }
        let known: BTreeSet<&String> = listed.keys().collect();
        let seen: BTreeSet<&String> = failing.keys().collect();
        wrong.extend(seen.difference(&known).map(|&test| format!("{name} {test} fails: {}", failing[test])));
        wrong.extend(known.difference(&seen).map(|test| format!("{name} {test} passes and is listed as failing")));
    }
    std::panic::set_hook(hook);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
