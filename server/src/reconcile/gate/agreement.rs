//! How far two versions agree on the same requests, output by output.

use crate::config::SwapConfig;
use crate::error::FieldError;
use crate::http::fields::segment;
use servoir_types::{Data, Role, Signature, Tensor, TensorSpec};
use std::collections::BTreeMap;
use std::time::Duration;

/// What two versions have answered.
#[derive(Debug, Default)]
pub struct Agreement {
    /// Requests that the live version has answered.
    requests: usize,
    /// Those on which the other failed, and what it said first.
    failed: usize,
    words: Option<String>,
    /// By output: requests in which it had a form that it could not have, and the first of them.
    reshaped: BTreeMap<String, (usize, String)>,
    /// By output: requests in which it was not finite where it had been.
    not_finite: BTreeMap<String, usize>,
    /// Labels, and those that differ.
    labels: (usize, usize),
    /// Scores, and the sum of how far they are apart.
    scores: (usize, f64),
    /// How long the live version took, and the other.
    took: (Duration, Duration),
}

/// What was found, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Agreed {
    /// Requests that the live version has answered, and those of them on which the other failed.
    pub requests: usize,
    /// The latter.
    pub failed: usize,
    /// Outputs that had a form that they could not have.
    pub reshaped: usize,
    /// Outputs that were not finite where they had been.
    pub not_finite: usize,
    /// Labels that were compared.
    pub labels: usize,
    /// Those of them that differ.
    pub labels_different: usize,
    /// Scores that were compared.
    pub scores: usize,
    /// The sum of how far they are apart, each as a share of 1 or of the larger of both.
    pub scores_apart: f64,
}

impl Agreement {
    /// The live version has answered; the other has failed, with these words.
    pub fn failed(&mut self, words: String) {
        self.requests += 1;
        self.failed += 1;
        self.words.get_or_insert(words);
    }

    /// Both have answered, the other in the order of its own signature.
    pub fn answered(&mut self, (live, was): (&Signature, &[Tensor]), (next, is): (&Signature, &[Tensor])) {
        self.requests += 1;
        for (spec, was) in live.outputs.iter().zip(was) {
            let place = next.outputs.iter().position(|output| output.name == spec.name);
            if let Some(is) = place.and_then(|place| is.get(place)) {
                self.output(spec, was, is);
            }
        }
    }

    /// How long both took for the same requests.
    pub fn took(&mut self, live: Duration, next: Duration) {
        self.took.0 += live;
        self.took.1 += next;
    }

    /// Adds what was found of other requests.
    pub fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.failed += other.failed;
        self.words = self.words.take().or(other.words);
        for (output, (count, first)) in other.reshaped {
            self.reshaped.entry(output).or_insert((0, first)).0 += count;
        }
        for (output, count) in other.not_finite {
            *self.not_finite.entry(output).or_default() += count;
        }
        self.labels = (self.labels.0 + other.labels.0, self.labels.1 + other.labels.1);
        self.scores = (self.scores.0 + other.scores.0, self.scores.1 + other.scores.1);
        self.took(other.took.0, other.took.1);
    }

    /// All of it in numbers.
    pub fn agreed(&self) -> Agreed {
        Agreed {
            requests: self.requests,
            failed: self.failed,
            reshaped: self.reshaped.values().map(|(count, _)| count).sum(),
            not_finite: self.not_finite.values().sum(),
            labels: self.labels.0,
            labels_different: self.labels.1,
            scores: self.scores.0,
            scores_apart: self.scores.1,
        }
    }

    fn output(&mut self, spec: &TensorSpec, was: &Tensor, is: &Tensor) {
        let has_rows = !spec.shape.is_batchable() || was.rows() == is.rows();
        let fits = was.datatype() == is.datatype() && was.shape().len() == is.shape().len();
        if !(fits && has_rows && spec.shape.admits(is.shape())) {
            let first = || {
                let form = |tensor: &Tensor| format!("{} {:?}", tensor.datatype(), tensor.shape());
                format!("was {}, is {}", form(was), form(is))
            };
            self.reshaped.entry(spec.name.clone()).or_insert_with(|| (0, first())).0 += 1;
            return;
        }
        // Answers of another length have nothing to compare element by element.
        if was.data().len() != is.data().len() {
            return;
        }
        match (floats(was.data()), floats(is.data())) {
            (Some(was), Some(is)) if spec.role != Some(Role::Label) => self.scores(&spec.name, was.zip(is)),
            (Some(was), Some(is)) => self.labels(was.zip(is).map(|(was, is)| was == is)),
            _ => self.labels(equal(was.data(), is.data()).into_iter()),
        }
    }

    fn labels(&mut self, alike: impl Iterator<Item = bool>) {
        for alike in alike {
            self.labels.0 += 1;
            self.labels.1 += usize::from(!alike);
        }
    }

    fn scores(&mut self, output: &str, pairs: impl Iterator<Item = (f64, f64)>) {
        let mut is_finite = true;
        for (was, is) in pairs {
            is_finite &= is.is_finite() || !was.is_finite();
            if was.is_finite() && is.is_finite() {
                self.scores.0 += 1;
                self.scores.1 += (was - is).abs() / was.abs().max(is.abs()).max(1.0);
            }
        }
        if !is_finite {
            *self.not_finite.entry(output.to_owned()).or_default() += 1;
        }
    }

    /// What is beyond the limits, each under a name of its own.
    pub fn beyond(&self, limits: &SwapConfig) -> Vec<FieldError> {
        let mut beyond = Vec::new();
        let mut say = |pointer: String, detail: String| beyond.push(FieldError { pointer, detail });
        let of = |count: usize| format!("{count} of {} recorded requests", self.requests);
        if self.failed > 0 {
            let words = self.words.as_deref().unwrap_or_default();
            say("/requests".into(), format!("failed on {}: {words}", of(self.failed)));
        }
        for (output, (count, first)) in &self.reshaped {
            say(format!("/requests/outputs/{}", segment(output)), format!("{first} in {}", of(*count)));
        }
        for (output, count) in &self.not_finite {
            let detail = format!("not finite in {}, where it was", of(*count));
            say(format!("/requests/outputs/{}", segment(output)), detail);
        }
        let percent = |part: f64, of: f64| if of > 0.0 { 100.0 * part / of } else { 0.0 };
        let mut limited = |name: &str, (found, most): (f64, u64), what: &str| {
            if found > most as f64 {
                say(format!("/requests/{name}"), format!("{found:.2} % {what}, and {most} % are allowed"));
            }
        };
        let differ = percent(self.labels.1 as f64, self.labels.0 as f64);
        limited("labels", (differ, limits.labels_differ_percent_max), "of the labels are others");
        let apart = percent(self.scores.1, self.scores.0 as f64);
        limited("scores", (apart, limits.scores_differ_percent_max), "is how far scores are apart on average");
        let (live, next) = (self.took.0.as_secs_f64(), self.took.1.as_secs_f64());
        if limits.requests_slower_percent_max > 0 {
            let slower = percent(next - live, live);
            limited("latency", (slower, limits.requests_slower_percent_max), "longer is what they took");
        }
        beyond
    }
}

fn floats(data: &Data) -> Option<Box<dyn Iterator<Item = f64> + '_>> {
    match data {
        Data::Fp16(values) => Some(Box::new(values.iter().map(|value| value.to_f64()))),
        Data::Bf16(values) => Some(Box::new(values.iter().map(|value| value.to_f64()))),
        Data::Fp32(values) => Some(Box::new(values.iter().map(|&value| value.into()))),
        Data::Fp64(values) => Some(Box::new(values.iter().copied())),
        _ => None,
    }
}

/// Element by element, of the same datatype.
fn equal(a: &Data, b: &Data) -> Vec<bool> {
    fn pairs<T: PartialEq>(a: &[T], b: &[T]) -> Vec<bool> {
        a.iter().zip(b).map(|(a, b)| a == b).collect()
    }
    match (a, b) {
        (Data::Bool(a), Data::Bool(b)) => pairs(a, b),
        (Data::Uint8(a), Data::Uint8(b)) => pairs(a, b),
        (Data::Uint16(a), Data::Uint16(b)) => pairs(a, b),
        (Data::Uint32(a), Data::Uint32(b)) => pairs(a, b),
        (Data::Uint64(a), Data::Uint64(b)) => pairs(a, b),
        (Data::Int8(a), Data::Int8(b)) => pairs(a, b),
        (Data::Int16(a), Data::Int16(b)) => pairs(a, b),
        (Data::Int32(a), Data::Int32(b)) => pairs(a, b),
        (Data::Int64(a), Data::Int64(b)) => pairs(a, b),
        (Data::Bytes(a), Data::Bytes(b)) => pairs(a, b),
        _ => Vec::new(),
    }
}
