//! Requests of every form to a server with churn, in rounds that are paired with the same requests to bare hyper.

use anyhow::Result;
use servoir_benches::bare;
use servoir_benches::load::{self, Form, Measured, Model, Plan, Target, Watched};
use servoir_benches::random::Random;
use servoir_benches::report::{median, spread};
use servoir_benches::server::Server;
use std::time::Duration;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
const WARM_UP: Duration = Duration::from_millis(300);
/// Different requests that are sent in turn.
const REQUESTS: usize = 16;

/// What is asked: its name, path, form, rows in a request, and the numbers of connections.
type Case = (&'static str, &'static str, Form, usize, &'static [usize]);

const CASES: [Case; 5] = [
    ("one row of JSON", "/v1/predict/churn", Form::Instances, 1, &[1, 16, 64, 256]),
    ("one row of JSON, v2", "/v2/models/churn/infer", Form::Json, 1, &[16]),
    ("one row, binary", "/v2/models/churn/infer", Form::Binary, 1, &[1, 16, 64]),
    ("1,024 rows of JSON", "/v2/models/churn/infer", Form::Json, 1024, &[4]),
    ("1,024 rows, binary", "/v2/models/churn/infer", Form::Binary, 1024, &[4]),
];

/// Measures and prints all cases. The server serves churn.
pub fn measure(server: &Server) -> Result<()> {
    let bare = bare::Process::start(&[])?;
    let model = Model::of(&server.target("/"), "churn")?;
    for (name, path, form, rows, connections) in CASES {
        let target = server.target(path);
        let mut random = Random::new();
        let requests =
            (0..REQUESTS).map(|_| model.request(&target, form, (rows, 1), &mut random)).collect::<Result<Vec<_>>>()?;
        for &connections in connections {
            let plan = |target: Target, process| Plan {
                watched: Watched::Process(process),
                warm_up: WARM_UP,
                ..Plan::new(target, requests.clone(), connections, ROUND)
            };
            let subjects = [
                plan(target.clone(), server.id()),
                plan(Target { address: bare.address, ..target.clone() }, bare.id()),
            ];
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                ours.push(load::run(&subjects[0])?);
                theirs.push(load::run(&subjects[1])?);
            }
            println!("{name}, {connections} connections, {ROUNDS} paired rounds of {ROUND:?}:");
            show(&ours, &theirs, rows);
        }
    }
    Ok(())
}

fn show(ours: &[Measured], bare: &[Measured], rows: usize) {
    let of = |rounds: &[Measured], value: &dyn Fn(&Measured) -> f64| rounds.iter().map(value).collect::<Vec<f64>>();
    for (name, rounds) in [("servoir", ours), ("bare hyper", bare)] {
        println!(
            "  {name:<10} {:>9.0} rows/s, p50 {:>6.0} µs, p99 {:>6.0} µs, server CPU {:>6.1} µs per request, {:.1} of them the system's",
            median(&of(rounds, &|round| round.per_second() * rows as f64)),
            median(&of(rounds, &|round| round.quantile_us(0.5))),
            median(&of(rounds, &|round| round.quantile_us(0.99))),
            median(&of(rounds, &Measured::server_cpu_us)),
            median(&of(rounds, &Measured::server_system_us)),
        );
    }
    let paired = |value: &dyn Fn(&Measured) -> f64, join: fn(f64, f64) -> f64| {
        let values: Vec<f64> = ours.iter().zip(bare).map(|(ours, bare)| join(value(ours), value(bare))).collect();
        let (least, most) = spread(&values);
        format!("{:.2} ({least:.2} to {most:.2})", median(&values))
    };
    println!("  to bare hyper: server CPU × {}", paired(&Measured::server_cpu_us, |ours, bare| ours / bare));
    println!("                 requests/s × {}", paired(&Measured::per_second, |ours, bare| ours / bare));
    println!("                 p50 + {} µs", paired(&|round| round.quantile_us(0.5), |ours, bare| ours - bare));
}
