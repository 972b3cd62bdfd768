//! What a running server costs, as ratios to bare hyper on the same machine in the same run.
//!
//! `cargo xtask bench` builds the release binary and runs this. Each round measures Servoir and the baseline one after the
//! other; the medians over rounds and their spread are printed, so that a noisy machine can be told from a slow server.

mod baseline;
mod client;
mod process;
mod server;

use anyhow::{Context as _, Result};
use client::{Asked, Measured};
use process::Usage;
use serde_json::{Value, json};
use server::{KEY, Server, given};
use servoir_benches::report::{median, spread};
use std::time::Duration;
use tempfile::TempDir;

const CONNECTIONS: &[usize] = &[1, 16, 64];
const FEATURES: usize = 30;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<()> {
    if std::env::args().nth(1).as_deref() == Some(baseline::ARGUMENT) {
        return baseline::serve().await;
    }
    let model = given("SERVOIR_TEST_FIXTURES")?.join("xgb_binary");
    let cases: Value = serde_json::from_slice(&std::fs::read(model.join("cases.json"))?)?;
    let row = &cases["cases"][0]["inputs"]["input"]["data"].as_array().context("a row")?[..FEATURES];
    let body = json!({"instances": [row]}).to_string();
    let data = TempDir::new()?;

    let binary = std::fs::metadata(given("SERVOIR_TEST_BINARY")?)?.len();
    println!("binary: {:.1} MB", binary as f64 / 1e6);
    let server = Server::start(data.path()).await?;
    println!(
        "nothing deployed: listening after {:.0?}, ready after {:.0?}",
        server.listening_after, server.ready_after
    );
    println!("  resident: {:.1} MB", server.resident_megabytes()?);
    server.push(&model.join("model.onnx"), "churn").await?;
    server.stop().await?;

    let server = Server::start(data.path()).await?;
    println!(
        "churn deployed before: listening after {:.0?}, ready after {:.0?}",
        server.listening_after, server.ready_after
    );
    println!("  resident, idle: {:.1} MB", server.resident_megabytes()?);

    let mut baseline = baseline::Process::start().await?;
    let asked =
        Asked { address: server.address, path: "/v1/predict/churn".to_owned(), key: KEY.to_owned(), body: body.into() };
    let constant = Asked { address: baseline.address, ..asked.clone() };
    for &connections in CONNECTIONS {
        let mut ours = Vec::new();
        let mut bare = Vec::new();
        for _ in 0..ROUNDS {
            ours.push(measure(server.id()?, client::load(asked.clone(), connections, ROUND)).await?);
            bare.push(measure(baseline.id()?, client::load(constant.clone(), connections, ROUND)).await?);
        }
        show(connections, &ours, &bare);
    }
    println!("resident, after the load: {:.1} MB", server.resident_megabytes()?);
    server.stop().await?;
    baseline.stop().await
}

/// One round: what the client saw, and the processor time that the server used for it, in microseconds per request.
struct Round {
    seen: Measured,
    cpu_us: f64,
}

async fn measure(process: u32, load: impl Future<Output = Result<Measured>>) -> Result<Round> {
    let before = Usage::of(process)?;
    let seen = load.await?;
    let used = Usage::of(process)?.since(before);
    Ok(Round { cpu_us: used.as_secs_f64() * 1e6 / seen.requests as f64, seen })
}

fn show(connections: usize, ours: &[Round], bare: &[Round]) {
    let column = |rounds: &[Round], value: fn(&Round) -> f64| rounds.iter().map(value).collect::<Vec<f64>>();
    let ratios: Vec<f64> = ours.iter().zip(bare).map(|(ours, bare)| ours.cpu_us / bare.cpu_us).collect();
    println!("{connections} connections, one row of JSON each, {ROUNDS} paired rounds of {ROUND:?}:");
    for (name, rounds) in [("servoir", ours), ("bare hyper", bare)] {
        println!(
            "  {name:<10} {:>7.0} requests/s, p50 {:>6.0} µs, p99 {:>6.0} µs, server CPU {:>5.1} µs per request",
            median(&column(rounds, |round| round.seen.requests as f64 / round.seen.elapsed.as_secs_f64())),
            median(&column(rounds, |round| round.seen.quantile(0.5).as_secs_f64() * 1e6)),
            median(&column(rounds, |round| round.seen.quantile(0.99).as_secs_f64() * 1e6)),
            median(&column(rounds, |round| round.cpu_us)),
        );
    }
    println!(
        "  server CPU, ratio to bare hyper: {:.2} (from {:.2} to {:.2})",
        median(&ratios),
        spread(&ratios).0,
        spread(&ratios).1
    );
}
