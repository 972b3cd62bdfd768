//! `servoir predict`: rows in, predictions out.

use super::answer::{cell, items};
use super::failure::Failure;
use super::output;
use super::session::{Session, rendered};
use super::table::Table;
use serde_json::{Value, json};
use std::io::{IsTerminal as _, Read};
use std::path::PathBuf;

/// The largest input that is read.
const INPUT_BYTES_MAX: u64 = 256 << 20;
/// A model with more classes has only its likeliest one shown.
const CLASS_COLUMNS_MAX: usize = 6;

/// Flags of `servoir predict`.
#[derive(Debug, clap::Args)]
pub struct Predict {
    /// Model, by name or id
    name: String,
    /// JSON file: rows as arrays or objects, one row, or a whole request body; `-` or none: standard input
    file: Option<PathBuf>,
    /// Version to ask, when it is not the one that is live
    #[arg(long, value_name = "NUMBER")]
    version: Option<u64>,
    #[command(flatten)]
    session: Session,
}

impl Predict {
    /// Asks the model.
    pub async fn run(self) -> Result<(), Failure> {
        let body = body(&self.input()?)?;
        let version = self.version.map(|version| version.to_string());
        let query: Vec<_> = version.iter().map(|version| ("version", version.as_str())).collect();
        let answer = self.session.client()?.post(&["v1", "predict", &self.name], &query, &body).await?;
        self.session.show(&answer, |answer| rendered(&table(answer)))
    }

    fn input(&self) -> Result<Vec<u8>, Failure> {
        let from_file = self.file.as_ref().filter(|path| path.as_os_str() != "-");
        let name = from_file.map_or("standard input".into(), |path| format!("'{}'", path.display()));
        let unreadable = |error: std::io::Error| Failure::usage(format!("cannot read {name}: {error}"));
        let mut bytes = Vec::new();
        match from_file {
            Some(path) => {
                let file = std::fs::File::open(path).map_err(unreadable)?;
                file.take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
            }
            None => {
                let stdin = std::io::stdin();
                if stdin.is_terminal() {
                    output::message("reading JSON from standard input; Ctrl-D ends it");
                }
                stdin.lock().take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
            }
        }
        if bytes.len() as u64 > INPUT_BYTES_MAX {
            return Err(Failure::usage(format!("{name} is longer than {INPUT_BYTES_MAX} bytes")));
        }
        Ok(bytes)
    }
}

/// Makes a request body of what came: a whole body as it is, rows and a single row put into one.
fn body(input: &[u8]) -> Result<Value, Failure> {
    let value: Value =
        serde_json::from_slice(input).map_err(|error| Failure::usage(format!("the input is not JSON: {error}")))?;
    match value {
        Value::Object(object) if ["instances", "inputs", "input_data"].iter().any(|key| object.contains_key(*key)) => {
            Ok(Value::Object(object))
        }
        Value::Object(row) => Ok(json!({"instances": [row]})),
        Value::Array(rows) if rows.is_empty() => Err(Failure::usage("the input has no rows")),
        Value::Array(rows) if rows.iter().all(|row| row.is_array() || row.is_object()) => {
            Ok(json!({"instances": rows}))
        }
        Value::Array(row) if row.iter().all(|cell| !cell.is_array() && !cell.is_object()) => {
            Ok(json!({"instances": [row]}))
        }
        _ => Err(Failure::usage(
            "the input must be rows, one row, or an object with 'instances', 'inputs' or 'input_data'",
        )),
    }
}

fn table(answer: &Value) -> Table {
    let probabilities = items(answer, "probabilities");
    let width = probabilities.first().and_then(Value::as_array).map_or(0, Vec::len);
    let mut heading = vec!["ROW", "PREDICTION"];
    match width {
        0 => {}
        1..=CLASS_COLUMNS_MAX => heading.push("PROBABILITIES"),
        _ => heading.push("PROBABILITY"),
    }
    let mut table = Table::new(heading);
    for (index, _) in items(answer, "predictions").iter().enumerate() {
        let mut cells = vec![(index + 1).to_string(), cell(answer, &format!("/predictions/{index}"))];
        let row = probabilities.get(index).map_or(&[][..], |row| row.as_array().map_or(&[], Vec::as_slice));
        let shown = |probability: f64| format!("{probability:.6}");
        match width {
            0 => {}
            1..=CLASS_COLUMNS_MAX => {
                let all = row.iter().map(|value| value.as_f64().map_or("-".into(), shown));
                cells.push(all.collect::<Vec<_>>().join("  "));
            }
            _ => {
                let likeliest = row.iter().filter_map(Value::as_f64).reduce(f64::max);
                cells.push(likeliest.map_or("-".into(), shown));
            }
        }
        table.row(cells);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_a_body() {
        let cases = [
            ("[[1,2],[3,4]]", Some(r#"{"instances":[[1,2],[3,4]]}"#)),
            ("[1,2]", Some(r#"{"instances":[[1,2]]}"#)),
            (r#"{"age":3}"#, Some(r#"{"instances":[{"age":3}]}"#)),
            (r#"[{"age":3}]"#, Some(r#"{"instances":[{"age":3}]}"#)),
            (r#"{"inputs":{"x":[[1]]}}"#, Some(r#"{"inputs":{"x":[[1]]}}"#)),
            (r#"{"input_data":[1]}"#, Some(r#"{"input_data":[1]}"#)),
            ("[]", None),
            ("[[1],2]", None),
            ("3", None),
            ("age,income", None),
        ];
        for (input, expected) in cases {
            assert_eq!(body(input.as_bytes()).ok().map(|body| body.to_string()).as_deref(), expected, "{input}");
        }
    }

    #[test]
    fn answers_become_a_table() {
        let answer = json!({"predictions": ["yes", "no"], "probabilities": [[0.25, 0.75], [0.5, null]]});
        let expected =
            "ROW  PREDICTION  PROBABILITIES\n1    yes         0.250000  0.750000\n2    no          0.500000  -\n";
        assert_eq!(table(&answer).render(false), expected);
        assert_eq!(table(&json!({"predictions": [1.5]})).render(false), "ROW  PREDICTION\n1    1.5\n");
        let many = json!({"predictions": [3], "probabilities": [[0.0, 0.1, 0.1, 0.6, 0.1, 0.1, 0.0]]});
        assert_eq!(table(&many).render(false), "ROW  PREDICTION  PROBABILITY\n1    3           0.600000\n");
    }
}
