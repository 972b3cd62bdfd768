//! `servoir deploy`, `undeploy` and `rollback`: what answers.

use super::answer::cell;
use super::client::{Client, ClientError};
use super::failure::Failure;
use super::output;
use super::session::Session;
use serde_json::{Map, Value, json};

/// Flags of `servoir deploy`.
#[derive(Debug, clap::Args)]
pub struct Deploy {
    /// Model by name or id, and the version: `churn@3`; without one the latest that is ready
    #[arg(value_name = "NAME[@VERSION]")]
    target: String,
    /// Instances of the model
    #[arg(long, value_name = "COUNT")]
    replicas: Option<u32>,
    /// Hardware profile [default: auto]
    #[arg(long, value_name = "PROFILE")]
    hardware: Option<String>,
    /// Send this share of the requests to the version, beside what is live
    #[arg(long, value_name = "PERCENT", conflicts_with = "shadow")]
    canary: Option<u8>,
    /// Send the version a copy of the requests and throw its answers away
    #[arg(long)]
    shadow: bool,
    /// Put it live although its signature breaks who calls what is
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    session: Session,
}

impl Deploy {
    /// Deploys and says what is live.
    pub async fn run(self) -> Result<(), Failure> {
        let client = self.session.client()?;
        let (name, version) = target(&self.target)?;
        let mut body = Map::new();
        body.extend(version.map(|version| ("version".to_owned(), json!(version))));
        body.extend(self.replicas.map(|replicas| ("replicas".to_owned(), json!(replicas))));
        body.extend(self.hardware.map(|hardware| ("hardware".to_owned(), json!(hardware))));
        body.extend(self.canary.map(|percent| ("strategy".to_owned(), json!({"canary": {"percent": percent}}))));
        if self.shadow {
            body.insert("strategy".into(), json!("shadow"));
        }
        if self.force {
            body.insert("force".into(), json!(true));
        }
        let answer = client.change(&["models", name, "deploy"], Some(&Value::Object(body))).await?;
        self.session.show(&answer, |answer| live(&client, name, answer))
    }
}

/// Flags of `servoir undeploy`.
#[derive(Debug, clap::Args)]
pub struct Undeploy {
    /// Model, by name or id
    name: String,
    #[command(flatten)]
    session: Session,
}

impl Undeploy {
    /// Takes a model out of service.
    pub async fn run(self) -> Result<(), Failure> {
        let answer = self.session.client()?.change(&["models", &self.name, "undeploy"], None).await?;
        self.session.show(&answer, |_| format!("{} is no longer served\n", output::printable(&self.name)))
    }
}

/// Flags of `servoir rollback`.
#[derive(Debug, clap::Args)]
pub struct Rollback {
    /// Model, by name or id
    name: String,
    /// Go back although the version's signature breaks who calls what is live
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    session: Session,
}

impl Rollback {
    /// Goes back and says what is live.
    pub async fn run(self) -> Result<(), Failure> {
        let client = self.session.client()?;
        let body = self.force.then(|| json!({"force": true}));
        let answer = client.change(&["models", &self.name, "rollback"], body.as_ref()).await?;
        self.session.show(&answer, |answer| live(&client, &self.name, answer))
    }
}

/// Deploys one version; what the server says.
pub async fn deploy(client: &Client, name: &str, version: u64) -> Result<Value, ClientError> {
    client.change(&["models", name, "deploy"], Some(&json!({"version": version}))).await
}

/// What is live, as a line for people.
pub fn live(client: &Client, name: &str, answer: &Value) -> String {
    let field = |pointer: &str| output::printable(&cell(answer, pointer));
    let (version, engine, device) =
        (field("/deployment/version"), field("/deployment/engine"), field("/deployment/device"));
    let canary = match answer.pointer("/deployment/canary/version") {
        Some(canary) => format!(", version {canary} takes {} %", field("/deployment/canary/percent")),
        None => String::new(),
    };
    let shadow = match answer.pointer("/deployment/shadow/version") {
        Some(shadow) => format!(", version {shadow} runs in its shadow"),
        None => String::new(),
    };
    let address =
        client.address(&["v1", "predict", name]).map_or_else(|error| error.to_string(), |url| url.to_string());
    let name = output::printable(name);
    format!("{name} version {version} is live on {engine} ({device}){canary}{shadow}: POST {address}\n")
}

/// Takes `NAME@VERSION` apart. A name may have an `@` of its own: only a number behind the last one is a version.
fn target(text: &str) -> Result<(&str, Option<u64>), Failure> {
    let Some((name, version)) = text.rsplit_once('@') else { return Ok((text, None)) };
    if name.is_empty() || version.is_empty() || !version.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok((text, None));
    }
    match version.parse() {
        Ok(version) if version > 0 => Ok((name, Some(version))),
        _ => Err(Failure::usage(format!("'{version}' is not a version: versions are whole numbers from 1"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_name_and_perhaps_a_version() {
        let cases = [
            ("churn", Some(("churn", None))),
            ("churn@3", Some(("churn", Some(3)))),
            ("me@home", Some(("me@home", None))),
            ("me@home@12", Some(("me@home", Some(12)))),
            ("@3", Some(("@3", None))),
            ("churn@", Some(("churn@", None))),
            ("churn@0", None),
            ("churn@99999999999999999999", None),
        ];
        for (text, expected) in cases {
            assert_eq!(target(text).ok(), expected, "{text}");
        }
    }
}
