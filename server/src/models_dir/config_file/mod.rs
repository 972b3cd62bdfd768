//! `config.pbtxt`: a model's configuration as Triton has it, in the parts that apply here.

mod batching;
mod lines;
mod parts;
mod placement;
mod tensors;
#[cfg(test)]
mod tests;
mod versions;
mod warmup;

use lines::FieldLines;
use miette::Diagnostic as _;
use prost_reflect::text_format::ParseError;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use servoir_codec::grpc::{DESCRIPTORS, proto};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

pub use batching::Batching;

/// The most bytes of a `config.pbtxt`.
const FILE_BYTES_MAX: u64 = 1 << 20;

static MODEL_CONFIG: LazyLock<MessageDescriptor> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(DESCRIPTORS).expect("the descriptors that are checked in can be read");
    pool.get_message_by_name("inference.ModelConfig").expect("the descriptors hold ModelConfig")
});

/// What is wrong with a `config.pbtxt`, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {reason}", path.display())]
pub struct ConfigError {
    path: PathBuf,
    /// From 1.
    line: usize,
    /// Begins with the field, where one is to blame.
    reason: String,
}

/// A `config.pbtxt` that can be read.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    path: PathBuf,
    text: String,
    lines: FieldLines,
    message: DynamicMessage,
    config: proto::ModelConfig,
}

impl ConfigFile {
    /// Reads a file. Blocking.
    ///
    /// # Errors
    /// When it cannot be read or is not the text form of a `ModelConfig`.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |reason: String| ConfigError { path: path.to_owned(), line: 1, reason };
        let mut text = String::new();
        let file = File::open(path).map_err(|error| unreadable(format!("cannot be read: {error}")))?;
        let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
        read.map_err(|error| unreadable(format!("cannot be read: {error}")))?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(unreadable(format!("has more than {FILE_BYTES_MAX} bytes")));
        }
        Self::parse(path, text)
    }

    fn parse(path: &Path, text: String) -> Result<Self, ConfigError> {
        let text = lines::with_colons(&text);
        let message = DynamicMessage::parse_text_format(MODEL_CONFIG.clone(), &text).map_err(|error| ConfigError {
            path: path.to_owned(),
            line: line_of(&error, &text),
            reason: error.to_string(),
        })?;
        let config = message.transcode_to().map_err(|error| ConfigError {
            path: path.to_owned(),
            line: 1,
            reason: error.to_string(),
        })?;
        Ok(Self { path: path.to_owned(), lines: FieldLines::of(&text), text, message, config })
    }

    /// The file's text: two files of the same text ask for the same.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Fails when the file names another model than its folder, or asks for something without which answers would be
    /// wrong here. What merely does not apply is said once in the log.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn check(&self, folder_name: &str) -> Result<(), ConfigError> {
        let name = &self.config.name;
        if !name.is_empty() && name != folder_name {
            return Err(self.wrong("name", format!("expected '{folder_name}', the model's folder, got '{name}'")));
        }
        let ignored = parts::ignored(self)?;
        if !ignored.is_empty() {
            let (file, parts) = (self.path.display(), ignored.join(", "));
            tracing::warn!(%file, parts, "parts of the configuration that do not apply here are left out");
        }
        Ok(())
    }

    /// `default_model_filename`, when it is given: a file's or folder's plain name.
    ///
    /// # Errors
    /// When it is a path.
    pub fn model_file_name(&self) -> Result<Option<&str>, ConfigError> {
        let name = self.config.default_model_filename.as_str();
        if name.contains(['/', '\\']) || name == ".." || name == "." {
            return Err(self.wrong("default_model_filename", format!("expected a file's plain name, got '{name}'")));
        }
        Ok((!name.is_empty()).then_some(name))
    }

    /// An error that blames a field such as `input[0].dims[1]`.
    fn wrong(&self, field: &str, reason: impl std::fmt::Display) -> ConfigError {
        ConfigError { path: self.path.clone(), line: self.lines.line(field), reason: format!("{field}: {reason}") }
    }

    /// The most rows of a batch as the file says it: 0 says that models take no batches, and `None` that nothing is said.
    fn max_batch_size(&self) -> Option<i32> {
        self.lines.has("max_batch_size").then_some(self.config.max_batch_size)
    }

    /// Whether shapes in the file leave out the dimension of the batch.
    fn leaves_out_batch(&self) -> bool {
        self.config.max_batch_size > 0
    }
}

/// The line that a syntax error points at; the last one when the text ended too soon.
fn line_of(error: &ParseError, text: &str) -> usize {
    let at = error.labels().and_then(|mut labels| labels.next()).map(|label| label.offset());
    let before = at.and_then(|at| text.get(..at)).unwrap_or(text.trim_end());
    1 + before.matches('\n').count()
}
