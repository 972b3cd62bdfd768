//! Lists that come in pages.

use super::answer::items;
use super::client::{Client, ClientError};
use serde_json::{Value, json};

/// Items per page: the most that a server gives at once.
const PAGE_ITEMS: usize = 200;
/// The most items that are listed.
const ITEMS_MAX: usize = 10_000;

/// Every page of a list as one list, in the form of a page: `count` and the items under their plural.
///
/// # Errors
/// Those of any page.
pub async fn every(client: &Client, path: &[&str], query: &[(&str, &str)], plural: &str) -> Result<Value, ClientError> {
    let limit = PAGE_ITEMS.to_string();
    let mut all = Vec::new();
    loop {
        let offset = all.len().to_string();
        let page = client.get(path, &[query, &[("limit", limit.as_str()), ("offset", &offset)]].concat()).await?;
        let found = items(&page, plural);
        all.extend_from_slice(found);
        let total = page["count"].as_u64().unwrap_or(0);
        if found.is_empty() || all.len() as u64 >= total || all.len() >= ITEMS_MAX {
            return Ok(json!({"count": total, plural: all}));
        }
    }
}
