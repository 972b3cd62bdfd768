//! How far each node has come with each model: what `status` shows of convergence.

use crate::error::Result;
use crate::registry::Registry;
use servoir_types::{ModelId, Timestamp};
use sqlx::Row as _;

/// How far a node has come with a model.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct NodeState {
    pub node: String,
    pub model: ModelId,
    /// The generation that it has reached.
    pub generation: i64,
    /// `deploying`, `ready`, `degraded` or `failed`.
    pub state: String,
    pub reason: Option<String>,
    pub engine: Option<String>,
    pub updated_at: Timestamp,
}

impl Registry {
    /// Says how far this node has come with a model. A report of an earlier generation than the last one, or of a model
    /// that is gone, changes nothing.
    pub async fn report_node(&self, state: NodeState) -> Result<()> {
        let reason = state.reason.map(|reason| reason.replace('\0', "\u{fffd}"));
        let mut write = self.database().write().await?;
        // The model is locked first: a model being deleted takes its reports with it.
        let model = sqlx::query("update models set revision = revision where id = $1 returning id")
            .bind(state.model.as_str())
            .fetch_optional(write.connection())
            .await?;
        if model.is_none() {
            return Ok(());
        }
        sqlx::query(
            "insert into node_states (node, model, generation, state, reason, engine, updated_at) \
             values ($1, $2, $3, $4, $5, $6, $7) \
             on conflict (node, model) do update set generation = excluded.generation, state = excluded.state, \
             reason = excluded.reason, engine = excluded.engine, updated_at = excluded.updated_at \
             where node_states.generation <= excluded.generation",
        )
        .bind(state.node)
        .bind(state.model.as_str())
        .bind(state.generation)
        .bind(state.state)
        .bind(reason)
        .bind(state.engine)
        .bind(state.updated_at.as_millis())
        .execute(write.connection())
        .await?;
        write.commit_quietly().await
    }

    /// What nodes said of a model since `since`.
    pub async fn node_states(&self, model: &ModelId, since: Timestamp) -> Result<Vec<NodeState>> {
        let rows = sqlx::query(
            "select node, model, generation, state, reason, engine, updated_at from node_states \
             where model = $1 and updated_at >= $2 order by node",
        )
        .bind(model.as_str())
        .bind(since.as_millis())
        .fetch_all(&mut *self.database().read().await?)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(NodeState {
                    node: row.try_get("node")?,
                    model: ModelId::from_text(row.try_get::<String, _>("model")?),
                    generation: row.try_get("generation")?,
                    state: row.try_get("state")?,
                    reason: row.try_get("reason")?,
                    engine: row.try_get("engine")?,
                    updated_at: Timestamp::from_millis(row.try_get("updated_at")?),
                })
            })
            .collect()
    }

    /// This node goes: what it said is forgotten.
    pub async fn forget_node(&self, node: &str) -> Result<()> {
        let mut write = self.database().write().await?;
        sqlx::query("delete from node_states where node = $1").bind(node).execute(write.connection()).await?;
        write.commit_quietly().await
    }
}
