//! The body of `/v1/predict`: which of its forms it has.

use super::inputs;
use crate::error::ApiError;
use crate::http::predict::json::fault::Fault;
use crate::http::predict::json::object;
use serde::Deserialize;
use serde_json::value::RawValue;
use servoir_runtime::{Deployment, Identity};
use servoir_types::{Signature, Tensor};

/// The most characters of an entity's id.
const ENTITY_ID_CHARS_MAX: usize = 256;

/// What a request asks for.
#[derive(Debug)]
pub struct Asked {
    /// In the signature's order.
    pub inputs: Vec<Tensor>,
    /// Whether it is one row, whose prediction is also given by itself.
    pub single: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    #[serde(borrow)]
    instances: Option<&'a RawValue>,
    #[serde(borrow)]
    inputs: Option<&'a RawValue>,
    #[serde(borrow)]
    input_data: Option<&'a RawValue>,
    #[serde(rename = "entityId")]
    entity_id: Option<String>,
    #[serde(rename = "entityIds")]
    entity_ids: Option<Vec<String>>,
    #[serde(rename = "logPrediction")]
    _log_prediction: Option<bool>,
    source: Option<String>,
}

impl Asked {
    /// Reads a body for a deployment.
    ///
    /// # Errors
    /// 400 when the body itself is wrong, 422 when it is wrong for this model.
    pub fn read(bytes: &[u8], deployment: &Deployment) -> Result<Self, ApiError> {
        let Identity { name, version, .. } = deployment.identity();
        let model = format!("model '{name}' v{version}");
        Self::decode(bytes, deployment.signature(), &model, deployment.options().queue_rows_max)
    }

    fn decode(bytes: &[u8], signature: &Signature, model: &str, rows_max: usize) -> Result<Self, ApiError> {
        let body: Body<'_> = object::read(bytes)?;
        let reader = inputs::Reader { signature, model, rows_max };
        let inputs = match (body.instances, body.inputs, body.input_data) {
            (Some(rows), None, None) => reader.instances(rows)?,
            (None, Some(tensors), None) => reader.tensors(tensors)?,
            (None, None, Some(row)) => reader.one_row(row)?,
            (None, None, None) => return Err(form("one of instances, inputs and input_data must be there")),
            _ => return Err(form("only one of instances, inputs and input_data may be there")),
        };
        let rows = inputs.first().map_or(0, Tensor::rows);
        if rows == 0 {
            return Err(Fault::NoRows { field: "inputs" }.into());
        }
        body.check_entities(rows)?;
        Ok(Self { inputs, single: body.input_data.is_some() })
    }
}

impl Body<'_> {
    fn check_entities(&self, rows: usize) -> Result<(), ApiError> {
        let ids = match (&self.entity_id, &self.entity_ids) {
            (Some(_), Some(_)) => return Err(ApiError::field("/entityIds", "only one of entityId and entityIds")),
            (Some(_), None) if rows != 1 => {
                let detail = format!("entityId names one row, {rows} came; use entityIds");
                return Err(ApiError::field("/entityId", detail));
            }
            (None, Some(ids)) if ids.len() != rows => {
                let detail = format!("{} ids for {rows} rows; there must be one for each", ids.len());
                return Err(ApiError::field("/entityIds", detail));
            }
            (Some(id), None) => std::slice::from_ref(id),
            (None, Some(ids)) => ids,
            (None, None) => &[],
        };
        if let Some((n, id)) =
            ids.iter().enumerate().find(|(_, id)| !(1..=ENTITY_ID_CHARS_MAX).contains(&id.chars().count()))
        {
            let pointer = if self.entity_id.is_some() { "/entityId".to_owned() } else { format!("/entityIds/{n}") };
            let length = id.chars().count();
            let detail = format!("an entity id has 1 to {ENTITY_ID_CHARS_MAX} characters, this one has {length}");
            return Err(ApiError::field(pointer, detail));
        }
        match self.source.as_deref() {
            None | Some("test") => Ok(()),
            Some(_) => Err(ApiError::field("/source", "the only source that can be given is \"test\"")),
        }
    }
}

fn form(detail: &str) -> ApiError {
    Fault::Form(detail.to_owned()).into()
}
