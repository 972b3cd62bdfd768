//! When alerts are raised, and who is told: a part of the settings that the Registry API shows whole.

use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::{MonitoringRead, MonitoringWrite};
use crate::error::ApiError;
use crate::http::json::Json;
use crate::http::path::OnlyPath;
use crate::http::studio::access::studio_model;
use crate::http::whole;
use crate::monitoring::settings::{MonitoringSettings, Webhook, schemas};
use axum::extract::State;
use serde::{Deserialize, Serialize};
use servoir_monitor::WindowLength;
use servoir_monitor::alert::{AlertEventKind, Hysteresis as Turns};
use servoir_monitor::analysis::Thresholds;
use servoir_monitor::convention::{Algorithm, Convention};
use servoir_registry::Role;
use servoir_types::Secret;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(read, replace))
}

/// When alerts are raised, and who is told. What is left out has its default.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AlertConfig {
    /// The windows that are analysed on schedule.
    #[schema(schema_with = schemas::windows)]
    windows: Vec<WindowLength>,
    /// Seconds between analyses.
    #[schema(minimum = 60, maximum = 86_400)]
    #[serde(deserialize_with = "whole::required")]
    interval_seconds: i64,
    /// Whose way of computing.
    #[schema(schema_with = schemas::convention)]
    convention: Convention,
    /// What is computed; `null`: everything that the convention has.
    #[schema(schema_with = schemas::algorithms)]
    algorithms: Option<Vec<Algorithm>>,
    /// A window with fewer rows is `no-data`.
    #[schema(minimum = 1, maximum = 1_000_000)]
    #[serde(deserialize_with = "whole::required")]
    min_window_sample_size: u64,
    /// By statistic, for every feature and output, in the place of the convention's.
    #[schema(schema_with = schemas::thresholds)]
    thresholds: Thresholds,
    /// By feature or output, in the place of those for all.
    #[schema(schema_with = schemas::feature_thresholds)]
    feature_thresholds: BTreeMap<String, Thresholds>,
    /// How many analyses in a row it takes.
    hysteresis: Hysteresis,
    /// Who is told.
    #[schema(max_items = 10)]
    webhooks: Vec<AlertWebhook>,
}

/// How many analyses in a row it takes.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = AlertHysteresis)]
pub struct Hysteresis {
    /// To raise an alert.
    #[schema(minimum = 1, maximum = 100)]
    #[serde(deserialize_with = "whole::required")]
    raise_after: u32,
    /// To clear it.
    #[schema(minimum = 1, maximum = 100)]
    #[serde(deserialize_with = "whole::required")]
    clear_after: u32,
    /// Whether a warning counts, or an alert alone.
    on_warning: bool,
}

/// Who is told of alerts, and of what.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertWebhook {
    /// Tells it from the model's others; made by the server when it is left out.
    #[serde(default)]
    #[schema(schema_with = schemas::webhook_id)]
    id: String,
    /// Where messages are posted.
    #[schema(schema_with = schemas::webhook_url)]
    url: String,
    /// What messages are signed with. It is never shown again; left out, the one that this id has stays.
    #[serde(default, skip_serializing)]
    #[schema(schema_with = schemas::webhook_secret, write_only)]
    secret: Option<Secret>,
    /// `raised`, `worsened`, `acknowledged`, `cleared`; all but `acknowledged` when it is left out.
    #[serde(default = "Webhook::usual_events")]
    #[schema(schema_with = schemas::webhook_events)]
    events: Vec<AlertEventKind>,
}

impl Default for AlertConfig {
    fn default() -> Self {
        Self::from(MonitoringSettings::default())
    }
}

impl Default for Hysteresis {
    fn default() -> Self {
        Turns::default().into()
    }
}

impl From<Turns> for Hysteresis {
    fn from(turns: Turns) -> Self {
        let Turns { raise_after, clear_after, on_warning } = turns;
        Self { raise_after, clear_after, on_warning }
    }
}

impl From<MonitoringSettings> for AlertConfig {
    fn from(settings: MonitoringSettings) -> Self {
        let webhook = |Webhook { id, url, events, .. }: Webhook| AlertWebhook { id, url, secret: None, events };
        Self {
            windows: settings.windows,
            interval_seconds: settings.interval_seconds,
            convention: settings.convention,
            algorithms: settings.algorithms,
            min_window_sample_size: settings.min_window_sample_size,
            thresholds: settings.thresholds,
            feature_thresholds: settings.feature_thresholds,
            hysteresis: settings.hysteresis.into(),
            webhooks: settings.webhooks.into_iter().map(webhook).collect(),
        }
    }
}

impl AlertConfig {
    /// The settings with this part in the place of theirs.
    fn within(self, rest: &MonitoringSettings) -> MonitoringSettings {
        let webhook = |AlertWebhook { id, url, secret, events }: AlertWebhook| Webhook { id, url, secret, events };
        let Hysteresis { raise_after, clear_after, on_warning } = self.hysteresis;
        MonitoringSettings {
            windows: self.windows,
            interval_seconds: self.interval_seconds,
            convention: self.convention,
            algorithms: self.algorithms,
            min_window_sample_size: self.min_window_sample_size,
            thresholds: self.thresholds,
            feature_thresholds: self.feature_thresholds,
            hysteresis: Turns { raise_after, clear_after, on_warning },
            webhooks: self.webhooks.into_iter().map(webhook).collect(),
            ..rest.clone()
        }
    }
}

/// Read when alerts are raised
///
/// And who is told of them, without the secrets.
#[utoipa::path(get, path = "/api/v1/models/{id}/monitoring/alerts/config", operation_id = "getAlertConfig",
    tag = "monitoring", params(("id" = String, Path, description = "Id or name.")),
    responses((status = 200, description = "All of it.", body = AlertConfig),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["monitoring:read"]), ("Bearer" = ["monitoring:read"])))]
async fn read(
    caller: Caller<MonitoringRead>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
) -> Result<axum::Json<AlertConfig>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?.model;
    let settings = MonitoringSettings::of(&app.registry.monitoring_settings(&model.id).await?)?;
    Ok(axum::Json(settings.into()))
}

/// Say when alerts are raised
///
/// The whole of it takes the place of what it was; the model's other settings of monitoring stay.
#[utoipa::path(put, path = "/api/v1/models/{id}/monitoring/alerts/config", operation_id = "putAlertConfig",
    tag = "monitoring", params(("id" = String, Path, description = "Id or name.")), request_body = AlertConfig,
    responses((status = 200, description = "As it is now.", body = AlertConfig),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["monitoring:write"]), ("Bearer" = ["monitoring:write"])))]
async fn replace(
    caller: Caller<MonitoringWrite>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
    Json(config): Json<AlertConfig>,
) -> Result<axum::Json<AlertConfig>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Editor).await?.model;
    let change = app.registry.change_monitoring_settings(&caller.actor, (&model.id, None), |row| {
        let before = MonitoringSettings::of(row)?;
        config.within(&before).replacing(&before)
    });
    Ok(axum::Json(MonitoringSettings::of(&change.await?)?.into()))
}
