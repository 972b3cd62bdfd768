//! `/v2/logging`: what is logged, read and changed while the server runs.

use super::{json, small_body};
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::openapi::texts::nullable;
use crate::http::whole;
use crate::telemetry::logging;
use axum::body::Body;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// The only format of lines that this extension has a word for; which one it really is stands in the configuration.
const FORMAT: &str = "default";

/// What is logged.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogSettings {
    /// Always empty: lines go to standard error.
    pub log_file: &'static str,
    /// Whether information is logged.
    pub log_info: bool,
    /// Whether warnings are.
    pub log_warning: bool,
    /// Whether errors are.
    pub log_error: bool,
    /// 0: none; 1: what helps to find a fault; from 2: every step.
    #[schema(value_type = i64, minimum = 0, maximum = 4_294_967_295_i64)]
    pub log_verbose_level: u32,
    /// Always `default`.
    pub log_format: &'static str,
}

/// What is to be logged; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // the fields of `LogSettings`
pub struct LogChange {
    #[schema(schema_with = no_file)]
    pub log_file: Option<String>,
    pub log_info: Option<bool>,
    pub log_warning: Option<bool>,
    pub log_error: Option<bool>,
    #[serde(default, deserialize_with = "whole::optional")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 4_294_967_295_i64)]
    pub log_verbose_level: Option<u32>,
    #[schema(schema_with = only_format)]
    pub log_format: Option<String>,
}

fn no_file() -> Object {
    only("")
}

fn only_format() -> Object {
    only(FORMAT)
}

/// The schema of a field that may have one value alone, be `null` or be left out.
fn only(value: &str) -> Object {
    let values = [Value::from(value), Value::Null];
    ObjectBuilder::new().schema_type(nullable(Type::String)).enum_values(Some(values)).build()
}

/// What is logged now.
pub fn settings() -> LogSettings {
    let logging::Levels { info, warning, error, verbose } = logging::control().levels();
    LogSettings {
        log_file: "",
        log_info: info,
        log_warning: warning,
        log_error: error,
        log_verbose_level: verbose,
        log_format: FORMAT,
    }
}

/// Changes what is logged from now on.
///
/// # Errors
/// 400 for a file or a format, which are chosen at the start, and for levels that contradict each other.
pub fn change(change: &LogChange) -> Result<LogSettings, ApiError> {
    if change.log_file.as_deref().is_some_and(|file| !file.is_empty()) {
        let detail = "lines go to standard error, and the server cannot send them to a file; redirect it there";
        return Err(ApiError::field("/log_file", detail));
    }
    if change.log_format.as_deref().is_some_and(|format| format != FORMAT) {
        let detail = "the format is chosen at the start, by the setting log.format";
        return Err(ApiError::field("/log_format", detail));
    }
    let before = logging::control().levels();
    let levels = logging::Levels {
        info: change.log_info.unwrap_or(before.info),
        warning: change.log_warning.unwrap_or(before.warning),
        error: change.log_error.unwrap_or(before.error),
        verbose: change.log_verbose_level.unwrap_or(before.verbose),
    };
    if levels != before {
        logging::control().set(levels).map_err(|detail| ApiError::malformed("log-levels", detail))?;
    }
    Ok(settings())
}

/// Changes what is logged as a body says.
///
/// # Errors
/// As [`change`]; 400 for a body of another form.
pub async fn answer_change(app: &SharedApp, body: Body) -> Result<Response, ApiError> {
    json(&change(&small_body(app, body).await?)?)
}
