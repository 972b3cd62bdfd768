//! A forest in a device's memory.

use super::launch::{Facts, Grid, Shape, number};
use super::memory::DeviceBuffer;
use super::module::Function;
use super::packed::{Form, Packed, Places};
use super::stream::Arguments;
use super::{CudaError, Device, ForestSession, Source};
use crate::trees::{Feature, Forest, Sum};
use std::marker::PhantomData;
use std::sync::Arc;

/// A forest on a device, for as many sessions as there are threads that predict with it.
#[derive(Debug)]
pub struct DeviceForest<X, T> {
    shared: Arc<Uploaded>,
    of: PhantomData<fn(X) -> T>,
}

/// What sessions share.
#[derive(Debug)]
pub struct Uploaded {
    device: Arc<Device>,
    memory: DeviceBuffer<u8>,
    facts: Facts,
    shape: Shape,
    function: Function,
    arguments: Walk,
}

/// What the kernel is given, as `Walk` in its source.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Walk {
    nodes: u64,
    roots: u64,
    groups: u64,
    base: u64,
    values: u64,
    set_ends: u64,
    set_words: u64,
    linear_at: u64,
    linear_ends: u64,
    linear_without: u64,
    term_features: u64,
    term_coefficients: u64,
    rows: u64,
    out: u64,
    count: u64,
    features: u32,
    outputs: u32,
    group_count: u32,
    group_bytes: u32,
    feature_bits: u32,
    direct: u32,
    linear: u32,
    sums_shared: u32,
}

// SAFETY: the fields are those of the source, in its order; addresses are given by what made them.
unsafe impl Arguments for Walk {}

impl<X: Feature, T: Sum> DeviceForest<X, T> {
    /// Copies a forest to a device.
    ///
    /// # Errors
    /// The device has no room, the kernels cannot be compiled, or the driver refuses.
    pub fn new(device: &Arc<Device>, forest: &Forest<X, T>) -> Result<Self, CudaError> {
        device.bind()?;
        let (layout, base) = forest.parts();
        let form = Form::of(layout);
        let facts = Facts {
            features: layout.features,
            outputs: layout.outputs,
            feature_bytes: size_of::<X>(),
            sum_bytes: size_of::<T>(),
            // Trees begin at even nodes.
            node_bytes: (layout.nodes.len() + layout.roots.len()) * form.node_bytes(),
        };
        let shape = Shape::of(facts, device.limits());
        let source = source(form, facts);
        let function = device.modules.function(source, &kernel(source, &shape, facts.outputs))?;
        let packed = Packed::new(layout, base, form, shape.group_bytes);
        let memory = DeviceBuffer::of(device, &packed.bytes)?;
        let arguments = Walk::new(&packed, facts, shape, memory.address());
        let shared = Uploaded { device: Arc::clone(device), memory, facts, shape, function, arguments };
        Ok(Self { shared: Arc::new(shared), of: PhantomData })
    }

    /// The device's memory that it takes, beside that of its sessions.
    pub fn memory_bytes(&self) -> u64 {
        self.shared.memory.bytes()
    }

    /// A session, which one thread at a time predicts with. It takes room as batches grow, up to 32 MiB on the device, and as
    /// much that is pinned here, unless single rows are larger than 4 MiB.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn session(&self) -> Result<ForestSession<X, T>, CudaError> {
        ForestSession::new(Arc::clone(&self.shared))
    }
}

/// The kernels for a forest.
fn source(form: Form, facts: Facts) -> Source {
    match (facts.feature_bytes, form, facts.sum_bytes) {
        (4, Form::Narrow { .. }, 4) => Source::Trees32NarrowF32,
        (4, Form::Narrow { .. }, _) => Source::Trees32NarrowF64,
        (4, Form::Wide, 4) => Source::Trees32WideF32,
        (4, Form::Wide, _) => Source::Trees32WideF64,
        (_, _, 4) => Source::Trees64WideF32,
        _ => Source::Trees64WideF64,
    }
}

/// The name of the one for its shape.
fn kernel(source: Source, shape: &Shape, outputs: usize) -> String {
    let rows = if shape.rows_shared { "shared" } else { "global" };
    let outputs = if outputs == 1 { "one" } else { "many" };
    format!("{}_{rows}_{outputs}", source.name())
}

impl Uploaded {
    /// Where it is.
    pub fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// What it needs.
    pub fn facts(&self) -> Facts {
        self.facts
    }

    /// What adds its leaves.
    pub fn function(&self) -> &Function {
        &self.function
    }

    /// A launch for so many rows, and what the kernel is given.
    pub fn launch(&self, rows: u64, out: u64, count: usize) -> (Grid, Walk) {
        let grid = self.shape.grid(self.facts, self.device.limits(), count);
        (grid, Walk { rows, out, count: count as u64, ..self.arguments })
    }
}

impl Walk {
    fn new(packed: &Packed, facts: Facts, shape: Shape, at: u64) -> Self {
        let Places { nodes, roots, groups, base, values, set_ends, set_words, .. } = packed.places;
        let Places { linear_at, linear_ends, linear_without, term_features, term_coefficients, .. } = packed.places;
        let feature_bits = if let Form::Narrow { feature_bits } = packed.form { feature_bits } else { 0 };
        Self {
            nodes: at + nodes,
            roots: at + roots,
            groups: at + groups,
            base: at + base,
            values: at + values,
            set_ends: at + set_ends,
            set_words: at + set_words,
            linear_at: at + linear_at,
            linear_ends: at + linear_ends,
            linear_without: at + linear_without,
            term_features: at + term_features,
            term_coefficients: at + term_coefficients,
            rows: 0,
            out: 0,
            count: 0,
            features: number(facts.features),
            outputs: number(facts.outputs),
            group_count: packed.groups,
            group_bytes: number(shape.group_bytes),
            feature_bits,
            direct: packed.direct.into(),
            linear: packed.linear.into(),
            sums_shared: shape.sums_shared.into(),
        }
    }
}
