//! A short run of every target: its corpus, then mutations of that, the same ones in every run. A broken reader is caught
//! here, without libFuzzer and its compiler.

mod mutation;

use mutation::Mutator;
use servoir_fuzz::{TARGETS, Target};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Mutations of the corpus that each target is given.
const MUTATIONS: usize = 20_000;

/// What the mutations begin with; another number gives other mutations.
const SEED: u64 = 1;

fn below(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    paths
}

/// Gives an input to a target; when that panics, leaves the input where it can be looked at and kept.
fn give(target: Target, input: &[u8]) {
    struct Left<'i>(Target, &'i [u8]);
    impl Drop for Left<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("finding-{}", self.0.name));
                let written = std::fs::write(&path, self.1);
                eprintln!("the input of {} bytes is in {} ({written:?})", self.1.len(), path.display());
            }
        }
    }
    let _left = Left(target, input);
    (target.run)(input);
}

fn run(target: Target) {
    let read = |path: PathBuf| std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let corpus: Vec<Vec<u8>> = files(&below("corpus").join(target.name)).into_iter().map(read).collect();
    corpus.iter().for_each(|input| give(target, input));
    Mutator::new(&corpus, SEED).take(MUTATIONS).for_each(|input| give(target, &input));
}

#[test]
fn json_v1() {
    run(servoir_fuzz::JSON_V1);
}

#[test]
fn json_v2() {
    run(servoir_fuzz::JSON_V2);
}

#[test]
fn binary() {
    run(servoir_fuzz::BINARY);
}

#[test]
fn grpc_raw() {
    run(servoir_fuzz::GRPC_RAW);
}

#[test]
fn numbers() {
    run(servoir_fuzz::NUMBERS);
}

#[test]
fn model_files() {
    run(servoir_fuzz::MODEL_FILES);
}

#[test]
fn xgboost_json() {
    run(servoir_fuzz::XGBOOST_JSON);
}

#[test]
fn xgboost_ubj() {
    run(servoir_fuzz::XGBOOST_UBJ);
}

#[test]
fn lightgbm_text() {
    run(servoir_fuzz::LIGHTGBM_TEXT);
}

#[test]
fn tables_csv() {
    run(servoir_fuzz::TABLES_CSV);
}

#[test]
fn tables_parquet() {
    run(servoir_fuzz::TABLES_PARQUET);
}

#[test]
fn onnx_trees() {
    run(servoir_fuzz::ONNX_TREES);
}

#[test]
fn every_target_has_its_corpus_its_program_and_its_test() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let named = |paths: Vec<PathBuf>, extension: &str| -> BTreeSet<String> {
        let of_kind = paths.into_iter().filter(|path| path.extension().unwrap_or_default() == extension);
        of_kind.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
    };
    assert_eq!(named(files(&below("corpus")), ""), targets);
    assert_eq!(named(files(&below("fuzz_targets")), "rs"), targets);
    let tests = include_str!("main.rs");
    for name in targets {
        assert!(tests.contains(&format!("#[test]\nfn {name}() {{")), "{name} has no test here");
    }
}
