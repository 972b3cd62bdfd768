//! A model whose traffic is counted: its baseline is put into the database while no server runs on it.

use crate::random::Random;
use anyhow::{Context as _, Result};
use servoir_monitor::{Baseline, CategoryProfile, Column, NumberProfile, Precision};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::path::Path;
use tokio::runtime::Runtime;

/// The features of churn, which have no names.
const FEATURES: usize = 30;
/// Rows of the baseline.
const ROWS: usize = 20_000;

/// Gives version 1 of a model a baseline of numbers as the load has them, and of churn's outputs.
///
/// # Errors
/// When there is no such model.
pub fn give_baseline(data: &Path, name: &str) -> Result<()> {
    let body = String::from_utf8(profile().to_json())?;
    Runtime::new()?.block_on(async {
        let inserted = sqlx::query(
            "insert into baselines (id, model, version, source, row_count, body, active, created_by, created_at) \
             select 'baseline_bench', id, 1, 'upload', $2, $3, 1, 'a benchmark', 0 from models where name = $1",
        )
        .bind(name)
        .bind(i64::try_from(ROWS)?)
        .bind(body)
        .execute(&mut database(data).await?)
        .await?;
        (inserted.rows_affected() == 1).then_some(()).context("the model is not there")
    })
}

/// How many rows were counted.
///
/// # Errors
/// When the database cannot be read.
pub fn rows(data: &Path) -> Result<i64> {
    Runtime::new()?.block_on(async {
        let sum = "select coalesce(sum(counted_rows), 0) from monitoring_buckets where baseline <> ''";
        Ok(sqlx::query_scalar(sum).fetch_one(&mut database(data).await?).await?)
    })
}

async fn database(data: &Path) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(data.join("servoir.db"));
    Ok(SqliteConnection::connect_with(&options).await?)
}

fn profile() -> Baseline {
    let mut random = Random::new();
    let mut column = |name: String| {
        let values: Vec<f64> = (0..ROWS).map(|_| f64::from(random.number()) * 6.0 - 3.0).collect();
        Column::number(name, NumberProfile::of(&values, Precision::Single))
    };
    let features = (0..FEATURES).map(|index| column(format!("feature {index}"))).collect();
    let numbers = ["confidence", "probabilities.0", "probabilities.1"].map(|name| column(name.to_owned()));
    let label = Column::category("label", CategoryProfile::of([Some("0"), Some("1")]));
    Baseline::new(ROWS as u64, features, [vec![label], numbers.to_vec()].concat())
}
