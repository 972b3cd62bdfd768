//! The Registry API and the keys' API, endpoint by endpoint, on SQLite and on PostgreSQL.

mod conditions;
mod deployments;
mod document;
mod idempotency;
mod keys;
mod models;
mod tenancy;
mod uploads;
mod versions;

use serde_json::Value;
use servoir::config::Config;
use servoir_tests::api::REGISTRY;
use servoir_tests::server::{Database, TestServer};
use std::collections::BTreeSet;

/// Every story is told on both.
const DATABASES: [Database; 2] = [Database::Sqlite, Database::Postgres];

/// Starts one server per database, one after the other, and tells the story on each.
async fn on_both<F: AsyncFn(&TestServer)>(story: F) {
    on_both_with(|_| {}, story).await;
}

/// The same with a configuration that `change` has seen last.
async fn on_both_with<F: AsyncFn(&TestServer)>(change: impl Fn(&mut Config), story: F) {
    for database in DATABASES {
        println!("on {database:?}");
        let server = TestServer::start_with(database, &change).await;
        story(&server).await;
        server.stop().await;
    }
}

fn models() -> String {
    format!("{REGISTRY}/models")
}

fn model(id: &str) -> String {
    format!("{REGISTRY}/models/{id}")
}

fn keys_of(object: &Value) -> BTreeSet<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// The named fields of each item of a list.
fn column(list: &Value, field: &str) -> Vec<Value> {
    list.as_array().expect("a list").iter().map(|item| item[field].clone()).collect()
}

/// The pointers of a validation problem.
fn pointers(problem: &Value) -> Vec<Value> {
    column(&problem["errors"], "pointer")
}
