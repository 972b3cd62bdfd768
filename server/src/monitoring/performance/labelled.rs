//! What labels say, computed from what the database has added up.

use super::classes::Classes;
use super::{Confusion, Scores, Task};
use crate::app::App;
use crate::error::ApiError;
use servoir_monitor::performance::{self, ErrorSums, Ordered};
use servoir_registry::{ClassPair, Labelled};

/// A larger confusion matrix is not shown.
const CLASSES_SHOWN_MAX: usize = 50;

/// What labels say.
pub struct Found {
    /// What the version predicts.
    pub task: Task,
    /// How many labels there are.
    pub count: u64,
    /// The numbers.
    pub scores: Scores,
    /// Of a classifier of not too many classes.
    pub confusion: Option<Confusion>,
}

/// Reads what labels say; `None` when there are none.
pub async fn read(app: &App, organization: &str, labelled: Labelled<'_>) -> Result<Option<Found>, ApiError> {
    let pairs = app.registry.class_pairs(labelled).await?;
    if !pairs.is_empty() {
        return classes(app, organization, labelled, &pairs).await.map(Some);
    }
    let Some(sums) = app.registry.number_sums(labelled).await? else { return Ok(None) };
    let count = u64::try_from(sums.count).unwrap_or_default();
    let errors = ErrorSums { count, absolute: sums.absolute, squared: sums.squared, truth_squares: sums.truth_squares };
    let scores = Scores { mae: errors.mae(), rmse: errors.rmse(), r2: errors.r2(), ..Scores::default() };
    Ok(Some(Found { task: Task::Regression, count, scores, confusion: None }))
}

async fn classes(
    app: &App,
    organization: &str,
    labelled: Labelled<'_>,
    pairs: &[ClassPair],
) -> Result<Found, ApiError> {
    let classes = Classes::of(app, organization, labelled, pairs).await?;
    let mut matrix = performance::Confusion::new(classes.len());
    let (mut count, mut right) = (0, 0);
    for pair in pairs {
        let times = u64::try_from(pair.count).unwrap_or_default();
        let (truth, answer) = (classes.place(&pair.actual), classes.place(&pair.predicted));
        matrix.add_times(truth, answer, times);
        count += times;
        right += if truth == answer { times } else { 0 };
    }
    // A class that no longer fits into the matrix is counted all the same.
    let is_whole = classes.len() <= performance::CLASSES_MAX;
    #[allow(clippy::cast_precision_loss)] // below 2^53
    let accuracy = (count > 0).then(|| right as f64 / count as f64);
    let roc_auc = match classes.positive() {
        Some(positive) => {
            let mut ordered = Ordered::default();
            #[allow(clippy::cast_precision_loss)] // below 2^53
            let take = |scored: servoir_registry::Scored| ordered.add(scored.positives as f64, scored.negatives as f64);
            app.registry.scored(labelled, positive, take).await?;
            ordered.auc().map(|auc| auc.value)
        }
        None => None,
    };
    let f1 = |of: fn(&performance::Confusion) -> Option<f64>| if is_whole { of(&matrix) } else { None };
    let scores = Scores {
        accuracy,
        f1_macro: f1(performance::Confusion::f1_macro),
        f1_weighted: f1(performance::Confusion::f1_weighted),
        roc_auc,
        ..Scores::default()
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // counts
    let counts = || matrix.rows().map(|row| row.iter().map(|count| *count as u64).collect()).collect();
    let confusion =
        (classes.len() <= CLASSES_SHOWN_MAX).then(|| Confusion { counts: counts(), classes: classes.names().to_vec() });
    Ok(Found { task: Task::Classification, count, scores, confusion })
}
