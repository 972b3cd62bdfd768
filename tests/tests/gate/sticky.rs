//! A canary and who meets it: one entity, one version, whatever the request comes by.

use crate::world::versions;
use serde_json::{Value, json};
use servoir_codec::grpc::proto::infer_parameter::ParameterChoice;
use servoir_codec::grpc::proto::model_infer_request::InferInputTensor;
use servoir_codec::grpc::proto::{InferParameter, InferTensorContents, ModelInferRequest};
use servoir_tests::api::{Api, REGISTRY};
use servoir_tests::fixture::Fixture;
use servoir_tests::grpc_client::grpc_inference_service_client::GrpcInferenceServiceClient;
use servoir_tests::server::{BOOTSTRAP_KEY, TestServer};
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

/// Who asks. A share of 30 % of them is 60, with a standard deviation of 6.5.
const ENTITIES: u32 = 200;
const HEADER: &str = "Servoir-Entity";

/// A model whose version 2 is a canary for 30 % of the requests, and a case of its version 1.
async fn with_canary(api: &Api) -> (String, Value) {
    let model = versions(api, "m", &["xgb_binary", "xgb_binary_v2"]).await;
    api.deploy(&model, json!({"version": 2, "strategy": {"canary": {"percent": 30}}})).await.expect(200);
    (model, Fixture::read("xgb_binary").cases[0].clone())
}

/// The version that answers a body, with a header or without.
async fn version(api: &Api, path: &str, body: &Value, header: Option<&str>) -> u64 {
    let request = api.request(reqwest::Method::POST, path).json(body);
    let request = header.into_iter().fold(request, |request, entity| request.header(HEADER, entity));
    let answer = api.send(request).await.expect(200).json;
    let version = answer["version"].as_u64().or_else(|| answer["model_version"].as_str()?.parse().ok());
    version.expect("a version")
}

/// The numbers of a tensor of FP32.
fn numbers(tensor: &Value) -> Vec<f32> {
    let data = tensor["data"].as_array().expect("a list");
    data.iter().map(|value| value.as_f64().map_or(f32::NAN, |value| value as f32)).collect()
}

/// The same as bytes.
fn bytes(tensor: &Value) -> Vec<u8> {
    numbers(tensor).into_iter().flat_map(f32::to_le_bytes).collect()
}

/// The version that answers tensors in binary form behind JSON, which names an entity or leaves that to the header.
async fn version_of_binary(api: &Api, path: &str, case: &Value, (named, header): (Option<&str>, Option<&str>)) -> u64 {
    let (mut inputs, mut binary) = (Vec::new(), Vec::new());
    for (name, tensor) in case["inputs"].as_object().expect("inputs by name") {
        let bytes = bytes(tensor);
        let parameters = json!({"binary_data_size": bytes.len()});
        inputs.push(
            json!({"name": name, "datatype": tensor["datatype"], "shape": tensor["shape"], "parameters": parameters}),
        );
        binary.extend(bytes);
    }
    let mut head = json!({"inputs": inputs});
    if let Some(entity) = named {
        head["parameters"] = json!({"entity_id": entity});
    }
    let head = head.to_string();
    let request = api.request(reqwest::Method::POST, path).header("inference-header-content-length", head.len());
    let request = header.into_iter().fold(request, |request, entity| request.header(HEADER, entity));
    let answer = api.send(request.body([head.as_bytes(), &binary].concat())).await.expect(200).json;
    answer["model_version"].as_str().and_then(|version| version.parse().ok()).expect("a version")
}

/// The version that answers over gRPC, with the numbers as they are or as raw bytes.
async fn version_of_message(
    client: &mut GrpcInferenceServiceClient<Channel>,
    (case, is_raw): (&Value, bool),
    entity: &str,
) -> u64 {
    let tensors = case["inputs"].as_object().expect("inputs by name");
    let inputs = tensors.iter().map(|(name, tensor)| {
        let shape = tensor["shape"].as_array().expect("a list").iter().filter_map(Value::as_i64).collect();
        let contents = InferTensorContents { fp32_contents: numbers(tensor), ..InferTensorContents::default() };
        InferInputTensor {
            name: name.clone(),
            datatype: tensor["datatype"].as_str().expect("a datatype").to_owned(),
            shape,
            contents: (!is_raw).then_some(contents),
            ..InferInputTensor::default()
        }
    });
    let entity = InferParameter { parameter_choice: Some(ParameterChoice::StringParam(entity.to_owned())) };
    let mut request = Request::new(ModelInferRequest {
        model_name: "m".to_owned(),
        inputs: inputs.collect(),
        raw_input_contents: if is_raw { tensors.values().map(|tensor| bytes(tensor).into()).collect() } else { vec![] },
        parameters: [("entity_id".to_owned(), entity)].into(),
        ..ModelInferRequest::default()
    });
    request.metadata_mut().insert("x-api-key", BOOTSTRAP_KEY.parse().expect("a key is ASCII"));
    let answer = client.model_infer(request).await.expect("an answer").into_inner();
    answer.model_version.parse().expect("a version")
}

#[tokio::test]
async fn an_entity_meets_one_version_whatever_it_comes_by() {
    let server = TestServer::start().await;
    let api = server.api();
    let (model, case) = with_canary(&api).await;
    let row = json!(Fixture::rows(&case)[0]);
    let channel = Endpoint::from_shared(server.url()).expect("a URL").connect().await.expect("a connection");
    let mut client = GrpcInferenceServiceClient::new(channel);
    let (v1, v2) = (format!("/v1/predict/{model}"), format!("/v2/models/{model}/infer"));
    let mut by_canary = 0;
    for number in 0..ENTITIES {
        let entity = format!("customer \"{number}\"");
        let expected = version(&api, &v1, &json!({"instances": [row], "entityId": entity}), None).await;
        let mut tensors = Fixture::v2_body(&case);
        let silent = tensors.clone();
        tensors["parameters"] = json!({"entity_id": entity});
        let others = [
            version(&api, &v1, &json!({"entityIds": [entity], "instances": [row]}), None).await,
            version(&api, &v1, &json!({"instances": [row, row]}), Some(&entity)).await,
            version(&api, &format!("{REGISTRY}/models/{model}/predict"), &json!({"input_data": row}), Some(&entity))
                .await,
            version(&api, &v2, &tensors, None).await,
            version(&api, &v2, &silent, Some(&entity)).await,
            version_of_binary(&api, &v2, &case, (Some(&entity), None)).await,
            version_of_binary(&api, &v2, &case, (None, Some(&entity))).await,
            version_of_binary(&api, &v2, &case, (Some("another"), Some(&entity))).await,
            version_of_message(&mut client, (&case, false), &entity).await,
            version_of_message(&mut client, (&case, true), &entity).await,
        ];
        assert_eq!(others, [expected; 10], "{entity}");
        by_canary += u32::from(expected == 2);
    }
    assert!((28..=92).contains(&by_canary), "{by_canary} of {ENTITIES} met the canary");
    server.stop().await;
}

#[tokio::test]
async fn the_header_goes_first_and_what_is_about_several_goes_by_turns() {
    let server = TestServer::start().await;
    let api = server.api();
    let (model, case) = with_canary(&api).await;
    let row = json!(Fixture::rows(&case)[0]);
    let path = format!("/v1/predict/{model}");
    let about = |entity: &str| json!({"instances": [row], "entityId": entity});
    let mut met = [None, None];
    for number in 0..ENTITIES {
        let entity = number.to_string();
        let version = version(&api, &path, &about(&entity), None).await;
        met[usize::from(version == 2)].get_or_insert(entity);
    }
    let [Some(stays), Some(meets)] = met else { panic!("some met the canary and some did not: {met:?}") };
    assert_eq!(version(&api, &path, &about(&stays), Some(&meets)).await, 2);
    assert_eq!(version(&api, &path, &about(&meets), Some(&stays)).await, 1);
    assert_eq!(version(&api, &format!("{path}?version=1"), &about(&meets), None).await, 1, "a named version");
    let several = json!({"instances": [row, row], "entityIds": [stays, meets]});
    let mut by_canary = 0;
    for _ in 0..100 {
        by_canary += u32::from(version(&api, &path, &several, None).await == 2);
    }
    assert_eq!(by_canary, 30);
    server.stop().await;
}
