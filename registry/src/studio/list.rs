//! Lists of models: filters, order, pages.

use super::model::{studio_columns, studio_model};
use super::status::studio_status;
use super::{ModelType, StudioModel, StudioStatus, TaskType};
use crate::actor::{Page, Window};
use crate::error::Result;
use crate::models::{SEARCH_BYTES_MAX, SortField, model_columns, pattern};
use crate::registry::Registry;
use sqlx::{Any, AssertSqlSafe, query::Query};

/// Which models, in which order.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct StudioFilter {
    /// `None`: all that are not archived.
    pub status: Option<StudioStatus>,
    pub model_type: Option<ModelType>,
    pub task_type: Option<TaskType>,
    /// In name or description, whatever the case; `%` and `_` mean themselves.
    pub search: Option<String>,
    /// Models that have all of these.
    pub tags: Vec<String>,
    /// Without the private models that this subject may not see; `None`: all.
    pub visible_to: Option<String>,
    pub sort: SortField,
    pub descending: bool,
    pub window: Window,
}

/// Rows of `models` joined with `studio_models` that a subject, the parameter, may see.
macro_rules! visible_to {
    ($subject:literal) => {
        concat!(
            "(",
            $subject,
            " is null or private = 0 or owner = ",
            $subject,
            " or exists (select 1 from collaborators where collaborators.model = models.id and subject = ",
            $subject,
            "))"
        )
    };
}
pub(super) use visible_to;

/// How many parameters a filter has, beside one for each tag.
const FILTER_PARAMETERS: usize = 6;

/// The condition for a filter but for its tags.
macro_rules! matching {
    () => {
        concat!(
            " where organization = $1 \
             and ($2 is null or search_text like $2 escape '\\') \
             and ($3 is null or model_type = $3) \
             and ($4 is null or task_type = $4) \
             and (($5 is null and status <> 'archived') or $5 = ",
            studio_status!(),
            ") and ",
            visible_to!("$6")
        )
    };
}

impl Registry {
    /// A page of an organization's models.
    pub async fn studio_models(&self, organization: &str, filter: &StudioFilter) -> Result<Page<StudioModel>> {
        if filter.search.as_ref().is_some_and(|search| search.len() > SEARCH_BYTES_MAX) {
            return Ok(Page { total: 0, items: Vec::new() });
        }
        // Both statements are put together from constants and the numbers of parameters; every value is a parameter.
        let tagged: String = (FILTER_PARAMETERS + 1..)
            .take(filter.tags.len())
            .map(|number| format!(" and id in (select model from model_tags where tag = ${number})"))
            .collect();
        let mut connection = self.database().read().await?;
        let count = concat!("select count(*) from models join studio_models on model = id", matching!());
        let count = sqlx::query(AssertSqlSafe(format!("{count}{tagged}")));
        let row = bind(count, organization, filter).fetch_one(&mut *connection).await?;
        let total = sqlx::Row::try_get(&row, 0)?;
        let order = match filter.sort {
            SortField::Name => "name_order",
            SortField::CreatedAt => "created_at",
            SortField::UpdatedAt => "updated_at",
            SortField::Status => "studio_status",
        };
        let direction = if filter.descending { "desc" } else { "asc" };
        let limit = FILTER_PARAMETERS + 1 + filter.tags.len();
        let page = sqlx::query(AssertSqlSafe(format!(
            "{}{tagged} order by {order} {direction}, id {direction} limit ${limit} offset ${}",
            concat!("select ", studio_columns!(), matching!()),
            limit + 1
        )));
        let rows = bind(page, organization, filter)
            .bind(filter.window.limit)
            .bind(filter.window.offset)
            .fetch_all(&mut *connection)
            .await?;
        Ok(Page { total, items: rows.iter().map(studio_model).collect::<Result<_>>()? })
    }
}

fn bind<'q>(
    query: Query<'q, Any, <Any as sqlx::Database>::Arguments>,
    organization: &str,
    filter: &StudioFilter,
) -> Query<'q, Any, <Any as sqlx::Database>::Arguments> {
    let query = query
        .bind(organization.to_owned())
        .bind(filter.search.as_deref().map(pattern))
        .bind(filter.model_type.map(ModelType::text))
        .bind(filter.task_type.map(TaskType::text))
        .bind(filter.status.map(StudioStatus::text))
        .bind(filter.visible_to.clone());
    filter.tags.iter().fold(query, |query, tag| query.bind(tag.clone()))
}
