//! What monitoring costs: the same model twice on one server, once with a baseline, so that all of its 30 features and its
//! answers are counted, and once without. Both are asked the same, in turns; the medians over the rounds are printed.
//!
//! `cargo xtask bench monitoring`

use anyhow::{Result, ensure};
use servoir_benches::counted;
use servoir_benches::load::{self, Form, Measured, Model, Plan, Watched};
use servoir_benches::random::Random;
use servoir_benches::report::{median, spread};
use servoir_benches::server::{Server, model};
use std::time::Duration;
use tempfile::TempDir;

/// Pairs of rounds. In each the other model goes first.
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_secs(1);
const WARM_UP: Duration = Duration::from_millis(200);
/// Different requests that are sent in turn.
const REQUESTS: usize = 16;

/// What is asked, the path behind the model's name, the form, the rows, and the connections.
const CASES: [(&str, [&str; 2], Form, usize, usize); 4] = [
    ("one row of JSON, /v1", ["/v1/predict/", ""], Form::Instances, 1, 16),
    ("1,024 rows of JSON, /v1", ["/v1/predict/", ""], Form::Instances, 1024, 4),
    ("one row, binary, /v2", ["/v2/models/", "/infer"], Form::Binary, 1, 16),
    ("1,024 rows, binary, /v2", ["/v2/models/", "/infer"], Form::Binary, 1024, 4),
];

fn main() -> Result<()> {
    let data = TempDir::new()?;
    let server = Server::start::<&str>(data.path(), &[])?;
    for name in ["counted", "plain"] {
        server.push(&model("churn")?, name)?;
    }
    server.stop()?;
    counted::give_baseline(data.path(), "counted")?;
    let server = Server::start::<&str>(data.path(), &[])?;
    for (name, [before, after], form, rows, connections) in CASES {
        let mut random = Random::new();
        let churn = Model::of(&server.target("/"), "plain")?;
        let plan = |name: &str, random: &mut Random| -> Result<Plan> {
            let target = server.target(format!("{before}{name}{after}"));
            let requests = (0..REQUESTS).map(|_| churn.request(&target, form, (rows, 1), random));
            let requests = requests.collect::<Result<Vec<_>>>()?;
            let plan = Plan::new(target, requests, connections, ROUND);
            Ok(Plan { watched: Watched::Process(server.id()), warm_up: WARM_UP, ..plan })
        };
        let plans = [plan("counted", &mut random)?, plan("plain", &mut random)?];
        let mut rounds: [Vec<Measured>; 2] = [Vec::new(), Vec::new()];
        for round in 0..ROUNDS {
            for turn in [round % 2, 1 - round % 2] {
                rounds[turn].push(load::run(&plans[turn])?);
            }
        }
        println!("{name}, {connections} connections, {ROUNDS} paired rounds of {ROUND:?}:");
        show(&rounds, rows);
    }
    server.stop()?;
    let rows = counted::rows(data.path())?;
    ensure!(rows > 0, "nothing was counted: the figures are of nothing");
    println!("{rows} rows were counted");
    Ok(())
}

fn show([counted, plain]: &[Vec<Measured>; 2], rows: usize) {
    let of = |rounds: &[Measured], value: &dyn Fn(&Measured) -> f64| rounds.iter().map(value).collect::<Vec<f64>>();
    for (name, rounds) in [("counted", counted), ("plain", plain)] {
        println!(
            "  {name:<8} {:>9.0} rows/s, server CPU {:>7.1} µs per request",
            median(&of(rounds, &|round| round.per_second() * rows as f64)),
            median(&of(rounds, &Measured::server_cpu_us)),
        );
    }
    let paired = |value: &dyn Fn(&Measured) -> f64| {
        let ratios: Vec<f64> =
            counted.iter().zip(plain).map(|(counted, plain)| value(counted) / value(plain)).collect();
        let (least, most) = spread(&ratios);
        format!("{:.3} ({least:.3} to {most:.3})", median(&ratios))
    };
    println!("  counted to plain: requests/s × {}", paired(&Measured::per_second));
    println!("                    server CPU × {}", paired(&Measured::server_cpu_us));
}
