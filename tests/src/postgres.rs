//! A PostgreSQL database of one test's own.

use crate::environment;
use servoir_types::random_token;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};
use std::str::FromStr as _;

/// A database that exists for as long as the test uses it.
pub struct TestDatabase {
    name: String,
    server: PgConnectOptions,
    url: String,
}

impl TestDatabase {
    /// Makes an empty database on the server that `SERVOIR_TEST_POSTGRES_URL` names.
    ///
    /// # Panics
    /// When there is no such server.
    pub async fn create() -> Self {
        let server_url = environment::required("SERVOIR_TEST_POSTGRES_URL");
        let server = PgConnectOptions::from_str(&server_url).expect("SERVOIR_TEST_POSTGRES_URL is a PostgreSQL URL");
        let name = format!("servoir_test_{}", random_token(12));
        let mut connection = server.connect().await.expect("the PostgreSQL of the tests answers");
        let create = sqlx::AssertSqlSafe(format!("create database {name}"));
        sqlx::raw_sql(create).execute(&mut connection).await.expect("a database can be made");
        connection.close().await.expect("the connection ends");
        let (before_query, query) =
            server_url.split_once('?').map_or((server_url.as_str(), None), |(a, b)| (a, Some(b)));
        let base = match before_query.rsplit_once('/') {
            Some((base, _)) if base.matches('/').count() >= 2 => base,
            _ => before_query,
        };
        let url = format!("{base}/{name}{}", query.map(|query| format!("?{query}")).unwrap_or_default());
        Self { name, server, url }
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Removes it, whoever is still connected.
    pub async fn drop(self) {
        if let Ok(mut connection) = PgConnection::connect_with(&self.server).await {
            let drop = sqlx::AssertSqlSafe(format!("drop database if exists {} with (force)", self.name));
            sqlx::raw_sql(drop).execute(&mut connection).await.expect("the database can be dropped");
        }
    }
}
