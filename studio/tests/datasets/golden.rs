//! What pandas says of a file; the form is described in `python/datasets/__init__.py`.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use servoir_studio::table::ColumnType;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
pub struct Golden {
    pub file: String,
    pub delimiter: Option<char>,
    pub header: bool,
    pub rows: u64,
    pub broken: Vec<u64>,
    pub columns: Vec<Column>,
}

#[derive(Deserialize)]
pub struct Column {
    pub name: String,
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    pub count: u64,
    pub nulls: u64,
    pub distinct: u64,
    pub min: Option<Value>,
    pub max: Option<Value>,
    pub mean: Option<f64>,
    pub std: Option<f64>,
    pub quantiles: Option<Vec<f64>>,
    pub bounds: Option<Vec<[f64; 2]>>,
    pub top: Vec<(Value, u64)>,
}

/// The folder of the cases.
pub fn fixtures() -> PathBuf {
    let name = "SERVOIR_TEST_FIXTURES";
    let folder =
        std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set: run the tests through `cargo xtask test`"));
    PathBuf::from(folder).join("datasets")
}

/// A file of JSON.
pub fn json<T: DeserializeOwned>(path: &Path) -> T {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Golden {
    /// The case of this name.
    pub fn load(name: &str) -> Self {
        json(&fixtures().join(format!("{name}.json")))
    }

    /// Where its file lies.
    pub fn path(&self) -> PathBuf {
        fixtures().join(&self.file)
    }
}

/// Every case.
pub fn goldens() -> impl Iterator<Item = Golden> {
    let entries = std::fs::read_dir(fixtures()).expect("the fixtures have a folder of datasets");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    assert!(paths.len() > 50);
    paths.into_iter().map(|path| json(&path))
}
