//! Sending the rows.

use crate::cli::answer::cell;
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::output::{message, printable};
use crate::cli::push::file_part;
use reqwest::multipart::Form;
use serde_json::Value;
use servoir_types::random_token;
use std::path::Path;

/// Where datasets are.
const DATASETS: [&str; 3] = ["api", "v1", "datasets"];

/// Uploads a file as a dataset, with a bar on a terminal, and says what came of it.
///
/// # Errors
/// When the file cannot be read, or the server refuses it.
pub async fn send(client: &Client, path: &Path) -> Result<Value, Failure> {
    let (part, bar) = file_part(path).await?;
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    // Names are unique; the same file may be trained on twice.
    let form = Form::new().text("name", format!("{stem}-{}", random_token(6))).part("file", part);
    let sent = client.upload(&DATASETS, form).await;
    bar.finish_and_clear();
    let dataset = sent?;
    let columns = dataset["columns"].as_array().map_or(0, Vec::len);
    let (name, rows) = (cell(&dataset, "/name"), cell(&dataset, "/rows"));
    message(&format!("uploaded {rows} rows of {columns} columns as dataset {}", printable(&name)));
    if let Some(broken) = dataset.pointer("/problems/broken_rows").and_then(Value::as_u64).filter(|rows| *rows > 0) {
        message(&format!("{broken} rows are broken and left out; the dataset's `problems` say which"));
    }
    Ok(dataset)
}
