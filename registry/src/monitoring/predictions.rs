//! Predictions that named an entity, until labels for it come.

use crate::error::Result;
use crate::registry::Registry;
use servoir_types::{ModelId, Timestamp};
use sqlx::{AssertSqlSafe, Row as _};

/// Rows of one statement. SQLite finds a parameter by its name among all of the statement's, so that the time for a statement
/// grows with the square of its rows: 500 took ten times as long as ten times 50.
pub(super) const ROWS_PER_STATEMENT: usize = 50;

/// A prediction that named an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityPrediction {
    /// The model that was asked.
    pub model: ModelId,
    /// Whom the prediction is about.
    pub entity: String,
    /// The prediction's id.
    pub prediction: String,
    /// The version that answered.
    pub version: i64,
    /// When.
    pub predicted_at: Timestamp,
}

impl Registry {
    /// Keeps predictions that named entities. Those of versions that are gone are left out.
    pub async fn add_predictions(&self, rows: &[EntityPrediction]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut write = self.database().write().await?;
        for rows in rows.chunks(ROWS_PER_STATEMENT) {
            let text = format!(
                "insert into predictions (model, entity, prediction, version, predicted_at) \
                 select g.column1, g.column2, g.column3, g.column4, g.column5 from (values {}) as g \
                 join versions v on v.model = g.column1 and v.version = g.column4 where 1 = 1 on conflict do nothing",
                places(rows.len(), 5, 0)
            );
            // Put together from numbers alone; every value is a parameter.
            let mut query = sqlx::query(AssertSqlSafe(text));
            for row in rows {
                query = query
                    .bind(row.model.as_str())
                    .bind(row.entity.as_str())
                    .bind(row.prediction.as_str())
                    .bind(row.version)
                    .bind(row.predicted_at.as_millis());
            }
            query.execute(write.connection()).await?;
        }
        write.commit_quietly().await
    }

    /// For each entity the newest prediction of it between `from` and its own time, both included.
    pub async fn newest_predictions(
        &self,
        model: &ModelId,
        from: Timestamp,
        wanted: &[(&str, Timestamp)],
    ) -> Result<Vec<Option<String>>> {
        let mut found = vec![None; wanted.len()];
        let mut connection = self.database().read().await?;
        for (chunk, wanted) in wanted.chunks(ROWS_PER_STATEMENT).enumerate() {
            let text = format!(
                "select g.column1 as place, (select p.prediction from predictions p where p.model = $1 \
                 and p.entity = g.column2 and p.predicted_at >= $2 and p.predicted_at <= g.column3 \
                 order by p.predicted_at desc, p.prediction desc limit 1) as prediction from (values {}) as g",
                places(wanted.len(), 3, 2)
            );
            let mut query = sqlx::query(AssertSqlSafe(text)).bind(model.as_str()).bind(from.as_millis());
            for (place, (entity, at)) in (0i64..).zip(wanted) {
                query = query.bind(place).bind(*entity).bind(at.as_millis());
            }
            for row in query.fetch_all(&mut *connection).await? {
                let place = usize::try_from(row.try_get::<i64, _>("place")?).unwrap_or(usize::MAX);
                if let Some(found) = found.get_mut(chunk * ROWS_PER_STATEMENT + place) {
                    *found = row.try_get("prediction")?;
                }
            }
        }
        Ok(found)
    }
}

/// `rows` lists of `columns` parameters each, behind the first `before` ones: `($1, $2), ($3, $4)`.
pub(super) fn places(rows: usize, columns: usize, before: usize) -> String {
    let mut text = String::with_capacity(rows * columns * 7);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            let separator = if column == 0 { "$" } else { ", $" };
            text.push_str(separator);
            text.push_str(&(before + row * columns + column + 1).to_string());
        }
        text.push(')');
    }
    text
}
