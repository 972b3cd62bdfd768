//! Reading an ONNX file without an engine: its signature, what its outputs mean, and whether it is safe to hand on.

mod columns;
mod external;
mod footprint;
pub(crate) mod graph;
mod limits;
pub(crate) mod proto;
mod roles;
mod signature;

use crate::error::Unsupported;
use bytes::Bytes;
use prost::Message;
use servoir_types::Signature;
use std::path::Path;

/// What to do with a file that claims to be ONNX and is broken.
const ADVICE: &str = "export the model again and check it with `onnx.checker.check_model`";

/// A model that is broken, and in which way.
fn broken(reason: impl Into<String>) -> Unsupported {
    Unsupported::new(reason, ADVICE)
}

/// Reads and checks a model file. `folder` is where external data may lie; `None`: nowhere.
pub fn read(path: &Path, folder: Option<&Path>) -> Result<Signature, Unsupported> {
    let (model, file_bytes) = decode(path)?;
    let Some(graph) = &model.graph else {
        let known = model.ir_version > 0 && (!model.opset_import.is_empty() || !model.producer_name.is_empty());
        let found = if known { "this ONNX file has no graph" } else { "this is not an ONNX model" };
        return Err(Unsupported::new(found, crate::onnx::ADVICE));
    };
    limits::check(&model, file_bytes)?;
    external::check(&model, path, folder)?;
    graph::check(graph)?;
    let mut signature = signature::read(graph)?;
    roles::assign(&model, graph, &mut signature);
    columns::assign(&model, graph, &mut signature);
    Ok(signature)
}

/// A model file as messages, and the bytes that it has.
pub(crate) fn decode(path: &Path) -> Result<(proto::Model, u64), Unsupported> {
    let bytes = limits::read_bounded(path)?;
    let file_bytes = bytes.len() as u64;
    limits::check_footprint(&bytes, limits::DECODED_BYTES_MAX)?;
    let model = proto::Model::decode(Bytes::from(bytes)).map_err(undecodable)?;
    Ok((model, file_bytes))
}

fn undecodable(error: prost::DecodeError) -> Unsupported {
    let words = error.to_string();
    if words.contains("recursion limit") {
        return broken("this ONNX file nests graphs in graphs deeper than any model does");
    }
    broken(format!("this is not an ONNX model, or it is cut short or damaged: {words}"))
}
