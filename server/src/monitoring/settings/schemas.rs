//! The settings' schemas, which say what the checks beside them do.

use super::check::{
    ANALYSES_MAX, FEATURE_THRESHOLDS_MAX, ID_CHARS_MAX, NAME_CHARS_MAX, SECRET_CHARS, THRESHOLD_MAX, URL_CHARS_MAX,
};
use crate::http::openapi::texts::nullable;
use servoir_monitor::WindowLength;
use servoir_monitor::convention::Algorithm;
use utoipa::openapi::schema::{
    AdditionalProperties, Array, ArrayBuilder, Object, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn list(words: impl IntoIterator<Item = &'static str>, kind: SchemaType) -> Array {
    let words: Vec<&str> = words.into_iter().collect();
    let most = words.len();
    let item = text().enum_values(Some(words));
    ArrayBuilder::new()
        .schema_type(kind)
        .items(item)
        .min_items(Some(1))
        .max_items(Some(most))
        .unique_items(true)
        .build()
}

/// The schema of windows to be analysed.
pub fn windows() -> Array {
    list(WindowLength::ALL.map(WindowLength::as_str), SchemaType::Type(Type::Array))
}

/// The schema of whose way of computing.
pub fn convention() -> Object {
    text().enum_values(Some(["servoir", "evidently", "nannyml"])).build()
}

/// The schema of what is computed.
pub fn algorithms() -> Array {
    list(Algorithm::ALL.map(Algorithm::as_str), nullable(Type::Array))
}

/// The schema of thresholds by statistic.
pub fn thresholds() -> Object {
    let bound = |max: f64| {
        let kind = SchemaType::Array(vec![Type::Number, Type::Null]);
        ObjectBuilder::new().schema_type(kind).minimum(Some(0)).maximum(Some(max))
    };
    let closed = || {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
    };
    Algorithm::ALL
        .into_iter()
        .fold(closed(), |all, algorithm| {
            let max = match algorithm {
                Algorithm::ChiSquare => 1.0,
                // Of NannyML's convention it is no p-value.
                _ => THRESHOLD_MAX,
            };
            all.property(algorithm.as_str(), closed().property("warning", bound(max)).property("alert", bound(max)))
        })
        .build()
}

/// The schema of thresholds by column.
pub fn feature_thresholds() -> Object {
    let name = text().min_length(Some(1)).max_length(Some(NAME_CHARS_MAX)).pattern(Some(r"^[^\u0000]*$")).build();
    let map = ObjectBuilder::new().schema_type(Type::Object).max_properties(Some(FEATURE_THRESHOLDS_MAX));
    map.property_names(Some(name)).additional_properties(Some(Schema::Object(thresholds()))).build()
}

/// The schema of how many analyses in a row it takes.
pub fn hysteresis() -> Object {
    let count = || ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(ANALYSES_MAX));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("raiseAfter", count().default(Some(2.into())))
        .property("clearAfter", count().default(Some(2.into())))
        .property("onWarning", ObjectBuilder::new().schema_type(Type::Boolean).default(Some(false.into())))
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
        .build()
}

/// The schema of a webhook's id.
pub fn webhook_id() -> Object {
    text().max_length(Some(ID_CHARS_MAX)).pattern(Some("^[A-Za-z0-9._-]*$")).build()
}

/// The schema of where messages are posted.
pub fn webhook_url() -> Object {
    let uri = SchemaFormat::Custom("uri".to_owned());
    text().format(Some(uri)).max_length(Some(URL_CHARS_MAX)).pattern(Some("^https?://[A-Za-z0-9]")).build()
}

/// The schema of what messages are signed with.
pub fn webhook_secret() -> Object {
    let (least, most) = (*SECRET_CHARS.start(), *SECRET_CHARS.end());
    text().schema_type(nullable(Type::String)).min_length(Some(least)).max_length(Some(most)).build()
}

/// The schema of what of an alert is told.
pub fn webhook_events() -> Array {
    list(["raised", "worsened", "acknowledged", "cleared"], SchemaType::Type(Type::Array))
}
