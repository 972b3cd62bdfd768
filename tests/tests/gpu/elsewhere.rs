//! What there is of GPUs is told, and what cannot run there is refused with the reason; nothing runs elsewhere unasked.

use super::world::ROOMY;
use serde_json::json;
use servoir_tests::environment;
use servoir_tests::fixture::Fixture;
use servoir_tests::process::ServerProcess;
use tokio::process::Command;

const HARDWARE: &str = "/api/v1/model-registry/hardware";

#[tokio::test]
async fn gpus_are_listed_with_their_memory() {
    let Some(world) = ROOMY.server(&[]).await else { return };
    let listed = world.server.api().get(HARDWARE).await.expect(200).json;
    assert_eq!(listed["gpuReason"], json!(null));
    let profiles = listed["hardware"].as_array().expect("a list");
    let ids: Vec<_> = profiles.iter().map(|profile| profile["id"].as_str().expect("an id")).collect();
    assert_eq!(ids, ["auto", "cpu", "gpu", "gpu-0", "gpu-1"]);
    let first = &profiles[3];
    assert_eq!((&first["device"], &first["name"]), (&json!("cuda:0"), &json!("Emulated Large")));
    assert_eq!((&first["computeCapability"], &first["driver"]), (&json!("9.0"), &json!("13.0")));
    assert_eq!((&first["memoryBytes"], &first["cores"]), (&json!(256 << 20), &json!(null)));
    assert_eq!(first["memoryFreeBytes"], json!(256 << 20));
}

#[tokio::test]
async fn where_there_is_no_driver_that_is_the_reason() {
    let data = tempfile::tempdir().expect("a folder");
    let settings = [("SERVOIR_CUDA__ENABLED", "false".as_ref())];
    let server = ServerProcess::start_with(data.path(), &settings).await;
    let api = server.api();
    let listed = api.get(HARDWARE).await.expect(200).json;
    assert_eq!(listed["gpuReason"], "no device, because `cuda.enabled` is false");
    assert_eq!(listed["count"], 2);
    let model = api.create_model("churn").await;
    api.upload(&model, Fixture::read("xgb_binary").model).await.expect(201);
    for hardware in ["gpu", "gpu-0"] {
        let refused = api.deploy(&model, json!({"hardware": hardware})).await.expect(422);
        assert_eq!(refused.code(), "hardware-unavailable");
        let detail = refused.json["detail"].as_str().expect("a detail");
        assert_eq!(detail, "no device cuda:0, because `cuda.enabled` is false");
    }
    assert_eq!(api.deploy(&model, json!({"hardware": "gpu-x"})).await.expect(422).code(), "hardware-unavailable");
    // The version is as good as before.
    let deployed = api.deploy(&model, json!({"hardware": "auto"})).await.expect(200).json;
    assert_eq!(deployed["deployment"]["device"], "cpu");
}

#[tokio::test]
async fn doctor_tells_of_gpus() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(environment) = ROOMY.environment(folder.path()) else { return };
    let doctor = |environment: Vec<(String, std::ffi::OsString)>| {
        let mut command = Command::new(environment::binary());
        command.args(["doctor", "--output", "json", "--data-dir"]).arg(folder.path().join("data")).envs(environment);
        async move {
            let output = command.output().await.expect("the binary starts");
            let findings: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
            let findings = findings.as_array().expect("a list").clone();
            let about = |finding: &serde_json::Value| {
                let (subject, state) = (finding["subject"].as_str()?, finding["state"].as_str()?);
                subject
                    .starts_with("gpu")
                    .then(|| format!("{subject} {state}: {}", finding["detail"].as_str().unwrap_or("")))
            };
            findings.iter().filter_map(about).collect::<Vec<_>>()
        }
    };
    let told = doctor(environment).await;
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(
        told[0].starts_with("gpu ok: cuda:0 Emulated Large, compute capability 9.0, driver of CUDA 13.0, "),
        "{told:?}"
    );
    assert!(told[2].starts_with("gpu compiler ok: NVRTC 13."), "{told:?}");
    assert!(told[3].starts_with("gpu onnxruntime missing: ") && told[3].contains("onnxruntime-gpu"), "{told:?}");
    let told = doctor(vec![("SERVOIR_CUDA__ENABLED".to_owned(), "false".into())]).await;
    assert_eq!(told, ["gpu missing: no device, because `cuda.enabled` is false"]);
}

/// The library of these tests has no CUDA provider: what it alone can run is refused, and what was live stays.
#[tokio::test]
async fn a_provider_that_is_not_there_is_never_the_cpu_unasked() {
    let Some(world) = ROOMY.server(&[]).await else { return };
    let api = world.server.api();
    let fixture = Fixture::read("mlp_softmax");
    let model = api.create_model("mlp").await;
    api.upload(&model, fixture.model.clone()).await.expect(201);
    api.deploy(&model, json!({"hardware": "cpu"})).await.expect(200);
    let refused = api.deploy(&model, json!({"hardware": "gpu", "tuning": {"engine": "onnxruntime"}})).await.expect(422);
    assert_eq!(refused.code(), "hardware-unavailable");
    let detail = refused.json["detail"].as_str().expect("a detail");
    assert!(detail.contains("cuda:0") && detail.contains("CUDA provider cannot be used"), "{detail}");
    assert!(detail.contains("onnxruntime-gpu") && detail.contains("cuda.libraries"), "{detail}");
    let refused = api.deploy(&model, json!({"hardware": "gpu", "tuning": {"engine": "tract"}})).await.expect(422);
    assert!(refused.json["detail"].as_str().is_some_and(|detail| detail.contains("tract-cuda")), "{:?}", refused.json);
    let state = api.get(&format!("/api/v1/model-registry/models/{model}/status")).await.expect(200).json;
    assert_eq!((&state["device"], &state["state"]), (&json!("cpu"), &json!("ready")));
    api.post("/v2/models/mlp/infer", Fixture::v2_body(&fixture.cases[0])).await.expect(200);
}

/// The same where nobody names an engine and all are measured: the reason is the device's, not that trees do not know networks.
#[tokio::test]
async fn of_all_reasons_the_device_s_own_is_told() {
    let Some(world) = ROOMY.server(&[("SERVOIR_ENGINES__PROFILE_SECONDS", "1")]).await else { return };
    let api = world.server.api();
    let model = api.create_model("mlp").await;
    api.upload(&model, Fixture::read("mlp_softmax").model).await.expect(201);
    let refused = api.deploy(&model, json!({"hardware": "gpu"})).await.expect(422);
    assert_eq!(refused.code(), "hardware-unavailable", "{}", refused.text);
    assert!(refused.json["detail"].as_str().is_some_and(|detail| detail.contains("CUDA provider cannot be used")));
}
