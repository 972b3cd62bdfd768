//! Which program a child runs.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// A file that is executed, and its arguments.
#[derive(Debug, Clone)]
pub struct Program {
    /// The file.
    pub file: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl Program {
    /// `other` when one is named, else this very program, with a hidden command of it.
    ///
    /// On Linux that is the file that this process was started from, even when another has taken its place since.
    ///
    /// # Errors
    /// When this process cannot know its own program.
    pub fn this_or(other: Option<&Path>, command: &str) -> io::Result<Self> {
        let own = Path::new("/proc/self/exe");
        let file = match other {
            Some(other) => std::path::absolute(other)?,
            None if own.exists() => own.to_owned(),
            None => std::env::current_exe()?,
        };
        Ok(Self { file, args: vec![command.into()] })
    }
}
