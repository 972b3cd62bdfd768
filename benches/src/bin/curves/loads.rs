//! By connections and by rows in a request, on churn.

use crate::models::Folder;
use anyhow::Result;
use servoir_benches::load::{self, Form, Measured, Model, Plan, Target, Watched};
use servoir_benches::random::Random;
use servoir_benches::server::Server;
use std::time::Duration;

const CONNECTIONS: [usize; 8] = [1, 4, 16, 64, 256, 1024, 2048, 4096];
const ROWS: [usize; 6] = [1, 10, 100, 1_000, 4_000, 10_000];
/// Connections of the tables whose rows are something else.
pub const FEW: usize = 8;
/// Connections of the table of rows: one request runs and one waits, which is within the bound of waiting rows.
const TWO: usize = 2;
/// How long each row of a table is measured.
const TURN: Duration = Duration::from_secs(3);
/// Different requests that are sent in turn.
const REQUESTS: usize = 8;

/// 1 to 4,096 connections.
pub fn by_connections() -> Result<()> {
    let folder = Folder::of("churn", 1)?;
    let churn = folder.serve()?;
    let target = churn.target("/v2/models/churn-0/infer");
    let requests = requests(&target, Form::Json, 1)?;
    println!("\nby connections, churn, one row of JSON\n");
    heading("connections");
    for connections in CONNECTIONS {
        row(connections, 1, &loaded(&churn, &target, &requests, connections)?);
    }
    churn.stop()
}

/// 1 to 10,000 rows in a request.
pub fn by_rows() -> Result<()> {
    let folder = Folder::of("churn", 1)?;
    let churn = folder.serve()?;
    let target = churn.target("/v2/models/churn-0/infer");
    for (form, name) in [(Form::Json, "JSON"), (Form::Binary, "binary")] {
        println!("\nby rows in a request, churn, {TWO} connections, {name}\n");
        heading("rows");
        for rows in ROWS {
            row(rows, rows, &loaded(&churn, &target, &requests(&target, form, rows)?, TWO)?);
        }
    }
    churn.stop()
}

/// Requests with so many rows each for the model that a path ends in.
fn requests(target: &Target, form: Form, rows: usize) -> Result<Vec<Vec<u8>>> {
    let model = Model::of(target, "churn-0")?;
    let mut random = Random::new();
    (0..REQUESTS).map(|_| model.request(target, form, (rows, 1), &mut random)).collect()
}

/// One closed loop.
pub fn loaded(server: &Server, target: &Target, requests: &[Vec<u8>], connections: usize) -> Result<Measured> {
    let watched = Watched::Process(server.id());
    load::run(&Plan { watched, ..Plan::new(target.clone(), requests.to_vec(), connections, TURN) })
}

/// The head of a table.
pub fn heading(by: &str) {
    println!(
        "| {by} | requests/s | rows/s | server CPU µs per request | per row | p50 ms | p99 ms | resident MB | failed |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
}

/// A row of a table.
pub fn row(by: usize, rows: usize, seen: &Measured) {
    let answers: u64 = seen.statuses.values().sum();
    let failed = answers - seen.succeeded() + seen.broken.values().sum::<u64>();
    println!(
        "| {by} | {:.0} | {:.0} | {:.1} | {:.2} | {:.2} | {:.2} | {:.0} | {failed} |",
        seen.per_second(),
        seen.per_second() * rows as f64,
        seen.server_cpu_us(),
        seen.server_cpu_us() / rows as f64,
        seen.quantile_us(0.5) / 1e3,
        seen.quantile_us(0.99) / 1e3,
        seen.resident_megabytes(),
    );
}
