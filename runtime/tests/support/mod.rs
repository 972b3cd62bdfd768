//! What the suites share: the fixtures on disk, the engines of this process, and ways to ask a deployment.

#![allow(dead_code)] // each suite uses its part

use half::{bf16, f16};
use serde::Deserialize;
use serde_json::Value;
use servoir_runtime::{
    Answer, Artifact, Curve, Deployment, Device, EngineName, Engines, Format, Point, PoolOptions, PredictError,
    Priority, Profile, Request,
};
use servoir_types::{Data, Datatype, Elements, Tensor};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// One instance that runs one request at a time, from its queue and as soon as it can.
pub const OPTIONS: PoolOptions = PoolOptions {
    instances: 1,
    batch_rows_max: 1,
    queue_delay_max: Duration::ZERO,
    queue_rows_max: 100,
    queue_bytes_max: 1 << 20,
    timeout_default: None,
    inline_cost_max: Duration::ZERO,
    inline_rows_max: None,
    check_one_in: 0,
    threads: 1,
    latency_target: None,
    scaling: None,
    profile: None,
};

/// A profile of one thread on the engine that faulty programs have, with these numbers of rows and the microseconds of their runs.
pub fn profile(points: &[(usize, f64)]) -> Arc<Profile> {
    let point = |&(rows, micros): &(usize, f64)| Point { rows, micros, rows_per_second: rows as f64 * 1e6 / micros };
    let curve = Curve {
        engine: EngineName::Tract.as_str().into(),
        device: Device::Cpu,
        instances: 1,
        threads: 1,
        points: points.iter().map(point).collect(),
    };
    Arc::new(Profile { hardware: String::new(), curves: vec![curve], left_out: Vec::new() })
}

fn environment(name: &str) -> PathBuf {
    let value = std::env::var_os(name);
    PathBuf::from(value.unwrap_or_else(|| panic!("{name} is not set: run the tests through `cargo xtask test`")))
}

/// The folder of test models.
pub fn fixtures() -> PathBuf {
    environment("SERVOIR_TEST_FIXTURES")
}

/// The engines of this process, found once.
pub fn engines() -> &'static Engines {
    static ENGINES: OnceLock<Engines> = OnceLock::new();
    ENGINES.get_or_init(|| Engines::discover(Some(&environment("ORT_DYLIB_PATH")), 2))
}

/// A model of the fixtures in its own folder.
pub fn artifact(name: &str) -> Artifact {
    let folder = fixtures().join(name);
    Artifact { path: folder.join("model.onnx"), folder: Some(folder), format: Format::Onnx }
}

/// A model's questions, and the answers of the library that it came from.
#[derive(Deserialize)]
pub struct Cases {
    pub cases: Vec<Case>,
    /// Questions on which the engine must fail.
    #[serde(default)]
    pub fails: Vec<Case>,
}

#[derive(Deserialize)]
pub struct Case {
    pub inputs: BTreeMap<String, Values>,
    #[serde(default)]
    pub outputs: BTreeMap<String, Values>,
    #[serde(default)]
    pub tolerance: f64,
}

/// A tensor as the fixtures write it; `null` stands for NaN.
#[derive(Deserialize)]
pub struct Values {
    datatype: Datatype,
    shape: Vec<usize>,
    data: Vec<Value>,
}

impl Cases {
    pub fn of(name: &str) -> Self {
        let path = fixtures().join(name).join("cases.json");
        let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

impl Values {
    pub fn tensor(&self) -> Tensor {
        let data = &self.data;
        let float = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
        fn ints<T: TryFrom<i128>>(data: &[Value]) -> Elements<T> {
            let int = |value: &Value| value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
            let fits = |value: &Value| int(value).and_then(|value| T::try_from(value).ok());
            data.iter().map(|value| fits(value).unwrap_or_else(|| panic!("{value} does not fit"))).collect()
        }
        let elements = match self.datatype {
            Datatype::Bool => Data::Bool(data.iter().map(|value| value.as_bool() == Some(true)).collect()),
            Datatype::Uint8 => Data::Uint8(ints(data)),
            Datatype::Uint16 => Data::Uint16(ints(data)),
            Datatype::Uint32 => Data::Uint32(ints(data)),
            Datatype::Uint64 => Data::Uint64(ints(data)),
            Datatype::Int8 => Data::Int8(ints(data)),
            Datatype::Int16 => Data::Int16(ints(data)),
            Datatype::Int32 => Data::Int32(ints(data)),
            Datatype::Int64 => Data::Int64(ints(data)),
            Datatype::Fp16 => Data::Fp16(data.iter().map(|value| f16::from_f64(float(value))).collect()),
            Datatype::Bf16 => Data::Bf16(data.iter().map(|value| bf16::from_f64(float(value))).collect()),
            #[allow(clippy::cast_possible_truncation)] // the fixtures were written from 32-bit numbers
            Datatype::Fp32 => Data::Fp32(data.iter().map(|value| float(value) as f32).collect()),
            Datatype::Fp64 => Data::Fp64(data.iter().map(float).collect()),
            Datatype::Bytes => {
                Data::Bytes(data.iter().map(|value| value.as_str().unwrap_or_default().to_owned().into()).collect())
            }
        };
        Tensor::new(self.shape.clone(), elements).expect("the fixture's shape and data fit")
    }
}

/// Where two tensors differ by more than the tolerance, relative for numbers over 1.
pub fn difference(got: &Tensor, wanted: &Tensor, tolerance: f64) -> Option<String> {
    let told = |what: &str| Some(format!("{what}: got {got:?}, wanted {wanted:?}"));
    if got.shape() != wanted.shape() || got.datatype() != wanted.datatype() {
        return told("shape or datatype");
    }
    let close = |a: f64, b: f64| (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= tolerance * b.abs().max(1.0);
    let floats = |data: &Data| -> Option<Vec<f64>> {
        Some(match data {
            Data::Fp16(v) => v.iter().map(|v| v.to_f64()).collect(),
            Data::Bf16(v) => v.iter().map(|v| v.to_f64()).collect(),
            Data::Fp32(v) => v.iter().map(|&v| v.into()).collect(),
            Data::Fp64(v) => v.to_vec(),
            _ => return None,
        })
    };
    let same = match (floats(got.data()), floats(wanted.data())) {
        (Some(got), Some(wanted)) => got.iter().zip(&wanted).all(|(&a, &b)| close(a, b)),
        _ => got.data() == wanted.data(),
    };
    if same { None } else { told("elements") }
}

/// A request of normal priority without a deadline.
pub fn request(inputs: Vec<Tensor>) -> Request {
    Request { inputs, deadline: None, priority: Priority::Normal, observed: true }
}

/// A request that has been put to a deployment and may wait there; dropping it is the client going away.
pub enum Asked<'a> {
    Waiting(Pin<Box<dyn Future<Output = Result<Answer, PredictError>> + Send + 'a>>),
    Answered(Result<Answer, PredictError>),
}

impl<'a> Asked<'a> {
    /// Puts the request into the queue, in this order, on this thread.
    pub fn of(deployment: &'a Deployment, request: Request) -> Self {
        let mut waiting: Pin<Box<dyn Future<Output = _> + Send + 'a>> = Box::pin(deployment.predict(request));
        match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Self::Answered(answer),
            Poll::Pending => Self::Waiting(waiting),
        }
    }

    /// Waits for the answer.
    pub fn answer(self) -> Result<Answer, PredictError> {
        match self {
            Self::Answered(answer) => answer,
            Self::Waiting(waiting) => block_on(waiting),
        }
    }
}

/// Runs a future on a small runtime of this thread's own.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(future)
}

/// A runtime with a timer.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime starts")
}

/// Numbers that look random and are the same in every run.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}

/// A moment that has passed.
pub fn past() -> Instant {
    Instant::now()
}

/// Files below a folder of the fixtures, sorted.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    paths
}
