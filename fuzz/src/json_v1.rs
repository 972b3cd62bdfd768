//! The body of `/v1/predict`: refused, or read as the slow way reads it.

use crate::{check, oracle, signatures};
use serde::Deserialize;
use serde_json::value::RawValue;
use servoir_codec::{Model, v1};
use std::borrow::Cow;
use std::collections::HashMap;

/// Gives the body to every model.
pub fn run(body: &[u8]) {
    let is_json = oracle::is_json(body);
    for model in signatures::models() {
        match v1::Asked::read(body, model) {
            Ok(asked) => {
                assert!(is_json, "what is not JSON was taken");
                taken(body, &asked, model);
            }
            Err(fault) => check::refusal_of(body, is_json, &fault),
        }
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    instances: Option<&'a RawValue>,
    #[serde(borrow)]
    inputs: Option<&'a RawValue>,
    #[serde(borrow)]
    input_data: Option<&'a RawValue>,
}

/// Values by name: a row, or tensors.
type Named<'a> = HashMap<Cow<'a, str>, &'a RawValue>;

fn taken(body: &[u8], asked: &v1::Asked, model: Model<'_>) {
    check::fits(&asked.inputs, model);
    let body: Body<'_> = serde_json::from_slice(body).expect("what was taken is a request");
    assert_eq!(asked.single, body.input_data.is_some());
    for (position, (spec, tensor)) in model.signature.inputs.iter().zip(&asked.inputs).enumerate() {
        let values = values(&body, model, position);
        let wanted = oracle::elements(spec, &values).expect("elements of this type");
        check::same_elements(tensor.data(), &wanted);
    }
    check::json_round_trip(&asked.inputs, model);
    answered(asked, model);
}

/// The JSON values of one input, in the order of its elements.
fn values<'a>(body: &Body<'a>, model: Model<'_>, position: usize) -> Vec<&'a str> {
    let spec = &model.signature.inputs[position];
    if let Some(tensors) = body.inputs {
        return match serde_json::from_str::<Named<'_>>(tensors.get()) {
            Ok(named) => oracle::flat(named[spec.name.as_str()]),
            Err(_) => oracle::flat(tensors),
        };
    }
    let rows = match (body.instances, body.input_data) {
        (Some(rows), _) => serde_json::from_str(rows.get()).expect("a list of rows"),
        (None, row) => vec![row.expect("one of the forms")],
    };
    let of_row = |row: &'a RawValue| match serde_json::from_str::<Named<'a>>(row.get()) {
        Ok(named) => {
            let own = std::slice::from_ref(&spec.name);
            let names = spec.feature_names.as_deref().unwrap_or(own);
            names
                .iter()
                .flat_map(|name| named.get(name.as_str()).map_or(vec!["null"], |json| oracle::flat(json)))
                .collect()
        }
        Err(_) => oracle::flat(row),
    };
    rows.into_iter().flat_map(of_row).collect()
}

/// Whatever the model answers, the answer is JSON.
fn answered(asked: &v1::Asked, model: Model<'_>) {
    let predictions = v1::Predictions::of(model.signature, &asked.inputs);
    let answer = v1::Answer {
        model_id: "m",
        version: 1,
        ids: v1::PredictionIds::new([7; 16], 0).take(
            "m",
            1,
            servoir_types::Timestamp::from_millis(0),
            predictions.rows(),
        ),
        telling: asked.observed,
        predictions: &predictions,
        single: asked.single,
        latency_ms: 0.25,
    };
    let written = answer.to_json().expect("every prediction can be written");
    assert!(oracle::is_json(&written), "an answer is JSON");
}
