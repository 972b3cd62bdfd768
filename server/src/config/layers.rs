//! Laying defaults, file, environment and flags over each other.

use super::error::{ConfigError, ConfigErrors, Origin};
use super::file::{self, Given};
use super::settings::{SETTINGS, Setting, find};
use super::value::{Kind, Value};
use super::{Config, build, check, environment};
use std::path::Path;

/// A configuration with where each of its values came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration, checked.
    pub config: Config,
    /// Every setting in the table's order.
    pub effective: Vec<Effective>,
}

/// A setting as it is in force.
#[derive(Debug, Clone)]
pub struct Effective {
    /// The setting.
    pub setting: &'static Setting,
    /// Its value.
    pub value: Value,
    /// Where the value came from; of a table or a list the layer that was last added to it.
    pub origin: Origin,
}

/// Loads the configuration: defaults, then the file, the environment and the flags, the later over the earlier. Flags are
/// pairs of a setting's key and a text; one that takes a list may come several times.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn load(
    file: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
    flags: Vec<(&'static str, String)>,
) -> Result<Loaded, ConfigErrors> {
    let mut errors = Vec::new();
    let mut effective: Vec<Effective> = SETTINGS.iter().map(default).collect();
    if let Some(path) = file {
        lay_over(&mut effective, file::read(path, &mut errors));
    }
    lay_over(&mut effective, environment::read(env, &mut errors));
    lay_over(&mut effective, read_flags(flags, &mut errors));
    derive(&mut effective, &mut errors);

    // A value that cannot be read leaves the one below it in force, so that the rest is checked in the same go.
    let config = build::config(&effective);
    errors.extend(check::rules(&config, &effective));
    if errors.is_empty() { Ok(Loaded { config, effective }) } else { Err(ConfigErrors(errors)) }
}

fn default(setting: &'static Setting) -> Effective {
    let value = setting.kind.parse(setting.default).filter(|_| !setting.default.is_empty()).unwrap_or(Value::Unset);
    Effective { setting, value, origin: Origin::Default }
}

fn read_flags(flags: Vec<(&'static str, String)>, errors: &mut Vec<ConfigError>) -> Vec<Given> {
    let mut given: Vec<Given> = Vec::new();
    for (key, text) in flags {
        let Some(setting) = find(key) else {
            unreachable!("the command line gives a value to '{key}', which is not in the settings table");
        };
        match environment::read_text(setting, &text, Origin::Flag(setting.flag.unwrap_or(setting.key))) {
            Ok((_, value, origin)) => match given.iter_mut().find(|(other, _, _)| other.key == key) {
                Some((_, earlier, _)) => append(earlier, value),
                None => given.push((setting, value, origin)),
            },
            Err(error) => errors.push(error),
        }
    }
    given
}

fn append(earlier: &mut Value, later: Value) {
    match (earlier, later) {
        (Value::Addresses(all), Value::Addresses(more)) => all.extend(more),
        (Value::List(all), Value::List(more)) => all.extend(more),
        (earlier, later) => *earlier = later,
    }
}

fn lay_over(effective: &mut [Effective], given: Vec<Given>) {
    for (setting, value, origin) in given {
        let Some(place) = effective.iter_mut().find(|place| place.setting.key == setting.key) else { continue };
        place.origin = origin;
        match (&mut place.value, value) {
            // Options are set one by one: another layer's other options stay.
            (Value::Options(kept), Value::Options(more)) => {
                kept.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
                kept.extend(more);
            }
            (kept, value) => *kept = value,
        }
    }
}

/// Fills in what follows from the data folder.
fn derive(effective: &mut [Effective], errors: &mut Vec<ConfigError>) {
    let text = |key: &str| {
        effective.iter().find(|place| place.setting.key == key).and_then(|place| match &place.value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        })
    };
    let data_dir = text("storage.data_dir").unwrap_or_default();
    let folder = Path::new(&data_dir);
    let database = format!("sqlite:{}", folder.join("servoir.db").display());
    let absolute = std::path::absolute(folder.join("artifacts")).ok();
    let artifacts = absolute.and_then(|path| path.to_str().map(|path| format!("file://{path}")));
    let Some(artifacts) = artifacts else {
        let rule = format!("the data folder '{data_dir}' has no absolute path");
        errors.push(ConfigError::Rule { origin: Origin::Default, rule });
        return;
    };
    for (key, value) in [("storage.database", database), ("storage.artifacts", artifacts)] {
        if let Some(place) = effective.iter_mut().find(|place| place.setting.key == key && place.value == Value::Unset)
        {
            debug_assert_eq!(place.setting.kind, Kind::Text);
            place.value = Value::Text(value);
        }
    }
}
