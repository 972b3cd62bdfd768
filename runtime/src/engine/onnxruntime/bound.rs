//! Runs whose inputs and outputs lie in memory that a device reaches by itself, kept from run to run.
//!
//! For each of a few shapes there are tensors for the inputs in pinned memory, which the device fetches without the processor's
//! help, and the outputs come back into such memory; on the device the library's arena keeps what it had.

use super::tensor;
use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{IoBinding, Session};
use ort::value::{DynTensor, TensorElementType, ValueType};
use servoir_types::{Signature, Tensor, TensorSpec};

/// Shapes that a session keeps memory for.
const SHAPES_MAX: usize = 16;
/// The most bytes of inputs that a shape may have to be kept memory for; those of more are run as they are.
const KEPT_BYTES_MAX: usize = 64 << 20;

/// A device, as far as its memory goes.
#[derive(Debug, Clone)]
pub struct Place {
    /// What both it and the processor reach.
    pub pinned: AllocationDevice<'static>,
    /// Its number.
    pub id: i32,
}

impl Place {
    /// An NVIDIA GPU.
    pub fn cuda(id: i32) -> Self {
        Self { pinned: AllocationDevice::CUDA_PINNED, id }
    }

    fn pinned_memory(&self) -> ort::Result<MemoryInfo<'static>> {
        MemoryInfo::new(self.pinned.clone(), self.id, AllocatorType::Device, MemoryType::CPUOutput)
    }
}

/// Memory for runs of one session, by the shapes of their inputs.
pub struct Bound {
    place: Place,
    /// The least recently used first.
    shapes: Vec<Shape>,
}

/// Memory for runs of one shape.
struct Shape {
    dims: Vec<Vec<usize>>,
    binding: IoBinding,
    /// The inputs, where the processor writes them.
    pinned: Vec<DynTensor>,
}

impl Bound {
    /// For runs on a device.
    pub fn new(place: Place) -> Self {
        Self { place, shapes: Vec::new() }
    }

    /// Whether what a model takes and gives can lie in such memory: strings, sequences and maps cannot.
    pub fn takes(session: &Session) -> bool {
        let mut outlets = session.inputs().iter().chain(session.outputs());
        outlets.all(|outlet| match outlet.dtype() {
            ValueType::Tensor { ty, .. } => *ty != TensorElementType::String,
            _ => false,
        })
    }

    /// Whether runs with these inputs are to be made here.
    pub fn keeps(inputs: &[Tensor]) -> bool {
        inputs.iter().map(|input| input.data().size_bytes()).sum::<usize>() <= KEPT_BYTES_MAX
    }

    /// Runs the model: the outputs in the signature's order, or in words why there are none.
    pub fn run(
        &mut self,
        session: &mut Session,
        signature: &Signature,
        inputs: &[Tensor],
    ) -> Result<Vec<Tensor>, String> {
        let found = self.shapes.iter().position(|shape| shape.is_of(inputs));
        let mut shape = match found {
            Some(place) => self.shapes.remove(place),
            None => self.shape(session, signature, inputs).map_err(|error| error.to_string())?,
        };
        // A shape that a run failed on is not kept.
        let outputs = shape.run(session, (signature, inputs))?;
        if self.shapes.len() >= SHAPES_MAX {
            self.shapes.remove(0);
        }
        self.shapes.push(shape);
        Ok(outputs)
    }

    fn shape(&self, session: &Session, signature: &Signature, inputs: &[Tensor]) -> ort::Result<Shape> {
        let memory = self.place.pinned_memory()?;
        let mut binding = session.create_binding()?;
        for spec in &signature.outputs {
            binding.bind_output_to_device(&spec.name, &memory)?;
        }
        let by = Allocator::new(session, memory)?;
        let pinned = inputs.iter().map(|input| tensor::uninitialized(&by, input)).collect::<ort::Result<_>>()?;
        Ok(Shape { dims: inputs.iter().map(|input| input.shape().to_vec()).collect(), binding, pinned })
    }
}

impl Shape {
    fn is_of(&self, inputs: &[Tensor]) -> bool {
        self.dims.len() == inputs.len() && self.dims.iter().zip(inputs).all(|(dims, input)| dims == input.shape())
    }

    fn run(
        &mut self,
        session: &mut Session,
        (signature, inputs): (&Signature, &[Tensor]),
    ) -> Result<Vec<Tensor>, String> {
        let words = |error: ort::Error| error.to_string();
        for ((spec, pinned), input) in signature.inputs.iter().zip(&mut self.pinned).zip(inputs) {
            tensor::write(pinned, input.data()).map_err(words)?;
            self.binding.bind_input(&spec.name, pinned).map_err(words)?;
        }
        self.binding.synchronize_inputs().map_err(words)?;
        let answers = session.run_binding(&self.binding).map_err(words)?;
        let read = |spec: &TensorSpec| {
            let value = answers.get(&spec.name).ok_or_else(|| format!("there is no output '{}'", spec.name))?;
            tensor::read(value, spec).map_err(|reason| format!("output '{}': {reason}", spec.name))
        };
        signature.outputs.iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_large_is_run_as_it_is() {
        let rows = |bytes| Tensor::new(vec![bytes], servoir_types::Data::Uint8(vec![0; bytes].into())).unwrap();
        assert!(Bound::keeps(&[rows(KEPT_BYTES_MAX)]) && !Bound::keeps(&[rows(KEPT_BYTES_MAX + 1)]));
    }
}
