//! Where the sources are and where what is made from them goes.

use std::env;
use std::path::{Path, PathBuf};

/// The two folders every command works with; both absolute.
pub struct Workspace {
    /// The repository's root.
    pub root: PathBuf,
    /// Cargo's target folder, in which set-up keeps its own folders beside cargo's.
    pub target: PathBuf,
}

impl Workspace {
    /// The workspace that this binary was built from.
    pub fn of_this_build() -> Self {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().unwrap_or(manifest).to_path_buf();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => root.join(folder),
            None => root.join("target"),
        };
        Self { root, target }
    }
}
