//! Runs whose inputs and outputs are bound to memory that is kept from run to run.
//!
//! For each of a few shapes there are tensors for the inputs where the device reaches them by itself, which for a GPU is pinned
//! memory, and the outputs come back into such memory; on the device the library's arena keeps what it had. On the CPU that
//! saves what the library does to take inputs by name and to make its outputs: half a microsecond of the six that a small
//! network's row takes. Outputs that are kept as well would save 0.15 more, and refuse answers whose shape depends on values.

use super::tensor;
use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{IoBinding, RunOptions, Session};
use ort::value::{DynTensor, TensorElementType, ValueType};
use servoir_types::{Signature, Tensor, TensorSpec};

/// Shapes that a session keeps memory for.
const SHAPES_MAX: usize = 16;
/// A device, as far as its memory goes.
#[derive(Debug, Clone)]
pub struct Place {
    /// What both it and the processor reach.
    reached: AllocationDevice<'static>,
    id: i32,
    /// The most bytes of inputs that a shape may have to be kept memory for; those of more are run as they are.
    kept_bytes_max: usize,
}

impl Place {
    /// The processor itself. Inputs of more bytes cost more to copy than the binding saves.
    pub const CPU: Self = Self { reached: AllocationDevice::CPU, id: 0, kept_bytes_max: 16 << 10 };

    /// An NVIDIA GPU.
    pub fn cuda(id: i32) -> Self {
        Self { reached: AllocationDevice::CUDA_PINNED, id, kept_bytes_max: 64 << 20 }
    }

    fn memory(&self) -> ort::Result<MemoryInfo<'static>> {
        MemoryInfo::new(self.reached.clone(), self.id, AllocatorType::Device, MemoryType::CPUOutput)
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
    written: Vec<DynTensor>,
}

impl Bound {
    /// For runs there.
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

    /// Whether runs with inputs of so many bytes are to be made here.
    pub fn keeps(&self, bytes: usize) -> bool {
        bytes <= self.place.kept_bytes_max
    }

    /// Runs the model, with options where there are any: the outputs in the signature's order, or in words why there are none.
    pub fn run(
        &mut self,
        (session, options): (&mut Session, Option<&RunOptions>),
        signature: &Signature,
        inputs: &[Tensor],
    ) -> Result<Vec<Tensor>, String> {
        let found = self.shapes.iter().position(|shape| shape.is_of(inputs));
        let mut shape = match found {
            Some(place) => self.shapes.remove(place),
            None => self.shape(session, signature, inputs).map_err(|error| error.to_string())?,
        };
        // A shape that a run failed on is not kept.
        let outputs = shape.run((session, options), (signature, inputs))?;
        if self.shapes.len() >= SHAPES_MAX {
            self.shapes.remove(0);
        }
        self.shapes.push(shape);
        Ok(outputs)
    }

    fn shape(&self, session: &Session, signature: &Signature, inputs: &[Tensor]) -> ort::Result<Shape> {
        let memory = self.place.memory()?;
        let mut binding = session.create_binding()?;
        for spec in &signature.outputs {
            binding.bind_output_to_device(&spec.name, &memory)?;
        }
        let by = Allocator::new(session, memory)?;
        let written = inputs.iter().map(|input| tensor::uninitialized(&by, input)).collect::<ort::Result<_>>()?;
        Ok(Shape { dims: inputs.iter().map(|input| input.shape().to_vec()).collect(), binding, written })
    }
}

impl Shape {
    fn is_of(&self, inputs: &[Tensor]) -> bool {
        self.dims.len() == inputs.len() && self.dims.iter().zip(inputs).all(|(dims, input)| dims == input.shape())
    }

    fn run(
        &mut self,
        (session, options): (&mut Session, Option<&RunOptions>),
        (signature, inputs): (&Signature, &[Tensor]),
    ) -> Result<Vec<Tensor>, String> {
        let words = |error: ort::Error| error.to_string();
        for ((spec, written), input) in signature.inputs.iter().zip(&mut self.written).zip(inputs) {
            tensor::write(written, input.data()).map_err(words)?;
            self.binding.bind_input(&spec.name, written).map_err(words)?;
        }
        self.binding.synchronize_inputs().map_err(words)?;
        let answers = match options {
            Some(options) => session.run_binding_with_options(&self.binding, options),
            None => session.run_binding(&self.binding),
        };
        let answers = answers.map_err(words)?;
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
        for place in [Place::CPU, Place::cuda(0)] {
            let (bytes, bound) = (place.kept_bytes_max, Bound::new(place));
            assert!(bound.keeps(bytes) && !bound.keeps(bytes + 1));
        }
    }
}
