//! External data: weights beside the model file. They may lie in the model's own folder and nowhere else.

use super::graph::Tensors;
use super::{broken, limits, proto};
use crate::error::Unsupported;
use std::path::{Component, Path, PathBuf};

/// What to do with a model whose weights cannot be used where they are.
const ADVICE: &str = "save the model as one file: `onnx.save(onnx.load('model.onnx'), 'single.onnx')`";

/// Checks every tensor that is kept outside the model file, in whatever part of the model.
pub fn check(model: &proto::Model, path: &Path, folder: Option<&Path>) -> Result<(), Unsupported> {
    let mut external = Tensors::of(model)
        .filter(|tensor| tensor.data_location == proto::EXTERNAL || !tensor.external_data.is_empty())
        .peekable();
    let Some(first) = external.peek() else { return Ok(()) };
    let Some(folder) = folder else {
        let location = entry(first, "location").unwrap_or_default();
        let found = format!("tensor '{}' is kept outside the model file, in '{location}'", first.name);
        return Err(Unsupported::new(found, ADVICE));
    };
    let real = |path: &Path| {
        path.canonicalize().map_err(|error| broken(format!("the folder '{}' cannot be read: {error}", path.display())))
    };
    let folder = real(folder)?;
    let beside = real(path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
    external.try_for_each(|tensor| check_tensor(tensor, &beside, &folder))
}

fn entry<'a>(tensor: &'a proto::Tensor, key: &str) -> Option<&'a str> {
    tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
}

fn check_tensor(tensor: &proto::Tensor, beside: &Path, folder: &Path) -> Result<(), Unsupported> {
    let location = entry(tensor, "location").unwrap_or_default();
    let refuse = |reason: String| {
        Unsupported::new(format!("tensor '{}' is kept in '{location}': {reason}", tensor.name), ADVICE)
    };
    let file = resolve(location, beside, folder).map_err(refuse)?;
    let bytes = std::fs::metadata(&file).map_err(|error| refuse(error.to_string()))?.len();
    let number = |key: &str| match entry(tensor, key) {
        None => Ok(None),
        Some(text) => {
            text.parse::<u64>().map(Some).map_err(|_| refuse(format!("its {key} is '{text}', not a number of bytes")))
        }
    };
    let offset = number("offset")?.unwrap_or(0);
    let length = number("length")?.unwrap_or(0).max(limits::bytes_at_least(tensor)?);
    match offset.checked_add(length) {
        Some(end) if end <= bytes => Ok(()),
        _ => Err(refuse(format!("it wants {length} bytes from byte {offset} of a file of {bytes}"))),
    }
}

/// The file that a location means, when it is a plain file inside `folder`, links followed.
fn resolve(location: &str, beside: &Path, folder: &Path) -> Result<PathBuf, String> {
    let relative = Path::new(location);
    let plain = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if location.is_empty() || location.contains(['\\', '\0']) || !plain {
        return Err("a location must be a relative path without `..`".into());
    }
    let file = beside.join(relative).canonicalize().map_err(|error| error.to_string())?;
    if !file.starts_with(folder) {
        return Err("it lies outside the model's folder".into());
    }
    if !file.is_file() {
        return Err("it is not a file".into());
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(location: &str, extra: &[(&str, &str)]) -> proto::Model {
        let entry = |key: &str, value: &str| proto::Entry { key: key.into(), value: value.into() };
        let mut external_data = vec![entry("location", location)];
        external_data.extend(extra.iter().map(|&(key, value)| entry(key, value)));
        let tensor = proto::Tensor {
            name: "w".into(),
            dims: vec![4],
            data_type: 1,
            data_location: proto::EXTERNAL,
            external_data,
            ..Default::default()
        };
        let graph = proto::Graph { initializers: vec![tensor], ..Default::default() };
        proto::Model { graph: Some(graph), ..Default::default() }
    }

    /// Wraps the tensor into the deepest places where one can hide.
    fn hidden(mut model: proto::Model, place: usize) -> proto::Model {
        let tensor = model.graph.take().and_then(|graph| graph.initializers.into_iter().next());
        let sparse = proto::SparseTensor { values: tensor.clone(), ..Default::default() };
        let attribute = match place {
            0 => proto::Attribute { tensor: tensor.map(Box::new), ..Default::default() },
            1 => proto::Attribute { tensors: tensor.into_iter().collect(), ..Default::default() },
            2 => proto::Attribute { sparse_tensor: Some(Box::new(sparse)), ..Default::default() },
            _ => {
                let graph = proto::Graph { sparse_initializers: vec![sparse], ..Default::default() };
                proto::Attribute { graphs: vec![graph], ..Default::default() }
            }
        };
        let node = proto::Node { attributes: vec![attribute], ..Default::default() };
        let function = proto::Function { nodes: vec![node], ..Default::default() };
        proto::Model { functions: vec![function], ..Default::default() }
    }

    #[test]
    fn external_data_stays_in_the_models_folder() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("model");
        std::fs::create_dir_all(folder.join("sub")).unwrap();
        for file in ["outside.bin", "model/weights.bin", "model/sub/more.bin", "model/model.onnx"] {
            std::fs::write(root.path().join(file), [0u8; 16]).unwrap();
        }
        std::os::unix::fs::symlink("../outside.bin", folder.join("link.bin")).unwrap();
        std::os::unix::fs::symlink("weights.bin", folder.join("inner.bin")).unwrap();
        std::os::unix::fs::symlink("..", folder.join("up")).unwrap();
        let absolute = root.path().join("model/weights.bin");
        type Extra<'a> = &'a [(&'a str, &'a str)];
        let cases: [(&str, Extra<'_>, Option<&str>); 17] = [
            ("weights.bin", &[], None),
            ("./weights.bin", &[], None),
            ("sub/more.bin", &[], None),
            ("inner.bin", &[], None),
            ("weights.bin", &[("offset", "0"), ("length", "16")], None),
            ("weights.bin", &[("offset", "4")], Some("16 bytes from byte 4")),
            ("weights.bin", &[("length", "17")], Some("17 bytes")),
            ("weights.bin", &[("offset", "18446744073709551615")], Some("from byte")),
            ("weights.bin", &[("offset", "-1")], Some("offset is '-1'")),
            ("", &[], Some("relative path")),
            ("../outside.bin", &[], Some("relative path")),
            ("sub/../../outside.bin", &[], Some("relative path")),
            (absolute.to_str().unwrap(), &[], Some("relative path")),
            ("link.bin", &[], Some("outside the model's folder")),
            ("up/outside.bin", &[], Some("outside the model's folder")),
            ("sub", &[], Some("not a file")),
            ("absent.bin", &[], Some("No such file")),
        ];
        let path = folder.join("model.onnx");
        for (location, extra, wanted) in cases {
            let got = check(&model(location, extra), &path, Some(&folder)).err().map(|error| error.to_string());
            match (wanted, &got) {
                (None, None) => {}
                (Some(part), Some(message)) if message.contains(part) && message.contains("'w'") => {}
                _ => panic!("{location} {extra:?}: wanted {wanted:?}, got {got:?}"),
            }
        }
        for place in 0..4 {
            let model = hidden(model("../outside.bin", &[]), place);
            assert!(check(&model, &path, Some(&folder)).is_err(), "place {place}");
            let message = check(&model, &path, None).unwrap_err().to_string();
            assert!(message.contains("outside.bin") && message.contains("one file"), "{message}");
        }
    }
}
