//! Whether the server tunes itself well: each model's throughput as the server chose to run it, beside a grid of settings made
//! by hand, whose rounds take turns with the choice's; and beside what the engine does in this process with the same setting
//! and the same rows in a run: in rows per second, which the load on the same cores takes its part of, and in processor time.
//!
//! `cargo xtask bench tune [MODEL…]`

mod in_process;

use anyhow::{Context as _, Result, ensure};
use in_process::{Alone, Setting, alone};
use serde_json::{Value, json};
use servoir_benches::load::{self, Form, Model, Plan, Watched, exchange, post};
use servoir_benches::random::Random;
use servoir_benches::report::{median, spread};
use servoir_benches::server::{Server, model};
use servoir_runtime::EngineName;
use std::time::Duration;
use tempfile::TempDir;

const MODELS: [&str; 4] = ["churn", "mlp", "mobilenet", "minilm"];
/// The most rows of a batch, in the grid.
const BATCHES: [usize; 4] = [1, 8, 32, 64];
const CONNECTIONS: usize = 32;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(1_500);
const WARM_UP: Duration = Duration::from_millis(300);
/// The longest run that is tried where requests are read, in microseconds.
const INLINE_MICROS_MAX: f64 = 100.0;
/// Different requests that are sent in turn.
const REQUESTS: usize = 8;

/// One way to run a model.
struct Way {
    name: String,
    /// The body of the deployment.
    deploy: Value,
    /// Rows per second, one for each round.
    throughputs: Vec<f64>,
    /// Microseconds of the server's processor time per row, one for each round.
    cpu_us: Vec<f64>,
}

impl Way {
    const fn new(name: String, deploy: Value) -> Self {
        Self { name, deploy, throughputs: Vec::new(), cpu_us: Vec::new() }
    }
}

fn main() -> Result<()> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let models = if asked.is_empty() { MODELS.map(String::from).to_vec() } else { asked };
    println!("{CONNECTIONS} connections, one row in binary form, median of {ROUNDS} rounds of {ROUND:?}");
    models.iter().try_for_each(|name| tune(name))
}

fn tune(name: &str) -> Result<()> {
    let (data, file) = (TempDir::new()?, model(name)?);
    let server = Server::start::<&str>(data.path(), &[])?;
    server.push(&file, name)?;
    let target = server.target(format!("/v2/models/{name}/infer"));
    let described = Model::of(&target, name)?;
    let mut random = Random::new();
    let request = |_| described.request(&target, Form::Binary, (1, 1), &mut random);
    let requests = (0..REQUESTS).map(request).collect::<Result<Vec<_>>>()?;
    let watched = Watched::Process(server.id());
    let plan = Plan { warm_up: WARM_UP, watched, ..Plan::new(target.clone(), requests, CONNECTIONS, ROUND) };
    let config = told(&server, name, "config")?;
    let id = config["servoir"]["model_id"].as_str().context("a configuration with the model's id")?;
    let (chosen, setting) = chosen(&config)?;
    let mut ways = vec![Way::new(format!("chosen: {chosen}"), json!({}))];
    ways.extend(grid(&setting.engine, shortest(&config)));
    let mut batch = 1;
    for _ in 0..ROUNDS {
        for way in &mut ways {
            deploy(&server, id, &way.deploy)?;
            let measured = load::run(&plan)?;
            way.throughputs.push(measured.per_second());
            way.cpu_us.push(measured.server_cpu_us());
            if way.deploy == json!({}) {
                batch = rows_of_a_run(&told(&server, name, "stats")?);
            }
        }
    }
    show(name, &ways);
    server.stop()?;
    let Alone { rows_per_second, cpu_us } = alone(&file, &setting, batch, ROUND)?;
    println!(
        "in process, {batch} rows in a run: {rows_per_second:.0} rows/s, {cpu_us:.1} µs of processor time a row; served to in \
         process: × {:.3} rows/s; in process to served: × {:.3} processor time",
        median(&ways[0].throughputs) / rows_per_second,
        cpu_us / median(&ways[0].cpu_us),
    );
    Ok(())
}

/// Instances and threads that fill the cores or leave some free, each with several batches; requests run where they are read,
/// without a queue; and ONNX Runtime, where that is not chosen anyway.
fn grid(engine: &str, micros: f64) -> Vec<Way> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut shares = vec![(1, 1), (cores, 1), (1, cores)];
    shares.dedup();
    let way = |(instances, threads), rows| {
        let tuning = json!({"instances": instances, "threads": threads, "inlineRowsMax": 0});
        let deploy = json!({"tuning": tuning, "batching": {"maxBatchSize": rows}});
        Way::new(named(instances, threads, rows), deploy)
    };
    let mut ways: Vec<Way> = shares.into_iter().flat_map(|share| BATCHES.map(|rows| way(share, rows))).collect();
    // Runs of milliseconds where requests are read let all others of that thread wait, whatever model they ask.
    if micros < INLINE_MICROS_MAX {
        let tuning = json!({"inlineRowsMax": 64});
        ways.push(Way::new("no queue".to_owned(), json!({ "tuning": tuning })));
        ways.push(Way::new(
            "no queue, each alone".to_owned(),
            json!({"tuning": tuning, "batching": {"maxBatchSize": 1}}),
        ));
    }
    if engine != EngineName::OnnxRuntime.as_str() {
        let tuning = json!({"engine": EngineName::OnnxRuntime.as_str(), "instances": cores, "threads": 1});
        ways.push(Way::new("onnxruntime".to_owned(), json!({ "tuning": tuning })));
    }
    ways
}

fn named(instances: impl std::fmt::Display, threads: impl std::fmt::Display, rows: impl std::fmt::Display) -> String {
    format!("{instances} instances × {threads} threads, batches of {rows}")
}

/// What the server tells of a model: its `config` or its `stats`.
fn told(server: &Server, name: &str, what: &str) -> Result<Value> {
    let answer = exchange(server.address, &server.target(format!("/v2/models/{name}/{what}")).get())?;
    Ok(serde_json::from_slice(&answer.body)?)
}

/// How a model runs, for people and for the same in process.
fn chosen(config: &Value) -> Result<(String, Setting)> {
    let count = |value: &Value| value.as_u64().and_then(|count| usize::try_from(count).ok());
    let setting = Setting {
        engine: config["backend"].as_str().context("a configuration with the engine")?.to_owned(),
        instances: count(&config["instance_group"][0]["count"]).context("… with the instances")?,
        threads: count(&config["servoir"]["threads"]).context("… with the threads")?,
    };
    let rows = &config["dynamic_batching"]["preferred_batch_size"][0];
    let inline = &config["servoir"]["inline_rows_max"];
    let together = &config["servoir"]["inline_batch_rows_max"];
    let named = named(setting.instances, setting.threads, rows);
    Ok((format!("{}, {named}, up to {inline} rows inline, {together} together", setting.engine), setting))
}

/// Microseconds of the shortest run that was measured when the model was loaded.
fn shortest(config: &Value) -> f64 {
    let curves = config["servoir"]["profile"]["curves"].as_array().map(Vec::as_slice).unwrap_or_default();
    let points = curves.iter().flat_map(|curve| curve["points"].as_array().map(Vec::as_slice).unwrap_or_default());
    points.filter_map(|point| point["micros"].as_f64()).fold(f64::INFINITY, f64::min)
}

/// Rows in a run, on average, since the version was loaded.
fn rows_of_a_run(stats: &Value) -> usize {
    let stats = &stats["model_stats"][0];
    let count = |name: &str| stats[name].as_f64().unwrap_or(1.0).max(1.0);
    (count("inference_count") / count("execution_count")).round() as usize
}

fn deploy(server: &Server, id: &str, how: &Value) -> Result<()> {
    let target = server.target(format!("/api/v1/model-registry/models/{id}/deploy"));
    let answer = exchange(server.address, &post(&target, None, how.to_string().as_bytes()))?;
    ensure!(answer.status < 300, "{how}: {}", String::from_utf8_lossy(&answer.body));
    Ok(())
}

fn show(name: &str, ways: &[Way]) {
    println!("\n{name}\n\n| | rows/s | from | to | server CPU µs a row |\n|---|---:|---:|---:|---:|");
    for way in ways {
        let (least, most) = spread(&way.throughputs);
        let (rows_per_second, cpu_us) = (median(&way.throughputs), median(&way.cpu_us));
        println!("| {} | {rows_per_second:.0} | {least:.0} | {most:.0} | {cpu_us:.1} |", way.name);
    }
    let best = ways[1..].iter().map(|way| median(&way.throughputs)).fold(f64::NAN, f64::max);
    println!("\nbest of the grid to the chosen: × {:.3}", best / median(&ways[0].throughputs));
}
