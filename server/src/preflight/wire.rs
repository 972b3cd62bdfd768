//! What a child is told, a line of JSON, and what it answers, a line of JSON for each engine. The answer comes from a process
//! that a stranger's file may have taken over: it is bounded and read strictly.

use super::reason::Reason;
use serde::{Deserialize, Serialize};
use servoir_child::{Limits, Line};
use servoir_runtime::{Artifact, EngineName, LoadError, Unsupported};
use std::path::{Path, PathBuf, absolute};

/// The most bytes of a verdict.
const VERDICT_BYTES_MAX: usize = 64 * 1024;
/// The most characters that are kept of a text.
const TEXT_CHARS_MAX: usize = 2000;

/// What a child is to do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Job {
    /// The model file, and its format.
    pub(super) file: PathBuf,
    pub(super) format: String,
    /// Where external data may lie.
    pub(super) folder: Option<PathBuf>,
    /// Which engines open it, one after the other; `null` stands for the first that is here.
    pub(super) engines: Vec<Option<String>>,
    /// ONNX Runtime's shared library.
    pub(super) onnxruntime: Option<PathBuf>,
    pub(super) memory_bytes_max: u64,
    pub(super) cpu_seconds_max: u64,
    pub(super) nice: i32,
}

impl Job {
    pub(super) fn new(
        artifact: &Artifact,
        engines: &[Option<EngineName>],
        (limits, onnxruntime): (Limits, Option<&Path>),
    ) -> Self {
        // The child works in another folder.
        let whole = |path: &Path| absolute(path).unwrap_or_else(|_| path.to_owned());
        Self {
            file: whole(&artifact.path),
            format: artifact.format.as_str().to_owned(),
            folder: artifact.folder.as_deref().map(whole),
            engines: engines.iter().map(|engine| engine.map(|engine| engine.as_str().to_owned())).collect(),
            onnxruntime: onnxruntime.map(whole),
            memory_bytes_max: limits.memory_bytes_max,
            cpu_seconds_max: limits.cpu_seconds_max.unwrap_or(u64::MAX),
            nice: limits.nice,
        }
    }

    pub(super) fn limits(&self) -> Limits {
        Limits { memory_bytes_max: self.memory_bytes_max, cpu_seconds_max: Some(self.cpu_seconds_max), nice: self.nice }
    }
}

/// What came of one engine.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Verdict {
    /// It was opened, and run once, with so many bytes of memory for one session.
    Safe { bytes: u64 },
    /// [`LoadError::Unsupported`].
    Unsupported { found: String, advice: String },
    /// [`LoadError::EngineMissing`].
    EngineMissing { engine: String, reason: String },
    /// [`LoadError::Rejected`].
    Rejected { engine: String, reason: String },
    /// [`LoadError::Io`], or another want of this node.
    Unavailable { reason: String },
    /// The engine was refused memory, and could say so.
    OutOfMemory { said: String },
}

impl Verdict {
    /// Reads what a child wrote.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(line: &Line) -> Result<Self, String> {
        match line {
            Line::Whole(bytes) if bytes.len() <= VERDICT_BYTES_MAX => {
                serde_json::from_slice(bytes).map_err(|error| format!("its verdict cannot be read: {error}"))
            }
            _ => Err(format!("its verdict is longer than {VERDICT_BYTES_MAX} bytes")),
        }
    }

    /// What it means under these limits: the bytes that it takes.
    ///
    /// # Errors
    /// Why the file did not pass.
    pub(super) fn outcome(self, limits: &Limits) -> Result<u64, Reason> {
        Err(Reason::Refused(match self {
            // Nothing within the limits takes more than they allow.
            Self::Safe { bytes } => return Ok(bytes.min(limits.memory_bytes_max)),
            Self::Unsupported { found, advice } => {
                LoadError::Unsupported(Unsupported { found: bounded(&found), advice: bounded(&advice) })
            }
            Self::EngineMissing { engine, reason } => {
                LoadError::EngineMissing { engine: bounded(&engine), reason: bounded(&reason) }
            }
            Self::Rejected { engine, reason } => {
                LoadError::Rejected { engine: bounded(&engine), reason: bounded(&reason) }
            }
            Self::Unavailable { reason } => return Err(Reason::Unavailable(bounded(&reason))),
            Self::OutOfMemory { said } => {
                return Err(Reason::OutOfMemory { bytes: limits.memory_bytes_max, said: bounded(&said) });
            }
        }))
    }
}

/// A text of strangers on one line, cut, without what cannot be shown.
fn bounded(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TEXT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Verdict, String> {
        Verdict::read(&Line::Whole(text.as_bytes().to_vec()))
    }

    #[test]
    fn a_verdict_is_read_as_it_was_written_and_in_no_other_way() {
        let verdicts = [
            Verdict::Safe { bytes: 7 },
            Verdict::Unsupported { found: "a".into(), advice: "b".into() },
            Verdict::EngineMissing { engine: "a".into(), reason: "b".into() },
            Verdict::Rejected { engine: "a".into(), reason: "node 'x'".into() },
            Verdict::Unavailable { reason: "a".into() },
            Verdict::OutOfMemory { said: "a".into() },
        ];
        for verdict in verdicts {
            assert_eq!(read(&serde_json::to_string(&verdict).unwrap()), Ok(verdict));
        }
        let long = format!(r#"{{"outcome":"out-of-memory","said":"{}"}}"#, "x".repeat(VERDICT_BYTES_MAX));
        for text in [
            "",
            "safe",
            "{}",
            r#""safe""#,
            r#"{"outcome":"fine"}"#,
            r#"{"outcome":"safe"}"#,
            r#"{"outcome":"safe","bytes":-1}"#,
            r#"{"outcome":"safe","bytes":1,"said":"x"}"#,
            r#"{"outcome":"safe","bytes":1} {"outcome":"safe","bytes":1}"#,
            r#"{"outcome":"rejected","engine":"tract"}"#,
            r#"{"outcome":"rejected","engine":"tract","reason":3}"#,
            r#"{"outcome":"safe"#,
            &long,
        ] {
            assert!(read(text).is_err(), "{}", &text[..text.len().min(80)]);
        }
        assert!(Verdict::read(&Line::TooLong).unwrap_err().contains("longer"));
        assert!(Verdict::read(&Line::Whole(vec![0xff])).is_err());
    }

    #[test]
    fn words_of_strangers_are_cut_and_stay_on_their_line() {
        let limits = Limits { memory_bytes_max: 1 << 20, cpu_seconds_max: Some(1), nice: 0 };
        let reason = format!("node\n'a'\u{1b}[31m {}", "x".repeat(5000));
        let refused = Verdict::Rejected { engine: "tract".into(), reason }.outcome(&limits).unwrap_err();
        let Reason::Refused(LoadError::Rejected { reason, .. }) = refused else { panic!("{refused:?}") };
        assert!(reason.starts_with("node 'a' [31m x") && reason.chars().count() == TEXT_CHARS_MAX, "{reason}");
        assert!(matches!(Verdict::Safe { bytes: 7 }.outcome(&limits), Ok(7)));
        assert!(
            matches!(Verdict::Safe { bytes: u64::MAX }.outcome(&limits), Ok(1_048_576)),
            "no more than it could have"
        );
    }
}
