//! How a model is monitored: the one owner of what the registry keeps of it, for both dialects of the API.

mod check;
pub mod schemas;
mod webhook;

pub use check::LABEL_WINDOW_DAYS_MAX;
pub use webhook::Webhook;

use crate::error::ApiError;
use crate::http::whole;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use servoir_monitor::WindowLength;
use servoir_monitor::alert::Hysteresis;
use servoir_monitor::analysis::{self, Thresholds};
use servoir_monitor::convention::{Algorithm, Convention};
use servoir_registry::{MonitoringChange, MonitoringSettingsRow};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// How a model is monitored. What is left out has its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MonitoringSettings {
    /// Whether features are counted. Answers and requests are, in any case.
    pub record_inputs: bool,
    /// The share of requests that are counted.
    #[schema(minimum = 0, maximum = 1)]
    pub sample_rate: f64,
    /// For so many days after a prediction its label is taken.
    #[schema(minimum = 1, maximum = 90)]
    #[serde(deserialize_with = "whole::required")]
    pub label_window_days: i64,
    /// The windows that are analysed on schedule; any may be asked for.
    #[schema(schema_with = schemas::windows)]
    pub windows: Vec<WindowLength>,
    /// Whose way of computing: `servoir`, `evidently` or `nannyml`.
    #[schema(schema_with = schemas::convention)]
    pub convention: Convention,
    /// What is computed; `null`: everything that the convention has.
    #[schema(schema_with = schemas::algorithms)]
    pub algorithms: Option<Vec<Algorithm>>,
    /// A window with fewer rows is `no-data`.
    #[schema(minimum = 1, maximum = 1_000_000)]
    #[serde(deserialize_with = "whole::required")]
    pub min_window_sample_size: u64,
    /// By statistic, for every feature and output, in the place of the convention's.
    #[schema(schema_with = schemas::thresholds)]
    pub thresholds: Thresholds,
    /// By feature or output, in the place of those for all.
    #[schema(schema_with = schemas::feature_thresholds)]
    pub feature_thresholds: BTreeMap<String, Thresholds>,
    /// How many analyses in a row it takes to raise and to clear an alert.
    #[schema(schema_with = schemas::hysteresis)]
    pub hysteresis: Hysteresis,
    /// Seconds between analyses.
    #[schema(minimum = 60, maximum = 86_400)]
    #[serde(deserialize_with = "whole::required")]
    pub interval_seconds: i64,
    /// Whether rows themselves are kept, as a sample; by default none are.
    pub record_values: Option<RecordValues>,
    /// Who is told of alerts.
    #[schema(max_items = 10)]
    pub webhooks: Vec<Webhook>,
}

/// How many rows are kept themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordValues {
    /// The size of the sample of each hour and node, in rows.
    #[schema(minimum = 1, maximum = 10_000)]
    #[serde(deserialize_with = "whole::required")]
    pub rows_max: u32,
}

impl Default for MonitoringSettings {
    fn default() -> Self {
        let analysis = analysis::Settings::default();
        Self {
            record_inputs: true,
            sample_rate: 1.0,
            label_window_days: 14,
            windows: vec![WindowLength::Hour, WindowLength::Day],
            convention: analysis.convention,
            algorithms: analysis.algorithms,
            min_window_sample_size: analysis.min_window_sample_size,
            thresholds: analysis.thresholds,
            feature_thresholds: analysis.feature_thresholds,
            hysteresis: Hysteresis::default(),
            interval_seconds: 300,
            record_values: None,
            webhooks: Vec::new(),
        }
    }
}

impl MonitoringSettings {
    /// What the registry keeps, with every default filled in.
    ///
    /// # Errors
    /// When this code cannot have written it.
    pub fn of(row: &MonitoringSettingsRow) -> Result<Self, ApiError> {
        let Some(body) = &row.body else { return Ok(Self::default()) };
        serde_json::from_str(body).map_err(|error| ApiError::internal(format!("the settings of monitoring: {error}")))
    }

    /// What an analysis computes and how it judges.
    pub fn analysis(&self) -> analysis::Settings {
        analysis::Settings {
            convention: self.convention,
            algorithms: self.algorithms.clone(),
            min_window_sample_size: self.min_window_sample_size,
            thresholds: self.thresholds.clone(),
            feature_thresholds: self.feature_thresholds.clone(),
        }
    }

    /// What the registry is to keep and the audit to say when these settings, as a caller gave them, take the place of
    /// `before`. A webhook without a secret keeps the one that its id had.
    ///
    /// # Errors
    /// 400 with every field that is wrong.
    pub fn replacing(mut self, before: &Self) -> Result<MonitoringChange, ApiError> {
        webhook::complete(&mut self.webhooks, &before.webhooks);
        check::check(&self)?;
        Ok(MonitoringChange { body: self.stored()?.to_string(), audited: (before.shown()?, self.shown()?) })
    }

    /// As callers and the audit are shown them: without secrets.
    fn shown(&self) -> Result<Value, ApiError> {
        serde_json::to_value(self).map_err(ApiError::internal)
    }

    fn stored(&self) -> Result<Value, ApiError> {
        let mut stored = self.shown()?;
        for (place, webhook) in self.webhooks.iter().enumerate() {
            if let Some(secret) = &webhook.secret {
                stored["webhooks"][place]["secret"] = secret.expose().into();
            }
        }
        Ok(stored)
    }
}

#[cfg(test)]
mod tests;
