//! Loads any HTTP/1.1 server, closed loop or open, and tells what it saw as one line of JSON.
//!
//! `cargo run --release --package servoir-benches --bin load -- --url http://127.0.0.1:8000 --model churn`

use anyhow::{Context as _, Result};
use clap::Parser;
use servoir_benches::load::{self, Form, Model, Pace, Plan, Target, Watched};
use servoir_benches::random::Random;
use std::time::Duration;

/// Different requests that are sent in turn.
const REQUESTS: usize = 16;

#[derive(Parser)]
#[command(about = "Loads an HTTP/1.1 server and prints one line of JSON")]
struct Arguments {
    /// The server; with a path, where requests go in place of /v2/models/MODEL/infer
    #[arg(long)]
    url: String,
    /// The model of a v2 server; its inputs are asked for
    #[arg(long)]
    model: Option<String>,
    /// How rows are written
    #[arg(long, value_enum, default_value = "json")]
    form: Form,
    /// Rows in a request
    #[arg(long, default_value_t = 1)]
    rows: usize,
    /// Numbers in a row, where no model is asked
    #[arg(long, default_value_t = 30)]
    features: usize,
    /// What sizes are that a model leaves free beside the rows
    #[arg(long, default_value_t = 16)]
    free: usize,
    /// Connections that are kept open
    #[arg(long, short, default_value_t = 16)]
    connections: usize,
    /// Threads of the load
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Requests per second of an open loop; a closed loop without it
    #[arg(long)]
    rate: Option<f64>,
    /// How long is counted
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Load before that
    #[arg(long, default_value_t = 1.0)]
    warm_up_seconds: f64,
    /// The server's process, whose processor time and memory are measured with its descendants'
    #[arg(long)]
    pid: Option<u32>,
    /// Where the server publishes its processor time, when it is on another machine
    #[arg(long, conflicts_with = "pid")]
    metrics: Option<String>,
    /// A header line such as 'x-api-key: …'; may be repeated
    #[arg(long = "header", short = 'H')]
    headers: Vec<String>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let plan = arguments.plan()?;
    println!("{}", load::run(&plan)?.to_json());
    Ok(())
}

impl Arguments {
    fn plan(&self) -> Result<Plan> {
        let mut target = Target::from_url(&self.url, self.headers.clone())?;
        let model = match &self.model {
            Some(model) => Model::of(&target, model)?,
            None => Model::with_features(self.features),
        };
        if target.path == "/" {
            let model = self.model.as_ref().context("give --model, or a path in --url")?;
            target = target.at(format!("/v2/models/{model}/infer"));
        }
        let mut random = Random::new();
        let rows = (self.rows, self.free);
        let request = |_| model.request(&target, self.form, rows, &mut random);
        Ok(Plan {
            requests: (0..REQUESTS).map(request).collect::<Result<_>>()?,
            pace: self.rate.map_or(Pace::Closed, Pace::Open),
            threads: self.threads,
            warm_up: Duration::try_from_secs_f64(self.warm_up_seconds)?,
            watched: self.watched()?,
            ..Plan::new(target, Vec::new(), self.connections, Duration::try_from_secs_f64(self.seconds)?)
        })
    }

    fn watched(&self) -> Result<Watched> {
        Ok(match (&self.metrics, self.pid) {
            (Some(url), _) => Watched::Metrics(Target::from_url(url, self.headers.clone())?),
            (None, Some(process)) => Watched::Process(process),
            (None, None) => Watched::Nobody,
        })
    }
}
