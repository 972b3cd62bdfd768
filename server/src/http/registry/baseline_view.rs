//! Baselines as the API shows them.

use serde::Serialize;
use serde_json::Value;
use servoir_monitor::{CategoryProfile, Column, Measure, NumberProfile, Profile};
use servoir_types::Timestamp;
use utoipa::ToSchema;

/// A baseline without its profiles.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BaselineSummary {
    /// `baseline_…`
    id: String,
    /// The version that it belongs to.
    #[schema(minimum = 1)]
    version: i64,
    /// `training`, `dataset`, `upload` or `production`.
    source: String,
    /// `datasetId`, or the upload's `sha256`, or `from` and `to`; `null` of one that training made.
    #[schema(required, value_type = Option<Object>)]
    origin: Option<Value>,
    /// How many rows it was made from.
    #[schema(minimum = 0)]
    rows: i64,
    /// Whether the version is compared with it.
    active: bool,
    /// Who made it.
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<servoir_registry::BaselineSummary> for BaselineSummary {
    fn from(summary: servoir_registry::BaselineSummary) -> Self {
        Self {
            id: summary.id.to_string(),
            version: summary.version,
            source: summary.source,
            origin: summary.origin,
            rows: summary.rows,
            active: summary.active,
            created_by: summary.created_by,
            created_at: summary.created_at,
        }
    }
}

/// A page of baselines.
#[derive(Debug, Serialize, ToSchema)]
pub struct BaselineList {
    /// How many match in all.
    pub count: i64,
    pub limit: i64,
    pub offset: i64,
    pub baselines: Vec<BaselineSummary>,
}

/// A baseline with its profiles.
#[derive(Debug, Serialize, ToSchema)]
pub struct Baseline {
    #[serde(flatten)]
    summary: BaselineSummary,
    /// The inputs, in the model's order.
    features: Vec<ProfiledColumn>,
    /// What the version answered to the same rows, or to a sample of them.
    outputs: Vec<ProfiledColumn>,
}

impl Baseline {
    /// With these profiles.
    pub fn of(summary: BaselineSummary, profiles: servoir_monitor::Baseline) -> Self {
        let columns = |columns: Vec<Column>| columns.into_iter().map(ProfiledColumn::from).collect();
        Self { summary, features: columns(profiles.features), outputs: columns(profiles.outputs) }
    }
}

/// What a feature or an output was like.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProfiledColumn {
    name: String,
    /// `value`, or of tensors that are no tables `norm` or `mean` of each row.
    measure: &'static str,
    /// `number` or `category`.
    kind: &'static str,
    /// How many values.
    count: u64,
    /// How many missing ones.
    nulls: u64,
    /// Of numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    numbers: Option<NumberSummary>,
    /// Of categories the most frequent, up to 1,000, with their counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    values: Option<Vec<CategoryCount>>,
    /// Of categories, how many values are not among `values`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    other: Option<u64>,
}

/// What numbers were like; `null` where there were none.
#[derive(Debug, Serialize, ToSchema)]
pub struct NumberSummary {
    /// How many infinities.
    infinite: u64,
    /// How many distinct values, up to 4,096.
    #[schema(required)]
    distinct: Option<u64>,
    #[schema(required)]
    min: Option<f64>,
    #[schema(required)]
    max: Option<f64>,
    #[schema(required)]
    mean: Option<f64>,
    /// With `n` below the fraction.
    #[schema(required)]
    std: Option<f64>,
    /// The edges of the default statistics: the deciles, each once.
    deciles: Vec<f64>,
}

/// A category.
#[derive(Debug, Serialize, ToSchema)]
pub struct CategoryCount {
    value: String,
    count: u64,
}

impl From<Column> for ProfiledColumn {
    fn from(column: Column) -> Self {
        let (name, measure) = (
            column.name,
            match column.measure {
                Measure::Value => "value",
                Measure::Norm => "norm",
                Measure::Mean => "mean",
            },
        );
        match column.profile {
            Profile::Number(numbers) => Self::of_numbers(name, measure, &numbers),
            Profile::Category(categories) => Self::of_categories(name, measure, categories),
        }
    }
}

impl ProfiledColumn {
    fn of_numbers(name: String, measure: &'static str, profile: &NumberProfile) -> Self {
        let numbers = NumberSummary {
            infinite: profile.infinite,
            distinct: profile.distinct,
            min: profile.min,
            max: profile.max,
            mean: profile.mean,
            std: profile.std,
            deciles: profile.deciles.clone(),
        };
        let (count, nulls) = (profile.count, profile.nulls);
        Self { name, measure, kind: "number", count, nulls, numbers: Some(numbers), values: None, other: None }
    }

    fn of_categories(name: String, measure: &'static str, profile: CategoryProfile) -> Self {
        let values = profile.values.into_iter().map(|(value, count)| CategoryCount { value, count }).collect();
        let (count, nulls) = (profile.count, profile.nulls);
        let other = Some(profile.other);
        Self { name, measure, kind: "category", count, nulls, numbers: None, values: Some(values), other }
    }
}
