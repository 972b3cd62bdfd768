//! Bad bodies, parameters and paths.

use crate::{Body, Case, Target, check};
use reqwest::Method;
use serde_json::{Value, json};

const PREDICT: &str = "/v1/predict/{model}";
const INFER: &str = "/v2/models/{model}/infer";
const MODELS: &str = "/api/v1/model-registry/models";
const DEPLOY: &str = "/api/v1/model-registry/models/{model}/deploy";

fn post(name: &'static str, path: &'static str, body: Body, status: u16, says: &'static [&'static str]) -> Case {
    Case { name, method: Method::POST, path, body, status, says }
}

fn get(name: &'static str, path: &'static str, status: u16, says: &'static [&'static str]) -> Case {
    Case { name, method: Method::GET, path, body: Body::Empty, status, says }
}

fn raw(text: &str) -> Body {
    Body::Raw(text.as_bytes().to_vec())
}

fn row(length: usize) -> Vec<f64> {
    vec![0.5; length]
}

#[tokio::test]
async fn predictions_v1() {
    let mut with_text: Vec<Value> = row(30).into_iter().map(Value::from).collect();
    with_text[3] = json!("high");
    let cases = [
        post("no body", PREDICT, Body::Empty, 400, &["JSON"]),
        post("half an object", PREDICT, raw(r#"{"instances": [[1, 2"#), 400, &["JSON"]),
        post("not JSON", PREDICT, raw("hello"), 400, &["JSON"]),
        post("not UTF-8", PREDICT, Body::Raw(vec![b'{', b'"', 0xff, 0xfe, b'"', b':', b'1', b'}']), 400, &[]),
        post("bare NaN", PREDICT, raw(r#"{"instances": [[NaN]]}"#), 400, &[]),
        post("two values", PREDICT, raw(&format!("{} {{}}", json!({"instances": [row(30)]}))), 400, &["JSON"]),
        post("a list", PREDICT, raw("[1, 2]"), 400, &["object"]),
        post(
            "200,000 brackets",
            PREDICT,
            Body::Raw(format!("{{\"instances\":{}", "[".repeat(200_000)).into()),
            400,
            &[],
        ),
        post("100,000 objects", PREDICT, Body::Raw(r#"{"a":"#.repeat(100_000).into()), 400, &[]),
        post(
            "nested too deep",
            PREDICT,
            raw(&format!("{{\"instances\":{}1{}}}", "[".repeat(20), "]".repeat(20))),
            400,
            &[],
        ),
        post("no rows key", PREDICT, Body::Json(json!({})), 400, &["instances", "inputs", "input_data"]),
        post("unknown key", PREDICT, Body::Json(json!({"instance": [row(30)]})), 400, &["instance"]),
        post(
            "two forms",
            PREDICT,
            Body::Json(json!({"instances": [row(30)], "input_data": row(30)})),
            400,
            &["instances", "input_data"],
        ),
        post("rows are a number", PREDICT, Body::Json(json!({"instances": 5})), 400, &["instances"]),
        post("no rows", PREDICT, Body::Json(json!({"instances": []})), 400, &["instances"]),
        post("ragged rows", PREDICT, Body::Json(json!({"instances": [row(30), row(29)]})), 400, &["29", "30"]),
        post("short row", PREDICT, Body::Json(json!({"instances": [row(29)]})), 422, &["29", "30"]),
        post("long row", PREDICT, Body::Json(json!({"instances": [row(31)]})), 422, &["31", "30"]),
        post("text among numbers", PREDICT, Body::Json(json!({"instances": [with_text]})), 422, &["FP32", "high"]),
        post("number too large", PREDICT, raw(r#"{"instances": [[1e400]]}"#), 422, &[]),
        post(
            "unknown feature",
            PREDICT,
            Body::Json(json!({"instances": [{"no such feature": 1.0}]})),
            422,
            &["no such feature"],
        ),
        post("unknown tensor", PREDICT, Body::Json(json!({"inputs": {"nope": [[1.0]]}})), 422, &["nope", "input"]),
        post(
            "ids that are not as many as rows",
            PREDICT,
            Body::Json(json!({"instances": [row(30)], "entityIds": ["a", "b"]})),
            400,
            &["entityIds", "2", "1"],
        ),
        post(
            "wrong source",
            PREDICT,
            Body::Json(json!({"instances": [row(30)], "source": "prod"})),
            400,
            &["source", "test"],
        ),
        post("unknown model", "/v1/predict/nope", Body::Json(json!({"instances": [row(30)]})), 404, &["nope"]),
        post(
            "a path out of the tree",
            "/v1/predict/..%2f..%2fetc%2fpasswd",
            Body::Json(json!({"instances": [[1]]})),
            404,
            &[],
        ),
        post("a bad escape", "/v1/predict/%zz", Body::Json(json!({"instances": [[1]]})), 400, &["%"]),
        post("a null byte", "/v1/predict/churn%00", Body::Json(json!({"instances": [[1]]})), 404, &[]),
        post(
            "a version that is no number",
            "/v1/predict/{model}?version=new",
            Body::Json(json!({"instances": [row(30)]})),
            400,
            &["version", "new"],
        ),
        post(
            "a version that is not live",
            "/v1/predict/{model}?version=7",
            Body::Json(json!({"instances": [row(30)]})),
            404,
            &["7"],
        ),
        post(
            "unknown parameter",
            "/v1/predict/{model}?verison=1",
            Body::Json(json!({"instances": [row(30)]})),
            400,
            &["verison"],
        ),
        post("too large", PREDICT, Body::Raw(vec![b' '; (1 << 20) + 1]), 413, &["1048576"]),
        get("wrong method", PREDICT, 405, &["POST"]),
    ];
    let target = Target::start().await;
    check(&target, &cases).await;
    target.stop().await;
}

fn infer(input: Value) -> Body {
    Body::Json(json!({"inputs": [input]}))
}

fn tensor(shape: Value, datatype: &str, data: Value) -> Value {
    json!({"name": "input", "shape": shape, "datatype": datatype, "data": data})
}

#[tokio::test]
async fn predictions_v2() {
    let good = || tensor(json!([1, 30]), "FP32", json!(row(30)));
    let with = |key: &str, value: Value| {
        let mut body = json!({"inputs": [good()]});
        body[key] = value;
        Body::Json(body)
    };
    let renamed = |name: &str| {
        let mut input = good();
        input["name"] = json!(name);
        infer(input)
    };
    let cases = [
        post("not JSON", INFER, raw("{\"inputs\": "), 400, &[]),
        post("no inputs", INFER, Body::Json(json!({})), 400, &["inputs"]),
        post("inputs empty", INFER, Body::Json(json!({"inputs": []})), 400, &["input"]),
        post("unknown field", INFER, with("model", json!("x")), 400, &["model"]),
        post("unknown input", INFER, renamed("inputt"), 400, &["inputt"]),
        post("input twice", INFER, Body::Json(json!({"inputs": [good(), good()]})), 400, &["input"]),
        post("negative shape", INFER, infer(tensor(json!([-1, 30]), "FP32", json!(row(30)))), 400, &["shape"]),
        post(
            "huge shape",
            INFER,
            infer(tensor(json!([4611686018427387904u64, 30]), "FP32", json!(row(30)))),
            400,
            &["shape"],
        ),
        post("shape of text", INFER, infer(tensor(json!(["1", "30"]), "FP32", json!(row(30)))), 400, &["shape"]),
        post(
            "data and shape disagree",
            INFER,
            infer(tensor(json!([2, 30]), "FP32", json!(row(30)))),
            400,
            &["60", "30"],
        ),
        post(
            "nesting and shape disagree",
            INFER,
            infer(tensor(json!([2, 15]), "FP32", json!([row(15), row(14)]))),
            400,
            &[],
        ),
        post("wrong width", INFER, infer(tensor(json!([1, 29]), "FP32", json!(row(29)))), 400, &["29", "30"]),
        post("wrong rank", INFER, infer(tensor(json!([30]), "FP32", json!(row(30)))), 400, &["30"]),
        post(
            "other datatype",
            INFER,
            infer(tensor(json!([1, 30]), "INT64", json!(vec![1; 30]))),
            400,
            &["INT64", "FP32"],
        ),
        post("unknown datatype", INFER, infer(tensor(json!([1, 30]), "FLOAT", json!(row(30)))), 400, &["FLOAT"]),
        post("text among numbers", INFER, infer(tensor(json!([1, 30]), "FP32", json!(vec!["a"; 30]))), 400, &["FP32"]),
        post("no data", INFER, infer(json!({"name": "input", "shape": [1, 30], "datatype": "FP32"})), 400, &["data"]),
        post("unknown output", INFER, with("outputs", json!([{"name": "nope"}])), 400, &["nope"]),
        post("output twice", INFER, with("outputs", json!([{"name": "label"}, {"name": "label"}])), 400, &["label"]),
        post("timeout of text", INFER, with("parameters", json!({"timeout": "soon"})), 400, &["timeout"]),
        post("unknown model", "/v2/models/nope/infer", infer(good()), 404, &["nope"]),
        post("unknown version", "/v2/models/{model}/versions/9/infer", infer(good()), 404, &["9"]),
        post("version of text", "/v2/models/{model}/versions/x/infer", infer(good()), 404, &[]),
        get("no such path", "/v2/nope", 404, &[]),
        get("wrong method", INFER, 405, &["POST"]),
    ];
    let target = Target::start().await;
    check(&target, &cases).await;
    target.stop().await;
}

#[tokio::test]
async fn management() {
    let model = |name: Value| Body::Json(json!({"name": name, "framework": "onnx"}));
    let cases = [
        post("no body", MODELS, Body::Empty, 415, &["application/json"]),
        post("no name", MODELS, Body::Json(json!({"framework": "onnx"})), 400, &["name"]),
        post("name of a number", MODELS, model(json!(5)), 400, &["name"]),
        post("empty name", MODELS, model(json!("")), 400, &["name", "1 to 128"]),
        post("long name", MODELS, model(json!("x".repeat(129))), 400, &["129"]),
        post("name out of the tree", MODELS, model(json!("../../etc")), 400, &["name", "/"]),
        post("name of dots", MODELS, model(json!("..")), 400, &["name"]),
        post("name with a null byte", MODELS, model(json!("a\u{0}b")), 400, &["name"]),
        post("name like an id", MODELS, model(json!("model_1")), 400, &["model_"]),
        post("name taken", MODELS, model(json!("churn")), 409, &["churn"]),
        post(
            "unknown framework",
            MODELS,
            Body::Json(json!({"name": "a", "framework": "caffe"})),
            400,
            &["framework", "caffe"],
        ),
        post(
            "unknown source",
            MODELS,
            Body::Json(json!({"name": "a", "framework": "onnx", "source": "x"})),
            400,
            &["source"],
        ),
        post(
            "unknown field",
            MODELS,
            Body::Json(json!({"name": "a", "framework": "onnx", "descripton": "x"})),
            400,
            &["descripton"],
        ),
        post(
            "tags that are no list",
            MODELS,
            Body::Json(json!({"name": "a", "framework": "onnx", "tags": "x"})),
            400,
            &["tags"],
        ),
        post("not JSON", MODELS, raw("{name: a}"), 400, &["JSON"]),
        post(
            "a form",
            MODELS,
            Body::Typed("application/x-www-form-urlencoded", b"name=a".to_vec()),
            415,
            &["application/json"],
        ),
        post("too large", MODELS, Body::Raw(vec![b' '; (1 << 20) + 1]), 413, &["1048576"]),
        get("limit of nothing", "/api/v1/model-registry/models?limit=0", 400, &["limit", "1", "200"]),
        get("limit too large", "/api/v1/model-registry/models?limit=201", 400, &["limit", "200"]),
        get("negative offset", "/api/v1/model-registry/models?offset=-1", 400, &["offset"]),
        get("limit of text", "/api/v1/model-registry/models?limit=ten", 400, &["limit"]),
        get("unknown sort", "/api/v1/model-registry/models?sort=size:asc", 400, &["sort"]),
        get("unknown parameter", "/api/v1/model-registry/models?serach=a", 400, &["serach", "search"]),
        get("unknown status", "/api/v1/model-registry/models?status=live", 400, &["status", "live"]),
        get("unknown model", "/api/v1/model-registry/models/model_nope", 404, &["model_nope"]),
        get("unknown version", "/api/v1/model-registry/models/{model}/versions/9", 404, &["9"]),
        get("version of text", "/api/v1/model-registry/models/{model}/versions/new", 400, &["new"]),
        get("no such route", "/api/v1/model-registry/nope", 404, &["/api/v1/model-registry/nope"]),
        post("deploy unknown version", DEPLOY, Body::Json(json!({"version": 9})), 404, &["9"]),
        post("deploy version of text", DEPLOY, Body::Json(json!({"version": "latest"})), 400, &["version"]),
        post("no replicas", DEPLOY, Body::Json(json!({"replicas": 0})), 400, &["replicas"]),
        post("a million replicas", DEPLOY, Body::Json(json!({"replicas": 1_000_000})), 400, &["replicas"]),
        post("unknown hardware", DEPLOY, Body::Json(json!({"hardware": "tpu"})), 422, &["tpu"]),
        post("unknown strategy", DEPLOY, Body::Json(json!({"strategy": "hope"})), 400, &["strategy"]),
        post(
            "canary of everything",
            DEPLOY,
            Body::Json(json!({"strategy": {"canary": {"percent": 100}}})),
            400,
            &["percent"],
        ),
        post("unknown field", DEPLOY, Body::Json(json!({"replica": 2})), 400, &["replica"]),
        post(
            "unknown scope",
            "/api/v1/auth/api-keys",
            Body::Json(json!({"name": "k", "scopes": ["everything"]})),
            400,
            &["everything"],
        ),
        post(
            "the bundle of all scopes",
            "/api/v1/auth/api-keys",
            Body::Json(json!({"name": "k", "scopes": ["*"]})),
            400,
            &["*"],
        ),
    ];
    let target = Target::start().await;
    check(&target, &cases).await;
    target.stop().await;
}
