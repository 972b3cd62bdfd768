//! Calls that cannot be made, and messages that cannot be read.

use crate::echo;
use crate::plain::{Headers, Then, call, frame};
use crate::world::World;
use servoir_codec::grpc::proto::ModelInferRequest;
use tonic::Code;

const INFER: &str = "/inference.GRPCInferenceService/ModelInfer";

/// A path, headers, a body, how it goes on, and what comes of it.
type Case<'a> = (&'a str, Headers<'a>, &'a [u8], Then, Code, &'a str);

#[tokio::test]
async fn what_cannot_be_read_is_refused_in_words() {
    let world = World::with(&["echo_FP32"]).await;
    let good = frame(&echo([1.0, 2.0, 3.0]));
    let broken = [&[0, 0, 0, 0, 2], &[0xff, 0xff][..]].concat();
    let many = ModelInferRequest { raw_input_contents: vec!["".into(); 20_000], ..Default::default() };
    // The limit is 4 MiB of tensors; a longer message is refused by its first five bytes.
    let long = [&[0], &(5u32 << 20).to_be_bytes()[..]].concat();
    let cases: [Case<'_>; 12] = [
        (INFER, &[], &good, Then::End, Code::Ok, ""),
        (INFER, &[], &broken, Then::End, Code::InvalidArgument, "cannot be read"),
        (INFER, &[], &good[..10], Then::End, Code::InvalidArgument, "cannot be read"),
        (INFER, &[], b"", Then::End, Code::InvalidArgument, "cannot be read"),
        (INFER, &[], &frame(&many), Then::End, Code::InvalidArgument, "more than 16384 fields"),
        (INFER, &[], &long, Then::Silence, Code::ResourceExhausted, "larger than the limit of 4259840 bytes"),
        (INFER, &[("grpc-encoding", "snappy")], &good, Then::End, Code::Unimplemented, "`snappy`"),
        (INFER, &[("grpc-timeout", "soon")], &good, Then::End, Code::InvalidArgument, "'soon' came"),
        ("/inference.GRPCInferenceService/Explain", &[], &good, Then::End, Code::Unimplemented, "there is no call"),
        ("/inference.Other/ModelInfer", &[], &good, Then::End, Code::Unimplemented, "/inference.Other/ModelInfer"),
        ("/", &[], &good, Then::End, Code::Unimplemented, "there is no call /"),
        (
            "/inference.GRPCInferenceService/ServerLive",
            &[],
            &[&[0, 0, 1, 0, 1][..], &[0; 65_537]].concat(),
            Then::End,
            Code::ResourceExhausted,
            "larger than the limit of 65536 bytes",
        ),
    ];
    for (path, headers, body, then, code, says) in cases {
        let reply = call(world.api.url(), path, headers, body, then).await;
        assert_eq!(reply.code(), code, "{path}: {reply:?}");
        let message = reply.message();
        assert!(message.contains(says), "{says}: {message}");
        assert_eq!(reply.text("content-type"), "application/grpc", "{reply:?}");
    }
    let known = call(world.api.url(), INFER, &[("grpc-encoding", "snappy")], &good, Then::End).await;
    assert_eq!(known.text("grpc-accept-encoding"), "identity,gzip,deflate");
    world.server.stop().await;
}
