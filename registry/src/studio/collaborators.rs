//! The people of a model: its owner, and whom they have let in.

use super::Role;
use crate::actor::{Actor, Page, Window, storable};
use crate::audit::Deed;
use crate::database::Write;
use crate::error::{RegistryError, Result, is_unique_violation};
use crate::models::touch;
use crate::registry::Registry;
use serde_json::json;
use servoir_types::{ModelId, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// The most collaborators of a model, beside its owner.
const COLLABORATORS_MAX: i64 = 1000;

/// Somebody who may do something with a model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Collaborator {
    /// A key's id or a token's `sub`.
    pub subject: String,
    pub role: Role,
    pub added_by: String,
    pub added_at: Timestamp,
}

impl Registry {
    /// A page of a model's people: its owner, then the others in the order in which they came.
    pub async fn collaborators(&self, model: &ModelId, window: Window) -> Result<Page<Collaborator>> {
        let mut connection = self.database().read().await?;
        let others: i64 = sqlx::query_scalar("select count(*) from collaborators where model = $1")
            .bind(model.as_str())
            .fetch_one(&mut *connection)
            .await?;
        let rows = sqlx::query(
            "select owner as subject, 'owner' as role, owner as added_by, created_at as added_at, 0 as place \
             from models where id = $1 \
             union all select subject, role, added_by, added_at, 1 from collaborators where model = $1 \
             order by place, added_at, subject limit $2 offset $3",
        )
        .bind(model.as_str())
        .bind(window.limit)
        .bind(window.offset)
        .fetch_all(&mut *connection)
        .await?;
        Ok(Page { total: others + 1, items: rows.iter().map(collaborator).collect::<Result<_>>()? })
    }

    /// `model.collaborator_added`.
    pub async fn add_collaborator(
        &self,
        actor: &Actor,
        model: &ModelId,
        subject: &str,
        role: Role,
    ) -> Result<Collaborator> {
        storable("user_id", subject)?;
        let (mut write, now) = self.touch_people(actor, model, (subject, role)).await?;
        let count: i64 = sqlx::query_scalar("select count(*) from collaborators where model = $1")
            .bind(model.as_str())
            .fetch_one(write.connection())
            .await?;
        if count >= COLLABORATORS_MAX {
            return Err(RegistryError::TooManyCollaborators { max: COLLABORATORS_MAX });
        }
        let row = sqlx::query(
            "insert into collaborators (model, subject, role, added_by, added_at) values ($1, $2, $3, $4, $5) \
             returning subject, role, added_by, added_at",
        )
        .bind(model.as_str())
        .bind(subject)
        .bind(role.text())
        .bind(&actor.subject)
        .bind(now.as_millis())
        .fetch_one(write.connection())
        .await
        .map_err(|error| match is_unique_violation(&error) {
            true => RegistryError::CollaboratorExists(subject.to_owned()),
            false => error.into(),
        })?;
        let after = Some(json!({ "subject": subject, "role": role.text() }));
        let deed = Deed { action: "model.collaborator_added", target: model.as_str(), before: None, after };
        write.record(actor, now, deed).await?;
        write.commit().await?;
        collaborator(&row)
    }

    /// `model.collaborator_updated`.
    pub async fn change_collaborator(
        &self,
        actor: &Actor,
        model: &ModelId,
        subject: &str,
        role: Role,
    ) -> Result<Collaborator> {
        let (mut write, now) = self.touch_people(actor, model, (subject, role)).await?;
        let before = listed_role(&mut write, model, subject).await?;
        let row = sqlx::query(
            "update collaborators set role = $3 where model = $1 and subject = $2 \
             returning subject, role, added_by, added_at",
        )
        .bind(model.as_str())
        .bind(subject)
        .bind(role.text())
        .fetch_one(write.connection())
        .await?;
        let before = Some(json!({ "subject": subject, "role": before }));
        let after = Some(json!({ "subject": subject, "role": role.text() }));
        let deed = Deed { action: "model.collaborator_updated", target: model.as_str(), before, after };
        write.record(actor, now, deed).await?;
        write.commit().await?;
        collaborator(&row)
    }

    /// `model.collaborator_removed`.
    pub async fn remove_collaborator(&self, actor: &Actor, model: &ModelId, subject: &str) -> Result<()> {
        let (mut write, now) = self.touch_people(actor, model, (subject, Role::Viewer)).await?;
        let before = listed_role(&mut write, model, subject).await?;
        sqlx::query("delete from collaborators where model = $1 and subject = $2")
            .bind(model.as_str())
            .bind(subject)
            .execute(write.connection())
            .await?;
        let before = Some(json!({ "subject": subject, "role": before }));
        let deed = Deed { action: "model.collaborator_removed", target: model.as_str(), before, after: None };
        write.record(actor, now, deed).await?;
        write.commit().await
    }

    /// Begins a change of a model's people. The owner is not among those who can be changed, and nobody becomes it.
    async fn touch_people(
        &self,
        actor: &Actor,
        model: &ModelId,
        (subject, role): (&str, Role),
    ) -> Result<(Write, Timestamp)> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        let touched = touch(&mut write, actor, model, None, now).await?;
        if touched.owner == subject || role == Role::Owner {
            return Err(RegistryError::OwnerStays(touched.owner));
        }
        Ok((write, now))
    }
}

/// The role that somebody is listed with on a touched model.
async fn listed_role(write: &mut Write, model: &ModelId, subject: &str) -> Result<String> {
    let role: Option<String> = sqlx::query_scalar("select role from collaborators where model = $1 and subject = $2")
        .bind(model.as_str())
        .bind(subject)
        .fetch_optional(write.connection())
        .await?;
    role.ok_or_else(|| RegistryError::NotFound { what: "collaborator", id: subject.to_owned() })
}

fn collaborator(row: &AnyRow) -> Result<Collaborator> {
    Ok(Collaborator {
        subject: row.try_get("subject")?,
        role: Role::from_text(&row.try_get::<String, _>("role")?)?,
        added_by: row.try_get("added_by")?,
        added_at: Timestamp::from_millis(row.try_get("added_at")?),
    })
}
