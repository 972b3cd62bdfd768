//! How good a version's answers were: from labels, beside the value at training time and an estimate until labels come.

mod changes;
mod classes;
mod estimate;
mod labelled;
mod training;

pub use changes::ChangePoint;
pub use estimate::{Estimate, estimate};
pub use training::AtTraining;

use crate::app::App;
use crate::error::ApiError;
use serde::Serialize;
use servoir_registry::Labelled;
use servoir_types::{ModelId, Timestamp};
use utoipa::ToSchema;

/// How good a version's answers were in some time.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Performance {
    /// `classification` or `regression`.
    #[schema(value_type = String)]
    pub task: Task,
    /// The first moment of the predictions.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// The first moment after them.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    /// How many of them have a label.
    pub labelled: u64,
    /// From the labels; `null` when there are none.
    #[schema(required)]
    pub live: Option<Scores>,
    /// From the labels of a classifier of up to 50 classes.
    #[schema(required)]
    pub confusion: Option<Confusion>,
    /// What the version was worth when it was trained here.
    #[schema(required)]
    pub training: Option<AtTraining>,
    /// What is expected of the predictions without looking at labels; `null` of a model without scores.
    #[schema(required)]
    pub estimate: Option<Estimate>,
    /// When the errors changed, the oldest first.
    pub change_points: Vec<ChangePoint>,
}

/// What a model predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Task {
    Classification,
    Regression,
}

/// Numbers by their names; `null` where a number is not defined or belongs to another task.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scores {
    /// The share of right answers.
    #[schema(required)]
    pub accuracy: Option<f64>,
    /// The plain mean over the classes.
    #[schema(required)]
    pub f1_macro: Option<f64>,
    /// The mean over the classes, each as often as it is true.
    #[schema(required)]
    pub f1_weighted: Option<f64>,
    /// The area under the curve, of two classes.
    #[schema(required)]
    pub roc_auc: Option<f64>,
    /// The mean absolute error.
    #[schema(required)]
    pub mae: Option<f64>,
    /// The root of the mean squared error.
    #[schema(required)]
    pub rmse: Option<f64>,
    /// The share of the truth's variance that is explained.
    #[schema(required)]
    pub r2: Option<f64>,
}

/// How often each class was answered where each was true.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Confusion {
    /// In the order of rows and columns.
    pub classes: Vec<String>,
    /// A row for each true class, a column for each answered one.
    pub counts: Vec<Vec<u64>>,
}

/// How good a version's answers to the predictions from `from` on and before `to` were. The estimate is not among it: it is
/// made of the window's counts, by [`estimate`].
///
/// # Errors
/// When the registry is away.
pub async fn performance(
    app: &App,
    model: &ModelId,
    version: i64,
    from: Timestamp,
    to: Timestamp,
) -> Result<Option<Performance>, ApiError> {
    let labelled = Labelled { model, version, from, to };
    let organization = app.registry.organization_of(model).await?;
    let training = training::read(app, &organization, labelled).await?;
    let Some(found) = labelled::read(app, &organization, labelled).await? else {
        return Ok(training.map(|(task, training)| Performance::unlabelled(task, (from, to), Some(training))));
    };
    let change_points = changes::read(app, labelled, found.scores.rmse).await?;
    Ok(Some(Performance {
        labelled: found.count,
        live: Some(found.scores),
        confusion: found.confusion,
        change_points,
        ..Performance::unlabelled(found.task, (from, to), training.map(|(_, training)| training))
    }))
}

/// The numbers of [`performance`] that come from labels alone; `None` when there are none.
///
/// # Errors
/// When the registry is away.
pub async fn live_scores(app: &App, labelled: Labelled<'_>) -> Result<Option<Scores>, ApiError> {
    let organization = app.registry.organization_of(labelled.model).await?;
    Ok(labelled::read(app, &organization, labelled).await?.map(|found| found.scores))
}

impl Performance {
    /// Of a time without labels.
    pub fn unlabelled(task: Task, (from, to): (Timestamp, Timestamp), training: Option<AtTraining>) -> Self {
        Self {
            task,
            from,
            to,
            labelled: 0,
            live: None,
            confusion: None,
            training,
            estimate: None,
            change_points: Vec::new(),
        }
    }
}
