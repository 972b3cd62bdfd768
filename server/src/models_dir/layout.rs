//! What a folder of models holds: Triton's layout, `NAME/VERSION/model.onnx`, or a model file by itself.

use super::fingerprint::is_hidden;
use super::refusal::Refusal;
use servoir_types::{Name, NameError};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The model file when nothing else is said.
pub const MODEL_FILE: &str = "model.onnx";

/// The configuration of a model.
const CONFIG_FILE: &str = "config.pbtxt";

/// What file systems put into a folder by themselves.
const LOST_AND_FOUND: &str = "lost+found";

/// The most entries of one folder that are looked at.
const ENTRIES_MAX: usize = 10_000;

/// A model file and the folder that its external data may lie in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct ModelFile {
    pub path: PathBuf,
    pub folder: PathBuf,
}

/// The folder of each model below `root`, by name. `name` is that of a model which `root` holds itself. Blocking.
///
/// # Errors
/// When the folder cannot be read, or holds a model file and no name for it was given.
pub fn models(root: &Path, name: Option<&str>) -> Result<BTreeMap<String, PathBuf>, Refusal> {
    let entries = entries(root)?;
    let has_file = entries.iter().any(|entry| is_onnx(&entry.path));
    let has_versions = entries.iter().any(|entry| entry.is_dir && version_of(&entry.name).is_some());
    let folders: BTreeMap<String, PathBuf> = entries
        .into_iter()
        .filter(|entry| entry.is_dir && !is_onnx(&entry.path) && is_model_name(entry))
        .map(|entry| (entry.name, entry.path))
        .collect();
    match name {
        Some(name) if has_file || has_versions => Ok([(name.to_owned(), root.to_owned())].into()),
        Some(name) if !folders.contains_key(name) => {
            let held = listed(folders.keys());
            let reason = format!("expected a model file, versions, or a folder '{name}'; it holds {held}");
            Err(Refusal::folder(root, reason))
        }
        None if has_file && folders.is_empty() => {
            let reason = "it holds a model file itself: say which name the model has with --model-name";
            Err(Refusal::folder(root, reason))
        }
        _ => Ok(folders),
    }
}

/// The folder of each version of a model, by number. A folder without versions that holds a model file is version 1
/// itself. Blocking.
///
/// # Errors
/// When it cannot be read, or holds neither versions nor a model file.
pub fn versions(folder: &Path, file_name: Option<&str>) -> Result<BTreeMap<u64, PathBuf>, Refusal> {
    let entries = entries(folder)?;
    let mut versions = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.is_dir && !is_onnx(&entry.path)) {
        match version_of(&entry.name) {
            Some(version) => {
                versions.insert(version, entry.path.clone());
            }
            None => {
                tracing::debug!(folder = %entry.path.display(), "not a version: a whole number from 1 without leading zeros")
            }
        }
    }
    let is_model = |entry: &Entry| file_name.map_or_else(|| is_onnx(&entry.path), |name| name == entry.name);
    if versions.is_empty() && entries.iter().any(is_model) {
        versions.insert(1, folder.to_owned());
    }
    if versions.is_empty() {
        let held = listed(entries.iter().map(|entry| &entry.name));
        let reason = format!("expected a folder for each version, such as 1/{MODEL_FILE}; it holds {held}");
        return Err(Refusal::folder(folder, reason));
    }
    Ok(versions)
}

/// The `config.pbtxt` of a model's folder, when there is one. Blocking.
pub fn config_file(folder: &Path) -> Option<PathBuf> {
    let path = folder.join(CONFIG_FILE);
    path.exists().then_some(path)
}

/// The model file of a version's folder: the one of this name, else `model.onnx`, else the only `.onnx` there is. Where
/// that is a folder itself, the model file lies in it, beside its external data. Blocking.
///
/// # Errors
/// When there is none, or it cannot be told which of several.
pub fn model_file(folder: &Path, file_name: Option<&str>) -> Result<ModelFile, Refusal> {
    let path = find(folder, file_name)?;
    if !path.is_dir() {
        return Ok(ModelFile { path, folder: folder.to_owned() });
    }
    let inner = find(&path, None)?;
    if inner.is_dir() {
        return Err(Refusal::folder(&inner, "expected a model file, got a folder"));
    }
    Ok(ModelFile { path: inner, folder: path })
}

fn find(folder: &Path, file_name: Option<&str>) -> Result<PathBuf, Refusal> {
    let entries = entries(folder)?;
    let wanted = file_name.unwrap_or(MODEL_FILE);
    if let Some(entry) = entries.iter().find(|entry| entry.name == wanted) {
        return Ok(entry.path.clone());
    }
    let held = listed(entries.iter().map(|entry| &entry.name));
    let mut others = entries.into_iter().filter(|entry| file_name.is_none() && is_onnx(&entry.path));
    match (others.next(), others.next()) {
        (Some(only), None) => Ok(only.path),
        (Some(_), Some(_)) => {
            let reason = format!("expected {MODEL_FILE} or a single .onnx file; it holds {held}");
            Err(Refusal::folder(folder, reason))
        }
        _ => Err(Refusal::folder(folder, format!("expected {wanted}; it holds {held}"))),
    }
}

struct Entry {
    name: String,
    path: PathBuf,
    is_dir: bool,
}

/// A folder's entries, sorted by name, without hidden ones and those whose names are no text.
fn entries(folder: &Path) -> Result<Vec<Entry>, Refusal> {
    let unreadable = |error: std::io::Error| Refusal::folder(folder, error);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        if is_hidden(&path) || entry.file_name() == LOST_AND_FOUND {
            continue;
        }
        if entries.len() == ENTRIES_MAX {
            return Err(Refusal::folder(folder, format!("expected at most {ENTRIES_MAX} entries")));
        }
        match entry.file_name().into_string() {
            Ok(name) => entries.push(Entry { name, is_dir: path.is_dir(), path }),
            Err(name) => tracing::debug!(?name, "a name that is not Unicode is passed over"),
        }
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// Whether a folder's name can be a model's. In a folder of models the name is all a model has, so it may look like an id.
fn is_model_name(entry: &Entry) -> bool {
    match entry.name.parse::<Name>() {
        Ok(_) | Err(NameError::LikeAnId) => true,
        Err(error) => {
            tracing::debug!(folder = %entry.path.display(), %error, "not a model's name");
            false
        }
    }
}

/// The version that a folder's name says: a whole number from 1 without leading zeros.
fn version_of(name: &str) -> Option<u64> {
    let plain = name.bytes().all(|byte| byte.is_ascii_digit()) && !name.starts_with('0');
    plain.then(|| name.parse().ok()).flatten()
}

fn is_onnx(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "onnx")
}

/// Names as a message shows them: the first few.
fn listed(names: impl Iterator<Item = impl AsRef<str>>) -> String {
    const SHOWN_MAX: usize = 5;
    let names: Vec<String> = names.map(|name| name.as_ref().escape_debug().to_string()).collect();
    match names.len() {
        0 => "nothing".to_owned(),
        count if count > SHOWN_MAX => format!("{} and {} more", names[..SHOWN_MAX].join(", "), count - SHOWN_MAX),
        _ => names.join(", "),
    }
}
