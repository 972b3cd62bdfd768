//! What a model's folder asks for: its configuration and the versions that are to be live.

use super::config_file::{Batching, ConfigFile};
use super::fingerprint::Fingerprint;
use super::layout::{self, ModelFile};
use super::refusal::Refusal;
use crate::hardware::Hardware;
use servoir_runtime::EngineName;
use std::collections::BTreeMap;
use std::path::Path;

/// What a model's folder asks for.
pub struct Reading {
    /// How its versions run.
    pub options: Options,
    /// The versions that are to be live, ascending.
    pub chosen: Vec<(u64, Result<Candidate, Refusal>)>,
    /// Versions that are there and not to be live.
    pub others: Vec<u64>,
}

/// How the versions of a model run.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Options {
    /// The configuration that the rest was read from, if there is one.
    pub config: Option<ConfigFile>,
    pub engine: Option<EngineName>,
    pub instances: Option<usize>,
    pub hardware: Hardware,
    pub batching: Batching,
}

/// A version to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its model file.
    pub file: ModelFile,
    /// The version's folder as it was read.
    pub fingerprint: Fingerprint,
}

impl Reading {
    /// Reads the folder of the named model. Blocking.
    ///
    /// # Errors
    /// When its configuration is wrong or it holds no version at all. A version that is incomplete is told in `chosen`.
    pub fn of(name: &str, folder: &Path) -> Result<Self, Refusal> {
        let config = layout::config_file(folder).map(|path| ConfigFile::read(&path)).transpose()?;
        let (mut options, mut policy, mut file_name) = (Options::default(), None, None);
        if let Some(config) = &config {
            config.check(name)?;
            options.engine = config.engine()?;
            options.instances = config.instances()?;
            options.hardware = config.hardware()?;
            options.batching = config.batching()?;
            policy = Some(config.version_policy()?);
            file_name = config.model_file_name()?;
        }
        let versions = layout::versions(folder, file_name)?;
        let chosen = policy.unwrap_or_default().choose(versions.keys().copied());
        let others = versions.keys().copied().filter(|version| !chosen.contains(version)).collect();
        let chosen = chosen.into_iter().map(|version| (version, candidate((folder, &versions), version, file_name)));
        let chosen = chosen.collect();
        Ok(Self { options: Options { config, ..options }, chosen, others })
    }
}

fn candidate(
    (folder, versions): (&Path, &BTreeMap<u64, std::path::PathBuf>),
    version: u64,
    file_name: Option<&str>,
) -> Result<Candidate, Refusal> {
    let folder = versions
        .get(&version)
        .ok_or_else(|| Refusal::folder(folder, format!("expected the version's folder {version}, there is none")))?;
    // The fingerprint first: what is written after it makes the next reading differ.
    let fingerprint = Fingerprint::of(folder)?;
    Ok(Candidate { file: layout::model_file(folder, file_name)?, fingerprint })
}

impl Options {
    /// Whether versions loaded with `other` run as these would.
    pub fn same(&self, other: &Self) -> bool {
        let text = |options: &Self| options.config.as_ref().map(|config| config.text().to_owned());
        text(self) == text(other)
    }
}
