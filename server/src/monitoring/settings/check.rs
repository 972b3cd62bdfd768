//! Whether settings can be meant: every field that is wrong is named at once.

use super::{MonitoringSettings, Webhook};
use crate::error::ApiError;
use crate::http::fields::{Fields, segment};
use servoir_monitor::analysis::{Threshold, Thresholds};
use servoir_monitor::convention::{Convention, Rule};

/// The longest time from a prediction to its label, in days.
pub const LABEL_WINDOW_DAYS_MAX: i64 = 90;
/// Features and outputs that have thresholds of their own.
pub const FEATURE_THRESHOLDS_MAX: usize = 10_000;
/// Characters of a feature's name.
pub const NAME_CHARS_MAX: usize = 256;
/// Webhooks of a model.
pub const WEBHOOKS_MAX: usize = 10;
/// Characters of a webhook's id.
pub const ID_CHARS_MAX: usize = 64;
/// Characters of a webhook's URL.
pub const URL_CHARS_MAX: usize = 2048;
/// Characters of a webhook's secret.
pub const SECRET_CHARS: std::ops::RangeInclusive<usize> = 16..=256;
/// Analyses in a row.
pub const ANALYSES_MAX: u32 = 100;
/// The largest threshold.
pub const THRESHOLD_MAX: f64 = 1e9;

/// Refuses settings that cannot be meant.
///
/// # Errors
/// 400 with every field that is wrong.
pub fn check(settings: &MonitoringSettings) -> Result<(), ApiError> {
    let mut fields = Fields::default();
    fields.within("/sampleRate", settings.sample_rate, &(0.0..=1.0));
    fields.within("/labelWindowDays", settings.label_window_days, &(1..=LABEL_WINDOW_DAYS_MAX));
    fields.within("/minWindowSampleSize", settings.min_window_sample_size, &(1..=1_000_000));
    fields.within("/intervalSeconds", settings.interval_seconds, &(60..=86_400));
    fields.within("/hysteresis/raiseAfter", settings.hysteresis.raise_after, &(1..=ANALYSES_MAX));
    fields.within("/hysteresis/clearAfter", settings.hysteresis.clear_after, &(1..=ANALYSES_MAX));
    if let Some(record) = settings.record_values {
        fields.within("/recordValues/rowsMax", record.rows_max, &(1..=10_000));
    }
    distinct(&mut fields, "/windows", &settings.windows);
    if let Some(algorithms) = &settings.algorithms {
        distinct(&mut fields, "/algorithms", algorithms);
    }
    thresholds(&mut fields, "/thresholds", settings.convention, &settings.thresholds);
    let count = settings.feature_thresholds.len();
    if count > FEATURE_THRESHOLDS_MAX {
        fields.wrong("/featureThresholds", format!("has {count} entries; {FEATURE_THRESHOLDS_MAX} are allowed"));
    } else {
        for (name, own) in &settings.feature_thresholds {
            let pointer = format!("/featureThresholds/{}", segment(name));
            text(&mut fields, &pointer, name, NAME_CHARS_MAX);
            thresholds(&mut fields, &pointer, settings.convention, own);
        }
    }
    webhooks(&mut fields, &settings.webhooks);
    fields.finish()
}

/// At least one, and none of them twice.
fn distinct<T: PartialEq>(fields: &mut Fields, pointer: &str, items: &[T]) {
    if items.is_empty() {
        fields.wrong(pointer, "names at least one");
    }
    for (place, item) in items.iter().enumerate() {
        if items[..place].contains(item) {
            fields.wrong(format!("{pointer}/{place}"), "is there twice");
        }
    }
}

/// Not empty, bounded, and storable.
fn text(fields: &mut Fields, pointer: &str, text: &str, chars_max: usize) {
    fields.no_longer_than(pointer, text, chars_max);
    if text.is_empty() || text.contains('\0') {
        fields.wrong(pointer, "is empty, or contains a NUL character");
    }
}

fn thresholds(fields: &mut Fields, pointer: &str, convention: Convention, thresholds: &Thresholds) {
    for (algorithm, Threshold { warning, alert }) in thresholds {
        let pointer = format!("{pointer}/{}", algorithm.as_str());
        let rule = convention.rule(*algorithm);
        let max = if rule == Rule::Statistic { THRESHOLD_MAX } else { 1.0 };
        for (name, value) in [("warning", warning), ("alert", alert)] {
            if let Some(value) = value {
                fields.within(&format!("{pointer}/{name}"), *value, &(0.0..=max));
            }
        }
        // Of a p-value the smaller one is the worse.
        let is_crossed = match (warning, alert) {
            (Some(warning), Some(alert)) if rule == Rule::Statistic => alert < warning,
            (Some(warning), Some(alert)) => alert > warning,
            _ => false,
        };
        if is_crossed {
            fields.wrong(pointer, "would alert before it warns");
        }
    }
}

fn webhooks(fields: &mut Fields, webhooks: &[Webhook]) {
    if webhooks.len() > WEBHOOKS_MAX {
        fields.wrong("/webhooks", format!("has {} entries; {WEBHOOKS_MAX} are allowed", webhooks.len()));
    }
    for (place, webhook) in webhooks.iter().enumerate() {
        let pointer = |name: &str| format!("/webhooks/{place}/{name}");
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if webhook.id.len() > ID_CHARS_MAX || !webhook.id.bytes().all(is_id) {
            fields
                .wrong(pointer("id"), format!("has 1 to {ID_CHARS_MAX} characters of A-Z, a-z, 0-9, '.', '_' and '-'"));
        }
        if webhooks[..place].iter().any(|other| other.id == webhook.id) {
            fields.wrong(pointer("id"), "is there twice");
        }
        if let Err(detail) = url(&webhook.url) {
            fields.wrong(pointer("url"), detail);
        }
        match &webhook.secret {
            None => fields.wrong(pointer("secret"), "is required for a webhook that is new"),
            Some(secret) => {
                let length = secret.expose().chars().count();
                if !SECRET_CHARS.contains(&length) || secret.expose().contains('\0') {
                    let (least, most) = (SECRET_CHARS.start(), SECRET_CHARS.end());
                    fields.wrong(pointer("secret"), format!("has {least} to {most} characters, without NUL"));
                }
            }
        }
        distinct(fields, &pointer("events"), &webhook.events);
    }
}

/// Whether messages can be posted there. Where a name leads is looked at when one is.
fn url(text: &str) -> Result<(), &'static str> {
    if text.chars().count() > URL_CHARS_MAX {
        return Err("has more than 2048 characters");
    }
    let url = reqwest::Url::parse(text).map_err(|_| "is no URL such as https://example.org/hook")?;
    if !["http", "https"].contains(&url.scheme()) || url.host_str().is_none_or(str::is_empty) {
        return Err("is no http or https URL with a host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user or a password in it, which would be kept readable; messages are signed instead");
    }
    Ok(())
}
