//! What turned out to be true of predictions.

use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::MonitoringWrite;
use crate::error::ApiError;
use crate::http::fields::Fields;
use crate::http::json;
use crate::http::openapi::texts;
use crate::http::path::OnlyPath;
use crate::http::studio::access;
use crate::monitoring::feedback::{self, ACTUALS_MAX, Key, Label, TEXT_CHARS_MAX, Truth};
use axum::body::Body;
use axum::extract::State;
use http::Request;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use servoir_registry::Role;
use servoir_types::Timestamp;
use utoipa::ToSchema;
use utoipa::openapi::schema::{
    AdditionalProperties, Array, ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The longest body: ten thousand labels with long names.
pub const BODY_BYTES_MAX: usize = 8 << 20;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(record))
}

/// Labels of predictions.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"actuals": [{"predictionId": "pred_AQAAAQ", "actual": 1, "actualAt": "2025-01-15T10:30:00Z"}]}))]
pub struct RecordActuals {
    /// 1 to 10,000.
    #[schema(schema_with = actuals_schema)]
    actuals: Vec<GivenActual>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GivenActual {
    prediction_id: Option<String>,
    entity_id: Option<String>,
    actual: Value,
    actual_at: Option<String>,
}

fn actuals_schema() -> Array {
    let text = || ObjectBuilder::new().schema_type(Type::String).max_length(Some(TEXT_CHARS_MAX));
    let storable = || text().pattern(Some(r"^[^\u0000]*$"));
    let one = |key: &str, what: &str| {
        let kinds = SchemaType::Array(vec![Type::String, Type::Number, Type::Boolean]);
        let actual = storable().schema_type(kinds).description(Some("A class, or a number."));
        let mut at = texts::time();
        at.schema_type = texts::nullable(Type::String);
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .property(key, storable().min_length(Some(1)).description(Some(what)))
            .required(key)
            .property("actual", actual)
            .required("actual")
            .property("actualAt", Schema::Object(at))
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
    };
    let item = OneOfBuilder::new()
        .item(one("predictionId", "`pred_…`"))
        .item(one("entityId", "The newest prediction about it that is not newer than the label is meant."));
    ArrayBuilder::new().items(item).min_items(Some(1)).max_items(Some(ACTUALS_MAX)).build()
}

/// What became of labels.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordedActuals {
    /// Predictions that had no label and have one now.
    recorded: usize,
    /// Predictions that had a label and have this one now.
    replaced: usize,
    /// Labels that were not taken.
    rejected: Vec<RejectedActual>,
}

/// A label that was not taken.
#[derive(Debug, Serialize, ToSchema)]
pub struct RejectedActual {
    /// Its place in the request, from 0.
    row: usize,
    /// `unknown`, `late`, `repeated`, `wrong-type`, `incomparable` or `future`, a colon, and a sentence.
    #[schema(example = "late: the prediction was made at 2025-01-01T00:00:00Z; labels are taken for 14 days")]
    reason: String,
}

/// Send what turned out to be true
///
/// Each label belongs to a prediction by the id that came with it, or to the newest prediction about an entity that is not
/// newer than `actualAt`. It is taken for `labelWindowDays` after the prediction; the same prediction again replaces. What
/// cannot be taken is told by its place, and keeps nothing else from being taken.
#[utoipa::path(post, path = "/api/v1/model-registry/models/{id}/actuals", operation_id = "recordActuals", tag = "monitoring",
    params(("id" = String, Path, description = "Id or name.")),
    request_body = RecordActuals,
    responses((status = 200, description = "What became of them.", body = RecordedActuals),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["monitoring:write"]), ("Bearer" = ["monitoring:write"])))]
async fn record(
    caller: Caller<MonitoringWrite>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
    request: Request<Body>,
) -> Result<axum::Json<RecordedActuals>, ApiError> {
    let model = access::model(&app, &caller.principal, &id, Role::Editor).await?;
    let RecordActuals { actuals } = json::read(&app, request, BODY_BYTES_MAX).await?;
    let joined = feedback::record(&app, &caller.actor, &model, checked(actuals)?).await?;
    let rejected = joined.rejected.into_iter();
    Ok(axum::Json(RecordedActuals {
        recorded: joined.recorded.recorded,
        replaced: joined.recorded.replaced,
        rejected: rejected.map(|rejected| RejectedActual { row: rejected.row, reason: rejected.reason }).collect(),
    }))
}

/// Labels that say what they must; whether they can be taken is another question.
fn checked(given: Vec<GivenActual>) -> Result<Vec<Label>, ApiError> {
    if !(1..=ACTUALS_MAX).contains(&given.len()) {
        let detail = format!("has {} labels; 1 to {ACTUALS_MAX} are allowed", given.len());
        return Err(ApiError::field("/actuals", detail));
    }
    let mut fields = Fields::default();
    let mut labels = Vec::with_capacity(given.len());
    for (row, one) in given.into_iter().enumerate() {
        let key = match (one.prediction_id, one.entity_id) {
            (Some(id), None) => Key::Prediction(id),
            (None, Some(id)) => Key::Entity(id),
            _ => {
                fields.wrong(format!("/actuals/{row}"), "has either predictionId or entityId");
                continue;
            }
        };
        let (name, Key::Prediction(id) | Key::Entity(id)) = (key.field(), &key);
        if id.is_empty() || id.chars().count() > TEXT_CHARS_MAX || id.contains('\0') {
            let detail = format!("has 1 to {TEXT_CHARS_MAX} characters, without NUL");
            fields.wrong(format!("/actuals/{row}/{name}"), detail);
        }
        let at = one.actual_at.map(|text| (Timestamp::parse(&text), text));
        if let Some((None, text)) = &at {
            let detail = format!("'{text}' is no time such as 2025-01-15T10:30:00Z");
            fields.wrong(format!("/actuals/{row}/actualAt"), detail);
        }
        match Truth::of(one.actual) {
            Ok(truth) => labels.push(Label { key, truth, at: at.and_then(|(at, _)| at) }),
            Err(detail) => fields.wrong(format!("/actuals/{row}/actual"), detail),
        }
    }
    fields.finish()?;
    Ok(labels)
}

impl Key {
    fn field(&self) -> &'static str {
        match self {
            Self::Prediction(_) => "predictionId",
            Self::Entity(_) => "entityId",
        }
    }
}
