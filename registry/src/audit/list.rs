//! Lists of audit entries: filters, order, pages.

use super::AuditEntry;
use super::chain::Link;
use crate::actor::{Page, Window};
use crate::error::{RegistryError, Result};
use crate::registry::Registry;
use servoir_types::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, query::Query};

/// Which entries, in which order.
#[derive(Debug, Clone)]
pub struct AuditFilter {
    /// Of one object.
    pub target: Option<String>,
    /// `model.created`, ….
    pub action: Option<String>,
    /// Of one subject.
    pub actor: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Not after.
    pub to: Option<Timestamp>,
    /// Oldest first; else newest first.
    pub ascending: bool,
    /// The page.
    pub window: Window,
}

impl AuditFilter {
    /// A page of all entries, newest first.
    pub fn all(window: Window) -> Self {
        Self { target: None, action: None, actor: None, from: None, to: None, ascending: false, window }
    }

    /// A page of one object's entries, newest first.
    pub fn of(target: impl Into<String>, window: Window) -> Self {
        Self { target: Some(target.into()), ..Self::all(window) }
    }
}

/// An entry's columns, in every statement that gives entries back.
macro_rules! entry_columns {
    () => {
        "sequence, at, organization, actor, credential, address, action, target, state_before, state_after, request_id"
    };
}
pub(crate) use entry_columns;

/// The condition for a filter: the parameters $1 to $6 are bound by [`bind`].
macro_rules! matching {
    () => {
        " from audit where organization = $1 and ($2 is null or target = $2) and ($3 is null or action = $3) \
         and ($4 is null or actor = $4) and at >= $5 and at <= $6"
    };
}

impl Registry {
    /// A page of an organization's audit entries.
    pub async fn audit(&self, organization: &str, filter: &AuditFilter) -> Result<Page<AuditEntry>> {
        let mut connection = self.database().read().await?;
        let count = sqlx::query(concat!("select count(*)", matching!()));
        let row = bind(count, organization, filter).fetch_one(&mut *connection).await?;
        let total = sqlx::Row::try_get(&row, 0)?;
        let direction = if filter.ascending { "asc" } else { "desc" };
        // Put together from the constants above alone; every value is a parameter.
        let text = format!(
            "{} order by sequence {direction} limit $7 offset $8",
            concat!("select ", entry_columns!(), matching!())
        );
        let rows = bind(sqlx::query(AssertSqlSafe(text)), organization, filter)
            .bind(filter.window.limit)
            .bind(filter.window.offset)
            .fetch_all(&mut *connection)
            .await?;
        Ok(Page { total, items: rows.iter().map(entry_of).collect::<Result<_>>()? })
    }
}

fn bind<'q>(
    query: Query<'q, Any, <Any as sqlx::Database>::Arguments>,
    organization: &str,
    filter: &AuditFilter,
) -> Query<'q, Any, <Any as sqlx::Database>::Arguments> {
    query
        .bind(organization.to_owned())
        .bind(filter.target.clone())
        .bind(filter.action.clone())
        .bind(filter.actor.clone())
        .bind(filter.from.map_or(i64::MIN, Timestamp::as_millis))
        .bind(filter.to.map_or(i64::MAX, Timestamp::as_millis))
}

pub(crate) fn entry_of(row: &AnyRow) -> Result<AuditEntry> {
    let link = Link::from_row(row)?;
    let sequence = link.sequence;
    let parse = |text: Option<String>| {
        text.map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|error| RegistryError::Inconsistent(format!("audit entry {sequence}: {error}")))
    };
    Ok(AuditEntry {
        sequence,
        at: Timestamp::from_millis(link.at),
        organization: link.organization,
        actor: link.actor,
        credential: link.credential,
        address: link.address,
        action: link.action,
        target: link.target,
        before: parse(link.before)?,
        after: parse(link.after)?,
        request_id: link.request_id,
    })
}
