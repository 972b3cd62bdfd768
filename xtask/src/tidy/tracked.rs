//! The text files of the working tree: what git tracks or would, or all files where there is no git.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// Made things, which no rule is about. Only read where git cannot say what is ignored.
const MADE_FOLDERS: [&str; 4] = [".git", "target", "servoir-data", "__pycache__"];

/// A file's path from the root, with `/`, and its content.
pub struct TextFile {
    /// Where it is.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// Every file that is valid UTF-8, in order of its path.
pub fn text_files(root: &Path) -> Result<Vec<TextFile>> {
    let mut paths = if root.join(".git").exists() { listed_by_git(root)? } else { walked(root)? };
    paths.sort();
    paths.dedup();
    let mut files = Vec::new();
    for path in paths {
        let file = root.join(&path);
        // A tracked file that was deleted is still listed; a link is judged where it points.
        if !file.symlink_metadata().is_ok_and(|found| found.is_file()) {
            continue;
        }
        let bytes = fs::read(&file).with_context(|| format!("could not read {path}"))?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(TextFile { path, text });
        }
    }
    Ok(files)
}

fn listed_by_git(root: &Path) -> Result<Vec<String>> {
    let mut git = Command::new("git");
    git.current_dir(root).args([
        "-c",
        "core.quotePath=false",
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    Ok(process::run_quietly(&mut git)?.lines().map(str::to_owned).collect())
}

fn walked(root: &Path) -> Result<Vec<String>> {
    let (mut paths, mut folders) = (Vec::new(), vec![root.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("could not list {}", folder.display()))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !entry.file_type()?.is_dir() {
                let path = entry.path();
                paths.push(path.strip_prefix(root)?.to_string_lossy().replace('\\', "/"));
            } else if !MADE_FOLDERS.contains(&name.as_str()) {
                folders.push(entry.path());
            }
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_and_binary_files_are_left_out_with_git_and_without() {
        let root = tempfile::tempdir().unwrap();
        for (path, content) in [
            ("a.rs", &b"fn a() {}"[..]),
            ("deep/b.txt", b"b"),
            ("target/made.rs", b"made"),
            ("model.onnx", b"\xff\xfe"),
            (".gitignore", b"target/\n"),
        ] {
            fs::create_dir_all(root.path().join(path).parent().unwrap()).unwrap();
            fs::write(root.path().join(path), content).unwrap();
        }
        let paths = || {
            let files = text_files(root.path()).unwrap();
            files.into_iter().map(|file| file.path).collect::<Vec<_>>()
        };
        let want = [".gitignore", "a.rs", "deep/b.txt"];
        assert_eq!(paths(), want);
        process::run_quietly(Command::new("git").current_dir(root.path()).args(["init", "-q"])).unwrap();
        assert_eq!(paths(), want);
    }
}
