//! The answer of `/v1/predict`.

use super::outcome::{ClassCode, Outcome};
use super::prediction_id::{ID_BYTES, IssuedIds};
use crate::fault::Fault;
use crate::json::values::Nested;
use serde::ser::{Serialize, SerializeMap, Serializer};
use servoir_types::{Data, Label, Role, Signature, Tensor, TensorSpec};

/// Room made for the answer at first: for the fields around the values, for each value, and for each id with its quotes and
/// its comma. The only row's id is there twice.
const FIELDS_BYTES: usize = 256;
const VALUE_BYTES: usize = 24;
const QUOTED_ID_BYTES: usize = ID_BYTES + 3;

/// The answer to one request.
pub struct Answer<'a> {
    /// The model's id.
    pub model_id: &'a str,
    /// The version that answered.
    pub version: u64,
    /// One for each prediction.
    pub ids: IssuedIds,
    /// Whether the ids say what is predicted: those of a test do not.
    pub telling: bool,
    /// What is predicted.
    pub predictions: &'a Predictions<'a>,
    /// Whether the only prediction is also given by itself.
    pub single: bool,
    /// Time since the request came, in milliseconds.
    pub latency_ms: f64,
}

impl Answer<'_> {
    /// The answer as JSON.
    ///
    /// # Errors
    /// [`Fault::Defect`] when it cannot be written, which would be one.
    pub fn to_json(&self) -> Result<Vec<u8>, Fault> {
        let mut json = Vec::with_capacity(self.room());
        self.write(&mut json).map_err(|error| Fault::Defect(error.to_string()))?;
        Ok(json)
    }

    fn room(&self) -> usize {
        FIELDS_BYTES + self.predictions.values * VALUE_BYTES + self.predictions.rows * QUOTED_ID_BYTES
    }

    /// The keys are written as they are: they are the most of a small answer.
    fn write(&self, json: &mut Vec<u8>) -> serde_json::Result<()> {
        json.extend_from_slice(br#"{"modelId":"#);
        serde_json::to_writer(&mut *json, self.model_id)?;
        json.extend_from_slice(br#","version":"#);
        serde_json::to_writer(&mut *json, &self.version)?;
        json.extend_from_slice(br#","predictionIds":["#);
        for row in 0..self.predictions.rows {
            json.extend_from_slice(if row == 0 { br#"""# } else { br#",""# });
            self.write_id(row, json);
            json.push(b'"');
        }
        json.extend_from_slice(br#"],"predictions":"#);
        serde_json::to_writer(&mut *json, self.predictions)?;
        if let Some((tensor, spec)) = self.predictions.probabilities {
            json.extend_from_slice(br#","probabilities":"#);
            serde_json::to_writer(&mut *json, &Rows(tensor))?;
            if let Some(classes) = &spec.classes {
                json.extend_from_slice(br#","classes":"#);
                serde_json::to_writer(&mut *json, classes)?;
            }
        }
        if self.single && self.predictions.rows == 1 {
            json.extend_from_slice(br#","prediction":"#);
            serde_json::to_writer(&mut *json, &Row { predictions: self.predictions, row: 0 })?;
            json.extend_from_slice(br#","predictionId":""#);
            self.write_id(0, json);
            json.push(b'"');
        }
        json.extend_from_slice(br#","latencyMs":"#);
        serde_json::to_writer(&mut *json, &self.latency_ms)?;
        json.push(b'}');
        Ok(())
    }

    fn write_id(&self, row: usize, json: &mut Vec<u8>) {
        let outcome = if self.telling { self.predictions.outcome(row) } else { Outcome::Nothing };
        self.ids.write(row, outcome, json);
    }
}

/// What is predicted, row by row.
pub struct Predictions<'a> {
    form: Form<'a>,
    probabilities: Option<(&'a Tensor, &'a TensorSpec)>,
    rows: usize,
    /// Elements of all outputs together.
    values: usize,
}

/// What a prediction is made of.
enum Form<'a> {
    /// The model's own label.
    Label(&'a Tensor),
    /// The class of the highest probability.
    Best(&'a Tensor, &'a [Label]),
    /// An output as it is.
    Output(&'a Tensor),
    /// Several outputs as they are, by name.
    Outputs(Vec<(&'a str, &'a Tensor)>),
}

impl<'a> Predictions<'a> {
    /// What the outputs of a model say.
    pub fn of(signature: &'a Signature, outputs: &'a [Tensor]) -> Self {
        let with_role = |role| {
            let found = signature.outputs.iter().zip(outputs).find(|(spec, _)| spec.role == Some(role));
            found.map(|(spec, tensor)| (tensor, spec))
        };
        let probabilities = with_role(Role::Probabilities);
        let form = match (with_role(Role::Label), probabilities, outputs) {
            (Some((label, _)), _, _) => Form::Label(label),
            (None, Some((tensor, TensorSpec { classes: Some(classes), .. })), _)
                if tensor.shape().len() == 2 && tensor.row_len() == classes.len() && !classes.is_empty() =>
            {
                Form::Best(tensor, classes)
            }
            (None, _, [one]) => Form::Output(one),
            (None, _, many) => {
                Form::Outputs(signature.outputs.iter().map(|spec| spec.name.as_str()).zip(many).collect())
            }
        };
        let shown: Vec<&Tensor> = match &form {
            Form::Label(tensor) | Form::Best(tensor, _) | Form::Output(tensor) => vec![tensor],
            Form::Outputs(many) => many.iter().map(|(_, tensor)| *tensor).collect(),
        };
        let values = outputs.iter().map(|output| output.data().len()).sum();
        Self { rows: rows_of(&shown), form, probabilities, values }
    }
}

/// The rows that all these outputs have; outputs that have no rows in common are one prediction together.
fn rows_of(outputs: &[&Tensor]) -> usize {
    let mut counts = outputs.iter().map(|output| output.shape().first().copied());
    let first = counts.next().flatten();
    first.filter(|_| counts.all(|count| count == first)).unwrap_or(1)
}

impl Predictions<'_> {
    /// How many predictions there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// What a row came to, as far as a label can be compared with it.
    pub fn outcome(&self, row: usize) -> Outcome {
        let class = match &self.form {
            Form::Label(tensor) => self.one_of(tensor, row).and_then(|index| class(tensor.data(), index)),
            Form::Best(tensor, classes) => Some(match &classes[best(tensor, row)] {
                Label::Int(number) => ClassCode::of_integer(*number),
                Label::Text(name) => ClassCode::of_text(name.as_bytes()),
            }),
            Form::Output(tensor) => {
                let Some(index) = self.one_of(tensor, row) else { return Outcome::Nothing };
                match tensor.data() {
                    Data::Bool(_) | Data::Bytes(_) => class(tensor.data(), index),
                    data => return number(data, index).map_or(Outcome::Nothing, Outcome::Number),
                }
            }
            Form::Outputs(_) => None,
        };
        class.map_or(Outcome::Nothing, |class| Outcome::Class { class, score: self.score(row) })
    }

    /// Where the row's value is, in a tensor that has one for each row.
    fn one_of(&self, tensor: &Tensor, row: usize) -> Option<usize> {
        (tensor.data().len() == self.rows && row < self.rows).then_some(row)
    }

    /// Of two classes the probability of the second, of others that of the most probable; NaN when there is none.
    fn score(&self, row: usize) -> f32 {
        let Some((tensor, _)) = self.probabilities else { return f32::NAN };
        let width = tensor.row_len();
        if tensor.shape().len() != 2 || tensor.rows() != self.rows || width < 2 {
            return f32::NAN;
        }
        let column = if width == 2 { 1 } else { best(tensor, row) };
        number(tensor.data(), row * width + column).map_or(f32::NAN, |score| score as f32)
    }
}

/// The class that an element names.
fn class(data: &Data, index: usize) -> Option<ClassCode> {
    match data {
        Data::Bytes(names) => names.get(index).map(|name| ClassCode::of_text(name)),
        Data::Bool(values) => values.get(index).map(|value| ClassCode::of_text(value.to_string().as_bytes())),
        Data::Int64(values) => values.get(index).map(|value| ClassCode::of_integer(*value)),
        data => {
            let value = number(data, index)?;
            Some(if value.fract() == 0.0 && value.abs() < EXACT_MAX {
                ClassCode::of_integer(value as i64)
            } else {
                ClassCode::of_text(value.to_string().as_bytes())
            })
        }
    }
}

/// Whole numbers below it are exact in every float of eight bytes.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// An element as a number; a large integer may lose its last digits.
#[allow(clippy::cast_precision_loss, clippy::cast_lossless)]
fn number(data: &Data, index: usize) -> Option<f64> {
    match data {
        Data::Uint8(v) => v.get(index).map(|value| f64::from(*value)),
        Data::Uint16(v) => v.get(index).map(|value| f64::from(*value)),
        Data::Uint32(v) => v.get(index).map(|value| f64::from(*value)),
        Data::Uint64(v) => v.get(index).map(|value| *value as f64),
        Data::Int8(v) => v.get(index).map(|value| f64::from(*value)),
        Data::Int16(v) => v.get(index).map(|value| f64::from(*value)),
        Data::Int32(v) => v.get(index).map(|value| f64::from(*value)),
        Data::Int64(v) => v.get(index).map(|value| *value as f64),
        Data::Fp16(v) => v.get(index).map(|value| value.to_f64()),
        Data::Bf16(v) => v.get(index).map(|value| value.to_f64()),
        Data::Fp32(v) => v.get(index).map(|value| f64::from(*value)),
        Data::Fp64(v) => v.get(index).copied(),
        Data::Bool(_) | Data::Bytes(_) => None,
    }
}

impl Serialize for Predictions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.rows).map(|row| Row { predictions: self, row }))
    }
}

/// One row's prediction.
struct Row<'a> {
    predictions: &'a Predictions<'a>,
    row: usize,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { predictions, row } = self;
        let of = |tensor| nested(tensor, *row, predictions.rows);
        match &predictions.form {
            Form::Label(tensor) | Form::Output(tensor) => of(tensor).serialize(serializer),
            Form::Best(tensor, classes) => classes[best(tensor, *row)].serialize(serializer),
            Form::Outputs(many) => {
                let mut map = serializer.serialize_map(Some(many.len()))?;
                for (name, tensor) in many {
                    map.serialize_entry(name, &of(tensor))?;
                }
                map.end()
            }
        }
    }
}

/// A row of a tensor; all of it when it does not have these rows.
fn nested(tensor: &Tensor, row: usize, rows: usize) -> Nested<'_> {
    match tensor.shape() {
        [count, dims @ ..] if *count == rows => {
            let length = tensor.row_len();
            Nested::row(tensor.data(), row * length..(row + 1) * length, dims)
        }
        dims => Nested::row(tensor.data(), 0..tensor.data().len(), dims),
    }
}

/// All rows of a tensor, each a list even when it has one value.
struct Rows<'a>(&'a Tensor);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Nested { data: self.0.data(), range: 0..self.0.data().len(), dims: self.0.shape() }.serialize(serializer)
    }
}

/// The column with the highest value in a row; of equals the first, and NaN only when there is nothing else.
fn best(tensor: &Tensor, row: usize) -> usize {
    let width = tensor.row_len();
    let value = |column: usize| number(tensor.data(), row * width + column).unwrap_or(f64::NEG_INFINITY);
    (1..width).fold(0, |best, column| if value(column) > value(best) || value(best).is_nan() { column } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::PredictionIds;
    use servoir_types::{Datatype, Shape, Timestamp};

    fn output(name: &str, role: Option<Role>, classes: Option<Vec<Label>>) -> TensorSpec {
        let mut spec = TensorSpec::new(name, Datatype::Fp32, Shape::unranked());
        (spec.role, spec.classes) = (role, classes);
        spec
    }

    fn floats(shape: &[usize], values: &[f32]) -> Tensor {
        Tensor::new(shape.to_vec(), Data::Fp32(values.to_vec().into())).unwrap()
    }

    fn written(outputs: Vec<(TensorSpec, Tensor)>, single: bool) -> String {
        let (specs, tensors): (Vec<_>, Vec<_>) = outputs.into_iter().unzip();
        let signature = Signature { inputs: vec![], outputs: specs };
        let predictions = Predictions::of(&signature, &tensors);
        let ids = PredictionIds::new([7; 16], 0).take("m", 2, Timestamp::from_millis(0), predictions.rows());
        let answer = Answer {
            model_id: "m",
            version: 2,
            ids: ids.clone(),
            telling: true,
            predictions: &predictions,
            single,
            latency_ms: 0.5,
        };
        let json = answer.to_json().unwrap();
        assert_eq!(json.capacity(), answer.room(), "the room is made once");
        // What the ids say is what is predicted; which bytes that are is told elsewhere.
        (0..predictions.rows()).fold(String::from_utf8(json).unwrap(), |text, row| {
            text.replace(&ids.text(row, predictions.outcome(row)), &format!("p{row}"))
        })
    }

    #[test]
    fn a_classifier_answers_its_labels_and_probabilities() {
        let classes = Some(vec![Label::Text("stays".into()), Label::Text("leaves".into())]);
        let label = Tensor::new(vec![2], Data::Bytes(vec!["stays".into(), "leaves".into()])).unwrap();
        let probabilities = floats(&[2, 2], &[0.9, 0.1, 0.25, 0.75]);
        let with_label = vec![
            (output("label", Some(Role::Label), None), label),
            (output("p", Some(Role::Probabilities), classes.clone()), probabilities.clone()),
        ];
        let expected = concat!(
            r#"{"modelId":"m","version":2,"predictionIds":["p0","p1"],"predictions":["stays","leaves"],"#,
            r#""probabilities":[[0.9,0.1],[0.25,0.75]],"classes":["stays","leaves"],"latencyMs":0.5}"#
        );
        assert_eq!(written(with_label, false), expected);
        let without_label = vec![(output("p", Some(Role::Probabilities), classes), probabilities)];
        assert_eq!(written(without_label, false), expected);
    }

    #[test]
    fn other_outputs_are_answered_as_they_are() {
        let plain = |name| output(name, None, None);
        let cases = [
            (vec![(plain("y"), floats(&[2, 1], &[1.5, f32::NAN]))], false, "[1.5,null]"),
            (vec![(plain("y"), floats(&[2], &[1.0, 2.0]))], false, "[1.0,2.0]"),
            (vec![(plain("y"), floats(&[1, 3], &[1.0, 2.0, 3.0]))], false, "[[1.0,2.0,3.0]]"),
            (vec![(plain("y"), floats(&[], &[4.0]))], false, "[4.0]"),
            (
                vec![(plain("a"), floats(&[2, 1], &[1.0, 2.0])), (plain("b"), floats(&[2, 2], &[1.0, 2.0, 3.0, 4.0]))],
                false,
                r#"[{"a":1.0,"b":[1.0,2.0]},{"a":2.0,"b":[3.0,4.0]}]"#,
            ),
            (
                vec![(plain("a"), floats(&[2], &[1.0, 2.0])), (plain("b"), floats(&[3], &[1.0, 2.0, 3.0]))],
                false,
                r#"[{"a":[1.0,2.0],"b":[1.0,2.0,3.0]}]"#,
            ),
        ];
        for (outputs, single, expected) in cases {
            let text = written(outputs, single);
            assert!(text.contains(&format!(r#""predictions":{expected},"#)), "{text}");
            assert!(!text.contains("probabilities"), "{text}");
        }
    }

    #[test]
    fn a_single_row_is_also_given_by_itself() {
        let text = written(vec![(output("y", None, None), floats(&[1, 1], &[1.5]))], true);
        assert!(text.contains(r#""predictions":[1.5],"prediction":1.5,"predictionId":"p0","#), "{text}");
    }

    #[test]
    fn outcomes_are_what_a_label_can_be_compared_with() {
        let plain = |name| output(name, None, None);
        let ints = |values: &[i64]| Tensor::new(vec![values.len()], Data::Int64(values.to_vec().into())).unwrap();
        let texts = |names: &[&'static str]| {
            let names = names.iter().map(|name| (*name).into()).collect::<Vec<bytes::Bytes>>();
            Tensor::new(vec![names.len()], Data::Bytes(names)).unwrap()
        };
        let two = || (output("p", Some(Role::Probabilities), None), floats(&[2, 2], &[0.75, 0.25, 0.0, 1.0]));
        let three =
            (output("p", Some(Role::Probabilities), None), floats(&[2, 3], &[0.5, 0.25, 0.25, 0.0, 0.125, 0.875]));
        let best = Some(vec![Label::Text("no".into()), Label::Text("yes".into())]);
        let label = || output("label", Some(Role::Label), None);
        let class = |class, score| Outcome::Class { class, score };
        let (no, yes) = (ClassCode::of_text(b"no"), ClassCode::of_text(b"yes"));
        let cases = [
            (
                vec![(label(), ints(&[0, 1])), two()],
                vec![class(ClassCode::Integer(0), 0.25), class(ClassCode::Integer(1), 1.0)],
            ),
            (vec![(label(), texts(&["no", "yes"])), three], vec![class(no, 0.5), class(yes, 0.875)]),
            (
                vec![(output("p", Some(Role::Probabilities), best), floats(&[2, 2], &[0.75, 0.25, 0.0, 1.0]))],
                vec![class(no, 0.25), class(yes, 1.0)],
            ),
            (vec![(plain("y"), floats(&[2, 1], &[1.5, -2.0]))], vec![Outcome::Number(1.5), Outcome::Number(-2.0)]),
            (vec![(plain("y"), floats(&[], &[4.0]))], vec![Outcome::Number(4.0)]),
            (vec![(plain("y"), floats(&[2, 2], &[0.0; 4]))], vec![Outcome::Nothing; 2]),
            (vec![(plain("a"), floats(&[1], &[0.0])), (plain("b"), floats(&[1], &[0.0]))], vec![Outcome::Nothing]),
        ];
        for (outputs, expected) in cases {
            let (specs, tensors): (Vec<_>, Vec<_>) = outputs.into_iter().unzip();
            let signature = Signature { inputs: vec![], outputs: specs };
            let predictions = Predictions::of(&signature, &tensors);
            let outcomes: Vec<_> = (0..predictions.rows()).map(|row| predictions.outcome(row)).collect();
            assert_eq!(outcomes, expected);
        }
        let unsure = Tensor::new(vec![1], Data::Int64(vec![1].into())).unwrap();
        let signature = Signature { inputs: vec![], outputs: vec![label()] };
        let tensors = [unsure];
        let Outcome::Class { score, .. } = Predictions::of(&signature, &tensors).outcome(0) else { panic!("a class") };
        assert!(score.is_nan(), "the model says no probability");
    }

    #[test]
    fn the_best_column_is_the_first_of_the_highest() {
        let cases: [(&[f32], usize); 4] =
            [(&[0.2, 0.5, 0.3], 1), (&[0.5, 0.5], 0), (&[f32::NAN, 0.1], 1), (&[0.1, f32::NAN], 0)];
        for (row, expected) in cases {
            assert_eq!(best(&floats(&[1, row.len()], row), 0), expected, "{row:?}");
        }
    }
}
