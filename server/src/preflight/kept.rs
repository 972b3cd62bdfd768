//! Files that were found safe, kept in the data folder: after a restart on the same engines, under the same limits, they are not tried
//! again.

use crate::config::Config;
use crate::kept;
use serde::{Deserialize, Serialize};
use servoir_runtime::{EngineName, Engines, fingerprint};
use servoir_types::Digest;
use std::path::PathBuf;

/// An engine, or the first that is here, and the bytes that the file took with it.
pub(super) type Safe = (Option<EngineName>, u64);

/// Where they are kept: a file for each that was tried, and for what it was tried under.
pub(super) struct KeptVerdicts {
    folder: PathBuf,
    under: String,
}

#[derive(Serialize, Deserialize)]
struct Verdict {
    engine: Option<String>,
    bytes: u64,
}

impl KeptVerdicts {
    /// As configured. Another version of this program, of an engine or of the machine is another condition, and so are other limits.
    pub(super) fn new(config: &Config, engines: &Engines) -> Self {
        let program = env!("CARGO_PKG_VERSION");
        let under = format!("servoir {program}; {:?}; {}", config.preflight, fingerprint(engines));
        let under = Digest::of(under.as_bytes()).to_string()[..16].to_owned();
        Self { folder: config.data_dir.join("verdicts"), under }
    }

    /// The engines that a file is known to be safe with. Blocking.
    pub(super) fn of(&self, content: Digest) -> Vec<Safe> {
        let verdicts: Vec<Verdict> = kept::read(&self.file(content)).unwrap_or_default();
        let known = |verdict: Verdict| match verdict.engine {
            None => Some((None, verdict.bytes)),
            Some(name) => EngineName::from_text(&name).map(|engine| (Some(engine), verdict.bytes)),
        };
        verdicts.into_iter().filter_map(known).collect()
    }

    /// Keeps which engines a file is safe with. Blocking. What cannot be kept is tried again after a restart.
    pub(super) fn keep(&self, content: Digest, safe: &[Safe]) {
        let verdict = |&(engine, bytes): &Safe| Verdict { engine: engine.map(|engine| engine.as_str().into()), bytes };
        let file = self.file(content);
        if let Err(error) = kept::write(&file, &safe.iter().map(verdict).collect::<Vec<_>>()) {
            tracing::warn!(%error, file = %file.display(), "cannot keep that a model file is safe");
        }
    }

    fn file(&self, content: Digest) -> PathBuf {
        self.folder.join(format!("{content}-{}.json", self.under))
    }
}
