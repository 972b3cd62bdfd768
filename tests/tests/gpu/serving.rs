//! What a model on a GPU answers is what it answers on the CPU, to the bit.

use super::world::{Gpus, ROOMY, World};
use serde_json::{Value, json};
use servoir_tests::api::Api;
use servoir_tests::fixture::Fixture;

async fn answers(api: &Api, model: &str, fixture: &Fixture) -> Vec<Value> {
    let mut answers = Vec::new();
    for case in &fixture.cases {
        let answer = api.post(&format!("/v2/models/{model}/infer"), Fixture::v2_body(case)).await.expect(200).json;
        answers.push(answer["outputs"].clone());
    }
    answers
}

async fn serves(world: &World) {
    let api = world.server.api();
    for name in ["xgb_binary", "xgb_multiclass", "xgb_missing", "gbr", "rf_zipmap_string"] {
        let fixture = Fixture::read(name);
        let model = api.create_model(name).await;
        api.upload(&model, fixture.model.clone()).await.expect(201);
        let deployed = api.deploy(&model, json!({"hardware": "cpu"})).await.expect(200).json;
        assert_eq!(deployed["deployment"]["engine"], "trees", "{name}");
        let expected = answers(&api, name, &fixture).await;
        let deployed = api.deploy(&model, json!({"hardware": "gpu"})).await.expect(200).json;
        let device = deployed["deployment"]["device"].as_str().expect("a device");
        assert!(device.starts_with("cuda:"), "{name}: {device}");
        assert_eq!(deployed["deployment"]["engine"], "trees", "{name}");
        assert_eq!(answers(&api, name, &fixture).await, expected, "{name}");
        let config = api.get(&format!("/v2/models/{name}/config")).await.expect(200).json;
        assert_eq!(config["instance_group"][0]["kind"], "KIND_GPU", "{name}");
        assert!(config["servoir"]["device_bytes"].as_u64() > Some(0), "{name}: {}", config["servoir"]);
    }
    let metrics = api.get("/metrics").await.expect(200).text;
    let of_gpus = metrics.lines().filter(|line| line.starts_with("servoir_model_device_memory_bytes{")).count();
    assert_eq!(of_gpus, 5, "{metrics}");
}

#[tokio::test]
async fn trees_answer_alike_on_emulated_gpus() {
    let Some(world) = ROOMY.server(&[]).await else { return };
    serves(&world).await;
    let metrics = world.server.api().get("/metrics").await.expect(200).text;
    for expected in [
        "servoir_gpu_utilization_ratio{device=\"cuda:0\",name=\"Emulated Large\"} 0.37",
        "servoir_gpu_memory_used_bytes{device=\"cuda:0\",name=\"Emulated Large\"} 400",
        "servoir_gpu_memory_bytes{device=\"cuda:0\",name=\"Emulated Large\"} 1000",
        "servoir_gpu_power_watts{device=\"cuda:0\",name=\"Emulated Large\"} 123.456",
    ] {
        assert!(metrics.contains(expected), "{expected}:\n{metrics}");
    }
    assert!(!metrics.contains("servoir_gpu_temperature_celsius{"), "{metrics}");
    // Each model went to the GPU that had most memory free.
    for device in ["cuda:0", "cuda:1"] {
        assert!(metrics.contains(&format!("device=\"{device}\",model=")), "{device}:\n{metrics}");
    }
}

#[tokio::test]
async fn trees_answer_alike_on_the_machine_s_gpus() {
    let Some(world) = Gpus::Real.server(&[]).await else { return };
    serves(&world).await;
}

/// One GPU by its number, and instances on all of them.
#[tokio::test]
async fn a_gpu_can_be_named_and_instances_are_dealt_to_all() {
    let Some(world) = ROOMY.server(&[]).await else { return };
    let api = world.server.api();
    let fixture = Fixture::read("xgb_binary");
    let model = api.create_model("churn").await;
    api.upload(&model, fixture.model.clone()).await.expect(201);
    let deployed = api.deploy(&model, json!({"hardware": "gpu-1"})).await.expect(200).json;
    assert_eq!(deployed["deployment"]["device"], "cuda:1");
    let expected = answers(&api, "churn", &fixture).await;
    let missing = api.deploy(&model, json!({"hardware": "gpu-2"})).await.expect(422);
    assert_eq!(missing.code(), "hardware-unavailable");
    let one = api.get("/v2/models/churn/config").await.expect(200).json["servoir"]["device_bytes"].as_u64();
    api.deploy(&model, json!({"hardware": "gpu", "replicas": 2})).await.expect(200);
    let config = api.get("/v2/models/churn/config").await.expect(200).json;
    assert_eq!(config["instance_group"][0]["count"], 2);
    assert_eq!(config["servoir"]["device_bytes"].as_u64(), one.map(|bytes| 2 * bytes));
    for _ in 0..4 {
        assert_eq!(answers(&api, "churn", &fixture).await, expected);
    }
}

/// What a way answers, with what is around a run.
fn rows_per_second(point: &Value) -> f64 {
    const AROUND_MICROS: f64 = 15.0;
    let [micros, rows_per_second] = ["micros", "rowsPerSecond"].map(|field| point[field].as_f64().expect("a number"));
    rows_per_second * micros / (micros + AROUND_MICROS)
}

/// `auto` measures both, chooses what answered more, and says why.
#[tokio::test]
async fn auto_measures_both_and_says_why() {
    let Some(world) = ROOMY.server(&[("SERVOIR_ENGINES__PROFILE_SECONDS", "1")]).await else { return };
    let api = world.server.api();
    let fixture = Fixture::read("xgb_binary");
    let model = api.create_model("churn").await;
    api.upload(&model, fixture.model.clone()).await.expect(201);
    let deployed = api.deploy(&model, json!({"hardware": "auto"})).await.expect(200).json;
    let config = api.get("/v2/models/churn/config").await.expect(200).json;
    let curves = config["servoir"]["profile"]["curves"].as_array().expect("curves");
    // Which of them is the faster is for the machine to say: the choice has to follow from what was measured.
    let best = |device: &str| {
        let of_device = curves.iter().filter(|curve| curve["device"] == device);
        of_device.flat_map(|curve| curve["points"].as_array().expect("points")).map(rows_per_second).fold(0.0, f64::max)
    };
    let (cpu, gpu) = (best("cpu"), best("cuda:0"));
    assert!(cpu > 0.0 && gpu > 0.0, "{curves:?}");
    let chosen = deployed["deployment"]["device"].as_str().expect("a device");
    assert!(["cpu", "cuda:0"].contains(&chosen), "{chosen}");
    // Those within 2 in 100 of each other are equals.
    assert!(best(chosen) >= 0.979 * cpu.max(gpu), "{chosen}: {curves:?}");
    let why = config["servoir"]["chosen_because"].as_str().expect("a reason");
    let engine = deployed["deployment"]["engine"].as_str().expect("an engine");
    assert!(why.starts_with(&format!("{engine} on {chosen}: ")) && why.contains("; the best elsewhere is "), "{why}");
    let left_out = config["servoir"]["profile"]["leftOut"].to_string();
    assert!(left_out.contains("onnxruntime on cuda:0: "), "{left_out}");
}
