//! What a made thing was made from, kept beside it, so that it is made again only when that changes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The sources of one made thing, word for word, and the file in which the last maker left them.
pub struct Stamp {
    file: PathBuf,
    sources: String,
}

impl Stamp {
    /// `words` are what is not in a file, such as a version; `sources` are read now.
    pub fn new(file: PathBuf, words: &[&str], sources: &[PathBuf]) -> Result<Self> {
        let mut text = words.join("\n");
        for source in sources {
            let content = fs::read_to_string(source).with_context(|| format!("could not read {}", source.display()))?;
            text.push_str(&format!("\n--- {}\n{content}", source.display()));
        }
        Ok(Self { file, sources: text })
    }

    /// Whether the thing was made from these very sources, to the end.
    pub fn is_current(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|made_from| made_from == self.sources)
    }

    /// Says that the thing is being made: until `leave`, it is not current.
    pub fn lift(&self) -> Result<()> {
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("could not remove {}", self.file.display()))
            }
            _ => Ok(()),
        }
    }

    /// Says that the thing is made.
    pub fn leave(&self) -> Result<()> {
        fs::write(&self.file, &self.sources).with_context(|| format!("could not write {}", self.file.display()))
    }
}

/// The files of a folder and its folders whose names end in `.extension`, in order.
pub fn files_below(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("could not list {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_current_from_leave_until_a_source_or_a_word_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (file, source) = (folder.path().join("stamp"), folder.path().join("script.py"));
        let stamp = |word: &str| Stamp::new(file.clone(), &[word], std::slice::from_ref(&source)).unwrap();
        fs::write(&source, "one").unwrap();
        assert!(!stamp("3.11").is_current());
        stamp("3.11").leave().unwrap();
        assert!(stamp("3.11").is_current());
        assert!(!stamp("3.12").is_current());
        fs::write(&source, "two").unwrap();
        assert!(!stamp("3.11").is_current());
        stamp("3.11").leave().unwrap();
        stamp("3.11").lift().unwrap();
        assert!(!stamp("3.11").is_current());
        stamp("3.11").lift().unwrap();
    }

    #[test]
    fn a_source_that_is_not_there_is_an_error_that_names_it() {
        let missing = PathBuf::from("/nowhere/script.py");
        let error = Stamp::new("stamp".into(), &[], &[missing]).err().unwrap();
        assert!(error.to_string().contains("/nowhere/script.py"), "{error}");
    }
}
