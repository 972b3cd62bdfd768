//! A program in the place of the child, which ends as a test wants.

use servoir_tests::environment;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A script that runs the real child until it is told to do something else.
pub struct Worker(TempDir);

impl Worker {
    /// One that does as the real child.
    pub fn new() -> Self {
        let worker = Self(TempDir::new().expect("a temporary folder"));
        let (does, real) = (worker.path("does"), environment::binary());
        let script = format!("#!/bin/sh\nread -r job\n. {}\n", does.display());
        worker.write("real", &format!("#!/bin/sh\nprintf '%s\\n' \"$1\" | exec {} preflight\n", real.display()));
        worker.write("child", &script);
        worker.does("real \"$job\"");
        worker
    }

    /// From now on it does this, in the shell's words: `$job` is what it was told, `real JOB` does what the child does.
    pub fn does(&self, script: &str) {
        self.write("does", &format!("real() {{ {} \"$1\"; }}\n{script}\n", self.path("real").display()));
    }

    /// Where it is.
    pub fn program(&self) -> PathBuf {
        self.path("child")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Moved into place: what is being written cannot be executed.
    fn write(&self, name: &str, text: &str) {
        let (file, partial) = (self.path(name), self.path("partial"));
        write_executable(&partial, text);
        std::fs::rename(partial, file).expect("a file");
    }
}

fn write_executable(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a file");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("permissions");
}
