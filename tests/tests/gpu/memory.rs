//! A GPU's memory: flat while versions come and go, and a version for which there is none leaves the live one alone.

use super::world::{Gpus, ROOMY, World};
use serde_json::{Value, json};
use servoir_tests::api::Api;
use servoir_tests::fixture::Fixture;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The least that a GPU must have free for a model of no size.
const HEADROOM: u64 = 64 << 20;
const SWAPS: usize = 200;

async fn free(api: &Api) -> u64 {
    let listed = api.get("/api/v1/model-registry/hardware").await.expect(200).json;
    let gpus = listed["hardware"].as_array().expect("a list").iter().filter(|profile| profile["id"] == "gpu-0");
    gpus.filter_map(|gpu| gpu["memoryFreeBytes"].as_u64()).next().expect("a GPU")
}

/// Two versions in turn while they are asked without a pause: every answer is one of the two's, and no memory is lost.
async fn swaps(world: &World) {
    let api = world.server.api();
    let fixtures = [Fixture::read("xgb_binary"), Fixture::read("xgb_binary_v2")];
    let model = api.create_model("churn").await;
    for fixture in &fixtures {
        api.upload(&model, fixture.model.clone()).await.expect(201);
    }
    let body = Fixture::v2_body(&fixtures[0].cases[0]);
    let mut expected = Vec::new();
    for version in [1, 2] {
        api.deploy(&model, json!({"hardware": "gpu-0", "version": version, "force": true})).await.expect(200);
        expected.push(api.post("/v2/models/churn/infer", body.clone()).await.expect(200).json["outputs"].clone());
    }
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let asker = {
        let (api, stop, asked) = (world.server.api(), Arc::clone(&stop), Arc::clone(&asked));
        let (body, expected) = (body.clone(), expected.clone());
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let answer = api.post("/v2/models/churn/infer", body.clone()).await.expect(200).json;
                let version: usize =
                    answer["model_version"].as_str().and_then(|text| text.parse().ok()).expect("a version");
                assert_eq!(answer["outputs"], expected[version - 1], "version {version}");
                asked.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    // Two versions are in memory from here on: the live one and the way back.
    let mut seen: Vec<u64> = Vec::new();
    for swap in 0..SWAPS {
        let version = 1 + swap % 2;
        api.deploy(&model, json!({"hardware": "gpu-0", "version": version, "force": true})).await.expect(200);
        seen.push(free(&api).await);
    }
    stop.store(true, Ordering::Relaxed);
    asker.await.expect("every answer is right");
    assert!(asked.load(Ordering::Relaxed) > 0);
    // What is freed is freed on threads of its own: at times one version more is in memory.
    let (first, last) = (seen[..10].iter().min(), seen[SWAPS - 10..].iter().max());
    assert!(last >= first, "free at first {:?}, at last {:?}", &seen[..10], &seen[SWAPS - 10..]);
}

#[tokio::test]
async fn memory_is_flat_over_swaps_on_emulated_gpus() {
    let Some(world) = ROOMY.server(&[]).await else { return };
    swaps(&world).await;
}

#[tokio::test]
async fn memory_is_flat_over_swaps_on_the_machine_s_gpus() {
    let Some(world) = Gpus::Real.server(&[]).await else { return };
    swaps(&world).await;
}

#[tokio::test]
async fn a_version_that_has_no_room_is_refused_and_the_live_one_stays() {
    let fixture = Fixture::read("xgb_multiclass");
    // Room for a few versions beyond what must be free.
    let bytes = HEADROOM + 4 * fixture.model.len() as u64;
    let Some(world) = Gpus::Emulated(bytes).server(&[]).await else { return };
    let api = world.server.api();
    let body = Fixture::v2_body(&fixture.cases[0]);
    let mut live: Vec<(String, Value)> = Vec::new();
    let refused = loop {
        let name = format!("model-{}", live.len());
        let model = api.create_model(&name).await;
        api.upload(&model, fixture.model.clone()).await.expect(201);
        let answer = api.deploy(&model, json!({"hardware": "gpu-0"})).await;
        if answer.status.as_u16() != 200 {
            // It is not the version's fault: on the CPU it is live.
            let version = api.get(&format!("/api/v1/model-registry/models/{model}/versions/1")).await.expect(200).json;
            assert_eq!(version["state"], "ready");
            api.deploy(&model, json!({"hardware": "cpu"})).await.expect(200);
            break answer;
        }
        let outputs =
            api.post(&format!("/v2/models/{name}/infer"), body.clone()).await.expect(200).json["outputs"].clone();
        live.push((name, outputs));
        assert!(live.len() < 100, "memory never ends");
    };
    let refused = refused.expect(507);
    assert_eq!(refused.code(), "device-memory");
    let detail = refused.json["detail"].as_str().expect("a detail");
    assert!(detail.starts_with("there is not enough memory on cuda:0: ") && detail.contains("bytes"), "{detail}");
    assert!(!live.is_empty());
    for (name, expected) in &live {
        let answer = api.post(&format!("/v2/models/{name}/infer"), body.clone()).await.expect(200).json;
        assert_eq!(answer["outputs"], *expected, "{name}");
    }
    // A new version of a model that is live: the old one goes on.
    let (name, expected) = &live[0];
    api.upload(name, fixture.model.clone()).await.expect(201);
    let again = api.deploy(name, json!({"hardware": "gpu-0", "version": 2})).await.expect(507);
    assert_eq!(again.code(), "device-memory");
    let answer = api.post(&format!("/v2/models/{name}/infer"), body.clone()).await.expect(200).json;
    assert_eq!((&answer["outputs"], &answer["model_version"]), (expected, &json!("1")));
}
