//! Bad input of every kind: the right status, a message that says what to do, and a server that is unharmed.

mod artifacts;
mod bodies;
mod sockets;

use reqwest::Method;
use serde_json::{Value, json};
use servoir_tests::api::{Answer, Api, REGISTRY};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{Database, TestServer};

/// How long the server waits for a request's head, and for more of a body: longer than a busy machine keeps a client from sending
/// them, and short enough that slow ones are seen to be cut off.
const PATIENCE_SECONDS: u64 = 10;

/// A server with a deployed model, and what proves that it still works.
pub struct Target {
    server: TestServer,
    /// A client with all scopes.
    pub api: Api,
    /// The model's id.
    pub model: String,
    good: Value,
}

impl Target {
    /// Starts a server with patience of [`PATIENCE_SECONDS`].
    pub async fn start() -> Self {
        // A connection on which nothing comes for so long is closed here: a client that kept one would send into its end.
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("an HTTP client");
        let server = TestServer::start_for(client, Database::Sqlite, |config| {
            config.limits.body_idle_seconds = PATIENCE_SECONDS;
            config.limits.header_read_seconds = PATIENCE_SECONDS;
            config.limits.predict_body_bytes_max = 1 << 20;
            config.limits.artifact_bytes_max = 4 << 20;
        })
        .await;
        let fixture = Fixture::read("xgb_binary");
        let good = json!({"instances": [Fixture::rows(&fixture.cases[0])[0]]});
        let api = server.api();
        let model = api.serve("churn", fixture.model).await;
        Self { server, api, model, good }
    }

    /// The server's address, for bare sockets.
    pub fn address(&self) -> String {
        self.api.url().trim_start_matches("http://").to_owned()
    }

    /// A good prediction still succeeds.
    #[track_caller]
    pub fn unharmed(&self, after: &str) -> impl Future<Output = ()> {
        let (api, path, good, after) =
            (self.api.clone(), format!("/v1/predict/{}", self.model), self.good.clone(), after.to_owned());
        async move {
            let answer = api.post(&path, good).await;
            assert_eq!(answer.status, 200, "after '{after}' the server is harmed: {}", answer.text);
        }
    }

    /// Stops the server.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// One bad request and how it must be answered.
pub struct Case {
    /// What is wrong with it.
    pub name: &'static str,
    /// The method.
    pub method: Method,
    /// The path; `{model}` is the deployed model's id.
    pub path: &'static str,
    /// The body.
    pub body: Body,
    /// The status.
    pub status: u16,
    /// What the message must name for a person to act on it.
    pub says: &'static [&'static str],
}

/// A body.
pub enum Body {
    /// None.
    Empty,
    /// JSON that a client's library would send.
    Json(Value),
    /// Bytes as they are, called JSON.
    Raw(Vec<u8>),
    /// Bytes as they are, called something else.
    Typed(&'static str, Vec<u8>),
}

/// Sends each case, checks status, message and health, and says which failed all at once.
pub async fn check(target: &Target, cases: &[Case]) {
    let mut wrong = Vec::new();
    for case in cases {
        let answer = send(target, case).await;
        target.unharmed(case.name).await;
        let message = message(&answer).to_lowercase();
        let unsaid: Vec<_> = case.says.iter().filter(|word| !message.contains(&word.to_lowercase())).collect();
        if answer.status.as_u16() != case.status || !unsaid.is_empty() || message.is_empty() {
            wrong.push(format!(
                "{}: expected {} naming {:?}, got {} {}",
                case.name, case.status, case.says, answer.status, answer.text
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases are wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    println!("{} bad requests, each refused in words; the server unharmed", cases.len());
}

async fn send(target: &Target, case: &Case) -> Answer {
    let request = target.api.request(case.method.clone(), &case.path.replace("{model}", &target.model));
    let typed = |media: &str, bytes: &[u8]| ("content-type".to_owned(), media.to_owned(), bytes.to_vec());
    let request = match &case.body {
        Body::Empty => request,
        Body::Json(value) => request.json(value),
        Body::Raw(bytes) | Body::Typed(_, bytes) => {
            let media = if let Body::Typed(media, _) = &case.body { media } else { "application/json" };
            let (name, media, bytes) = typed(media, bytes);
            request.header(name, media).body(bytes)
        }
    };
    target.api.send(request).await
}

/// The words of an error, of either dialect, with those of its fields.
fn message(answer: &Answer) -> String {
    let own = answer.json["detail"].as_str().or(answer.json["error"].as_str()).unwrap_or_default();
    let fields = answer.json["errors"].as_array().map(|fields| format!("{fields:?}")).unwrap_or_default();
    format!("{own} {fields}").trim().to_owned()
}

/// The path of the models.
pub fn models() -> String {
    format!("{REGISTRY}/models")
}
