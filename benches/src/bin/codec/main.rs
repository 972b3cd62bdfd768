//! What reading and writing tensors costs, in nanoseconds per value, beside general JSON libraries.
//!
//! The rivals read nothing but the list of numbers into a `Vec<f64>`; ours reads the whole body of the request, checks it
//! against the model and fills the model's own type. All subjects of a table take turns, and the median over the rounds
//! is printed, so that a busy machine slows all of them alike.
//!
//! `cargo run --release --package servoir-benches --bin codec`

mod bodies;

use anyhow::{Context as _, Result};
use bodies::{Case, cases};
use servoir_benches::rounds::{Subject, measure};
use servoir_codec::{v1, v2};
use servoir_types::{Data, Tensor};
use std::hint::black_box;

fn main() -> Result<()> {
    println!("decoding: ns per value\n");
    for case in cases() {
        println!("{}: {} values, {:.1} bytes of JSON each", case.name, case.count(), case.json_bytes_per_value());
        let subjects = decoders(&case)?;
        measure(subjects, case.count());
    }
    println!("encoding: ns per value\n");
    for case in cases() {
        println!("{}: {} values", case.name, case.count());
        let subjects = encoders(&case)?;
        measure(subjects, case.count());
    }
    Ok(())
}

fn decoders(case: &Case) -> Result<Vec<Subject<'_>>> {
    let mut subjects = Vec::new();
    for (name, body) in &case.requests {
        let head_bytes = body.head_bytes;
        // Once outside the clock: a body that is refused would be fast.
        let asked =
            v2::Asked::read(&body.bytes, head_bytes, case.model()).map_err(|fault| anyhow::anyhow!("{fault}"))?;
        anyhow::ensure!(asked.inputs[0].data().len() == case.count(), "{name} was not read whole");
        subjects.push(Subject::new(format!("servoir, {name}"), move || {
            drop(black_box(v2::Asked::read(black_box(&body.bytes), head_bytes, case.model())));
        }));
    }
    v1::Asked::read(&case.instances, case.model()).map_err(|fault| anyhow::anyhow!("{fault}"))?;
    subjects.push(Subject::new("servoir, v1 rows", || {
        drop(black_box(v1::Asked::read(black_box(&case.instances), case.model())));
    }));
    let list = case.list.as_bytes();
    subjects.push(Subject::new("serde_json", move || {
        drop(black_box(serde_json::from_slice::<Vec<f64>>(black_box(list))));
    }));
    subjects.push(Subject::new("sonic-rs", move || {
        drop(black_box(sonic_rs::from_slice::<Vec<f64>>(black_box(list))));
    }));
    // It changes what it reads, and so needs its own copy each time.
    let mut copy = Vec::with_capacity(list.len());
    subjects.push(Subject::new("simd-json", move || {
        copy.clear();
        copy.extend_from_slice(black_box(list));
        drop(black_box(simd_json::from_slice::<Vec<f64>>(&mut copy)));
    }));
    Ok(subjects)
}

fn encoders(case: &Case) -> Result<Vec<Subject<'_>>> {
    let tensors = [&case.singles, &case.doubles];
    let mut subjects = Vec::new();
    for tensor in tensors {
        let outputs = std::slice::from_ref(tensor);
        let wanted = [v2::Wanted { position: 0, classes: None, binary: false }];
        let answer = move || v2::Answer { name: "m", version: 1, signature: case.signature_of(tensor), outputs };
        answer().write(&wanted, None).map_err(|fault| anyhow::anyhow!("{fault}")).context("an answer")?;
        subjects.push(Subject::new(format!("servoir, v2 {}", tensor.datatype()), move || {
            drop(black_box(answer().write(black_box(&wanted), None)));
        }));
        subjects.push(Subject::new(format!("serde_json, {}", tensor.datatype()), move || {
            drop(black_box(serialized(black_box(tensor))));
        }));
    }
    Ok(subjects)
}

fn serialized(tensor: &Tensor) -> Option<serde_json::Result<Vec<u8>>> {
    match tensor.data() {
        Data::Fp32(values) => Some(serde_json::to_vec::<[f32]>(values)),
        Data::Fp64(values) => Some(serde_json::to_vec::<[f64]>(values)),
        _ => None,
    }
}
