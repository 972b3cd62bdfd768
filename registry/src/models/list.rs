//! Lists of models: filters, order, pages.

use super::{Model, model, model_columns};
use crate::actor::{Page, Window};
use crate::error::Result;
use crate::registry::Registry;
use servoir_types::Name;
use sqlx::{Any, AssertSqlSafe, query::Query};

/// A longer search text finds nothing: SQLite refuses patterns of more than 50,000 bytes.
pub(crate) const SEARCH_BYTES_MAX: usize = 16 * 1024;

/// Which models, in which order.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct ModelFilter {
    /// In name or description, whatever the case; `%` and `_` mean themselves.
    pub search: Option<String>,
    pub framework: Option<String>,
    pub source: Option<String>,
    pub status: Option<ModelStatus>,
    pub tag: Option<String>,
    pub workspace: Option<String>,
    /// Without the private models that this subject may not see; `None`: all.
    pub visible_to: Option<String>,
    pub sort: SortField,
    pub descending: bool,
    pub window: Window,
}

/// A model's state as lists show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ModelStatus {
    Registered,
    Deployed,
    Archived,
}

impl ModelStatus {
    const fn text(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Deployed => "deployed",
            Self::Archived => "archived",
        }
    }
}

/// What a list of models can be ordered by; ties are broken by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SortField {
    /// Whatever the case, by Unicode code points.
    Name,
    CreatedAt,
    UpdatedAt,
    Status,
}

/// The condition for a filter: the parameters $1 to $8 are bound by [`bind`].
macro_rules! matching {
    () => {
        " from models where organization = $1 \
         and ($2 is null or search_text like $2 escape '\\') \
         and ($3 is null or framework = $3) \
         and ($4 is null or source = $4) \
         and ($5 is null or status = $5) \
         and ($6 is null or workspace = $6) \
         and ($7 is null or id in (select model from model_tags where tag = $7)) \
         and ($8 is null or owner = $8 or id in (select model from studio_models where private = 0) \
         or id in (select model from collaborators where subject = $8))"
    };
}

impl Registry {
    /// A page of an organization's models.
    pub async fn models(&self, organization: &str, filter: &ModelFilter) -> Result<Page<Model>> {
        if filter.search.as_ref().is_some_and(|search| search.len() > SEARCH_BYTES_MAX) {
            return Ok(Page { total: 0, items: Vec::new() });
        }
        let mut connection = self.database().read().await?;
        let count = sqlx::query(concat!("select count(*)", matching!()));
        let row = bind(count, organization, filter).fetch_one(&mut *connection).await?;
        let total = sqlx::Row::try_get(&row, 0)?;
        let order = match filter.sort {
            SortField::Name => "name_order",
            SortField::CreatedAt => "created_at",
            SortField::UpdatedAt => "updated_at",
            SortField::Status => "status",
        };
        let direction = if filter.descending { "desc" } else { "asc" };
        let text = format!(
            "{} order by {order} {direction}, id {direction} limit $9 offset $10",
            concat!("select ", model_columns!(), matching!())
        );
        // Put together from the constants above alone; every value is a parameter.
        let page = sqlx::query(AssertSqlSafe(text));
        let rows = bind(page, organization, filter)
            .bind(filter.window.limit)
            .bind(filter.window.offset)
            .fetch_all(&mut *connection)
            .await?;
        let items = rows.iter().map(model).collect::<Result<_>>()?;
        Ok(Page { total, items })
    }
}

fn bind<'q>(
    query: Query<'q, Any, <Any as sqlx::Database>::Arguments>,
    organization: &str,
    filter: &ModelFilter,
) -> Query<'q, Any, <Any as sqlx::Database>::Arguments> {
    query
        .bind(organization.to_owned())
        .bind(filter.search.as_deref().map(pattern))
        .bind(filter.framework.clone())
        .bind(filter.source.clone())
        .bind(filter.status.map(|status| status.text().to_owned()))
        .bind(filter.workspace.clone())
        .bind(filter.tag.clone())
        .bind(filter.visible_to.clone())
}

/// A `like` pattern for texts that contain `search`, folded as [`search_text`] is.
pub(crate) fn pattern(search: &str) -> String {
    let mut pattern = String::from("%");
    for letter in search.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// What a search looks in. It is folded here because the databases fold case differently.
pub(super) fn search_text(name: &Name, description: &str) -> String {
    format!("{}\n{}", name.as_str().to_lowercase(), description.to_lowercase())
}

/// What models are ordered by name by: hexadecimal digits sort the same under every collation.
pub(super) fn name_order(name: &Name) -> String {
    name.as_str().to_lowercase().bytes().flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit).collect()
}

fn hex_digit(nibble: u8) -> char {
    char::from(b"0123456789abcdef"[usize::from(nibble)])
}
