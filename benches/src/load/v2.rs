//! Requests for models of the Open Inference Protocol, made from what a server says of a model.

use super::message::{Target, exchange, post};
use crate::random::Random;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// `/v2` in JSON.
    Json,
    /// `/v2` with tensors as bytes behind the JSON, both ways.
    Binary,
    /// `{"instances": [[…]]}`, as Servoir's `/v1` and many servers written by hand take it.
    Instances,
}

/// A model's inputs.
#[derive(Debug, Clone)]
pub struct Model {
    inputs: Vec<Input>,
}

#[derive(Debug, Clone)]
struct Input {
    name: String,
    datatype: String,
    /// -1 where the size is free.
    shape: Vec<i64>,
}

/// One tensor of a request.
struct Tensor<'a> {
    input: &'a Input,
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Model {
    /// What a v2 server says of its model `name`.
    ///
    /// # Errors
    /// When it does not know the model, or the answer is not of the protocol.
    pub fn of(server: &Target, name: &str) -> Result<Self> {
        let target = server.at(format!("/v2/models/{name}"));
        let answer = exchange(target.address, &target.get())?;
        let text = String::from_utf8_lossy(&answer.body);
        ensure!(answer.status == 200, "{} answered {}: {text}", target.path, answer.status);
        let metadata: Value = serde_json::from_str(&text).with_context(|| format!("metadata of {name}: {text}"))?;
        let inputs = metadata["inputs"].as_array().context("metadata without inputs")?;
        Ok(Self { inputs: inputs.iter().map(Input::of).collect::<Option<_>>().context("an input without shape")? })
    }

    /// A model with one input of `features` numbers a row.
    pub fn with_features(features: usize) -> Self {
        let shape = vec![-1, i64::try_from(features).unwrap_or(i64::MAX)];
        Self { inputs: vec![Input { name: "input".into(), datatype: "FP32".into(), shape }] }
    }

    /// A request with `rows` rows of random numbers; sizes that are free beside the rows are `free`.
    ///
    /// # Errors
    /// When an input is of a type that random numbers cannot stand for.
    pub fn request(&self, target: &Target, form: Form, rows: (usize, usize), random: &mut Random) -> Result<Vec<u8>> {
        let tensors = self.inputs.iter().map(|input| input.tensor(rows, random)).collect::<Result<Vec<_>>>()?;
        if form == Form::Instances {
            let [tensor] = &*tensors else { bail!("`instances` is for models of one input") };
            let width = (tensor.values.len() / rows.0).max(1);
            let lists: Vec<String> = tensor.values.chunks(width).map(list).collect();
            return Ok(post(target, None, format!(r#"{{"instances":[{}]}}"#, lists.join(",")).as_bytes()));
        }
        if form == Form::Json {
            let inputs: Vec<String> = tensors.iter().map(Tensor::to_json).collect();
            return Ok(post(target, None, format!(r#"{{"inputs":[{}]}}"#, inputs.join(",")).as_bytes()));
        }
        let bytes = tensors.iter().map(Tensor::to_bytes).collect::<Result<Vec<_>>>()?;
        let inputs: Vec<Value> = tensors.iter().zip(&bytes).map(|(tensor, bytes)| tensor.head(bytes.len())).collect();
        let head = json!({"inputs": inputs, "parameters": {"binary_data_output": true}}).to_string();
        Ok(post(target, Some(head.len()), &[head.as_bytes(), &bytes.concat()].concat()))
    }
}

impl Input {
    fn of(metadata: &Value) -> Option<Self> {
        Some(Self {
            name: metadata["name"].as_str()?.to_owned(),
            datatype: metadata["datatype"].as_str()?.to_owned(),
            shape: metadata["shape"].as_array()?.iter().map(Value::as_i64).collect::<Option<_>>()?,
        })
    }

    fn tensor(&self, (rows, free): (usize, usize), random: &mut Random) -> Result<Tensor<'_>> {
        let size = |(position, &size): (usize, &i64)| match usize::try_from(size) {
            Ok(size) => size,
            Err(_) if position == 0 => rows,
            Err(_) => free,
        };
        let shape: Vec<usize> = self.shape.iter().enumerate().map(size).collect();
        let number: fn(&mut Random) -> f32 = match self.datatype.as_str() {
            "FP32" | "FP64" => |random| (random.number() * 6e6 - 3e6).round() / 1e6,
            "INT64" | "INT32" => |random| (random.number() * 100.0).floor(),
            other => bail!("input {}: random numbers cannot stand for {other}", self.name),
        };
        let values = (0..shape.iter().product()).map(|_| number(random)).collect();
        Ok(Tensor { input: self, shape, values })
    }
}

impl Tensor<'_> {
    fn to_json(&self) -> String {
        let Input { name, datatype, .. } = self.input;
        let data = list(&self.values);
        format!(r#"{{"name":{},"shape":{:?},"datatype":"{datatype}","data":{data}}}"#, json!(name), self.shape)
    }

    fn head(&self, bytes: usize) -> Value {
        let Input { name, datatype, .. } = self.input;
        json!({"name": name, "shape": self.shape, "datatype": datatype, "parameters": {"binary_data_size": bytes}})
    }

    #[allow(clippy::cast_possible_truncation)] // the numbers of integer inputs are whole and small
    fn to_bytes(&self) -> Result<Vec<u8>> {
        let values = self.values.iter();
        Ok(match self.input.datatype.as_str() {
            "FP32" => values.flat_map(|value| value.to_le_bytes()).collect(),
            "FP64" => values.flat_map(|value| f64::from(*value).to_le_bytes()).collect(),
            "INT64" => values.flat_map(|value| (*value as i64).to_le_bytes()).collect(),
            "INT32" => values.flat_map(|value| (*value as i32).to_le_bytes()).collect(),
            other => bail!("{other} is not written as bytes here"),
        })
    }
}

fn list(values: &[f32]) -> String {
    let texts: Vec<String> = values.iter().map(f32::to_string).collect();
    format!("[{}]", texts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(form: Form) -> (String, Vec<u8>) {
        let target = Target::from_url("http://127.0.0.1:1/p", Vec::new()).unwrap();
        let request = Model::with_features(2).request(&target, form, (3, 1), &mut Random::new()).unwrap();
        let text = String::from_utf8_lossy(&request).into_owned();
        let head = text.split_once("\r\n\r\n").unwrap().0.to_owned();
        let body = request[head.len() + 4..].to_vec();
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{head}");
        (head, body)
    }

    #[test]
    fn every_form_has_all_rows() {
        let (_, json_body) = body(Form::Json);
        let request: Value = serde_json::from_slice(&json_body).unwrap();
        assert_eq!(request["inputs"][0]["shape"], json!([3, 2]));
        assert_eq!(request["inputs"][0]["data"].as_array().unwrap().len(), 6);
        let (_, instances) = body(Form::Instances);
        let request: Value = serde_json::from_slice(&instances).unwrap();
        assert_eq!(request["instances"].as_array().map(Vec::len), Some(3));
        let (head, binary) = body(Form::Binary);
        let json_bytes: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("inference-header-content-length: "))
            .and_then(|length| length.parse().ok())
            .unwrap();
        assert_eq!(binary.len() - json_bytes, 24);
    }
}
