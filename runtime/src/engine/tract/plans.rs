//! Plans: a model optimised for the shapes of its inputs. A plan for exact shapes runs up to five times as fast as one
//! for any batch size, and takes up to a few hundred milliseconds to make, so a few are kept.

use servoir_types::{Datatype, Signature, TensorSpec};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tract_onnx::prelude::*;

/// Plans for exact shapes that one program keeps.
const EXACT_PLANS_MAX: usize = 8;

/// A plan for one device.
#[derive(Clone)]
pub enum Plan {
    /// The machine's own processor.
    Cpu(Arc<TypedRunnableModel>),
    /// A GPU.
    #[cfg(feature = "tract-cuda")]
    Gpu(Arc<dyn tract_onnx::tract_core::runtime::Runnable>),
}

impl Plan {
    /// Runs it.
    pub fn run(&self, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        match self {
            Self::Cpu(plan) => plan.run(inputs),
            #[cfg(feature = "tract-cuda")]
            Self::Gpu(plan) => plan.run(inputs),
        }
    }
}

/// Makes a plan of a model whose shapes are known.
pub type MakePlan = fn(InferenceModel) -> TractResult<Plan>;

/// For the machine's own processor.
pub fn on_cpu(model: InferenceModel) -> TractResult<Plan> {
    model.into_optimized()?.into_runnable().map(Plan::Cpu)
}

pub struct Plans {
    /// The model before shapes are known.
    model: InferenceModel,
    /// For the device that it runs on.
    make: MakePlan,
    /// For any length of the free dimensions, when tract can make one.
    symbolic: Option<Plan>,
    /// For exact shapes; the most recently made last.
    exact: Mutex<Vec<(Vec<Vec<usize>>, Plan)>>,
    /// Whether a run by the plan for any length was seen to take more than twice as long as one by a plan for its shapes.
    is_slow: AtomicBool,
}

impl Plans {
    /// Parses the model and makes one plan, so that what tract cannot do shows here and not at the first request.
    pub fn load(path: &Path, signature: &Signature, make: MakePlan) -> TractResult<Self> {
        let onnx = tract_onnx::onnx().with_ignore_output_shapes(true).with_ignore_value_info(true);
        let model = onnx.model_for_path(path)?;
        let plans = Self { model, make, symbolic: None, exact: Mutex::default(), is_slow: AtomicBool::new(false) };
        match plans.make(signature, free_dims) {
            Ok(plan) => Ok(Self { symbolic: Some(plan), ..plans }),
            Err(symbolic_error) => {
                plans.make(signature, |_, _, spec| spec.shape.dims().map(ones)).map_err(|_| symbolic_error)?;
                Ok(plans)
            }
        }
    }

    /// The fewest rows, more than those of these shapes and fewer than twice as many, that there is a plan for. `None` when there is
    /// none, or one for the shapes themselves, or the plan for any length is hardly slower.
    pub fn rows_prepared(&self, shapes: &[Vec<usize>]) -> Option<usize> {
        if self.symbolic.is_some() && !self.is_slow.load(Ordering::Relaxed) {
            return None;
        }
        let rows = *shapes.first()?.first()?;
        let is_like = |known: &[Vec<usize>]| {
            known.iter().map(|shape| shape.get(1..)).eq(shapes.iter().map(|shape| shape.get(1..)))
        };
        let exact = self.exact.lock().unwrap_or_else(PoisonError::into_inner);
        let prepared =
            exact.iter().filter(|(known, _)| is_like(known)).filter_map(|(known, _)| known[0].first().copied());
        prepared.filter(|prepared| (rows..2 * rows).contains(prepared)).min().filter(|prepared| *prepared > rows)
    }

    /// Notes what runs of a batch took by a plan for its shapes, and by the one for any length.
    pub fn compared(&self, exact: Duration, any: Duration) {
        self.is_slow.store(any > 2 * exact, Ordering::Relaxed);
    }

    /// The plan for inputs of these shapes; and the one for any length beside one that was made just now, to be compared with it.
    pub fn plan(&self, signature: &Signature, shapes: Vec<Vec<usize>>) -> TractResult<(Plan, Option<Plan>)> {
        let lock = || self.exact.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let exact = lock();
            if let Some((_, plan)) = exact.iter().find(|(known, _)| *known == shapes) {
                return Ok((plan.clone(), None));
            }
            if exact.len() >= EXACT_PLANS_MAX
                && let Some(plan) = &self.symbolic
            {
                return Ok((plan.clone(), None));
            }
        }
        let made = self
            .make(signature, |_, index, _| shapes.get(index).map(|shape| shape.iter().map(ToDim::to_dim).collect()));
        let (plan, beside) = match (made, &self.symbolic) {
            (Ok(plan), symbolic) => (plan, symbolic.clone()),
            (Err(_), Some(symbolic)) => (symbolic.clone(), None),
            (Err(error), None) => return Err(error),
        };
        let mut exact = lock();
        if exact.len() >= EXACT_PLANS_MAX {
            exact.remove(0);
        }
        exact.push((shapes, plan.clone()));
        Ok((plan, beside))
    }

    /// A plan for the dimensions that `dims` gives to each input; `None` leaves an input's rank open.
    fn make(
        &self,
        signature: &Signature,
        dims: impl Fn(&InferenceModel, usize, &TensorSpec) -> Option<TVec<TDim>>,
    ) -> TractResult<Plan> {
        let mut model = self.model.clone();
        for (index, spec) in signature.inputs.iter().enumerate() {
            let datum_type = datum_type(spec.datatype)?;
            let fact = match dims(&model, index, spec) {
                Some(dims) => InferenceFact::dt_shape(datum_type, dims),
                None => InferenceFact::dt(datum_type),
            };
            model = model.with_input_fact(index, fact)?;
        }
        (self.make)(model)
    }
}

/// The declared dimensions, with one symbol for the rows of all inputs and one of its own for every other free one.
fn free_dims(model: &InferenceModel, index: usize, spec: &TensorSpec) -> Option<TVec<TDim>> {
    let dim = |(axis, &length): (usize, &i64)| match (length, axis) {
        (..0, 0) => model.symbols.sym("rows").into(),
        (..0, axis) => model.symbols.sym(&format!("input{index}axis{axis}")).into(),
        (length, _) => length.to_dim(),
    };
    spec.shape.dims().map(|declared| declared.iter().enumerate().map(dim).collect())
}

/// The declared dimensions with 1 for every free one.
fn ones(declared: &[i64]) -> TVec<TDim> {
    declared.iter().map(|&dim| usize::try_from(dim).unwrap_or(1).to_dim()).collect()
}

fn datum_type(datatype: Datatype) -> TractResult<DatumType> {
    Ok(match datatype {
        Datatype::Bool => DatumType::Bool,
        Datatype::Uint8 => DatumType::U8,
        Datatype::Uint16 => DatumType::U16,
        Datatype::Uint32 => DatumType::U32,
        Datatype::Uint64 => DatumType::U64,
        Datatype::Int8 => DatumType::I8,
        Datatype::Int16 => DatumType::I16,
        Datatype::Int32 => DatumType::I32,
        Datatype::Int64 => DatumType::I64,
        Datatype::Fp16 => DatumType::F16,
        Datatype::Fp32 => DatumType::F32,
        Datatype::Fp64 => DatumType::F64,
        Datatype::Bytes => DatumType::String,
        Datatype::Bf16 => return Err(TractError::msg("tract has no BF16")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn batches_are_padded_where_the_plan_for_any_length_is_slow() {
        let fixtures = std::env::var_os("SERVOIR_TEST_FIXTURES").expect("set by `cargo xtask test`");
        let path = PathBuf::from(fixtures).join("smallconv/model.onnx");
        let signature = crate::onnx::read(&path, path.parent()).unwrap();
        let plans = Plans::load(&path, &signature, on_cpu).unwrap();
        let images = |rows| vec![vec![rows, 1, 8, 8]];
        let (_, beside) = plans.plan(&signature, images(8)).unwrap();
        assert!(beside.is_some(), "it was made just now");
        assert!(plans.plan(&signature, images(8)).unwrap().1.is_none());
        for (any_micros, expected) in [(199, None), (201, Some(8))] {
            plans.compared(Duration::from_micros(100), Duration::from_micros(any_micros));
            assert_eq!([5, 7].map(|rows| plans.rows_prepared(&images(rows))), [expected; 2]);
            assert_eq!([4, 8, 9].map(|rows| plans.rows_prepared(&images(rows))), [None; 3]);
            assert_eq!(plans.rows_prepared(&[vec![5, 1, 4, 4]]), None);
        }
    }
}
