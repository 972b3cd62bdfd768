//! gRPC and everything else on one port; gRPC and management on two.

use crate::world::{World, connect};
use crate::{echo, little_endian};
use serde_json::json;
use servoir_codec::grpc::proto::ServerLiveRequest;
use servoir_tests::grpc_client::grpc_inference_service_client::GrpcInferenceServiceClient;
use tonic::Code;

#[tokio::test]
async fn one_port_speaks_all() {
    let world = World::with(&["echo_FP32"]).await;
    let mut client = world.client();
    for number in 0..3u8 {
        let numbers = [f32::from(number); 3];
        let http = world.api.post("/v1/predict/echo_FP32", json!({"instances": [numbers]})).await.expect(200);
        assert_eq!(http.json["predictions"], json!([numbers]));
        let grpc = client.model_infer(echo(numbers)).await.expect("an answer").into_inner();
        assert_eq!(grpc.raw_output_contents, [little_endian(&numbers)]);
    }
    world.server.stop().await;
}

#[tokio::test]
async fn the_port_of_management_answers_no_calls() {
    let world = World::configured(&[], |config| {
        config.admin_listen = Some("127.0.0.1:0".parse().expect("an address"));
    })
    .await;
    world.client().server_live(ServerLiveRequest {}).await.expect("an answer");
    let admin = world.server.admin_api().expect("a listener for management");
    let mut client = GrpcInferenceServiceClient::new(connect(admin.url()).await);
    let refused = client.server_live(ServerLiveRequest {}).await.expect_err("refused");
    assert_eq!(refused.code(), Code::Unimplemented, "{refused:?}");
    assert!(refused.message().contains("this port is for management"), "{refused:?}");
    world.server.stop().await;
}
