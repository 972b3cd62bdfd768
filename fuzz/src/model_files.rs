//! A model file: refused with a reason, or read with a signature that holds together.

use crate::folder;
use servoir_runtime::inspect;
use servoir_types::{Role, Signature, TensorSpec};
use std::collections::HashSet;

/// Reads the bytes as a file by itself, and as one that may have data beside it.
pub fn run(bytes: &[u8]) {
    folder::with_model(bytes, |path, folder| {
        let (alone, with_data) = (inspect(path, None), inspect(path, Some(folder)));
        for refusal in [&alone, &with_data].into_iter().filter_map(|found| found.as_ref().err()) {
            assert!(!refusal.found.is_empty() && !refusal.advice.is_empty(), "{refusal:?}");
        }
        if let Ok(inspection) = &with_data {
            signature_holds_together(&inspection.signature);
        }
        if let Ok(alone) = alone {
            let with_data = with_data.expect("what needs nothing beside it may have something there");
            assert_eq!((alone.format, alone.signature), (with_data.format, with_data.signature));
        }
    });
}

/// Whatever file it was read from.
pub fn signature_holds_together(signature: &Signature) {
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
