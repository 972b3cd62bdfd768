//! Telling formats apart by their first bytes, never by their names.

use super::{Ends, Format, advice};
use crate::error::Unsupported;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Beginnings that name a format without doubt: where, which bytes, what it is, what to do.
const MAGIC: [(usize, &[u8], &str, &str); 17] = [
    (0, b"\x89HDF\r\n\x1a\n", "this is an HDF5 file, such as Keras writes", advice::KERAS),
    (0, b"\x1f\x8b", "this is gzip-compressed", advice::UNPACK),
    (0, b"\xfd7zXZ\0", "this is xz-compressed", advice::UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "this is zstd-compressed", advice::UNPACK),
    (0, b"BZh", "this is bzip2-compressed", advice::UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "this is a 7-Zip archive", advice::UNPACK),
    (257, b"ustar", "this is a tar archive", advice::UNPACK),
    (4, b"TFL3", "this is a TensorFlow Lite model", advice::TENSORFLOW),
    (0, b"GGUF", "this is a GGUF file of language-model weights", advice::WEIGHTS),
    (
        4,
        b"ORTM",
        "this is an ONNX Runtime .ort file, tied to one version of it",
        "give the .onnx file it was made from",
    ),
    (0, b"\x93NUMPY", "this is a NumPy array", advice::ONNX),
    (0, b"\x7fELF", "this is a program or a shared library", advice::ONNX),
    (0, b"MZ", "this is a Windows program", advice::ONNX),
    (0, b"%PDF", "this is a PDF document", advice::ONNX),
    (0, b"\x89PNG", "this is an image", advice::ONNX),
    (0, b"\x78\x9c", "this is zlib-compressed, such as joblib writes pickles", advice::SKLEARN),
    (0, b"ZF0x", "this is a compressed joblib file, a Python pickle", advice::SKLEARN),
];

/// Names inside a zip archive that tell whose it is.
const ZIP_ENTRIES: [(&[u8], &str, &str); 5] = [
    (b"constants.pkl", "this is a TorchScript archive", advice::TORCH),
    (
        b"data.pkl",
        "this is a PyTorch file, which holds a Python pickle: loading one runs whatever code it names",
        advice::TORCH,
    ),
    (b"model.weights.h5", "this is a Keras archive", advice::KERAS),
    (b".npy", "this is a NumPy archive", advice::ONNX),
    (b".onnx", "this is a zip archive", advice::UNPACK),
];

/// The format when it is one of those that are kept without an ONNX reader; `None` when only that reader can tell.
pub fn sniff(path: &Path, ends: &Ends) -> Result<Option<Format>, Unsupported> {
    let head = ends.head.as_slice();
    if head.is_empty() {
        return Err(Unsupported::new("the file is empty", "check that the upload was complete"));
    }
    for (at, magic, found, advice) in MAGIC {
        if head.get(at..).is_some_and(|rest| rest.starts_with(magic)) {
            return Err(Unsupported::new(found, advice));
        }
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Err(zip(ends));
    }
    if is_pickle(ends) {
        let found = "this is a Python pickle, and loading one runs whatever code it names";
        return Err(Unsupported::new(found, advice::SKLEARN));
    }
    if is_safetensors(head) {
        return Err(Unsupported::new("this is a safetensors file", advice::WEIGHTS));
    }
    if head[0] == b'{' && matches!(head.get(1), Some(b'i' | b'U' | b'I' | b'l' | b'L')) && ends.contains(b"learner") {
        return Ok(Some(Format::XgboostUbj));
    }
    if head.starts_with(b"tree\n") || head.starts_with(b"tree\r\n") {
        return Ok(Some(Format::LightgbmText));
    }
    text(path, head)
}

/// A TensorFlow SavedModel begins like an ONNX file of version 1, which nobody writes any more.
pub fn saved_model(ends: &Ends) -> Option<Unsupported> {
    ends.head
        .starts_with(b"\x08\x01\x12")
        .then(|| Unsupported::new("this is a TensorFlow SavedModel graph", advice::TENSORFLOW))
}

fn zip(ends: &Ends) -> Unsupported {
    let known = ZIP_ENTRIES.iter().find(|(entry, ..)| ends.contains(entry));
    let (found, advice) =
        known.map_or(("this is a zip archive", advice::UNPACK), |&(_, found, advice)| (found, advice));
    Unsupported::new(found, advice)
}

/// Pickles of protocol 2 and up say so in two bytes; older ones are text that builds objects and ends with a full stop.
fn is_pickle(ends: &Ends) -> bool {
    let head = &ends.head;
    let binary = head[0] == 0x80 && head.get(1).is_some_and(|protocol| (2..=5).contains(protocol));
    let stops = ends.tail.iter().rev().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'.');
    let builds =
        [&b"ccopy_reg\n"[..], b"c__builtin__\n", b"(i__main__\n", b"(dp0\n", b"(lp0\n", b"cnumpy", b"csklearn"]
            .iter()
            .any(|opening| head.starts_with(opening));
    binary || (stops && builds)
}

/// Eight bytes of length, then a JSON object of that length.
fn is_safetensors(head: &[u8]) -> bool {
    head.first_chunk::<8>().is_some_and(|length| {
        let length = u64::from_le_bytes(*length);
        (2..1 << 27).contains(&length) && head.get(8) == Some(&b'{') && !head.starts_with(b"{")
    })
}

/// The keys at the top of a JSON file that tell whose it is; the values are passed over.
#[derive(Deserialize)]
struct JsonKeys {
    learner: Option<IgnoredAny>,
    tree_info: Option<IgnoredAny>,
    #[serde(rename = "modelTopology")]
    model_topology: Option<IgnoredAny>,
    oblivious_trees: Option<IgnoredAny>,
}

fn text(path: &Path, head: &[u8]) -> Result<Option<Format>, Unsupported> {
    let start = head.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(head.len());
    let body = &head[start..];
    if body.starts_with(b"{") || body.starts_with(b"[") {
        return json(path).map(Some);
    }
    if body.starts_with(b"<") {
        let found = "this is a web page or XML, not a model";
        return Err(Unsupported::new(found, "if it was downloaded, check the link: it answered with a page"));
    }
    if body.starts_with(b"version https://git-lfs") {
        let found = "this is a Git LFS pointer, not the file it points to";
        return Err(Unsupported::new(found, "run `git lfs pull` and give the real file"));
    }
    let printable = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    if head.iter().all(printable) {
        return Err(Unsupported::new("this is text, not a model", advice::ONNX));
    }
    Ok(None)
}

fn json(path: &Path) -> Result<Format, Unsupported> {
    let unreadable =
        |error: std::io::Error| Unsupported::new(format!("the file cannot be read: {error}"), advice::ONNX);
    let file = File::open(path).map_err(unreadable)?;
    let keys: JsonKeys = serde_json::from_reader(BufReader::new(file)).map_err(|error| {
        Unsupported::new(format!("this begins like JSON and is not a model: {error}"), advice::ONNX)
    })?;
    let found = if keys.learner.is_some() {
        return Ok(Format::XgboostJson);
    } else if keys.tree_info.is_some() {
        "this is LightGBM's JSON dump, which cannot be loaded back"
    } else if keys.model_topology.is_some() {
        return Err(Unsupported::new("this is a TensorFlow.js model", advice::TENSORFLOW));
    } else if keys.oblivious_trees.is_some() {
        let advice = "export the model to ONNX with CatBoost itself: `model.save_model('model.onnx', format='onnx')`";
        return Err(Unsupported::new("this is a CatBoost JSON model", advice));
    } else {
        return Err(Unsupported::new("this is JSON, and not an XGBoost model: it has no `learner`", advice::ONNX));
    };
    Err(Unsupported::new(found, advice::TREES))
}
