//! Who is told of alerts.

use super::schemas;
use serde::{Deserialize, Serialize, Serializer};
use servoir_monitor::alert::AlertEventKind;
use servoir_types::{Secret, random_token};
use utoipa::ToSchema;

/// Random characters of an id that the caller left open.
const ID_CHARS: usize = 12;

/// Who is told of alerts, and of what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    /// Tells it from the model's others; made by the server when it is left out.
    #[serde(default)]
    #[schema(schema_with = schemas::webhook_id)]
    pub id: String,
    /// Where messages are posted.
    #[schema(schema_with = schemas::webhook_url)]
    pub url: String,
    /// What messages are signed with. It is never shown: `null` stands for it, and keeps the one that this id has.
    #[serde(default, serialize_with = "null")]
    #[schema(schema_with = schemas::webhook_secret)]
    pub secret: Option<Secret>,
    /// What of an alert it is told: `raised`, `worsened`, `acknowledged`, `cleared`.
    #[serde(default = "Webhook::usual_events")]
    #[schema(schema_with = schemas::webhook_events)]
    pub events: Vec<AlertEventKind>,
}

#[allow(clippy::ref_option)] // as serde calls it
fn null<S: Serializer>(_: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_none()
}

impl Webhook {
    /// All but acknowledging.
    pub fn usual_events() -> Vec<AlertEventKind> {
        vec![AlertEventKind::Raised, AlertEventKind::Worsened, AlertEventKind::Cleared]
    }
}

/// Gives webhooks the secrets that their ids have already, and those without an id one.
pub fn complete(webhooks: &mut [Webhook], known: &[Webhook]) {
    for webhook in webhooks {
        if webhook.id.is_empty() {
            webhook.id = random_token(ID_CHARS);
        }
        if webhook.secret.is_none() {
            let same = known.iter().find(|known| known.id == webhook.id);
            webhook.secret = same.and_then(|known| known.secret.clone());
        }
    }
}
