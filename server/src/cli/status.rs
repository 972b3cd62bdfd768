//! `servoir status`: what is live and how it is doing.

use super::answer::{cell, items};
use super::client::{Client, ClientError, registry_path};
use super::failure::Failure;
use super::output::printable;
use super::pages::every;
use super::session::{Session, rendered};
use super::table::Table;
use serde_json::{Value, json};

/// Flags of `servoir status`.
#[derive(Debug, clap::Args)]
pub struct Status {
    /// Only this model, by name or id
    name: Option<String>,
    #[command(flatten)]
    session: Session,
}

impl Status {
    /// Shows the server and the deployed models, or one model in full.
    pub async fn run(self) -> Result<(), Failure> {
        let client = self.session.client()?;
        if let Some(name) = &self.name {
            let state = client.registry(&["models", name, "status"], &[]).await?;
            return self.session.show(&state, |state| fields(state, ""));
        }
        let server = client.get(&["v2"], &[]).await?;
        let readiness = readiness(&client).await?;
        let query = [("status", "deployed"), ("sort", "name:asc")];
        let deployed = every(&client, &registry_path(&["models"]), &query, "models").await?;
        let mut models = Vec::new();
        for model in items(&deployed, "models") {
            let id = model["id"].as_str().unwrap_or_default();
            let state = client.registry(&["models", id, "status"], &[]).await?;
            models.push(json!({"id": id, "name": model["name"], "state": state}));
        }
        let answer = json!({
            "url": client.base(), "version": server["version"], "ready": readiness.is_none(), "reason": readiness, "models": models,
        });
        self.session.show(&answer, |answer| {
            let ready =
                readiness.as_deref().map_or("ready".to_owned(), |reason| format!("not ready: {}", printable(reason)));
            format!("servoir {} at {}: {ready}\n\n{}", cell(answer, "/version"), client.base(), table(&models))
        })
    }
}

/// `None` when the server is ready, else why it is not.
async fn readiness(client: &Client) -> Result<Option<String>, ClientError> {
    match client.text(&["readyz"], &[]).await {
        Ok(_) => Ok(None),
        Err(ClientError::Refused(refusal)) if refusal.status == 503 => Ok(Some(refusal.detail)),
        Err(error) => Err(error),
    }
}

fn table(models: &[Value]) -> String {
    if models.is_empty() {
        return "no model is deployed\n".into();
    }
    let mut table = Table::new(["NAME", "VERSION", "STATE", "ENGINE", "DEVICE", "INSTANCES", "QUEUED", "LAST ERROR"]);
    for model in models {
        let fields = ["version", "state", "engine", "device", "instances", "queueDepth", "lastError"];
        let state = fields.map(|field| cell(model, &format!("/state/{field}")));
        table.row(std::iter::once(cell(model, "/name")).chain(state));
    }
    rendered(&table)
}

/// An object's fields, one per line, nested ones indented.
fn fields(value: &Value, indent: &str) -> String {
    let Some(object) = value.as_object() else { return format!("{indent}{}\n", printable(&cell(value, ""))) };
    let width = object.keys().map(|key| key.chars().count()).max().unwrap_or(0);
    let nested = format!("{indent}  ");
    object.iter().fold(String::new(), |text, (key, value)| {
        let key = printable(key);
        match value {
            Value::Object(_) => format!("{text}{indent}{key}\n{}", fields(value, &nested)),
            Value::Array(items) if items.iter().any(Value::is_object) => {
                let items: String = items.iter().map(|item| fields(item, &nested)).collect::<Vec<_>>().join("\n");
                format!("{text}{indent}{key}\n{items}")
            }
            _ => format!("{text}{indent}{key:<width$}  {}\n", printable(&cell(value, ""))),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_fields_are_indented() {
        let value =
            json!({"version": 2, "canary": {"percent": 5}, "nodes": [{"node": "a"}, {"node": "b"}], "lastError": null});
        let expected = "canary\n  percent  5\nlastError  -\nnodes\n  node  a\n\n  node  b\nversion    2\n";
        assert_eq!(fields(&value, ""), expected);
    }
}
