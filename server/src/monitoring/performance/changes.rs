//! When the errors of a version changed: ADWIN over the labelled predictions in the order in which they were made.

use crate::app::App;
use crate::error::ApiError;
use serde::Serialize;
use servoir_codec::v1::IdReader;
use servoir_monitor::Adwin;
use servoir_registry::{Labelled, Mistake};
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

/// How wrong a prediction was, and its place among those of the same moment.
struct Ranked {
    at: Timestamp,
    number: u32,
    error: f64,
}

/// The changes among the newest labelled predictions; `rmse` is that of numbers.
pub async fn read(app: &App, labelled: Labelled<'_>, rmse: Option<f64>) -> Result<Vec<ChangePoint>, ApiError> {
    // ADWIN takes numbers from 0 to 1.
    let unit = rmse.map_or(1.0, |rmse| (rmse * WORST).max(f64::MIN_POSITIVE));
    let (mut adwin, mut ranked, mut found) = (Adwin::new(DELTA), Vec::new(), Vec::new());
    let ids = app.prediction_ids.reader(labelled.model.as_str());
    app.registry.mistakes(labelled, LOOKED_AT_MAX, |mistake| ranked.push(rank(ids, &mistake))).await?;
    put_in_order(&mut ranked);
    for (index, mistake) in ranked.iter().enumerate() {
        if let Some(change) = adwin.add((mistake.error / unit).min(1.0)) {
            let first = (index + 1).saturating_sub(usize::try_from(change.width).unwrap_or(usize::MAX));
            let at = ranked[..=index].get(first).map_or(mistake.at, |first| first.at);
            found.push(ChangePoint { at, before: change.before * unit, after: change.after * unit });
        }
    }
    Ok(found)
}

fn rank(ids: IdReader, mistake: &Mistake) -> Ranked {
    let number = ids.read(&mistake.prediction).map_or(0, |predicted| predicted.number);
    Ranked { at: mistake.predicted_at, number, error: mistake.error }
}

/// Puts predictions of one moment in the order in which they were made: rows of one request have the same moment. Those of
/// different moments are in order.
fn put_in_order(ranked: &mut [Ranked]) {
    for moment in ranked.chunk_by_mut(|one, next| one.at == next.at) {
        let (least, most) =
            moment.iter().fold((u32::MAX, 0), |(least, most), one| (one.number.min(least), one.number.max(most)));
        // Numbers begin anew after the greatest: of such that lie far apart, the small ones came later.
        let turn = if most - least > u32::MAX / 2 { u32::MAX / 2 + 1 } else { 0 };
        moment.sort_by_key(|one| one.number.wrapping_add(turn));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_codec::v1::{Outcome, PredictionIds};

    #[test]
    fn rows_of_one_request_stay_in_their_order() {
        const ROWS: usize = 200;
        for start in [0, 61, u32::MAX - 100, u32::MAX / 2 - 50] {
            let ids = PredictionIds::new([7; 16], start);
            let mut mistakes = Vec::new();
            for moment in [5, 6] {
                let at = Timestamp::from_millis(1_800_000_000_000 + moment);
                let issued = ids.take("model_a", 1, at, ROWS);
                let row = |row: usize| (issued.text(row, Outcome::Number(-(row as f64))), row as f64);
                let mut rows: Vec<_> = (0..ROWS).map(row).collect();
                // As a database sorts texts.
                rows.sort_by(|a, b| a.0.cmp(&b.0));
                assert!(!rows.is_sorted_by(|a, b| a.1 < b.1), "{start}: the texts' order is that of the rows");
                mistakes.extend(rows.into_iter().map(|(prediction, error)| Mistake {
                    predicted_at: at,
                    prediction,
                    error,
                }));
            }
            let reader = ids.reader("model_a");
            let mut ranked: Vec<_> = mistakes.iter().map(|mistake| rank(reader, mistake)).collect();
            put_in_order(&mut ranked);
            let order: Vec<_> = ranked.iter().map(|one| (one.at.as_millis() % 10, one.error as usize)).collect();
            let expected: Vec<_> =
                [5, 6].into_iter().flat_map(|moment| (0..ROWS).map(move |row| (moment, row))).collect();
            assert_eq!(order, expected, "{start}");
        }
    }
}
