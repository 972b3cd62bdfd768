//! The stored evaluation that a call is about.

use super::asked::{DatasetSplit, Which};
use crate::app::App;
use crate::auth::Caller;
use crate::auth::scope::StudioRead;
use crate::error::ApiError;
use crate::http::studio::access::studio_model;
use crate::http::studio::versions::named_or_promoted;
use serde::Serialize;
use serde::de::DeserializeOwned;
use servoir_registry::{Role, StudioModel};
use servoir_studio::evaluate::{Classification, Evaluation, Regression};
use servoir_types::{Kind, VersionId};
use utoipa::ToSchema;

/// What an answer is about.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PerformanceSubject)]
pub struct Subject {
    model_id: String,
    version_id: String,
    dataset_split: DatasetSplit,
}

/// A stored evaluation and what it is about.
pub struct Evaluated {
    /// What it is about.
    pub subject: Subject,
    /// What was found.
    pub found: Evaluation,
}

impl Evaluated {
    /// Reads what was found of a version of the model that a path names.
    ///
    /// # Errors
    /// 404 `not-found`, `no-promoted-version` or `not-evaluated`.
    pub async fn read(app: &App, caller: &Caller<StudioRead>, id: &str, which: Which) -> Result<Self, ApiError> {
        let model = studio_model(app, caller, id, Role::Viewer).await?;
        let version = named_or_promoted(&model, which.version_id.as_deref())?;
        let split = which.dataset_split;
        let found = stored(app, &model, version, split.word()).await?;
        let subject = Subject {
            model_id: model.model.id.to_string(),
            version_id: VersionId { model: model.model.id.clone(), number: version }.to_string(),
            dataset_split: split,
        };
        match found {
            Some(found) => Ok(Self { subject, found }),
            None => Err(missing(app, &model, version, &format!("answers to the {} rows", split.word())).await),
        }
    }

    /// The evaluation of a classifier.
    ///
    /// # Errors
    /// 422 `classification-only`.
    pub fn classification(self) -> Result<(Subject, Box<Classification>), ApiError> {
        match self.found {
            Evaluation::Classification(found) => Ok((self.subject, found)),
            Evaluation::Regression(_) => {
                let detail = "this model predicts numbers: classes are what this chart is about";
                Err(ApiError::new(Kind::Unprocessable, "classification-only", detail))
            }
        }
    }

    /// The evaluation of a regression.
    ///
    /// # Errors
    /// 422 `regression-only`.
    pub fn regression(self) -> Result<(Subject, Box<Regression>), ApiError> {
        match self.found {
            Evaluation::Regression(found) => Ok((self.subject, found)),
            Evaluation::Classification(_) => {
                let detail = "this model predicts classes: how far numbers are off is what this chart is about";
                Err(ApiError::new(Kind::Unprocessable, "regression-only", detail))
            }
        }
    }
}

/// What was found of a version and kept under this name.
pub async fn stored<T: DeserializeOwned + Send + 'static>(
    app: &App,
    model: &StudioModel,
    version: i64,
    split: &str,
) -> Result<Option<T>, ApiError> {
    let body = app.registry.evaluation(&model.model.organization, &model.model.id, version, split).await?;
    let Some(body) = body else { return Ok(None) };
    // Some megabytes of numbers: not on a thread that others wait for.
    let parsed = tokio::task::spawn_blocking(move || serde_json::from_str(&body)).await;
    parsed.map_err(ApiError::internal)?.map(Some).map_err(ApiError::internal)
}

/// Why there is nothing: the version does not exist, or its `what` was not evaluated.
pub async fn missing(app: &App, model: &StudioModel, version: i64, what: &str) -> ApiError {
    match app.registry.version(&model.model.organization, &model.model.id, version).await {
        Err(error) => error.into(),
        Ok(_) => {
            let detail = format!(
                "version {version} of model '{}' was not evaluated: nothing is stored of its {what}",
                model.model.name
            );
            ApiError::new(Kind::NotFound, "not-evaluated", detail)
        }
    }
}
