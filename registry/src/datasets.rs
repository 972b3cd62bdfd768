//! Datasets: tables in files, which lie in the artifact store as versions do.

mod link;
mod list;

pub use link::DatasetLink;
pub(crate) use link::link;
pub use list::DatasetFilter;

use crate::actor::{Actor, storable};
use crate::artifacts::{StagedArtifact, references};
use crate::audit::Deed;
use crate::database::Write;
use crate::error::{RegistryError, Result, is_unique_violation};
use crate::registry::Registry;
use serde_json::{Value, json};
use servoir_types::{DatasetId, Digest, Name, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// Models that are named when a dataset cannot be deleted for their sake.
const LINKED_TOLD_MAX: i64 = 5;

/// A dataset as lists show it.
#[derive(Debug, Clone)]
pub struct DatasetSummary {
    /// Its identity.
    pub id: DatasetId,
    /// Whose it is.
    pub organization: String,
    /// Unique in the organization.
    pub name: Name,
    /// `csv` or `parquet`.
    pub format: String,
    /// `gzip`, `zstd`, or not at all.
    pub compression: Option<String>,
    /// Rows that can be used.
    pub rows: i64,
    /// How many columns it has.
    pub column_count: i64,
    /// The file's length.
    pub size_bytes: i64,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Who brought it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

/// A dataset with everything that was found out about it.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// What lists show.
    pub summary: DatasetSummary,
    /// How a text file is written, as JSON.
    pub dialect: Option<Value>,
    /// Its columns with their profiles, as a JSON list.
    pub columns: String,
    /// What could not be read, as JSON.
    pub problems: Value,
}

/// What was found out about a file that is to be a dataset.
#[derive(Debug, Clone)]
#[allow(missing_docs)] // as in `Dataset`
pub struct NewDataset {
    pub name: Name,
    pub format: &'static str,
    pub compression: Option<&'static str>,
    pub dialect: Option<Value>,
    pub rows: u64,
    pub column_count: usize,
    pub columns: String,
    pub problems: Value,
    /// The first rows, as a JSON list of lists.
    pub preview: String,
}

/// A summary's columns, in every statement that gives datasets back.
macro_rules! summary_columns {
    () => {
        "id, organization, name, format, compression, row_count, column_count, size_bytes, digest, created_by, created_at"
    };
}
use summary_columns;

impl Registry {
    /// `dataset.created`: the file, durable in the store, and its row; both or neither.
    pub async fn create_dataset(&self, actor: &Actor, file: StagedArtifact, new: NewDataset) -> Result<Dataset> {
        storable("columns", &new.columns)?;
        storable("preview", &new.preview)?;
        self.commit_with(vec![file.digest()], self.prepare_dataset(actor, &file, new)).await
    }

    /// Puts the file and does everything of the transaction but its commit.
    async fn prepare_dataset(&self, actor: &Actor, file: &StagedArtifact, new: NewDataset) -> Result<(Write, Dataset)> {
        self.store().put(file).await?;
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        references::claim_to_use(write.connection(), file.digest()).await?;
        let row = sqlx::query(concat!(
            "insert into datasets (id, organization, name, search_text, format, compression, dialect, row_count, \
             column_count, columns, problems, preview, size_bytes, digest, created_by, created_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) returning dialect, columns, \
             problems, ",
            summary_columns!()
        ))
        .bind(DatasetId::random().as_str().to_owned())
        .bind(&actor.organization)
        .bind(new.name.as_str().to_owned())
        .bind(new.name.as_str().to_lowercase())
        .bind(new.format)
        .bind(new.compression)
        .bind(new.dialect.map(|dialect| dialect.to_string()))
        .bind(stored(new.rows)?)
        .bind(stored(new.column_count as u64)?)
        .bind(new.columns)
        .bind(new.problems.to_string())
        .bind(new.preview)
        .bind(stored(file.size_bytes())?)
        .bind(file.digest().to_hex())
        .bind(&actor.subject)
        .bind(now.as_millis())
        .fetch_one(write.connection())
        .await
        .map_err(|error| taken_or(new.name, error))?;
        let dataset = dataset(&row)?;
        let target = dataset.summary.id.as_str();
        let deed = Deed { action: "dataset.created", target, before: None, after: Some(audited(&dataset.summary)) };
        write.record(actor, now, deed).await?;
        Ok((write, dataset))
    }

    /// One dataset.
    pub async fn dataset(&self, organization: &str, id: &DatasetId) -> Result<Dataset> {
        let row = sqlx::query(concat!(
            "select dialect, columns, problems, ",
            summary_columns!(),
            " from datasets where organization = $1 and id = $2"
        ))
        .bind(organization)
        .bind(id.as_str())
        .fetch_optional(&mut *self.database().read().await?)
        .await?;
        dataset(&row.ok_or_else(|| no_dataset(id))?)
    }

    /// A dataset's columns with their profiles and its first rows, both as JSON lists.
    pub async fn dataset_preview(&self, organization: &str, id: &DatasetId) -> Result<(String, String)> {
        let row = sqlx::query("select columns, preview from datasets where organization = $1 and id = $2")
            .bind(organization)
            .bind(id.as_str())
            .fetch_optional(&mut *self.database().read().await?)
            .await?;
        let row = row.ok_or_else(|| no_dataset(id))?;
        Ok((row.try_get("columns")?, row.try_get("preview")?))
    }

    /// `dataset.deleted`: with its file, when nothing else refers to that. A dataset that is linked stays.
    pub async fn delete_dataset(&self, actor: &Actor, id: &DatasetId) -> Result<()> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        let linked = sqlx::query_scalar::<_, String>(
            "select models.name from dataset_links join models on models.id = dataset_links.model \
             join datasets on datasets.id = dataset_links.dataset \
             where dataset = $1 and datasets.organization = $2 order by models.name limit $3",
        )
        .bind(id.as_str())
        .bind(&actor.organization)
        .bind(LINKED_TOLD_MAX)
        .fetch_all(write.connection())
        .await?;
        if !linked.is_empty() {
            return Err(RegistryError::DatasetLinked { id: id.clone(), models: linked.join("', '") });
        }
        let row = sqlx::query(concat!(
            "delete from datasets where organization = $1 and id = $2 returning ",
            summary_columns!()
        ))
        .bind(&actor.organization)
        .bind(id.as_str())
        .fetch_optional(write.connection())
        .await
        .map_err(|error| linked_or(id, error))?;
        let before = summary(&row.ok_or_else(|| no_dataset(id))?)?;
        references::drop_uses(write.connection(), &mut vec![before.digest]).await?;
        let deed = Deed { action: "dataset.deleted", target: id.as_str(), before: Some(audited(&before)), after: None };
        write.record(actor, now, deed).await?;
        write.commit_quietly().await?;
        self.sweep_released(&[before.digest]).await;
        Ok(())
    }
}

fn stored(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|_| RegistryError::Inconsistent("a dataset is larger than any disk".into()))
}

fn no_dataset(id: &DatasetId) -> RegistryError {
    RegistryError::NotFound { what: "dataset", id: id.to_string() }
}

fn taken_or(name: Name, error: sqlx::Error) -> RegistryError {
    if is_unique_violation(&error) { RegistryError::DatasetNameTaken(name) } else { error.into() }
}

/// A link that another server made since the dataset's links were read.
fn linked_or(id: &DatasetId, error: sqlx::Error) -> RegistryError {
    if error.as_database_error().is_some_and(|cause| cause.is_foreign_key_violation()) {
        RegistryError::DatasetLinked { id: id.clone(), models: "one just linked".into() }
    } else {
        error.into()
    }
}

fn summary(row: &AnyRow) -> Result<DatasetSummary> {
    let name: String = row.try_get("name")?;
    let inconsistent = |error| RegistryError::Inconsistent(format!("column name of a dataset: {error}"));
    Ok(DatasetSummary {
        id: DatasetId::from_text(row.try_get::<String, _>("id")?),
        organization: row.try_get("organization")?,
        name: name.parse().map_err(inconsistent)?,
        format: row.try_get("format")?,
        compression: row.try_get("compression")?,
        rows: row.try_get("row_count")?,
        column_count: row.try_get("column_count")?,
        size_bytes: row.try_get("size_bytes")?,
        digest: crate::audit::digest(row, "digest")?,
        created_by: row.try_get("created_by")?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
    })
}

fn dataset(row: &AnyRow) -> Result<Dataset> {
    let parse = |column: &str, text: &str| {
        serde_json::from_str(text)
            .map_err(|error| RegistryError::Inconsistent(format!("column {column} of a dataset: {error}")))
    };
    let dialect: Option<String> = row.try_get("dialect")?;
    Ok(Dataset {
        summary: summary(row)?,
        dialect: dialect.map(|text| parse("dialect", &text)).transpose()?,
        columns: row.try_get("columns")?,
        problems: parse("problems", &row.try_get::<String, _>("problems")?)?,
    })
}

/// What the audit keeps of a dataset.
fn audited(dataset: &DatasetSummary) -> Value {
    json!({
        "name": dataset.name,
        "format": dataset.format,
        "rows": dataset.rows,
        "columns": dataset.column_count,
        "sizeBytes": dataset.size_bytes,
        "sha256": dataset.digest,
    })
}
