//! Every write route that the API's own document describes: a call that succeeds leaves exactly one audit entry, one that is
//! refused leaves none. A new route is in the document, so it needs a case: see `cases`.

mod cases;
mod stand;

use cases::{Case, cases};
use reqwest::Method;
use serde_json::Value;
use servoir_tests::api::{Answer, Api};
use servoir_tests::server::{Database, TestServer};
use servoir_tests::token;
use stand::{Objects, Stand};
use std::collections::BTreeMap;

/// A route that is not only read.
struct Route {
    method: Method,
    path: String,
    /// Whether any authenticated caller may use it.
    is_open: bool,
}

/// The document's operations but for those that read, by their ids.
fn write_routes(document: &Value) -> BTreeMap<String, Route> {
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object().into_iter().flatten().map(move |(method, operation)| (path, method, operation))
    });
    let writes = operations.filter(|(_, method, _)| *method != "get").map(|(path, method, operation)| {
        let id = operation["operationId"].as_str().expect("an operation has an id").to_owned();
        let is_open = operation["x-required-scope"].is_null();
        (id, Route { method: method.to_uppercase().parse().expect("a method"), path: path.clone(), is_open })
    });
    writes.collect()
}

/// One call, and what the audit keeps of it.
struct Call<'a> {
    api: &'a Api,
    route: &'a Route,
    path: String,
    body: String,
    request_id: String,
}

impl Call<'_> {
    async fn make(&self, caller: &Api) -> Answer {
        let request = caller.request(self.route.method.clone(), &self.path).header("x-request-id", &self.request_id);
        if let Some(name) = self.body.strip_prefix(cases::UPLOAD) {
            return caller.send(stand::dataset(request, name)).await;
        }
        if let Some(asset_type) = self.body.strip_prefix(cases::ASSET) {
            return caller.send(stand::asset(request, asset_type)).await;
        }
        let has_body = self.route.method != Method::DELETE;
        let with_body = |request: reqwest::RequestBuilder| {
            request.header("content-type", "application/json").body(self.body.clone())
        };
        caller.send(if has_body { with_body(request) } else { request }).await
    }

    /// The actions of the entries that the call left.
    async fn left(&self) -> Vec<String> {
        let entries = self.api.get("/api/v1/audit-logs?page_size=200").await.expect(200).json;
        let entries = entries["results"].as_array().expect("a page").iter();
        let own = entries.filter(|entry| entry["request_id"] == self.request_id.as_str());
        own.map(|entry| entry["action"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

#[tokio::test]
async fn every_write_leaves_one_entry_and_every_refused_one_none() {
    let server = TestServer::start_with(Database::Sqlite, |config| {
        token::accept(config);
        // What is queued stays so: entries of what comes of a run are no route's.
        config.studio.runs_max = 0;
    })
    .await;
    let api = server.api();
    let document = api.get("/api/openapi.json").await.expect(200).json;
    let routes = write_routes(&document);
    let cases = cases();
    let without: Vec<_> = routes.keys().filter(|id| cases.iter().all(|case| case.operation != **id)).collect();
    assert!(without.is_empty(), "write routes without a case in audit_sweep/cases.rs: {without:?}");
    let mut wrong = Vec::new();
    for case in &cases {
        let route = routes.get(case.operation).unwrap_or_else(|| panic!("no route is called {}", case.operation));
        wrong.extend(walk(&server, route, case).await);
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    println!("{} write routes leave what they should", cases.len());
    server.stop().await;
}

/// What is wrong with a route.
async fn walk(server: &TestServer, route: &Route, case: &Case) -> Vec<String> {
    let api = &server.api();
    let mut wrong = Vec::new();
    let call = async |name: &str, stand: Stand, body: &Value| {
        let objects = Objects::make(server, stand).await;
        let path = objects.fill(&route.path);
        assert!(!path.contains('{'), "{}: the sweep does not know what stands for a part of {path}", case.operation);
        // A text is no body that a route takes: it stands for an upload.
        let body = objects.fill(&body.as_str().map_or_else(|| body.to_string(), str::to_owned));
        Call { api, route, path, body, request_id: format!("{}-{name}", case.operation) }
    };
    let powerless = api.with_token(token::token("nobody", "default", &[]));
    let (stand, body) = &case.refused;
    for (name, call, caller) in [
        ("without scope", call("unscoped", case.stand, &case.body).await, &powerless),
        ("refused", call("refused", *stand, body).await, api),
    ] {
        let answer = call.make(caller).await;
        let left = call.left().await;
        let may_succeed = route.is_open && name == "without scope";
        if !(answer.status.is_client_error() || may_succeed) || !left.is_empty() {
            wrong.push(format!("{} {name}: {} leaves {left:?}: {}", case.operation, answer.status, answer.text));
        }
    }
    let call = call("good", case.stand, &case.body).await;
    let answer = call.make(api).await;
    let left = call.left().await;
    if !answer.status.is_success() || left != Vec::from_iter(case.action) {
        wrong.push(format!("{}: {} leaves {left:?}: {}", case.operation, answer.status, answer.text));
    }
    wrong
}
