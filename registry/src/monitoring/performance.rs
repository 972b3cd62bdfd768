//! What labels say of a version, added up by the database.

use crate::error::{RegistryError, Result};
use crate::registry::Registry;
use servoir_types::{ModelId, Timestamp};
use sqlx::Row as _;

/// Pairs of an answered and a true class that are told apart.
const PAIRS_MAX: i64 = 100_000;

/// Labels of a version's predictions in some time.
#[derive(Debug, Clone, Copy)]
pub struct Labelled<'a> {
    /// The model.
    pub model: &'a ModelId,
    /// The version.
    pub version: i64,
    /// The first moment of the predictions.
    pub from: Timestamp,
    /// The first moment after them.
    pub to: Timestamp,
}

/// How often a class was answered where another was true.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct ClassPair {
    pub predicted: String,
    pub actual: String,
    pub count: i64,
}

/// Predictions with the same score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// How many are of the class.
    pub positives: i64,
    /// How many are not.
    pub negatives: i64,
}

/// Sums over numbers that were answered and true.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct NumberSums {
    /// How many.
    pub count: i64,
    /// Of absolute differences.
    pub absolute: f64,
    /// Of squared differences.
    pub squared: f64,
    /// The mean of what was true.
    pub truth_mean: f64,
    /// Of squared differences of what was true from its mean.
    pub truth_squares: f64,
}

/// A label and its prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct Mistake {
    /// When the prediction was made.
    pub predicted_at: Timestamp,
    /// Its id.
    pub prediction: String,
    /// 0 or 1 of a class, the absolute difference of a number.
    pub error: f64,
}

macro_rules! labelled {
    ($columns:literal, $rest:literal) => {
        concat!(
            "select ",
            $columns,
            " from actuals where model = $1 and version = $2 and predicted_at >= $3 and predicted_at < $4 ",
            $rest
        )
    };
}

macro_rules! of {
    ($text:expr, $labelled:expr) => {
        sqlx::query($text)
            .bind($labelled.model.as_str())
            .bind($labelled.version)
            .bind($labelled.from.as_millis())
            .bind($labelled.to.as_millis())
    };
}

impl Registry {
    /// Whose a model is. Who may know of it is settled before.
    pub async fn organization_of(&self, model: &ModelId) -> Result<String> {
        let organization = sqlx::query_scalar("select organization from models where id = $1")
            .bind(model.as_str())
            .fetch_optional(&mut *self.database().read().await?)
            .await?;
        organization.ok_or_else(|| RegistryError::no_model(model))
    }

    /// How often each class was answered where each was true, the most frequent pairs first.
    pub async fn class_pairs(&self, labelled: Labelled<'_>) -> Result<Vec<ClassPair>> {
        let text = labelled!(
            "predicted, actual, count(*) as count",
            "and actual is not null group by predicted, actual order by count desc, predicted, actual limit $5"
        );
        let rows = of!(text, labelled).bind(PAIRS_MAX).fetch_all(&mut *self.database().read().await?).await?;
        let pair = |row: &sqlx::any::AnyRow| {
            Ok(ClassPair {
                predicted: row.try_get("predicted")?,
                actual: row.try_get("actual")?,
                count: row.try_get("count")?,
            })
        };
        rows.iter().map(pair).collect()
    }

    /// Hands over the scores from the least to the greatest: how many predictions with each are of the class `positive`.
    pub async fn scored(&self, labelled: Labelled<'_>, positive: &str, mut take: impl FnMut(Scored)) -> Result<()> {
        use futures_util::TryStreamExt as _;
        let text = labelled!(
            "cast(sum(case when actual = $5 then 1 else 0 end) as bigint) as positives, count(*) as count",
            "and score is not null and actual is not null group by score order by score"
        );
        let mut connection = self.database().read().await?;
        let mut rows = of!(text, labelled).bind(positive).fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            let (positives, count): (i64, i64) = (row.try_get("positives")?, row.try_get("count")?);
            take(Scored { positives, negatives: count - positives });
        }
        Ok(())
    }

    /// Sums over the numbers; none when there are no labels that are numbers.
    pub async fn number_sums(&self, labelled: Labelled<'_>) -> Result<Option<NumberSums>> {
        let mut connection = self.database().read().await?;
        let text = labelled!("count(*) as count, avg(actual_number) as mean", "and actual_number is not null");
        let row = of!(text, labelled).fetch_one(&mut *connection).await?;
        let Some(truth_mean) = row.try_get::<Option<f64>, _>("mean")? else { return Ok(None) };
        let text = labelled!(
            "sum(abs(predicted_number - actual_number)) as absolute, \
             sum((predicted_number - actual_number) * (predicted_number - actual_number)) as squared, \
             sum((actual_number - $5) * (actual_number - $5)) as truth_squares, count(*) as count",
            "and actual_number is not null"
        );
        let row = of!(text, labelled).bind(truth_mean).fetch_one(&mut *connection).await?;
        Ok(Some(NumberSums {
            count: row.try_get("count")?,
            absolute: row.try_get::<Option<f64>, _>("absolute")?.unwrap_or_default(),
            squared: row.try_get::<Option<f64>, _>("squared")?.unwrap_or_default(),
            truth_mean,
            truth_squares: row.try_get::<Option<f64>, _>("truth_squares")?.unwrap_or_default(),
        }))
    }

    /// Hands over how wrong predictions were, in the order of the moments at which they were made; the newest `limit` of them.
    /// In which order those of one moment were made, their ids say and the database does not.
    pub async fn mistakes(&self, labelled: Labelled<'_>, limit: i64, mut take: impl FnMut(Mistake)) -> Result<()> {
        use futures_util::TryStreamExt as _;
        let text = concat!(
            "select predicted_at, prediction, error from (",
            labelled!(
                "predicted_at, prediction, case when actual is null then abs(predicted_number - actual_number) \
                 when actual = predicted then 0.0 else 1.0 end as error",
                "order by predicted_at desc, prediction desc limit $5"
            ),
            ") as newest order by predicted_at, prediction"
        );
        let mut connection = self.database().read().await?;
        let mut rows = of!(text, labelled).bind(limit).fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            let predicted_at = Timestamp::from_millis(row.try_get("predicted_at")?);
            take(Mistake { predicted_at, prediction: row.try_get("prediction")?, error: row.try_get("error")? });
        }
        Ok(())
    }
}
