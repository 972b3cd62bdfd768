//! Deadlines end calls, and calls that nobody waits for cost nothing.

use crate::plain::{Then, call, frame};
use crate::world::World;
use crate::{echo, little_endian, request};
use futures_util::future::join_all;
use servoir_codec::grpc::proto::infer_parameter::ParameterChoice;
use servoir_codec::grpc::proto::{InferParameter, ModelInferRequest, ModelStatisticsRequest};
use std::time::Duration;
use tonic::Code;

const INFER: &str = "/inference.GRPCInferenceService/ModelInfer";
/// How long what was asked for may take to be seen.
const SEEN_WITHIN: Duration = Duration::from_secs(20);

/// A body, how it goes on, `grpc-timeout`, and what comes of it.
type Case<'a> = (&'a [u8], Then, Option<&'a str>, Code, &'a str);

fn slow() -> ModelInferRequest {
    request("slow", ("x", "FP32", &[1, 1]), little_endian(&[1.0]))
}

/// Whether a call so made ends so.
async fn check(world: &World, (body, then, timeout, code, says): Case<'_>) {
    let headers: Vec<_> = timeout.map(|timeout| ("grpc-timeout", timeout)).into_iter().collect();
    let reply = call(world.api.url(), INFER, &headers, body, then).await;
    assert_eq!(reply.code(), code, "{timeout:?}: {reply:?}");
    assert!(reply.message().contains(says), "{says}: {reply:?}");
}

#[tokio::test]
async fn a_caller_s_deadline_ends_the_call() {
    let world = World::configured(&["slow"], |config| config.limits.body_idle_seconds = 600).await;
    let mut timeout = slow();
    let one = InferParameter { parameter_choice: Some(ParameterChoice::Int64Param(1)) };
    timeout.parameters.insert("timeout".into(), one);
    let (late, started) = (Code::DeadlineExceeded, &frame(&echo([1.0; 3]))[..8]);
    let cases: [Case<'_>; 5] = [
        (&frame(&slow()), Then::End, Some("20S"), Code::Ok, ""),
        (&frame(&slow()), Then::End, Some("1m"), late, "grpc-timeout passed"),
        (&frame(&timeout), Then::End, Some("20S"), late, "deadline"),
        (&frame(&timeout), Then::End, None, late, "deadline"),
        (started, Then::Silence, Some("50m"), late, "grpc-timeout passed"),
    ];
    for case in cases {
        check(&world, case).await;
    }
    let late = world.metric(&["servoir_requests_total", "protocol=\"grpc\"", "code=\"504\""]).await;
    assert_eq!(late, 4.0);
    world.server.stop().await;
}

#[tokio::test]
async fn a_call_whose_body_stalls_ends() {
    // No model is served: uploading one would be held to the same second.
    let world = World::configured(&[], |config| config.limits.body_idle_seconds = 1).await;
    let started = &frame(&echo([1.0; 3]))[..8];
    check(&world, (started, Then::Silence, None, Code::DeadlineExceeded, "no byte of the body came for 1 s")).await;
    let counted = async |code: &str| world.metric(&["servoir_requests_total", "protocol=\"grpc\"", code]).await;
    assert_eq!((counted("code=\"408\"").await, counted("code=\"504\"").await), (1.0, 0.0));
    world.server.stop().await;
}

#[tokio::test]
async fn calls_that_are_cancelled_are_not_run() {
    // Many more than are run while half of them come in and all are called off.
    const CALLS: usize = 150;
    let world = World::configured(&["slow"], |config| config.batching.batch_rows_max = 1).await;
    let asked = tokio::spawn(join_all((0..CALLS).map(|_| {
        let mut client = world.client();
        async move { client.model_infer(slow()).await }
    })));
    let inside = ["servoir_model_requests_in_flight", "model=\"slow\""];
    let all_inside = async { while world.metric(&inside).await < CALLS as f64 / 2.0 {} };
    tokio::time::timeout(SEEN_WITHIN, all_inside).await.expect("the calls are there");
    asked.abort();
    let all_gone = async { while world.metric(&inside).await > 0.0 {} };
    tokio::time::timeout(SEEN_WITHIN, all_gone).await.expect("the calls are gone");
    let asked = ModelStatisticsRequest { name: "slow".into(), version: String::new() };
    let statistics = world.client().model_statistics(asked).await.expect("statistics").into_inner();
    let executions = statistics.model_stats[0].execution_count;
    assert!(executions < CALLS as u64 / 2, "{executions} of {CALLS} were run for nobody");
    world.server.stop().await;
}
