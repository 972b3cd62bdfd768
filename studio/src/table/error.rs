//! Why a file is not a dataset.

use std::io;

/// Why a file is not a dataset, in words for the person who made the file.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The disk failed, not the file.
    #[error("the file could not be read: {0}")]
    Io(#[source] io::Error),
    /// The file is not what it should be.
    #[error("{0}")]
    Refused(String),
}

impl TableError {
    pub(crate) fn refused(reason: impl Into<String>) -> Self {
        Self::Refused(reason.into())
    }
}

/// Why a reader underneath gave up for the file's sake, travelling inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Hostile(pub(crate) String);

impl From<io::Error> for TableError {
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Hostile>()) {
            Some(hostile) => Self::Refused(hostile.0.clone()),
            None => Self::Io(error),
        }
    }
}
