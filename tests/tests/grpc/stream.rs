//! Predictions over one stream.

use crate::echo;
use crate::world::{Client, World};
use futures_util::{StreamExt as _, stream};
use servoir_codec::grpc::proto::{ModelInferRequest, ModelStreamInferResponse};
use std::time::Duration;
use tokio::sync::mpsc;
use tonic::{Code, Request, Streaming};

/// A stream that is asked one message at a time.
struct Open {
    messages: mpsc::Sender<ModelInferRequest>,
    answers: Streaming<ModelStreamInferResponse>,
}

impl Open {
    async fn with(client: &mut Client) -> Self {
        let (messages, received) = mpsc::channel(1);
        let received = stream::unfold(received, |mut received| async { received.recv().await.map(|m| (m, received)) });
        let answers = client.model_stream_infer(received).await.expect("a stream").into_inner();
        Self { messages, answers }
    }

    async fn ask(&mut self, message: ModelInferRequest) -> ModelStreamInferResponse {
        self.messages.send(message).await.expect("an open stream");
        self.answers.next().await.expect("an answer").expect("no failure of the stream")
    }
}

fn numbered(number: usize) -> ModelInferRequest {
    let message = ModelInferRequest { id: number.to_string(), ..echo([number as f32; 3]) };
    match number % 5 {
        3 => ModelInferRequest { model_name: "absent".into(), ..message },
        4 => ModelInferRequest { raw_input_contents: vec!["".into()], ..message },
        _ => message,
    }
}

#[tokio::test]
async fn answers_come_in_order_and_a_failure_is_one_message_s_own() {
    const MESSAGES: usize = 50;
    let world = World::with(&["echo_FP32"]).await;
    let asked = stream::iter((0..MESSAGES).map(numbered));
    let answers = world.client().model_stream_infer(asked).await.expect("a stream").into_inner();
    let answers: Vec<_> = answers.collect().await;
    assert_eq!(answers.len(), MESSAGES);
    for (number, answer) in answers.into_iter().enumerate() {
        let ModelStreamInferResponse { error_message, infer_response } = answer.expect("no failure of the stream");
        let response = infer_response.expect("a response");
        assert_eq!(response.id, number.to_string());
        match number % 5 {
            3 => assert!(error_message.contains("no model 'absent' is deployed"), "{error_message}"),
            4 => assert!(error_message.contains("takes 3 × 4 bytes, 0 came"), "{error_message}"),
            _ => {
                assert_eq!(error_message, "");
                assert_eq!(response.raw_output_contents, echo([number as f32; 3]).raw_input_contents);
            }
        }
    }
    let counted = |code: &'static str| {
        let world = &world;
        async move { world.metric(&["servoir_requests_total", "protocol=\"grpc\"", code]).await }
    };
    let counts = [counted("code=\"200\"").await, counted("code=\"404\"").await, counted("code=\"400\"").await];
    assert_eq!(counts, [30.0, 10.0, 10.0]);
    world.server.stop().await;
}

#[tokio::test]
async fn a_stream_goes_on_until_its_client_its_deadline_or_the_server_ends_it() {
    let world = World::with(&["echo_FP32"]).await;
    let mut client = world.client();

    let mut open = Open::with(&mut client).await;
    for number in 0..3 {
        assert_eq!(open.ask(numbered(number)).await.infer_response.expect("a response").id, number.to_string());
    }
    drop(open.messages);
    assert!(open.answers.next().await.is_none(), "the stream ends with its messages");

    let mut limited = Request::new(stream::pending());
    limited.set_timeout(Duration::from_millis(500));
    // On a machine that is busy the deadline may pass before there is a stream.
    match client.model_stream_infer(limited).await {
        Ok(stream) => {
            let ended = stream.into_inner().next().await.expect("an end").expect_err("the deadline");
            assert_eq!(ended.code(), Code::DeadlineExceeded, "{ended:?}");
        }
        // The client looks at the clock too, and calls it its own wish.
        Err(ended) => assert!([Code::DeadlineExceeded, Code::Cancelled].contains(&ended.code()), "{ended:?}"),
    }

    let mut open = Open::with(&mut client).await;
    let large = ModelInferRequest { raw_input_contents: vec![vec![0; 5 << 20].into()], ..numbered(0) };
    open.messages.send(large).await.expect("an open stream");
    let ended = open.answers.next().await.expect("an end").expect_err("a message that is too large");
    assert_eq!(ended.code(), Code::ResourceExhausted, "{ended:?}");

    let mut open = Open::with(&mut client).await;
    assert_eq!(open.ask(numbered(0)).await.error_message, "");
    let stopping = tokio::spawn(world.server.stop());
    let ended = open.answers.next().await.expect("an end").expect_err("the server goes");
    assert_eq!((ended.code(), ended.message()), (Code::Unavailable, "the server is shutting down"));
    stopping.await.expect("the server stops");
}

#[tokio::test]
async fn a_key_that_is_revoked_ends_what_a_stream_may_do() {
    let world = World::with(&["echo_FP32"]).await;
    let made = serde_json::json!({"name": "caller", "scopes": ["inference:invoke"]});
    let made = world.api.post("/api/v1/auth/api-keys", made).await.expect(201).json;
    let mut open = Open::with(&mut world.client_with(made["key"].as_str())).await;
    assert_eq!(open.ask(numbered(0)).await.error_message, "");
    let id = made["id"].as_str().expect("an id");
    world.api.delete(&format!("/api/v1/auth/api-keys/{id}")).await.expect(204);
    let refused = open.ask(numbered(1)).await.error_message;
    assert!(refused.contains("unknown, revoked or expired"), "{refused}");
    world.server.stop().await;
}
