//! Server reflection, in both of its versions.

use crate::world::World;
use futures_util::{StreamExt as _, stream};
use std::collections::BTreeSet;

/// The names of the services that a version of reflection lists, and whether it has the file of a symbol.
macro_rules! ask {
    ($version:ident, $channel:expr) => {{
        use tonic_reflection::pb::$version::ServerReflectionRequest;
        use tonic_reflection::pb::$version::server_reflection_client::ServerReflectionClient;
        use tonic_reflection::pb::$version::server_reflection_request::MessageRequest;
        use tonic_reflection::pb::$version::server_reflection_response::MessageResponse;
        let asked = [
            MessageRequest::ListServices(String::new()),
            MessageRequest::FileContainingSymbol("inference.ModelConfig".to_owned()),
        ];
        let asked = asked.map(|asked| ServerReflectionRequest { host: String::new(), message_request: Some(asked) });
        let mut client = ServerReflectionClient::new($channel);
        let answers = client.server_reflection_info(stream::iter(asked)).await.expect("a stream").into_inner();
        let mut services = BTreeSet::new();
        let mut files = 0;
        for answer in answers.collect::<Vec<_>>().await {
            match answer.expect("an answer").message_response.expect("a response") {
                MessageResponse::ListServicesResponse(list) => {
                    services.extend(list.service.into_iter().map(|service| service.name));
                }
                MessageResponse::FileDescriptorResponse(found) => files += found.file_descriptor_proto.len(),
                other => panic!("{other:?}"),
            }
        }
        (services, files)
    }};
}

#[tokio::test]
async fn services_and_messages_are_found() {
    let world = World::with(&[]).await;
    let (v1, v1_files) = ask!(v1, world.channel.clone());
    let (v1alpha, v1alpha_files) = ask!(v1alpha, world.channel.clone());
    for (services, version) in [(v1, "v1"), (v1alpha, "v1alpha")] {
        let reflection = format!("grpc.reflection.{version}.ServerReflection");
        let expected = ["grpc.health.v1.Health", &reflection, "inference.GRPCInferenceService"];
        assert_eq!(services, expected.map(str::to_owned).into());
    }
    assert_eq!((v1_files, v1alpha_files), (1, 1));
    world.server.stop().await;
}
