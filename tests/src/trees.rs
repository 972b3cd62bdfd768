//! Models of trees with what their own libraries answer on random rows.
//!
//! A case is a folder `trees/LIBRARY/NAME` of the fixtures with `case.json`:
//!
//! {"models": [{"format": "xgboost-json", "file": "model.json"}],
//!  "inputs": [{"name", "datatype", "shape", "file"}],
//!  "outputs": [{"name", "datatype", "shape", "file", "tolerance"}]}
//!
//! A tensor's file holds its elements alone, little-endian and row-major; of BYTES, a JSON list of strings. `tolerance`
//! is relative for values above 1 and absolute below; with 0 the bits must be the same, where one NaN is like another.

use crate::environment;
use bytes::Bytes;
use serde::Deserialize;
use servoir_runtime::{Artifact, EngineName, Engines, Format, LoadOptions, Session};
use servoir_types::{Data, Datatype, Tensor};
use std::path::{Path, PathBuf};

/// A model, rows, and what its own library answers.
pub struct Case {
    /// The folder's name.
    pub name: String,
    /// The model, in one format or several.
    pub models: Vec<Artifact>,
    /// What it is asked, in its own order.
    pub inputs: Vec<Tensor>,
    /// What it must answer, in its own order.
    pub outputs: Vec<Expected>,
}

/// What one output must be.
pub struct Expected {
    /// The output's name.
    pub name: String,
    /// Its elements.
    pub tensor: Tensor,
    /// How far an element may be off.
    pub tolerance: f64,
}

#[derive(Deserialize)]
struct CaseFile {
    models: Vec<ModelFile>,
    inputs: Vec<TensorFile>,
    outputs: Vec<OutputFile>,
}

#[derive(Deserialize)]
struct ModelFile {
    format: String,
    file: PathBuf,
}

#[derive(Deserialize)]
struct OutputFile {
    tolerance: f64,
    #[serde(flatten)]
    tensor: TensorFile,
}

#[derive(Deserialize)]
struct TensorFile {
    name: String,
    datatype: Datatype,
    shape: Vec<usize>,
    file: PathBuf,
}

impl Case {
    /// Every case of a library, by name.
    ///
    /// # Panics
    /// When the set-up has made none.
    pub fn all(library: &str) -> Vec<Self> {
        let folder = environment::fixtures().join("trees").join(library);
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut folders: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
        folders.retain(|folder| folder.is_dir());
        folders.sort();
        assert!(!folders.is_empty(), "{} has no cases", folder.display());
        folders.iter().map(|folder| Self::read(folder)).collect()
    }

    fn read(folder: &Path) -> Self {
        let case: CaseFile = serde_json::from_slice(&bytes(&folder.join("case.json"))).expect("case.json has its form");
        let artifact = |model: ModelFile| Artifact {
            path: folder.join(model.file),
            folder: None,
            format: Format::from_text(&model.format).expect("a known format"),
        };
        let expected = |output: OutputFile| Expected {
            tensor: tensor(folder, &output.tensor),
            name: output.tensor.name,
            tolerance: output.tolerance,
        };
        Self {
            name: folder.file_name().expect("a name").to_string_lossy().into_owned(),
            models: case.models.into_iter().map(artifact).collect(),
            inputs: case.inputs.iter().map(|file| tensor(folder, file)).collect(),
            outputs: case.outputs.into_iter().map(expected).collect(),
        }
    }

    /// Loads each file with the tree engine and asks it all rows at once and one at a time. Says what is wrong, a line
    /// for each file at most.
    pub fn check(&self, engines: &Engines) -> Vec<String> {
        let wrong =
            |model: &Artifact| Some(format!("{}: {}", model.path.display(), self.try_model(engines, model).err()?));
        self.models.iter().filter_map(wrong).collect()
    }

    fn try_model(&self, engines: &Engines, model: &Artifact) -> Result<(), String> {
        let options = LoadOptions::cpu(EngineName::Trees, 1);
        let program = engines.load(model, &options).map_err(|error| error.to_string())?;
        let signature = program.signature();
        let named = signature.outputs.iter().map(|spec| spec.name.as_str());
        if !named.eq(self.outputs.iter().map(|output| output.name.as_str())) {
            return Err(format!("the outputs are {:?}", signature.outputs));
        }
        let mut session = program.session().map_err(|error| error.to_string())?;
        let count = self.inputs[0].rows();
        self.ask(&mut *session, 0..count).map_err(|reason| format!("{count} rows at once: {reason}"))?;
        (0..count).try_for_each(|row| {
            self.ask(&mut *session, row..row + 1).map_err(|reason| format!("row {row} alone: {reason}"))
        })
    }

    fn ask(&self, session: &mut dyn Session, rows: std::ops::Range<usize>) -> Result<(), String> {
        let inputs: Vec<Tensor> = self.inputs.iter().map(|input| some_rows(input, rows.clone())).collect();
        let mut outputs = Vec::new();
        session.run(&inputs, &mut outputs).map_err(|error| error.to_string())?;
        if outputs.len() != self.outputs.len() {
            return Err(format!("{} outputs came, not {}", outputs.len(), self.outputs.len()));
        }
        for (got, expected) in outputs.iter().zip(&self.outputs) {
            let wanted = some_rows(&expected.tensor, rows.clone());
            let name = &expected.name;
            if (got.shape(), got.datatype()) != (wanted.shape(), wanted.datatype()) {
                return Err(format!("{name} is {:?} of {:?}", got.shape(), got.datatype()));
            }
            difference(got.data(), wanted.data(), expected.tolerance).map_err(|what| format!("{name}{what}"))?;
        }
        Ok(())
    }
}

fn difference(got: &Data, wanted: &Data, tolerance: f64) -> Result<(), String> {
    let floats = |got: &mut dyn Iterator<Item = f64>, wanted: &mut dyn Iterator<Item = f64>| match got
        .zip(wanted)
        .enumerate()
        .find(|(_, (got, wanted))| !close(*got, *wanted, tolerance))
    {
        Some((at, (got, wanted))) => Err(format!("[{at}] is {got:?}, not {wanted:?}")),
        None => Ok(()),
    };
    match (got, wanted) {
        (Data::Fp32(got), Data::Fp32(wanted)) => {
            floats(&mut got.iter().map(|x| f64::from(*x)), &mut wanted.iter().map(|x| f64::from(*x)))
        }
        (Data::Fp64(got), Data::Fp64(wanted)) => floats(&mut got.iter().copied(), &mut wanted.iter().copied()),
        _ if got == wanted => Ok(()),
        _ => Err(format!(" is {got:?}, not {wanted:?}")),
    }
}

fn close(got: f64, wanted: f64, tolerance: f64) -> bool {
    got.to_bits() == wanted.to_bits()
        || (got.is_nan() && wanted.is_nan())
        || (tolerance > 0.0 && (got == wanted || (got - wanted).abs() <= tolerance * wanted.abs().max(1.0)))
}

fn some_rows(tensor: &Tensor, rows: std::ops::Range<usize>) -> Tensor {
    let mut data = Data::with_capacity(tensor.datatype(), rows.len() * tensor.row_len());
    data.extend_from(tensor.data(), rows.start * tensor.row_len()..rows.end * tensor.row_len());
    let shape = [&[rows.len()], &tensor.shape()[1..]].concat();
    Tensor::new(shape, data).expect("rows of a tensor")
}

fn tensor(folder: &Path, file: &TensorFile) -> Tensor {
    let bytes = Bytes::from(bytes(&folder.join(&file.file)));
    let whole = "a whole number of elements";
    let data = match file.datatype {
        Datatype::Fp32 => Data::Fp32(servoir_types::Elements::from_bytes(bytes).expect(whole)),
        Datatype::Fp64 => Data::Fp64(servoir_types::Elements::from_bytes(bytes).expect(whole)),
        Datatype::Int64 => Data::Int64(servoir_types::Elements::from_bytes(bytes).expect(whole)),
        Datatype::Int32 => Data::Int32(servoir_types::Elements::from_bytes(bytes).expect(whole)),
        Datatype::Bytes => {
            let strings: Vec<String> = serde_json::from_slice(&bytes).expect("a JSON list of strings");
            Data::Bytes(strings.into_iter().map(Bytes::from).collect())
        }
        other => panic!("no case has {other:?}"),
    };
    Tensor::new(file.shape.clone(), data).expect("elements that fill the shape")
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
