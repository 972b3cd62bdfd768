//! Where the targets that read model files keep them.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The folder of a model, with external data beside the file. The file stays open: closing it for every input would have
/// some file systems write it to disk every time.
struct Folder {
    folder: TempDir,
    path: PathBuf,
    model: File,
}

impl Folder {
    fn new() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("weights.bin"), [0; 16])?;
        let path = folder.path().join("model.onnx");
        Ok(Self { model: File::create(&path)?, path, folder })
    }

    fn hold(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.model.rewind()?;
        self.model.write_all(bytes)?;
        self.model.set_len(bytes.len() as u64)
    }
}

thread_local! {
    static FOLDER: RefCell<Folder> = RefCell::new(Folder::new().expect("a folder for temporary files"));
}

/// Gives a file of these bytes, and its folder, to a function.
pub fn with_model(bytes: &[u8], function: impl FnOnce(&Path, &Path)) {
    FOLDER.with_borrow_mut(|folder| {
        folder.hold(bytes).expect("the temporary file can be written");
        function(&folder.path, folder.folder.path());
    });
}
