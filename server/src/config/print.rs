//! Showing a configuration as it is in force, without its secrets.

use super::error::Origin;
use super::layers::{Effective, Loaded};
use super::value::{Kind, Value};
use reqwest::Url;
use serde_json::json;

const REDACTED: &str = "[redacted]";

impl Loaded {
    /// The settings as a TOML file, each with its origin as a comment.
    pub fn to_toml(&self) -> String {
        let lines: Vec<_> = self.effective.iter().map(line).collect();
        let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0).min(LINE_CHARS_MAX);
        let mut text = String::new();
        let mut section = "";
        for (place, line) in self.effective.iter().zip(&lines) {
            if place.setting.section() != section {
                let gap = if section.is_empty() { "" } else { "\n" };
                section = place.setting.section();
                text += &format!("{gap}[{section}]\n");
            }
            let is_unset = place.value == Value::Unset && place.origin == Origin::Default;
            text += &if is_unset { format!("{line}\n") } else { format!("{line:<width$}  # {}\n", place.origin) };
        }
        text
    }

    /// The settings as a list of objects with `key`, `value` and `origin`.
    pub fn to_json(&self) -> serde_json::Value {
        let items = self.effective.iter();
        items.map(|e| json!({"key": e.setting.key, "value": shown(e), "origin": e.origin.to_string()})).collect()
    }
}

/// Where the column of origins begins at the latest; longer lines push theirs out.
const LINE_CHARS_MAX: usize = 72;

fn line(place: &Effective) -> String {
    let name = place.setting.name();
    match (shown(place), place.setting.kind) {
        (serde_json::Value::Null, _) => format!("# {name} is not set"),
        (serde_json::Value::Object(options), _) => {
            let pairs = options.iter().map(|(name, value)| format!("{name} = {value}"));
            format!("{name} = {{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        (serde_json::Value::Array(items), _) => {
            let items = items.iter().map(ToString::to_string).collect::<Vec<_>>();
            format!("{name} = [{}]", items.join(", "))
        }
        // Numbers, truth values and texts are written alike in JSON and in TOML.
        (value, _) => format!("{name} = {value}"),
    }
}

fn shown(place: &Effective) -> serde_json::Value {
    match &place.value {
        Value::Unset => serde_json::Value::Null,
        Value::Text(text) if place.setting.key == "storage.database" => json!(without_password(text)),
        Value::Text(_) if place.setting.secret => json!(REDACTED),
        Value::Text(text) => json!(text),
        Value::Count(number) => json!(number),
        Value::Flag(flag) => json!(flag),
        Value::List(texts) => json!(texts),
        Value::Addresses(addresses) if place.setting.kind == Kind::Address => json!(addresses.first()),
        Value::Addresses(addresses) => json!(addresses),
        // Which options are secret is another library's knowledge, so none is shown.
        Value::Options(pairs) => pairs.iter().map(|(name, _)| (name.clone(), json!(REDACTED))).collect(),
    }
}

/// A database URL that can be shown: a file's whole, a server's without password and parameters.
fn without_password(url: &str) -> String {
    if url.starts_with("sqlite:") {
        return url.to_owned();
    }
    let Ok(mut parsed) = Url::parse(url) else { return REDACTED.to_owned() };
    if parsed.password().is_some() && parsed.set_password(Some("redacted")).is_err() {
        return REDACTED.to_owned();
    }
    if parsed.query().is_some() {
        parsed.set_query(Some("redacted"));
    }
    parsed.to_string()
}
