//! What stands between a request and the engine: handing over and back, gathering rows, cutting answers apart. The engine
//! adds up the columns of each row.

use anyhow::{Context as _, Result, ensure};
use futures_util::future::join_all;
use servoir_benches::rounds::{Subject, measure};
use servoir_runtime::faulty::{Faulty, FaultyProgram};
use servoir_runtime::{
    Curve, Deployment, Device, EngineName, Identity, Point, PoolOptions, Priority, Profile, Program, Request,
};
use servoir_types::{Data, Datatype, ModelId, Shape, Signature, Tensor, TensorSpec};
use std::hint::black_box;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

const FEATURES: usize = 30;
/// Requests that wait at the same time, and the most rows of a batch.
const TOGETHER: usize = 64;
/// Requests that are asked in one turn.
const IN_A_TURN: usize = 8;

/// Measures one request at a time, and many at once.
pub fn measure_all() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let deployment = Deployment::start(identity(), adding(), options())?;
    let predict = |rows: usize| deployment.predict(request(rows));
    runtime.block_on(predict(1)).context("a prediction")?;

    println!("one request at a time: ns per request\n");
    let (thread, requests) = echo();
    let subjects = vec![
        Subject::new("a thread that only echoes", || {
            let (reply, answer) = oneshot::channel();
            requests.send((matrix(1), reply)).expect("the thread listens");
            drop(black_box(runtime.block_on(answer)));
        }),
        Subject::new("a deployment, one row", || drop(black_box(runtime.block_on(predict(1))))),
    ];
    measure(subjects, 1);
    drop(requests);
    thread.join().map_err(|_| anyhow::anyhow!("the thread that only echoes panicked"))?;

    println!("{TOGETHER} rows at once: ns per row\n");
    let mut session = adding().session()?;
    let mut outputs = Vec::new();
    let inputs = [matrix(TOGETHER)];
    let subjects = vec![
        Subject::new("the engine alone", || drop(black_box(session.run(black_box(&inputs), &mut outputs)))),
        Subject::new("one request of 64 rows", || drop(black_box(runtime.block_on(predict(TOGETHER))))),
        Subject::new("64 requests of one row", || {
            drop(black_box(runtime.block_on(join_all((0..TOGETHER).map(|_| predict(1))))));
        }),
    ];
    measure(subjects, TOGETHER);
    measure_turns(&runtime)
}

/// What it takes to keep requests to the end of a turn: their engine takes next to nothing.
fn measure_turns(runtime: &Runtime) -> Result<()> {
    println!("{IN_A_TURN} requests of one row, each a task of the thread that runs them: ns per request\n");
    let near =
        |options| Deployment::start(identity(), adding(), PoolOptions { inline_rows_max: Some(TOGETHER), ..options });
    let alone = near(PoolOptions { batch_rows_max: 1, ..options() })?;
    let together = near(PoolOptions { profile: Some(paying()), ..options() })?;
    let turn = |deployment: &Arc<Deployment>| {
        let ask = |_| {
            let deployment = Arc::clone(deployment);
            tokio::spawn(async move { deployment.predict(request(1)).await })
        };
        runtime.block_on(async { join_all((0..IN_A_TURN).map(ask)).await })
    };
    // Until company is expected.
    (0..TOGETHER).for_each(|_| drop(turn(&together)));
    let rows = turn(&together).into_iter().map(|answer| Ok(answer??.batch_rows)).collect::<Result<Vec<_>>>()?;
    ensure!(rows == [IN_A_TURN; IN_A_TURN], "these were to run together: {rows:?}");
    let subjects = vec![
        Subject::new("each alone", || drop(black_box(turn(&alone)))),
        Subject::new("together at the end of the turn", || drop(black_box(turn(&together)))),
    ];
    measure(subjects, IN_A_TURN);
    Ok(())
}

/// A profile by which rows cost nothing once one of them runs.
fn paying() -> Arc<Profile> {
    let point = |rows| Point { rows, micros: 1_000.0, rows_per_second: 0.0 };
    let curve = Curve {
        engine: EngineName::Tract.as_str().to_owned(),
        device: Device::Cpu,
        instances: 1,
        threads: 1,
        points: [1, TOGETHER].map(point).to_vec(),
    };
    Arc::new(Profile { hardware: String::new(), curves: vec![curve], left_out: Vec::new() })
}

fn request(rows: usize) -> Request {
    Request { inputs: vec![matrix(rows)], deadline: None, priority: Priority::Normal, observed: true }
}

type Echo = (Tensor, oneshot::Sender<Tensor>);

/// What handing over costs at least: a channel there, a channel back, and nothing between.
fn echo() -> (std::thread::JoinHandle<()>, mpsc::Sender<Echo>) {
    let (sender, receiver) = mpsc::channel::<Echo>();
    let thread = std::thread::spawn(move || {
        for (tensor, reply) in receiver {
            drop(reply.send(tensor));
        }
    });
    (thread, sender)
}

fn matrix(rows: usize) -> Tensor {
    let values = vec![0.5; rows * FEATURES];
    Tensor::new(vec![rows, FEATURES], Data::Fp32(values.into())).expect("as many values as the shape says")
}

fn adding() -> Arc<dyn Program> {
    let spec = |name: &str, columns| TensorSpec::new(name, Datatype::Fp32, Shape::ranked([-1, columns]));
    let signature = Signature { inputs: vec![spec("x", FEATURES as i64)], outputs: vec![spec("y", 1)] };
    let adding = Faulty::new(signature, |inputs| {
        let Some(Data::Fp32(values)) = inputs.first().map(Tensor::data) else { return Err("not FP32".into()) };
        let sums: Vec<f32> = values.chunks(FEATURES).map(|row| row.iter().sum()).collect();
        let tensor = Tensor::new(vec![sums.len(), 1], Data::Fp32(sums.into()));
        tensor.map(|tensor| vec![tensor]).map_err(|error| error.to_string())
    });
    Arc::new(FaultyProgram(adding))
}

fn identity() -> Identity {
    Identity { model: ModelId::random(), name: "adding".into(), version: 1 }
}

fn options() -> PoolOptions {
    PoolOptions {
        instances: 1,
        batch_rows_max: TOGETHER,
        queue_delay_max: Duration::ZERO,
        queue_rows_max: 10_000,
        queue_bytes_max: 1 << 28,
        timeout_default: None,
        inline_cost_max: Duration::ZERO,
        inline_rows_max: None,
        threads: 1,
        latency_target: None,
        scaling: None,
        profile: None,
        check_one_in: 0,
    }
}
