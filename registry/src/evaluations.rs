//! What evaluation found of versions. It is written with the version that a run made, and never changes.

use crate::database::Write;
use crate::error::Result;
use crate::registry::Registry;
use serde_json::Value;
use servoir_types::{ModelId, Timestamp};

/// Where feature importance is kept among the splits.
pub const IMPORTANCE: &str = "importance";

impl Registry {
    /// What was found of a version's answers to one split (`train`, `validation`, `test`, or [`IMPORTANCE`]), as JSON;
    /// `None` when it was not evaluated, or there is no such version in the organization.
    pub async fn evaluation(
        &self,
        organization: &str,
        model: &ModelId,
        version: i64,
        split: &str,
    ) -> Result<Option<String>> {
        let body = sqlx::query_scalar(
            "select e.body from evaluations e join models m on m.id = e.model \
             where m.organization = $1 and e.model = $2 and e.version = $3 and e.split = $4",
        )
        .bind(organization)
        .bind(model.as_str())
        .bind(version)
        .bind(split)
        .fetch_optional(&mut *self.database().read().await?)
        .await?;
        Ok(body)
    }
}

impl Write {
    /// Keeps what was found of a new version's answers to one split, or [`IMPORTANCE`].
    pub(crate) async fn insert_evaluation(
        &mut self,
        (model, version): (&ModelId, i64),
        (split, body): (&str, &Value),
        now: Timestamp,
    ) -> Result<()> {
        sqlx::query("insert into evaluations (model, version, split, body, created_at) values ($1, $2, $3, $4, $5)")
            .bind(model.as_str())
            .bind(version)
            .bind(split)
            .bind(body.to_string())
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
