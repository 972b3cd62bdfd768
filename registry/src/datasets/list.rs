//! Lists of datasets.

use super::{DatasetSummary, summary, summary_columns};
use crate::actor::{Page, Window};
use crate::error::Result;
use crate::models::pattern;
use crate::registry::Registry;

/// A longer search text finds nothing: no name is that long.
const SEARCH_BYTES_MAX: usize = 1024;

/// Which datasets: the newest first.
#[derive(Debug, Clone)]
pub struct DatasetFilter {
    /// In the name, whatever the case; `%` and `_` mean themselves.
    pub search: Option<String>,
    /// Which part of them.
    pub window: Window,
}

impl Registry {
    /// A page of an organization's datasets.
    pub async fn datasets(&self, organization: &str, filter: &DatasetFilter) -> Result<Page<DatasetSummary>> {
        if filter.search.as_ref().is_some_and(|search| search.len() > SEARCH_BYTES_MAX) {
            return Ok(Page { total: 0, items: Vec::new() });
        }
        let search = filter.search.as_deref().map(pattern);
        let mut connection = self.database().read().await?;
        let total = sqlx::query_scalar(
            "select count(*) from datasets where organization = $1 and ($2 is null or search_text like $2 escape '\\')",
        )
        .bind(organization)
        .bind(&search)
        .fetch_one(&mut *connection)
        .await?;
        let rows = sqlx::query(concat!(
            "select ",
            summary_columns!(),
            " from datasets where organization = $1 and ($2 is null or search_text like $2 escape '\\') \
             order by created_at desc, id desc limit $3 offset $4"
        ))
        .bind(organization)
        .bind(&search)
        .bind(filter.window.limit)
        .bind(filter.window.offset)
        .fetch_all(&mut *connection)
        .await?;
        let items = rows.iter().map(summary).collect::<Result<_>>()?;
        Ok(Page { total, items })
    }
}
