//! Reading settings from environment variables.

use super::error::{ConfigError, Origin, nearest};
use super::file::Given;
use super::settings::{ENV_PREFIX, ENV_SEPARATOR, SETTINGS, Setting};
use super::value::{Kind, Value};
use std::collections::BTreeMap;

/// Reads what is set. Of Servoir's variables only those with a section, `SERVOIR_SECTION__NAME`, must be known: a
/// cluster sets others, such as `SERVOIR_SERVICE_HOST`, for every service of that name.
pub(super) fn read(env: impl Iterator<Item = (String, String)>, errors: &mut Vec<ConfigError>) -> Vec<Given> {
    // Sorted, so that errors come in the same order every time.
    let ours: BTreeMap<_, _> = env.filter(|(name, _)| name.starts_with(ENV_PREFIX)).collect();
    let mut given: Vec<Given> = Vec::new();
    for (name, text) in &ours {
        if let Some((setting, option)) = option_of(name) {
            let value = Value::Options(vec![(option, text.clone())]);
            given.push((setting, value, Origin::Environment(name.clone())));
        } else if let Some(setting) = SETTINGS.iter().find(|s| s.env() == *name || s.plain_env == Some(name)) {
            if let Some((_, _, first)) = given.iter().find(|(other, _, _)| other.key == setting.key) {
                let (first, second) = (first.to_string(), name.clone());
                errors.push(ConfigError::Twice { key: setting.key, first, second });
            }
            match read_text(setting, text, Origin::Environment(name.clone())) {
                Ok(read) => given.push(read),
                Err(error) => errors.push(error),
            }
        } else if name[ENV_PREFIX.len()..].contains(ENV_SEPARATOR) {
            let nearest = nearest(name, SETTINGS.iter().map(Setting::env));
            let origin = Origin::Environment(name.clone());
            errors.push(ConfigError::Unknown { origin, key: name.clone(), nearest });
        }
    }
    given
}

/// Reads a value that came as text. Empty is as good as absent for a setting without a default.
pub(super) fn read_text(setting: &'static Setting, text: &str, origin: Origin) -> Result<Given, ConfigError> {
    if text.is_empty() && setting.default.is_empty() {
        return Ok((setting, Value::Unset, origin));
    }
    match setting.kind.parse(text) {
        Some(value) => Ok((setting, value, origin)),
        None => {
            let got = if setting.secret { "a value that is not shown".to_owned() } else { format!("{text:?}") };
            Err(ConfigError::Value { origin, key: setting.key.to_owned(), expected: setting.kind.expected(), got })
        }
    }
}

/// Takes `SERVOIR_STORAGE__S3__AWS_REGION` apart into the setting and `aws_region`.
fn option_of(name: &str) -> Option<(&'static Setting, String)> {
    SETTINGS.iter().filter(|setting| setting.kind == Kind::Options).find_map(|setting| {
        let option = name.strip_prefix(&setting.env())?.strip_prefix(ENV_SEPARATOR)?;
        (!option.is_empty()).then(|| (setting, option.to_lowercase()))
    })
}
