//! Model files: what they are, and what they say about themselves without an engine running them.

mod advice;
mod sniff;

use crate::engine::signature_of_trees;
use crate::error::Unsupported;
use crate::onnx;
use servoir_types::Signature;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes at the start of a file that are looked at to tell what it is.
const HEAD_BYTES: u64 = 64 * 1024;

/// Bytes at the end of a file that are looked at; a zip archive lists its entries there.
const TAIL_BYTES: u64 = 64 * 1024;

/// What a file turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Format {
    Onnx,
    XgboostJson,
    XgboostUbj,
    LightgbmText,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Onnx, Self::XgboostJson, Self::XgboostUbj, Self::LightgbmText];

    /// `onnx`, `xgboost-json`, `xgboost-ubj`, `lightgbm-text`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Onnx => "onnx",
            Self::XgboostJson => "xgboost-json",
            Self::XgboostUbj => "xgboost-ubj",
            Self::LightgbmText => "lightgbm-text",
        }
    }

    /// Reads what [`Self::as_str`] writes.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == text)
    }
}

/// What was found in an uploaded file.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// The file's format.
    pub format: Format,
    /// Inputs and outputs, as the file tells them.
    pub signature: Signature,
}

/// A model file ready to be loaded.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// The model file.
    pub path: PathBuf,
    /// The folder that belongs to this model alone, when it has one: external data may lie inside it and nowhere else.
    /// `None` for a single file in a shared store: any external data is refused.
    pub folder: Option<PathBuf>,
    /// What kind of file it is.
    pub format: Format,
}

impl Artifact {
    /// Bytes of the model file and, where it has a folder of its own, of the files in it, among which its external data is. What cannot
    /// be looked at counts as nothing.
    pub(crate) fn files_bytes(&self) -> u64 {
        let length =
            |path: &Path| std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map_or(0, |file| file.len());
        let beside = self.folder.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        let beside: u64 =
            beside.map(|entry| entry.path()).filter(|path| *path != self.path).map(|path| length(&path)).sum();
        length(&self.path).saturating_add(beside)
    }
}

/// Reads a file's format and signature without running an engine. Blocking; call it off the async threads.
///
/// `folder` is as in [`Artifact::folder`].
///
/// # Errors
/// [`Unsupported`] when it is not a model format that Servoir keeps, or is one and is broken.
pub fn inspect(path: &Path, folder: Option<&Path>) -> Result<Inspection, Unsupported> {
    let ends = Ends::read(path)?;
    match sniff::sniff(path, &ends)? {
        Some(format) => {
            let signature = signature_of_trees(path, format)?;
            Ok(Inspection { format, signature })
        }
        None => match onnx::read(path, folder) {
            Ok(signature) => Ok(Inspection { format: Format::Onnx, signature }),
            Err(broken) => Err(sniff::saved_model(&ends).unwrap_or(broken)),
        },
    }
}

/// The two ends of a file, enough to tell most formats apart.
struct Ends {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Ends {
    fn read(path: &Path) -> Result<Self, Unsupported> {
        let unreadable = |error: std::io::Error| {
            Unsupported::new(format!("the file cannot be read: {error}"), "check that it exists and may be read")
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(Unsupported::new("this is a folder, not a file", advice::FOLDER));
        }
        let mut head = Vec::new();
        file.by_ref().take(HEAD_BYTES).read_to_end(&mut head).map_err(unreadable)?;
        file.seek(SeekFrom::Start(metadata.len().saturating_sub(TAIL_BYTES))).map_err(unreadable)?;
        let mut tail = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut tail).map_err(unreadable)?;
        Ok(Self { head, tail })
    }

    /// Whether `needle` occurs at either end.
    fn contains(&self, needle: &[u8]) -> bool {
        [&self.head, &self.tail].iter().any(|end| end.windows(needle.len()).any(|window| window == needle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_read_back_what_they_write() {
        for format in Format::ALL {
            assert_eq!(Format::from_text(format.as_str()), Some(format));
        }
        assert_eq!(Format::from_text("ONNX"), None);
    }
}
