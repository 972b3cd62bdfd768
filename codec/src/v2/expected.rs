//! Whether what a request says of an input is what the model takes.

use crate::fault::Fault;
use crate::json::{RANK_MAX, excerpt};
use crate::model::Model;
use servoir_types::TensorSpec;

/// Makes sure that an input comes in the model's datatype.
///
/// # Errors
/// [`Fault::Form`].
pub fn datatype(spec: &TensorSpec, came: &str, model: Model<'_>) -> Result<(), Fault> {
    if came == spec.datatype.name() {
        return Ok(());
    }
    let (name, expected, came) = (&spec.name, spec.datatype, excerpt(came));
    Err(Fault::Form(format!("input '{name}' of {model} is {expected}, {came} came")))
}

/// The dimensions that a request gives for an input.
///
/// # Errors
/// [`Fault::Form`] for dimensions that no tensor has, [`Fault::Rank`] for those that the model does not take,
/// [`Fault::TooManyRows`].
pub fn shape(spec: &TensorSpec, came: &[i64], model: Model<'_>) -> Result<Vec<usize>, Fault> {
    let wrong = |detail: String| Err(Fault::Form(format!("input '{}'{detail}", spec.name)));
    if came.len() > RANK_MAX {
        return wrong(format!(" has {} dimensions, at most {RANK_MAX} are taken", came.len()));
    }
    let Some(dims) = came.iter().map(|&dim| usize::try_from(dim).ok()).collect::<Option<Vec<_>>>() else {
        return wrong(format!(": shape {came:?} has a dimension below 0"));
    };
    if dims.iter().try_fold(1usize, |count, &dim| count.checked_mul(dim)).is_none() {
        return wrong(format!(": shape {came:?} has more elements than can be counted"));
    }
    if !spec.shape.admits(&dims) {
        return Err(Fault::rank(spec, model, format!("{came:?}")));
    }
    if spec.shape.is_batchable() && dims.first().is_some_and(|&rows| rows > model.rows_max) {
        return Err(Fault::TooManyRows { max: model.rows_max });
    }
    Ok(dims)
}
