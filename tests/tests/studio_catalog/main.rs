//! The catalog side of the Studio, endpoint by endpoint, on SQLite and on PostgreSQL.

mod audit;
mod config;
mod models;
mod people;
mod settings;
mod training;
mod views;

use serde_json::{Value, json};
use servoir_tests::api::Api;
use servoir_tests::server::{Database, TestServer};
use servoir_tests::token;

/// Where the Studio's models are.
const MODELS: &str = "/api/v1/models";

/// Starts one server per database, one after the other, and tells the story on each.
async fn on_both<F: AsyncFn(&TestServer)>(story: F) {
    for database in [Database::Sqlite, Database::Postgres] {
        println!("on {database:?}");
        let server = TestServer::start_with(database, token::accept).await;
        story(&server).await;
        server.stop().await;
    }
}

fn model(id: &str) -> String {
    format!("{MODELS}/{id}")
}

/// Makes a classifier; its id.
async fn make(api: &Api, name: &str) -> String {
    let body = json!({"name": name, "model_type": "auto", "task_type": "classification"});
    let made = api.post(MODELS, body).await.expect(201);
    made.json["id"].as_str().expect("an id").to_owned()
}

/// A colleague with the scopes of both dialects.
fn colleague(api: &Api, subject: &str) -> Api {
    let scopes = ["studio:read", "studio:write", "model-registry:read", "model-registry:write", "audit:read"];
    api.with_token(token::token(subject, "default", &scopes))
}

/// The named fields of each item of a list.
fn column(list: &Value, field: &str) -> Vec<Value> {
    list.as_array().expect("a list").iter().map(|item| item[field].clone()).collect()
}

/// The pointers of a validation problem.
fn pointers(problem: &Value) -> Vec<Value> {
    column(&problem["errors"], "pointer")
}
