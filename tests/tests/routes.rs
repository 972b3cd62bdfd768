//! Every route that the API's own document describes, walked as nobody, with the wrong scope, as another organization, and
//! with the right scope alone. A new route is in the document, so it is walked too.

use jsonwebtoken::{EncodingKey, Header, encode};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use servoir_tests::api::{Answer, Api, REGISTRY};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{Database, TestServer};
use servoir_types::{Secret, Timestamp};

const SECRET: &str = "a secret of the tests, of more than 32 bytes";
/// The routes that anybody may call, besides the API's document and its page.
const PUBLIC: &[&str] = &[
    "get /livez",
    "get /readyz",
    "get /metrics",
    "get /v2",
    "get /v2/health/live",
    "get /v2/health/ready",
    // The link itself says who may.
    "get /api/v1/downloads/{token}",
];
/// The routes that any authenticated caller may use.
const ANY_SCOPE: &[&str] = &["get /api/v1/auth/whoami"];

/// One operation of the document.
struct Operation {
    method: Method,
    path: String,
    scope: Option<String>,
}

impl Operation {
    fn name(&self) -> String {
        format!("{} {}", self.method.as_str().to_lowercase(), self.path)
    }
}

fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object().into_iter().flatten().map(move |(method, operation)| Operation {
            method: method.to_uppercase().parse().expect("a method"),
            path: path.clone(),
            scope: operation["x-required-scope"].as_str().map(str::to_owned),
        })
    });
    operations.collect()
}

/// What stands for the document's placeholders.
struct Objects {
    model: String,
    key: String,
    dataset: String,
}

impl Objects {
    fn path(&self, operation: &Operation) -> String {
        let id = if operation.path.contains("/auth/") { &self.key } else { &self.model };
        let path = operation.path.replace("{id}", id).replace("{model}", &self.model);
        let path = path.replace("{version}", "1").replace("{v}", "1").replace("{user_id}", "vic");
        let path = path.replace("{version_id}", "1").replace("{run_id}", "run_none");
        let path = path.replace("{dataset_id}", &self.dataset).replace("{asset_id}", "asset_none");
        let path = path.replace("{baseline_id}", "baseline_none").replace("{alert_id}", "alert_none");
        let path = path.replace("{token}", "none").replace("/compare", "/compare?version_a=1&version_b=1");
        assert!(!path.contains('{'), "the walk does not know what stands for a part of {path}");
        path
    }
}

/// A body that is good enough to get past its own checks.
fn body(operation: &Operation) -> Value {
    match operation.path.rsplit('/').next().unwrap_or_default() {
        "models" if operation.path.contains("/model-registry/") => json!({"name": "walked", "framework": "onnx"}),
        "models" => json!({"name": "walked", "model_type": "auto", "task_type": "regression"}),
        "collaborators" => json!({"user_id": "vic", "role": "viewer"}),
        "{user_id}" => json!({"role": "viewer"}),
        "runs" => json!({"external": true}),
        "logs" => json!({"message": "walked"}),
        "metrics" => json!({"epoch": 1, "metrics": {"loss": 0.5}}),
        "test" => json!({"inputs": {}}),
        "actuals" => json!({"actuals": [{"entityId": "walked", "actual": 1}]}),
        "baselines" => json!({"datasetId": "dataset_none"}),
        "versions" => json!({"artifactUri": format!("servoir://sha256/{}", "0".repeat(64))}),
        "api-keys" => json!({"name": "walked", "scopes": []}),
        "predict" | "{model}" if operation.path.contains("predict") => json!({"instances": [vec![0.5; 30]]}),
        "infer" => json!({"inputs": [{"name": "input", "shape": [1, 30], "datatype": "FP32", "data": vec![0.5; 30]}]}),
        _ => json!({}),
    }
}

async fn call(api: &Api, operation: &Operation, objects: &Objects, token: Option<&str>) -> Answer {
    let request = api.with_key(None).request(operation.method.clone(), &objects.path(operation));
    let request = match token {
        Some(token) => request.header("authorization", format!("Bearer {token}")),
        None => request,
    };
    let has_body = [Method::POST, Method::PUT, Method::PATCH].contains(&operation.method);
    api.send(if has_body { request.json(&body(operation)) } else { request }).await
}

fn token(organization: &str, scopes: &[&str]) -> String {
    let expiry = Timestamp::now().plus_seconds(600).as_millis() / 1000;
    let claims = json!({"sub": "walker", "org": organization, "scope": scopes.join(" "), "exp": expiry});
    encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).expect("a token")
}

/// A model with a live version, a key and a dataset of the walker's own, made anew so that no call meets what another has left.
async fn objects(api: &Api, artifact: &[u8], number: usize) -> Objects {
    let model = api.serve(&format!("walked {number}"), artifact.to_vec()).await;
    let key = api.post("/api/v1/auth/api-keys", json!({"name": "walked", "scopes": ["audit:read"]})).await.expect(201);
    let table = Part::text("a,b\n1,2\n").file_name(format!("walked {number}.csv"));
    let upload = api.request(Method::POST, "/api/v1/datasets").multipart(Form::new().part("file", table));
    let dataset = api.send(upload).await.expect(201);
    let id = |answer: &Answer| answer.json["id"].as_str().expect("an id").to_owned();
    Objects { model, key: id(&key), dataset: id(&dataset) }
}

#[tokio::test]
async fn every_route_asks_who_is_calling_and_what_they_may_do() {
    let server = TestServer::start_with(Database::Sqlite, |config| {
        config.auth.jwt_hs256_secret = Some(Secret::new(SECRET));
    })
    .await;
    let api = server.api();
    let document = api.with_key(None).get("/api/openapi.json").await.expect(200).json;
    let operations = operations(&document);
    assert!(operations.len() >= 25, "the document describes {} operations", operations.len());
    let artifact = Fixture::read("xgb_binary").model;
    let mut wrong = Vec::new();
    let mut check = |operation: &Operation, as_whom: &str, holds: bool, answer: &Answer| {
        if !holds {
            wrong.push(format!("{} as {as_whom}: {} {}", operation.name(), answer.status, answer.text));
        }
    };
    for (number, operation) in operations.iter().enumerate() {
        let objects = objects(&api, &artifact, number).await;
        let nobody = call(&api, operation, &objects, None).await;
        let Some(scope) = operation.scope.as_deref() else {
            let open = PUBLIC.contains(&operation.name().as_str());
            let known = open || ANY_SCOPE.contains(&operation.name().as_str());
            check(operation, "nobody", known && (nobody.status == 401) != open, &nobody);
            continue;
        };
        check(operation, "nobody", nobody.status == 401, &nobody);
        let others: Vec<_> = servoir::auth::scope::ALL.iter().copied().filter(|other| *other != scope).collect();
        let unscoped = call(&api, operation, &objects, Some(&token("default", &others))).await;
        check(operation, "the wrong scope", unscoped.status == 403 && unscoped.text.contains(scope), &unscoped);
        if operation.path.contains('{') {
            let stranger = call(&api, operation, &objects, Some(&token("others", &[scope]))).await;
            check(operation, "another organization", stranger.status == 404, &stranger);
        }
        let rightful = call(&api, operation, &objects, Some(&token("default", &[scope]))).await;
        // Who shares a model is for its administrators to say, whatever the scope.
        let enough = rightful.status != 401 && (rightful.status != 403 || rightful.code() == "role-required");
        check(operation, "the right scope", enough, &rightful);
        let walked = rightful.status.is_success() || rightful.status.is_client_error();
        check(operation, "the right scope", walked, &rightful);
    }
    assert!(wrong.is_empty(), "{} of the walks are wrong:\n{}", wrong.len(), wrong.join("\n"));
    println!("{} operations walked as nobody, wrong scope, other organization, right scope", operations.len());
    // Another organization sees nothing of all this in its lists either.
    let stranger = format!("Bearer {}", token("others", servoir::auth::scope::ALL));
    for (path, list) in [(format!("{REGISTRY}/models"), "models"), ("/api/v1/auth/api-keys".to_owned(), "apiKeys")] {
        let request = api.with_key(None).request(Method::GET, &path).header("authorization", &stranger);
        let answer = api.send(request).await.expect(200);
        assert_eq!((&answer.json["count"], &answer.json[list]), (&json!(0), &json!([])), "{}", answer.text);
    }
    server.stop().await;
}
