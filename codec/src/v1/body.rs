//! The body of `/v1/predict`: which of its forms it has.

use super::inputs;
use crate::fault::Fault;
use crate::json::fields::{self, Fields, mistyped};
use crate::json::path::Path;
use crate::json::scanner::Scanner;
use crate::model::Model;
use servoir_types::Tensor;
use std::borrow::Cow;

/// The most characters of an entity's id.
const ENTITY_ID_CHARS_MAX: usize = 256;

const FIELDS: &[&str] = &["instances", "inputs", "input_data", "entityId", "entityIds", "logPrediction", "source"];

/// What a request asks for.
#[derive(Debug)]
pub struct Asked<'a> {
    /// In the signature's order.
    pub inputs: Vec<Tensor>,
    /// Whether it is one row, whose prediction is also given by itself.
    pub single: bool,
    /// Whether monitoring may see it: neither a test nor kept out by the caller.
    pub observed: bool,
    /// Whom the rows are about.
    pub entities: Entities<'a>,
}

impl<'a> Asked<'a> {
    /// Reads a body for a model.
    ///
    /// # Errors
    /// 400 when the body itself is wrong, 422 when it is wrong for this model.
    pub fn read(bytes: &'a [u8], model: Model<'_>) -> Result<Self, Fault> {
        let mut scanner = Scanner::new(bytes);
        let mut fields = Fields::open(&mut scanner, &Path::Root, FIELDS)?;
        let mut asked: Option<(Vec<Tensor>, bool)> = None;
        let mut entities = Entities::default();
        let (mut source, mut log) = (None, None);
        while let Some(key) = fields.next(&mut scanner)? {
            let path = Path::Root.field(key);
            let read: fn(&mut Scanner<'_>, Model<'_>) -> _ = match key {
                "instances" => inputs::instances,
                "inputs" => inputs::tensors,
                "input_data" => inputs::one_row,
                "entityId" => {
                    entities.one = fields::text(&mut scanner, &path)?;
                    continue;
                }
                "entityIds" => {
                    entities.many = texts(&mut scanner, &path)?;
                    continue;
                }
                "source" => {
                    source = fields::text(&mut scanner, &path)?;
                    continue;
                }
                _ => {
                    log = fields::flag(&mut scanner, &path)?;
                    continue;
                }
            };
            if scanner.eat_null() {
                continue;
            }
            if asked.is_some() {
                return Err(form("only one of instances, inputs and input_data may be there"));
            }
            asked = Some((read(&mut scanner, model)?, key == "input_data"));
        }
        scanner.end()?;
        let Some((inputs, single)) = asked else {
            return Err(form("one of instances, inputs and input_data must be there"));
        };
        let rows = inputs.first().map_or(0, Tensor::rows);
        if rows == 0 {
            return Err(Fault::NoRows { field: "inputs" });
        }
        entities.check(rows)?;
        let observed = match source.as_deref() {
            None => log != Some(false),
            Some("test") => false,
            Some(_) => return Err(field("/source", "the only source that can be given is \"test\"")),
        };
        Ok(Self { inputs, single, observed, entities })
    }
}

/// Reads a list of texts; `None` for `null`.
fn texts<'a>(scanner: &mut Scanner<'a>, path: &Path<'_>) -> Result<Option<Vec<Cow<'a, str>>>, Fault> {
    if scanner.eat_null() {
        return Ok(None);
    }
    if !scanner.eat(b'[') {
        return Err(mistyped(scanner, path, "a list of strings"));
    }
    let mut texts = Vec::new();
    while scanner.next_item(texts.is_empty())? {
        if scanner.peek() != Some(b'"') {
            return Err(mistyped(scanner, &path.item(texts.len()), "a string"));
        }
        texts.push(scanner.string()?);
    }
    Ok(Some(texts))
}

/// The entities that rows are about: one for each row, or none at all.
#[derive(Debug, Default)]
pub struct Entities<'a> {
    one: Option<Cow<'a, str>>,
    many: Option<Vec<Cow<'a, str>>>,
}

impl Entities<'_> {
    /// Whether no row says whom it is about.
    pub fn is_empty(&self) -> bool {
        self.one.is_none() && self.many.is_none()
    }

    /// Whom each row is about, in the rows' order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.one.iter().chain(self.many.iter().flatten()).map(AsRef::as_ref)
    }

    fn check(&self, rows: usize) -> Result<(), Fault> {
        let ids = match (&self.one, &self.many) {
            (Some(_), Some(_)) => return Err(field("/entityIds", "only one of entityId and entityIds")),
            (Some(_), None) if rows != 1 => {
                let detail = format!("entityId names one row, {rows} came; use entityIds");
                return Err(field("/entityId", detail));
            }
            (None, Some(ids)) if ids.len() != rows => {
                let detail = format!("{} ids for {rows} rows; there must be one for each", ids.len());
                return Err(field("/entityIds", detail));
            }
            (Some(id), None) => std::slice::from_ref(id),
            (None, Some(ids)) => ids,
            (None, None) => &[],
        };
        let is_wrong = |id: &str| !(1..=ENTITY_ID_CHARS_MAX).contains(&id.chars().count());
        let Some((n, id)) = ids.iter().enumerate().find(|(_, id)| is_wrong(id)) else { return Ok(()) };
        let pointer = if self.one.is_some() { "/entityId".to_owned() } else { format!("/entityIds/{n}") };
        let length = id.chars().count();
        let detail = format!("an entity id has 1 to {ENTITY_ID_CHARS_MAX} characters, this one has {length}");
        Err(field(pointer, detail))
    }
}

fn form(detail: &str) -> Fault {
    Fault::Form(detail.to_owned())
}

fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Fault {
    Fault::Field { pointer: pointer.into(), detail: detail.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_types::{Data, Datatype, Kind, Shape, Signature, TensorSpec};

    const ROWS_MAX: usize = 4;

    fn input(name: &str, datatype: Datatype, dims: &[i64]) -> TensorSpec {
        TensorSpec::new(name, datatype, Shape::ranked(dims))
    }

    fn signature(inputs: Vec<TensorSpec>) -> Signature {
        Signature { inputs, outputs: vec![] }
    }

    fn matrix(width: i64) -> Signature {
        signature(vec![input("x", Datatype::Fp32, &[-1, width])])
    }

    /// One input of two named features.
    fn named(accepts_missing: bool) -> Signature {
        let mut x = input("x", Datatype::Fp32, &[-1, 2]);
        x.feature_names = Some(vec!["age".into(), "income".into()]);
        x.accepts_missing = accepts_missing;
        signature(vec![x])
    }

    /// Two columns of their own.
    fn columns() -> Signature {
        signature(vec![input("age", Datatype::Int64, &[-1, 1]), input("plan", Datatype::Bytes, &[-1])])
    }

    fn read<'a>(signature: &Signature, body: &'a str) -> Result<Asked<'a>, Fault> {
        Asked::read(body.as_bytes(), Model { name: "m", version: 2, signature, rows_max: ROWS_MAX })
    }

    fn floats(shape: &[usize], values: &[f32]) -> Tensor {
        Tensor::new(shape.to_vec(), Data::Fp32(values.to_vec().into())).unwrap()
    }

    fn ints(shape: &[usize], values: &[i64]) -> Tensor {
        Tensor::new(shape.to_vec(), Data::Int64(values.to_vec().into())).unwrap()
    }

    fn texts(shape: &[usize], values: &[&str]) -> Tensor {
        let values = values.iter().map(|value| value.as_bytes().to_vec().into()).collect();
        Tensor::new(shape.to_vec(), Data::Bytes(values)).unwrap()
    }

    #[test]
    fn every_form_becomes_the_model_s_inputs() {
        let pair = || vec![ints(&[2, 1], &[1, 2]), texts(&[2], &["a", "b"])];
        let grid = || floats(&[2, 2], &[1.0, 2.0, 3.5, 4.0]);
        let cases = [
            (matrix(2), r#"{"instances": [[1, 2], [3.5, 4e0]]}"#, vec![grid()]),
            (matrix(-1), r#"{"instances": [[1, 2], [3.5, 4]]}"#, vec![grid()]),
            (
                signature(vec![TensorSpec::new("x", Datatype::Fp32, Shape::unranked())]),
                r#"{"inputs": [[1,2],[3.5,4]]}"#,
                vec![grid()],
            ),
            (matrix(2), r#"{"inputs": {"x": [[1, 2], [3.5, 4]]}}"#, vec![grid()]),
            (matrix(2), r#"{"input_data": [1, 2]}"#, vec![floats(&[1, 2], &[1.0, 2.0])]),
            (named(false), r#"{"instances": [{"income": 2, "age": 1}, {"age": 3.5, "income": 4}]}"#, vec![grid()]),
            (named(false), r#"{"instances": [{"income": 2, "age": 1}, {"income": 4, "age": 3.5}]}"#, vec![grid()]),
            (named(false), r#"{"input_data": {"income": 2, "age": 1}}"#, vec![floats(&[1, 2], &[1.0, 2.0])]),
            (columns(), r#"{"instances": [{"age": 1, "plan": "a"}, {"plan": "b", "age": [2]}]}"#, pair()),
            (columns(), r#"{"inputs": {"plan": ["a", "b"], "age": [[1], [2]]}}"#, pair()),
            (
                signature(vec![input("a", Datatype::Fp32, &[-1, 2]), input("b", Datatype::Fp32, &[-1, 2])]),
                r#"{"instances": [{"a": [1, 2], "b": [3, 4]}]}"#,
                vec![floats(&[1, 2], &[1.0, 2.0]), floats(&[1, 2], &[3.0, 4.0])],
            ),
            (
                signature(vec![input("x", Datatype::Int64, &[-1])]),
                r#"{"instances": [1, 2]}"#,
                vec![ints(&[2], &[1, 2])],
            ),
            (signature(vec![input("x", Datatype::Int64, &[])]), r#"{"inputs": 7}"#, vec![ints(&[], &[7])]),
            (
                signature(vec![input("x", Datatype::Int64, &[-1, 2, 2])]),
                r#" { "instances" : [ [ [1,2] , [3,4] ] ] } "#,
                vec![ints(&[1, 2, 2], &[1, 2, 3, 4])],
            ),
        ];
        for (signature, body, expected) in cases {
            let asked = read(&signature, body).unwrap_or_else(|error| panic!("{body}: {error}"));
            assert_eq!(asked.inputs, expected, "{body}");
            assert_eq!(asked.single, body.contains("input_data"), "{body}");
        }
    }

    #[test]
    fn a_test_and_what_is_not_to_be_logged_are_not_observed() {
        let cases = [
            ("", true),
            (r#", "logPrediction": true, "source": null"#, true),
            (r#", "logPrediction": null"#, true),
            (r#", "logPrediction": false"#, false),
            (r#", "source": "test""#, false),
            (r#", "source": "test", "logPrediction": true"#, false),
        ];
        for (fields, expected) in cases {
            let body = format!(r#"{{"input_data": [1, 2]{fields}}}"#);
            assert_eq!(read(&matrix(2), &body).unwrap().observed, expected, "{body}");
        }
    }

    #[test]
    fn missing_values_are_nan_where_the_model_has_them() {
        for body in [
            r#"{"instances": [{"age": 1}]}"#,
            r#"{"instances": [{"age": 1, "income": null}]}"#,
            r#"{"instances": [[1, null]]}"#,
            r#"{"instances": [{"income": null, "age": 1}]}"#,
            r#"{"instances": [{"age": 1}, {"income": 2, "age": 1}, {"income": 2, "age": 1}]}"#,
        ] {
            let asked = read(&named(true), body).unwrap();
            let Data::Fp32(values) = asked.inputs[0].data() else { panic!("{body}") };
            assert!(values[0] == 1.0 && values[1].is_nan(), "{body}: {values:?}");
        }
    }

    #[test]
    fn a_body_that_is_wrong_for_every_model_is_malformed() {
        let deep = format!(r#"{{"instances": {}1{}}}"#, "[".repeat(9), "]".repeat(9));
        let cases = [
            ("", "the body is not JSON: a value was expected, the text ends at line 1, column 1"),
            ("[[1, 2]]", "the body: a list came where an object belongs"),
            (
                r#"{"instances": [[1,2]]} {}"#,
                "the body is not JSON: the end was expected, '{' came at line 1, column 24",
            ),
            ("{}", "one of instances, inputs and input_data must be there"),
            (r#"{"instances": null}"#, "one of instances, inputs and input_data must be there"),
            (
                r#"{"instances": [[1,2]], "inputs": [[1,2]]}"#,
                "only one of instances, inputs and input_data may be there",
            ),
            (r#"{"instances": {}}"#, "instances must be a list of rows"),
            (r#"{"instances": []}"#, "instances: no rows came; send at least one"),
            (r#"{"inputs": []}"#, "inputs: no rows came; send at least one"),
            (r#"{"inputs": {"x": [ ]}}"#, "inputs: no rows came; send at least one"),
            (
                r#"{"instances": [[1,2],[3]]}"#,
                "input 'x', row 1 has 1 values where the ones before have 2; the lists of a tensor are equally long",
            ),
            (r#"{"instances": [[1,2],3]}"#, "input 'x', row 1: 3 came where a list belongs"),
            (r#"{"instances": [[1,2],{"a":3}]}"#, "input 'x', row 1: an object came where a list belongs"),
            (
                r#"{"instances": [[1,"\ud800"]]}"#,
                "input 'x', row 0, value 1: \"\\ud800\" came where FP32 takes numbers",
            ),
            (deep.as_str(), "input 'x': lists are nested deeper than 8 levels"),
            (r#"{"instances": [[1,2]], "entityId": 5}"#, "entityId: 5 came where a string belongs"),
            (
                r#"{"instances": [[1,2]], "entityId": ""}"#,
                "/entityId: an entity id has 1 to 256 characters, this one has 0",
            ),
            (
                r#"{"instances": [[1,2],[1,2]], "entityId": "a"}"#,
                "/entityId: entityId names one row, 2 came; use entityIds",
            ),
            (
                r#"{"instances": [[1,2]], "entityIds": ["a","b"]}"#,
                "/entityIds: 2 ids for 1 rows; there must be one for each",
            ),
            (
                r#"{"instances": [[1,2]], "entityIds": ["a"], "entityId": "a"}"#,
                "/entityIds: only one of entityId and entityIds",
            ),
            (r#"{"instances": [[1,2]], "source": "live"}"#, "/source: the only source that can be given is \"test\""),
        ];
        for (body, expected) in cases {
            let error = read(&matrix(2), body).unwrap_err();
            assert_eq!(error.to_string(), expected, "{body}");
        }
        let error = read(&matrix(2), r#"{"instance": [[1,2]]}"#).unwrap_err();
        assert!(
            error.to_string().starts_with("instance: unknown field `instance`, expected one of"),
            "{}",
            error.to_string()
        );
    }

    #[test]
    fn a_body_that_is_wrong_for_this_model_says_what_the_model_takes() {
        let cases = [
            (matrix(3), r#"{"instances": [[1,2],[1,2]]}"#, "input 'x', row 0 has 2 values, model 'm' v2 takes 3"),
            (matrix(2), r#"{"instances": [1, 2]}"#, "input 'x' of model 'm' v2 has shape [-1, 2]; a flat list came"),
            (matrix(2), r#"{"inputs": 5}"#, "input 'x' of model 'm' v2 has shape [-1, 2]; a single value came"),
            (
                matrix(2),
                r#"{"instances": [[1,null]]}"#,
                "input 'x', row 0, value 1: null came, and the model has no missing value here",
            ),
            (
                matrix(2),
                r#"{"instances": [[1,2],[3,1e39]]}"#,
                "input 'x', row 1, value 1: 1e39 is out of the range of FP32",
            ),
            (matrix(2), r#"{"inputs": {"y": [[1,2]]}}"#, "inputs: model 'm' v2 has no input 'y'"),
            (matrix(2), r#"{"inputs": {}}"#, "inputs: model 'm' v2 also needs 'x'"),
            (
                matrix(2),
                r#"{"instances": [{"a": 1}]}"#,
                "model 'm' v2 does not name the columns of its input 'x' [-1, 2]: send rows as lists of values, or export \
                 the model with the metadata 'feature_names', a JSON list of names",
            ),
            (
                signature(vec![input("x", Datatype::Fp32, &[4, 2])]),
                r#"{"instances": [[1,2]]}"#,
                "input 'x' of model 'm' v2 takes 4 rows, 1 came",
            ),
            (
                columns(),
                r#"{"instances": [[1, "a"]]}"#,
                "instances: model 'm' v2 takes 2 inputs ('age', 'plan'); name them: inputs, or rows by name",
            ),
            (
                named(false),
                r#"{"instances": [{"age": 1, "incme": 2}]}"#,
                "row 0: model 'm' v2 has no feature 'incme'; did you mean 'income'?",
            ),
            (
                named(false),
                r#"{"instances": [{"age": 1, "income": 2}, {}]}"#,
                "row 1 lacks 'age', 'income'; model 'm' v2 has no missing value for it",
            ),
            (
                named(false),
                r#"{"instances": [{"age": "old", "income": 2}]}"#,
                "feature 'age', row 0: \"old\" came where FP32 takes numbers",
            ),
            (
                columns(),
                r#"{"instances": [{"age": 1.5, "plan": "a"}]}"#,
                "input 'age', row 0, value 0: 1.5 is not a whole number, which INT64 takes",
            ),
        ];
        for (signature, body, expected) in cases {
            let error = read(&signature, body).unwrap_err();
            assert_eq!((error.to_string().as_str(), error.kind()), (expected, Kind::Unprocessable), "{body}");
        }
    }

    #[test]
    fn rows_are_bounded_and_come_once() {
        let five = [r#"{"instances": [[1,2],[1,2],[1,2],[1,2],[1,2]]}"#, r#"{"instances": [{},{},{},{},{}]}"#];
        for body in five {
            let error = read(&named(true), body).unwrap_err();
            assert_eq!(error.kind(), Kind::TooLarge, "{error}");
        }
        let twice = read(&named(true), r#"{"instances": [{"age": 1, "age": 2}]}"#).unwrap_err();
        assert_eq!((twice.to_string().as_str(), twice.kind()), ("row 0: 'age' came twice", Kind::Malformed));
        for body in [
            r#"{"instances": [{"age": 1}], "instances": [{"age": 1}]}"#,
            r#"{"instances": null, "source": "test", "source": "test"}"#,
            r#"{"inputs": {"x": [[1, 2]], "x": [[1, 2]]}}"#,
        ] {
            let twice = read(&named(true), body).unwrap_err();
            assert!(twice.to_string().ends_with("came twice") && twice.kind() == Kind::Malformed, "{twice}");
        }
        let mixed = read(&named(true), r#"{"instances": [{"age": 1}, [1, 2]]}"#).unwrap_err();
        assert_eq!(mixed.to_string(), "row 1: a list came where an object of named values belongs");
    }
}
