//! `config.pbtxt` end to end: what is followed shows, and what is wrong is told where people look.

use crate::{Models, index, row};
use serde_json::{Value, json};
use servoir_tests::fixture::Fixture;

#[tokio::test]
async fn what_is_asked_for_is_what_runs() {
    let models = Models::with(&[("sum/1/model.onnx", "two_inputs_add"), ("single/1/model.onnx", "xgb_binary")]);
    models.file(
        "sum/config.pbtxt",
        "name: 'sum'\nbackend: 'tract'\nmax_batch_size: 16\n\
         input [ { name: 'a' data_type: TYPE_FP32 dims: 4 }, { name: 'b' data_type: TYPE_FP32 dims: [ 4 ] } ]\n\
         output [ { name: 'sum' data_type: TYPE_FP32 dims: [ 4 ] } ]\ninstance_group [ { count: 2 kind: KIND_CPU } ]\n\
         dynamic_batching { preferred_batch_size: [ 4, 8 ] max_queue_delay_microseconds: 100 }\n\
         model_warmup [ { name: 'w' batch_size: 2\n\
           inputs { key: 'a' value { data_type: TYPE_FP32 dims: 4 random_data: true } }\n\
           inputs { key: 'b' value { data_type: TYPE_FP32 dims: 4 zero_data: true } } } ]",
    );
    models.file("single/config.pbtxt", "max_batch_size: 0");
    let server = models.serve().await;
    let api = server.api();
    let config = api.get("/v2/models/sum/config").await.expect(200).json;
    assert_eq!(config["backend"], "tract", "{config}");
    assert_eq!(config["instance_group"][0]["count"], 2, "{config}");
    assert_eq!(config["dynamic_batching"]["preferred_batch_size"], json!([8]), "{config}");
    assert_eq!(config["dynamic_batching"]["max_queue_delay_microseconds"], 100, "{config}");
    let case = &Fixture::read("two_inputs_add").cases[0];
    let answer = api.post("/v2/models/sum/infer", Fixture::v2_body(case)).await.expect(200);
    assert_eq!(answer.json["outputs"][0]["data"], case["outputs"]["sum"]["data"]);
    let metrics = api.get("/metrics").await.text;
    for (model, instances) in [("sum", 2), ("single", 1)] {
        let series = format!("servoir_instances{{model=\"{model}\",model_id=\"{model}\",version=\"1\"}} {instances}");
        assert!(metrics.contains(&series), "{series}: {metrics}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_default_timeout_holds_for_callers_who_do_not_say() {
    let models = Models::with(&[("slow/1/model.onnx", "slow")]);
    models.file("slow/config.pbtxt", "dynamic_batching { default_queue_policy { default_timeout_microseconds: 1 } }");
    let server = models.serve().await;
    let api = server.api();
    let body = Fixture::v2_body(&Fixture::read("slow").cases[0]);
    api.post("/v2/models/slow/infer", body.clone()).await.expect(504);
    let mut patient: Value = body;
    patient["parameters"] = json!({"timeout": 30_000_000});
    api.post("/v2/models/slow/infer", patient).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_followed_refuses_the_model_with_file_line_and_field() {
    let cases = [
        ("name", "name: 'other'", "1: name: expected 'name', the model's folder, got 'other'"),
        ("typo", "\nmax_batchsize: 4", "2: field 'max_batchsize' not found for message 'inference.ModelConfig'"),
        (
            "kind",
            "instance_group { kind: KIND_MODEL }",
            "1: instance_group[0].kind: expected KIND_CPU, KIND_GPU or KIND_AUTO, got KIND_MODEL",
        ),
        (
            "dims",
            "max_batch_size: 8\ninput { name: 'input'\n dims: 31 }",
            "3: input[0].dims[0]: expected 30 as 'input' has, got 31",
        ),
        (
            "warm",
            "model_warmup { inputs { key: 'input' value { dims: [ 1, 29 ] zero_data: true } } }",
            "1: model_warmup[0].inputs: input 'input': expected [-1, 30], got [1, 29]",
        ),
        (
            "ensemble",
            "ensemble_scheduling { }",
            "1: ensemble_scheduling: ensembles are not served; let the client call one model after the other",
        ),
    ];
    let models = Models::with(&[("good/1/model.onnx", "xgb_binary")]);
    for (name, config, _) in cases {
        models.model(&format!("{name}/1/model.onnx"), "xgb_binary");
        models.file(&format!("{name}/config.pbtxt"), config);
    }
    models.model("gpu/1/model.onnx", "xgb_binary");
    models.file("gpu/config.pbtxt", "instance_group { kind: KIND_GPU }");
    let server = models.serve().await;
    let api = server.api();
    let listed = index(&api).await.join("\n");
    let checks = api.get("/readyz?verbose").await.expect(200).text;
    for (name, _, expected) in cases {
        let told = format!("{}:{expected}", models.path().join(name).join("config.pbtxt").display());
        assert!(listed.contains(&told), "{told}: {listed}");
        assert!(checks.contains(&format!("model {name}  failed: ")) && checks.contains(&told), "{told}: {checks}");
        let answer = api.post(&format!("/v2/repository/models/{name}/load"), json!({})).await.expect(400);
        let words = format!("model '{name}' cannot be served: {told}");
        assert_eq!(answer.json["error"], words);
    }
    // A GPU that is not there is no mistake of the file's.
    let reason = "no device cuda:0, because `cuda.enabled` is false";
    let told = format!("{}: {reason}", models.path().join("gpu/1/model.onnx").display());
    assert!(listed.contains(&told), "{told}: {listed}");
    let answer = api.post("/v2/repository/models/gpu/load", json!({})).await.expect(400);
    assert_eq!(answer.json["error"], format!("model 'gpu' cannot be served: {told}"));
    api.post("/v1/predict/good", row()).await.expect(200);
    server.stop().await;
}
