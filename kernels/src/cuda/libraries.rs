//! CUDA's libraries where a person says they are, such as in the `nvidia-*` packages of Python.

use super::CudaError;
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The beginnings of the names of what is opened, those that others need first. NVRTC's builtins come before NVRTC, which
/// looks for them by name alone; cuDNN's own parts are found by cuDNN, which says in itself that they lie beside it.
const ORDER: [&str; 9] = [
    "libcudart.so",
    "libnvJitLink.so",
    "libcublasLt.so",
    "libcublas.so",
    "libcurand.so",
    "libcufft.so",
    "libnvrtc-builtins.so",
    "libnvrtc.so",
    "libcudnn.so",
];

/// What has been opened, for as long as the process lives: what others have found in them must stay.
static OPENED: Mutex<Vec<(PathBuf, Library)>> = Mutex::new(Vec::new());

/// CUDA's libraries beside the driver.
#[derive(Debug, Clone, Copy)]
pub struct Libraries;

impl Libraries {
    /// Opens what is found of CUDA's libraries in these folders, by their full paths and for the whole process, in an order in
    /// which each finds what it needs. Whoever asks for one of them by its bare name afterwards, in this process, gets this
    /// one. Says which have been opened; one that was opened before is not opened again.
    ///
    /// # Errors
    /// A folder that cannot be listed, a library that cannot be opened, or folders without any of the libraries.
    pub fn preload(folders: &[PathBuf]) -> Result<Vec<PathBuf>, CudaError> {
        let found = in_order(folders)?;
        if found.is_empty() && !folders.is_empty() {
            let shown: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
            return Err(CudaError::MissingLibrary {
                library: "every library of CUDA".to_owned(),
                advice: format!(
                    "none is in {}; name the folders that hold files such as libcudart.so.13",
                    shown.join(", ")
                ),
            });
        }
        let mut opened = OPENED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for path in &found {
            if opened.iter().all(|(known, _)| known != path) {
                opened.push((path.clone(), open(path)?));
            }
        }
        Ok(found)
    }
}

/// The libraries of all folders as they are to be opened. Of those with one name the first folder's is taken: two of them would
/// be two libraries.
fn in_order(folders: &[PathBuf]) -> Result<Vec<PathBuf>, CudaError> {
    let mut found = Vec::new();
    for folder in folders {
        found.extend(libraries_in(folder)?);
    }
    // The sort keeps the folders' order among equals.
    found.sort_by_key(|(place, _)| *place);
    let mut names = HashSet::new();
    let paths = found.into_iter().map(|(_, path)| path);
    Ok(paths.filter(|path| path.file_name().is_some_and(|name| names.insert(name.to_owned()))).collect())
}

/// The libraries of a folder with their places in the order.
fn libraries_in(folder: &Path) -> Result<Vec<(usize, PathBuf)>, CudaError> {
    let cannot = |error: std::io::Error| CudaError::Library { path: folder.to_owned(), reason: error.to_string() };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if let Some(place) = ORDER.iter().position(|begin| is_library(&name, begin)) {
            found.push((place, path));
        }
    }
    found.sort();
    Ok(found)
}

/// `libcublas.so.13` and `libcublas.so`, but not `libcublas.alt.so.13` or `libcublas.so.13.debug`.
fn is_library(name: &str, begin: &str) -> bool {
    let is_version = |rest: &str| rest.split('.').skip(1).all(|part| part.parse::<u32>().is_ok());
    name.strip_prefix(begin).is_some_and(|rest| rest.is_empty() || rest.starts_with('.') && is_version(rest))
}

fn open(path: &Path) -> Result<Library, CudaError> {
    let full = path.canonicalize();
    let cannot = |reason: String| CudaError::Library { path: path.to_owned(), reason };
    let full = full.map_err(|error| cannot(error.to_string()))?;
    // SAFETY: a person named the folder, and the names are those of NVIDIA's libraries, whose initialisers are sound to run
    // from any thread.
    unsafe { Library::open(Some(&full), RTLD_NOW | RTLD_GLOBAL) }.map_err(|error| cannot(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_told_from_what_lies_beside_them() {
        let rows = [
            ("libcudart.so.13", Some(0)),
            ("libcublasLt.so.13", Some(2)),
            ("libcublas.so.13", Some(3)),
            ("libnvrtc.so.13", Some(7)),
            ("libnvrtc-builtins.so.13.0", Some(6)),
            ("libnvrtc.alt.so.13", None),
            ("libcudnn.so", Some(8)),
            ("libcudnn_ops.so.9", None),
            ("libcudart.so.13.py", None),
            ("libcudart_static.a", None),
        ];
        for (name, want) in rows {
            assert_eq!(ORDER.iter().position(|begin| is_library(name, begin)), want, "{name}");
        }
    }

    #[test]
    fn of_equal_names_the_first_folder_has_it() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let names =
            ["libcublas.so.13", "libcublas.so", "libcublasLt.so.13", "libnvrtc.so.13", "libnvrtc-builtins.so.13.0"];
        for (folder, names) in folders.iter().zip([&names[..3], &names]) {
            names.iter().for_each(|name| std::fs::write(folder.path().join(name), "").unwrap());
        }
        let (first, second) = (folders[0].path(), folders[1].path());
        let expected = [
            first.join("libcublasLt.so.13"),
            first.join("libcublas.so"),
            first.join("libcublas.so.13"),
            second.join("libnvrtc-builtins.so.13.0"),
            second.join("libnvrtc.so.13"),
        ];
        assert_eq!(in_order(&[first.to_owned(), second.to_owned()]).unwrap(), expected);
    }

    #[test]
    fn folders_that_hold_none_are_an_error_that_names_them() {
        let folder = tempfile::tempdir().unwrap();
        let error = Libraries::preload(&[folder.path().to_owned()]).unwrap_err().to_string();
        assert!(error.contains(&folder.path().display().to_string()), "{error}");
        let nowhere = folder.path().join("nowhere");
        let error = Libraries::preload(std::slice::from_ref(&nowhere)).unwrap_err().to_string();
        assert!(error.contains("nowhere"), "{error}");
        assert_eq!(Libraries::preload(&[]).unwrap(), Vec::<PathBuf>::new());
    }
}
