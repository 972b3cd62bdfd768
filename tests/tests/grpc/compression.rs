//! Compressed messages, both ways.

use crate::world::World;
use crate::{little_endian, request};
use tonic::Code;
use tonic::codec::CompressionEncoding::{self, Deflate, Gzip};

#[tokio::test]
async fn who_compresses_is_answered_so_and_nobody_else() {
    let world = World::with(&["echo_FP32"]).await;
    let rows = 1000;
    let message = || request("echo_FP32", ("input", "FP32", &[rows, 3]), little_endian(&vec![0.5; 3 * rows as usize]));
    let cases: [(Option<CompressionEncoding>, Option<&str>); 3] =
        [(Some(Gzip), Some("gzip")), (Some(Deflate), Some("deflate")), (None, None)];
    for (encoding, expected) in cases {
        // As the clients of other languages do, every call says that it could read both.
        let mut client = world.client().accept_compressed(Gzip).accept_compressed(Deflate);
        if let Some(encoding) = encoding {
            client = client.send_compressed(encoding);
        }
        let answer = client.model_infer(message()).await.expect("an answer");
        let came = answer.metadata().get("grpc-encoding").and_then(|value| value.to_str().ok()).map(str::to_owned);
        assert_eq!(came.as_deref(), expected);
        assert_eq!(answer.get_ref().raw_output_contents, message().raw_input_contents);
    }
    world.server.stop().await;
}

#[tokio::test]
async fn what_is_too_large_when_it_is_unpacked_is_refused() {
    let world = World::with(&["echo_FP32"]).await;
    let rows = 500_000;
    let message = request("echo_FP32", ("input", "FP32", &[rows, 3]), vec![0; 12 * rows as usize]);
    for client in [world.client(), world.client().send_compressed(Gzip), world.client().send_compressed(Deflate)] {
        let status = client.clone().model_infer(message.clone()).await.expect_err("refused");
        assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
        assert!(status.message().contains("larger than the limit"), "{status:?}");
    }
    world.server.stop().await;
}
