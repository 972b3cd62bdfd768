//! A model file: refused with a reason, or read with a signature that holds together.

use servoir_runtime::{Format, Inspection, inspect};
use servoir_types::{Role, Signature, TensorSpec};
use std::cell::RefCell;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::PathBuf;
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

/// Reads the bytes as a file by itself, and as one that may have data beside it.
pub fn run(bytes: &[u8]) {
    FOLDER.with_borrow_mut(|folder| {
        folder.hold(bytes).expect("the temporary file can be written");
        let Folder { folder, path, .. } = folder;
        let (alone, with_data) = (inspect(path, None), inspect(path, Some(folder.path())));
        for refusal in [&alone, &with_data].into_iter().filter_map(|found| found.as_ref().err()) {
            assert!(!refusal.found.is_empty() && !refusal.advice.is_empty(), "{refusal:?}");
        }
        if let Ok(inspection) = &with_data {
            holds_together(inspection);
        }
        if let Ok(alone) = alone {
            let with_data = with_data.expect("what needs nothing beside it may have something there");
            assert_eq!((alone.format, alone.signature), (with_data.format, with_data.signature));
        }
    });
}

fn holds_together(inspection: &Inspection) {
    assert_eq!(inspection.signature.is_some(), inspection.format == Format::Onnx);
    let Some(signature) = &inspection.signature else { return };
    assert!(!signature.outputs.is_empty(), "a model gives something");
    for specs in [&signature.inputs, &signature.outputs] {
        let names: HashSet<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        assert_eq!(names.len(), specs.len(), "names are unique");
        specs.iter().for_each(spec_holds_together);
    }
    let text = serde_json::to_string(signature).expect("a signature can be written");
    assert_eq!(&serde_json::from_str::<Signature>(&text).expect("and read"), signature);
}

fn spec_holds_together(spec: &TensorSpec) {
    let dims = spec.shape.dims();
    assert!(dims.is_none_or(|dims| dims.iter().all(|&dim| dim == -1 || dim > 0)), "{spec:?}");
    let columns = dims.filter(|dims| dims.len() == 2).map(|dims| dims[1]);
    if let Some(names) = &spec.feature_names {
        assert_eq!(columns, i64::try_from(names.len()).ok(), "{spec:?}");
    }
    if let Some(classes) = &spec.classes {
        assert_eq!(spec.role, Some(Role::Probabilities), "{spec:?}");
        assert!(columns == Some(-1) || columns == i64::try_from(classes.len()).ok(), "{spec:?}");
    }
    assert!(spec.role != Some(Role::Probabilities) || (columns.is_some() && spec.datatype.is_float()), "{spec:?}");
    assert!(!spec.accepts_missing || spec.datatype.is_float(), "{spec:?}");
}
