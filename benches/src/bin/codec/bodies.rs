//! The bodies that are read and the tensors that are written.

use bytes::Bytes;
use serde_json::json;
use servoir_codec::Model;
use servoir_types::{Data, Datatype, Shape, Signature, Tensor, TensorSpec};

/// One tensor in all its forms.
pub struct Case {
    /// What it stands for.
    pub name: &'static str,
    /// Its numbers as one JSON list.
    pub list: String,
    /// Bodies of `/v2` with what they are called.
    pub requests: Vec<(&'static str, Request)>,
    /// The body of `/v1`.
    pub instances: Bytes,
    /// The numbers as FP32.
    pub singles: Tensor,
    /// The numbers as FP64.
    pub doubles: Tensor,
    signature: Signature,
    signature_of_doubles: Signature,
}

/// A body of `/v2`.
pub struct Request {
    /// All of it.
    pub bytes: Bytes,
    /// The length of the JSON when tensors follow it.
    pub head_bytes: Option<usize>,
}

impl Case {
    fn new(name: &'static str, shape: &[usize], digits: Digits) -> Self {
        let count = shape.iter().product();
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let numbers: Vec<f32> = (0..count).map(|_| digits.of(random.next())).collect();
        // Python has no single precision: it writes the digits of the double that the number is.
        let doubles: Vec<f64> = numbers.iter().map(|&number| digits.written(number)).collect();
        let texts: Vec<String> = doubles.iter().map(f64::to_string).collect();
        let list = format!("[{}]", texts.join(","));
        let nested = nested(&texts, shape);
        let input =
            |data: &str| format!(r#"{{"inputs":[{{"name":"x","shape":{shape:?},"datatype":"FP32","data":{data}}}]}}"#);
        let json = |data: &str| Request { bytes: input(data).into(), head_bytes: None };
        let binary: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        let requests =
            vec![("v2 flat", json(&list)), ("v2 nested", json(&nested)), ("v2 binary", behind(shape, &binary))];
        let tensor = |data| Tensor::new(shape.to_vec(), data).expect("as many numbers as the shape says");
        Self {
            name,
            requests,
            instances: format!(r#"{{"instances":{nested}}}"#).into(),
            list,
            singles: tensor(Data::Fp32(numbers.into())),
            doubles: tensor(Data::Fp64(doubles.into())),
            signature: signature(shape, Datatype::Fp32),
            signature_of_doubles: signature(shape, Datatype::Fp64),
        }
    }

    /// How many numbers there are.
    pub fn count(&self) -> usize {
        self.singles.data().len()
    }

    /// The length of the text of one number, with its comma.
    pub fn json_bytes_per_value(&self) -> f64 {
        self.list.len() as f64 / self.count() as f64
    }

    /// The model that takes them.
    pub fn model(&self) -> Model<'_> {
        Model { name: "m", version: 1, signature: &self.signature, rows_max: 1 << 20 }
    }

    /// The signature of the model that gives this tensor.
    pub fn signature_of(&self, tensor: &Tensor) -> &Signature {
        if tensor.datatype() == Datatype::Fp64 { &self.signature_of_doubles } else { &self.signature }
    }
}

/// All that is measured.
pub fn cases() -> impl Iterator<Item = Case> {
    let image: &[usize] = &[1, 3, 224, 224];
    let cases: [(_, &[usize], _); 5] = [
        ("one row of 30 features", &[1, 30], Digits::All),
        ("1,000 rows of 30 features", &[1000, 30], Digits::All),
        ("1,000 rows of 30 features, 4 decimals", &[1000, 30], Digits::Four),
        ("one image of 3 × 224 × 224", image, Digits::All),
        ("one image of 3 × 224 × 224, bytes", image, Digits::Bytes),
    ];
    cases.into_iter().map(|(name, shape, digits)| Case::new(name, shape, digits))
}

/// How the numbers look.
#[derive(Clone, Copy)]
enum Digits {
    /// Single precision as Python writes it: 16 and 17 digits.
    All,
    /// Rounded.
    Four,
    /// Whole, from 0 to 255.
    Bytes,
}

impl Digits {
    fn of(self, random: u64) -> f32 {
        let unit = (random >> 40) as f32 / (1u32 << 24) as f32;
        match self {
            Self::All => 6.0 * unit - 3.0,
            Self::Four => ((6.0 * unit - 3.0) * 1e4).round() / 1e4,
            Self::Bytes => (255.0 * unit).round(),
        }
    }

    fn written(self, number: f32) -> f64 {
        match self {
            Self::All | Self::Bytes => number.into(),
            Self::Four => (f64::from(number) * 1e4).round() / 1e4,
        }
    }
}

/// Xorshift: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

fn signature(shape: &[usize], datatype: Datatype) -> Signature {
    let mut dims: Vec<i64> = shape.iter().map(|&dim| dim as i64).collect();
    dims[0] = -1;
    let spec = TensorSpec::new("x", datatype, Shape::ranked(dims));
    Signature { inputs: vec![spec.clone()], outputs: vec![spec] }
}

fn nested(texts: &[String], shape: &[usize]) -> String {
    match shape {
        [] | [_] => format!("[{}]", texts.join(",")),
        [_, inner @ ..] => {
            let lists: Vec<_> = texts.chunks(inner.iter().product()).map(|list| nested(list, inner)).collect();
            format!("[{}]", lists.join(","))
        }
    }
}

/// The numbers lie where the JSON ends, aligned or not, as with any client.
fn behind(shape: &[usize], binary: &[u8]) -> Request {
    let parameters = json!({"binary_data_size": binary.len()});
    let input = json!({"name": "x", "shape": shape, "datatype": "FP32", "parameters": parameters});
    let head = json!({"inputs": [input]}).to_string();
    let head_bytes = Some(head.len());
    Request { bytes: [head.as_bytes(), binary].concat().into(), head_bytes }
}
