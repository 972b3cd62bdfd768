//! `grpc.health.v1.Health`.

use crate::world::World;
use futures_util::StreamExt as _;
use servoir_codec::grpc::proto::{ModelReadyRequest, ServerReadyRequest};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus::{self, NotServing, ServiceUnknown, Serving};
use tonic_health::pb::health_client::HealthClient;

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

#[tokio::test]
async fn health_is_readiness_and_its_changes_are_pushed() {
    let world = World::with(&["echo_FP32"]).await;
    let mut client = HealthClient::new(world.channel.clone());
    for service in ["", "inference.GRPCInferenceService"] {
        let answer = client.check(of(service)).await.expect("a status").into_inner();
        assert_eq!(answer.status(), Serving, "{service}");
    }
    let unknown = client.check(of("other")).await.expect_err("an unknown service");
    assert_eq!(unknown.code(), Code::NotFound, "{unknown:?}");

    let mut statuses = client.watch(of("")).await.expect("a stream").into_inner();
    let mut unknown = client.watch(of("other")).await.expect("a stream").into_inner();
    assert_eq!(next(&mut statuses).await, Ok(Serving));
    assert_eq!(next(&mut unknown).await, Ok(ServiceUnknown));
    let stopping = tokio::spawn(world.server.stop());
    assert_eq!(next(&mut statuses).await, Ok(NotServing));
    assert_eq!(next(&mut statuses).await, Err(Code::Unavailable));
    assert_eq!(next(&mut unknown).await, Err(Code::Unavailable));
    stopping.await.expect("the server stops");
}

async fn next(statuses: &mut tonic::Streaming<tonic_health::pb::HealthCheckResponse>) -> Result<ServingStatus, Code> {
    let answer = statuses.next().await.expect("a status, or why there is none");
    answer.map(|answer| answer.status()).map_err(|status| status.code())
}

#[tokio::test]
async fn readiness_is_an_answer_and_no_failure() {
    let world = World::with(&["echo_FP32"]).await;
    let mut client = world.client();
    assert!(client.server_ready(ServerReadyRequest {}).await.expect("an answer").into_inner().ready);
    let cases = [("echo_FP32", "", true), ("echo_FP32", "1", true), ("echo_FP32", "2", false), ("absent", "", false)];
    for (name, version, ready) in cases {
        let asked = ModelReadyRequest { name: name.to_owned(), version: version.to_owned() };
        assert_eq!(client.model_ready(asked).await.expect("an answer").into_inner().ready, ready, "{name} {version}");
    }
    world.server.stop().await;
}
