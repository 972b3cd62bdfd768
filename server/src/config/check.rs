//! Rules that hold between settings, or that need more than a value's form.

use super::error::{ConfigError, Origin};
use super::layers::Effective;
use super::{ANY_ORIGIN, Config};
use reqwest::Url;
use servoir_types::{Name, NameError};
use std::str::FromStr as _;

/// The fewest characters of a bootstrap key.
pub const BOOTSTRAP_KEY_CHARS_MIN: usize = 32;
/// The fewest bytes of an HS256 secret: as many as its hash has.
pub const HS256_SECRET_BYTES_MIN: usize = 32;

/// Every rule that this configuration breaks.
pub(super) fn rules(config: &Config, effective: &[Effective]) -> Vec<ConfigError> {
    let broken = [
        addresses(config),
        tls(config),
        storage(config),
        s3(config),
        models(config),
        identity(config),
        batching(config),
    ]
    .concat();
    let at = |key: &str| effective.iter().find(|place| place.setting.key == key).map(|place| place.origin.clone());
    let errors = broken.into_iter();
    errors.map(|(key, rule)| ConfigError::Rule { origin: at(key).unwrap_or(Origin::Default), rule }).collect()
}

/// The key of the setting that breaks a rule, and the rule.
type Broken = (&'static str, String);

fn addresses(config: &Config) -> Vec<Broken> {
    let mut broken = Vec::new();
    let all = || config.listen.iter().chain(&config.admin_listen);
    if config.auth.off {
        for address in all().filter(|address| !address.ip().is_loopback()) {
            broken.push((
                "auth.mode",
                format!("'auth.mode' may be 'off' only with loopback addresses, and the server listens on {address}"),
            ));
        }
    }
    if config.auth.off && config.cors_allowed_origins.iter().any(|origin| origin == ANY_ORIGIN) {
        let rule = "'cors.allowed_origins' may not be '*' while 'auth.mode' is 'off': any page could change the models";
        broken.push(("cors.allowed_origins", rule.into()));
    }
    // Port 0 stands for another free port each time.
    let mut seen = Vec::new();
    for (index, address) in all().enumerate().filter(|(_, address)| address.port() != 0) {
        if seen.contains(&address) {
            let key = if index < config.listen.len() { "server.listen" } else { "server.admin_listen" };
            broken.push((key, format!("'{key}' repeats the address {address}")));
        }
        seen.push(address);
    }
    broken
}

fn tls(config: &Config) -> Vec<Broken> {
    let mut broken = Vec::new();
    let tls = &config.tls;
    let mut needs =
        |key: &'static str, other: &str| broken.push((key, format!("'{key}' is set, and '{other}' is not")));
    match (&tls.certificate, &tls.key) {
        (Some(_), None) => needs("server.tls_certificate", "server.tls_key"),
        (None, Some(_)) => needs("server.tls_key", "server.tls_certificate"),
        (None, None) if tls.client_ca.is_some() => needs("server.tls_client_ca", "server.tls_certificate"),
        _ => {}
    }
    // The key itself in place of its file would come to light in the first message about the file.
    if tls.key.as_ref().is_some_and(|key| key.to_string_lossy().contains("PRIVATE KEY")) {
        broken.push(("server.tls_key", "'server.tls_key' must be the path of a file, not the key itself".into()));
    }
    broken
}

fn storage(config: &Config) -> Vec<Broken> {
    let mut broken = Vec::new();
    let database = config.database_url.expose();
    let sqlite_path = database.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path));
    let is_postgres = database.starts_with("postgres://") || database.starts_with("postgresql://");
    if sqlite_path.is_none_or(|path| path.is_empty() || path.starts_with(':')) && !is_postgres {
        // The value may hold a password and is not shown; its scheme cannot.
        let scheme = database.split_once(':').map_or("none", |(scheme, _)| scheme);
        let rule = format!("'storage.database' must be 'sqlite:PATH' or 'postgres://…', got the scheme '{scheme}'");
        broken.push(("storage.database", rule));
    } else if is_postgres && Url::parse(database).map_or(true, |url| url.path().len() < 2) {
        let rule = "'storage.database' must be 'postgres://USER:PASSWORD@HOST/NAME' with a database name";
        broken.push(("storage.database", rule.into()));
    }
    if !is_store(&config.artifacts_url) {
        let rule = format!(
            "'storage.artifacts' must be 'file:///FOLDER' or 's3://BUCKET/PREFIX', got {:?}",
            config.artifacts_url
        );
        broken.push(("storage.artifacts", rule));
    }
    for source in config.import_sources.iter().filter(|source| !is_store(source) || !source.ends_with('/')) {
        let rule = format!(
            "'storage.import_sources' must hold prefixes 'file:///FOLDER/' or 's3://BUCKET/PREFIX/' that end in '/', got {source:?}"
        );
        broken.push(("storage.import_sources", rule));
    }
    broken
}

/// Whether this is `file:///FOLDER` or `s3://BUCKET…`.
fn is_store(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| match url.scheme() {
        "file" => url.host().is_none() && url.path().len() > 1,
        "s3" => url.has_host(),
        _ => false,
    })
}

fn s3(config: &Config) -> Vec<Broken> {
    let mut broken = Vec::new();
    let used = config.artifacts_url.starts_with("s3://")
        || config.import_sources.iter().any(|source| source.starts_with("s3://"));
    if !config.s3.is_empty() && !used {
        let rule =
            "'storage.s3' is set, but neither 'storage.artifacts' nor 'storage.import_sources' names an s3:// URL";
        broken.push(("storage.s3", rule.into()));
    }
    let option = |name: &str| config.s3.iter().find(|(option, _)| option == name).map(|(_, value)| value.expose());
    let endpoint = option("aws_endpoint").unwrap_or_default();
    if endpoint.starts_with("http://") && option("aws_allow_http") != Some("true") {
        let rule =
            "'storage.s3' has an http:// endpoint, which needs 'aws_allow_http' = \"true\": nothing is encrypted";
        broken.push(("storage.s3", rule.into()));
    }
    for (one, other) in [("aws_access_key_id", "aws_secret_access_key"), ("aws_secret_access_key", "aws_access_key_id")]
    {
        if option(one).is_some() && option(other).is_none() {
            broken.push(("storage.s3", format!("'storage.s3' has '{one}' and no '{other}'")));
        }
    }
    broken
}

fn models(config: &Config) -> Vec<Broken> {
    let mut broken = Vec::new();
    let models = &config.models;
    if models.dir.is_none() && models.name.is_some() {
        broken.push(("models.name", "'models.name' is set, and no 'models.dir' whose model it could name".into()));
    }
    if models.dir.is_none() && models.poll_seconds > 0 {
        broken.push(("models.poll_seconds", "'models.poll_seconds' is set, and no 'models.dir' to read".into()));
    }
    // Where names are all that models have, one may look like an id.
    if let Some(Err(error)) = models.name.as_deref().map(Name::from_str)
        && error != NameError::LikeAnId
    {
        broken.push(("models.name", format!("'models.name': {error}")));
    }
    broken
}

fn identity(config: &Config) -> Vec<Broken> {
    let mut broken = Vec::new();
    let auth = &config.auth;
    let key_chars = auth.bootstrap_key.as_ref().map(|key| key.expose().chars().count());
    if let Some(chars) = key_chars.filter(|chars| *chars < BOOTSTRAP_KEY_CHARS_MIN) {
        let rule = format!("'auth.bootstrap_key' must have at least {BOOTSTRAP_KEY_CHARS_MIN} characters, got {chars}");
        broken.push(("auth.bootstrap_key", rule));
    }
    let secret_bytes = auth.jwt_hs256_secret.as_ref().map(|secret| secret.expose().len());
    if let Some(bytes) = secret_bytes.filter(|bytes| *bytes < HS256_SECRET_BYTES_MIN) {
        let rule = format!("'auth.jwt_hs256_secret' must have at least {HS256_SECRET_BYTES_MIN} bytes, got {bytes}");
        broken.push(("auth.jwt_hs256_secret", rule));
    }
    if auth.jwks_url.is_some() && auth.jwks_file.is_some() {
        let rule = "'auth.jwks_url' and 'auth.jwks_file' exclude each other; keep one of them";
        broken.push(("auth.jwks_file", rule.into()));
    }
    if let Some(url) = auth.jwks_url.as_deref().filter(|url| !is_safe_to_fetch(url)) {
        let rule = format!("'auth.jwks_url' must be an https:// URL, or http:// on a loopback address, got {url:?}");
        broken.push(("auth.jwks_url", rule));
    }
    broken
}

/// Whether what is fetched from there comes unaltered: over TLS, or without leaving this machine.
fn is_safe_to_fetch(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| match (url.scheme(), url.host_str()) {
        ("https", Some(_)) => true,
        ("http", Some("localhost")) => true,
        ("http", Some(host)) => {
            host.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
        }
        _ => false,
    })
}

fn batching(config: &Config) -> Vec<Broken> {
    let (rows, queue) = (config.batching.batch_rows_max, config.batching.queue_rows_max);
    if queue >= rows {
        return Vec::new();
    }
    let rule = format!("'batching.queue_rows_max' is {queue} and must hold at least one batch of {rows} rows");
    vec![("batching.queue_rows_max", rule)]
}
