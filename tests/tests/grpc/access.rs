//! Who may call what: as over HTTP.

use crate::echo;
use crate::world::{Client, World};
use serde_json::json;
use servoir_codec::grpc::proto::*;
use std::pin::Pin;
use tonic::Code;

type Outcome = Pin<Box<dyn Future<Output = Result<(), tonic::Status>>>>;
type Ask = fn(Client) -> Outcome;

/// Turns a call into one whose outcome alone matters.
macro_rules! ask {
    ($method:ident, $message:expr) => {
        |mut client: Client| -> Outcome { Box::pin(async move { client.$method($message).await.map(|_| ()) }) }
    };
}

#[tokio::test]
async fn calls_ask_for_the_scopes_of_their_twins() {
    let world = World::with(&["echo_FP32"]).await;
    let made = json!({"name": "caller", "scopes": ["inference:invoke"]});
    let made = world.api.post("/api/v1/auth/api-keys", made).await.expect(201);
    let invoke = made.json["key"].as_str().expect("a key");
    let (none, denied, ok) = (Code::Unauthenticated, Code::PermissionDenied, Code::Ok);
    let cases: [(&str, Ask, [Code; 4]); 9] = [
        ("ServerLive", ask!(server_live, ServerLiveRequest {}), [ok, ok, ok, ok]),
        ("ServerReady", ask!(server_ready, ServerReadyRequest {}), [ok, ok, ok, ok]),
        ("ServerMetadata", ask!(server_metadata, ServerMetadataRequest {}), [ok, ok, ok, ok]),
        ("ModelReady", ask!(model_ready, ModelReadyRequest::default()), [none, none, ok, ok]),
        ("ModelInfer", ask!(model_infer, echo([1.0; 3])), [none, none, ok, ok]),
        ("RepositoryIndex", ask!(repository_index, RepositoryIndexRequest::default()), [none, none, ok, ok]),
        ("LogSettings", ask!(log_settings, LogSettingsRequest::default()), [none, none, ok, ok]),
        (
            "RepositoryModelLoad",
            ask!(
                repository_model_load,
                RepositoryModelLoadRequest { model_name: "echo_FP32".into(), ..Default::default() }
            ),
            [none, none, denied, ok],
        ),
        (
            "RepositoryModelUnload",
            ask!(
                repository_model_unload,
                RepositoryModelUnloadRequest { model_name: "echo_FP32".into(), ..Default::default() }
            ),
            [none, none, denied, ok],
        ),
    ];
    let clients = [
        world.client_with(None),
        world.client_with(Some("not-a-key")),
        world.client_with(Some(invoke)),
        world.client(),
    ];
    for (name, ask, expected) in cases {
        for (client, code) in clients.iter().zip(expected) {
            let came = ask(client.clone()).await.map_or_else(|status| status.code(), |()| Code::Ok);
            assert_eq!(came, code, "{name}");
        }
    }
    let refused = world.metric(&["servoir_requests_total", "code=\"401\"", "protocol=\"grpc\""]).await;
    assert_eq!(refused, 2.0, "predictions without a credential are counted");
    world.server.stop().await;
}
