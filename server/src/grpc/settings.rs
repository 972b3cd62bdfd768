//! What is logged, read and changed while the server runs.

use super::call::Call;
use crate::auth::scope::{AuthAdmin, Scope as _};
use crate::error::ApiError;
use crate::http::predict::v2::logging::{self, LogChange, LogSettings};
use servoir_codec::grpc::proto::log_settings_request;
use servoir_codec::grpc::proto::log_settings_request::setting_value::ParameterChoice as Asked;
use servoir_codec::grpc::proto::log_settings_response::SettingValue;
use servoir_codec::grpc::proto::log_settings_response::setting_value::ParameterChoice as Answer;
use servoir_codec::grpc::proto::{LogSettingsRequest, LogSettingsResponse};

/// Changes the settings that a message names, and answers all.
///
/// # Errors
/// 403 without the scope to change them; 400 for a setting or a value that is not there.
pub fn log(call: &Call, message: &LogSettingsRequest) -> Result<LogSettingsResponse, ApiError> {
    if message.settings.is_empty() {
        return Ok(answer(&logging::settings()));
    }
    call.principal()?.require(AuthAdmin::NAME)?;
    let mut change = LogChange::default();
    for (name, value) in &message.settings {
        set(&mut change, name, value)?;
    }
    logging::change(&change).map(|settings| answer(&settings))
}

fn set(change: &mut LogChange, name: &str, value: &log_settings_request::SettingValue) -> Result<(), ApiError> {
    match (name, value.parameter_choice.clone()) {
        (_, None) => {}
        ("log_file", Some(Asked::StringParam(file))) => change.log_file = Some(file),
        ("log_format", Some(Asked::StringParam(format))) => change.log_format = Some(format),
        ("log_info", Some(Asked::BoolParam(on))) => change.log_info = Some(on),
        ("log_warning", Some(Asked::BoolParam(on))) => change.log_warning = Some(on),
        ("log_error", Some(Asked::BoolParam(on))) => change.log_error = Some(on),
        ("log_verbose_level", Some(Asked::Uint32Param(level))) => change.log_verbose_level = Some(level),
        (_, Some(_)) => return Err(refused(name)),
    }
    Ok(())
}

fn refused(name: &str) -> ApiError {
    let name: String = name.chars().take(64).collect();
    let expected = match name.as_str() {
        "log_file" | "log_format" => "string_param is expected",
        "log_info" | "log_warning" | "log_error" => "bool_param is expected",
        "log_verbose_level" => "uint32_param is expected",
        _ => {
            "there is no such setting; known: log_file, log_info, log_warning, log_error, log_verbose_level, log_format"
        }
    };
    ApiError::field(format!("/{name}"), expected)
}

fn answer(settings: &LogSettings) -> LogSettingsResponse {
    let text = |text: &str| Answer::StringParam(text.to_owned());
    let values = [
        ("log_file", text(settings.log_file)),
        ("log_info", Answer::BoolParam(settings.log_info)),
        ("log_warning", Answer::BoolParam(settings.log_warning)),
        ("log_error", Answer::BoolParam(settings.log_error)),
        ("log_verbose_level", Answer::Uint32Param(settings.log_verbose_level)),
        ("log_format", text(settings.log_format)),
    ];
    let values = values.into_iter();
    let settings = values.map(|(name, value)| (name.to_owned(), SettingValue { parameter_choice: Some(value) }));
    LogSettingsResponse { settings: settings.collect() }
}
