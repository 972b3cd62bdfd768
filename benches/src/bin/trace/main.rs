//! Where the time of a prediction goes: one row of JSON to churn, one connection, by callgrind; instructions and fetched lines of
//! code of a request by what they are for, and beside them those of bare hyper.
//!
//! `cargo xtask bench trace [--functions N]`: the N dearest functions as well. Of the `dist` build, with the names of its functions.

mod callgrind;
mod groups;

use anyhow::{Context as _, Result, ensure};
use callgrind::Cost;
use clap::Parser;
use groups::{GROUPS, REST, group};
use servoir_benches::load::{self, Form, Model, Plan, Target};
use servoir_benches::random::Random;
use servoir_benches::server::{Server, given, model};
use servoir_benches::{bare, counted};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// Different requests that are sent in turn.
const REQUESTS: usize = 16;
/// What is not counted: code is warm, caches are filled.
const WARM_UP: Duration = Duration::from_secs(4);
const COUNTED: Duration = Duration::from_secs(4);

#[derive(Parser)]
struct Arguments {
    /// Dearest functions to show, beside the groups
    #[arg(long, default_value_t = 0)]
    functions: usize,
}

fn main() -> Result<()> {
    if std::env::args().nth(1).as_deref() == Some(bare::ARGUMENT) {
        return bare::serve();
    }
    let arguments = Arguments::parse();
    let data = TempDir::new()?;
    let server = Server::start::<&str>(data.path(), &[])?;
    server.push(&model("churn")?, "churn")?;
    server.stop()?;
    counted::give_baseline(data.path(), "churn")?;
    let (of_servoir, of_hyper) = (TempDir::new()?, TempDir::new()?);
    // Models are tried by the program itself: what runs is valgrind, which is no such program.
    let worker = format!("SERVOIR_PREFLIGHT__WORKER={}", given("SERVOIR_TEST_BINARY")?.display());
    let under = ["env".to_owned(), worker].into_iter().chain(callgrind::under(of_servoir.path())).collect::<Vec<_>>();
    let server = Server::start_under::<&str>(&under, data.path(), &[])?;
    let target = server.target("/v1/predict/churn");
    let (churn, mut random) = (Model::of(&target, "churn")?, Random::new());
    let request = |_| churn.request(&target, Form::Instances, (1, 1), &mut random);
    let requests = (0..REQUESTS).map(request).collect::<Result<Vec<_>>>()?;
    let ours = traced(server.id(), of_servoir.path(), (&target, &requests))?;
    server.stop()?;
    let hyper = bare::Process::start(&callgrind::under(of_hyper.path()))?;
    let target = Target { address: hyper.address, ..target };
    let theirs = traced(hyper.id(), of_hyper.path(), (&target, &requests))?;
    show(&ours, &theirs, arguments.functions);
    Ok(())
}

/// What was counted, and of how many requests.
struct Trace {
    functions: BTreeMap<String, Cost>,
    requests: f64,
}

impl Trace {
    /// Instructions and lines per request.
    fn each(&self, cost: Cost) -> (f64, f64) {
        (cost.instructions as f64 / self.requests, cost.lines as f64 / self.requests)
    }

    fn all(&self) -> Cost {
        let mut all = Cost::default();
        self.functions.values().for_each(|cost| all.add(*cost));
        all
    }
}

fn traced(process: u32, folder: &Path, (target, requests): (&Target, &[Vec<u8>])) -> Result<Trace> {
    let plan = |time| Plan { warm_up: Duration::ZERO, ..Plan::new(target.clone(), requests.to_vec(), 1, time) };
    load::run(&plan(WARM_UP))?;
    callgrind::count(process, true)?;
    let measured = load::run(&plan(COUNTED)).context("under callgrind")?;
    callgrind::count(process, false)?;
    ensure!(measured.succeeded() > 100, "only {} requests were answered", measured.succeeded());
    // Before its own, a load asks each request once, alone.
    let requests = (measured.succeeded() as usize + requests.len()) as f64;
    Ok(Trace { functions: callgrind::counted(process, folder)?, requests })
}

fn show(ours: &Trace, theirs: &Trace, functions: usize) {
    let mut parts = BTreeMap::<&str, Cost>::new();
    for (function, cost) in &ours.functions {
        parts.entry(group(function)).or_default().add(*cost);
    }
    println!("of {:.0} requests; bare hyper's of {:.0}\n", ours.requests, theirs.requests);
    println!("| | instructions | lines of code fetched |\n|---|---:|---:|");
    let line = |name: &str, (instructions, lines): (f64, f64)| println!("| {name} | {instructions:.0} | {lines:.0} |");
    line("a request", ours.each(ours.all()));
    for name in GROUPS.iter().map(|(name, _)| *name).chain([REST]) {
        line(name, ours.each(parts.get(name).copied().unwrap_or_default()));
    }
    line("bare hyper, all of it", theirs.each(theirs.all()));
    let mut dearest: Vec<_> = ours.functions.iter().collect();
    dearest.sort_by_key(|(_, cost)| std::cmp::Reverse(cost.instructions));
    for (function, cost) in dearest.into_iter().take(functions) {
        let (instructions, lines) = ours.each(*cost);
        println!("{instructions:>9.0} {lines:>6.0}  {}: {function}", group(function));
    }
}
