//! What server and models say of themselves: the same as over HTTP.

use crate::echo;
use crate::world::World;
use serde_json::{Value, json};
use servoir_codec::grpc::proto::model_config::SchedulingChoice;
use servoir_codec::grpc::proto::*;
use tonic::Code;

#[tokio::test]
async fn metadata_and_configuration_are_those_of_http() {
    let world = World::with(&["two_inputs_add"]).await;
    let mut client = world.client();
    let server = client.server_metadata(ServerMetadataRequest {}).await.expect("an answer").into_inner();
    let http = world.api.get("/v2").await.expect(200).json;
    assert_eq!(json!({"name": server.name, "version": server.version, "extensions": server.extensions}), http);

    let name = "two_inputs_add".to_owned();
    let asked = ModelMetadataRequest { name: name.clone(), version: "1".into() };
    let model = client.model_metadata(asked).await.expect("an answer").into_inner();
    let http = world.api.get("/v2/models/two_inputs_add").await.expect(200).json;
    let tensors = |tensors: &[model_metadata_response::TensorMetadata]| {
        let tensor = |t: &model_metadata_response::TensorMetadata| json!({"name": t.name, "datatype": t.datatype, "shape": t.shape});
        Value::from(tensors.iter().map(tensor).collect::<Vec<_>>())
    };
    assert_eq!((&json!(model.name), &json!(model.versions)), (&http["name"], &http["versions"]));
    assert_eq!((tensors(&model.inputs), tensors(&model.outputs)), (http["inputs"].clone(), http["outputs"].clone()));

    let asked = ModelConfigRequest { name, version: String::new() };
    let config = client.model_config(asked).await.expect("an answer").into_inner().config.expect("a configuration");
    let http = world.api.get("/v2/models/two_inputs_add/config").await.expect(200).json;
    assert_eq!(json!(config.max_batch_size), http["max_batch_size"]);
    let input = |n: usize| json!({"name": config.input[n].name, "data_type": config.input[n].data_type().as_str_name(), "dims": config.input[n].dims});
    assert_eq!(json!([input(0), input(1)]), http["input"]);
    assert_eq!(json!(config.instance_group[0].count), http["instance_group"][0]["count"]);
    let Some(SchedulingChoice::DynamicBatching(batching)) = &config.scheduling_choice else { panic!("{config:?}") };
    assert_eq!(json!(batching.preferred_batch_size), http["dynamic_batching"]["preferred_batch_size"]);
    world.server.stop().await;
}

#[tokio::test]
async fn statistics_count_what_was_done() {
    let world = World::with(&["echo_FP32"]).await;
    let mut client = world.client();
    for _ in 0..3 {
        client.model_infer(echo([1.0; 3])).await.expect("an answer");
    }
    for name in ["echo_FP32", ""] {
        let asked = ModelStatisticsRequest { name: name.to_owned(), version: String::new() };
        let all = client.model_statistics(asked).await.expect("an answer").into_inner().model_stats;
        let [model] = &all[..] else { panic!("{all:?}") };
        assert_eq!((&*model.name, &*model.version, model.inference_count), ("echo_FP32", "1", 3));
        let requests = model.inference_stats.as_ref().expect("statistics");
        let success = requests.success.as_ref().expect("successes");
        assert!(success.count == 3 && success.ns > 0, "{requests:?}");
    }
    let ok = ["servoir_requests_total", "protocol=\"grpc\"", "code=\"200\"", "model=\"echo_FP32\""];
    assert_eq!(world.metric(&ok).await, 3.0);
    assert_eq!(world.metric(&["servoir_prediction_rows_total", "model=\"echo_FP32\""]).await, 3.0);
    world.server.stop().await;
}

#[tokio::test]
async fn models_are_listed_brought_up_and_taken_down() {
    let world = World::with(&["echo_FP32"]).await;
    let mut client = world.client();
    let model_name = "echo_FP32".to_owned();
    let unload = || RepositoryModelUnloadRequest { model_name: model_name.clone(), ..Default::default() };
    let load = || RepositoryModelLoadRequest { model_name: model_name.clone(), ..Default::default() };
    for (state, code) in [("READY", Code::Ok), ("UNAVAILABLE", Code::NotFound), ("READY", Code::Ok)] {
        let listed = client.repository_index(RepositoryIndexRequest::default()).await.expect("an answer").into_inner();
        let [model] = &listed.models[..] else { panic!("{listed:?}") };
        assert_eq!((&*model.name, &*model.version, &*model.state), ("echo_FP32", "1", state));
        let answered = client.model_infer(echo([1.0; 3])).await.map_or_else(|status| status.code(), |_| Code::Ok);
        assert_eq!(answered, code);
        match code {
            Code::Ok => drop(client.repository_model_unload(unload()).await.expect("unloaded")),
            _ => drop(client.repository_model_load(load()).await.expect("loaded")),
        }
    }
    let mut other = load();
    let file = model_repository_parameter::ParameterChoice::BytesParam("model".into());
    let file = ModelRepositoryParameter { parameter_choice: Some(file) };
    other.parameters.insert("file:1/model.onnx".into(), file);
    let refused = client.repository_model_load(other).await.expect_err("refused");
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
    assert!(refused.message().contains("a model's files come from the registry"), "{refused:?}");
    world.server.stop().await;
}

#[tokio::test]
async fn what_is_not_here_says_so() {
    let world = World::with(&[]).await;
    let mut client = world.client();
    let regions = client.system_shared_memory_status(SystemSharedMemoryStatusRequest::default()).await;
    assert!(regions.expect("an answer").into_inner().regions.is_empty());
    client.cuda_shared_memory_unregister(CudaSharedMemoryUnregisterRequest::default()).await.expect("an answer");
    let register = client.system_shared_memory_register(SystemSharedMemoryRegisterRequest::default()).await;
    let trace = client.trace_setting(TraceSettingRequest::default()).await;
    let refused = [
        (register.map(|_| ()), Code::InvalidArgument, "no tensors through shared memory"),
        (trace.map(|_| ()), Code::NotFound, "no tracer"),
    ];
    for (outcome, code, says) in refused {
        let status = outcome.expect_err(says);
        assert_eq!(status.code(), code, "{status:?}");
        assert!(status.message().contains(says), "{status:?}");
    }
    let read = client.log_settings(LogSettingsRequest::default()).await.expect("an answer").into_inner();
    let format = log_settings_response::setting_value::ParameterChoice::StringParam("default".into());
    assert_eq!(read.settings["log_format"].parameter_choice, Some(format));
    let level = log_settings_request::setting_value::ParameterChoice::BoolParam(true);
    for name in ["log_verbose_level", "log_colour"] {
        let value = log_settings_request::SettingValue { parameter_choice: Some(level.clone()) };
        let asked = LogSettingsRequest { settings: [(name.to_owned(), value)].into() };
        let refused = client.log_settings(asked).await.expect_err("refused");
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
        assert!(refused.message().contains(name), "{refused:?}");
    }
    world.server.stop().await;
}
