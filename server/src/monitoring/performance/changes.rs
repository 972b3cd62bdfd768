//! When the errors of a version changed: ADWIN over the labelled predictions in the order in which they were made.

use crate::app::App;
use crate::error::ApiError;
use serde::Serialize;
use servoir_monitor::Adwin;
use servoir_registry::Labelled;
use servoir_types::Timestamp;
use utoipa::ToSchema;

/// Labelled predictions that are looked at: the newest.
const LOOKED_AT_MAX: i64 = 50_000;
/// What ADWIN takes for chance.
const DELTA: f64 = 0.002;
/// Errors of numbers are counted in so many times their root mean square; larger ones are as bad as it gets.
const WORST: f64 = 3.0;

/// A moment at which the errors changed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct ChangePoint {
    /// When the first of the predictions after it was made, as far as can be told.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The mean error before: of classes the share of wrong answers, of numbers the mean absolute error.
    pub before: f64,
    /// And after.
    pub after: f64,
}

/// The changes among the newest labelled predictions; `rmse` is that of numbers.
pub async fn read(app: &App, labelled: Labelled<'_>, rmse: Option<f64>) -> Result<Vec<ChangePoint>, ApiError> {
    // ADWIN takes numbers from 0 to 1.
    let unit = rmse.map_or(1.0, |rmse| (rmse * WORST).max(f64::MIN_POSITIVE));
    let (mut adwin, mut times, mut found) = (Adwin::new(DELTA), Vec::new(), Vec::new());
    let take = |mistake: servoir_registry::Mistake| {
        times.push(mistake.predicted_at);
        if let Some(change) = adwin.add((mistake.error / unit).min(1.0)) {
            let first = times.len().saturating_sub(usize::try_from(change.width).unwrap_or(usize::MAX));
            let at = times.get(first).copied().unwrap_or(mistake.predicted_at);
            found.push(ChangePoint { at, before: change.before * unit, after: change.after * unit });
        }
    };
    app.registry.mistakes(labelled, LOOKED_AT_MAX, take).await?;
    Ok(found)
}
