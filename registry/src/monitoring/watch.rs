//! What a node must know to count a version's traffic: cheap enough to be asked every few seconds.

use crate::error::Result;
use crate::registry::Registry;
use servoir_types::{BaselineId, ModelId};
use sqlx::Row as _;

/// How a version is monitored now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Watched {
    /// The model's settings, as JSON, when somebody has made some.
    pub settings: Option<String>,
    /// The version's active baseline.
    pub baseline: Option<BaselineId>,
}

impl Registry {
    /// How a version is monitored now; `None` when it is gone.
    pub async fn watched(&self, model: &ModelId, version: i64) -> Result<Option<Watched>> {
        let row = sqlx::query(
            "select s.body as settings, b.id as baseline from versions v \
             left join monitoring_settings s on s.model = v.model \
             left join baselines b on b.model = v.model and b.version = v.version and b.active = 1 \
             where v.model = $1 and v.version = $2",
        )
        .bind(model.as_str())
        .bind(version)
        .fetch_optional(&mut *self.database().read().await?)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let baseline: Option<String> = row.try_get("baseline")?;
        Ok(Some(Watched { settings: row.try_get("settings")?, baseline: baseline.map(BaselineId::from_text) }))
    }
}
