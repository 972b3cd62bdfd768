//! Finding ONNX Runtime's shared library: where it was named, beside the binary, or in the active Python environment.

use super::failure::Failure;
use std::path::{Path, PathBuf};

/// Where to look. Every path comes from the caller; only the file system is read.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// `--onnxruntime`, `SERVOIR_ONNXRUNTIME` or the setting: it must be there.
    pub named: Option<PathBuf>,
    /// `ORT_DYLIB_PATH`, which other programs read too.
    pub ort_dylib_path: Option<PathBuf>,
    /// The folder of this binary.
    pub binary_folder: Option<PathBuf>,
    /// `VIRTUAL_ENV`: the active Python environment.
    pub virtual_env: Option<PathBuf>,
}

/// What a search came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The library, and how it was found.
    Found {
        /// The shared library.
        path: PathBuf,
        /// Such as `ORT_DYLIB_PATH`.
        by: &'static str,
    },
    /// It is in none of these places.
    Missing {
        /// Each place with what is wrong with it.
        looked: Vec<String>,
    },
}

impl Outcome {
    /// The library, when it was found.
    pub fn path(self) -> Option<PathBuf> {
        match self {
            Self::Found { path, .. } => Some(path),
            Self::Missing { .. } => None,
        }
    }
}

/// Looks for the library with this process's environment.
///
/// # Errors
/// When it was named and is not there.
pub fn locate(named: Option<PathBuf>) -> Result<Outcome, Failure> {
    let path_of = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let binary = std::env::current_exe().ok().and_then(|path| path.canonicalize().ok());
    let search = Search {
        named,
        ort_dylib_path: path_of("ORT_DYLIB_PATH"),
        binary_folder: binary.and_then(|path| path.parent().map(Path::to_owned)),
        virtual_env: path_of("VIRTUAL_ENV"),
    };
    search.run().map_err(|missing| {
        Failure::usage(format!("ONNX Runtime's shared library '{}' does not exist", missing.display()))
    })
}

impl Search {
    /// Looks in each place in turn.
    ///
    /// # Errors
    /// The named path, when no file is there: who names a library does not want another one.
    pub fn run(&self) -> Result<Outcome, PathBuf> {
        if let Some(path) = &self.named {
            return match path.is_file() {
                true => Ok(Outcome::Found { path: path.clone(), by: "the configuration" }),
                false => Err(path.clone()),
            };
        }
        let places = [self.variable(), self.beside_binary(), self.python()];
        let mut looked = Vec::new();
        for place in places {
            match place {
                Ok((path, by)) => return Ok(Outcome::Found { path, by }),
                Err(reason) => looked.push(reason),
            }
        }
        Ok(Outcome::Missing { looked })
    }

    fn variable(&self) -> Result<(PathBuf, &'static str), String> {
        match &self.ort_dylib_path {
            Some(path) if path.is_file() => Ok((path.clone(), "ORT_DYLIB_PATH")),
            Some(path) => Err(format!("ORT_DYLIB_PATH is {}, where no file is", path.display())),
            None => Err("ORT_DYLIB_PATH is not set".into()),
        }
    }

    fn beside_binary(&self) -> Result<(PathBuf, &'static str), String> {
        let Some(folder) = &self.binary_folder else { return Err("this binary's folder is not known".into()) };
        let folder = folder.join("lib");
        let missing = || format!("no libonnxruntime in {}", folder.display());
        library_in(&folder).map(|path| (path, "lib/ beside the binary")).ok_or_else(missing)
    }

    fn python(&self) -> Result<(PathBuf, &'static str), String> {
        let Some(environment) = &self.virtual_env else { return Err("no Python environment is active".into()) };
        let libraries = environment.join("lib");
        let pythons = entries(&libraries).into_iter().filter(|path| name_of(path).starts_with("python"));
        let found = pythons.rev().find_map(|python| library_in(&python.join("site-packages/onnxruntime/capi")));
        let missing = || format!("no package onnxruntime in the active Python environment {}", environment.display());
        found.map(|path| (path, "the Python package of the active environment")).ok_or_else(missing)
    }
}

/// The newest `libonnxruntime.so…` or `libonnxruntime….dylib` of a folder.
fn library_in(folder: &Path) -> Option<PathBuf> {
    let is_library = |path: &PathBuf| {
        let name = name_of(path);
        let rest = name.strip_prefix("libonnxruntime.");
        rest.is_some_and(|rest| rest == "so" || rest.starts_with("so.") || rest.ends_with("dylib")) && path.is_file()
    };
    entries(folder).into_iter().rfind(is_library)
}

/// A folder's entries in the order of their names; none when it cannot be read.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    // Numbers within names in the order of their values: python3.9 comes before python3.10.
    paths.sort_by_key(|path| numbers_of(&name_of(path)));
    paths
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn numbers_of(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPI: &str = "site-packages/onnxruntime/capi";

    /// A folder with these files in it.
    fn folder_with(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
        root
    }

    #[test]
    fn places_are_searched_in_order() {
        let python = format!("venv/lib/python3.11/{CAPI}/libonnxruntime.so.1.31.1");
        let root = folder_with(&["named.so", "env.so", "bin/lib/libonnxruntime.so", &python]);
        let at = |path: &str| Some(root.path().join(path));
        let mut search = Search {
            named: at("named.so"),
            ort_dylib_path: at("env.so"),
            binary_folder: at("bin"),
            virtual_env: at("venv"),
        };
        let found = |search: &Search| match search.run().unwrap() {
            Outcome::Found { path, by } => (path.strip_prefix(root.path()).unwrap().display().to_string(), by),
            Outcome::Missing { looked } => panic!("{looked:?}"),
        };
        assert_eq!(found(&search), ("named.so".into(), "the configuration"));
        search.named = None;
        assert_eq!(found(&search), ("env.so".into(), "ORT_DYLIB_PATH"));
        search.ort_dylib_path = at("nothing.so");
        assert_eq!(found(&search), ("bin/lib/libonnxruntime.so".into(), "lib/ beside the binary"));
        search.binary_folder = at("elsewhere");
        assert_eq!(found(&search), (python, "the Python package of the active environment"));
    }

    #[test]
    fn a_library_that_was_named_must_be_there() {
        let root = folder_with(&["bin/lib/libonnxruntime.so"]);
        let named = root.path().join("typo.so");
        let search =
            Search { named: Some(named.clone()), binary_folder: Some(root.path().join("bin")), ..Search::default() };
        assert_eq!(search.run(), Err(named));
    }

    #[test]
    fn only_the_library_itself_counts_and_the_newest_wins() {
        let cases: [(&[&str], Option<&str>); 5] = [
            (&["libonnxruntime_providers_shared.so", "onnxruntime.so", "libonnxruntime.soap"], None),
            (
                &["libonnxruntime.so.1.9.0", "libonnxruntime.so.1.31.1", "libonnxruntime.so.1.24.0"],
                Some("libonnxruntime.so.1.31.1"),
            ),
            (&["libonnxruntime.1.24.0.dylib"], Some("libonnxruntime.1.24.0.dylib")),
            (&["libonnxruntime.so"], Some("libonnxruntime.so")),
            (&[], None),
        ];
        for (files, expected) in cases {
            let root = folder_with(files);
            assert_eq!(library_in(root.path()).map(|path| name_of(&path)).as_deref(), expected, "{files:?}");
        }
    }

    #[test]
    fn the_newest_python_wins() {
        let files = ["3.9", "3.10"].map(|python| format!("lib/python{python}/{CAPI}/libonnxruntime.so"));
        let root = folder_with(&[&files[0], &files[1]]);
        let search = Search { virtual_env: Some(root.path().to_owned()), ..Search::default() };
        assert_eq!(search.run().unwrap().path(), Some(root.path().join(&files[1])));
    }

    #[test]
    fn a_search_without_result_says_where_it_looked() {
        let root = folder_with(&[]);
        let search = Search { binary_folder: Some(root.path().to_owned()), ..Search::default() };
        let here = root.path().display();
        let looked = vec![
            "ORT_DYLIB_PATH is not set".to_owned(),
            format!("no libonnxruntime in {here}/lib"),
            "no Python environment is active".to_owned(),
        ];
        assert_eq!(search.run(), Ok(Outcome::Missing { looked }));
    }
}
