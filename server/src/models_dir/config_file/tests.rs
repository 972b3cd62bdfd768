//! What good and bad files come to.

use super::versions::VersionPolicy;
use super::*;
use crate::hardware::Hardware;
use crate::models_dir::warmed::Sample;
use servoir_runtime::EngineName;
use servoir_types::{Data, Datatype, Shape, Signature, TensorSpec};
use std::time::Duration;

/// A model with rows of 30 features and a second input of words.
fn signature() -> Signature {
    let spec = |name: &str, datatype, dims: &[i64]| TensorSpec::new(name, datatype, Shape::ranked(dims));
    Signature {
        inputs: vec![spec("rows", Datatype::Fp32, &[-1, 30]), spec("words", Datatype::Bytes, &[-1, -1])],
        outputs: vec![spec("label", Datatype::Int64, &[-1]), spec("probabilities", Datatype::Fp32, &[-1, 2])],
    }
}

/// Everything that is read of a file, in the order in which it is read.
#[derive(Debug, PartialEq)]
struct Read {
    engine: Option<EngineName>,
    hardware: Hardware,
    instances: Option<usize>,
    batching: Batching,
    policy: VersionPolicy,
    file_name: Option<String>,
    warmups: Vec<Sample>,
}

fn read(text: &str) -> Result<Read, ConfigError> {
    let file = ConfigFile::parse(Path::new("config.pbtxt"), text.to_owned())?;
    file.check("churn")?;
    let read = Read {
        engine: file.engine()?,
        hardware: file.hardware()?,
        instances: file.instances()?,
        batching: file.batching()?,
        policy: file.version_policy()?,
        file_name: file.model_file_name()?.map(str::to_owned),
        warmups: Vec::new(),
    };
    file.check_tensors(&signature())?;
    Ok(Read { warmups: file.warmups(&signature())?, ..read })
}

const WHOLE: &str = r#"
name: "churn"
platform: "onnxruntime_onnx"
backend: "onnxruntime"
max_batch_size: 16
default_model_filename: "churn.onnx"
input [
  { name: "rows" data_type: TYPE_FP32 dims: [ 30 ] },
  { name: "words" data_type: TYPE_STRING dims: [ -1 ] }
]
output { name: "probabilities" data_type: TYPE_FP32 dims: 2 }
instance_group [ { count: 2 kind: KIND_CPU }, { } ]
version_policy: { specific { versions: [ 3, 1 ] } }
dynamic_batching {
  preferred_batch_size: [ 4, 8 ]
  max_queue_delay_microseconds: 250
  priority_levels: 3
  default_queue_policy { max_queue_size: 100 default_timeout_microseconds: 50000 }
}
parameters { key: "intra_op_thread_count" value { string_value: "4" } }
model_warmup {
  name: "start" batch_size: 2 count: 3
  inputs { key: "rows" value { data_type: TYPE_FP32 dims: 30 zero_data: true } }
  inputs { key: "words" value { data_type: TYPE_STRING dims: 1 random_data: true } }
}
optimization { graph { level: 1 } }
"#;

#[test]
fn a_whole_file_is_followed() {
    let read = read(WHOLE).unwrap();
    assert_eq!((read.engine, read.instances), (Some(EngineName::OnnxRuntime), Some(3)));
    let batching = Batching {
        rows_max: Some(8),
        delay_max: Duration::from_micros(250),
        queue_rows_max: Some(100),
        timeout_default: Some(Duration::from_millis(50)),
    };
    assert_eq!(read.batching, batching);
    assert_eq!(read.policy, VersionPolicy::Specific(vec![3, 1]));
    assert_eq!(read.file_name.as_deref(), Some("churn.onnx"));
    let [warmup] = read.warmups.as_slice() else { panic!("one warm-up: {:?}", read.warmups) };
    assert_eq!((warmup.name.as_str(), warmup.runs), ("start", 3));
    assert_eq!(warmup.inputs[0].shape(), [2, 30]);
    assert_eq!(*warmup.inputs[0].data(), Data::Fp32(vec![0.0; 60].into()));
    assert_eq!((warmup.inputs[1].shape(), warmup.inputs[1].datatype()), (&[2, 1][..], Datatype::Bytes));
}

#[test]
fn what_does_not_apply_is_named() {
    let text = "metric_tags { key: \"a\" value: \"b\" } response_cache { enable: true }\n\
                input { name: \"rows\" format: FORMAT_NCHW optional: true }\n\
                dynamic_batching { preserve_ordering: true }\n\
                model_warmup { inputs { key: \"rows\" value { dims: 1 } } }\ninstance_group { gpus: [ 0 ] host_policy: \"near\" }";
    let file = ConfigFile::parse(Path::new("config.pbtxt"), text.to_owned()).unwrap();
    let mut ignored = parts::ignored(&file).unwrap();
    ignored.sort();
    let expected = [
        "dynamic_batching.preserve_ordering",
        "input[0].format",
        "input[0].optional",
        "instance_group[0].host_policy",
        "metric_tags",
        "response_cache",
    ];
    assert_eq!(ignored, expected);
}

#[test]
fn short_files_leave_the_rest_to_the_server() {
    let default = Read {
        engine: None,
        hardware: Hardware::Auto,
        instances: None,
        batching: Batching::default(),
        policy: VersionPolicy::Latest(1),
        file_name: None,
        warmups: Vec::new(),
    };
    let rows_max = |rows_max| Batching { rows_max, ..Batching::default() };
    let cases = [
        ("", default),
        ("max_batch_size: 0", Read { batching: rows_max(Some(1)), ..read("").unwrap() }),
        ("max_batch_size: 7", Read { batching: rows_max(Some(7)), ..read("").unwrap() }),
        (
            "instance_group { kind: KIND_GPU gpus: 1 }",
            Read { instances: Some(1), hardware: Hardware::One(1), ..read("").unwrap() },
        ),
        ("backend: 'tract'", Read { engine: Some(EngineName::Tract), ..read("").unwrap() }),
        (
            "version_policy { latest { num_versions: 2 } }",
            Read { policy: VersionPolicy::Latest(2), ..read("").unwrap() },
        ),
        ("version_policy { all { } }", Read { policy: VersionPolicy::All, ..read("").unwrap() }),
        ("input { name: 'rows' dims: -1 dims: 30 } input { name: 'words' dims: [ -1, -1 ] }", read("").unwrap()),
        (
            "dynamic_batching { default_queue_policy { timeout_action: DELAY default_timeout_microseconds: 5 } }",
            read("").unwrap(),
        ),
        ("model_transaction_policy { decoupled: false }", read("").unwrap()),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text), Ok(expected), "{text}");
    }
}

#[test]
fn mistakes_are_told_with_line_and_field() {
    let inputs = "input { name: 'rows' dims: 30 }\ninput { name: 'words' dims: -1 }\n";
    let warmup = |body: &str| format!("max_batch_size: 4\nmodel_warmup {{\n {body} }}");
    let word = "inputs { key: 'words' value { dims: 1 zero_data: true } }";
    let cases: Vec<(String, &str)> = vec![
        (
            "name: \"churn\"\nmax_batchsize: 8".into(),
            "2: field 'max_batchsize' not found for message 'inference.ModelConfig'",
        ),
        ("\ninput {\n name: \"x\"".into(), "3: expected '}' or a field name, but reached end of input"),
        ("max_batch_size: 'x'".into(), "1: expected an integer, but found '\"x\"'"),
        ("\n\nname: 'other'".into(), "3: name: expected 'churn', the model's folder, got 'other'"),
        (
            "platform: 'tensorrt_plan'".into(),
            "1: platform: expected onnxruntime_onnx or tract_onnx, got 'tensorrt_plan': export the model to ONNX",
        ),
        (
            "backend: 'python'".into(),
            "1: backend: expected onnxruntime or tract, got 'python': export the model to ONNX",
        ),
        (
            "platform: 'tract_onnx'\nbackend: 'onnxruntime'".into(),
            "2: backend: expected the one of platform 'tract_onnx', got 'onnxruntime'",
        ),
        (
            "default_model_filename: '../m.onnx'".into(),
            "1: default_model_filename: expected a file's plain name, got '../m.onnx'",
        ),
        (
            "\nensemble_scheduling { step { model_name: 'a' } }".into(),
            "2: ensemble_scheduling: ensembles are not served; let the client call one model after the other",
        ),
        (
            "sequence_batching { direct { } }".into(),
            "1: sequence_batching: models that keep state between requests are not served",
        ),
        (
            "model_transaction_policy {\n decoupled: true }".into(),
            "2: model_transaction_policy.decoupled: a request has exactly one answer here; remove it",
        ),
        (
            "input { name: 'rows' }\ninput { name: 'words'\n reshape { shape: [ 2 ] } }".into(),
            "3: input[1].reshape: tensors are not reshaped; give the model file's own dims",
        ),
        (
            "instance_group [ { kind: KIND_CPU },\n { kind: KIND_GPU } ]".into(),
            "2: instance_group[1].kind: this group is for gpu, and one before it for cpu: a version runs in one place",
        ),
        (
            "instance_group [ { kind: KIND_GPU gpus: [ 0, 1 ] } ]".into(),
            "1: instance_group[0].gpus: expected one GPU, or none for all of them, got [0, 1]",
        ),
        (
            "instance_group [ { kind: KIND_MODEL } ]".into(),
            "1: instance_group[0].kind: expected KIND_CPU, KIND_GPU or KIND_AUTO, got KIND_MODEL",
        ),
        ("instance_group { count: -1 }".into(), "1: instance_group[0].count: expected a whole number from 1, got -1"),
        (
            "instance_group { count: 65 }".into(),
            "1: instance_group[0].count: expected at most 64 instances in all groups, got 65",
        ),
        ("max_batch_size: -2".into(), "1: max_batch_size: expected 0 or the most rows of a batch, got -2"),
        (
            "max_batch_size: 4 dynamic_batching {\n preferred_batch_size: 2 preferred_batch_size: 8 }".into(),
            "2: dynamic_batching.preferred_batch_size[1]: expected at most max_batch_size, 4, got 8",
        ),
        (
            "dynamic_batching { preferred_batch_size: 0 }".into(),
            "1: dynamic_batching.preferred_batch_size[0]: expected a size from 1, got 0",
        ),
        (
            "version_policy { specific { versions: [ 1,\n 0 ] } }".into(),
            "2: version_policy.specific.versions[1]: expected a whole number from 1, got 0",
        ),
        (
            "version_policy { specific { } }".into(),
            "1: version_policy.specific.versions: expected at least one version, got none",
        ),
        ("input { name: 'row' }".into(), "1: input[0].name: expected one of the model's, rows, words, got 'row'"),
        ("\ninput { name: 'rows' }".into(), "2: input[0]: expected the model's input 'words' among the inputs too"),
        (
            "output { name: 'label'\n data_type: TYPE_STRING }".into(),
            "2: output[0].data_type: expected TYPE_INT64 as 'label' has, got TYPE_STRING",
        ),
        (
            "max_batch_size: 8\ninput { name: 'rows'\n dims: [ -1, 30 ] }".into(),
            "3: input[0].dims: expected 1 dimensions, 'rows' has [30] after the batch dimension, got 2: [-1, 30]",
        ),
        (inputs.into(), "1: input[0].dims: expected 2 dimensions, 'rows' has [-1, 30], got 1: [30]"),
        (
            "max_batch_size: 8\ninput { name: 'rows'\n dims: 29 }".into(),
            "3: input[0].dims[0]: expected 30 as 'rows' has, got 29",
        ),
        (
            "output { name: 'probabilities' dims: -1 dims: -1 }".into(),
            "1: output[0].dims[1]: expected 2 as 'probabilities' has, got -1",
        ),
        (
            "input { name: 'words' dims: [ -1, -2 ] }".into(),
            "1: input[0].dims[1]: expected -1 or a length as 'words' has, got -2",
        ),
        (warmup(&format!("count: 1001 {word}")), "3: model_warmup[0].count: expected at most 1000 runs, got 1001"),
        (
            warmup(&format!("batch_size: 5 {word}")),
            "3: model_warmup[0].batch_size: expected at most max_batch_size, 4, got 5",
        ),
        (warmup(word), "3: model_warmup[0].inputs: the model's input 'rows' is missing"),
        (
            warmup("inputs { key: 'x' value { dims: 1 zero_data: true } }"),
            "3: model_warmup[0].inputs: the model has no input 'x'",
        ),
        (
            warmup(&format!("{word}\n inputs {{ key: 'rows' value {{ dims: 29 zero_data: true }} }}")),
            "3: model_warmup[0].inputs: input 'rows': expected [-1, 30], got [1, 29]",
        ),
        (
            warmup(&format!("{word}\n inputs {{ key: 'rows' value {{ dims: -1 zero_data: true }} }}")),
            "3: model_warmup[0].inputs: input 'rows': expected the length of every dimension, got [1, -1]",
        ),
        (
            warmup(&format!("{word}\n inputs {{ key: 'rows' value {{ dims: 30 }} }}")),
            "3: model_warmup[0].inputs: input 'rows': expected zero_data: true or random_data: true, got neither",
        ),
        (
            warmup(&format!("{word}\n inputs {{ key: 'rows' value {{ dims: 30 input_data_file: 'f' }} }}")),
            "3: model_warmup[0].inputs: input 'rows': expected zero_data or random_data, got the file 'f'",
        ),
    ];
    for (text, expected) in cases {
        let told = read(&text).map(|_| ()).unwrap_err().to_string();
        assert_eq!(told, format!("config.pbtxt:{expected}"), "{text}");
    }
}

#[test]
fn a_dimension_that_must_be_free_for_batches_and_is_not_is_told() {
    let fixed =
        Signature { inputs: vec![TensorSpec::new("x", Datatype::Fp32, Shape::ranked([4, 2]))], outputs: vec![] };
    let text = "max_batch_size: 4\ninput { name: 'x' dims: 2 }".to_owned();
    let file = ConfigFile::parse(Path::new("config.pbtxt"), text).unwrap();
    let told = file.check_tensors(&fixed).unwrap_err().to_string();
    let expected = "config.pbtxt:2: input[0]: with max_batch_size 4, the first dimension of 'x' must be free, and the \
                    model has [4, 2]; say max_batch_size: 0";
    assert_eq!(told, expected);
}
