//! What stands between a request and the engine: handing over and back, gathering rows, cutting answers apart. The engine
//! adds up the columns of each row.

use anyhow::{Context as _, Result};
use futures_util::future::join_all;
use servoir_benches::rounds::{Subject, measure};
use servoir_runtime::faulty::{Faulty, FaultyProgram};
use servoir_runtime::{Deployment, Identity, PoolOptions, Priority, Program, Request};
use servoir_types::{Data, Datatype, ModelId, Shape, Signature, Tensor, TensorSpec};
use std::hint::black_box;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::sync::oneshot;

const FEATURES: usize = 30;
/// Requests that wait at the same time, and the most rows of a batch.
const TOGETHER: usize = 64;

/// Measures one request at a time, and many at once.
pub fn measure_all() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let deployment = Deployment::start(identity(), adding(), options())?;
    let predict = |rows: usize| {
        let request =
            Request { inputs: vec![matrix(rows)], deadline: None, priority: Priority::Normal, observed: true };
        deployment.predict(request)
    };
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
    Ok(())
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
