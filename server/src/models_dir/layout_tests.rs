//! Folders and what is found in them.

use super::layout::{model_file, models, versions};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A folder with these files; a name that ends in `/` is an empty folder.
fn folder(files: &[&str]) -> TempDir {
    let root = TempDir::new().unwrap();
    for file in files {
        let path = root.path().join(file);
        fs::create_dir_all(if file.ends_with('/') { &path } else { path.parent().unwrap() }).unwrap();
        if !file.ends_with('/') {
            fs::write(path, "x").unwrap();
        }
    }
    root
}

/// Paths and messages without the folder's own path.
fn relative(root: &Path, text: &str) -> String {
    let root = root.display().to_string();
    text.replace(&format!("{root}/"), "").replace(&root, "DIR")
}

#[test]
fn models_are_found_by_their_folders() {
    type Expected<'a> = Result<&'a [(&'a str, &'a str)], &'a str>;
    let own_file = "DIR: it holds a model file itself: say which name the model has with --model-name";
    let no_folder = "DIR: expected a model file, versions, or a folder 'iris'; it holds churn";
    let cases: [(&[&str], Option<&str>, Expected<'_>); 12] = [
        (&[], None, Ok(&[])),
        (&["churn/1/model.onnx", "model_b/1/model.onnx"], None, Ok(&[("churn", "churn"), ("model_b", "model_b")])),
        (&["churn/1/model.onnx", "README.md", ".git/1/model.onnx", "lost+found/"], None, Ok(&[("churn", "churn")])),
        (&["churn/1/model.onnx", "stray.onnx"], None, Ok(&[("churn", "churn")])),
        (&["churn/model.onnx"], None, Ok(&[("churn", "churn")])),
        (&["7/1/model.onnx"], None, Ok(&[("7", "7")])),
        (&["model.onnx"], None, Err(own_file)),
        (&["model.onnx"], Some("iris"), Ok(&[("iris", "DIR")])),
        (&["model.onnx/model.onnx"], Some("iris"), Ok(&[("iris", "DIR")])),
        (&["1/model.onnx", "2/model.onnx"], Some("iris"), Ok(&[("iris", "DIR")])),
        (&["iris/1/model.onnx", "churn/1/model.onnx"], Some("iris"), Ok(&[("churn", "churn"), ("iris", "iris")])),
        (&["churn/1/model.onnx"], Some("iris"), Err(no_folder)),
    ];
    for (files, name, expected) in cases {
        let root = folder(files);
        let found = models(root.path(), name).map_err(|refusal| relative(root.path(), &refusal.to_string()));
        let found = found.map(|found| {
            let pairs =
                found.into_iter().map(|(name, path)| (name, relative(root.path(), &path.display().to_string())));
            pairs.collect::<Vec<_>>()
        });
        let expected =
            expected.map(|pairs| pairs.iter().map(|&(a, b)| (a.to_owned(), b.to_owned())).collect::<Vec<_>>());
        assert_eq!(found, expected.map_err(str::to_owned), "{files:?} {name:?}");
    }
}

#[test]
fn versions_are_whole_numbers_from_one() {
    let empty = "DIR: expected a folder for each version, such as 1/model.onnx; it holds ";
    let cases: [(&[&str], Option<&str>, Result<&[u64], String>); 8] = [
        (&["1/model.onnx", "10/model.onnx", "9/"], None, Ok(&[1, 9, 10])),
        (&["1/m", "0/m", "01/m", "-1/m", "1.5/m", "v2/m", "+3/m", "99999999999999999999/m"], None, Ok(&[1])),
        (&["1/m", "2.tmp/m", ".3/m", "4"], None, Ok(&[1])),
        (&["model.onnx", "weights.bin"], None, Ok(&[1])),
        (&["model.onnx", "3/model.onnx"], None, Ok(&[3])),
        (&["net.bin"], Some("net.bin"), Ok(&[1])),
        (&[], None, Err(format!("{empty}nothing"))),
        (&["a", "b", "c", "d", "e", "f", "g"], None, Err(format!("{empty}a, b, c, d, e and 2 more"))),
    ];
    for (files, file_name, expected) in cases {
        let root = folder(files);
        let found = versions(root.path(), file_name).map_err(|refusal| relative(root.path(), &refusal.to_string()));
        assert_eq!(found.map(|found| found.into_keys().collect()), expected.map(<[u64]>::to_vec), "{files:?}");
    }
}

#[test]
fn the_model_file_is_the_one_that_is_meant() {
    let cases: [(&[&str], Option<&str>, Result<(&str, &str), &str>); 11] = [
        (&["model.onnx", "other.onnx"], None, Ok(("model.onnx", "DIR"))),
        (&["only.onnx", "weights.bin"], None, Ok(("only.onnx", "DIR"))),
        (&["model.onnx/model.onnx", "model.onnx/w.bin"], None, Ok(("model.onnx/model.onnx", "model.onnx"))),
        (&["model.onnx/net.onnx"], None, Ok(("model.onnx/net.onnx", "model.onnx"))),
        (&["model.onnx", "net.bin"], Some("net.bin"), Ok(("net.bin", "DIR"))),
        (&["net/model.onnx"], Some("net"), Ok(("net/model.onnx", "net"))),
        (&["a.onnx", "b.onnx"], None, Err("DIR: expected model.onnx or a single .onnx file; it holds a.onnx, b.onnx")),
        (&["model.plan"], None, Err("DIR: expected model.onnx; it holds model.plan")),
        (&["model.onnx"], Some("net.onnx"), Err("DIR: expected net.onnx; it holds model.onnx")),
        (&["model.onnx/"], None, Err("model.onnx: expected model.onnx; it holds nothing")),
        (
            &["model.onnx/model.onnx/model.onnx"],
            None,
            Err("model.onnx/model.onnx: expected a model file, got a folder"),
        ),
    ];
    for (files, file_name, expected) in cases {
        let root = folder(files);
        let words = |path: &Path| relative(root.path(), &path.display().to_string());
        let found = model_file(root.path(), file_name).map(|file| (words(&file.path), words(&file.folder)));
        let found = found.map_err(|refusal| relative(root.path(), &refusal.to_string()));
        let expected = expected.map(|(path, folder)| (path.to_owned(), folder.to_owned())).map_err(str::to_owned);
        assert_eq!(found, expected, "{files:?} {file_name:?}");
    }
}
