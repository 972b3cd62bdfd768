//! The answer of `/v1/predict`.

use crate::fault::Fault;
use crate::json::values::Nested;
use serde::ser::{Serialize, SerializeMap, Serializer};
use servoir_types::{Data, Ids, Label, Role, Signature, Tensor, TensorSpec};

/// Room made for the answer at first: for the fields around the values, for each value, and for each id.
const FIELDS_BYTES: usize = 256;
const VALUE_BYTES: usize = 24;
const ID_BYTES: usize = 40;

/// The answer to one request.
pub struct Answer<'a> {
    /// The model's id.
    pub model_id: &'a str,
    /// The version that answered.
    pub version: u64,
    /// One for each prediction.
    pub ids: Ids<'a>,
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
        let room = FIELDS_BYTES + self.predictions.values * VALUE_BYTES + self.ids.len() * ID_BYTES;
        let mut json = Vec::with_capacity(room);
        self.write(&mut json).map_err(|error| Fault::Defect(error.to_string()))?;
        Ok(json)
    }

    /// The keys are written as they are: they are the most of a small answer.
    fn write(&self, json: &mut Vec<u8>) -> serde_json::Result<()> {
        json.extend_from_slice(br#"{"modelId":"#);
        serde_json::to_writer(&mut *json, self.model_id)?;
        json.extend_from_slice(br#","version":"#);
        serde_json::to_writer(&mut *json, &self.version)?;
        json.extend_from_slice(br#","predictionIds":["#);
        for index in 0..self.ids.len() {
            json.extend_from_slice(if index == 0 { br#"""# } else { br#",""# });
            self.ids.write(index, json);
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
        if self.single && self.ids.len() == 1 {
            json.extend_from_slice(br#","prediction":"#);
            serde_json::to_writer(&mut *json, &Row { predictions: self.predictions, row: 0 })?;
            json.extend_from_slice(br#","predictionId":""#);
            self.ids.write(0, json);
            json.push(b'"');
        }
        json.extend_from_slice(br#","latencyMs":"#);
        serde_json::to_writer(&mut *json, &self.latency_ms)?;
        json.push(b'}');
        Ok(())
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
    let value = |column: usize| match tensor.data() {
        Data::Fp16(v) => v[row * width + column].to_f64(),
        Data::Bf16(v) => v[row * width + column].to_f64(),
        Data::Fp32(v) => f64::from(v[row * width + column]),
        Data::Fp64(v) => v[row * width + column],
        _ => f64::NEG_INFINITY,
    };
    (1..width).fold(0, |best, column| if value(column) > value(best) || value(best).is_nan() { column } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_types::{Datatype, IdSequence, Shape};

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
        let ids = IdSequence::random("p");
        let answer = Answer {
            model_id: "m",
            version: 2,
            ids: ids.take(predictions.rows()),
            predictions: &predictions,
            single,
            latency_ms: 0.5,
        };
        let text = String::from_utf8(answer.to_json().unwrap()).unwrap();
        // The ids begin with what nobody can know.
        let start = ids.next().rsplit_once('-').unwrap().0.to_owned();
        text.replace(&format!("{start}-"), "p")
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
    fn the_best_column_is_the_first_of_the_highest() {
        let cases: [(&[f32], usize); 4] =
            [(&[0.2, 0.5, 0.3], 1), (&[0.5, 0.5], 0), (&[f32::NAN, 0.1], 1), (&[0.1, f32::NAN], 0)];
        for (row, expected) in cases {
            assert_eq!(best(&floats(&[1, row.len()], row), 0), expected, "{row:?}");
        }
    }
}
