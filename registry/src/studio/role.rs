//! Who may do what with a model.

use super::StudioModel;
use crate::error::Result;
use crate::registry::Registry;

super::words! {
    /// What somebody may do with a model; each may do what those before it may.
    Role of "role" {
        /// Look at it.
        Viewer = "viewer",
        /// Change, train, publish and deploy it.
        Editor = "editor",
        /// Say who else may, and who sees it.
        Admin = "admin",
        /// The same; there is one, and it stays.
        Owner = "owner",
    }
}

impl Registry {
    /// What `subject` may do with a model; `None`: for them it does not exist. Everybody in its organization is an editor
    /// of a model that is not private, unless they are listed as something else.
    pub async fn role_of(&self, model: &StudioModel, subject: &str) -> Result<Option<Role>> {
        if model.model.owner == subject {
            return Ok(Some(Role::Owner));
        }
        let listed: Option<String> =
            sqlx::query_scalar("select role from collaborators where model = $1 and subject = $2")
                .bind(model.model.id.as_str())
                .bind(subject)
                .fetch_optional(&mut *self.database().read().await?)
                .await?;
        match listed {
            Some(role) => Role::from_text(&role).map(Some),
            None => Ok((!model.private).then_some(Role::Editor)),
        }
    }
}
