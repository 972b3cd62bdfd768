//! Long messages share the memory of all bodies.

use crate::plain::{self, Then};
use crate::world::World;
use crate::{echo, little_endian, request};
use futures_util::{StreamExt as _, stream};
use servoir_codec::grpc::proto::ModelInferRequest;
use std::ops::RangeInclusive;
use std::time::Duration;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::{Code, Status};

const KIB: usize = 1024;
const ALL: usize = 256 * KIB;
const PATIENCE: Duration = Duration::from_secs(30);

/// A message of 120,000 bytes, which compresses well.
fn long() -> ModelInferRequest {
    let rows = 10_000;
    request("echo_FP32", ("input", "FP32", &[rows, 3]), little_endian(&vec![0.5; 3 * rows as usize]))
}

/// Waits until so much is free.
async fn free(world: &World, bytes: RangeInclusive<usize>) {
    let waited = async {
        while !bytes.contains(&world.server.app().bodies.free_bytes()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.expect("the server reads what is sent, and lets it go");
}

fn is_without_room(status: &Status) {
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    let reason = "the bodies of all requests together would take more than 262144 bytes; try again in a second";
    assert_eq!(status.message(), reason);
    assert_eq!(status.metadata().get("retry-after").and_then(|seconds| seconds.to_str().ok()), Some("1"));
}

#[tokio::test]
async fn long_messages_share_the_bounded_memory_of_bodies() {
    let world = World::configured(&["echo_FP32"], |config| config.limits.bodies_bytes_max = ALL).await;
    let (mut client, mut compressing) = (world.client(), world.client().send_compressed(Gzip));
    client.model_infer(long()).await.expect("there is room");
    free(&world, ALL..=ALL).await;

    // Somebody has sent most of a long message, and does not go on.
    let url = world.api.url().to_owned();
    let slow = tokio::spawn(async move {
        let length = u32::try_from(250 * KIB).expect("a length").to_be_bytes();
        let part = [&[0][..], &length, &vec![0; 200 * KIB]].concat();
        plain::call(&url, "/inference.GRPCInferenceService/ModelInfer", &[], &part, Then::Silence).await
    });
    free(&world, 0..=56 * KIB).await;
    is_without_room(&client.model_infer(long()).await.expect_err("no room"));
    is_without_room(&compressing.model_infer(long()).await.expect_err("no room once it is unpacked"));
    client.model_infer(echo([1.0; 3])).await.expect("short ones are not held up");
    for client in [&mut client, &mut compressing] {
        let messages = stream::iter([echo([1.0; 3]), long(), echo([2.0; 3])]);
        let mut answers = client.model_stream_infer(messages).await.expect("a stream").into_inner();
        let first = answers.next().await.expect("an answer").expect("no failure of the stream");
        assert_eq!(first.error_message, "");
        is_without_room(&answers.next().await.expect("an end").expect_err("no room"));
    }

    slow.abort();
    free(&world, ALL..=ALL).await;
    for client in [&mut client, &mut compressing] {
        client.model_infer(long()).await.expect("there is room again");
        let messages = stream::iter(vec![long(); 10]);
        let answers: Vec<_> = client.model_stream_infer(messages).await.expect("a stream").into_inner().collect().await;
        // As many as find room, then it ends: how many that are depends on how fast they come.
        assert!(answers.first().is_some_and(Result::is_ok), "{answers:?}");
        answers.iter().filter_map(|answer| answer.as_ref().err()).for_each(is_without_room);
        free(&world, ALL..=ALL).await;
    }
    world.server.stop().await;
}
