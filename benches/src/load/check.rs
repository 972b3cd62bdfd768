//! Whether the answers under load are those that the same requests were given alone.

use super::measured::Sample;
use super::message::{Answer, exchange};
use super::plan::Plan;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// Numbers may differ by this much, relative above 1: engines round by the size of the batch.
const TOLERANCE: f64 = 1e-4;
/// Parts of an answer that differ from one to the next.
const VOLATILE: [&str; 4] = ["id", "latencyMs", "predictionId", "predictionIds"];
/// How much of an unexpected answer is shown, in bytes.
const SHOWN_BYTES: usize = 300;

/// The answers of a plan's requests, each asked alone.
pub struct Expected(Vec<(Value, Vec<u8>)>);

impl Expected {
    /// Asks.
    pub fn of(plan: &Plan) -> Result<Self> {
        let ask = |request: &Vec<u8>| {
            let answer = exchange(plan.target.address, request)?;
            let shown = || answer.body[..answer.body.len().min(SHOWN_BYTES)].escape_ascii().to_string();
            ensure!(answer.status == 200, "answered {}: {}", answer.status, shown());
            parts(&answer)
        };
        Ok(Self(plan.requests.iter().map(ask).collect::<Result<_>>()?))
    }

    /// How many answers were compared.
    ///
    /// # Errors
    /// When one differs.
    pub fn compare(&self, samples: &[Sample]) -> Result<usize> {
        for Sample { request, answer } in samples {
            let (json, tensors) = parts(answer)?;
            let want = &self.0[*request];
            let are_alike = agree(&json, &want.0) && agree_in_bytes(&tensors, &want.1);
            ensure!(are_alike, "request {request} was answered\n{json}\nunder load, and\n{}\nalone", want.0);
        }
        Ok(samples.len())
    }
}

/// An answer's JSON without what is volatile, and the tensors behind it.
fn parts(answer: &Answer) -> Result<(Value, Vec<u8>)> {
    let (json, tensors) =
        answer.body.split_at_checked(answer.json_bytes.unwrap_or(answer.body.len())).context("a body cut short")?;
    // A baseline may answer what is no JSON.
    let mut json = serde_json::from_slice(json).unwrap_or_else(|_| String::from_utf8_lossy(json).into());
    if let Value::Object(fields) = &mut json {
        fields.retain(|name, _| !VOLATILE.contains(&name.as_str()));
    }
    Ok((json, tensors.to_vec()))
}

fn agree(got: &Value, want: &Value) -> bool {
    match (got, want) {
        (Value::Number(got), Value::Number(want)) => match (got.as_f64(), want.as_f64()) {
            (Some(got), Some(want)) => are_close(got, want),
            _ => got == want,
        },
        (Value::Array(got), Value::Array(want)) => {
            got.len() == want.len() && got.iter().zip(want).all(|(got, want)| agree(got, want))
        }
        (Value::Object(got), Value::Object(want)) => {
            got.len() == want.len() && got.iter().all(|(name, got)| want.get(name).is_some_and(|want| agree(got, want)))
        }
        _ => got == want,
    }
}

/// Tensors as bytes: words of 32 bits that are equal, or close as single-precision numbers.
fn agree_in_bytes(got: &[u8], want: &[u8]) -> bool {
    let is_close = |(got, want): (&[u8; 4], &[u8; 4])| {
        got == want || are_close(f32::from_le_bytes(*got).into(), f32::from_le_bytes(*want).into())
    };
    let ((got, got_rest), (want, want_rest)) = (got.as_chunks(), want.as_chunks());
    got.len() == want.len() && got_rest == want_rest && got.iter().zip(want).all(is_close)
}

fn are_close(got: f64, want: f64) -> bool {
    (got - want).abs() <= TOLERANCE * want.abs().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_agree_but_for_rounding_and_what_is_volatile() {
        let rows = [
            (r#"{"id":"a","outputs":[{"data":[0.5,1]}]}"#, r#"{"id":"b","outputs":[{"data":[0.50001,1]}]}"#, true),
            (r#"{"predictions":[1]}"#, r#"{"predictions":[0]}"#, false),
            (r#"{"predictions":[1]}"#, r#"{"predictions":[1,1]}"#, false),
            (r#"{"predictions":[1]}"#, r#"{"predictions":[1],"classes":[0]}"#, false),
            ("ok", "ok", true),
            ("ok", "no", false),
        ];
        for (got, want, agrees) in rows {
            let answer = |body: &str| Answer { status: 200, json_bytes: None, body: body.into() };
            let expected = Expected(vec![parts(&answer(want)).unwrap()]);
            let compared = expected.compare(&[Sample { request: 0, answer: answer(got) }]);
            assert_eq!(compared.is_ok(), agrees, "{got} and {want}");
        }
    }

    #[test]
    fn tensors_agree_in_their_numbers() {
        let bytes = |numbers: &[f32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>();
        let want = bytes(&[1.0, f32::NAN]);
        assert!(agree_in_bytes(&bytes(&[1.000_01, f32::NAN]), &want));
        assert!(!agree_in_bytes(&bytes(&[1.1, f32::NAN]), &want));
        assert!(!agree_in_bytes(&bytes(&[1.0]), &want));
        assert!(agree_in_bytes(b"abc", b"abc") && !agree_in_bytes(b"abc", b"abd"));
    }
}
