//! The tap: which tensor and column each column of a baseline is, and the counting of a request's tensors as they are.

mod counter;
mod rows;
mod value;

pub use counter::Counter;
pub(crate) use value::value;

use crate::baseline::{Baseline, Column, Measure, Precision, Profile};
use crate::counts::{ColumnCounts, ColumnMeter, Meter, VersionCounts};
use crate::layout::{Layout, Place, Source};
use counter::{Gathered, counted};
use servoir_types::{Data, Datatype, Signature, Tensor};

/// What is counted of a version's requests. Made once, never changed, and shared by all threads that count.
#[derive(Debug, Clone, PartialEq)]
pub struct Tap {
    meter: Meter,
    features: Vec<Part>,
    outputs: Vec<Part>,
    misfits: Vec<Misfit>,
}

/// A column of the baseline that this model has no tensor for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The column's name.
    pub column: String,
    /// Why it cannot be counted.
    pub reason: String,
}

/// The columns of the baseline that are in one tensor.
#[derive(Debug, Clone, PartialEq)]
struct Part {
    tensor: usize,
    /// Of those that are numbers: the place of each in the baseline, and which column of the tensor it is.
    numbers: Vec<(usize, usize)>,
    others: Vec<Other>,
}

/// A column of texts or classes, or one that is computed.
#[derive(Debug, Clone, PartialEq)]
struct Other {
    /// Its place in the baseline.
    place: usize,
    source: Source,
    /// The precision that computed numbers are rounded to, as those of the baseline were.
    precision: Precision,
}

impl Tap {
    /// For a baseline of a model with this signature. Columns are found by their names, those of a model with one input
    /// whose columns have none by their position. What does not fit is not counted.
    pub fn new(baseline: &Baseline, signature: &Signature) -> Self {
        let layout = Layout::of(signature);
        let mut misfits = Vec::new();
        let mut plan = |columns: &[Column], finder: &dyn Fn(usize, &Column) -> Result<Source, String>| {
            let mut parts = Vec::new();
            for (place, column) in columns.iter().enumerate() {
                match finder(place, column) {
                    Ok(source) => add(&mut parts, place, source, &column.profile),
                    Err(reason) => misfits.push(Misfit { column: column.name.clone(), reason }),
                }
            }
            parts
        };
        let features = plan(&baseline.features, &|index, column| feature(&layout, signature, (index, column)));
        let outputs = plan(&baseline.outputs, &|_, column| output(&layout, signature, column));
        Self { meter: Meter::new(baseline), features, outputs, misfits }
    }

    /// The same without the features: outputs alone are counted.
    #[must_use]
    pub fn of_outputs(mut self) -> Self {
        self.features.clear();
        self
    }

    /// What does not fit.
    pub fn misfits(&self) -> &[Misfit] {
        &self.misfits
    }

    /// Counts of nothing yet.
    pub fn counts(&self) -> VersionCounts {
        self.meter.counts()
    }

    /// Counts a request that was answered: `rows` rows in its tensors, in the signature's order. Allocates nothing.
    pub fn count(&self, counts: &mut VersionCounts, (inputs, outputs): (&[Tensor], &[Tensor]), rows: usize) {
        counts.rows += rows as u64;
        let VersionCounts { features, outputs: answers, .. } = counts;
        for (parts, columns, tensors) in [
            (&self.features, (&self.meter.features[..], &mut features[..]), inputs),
            (&self.outputs, (&self.meter.outputs[..], &mut answers[..]), outputs),
        ] {
            let (meters, counts) = columns;
            for part in parts {
                if let Some(tensor) = tensors.get(part.tensor) {
                    part.count((meters, counts), tensor.data(), tensor.row_len());
                }
            }
        }
    }

    /// A counter that has counted nothing.
    pub fn counter(&self) -> Counter {
        let gathered = |parts: &[Part]| parts.iter().map(|_| Gathered::default()).collect();
        Counter { counts: self.counts(), features: gathered(&self.features), outputs: gathered(&self.outputs) }
    }

    /// Takes in a request that was answered. What it has in a few rows is counted with that of the next ones: not before
    /// [`Self::settle`] are the counter's counts those of all it was given. After 65,536 rows, one of sixteen is counted of requests
    /// of 64 rows and more, until the counter is emptied. Allocates nothing after a few requests.
    pub fn take(&self, counter: &mut Counter, (inputs, outputs): (&[Tensor], &[Tensor]), rows: usize) {
        let which = counted(counter.counts.rows, rows);
        counter.counts.rows += rows as u64;
        for (gathered, part) in counter.features.iter_mut().zip(&self.features) {
            if let Some(tensor) = inputs.get(part.tensor) {
                let columns = (&self.meter.features[..], &mut counter.counts.features[..]);
                gathered.take(part, columns, tensor, (rows, which.clone()));
            }
        }
        for (gathered, part) in counter.outputs.iter_mut().zip(&self.outputs) {
            if let Some(tensor) = outputs.get(part.tensor) {
                let columns = (&self.meter.outputs[..], &mut counter.counts.outputs[..]);
                gathered.take(part, columns, tensor, (rows, which.clone()));
            }
        }
    }

    /// Counts what the counter has only gathered.
    pub fn settle(&self, counter: &mut Counter) {
        for (gathered, part) in counter.features.iter_mut().zip(&self.features) {
            gathered.settle(part, (&self.meter.features, &mut counter.counts.features));
        }
        for (gathered, part) in counter.outputs.iter_mut().zip(&self.outputs) {
            gathered.settle(part, (&self.meter.outputs, &mut counter.counts.outputs));
        }
    }
}

/// Puts a column to the others of its tensor.
fn add(parts: &mut Vec<Part>, place: usize, source: Source, profile: &Profile) {
    let tensor = source.tensor();
    let index = parts.iter().position(|part| part.tensor == tensor).unwrap_or_else(|| {
        parts.push(Part { tensor, numbers: Vec::new(), others: Vec::new() });
        parts.len() - 1
    });
    match (source, profile) {
        (Source::Element { column, .. }, Profile::Number(_)) => parts[index].numbers.push((place, column)),
        (source, profile) => parts[index].others.push(Other { place, source, precision: precision(profile) }),
    }
}

impl Part {
    /// Counts every row of the tensor's elements, `width` a row. They are the caller's: what is not there is not counted.
    fn count(&self, (meters, counts): (&[ColumnMeter], &mut [ColumnCounts]), data: &Data, width: usize) {
        rows::count_numbers((data, width), (meters, counts), &self.numbers);
        for Other { place, source, precision } in &self.others {
            if let (Some(meter), Some(counts)) = (meters.get(*place), counts.get_mut(*place)) {
                rows::count(source, (meter, counts), (data, width, *precision));
            }
        }
    }
}

fn precision(profile: &Profile) -> Precision {
    match profile {
        Profile::Number(number) => number.precision,
        Profile::Category(_) => Precision::Double,
    }
}

fn feature(layout: &Layout, signature: &Signature, (index, column): (usize, &Column)) -> Result<Source, String> {
    let source = match by_name(&layout.features, column) {
        Some(place) => place.source.clone(),
        None => by_position(layout, signature, (index, column))
            .ok_or_else(|| format!("the model has no input or feature '{}'", column.name))?,
    };
    fitting(source, column, &signature.inputs[..])
}

/// The only input of a model, whose columns have no names.
fn by_position(layout: &Layout, signature: &Signature, (index, column): (usize, &Column)) -> Option<Source> {
    let [input] = &signature.inputs[..] else { return None };
    match column.measure {
        Measure::Norm => Some(Source::Norm(0)),
        Measure::Mean => Some(Source::Mean(0)),
        Measure::Value if !layout.unnamed => None,
        Measure::Value => {
            let columns = input.shape.dims().and_then(|dims| dims.get(1)).copied().unwrap_or(-1);
            let is_there = usize::try_from(columns).map_or(true, |columns| index < columns);
            is_there.then_some(Source::Element { tensor: 0, column: index })
        }
    }
}

fn output(layout: &Layout, signature: &Signature, column: &Column) -> Result<Source, String> {
    let source = match (by_name(&layout.outputs, column), &layout.outputs[..]) {
        (Some(place), _) => place.source.clone(),
        // A regression's answer has this name in baselines that were made in training.
        (None, [only]) if column.name == "variable" && only.measure == column.measure => only.source.clone(),
        _ => return Err(format!("the model has no output '{}'", column.name)),
    };
    fitting(source, column, &signature.outputs[..])
}

fn by_name<'a>(places: &'a [Place], column: &Column) -> Option<&'a Place> {
    places.iter().find(|place| place.name == column.name && place.measure == column.measure)
}

/// The source, when what the tensor holds can be counted in the column's bins.
fn fitting(source: Source, column: &Column, specs: &[servoir_types::TensorSpec]) -> Result<Source, String> {
    let is_text = specs.get(source.tensor()).is_some_and(|spec| spec.datatype == Datatype::Bytes);
    let is_category = matches!(column.profile, Profile::Category(_));
    match (is_category, &source) {
        (false, Source::Best(..)) => Err("it is numbers in the baseline and classes in the model".to_owned()),
        (false, _) if is_text => Err("it is numbers in the baseline and texts in the model".to_owned()),
        (true, Source::Norm(_) | Source::Mean(_) | Source::Greatest(_)) => {
            Err("it is texts or classes in the baseline and numbers in the model".to_owned())
        }
        _ => Ok(source),
    }
}
