//! The values of a chart's step, by series.

use crate::app::App;
use crate::error::ApiError;
use crate::monitoring::analysis::counts_of;
use crate::monitoring::buckets::traffic;
use servoir_monitor::analysis::{Settings, Window};
use servoir_monitor::convention::Algorithm;
use servoir_monitor::{Baseline, Column, ColumnCounts, Profile, Quality, VersionCounts};
use servoir_types::{ModelId, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most columns that have series.
const COLUMNS_MAX: usize = 200;
/// The most values of an output that have a series of their own.
const VALUES_MAX: usize = 50;

/// What a chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chart {
    /// What was answered.
    PredictionDistribution,
    /// How far features are from the baseline.
    FeatureDrift,
    /// What of the values could not be used.
    DataQuality,
    /// How much was asked.
    Throughput,
}

impl Chart {
    /// Each with its word.
    pub const WORDS: [(&str, Self); 4] = [
        ("prediction_distribution", Self::PredictionDistribution),
        ("feature_drift", Self::FeatureDrift),
        ("data_quality", Self::DataQuality),
        ("throughput", Self::Throughput),
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, chart)| *chart == self).map_or("", |(word, _)| word)
    }
}

/// Values by series, one for each step.
#[derive(Default)]
pub struct Series(pub BTreeMap<String, Vec<Option<f64>>>);

/// Values of a step by series.
type Values = Vec<(String, f64)>;

impl Series {
    /// Puts in the values of a step; steps come in their order.
    pub fn put(&mut self, place: usize, values: Values) {
        for (name, value) in values {
            let series = self.0.entry(name).or_default();
            series.resize(place, None);
            series.push(Some(value).filter(|value| value.is_finite()));
        }
        self.0.values_mut().for_each(|series| series.resize(place + 1, None));
    }
}

/// The baseline that a chart's counts are in the bins of.
pub struct ChartBaseline {
    /// `base_…`.
    pub id: String,
    /// What is normal.
    pub baseline: Arc<Baseline>,
}

/// The values of a step; none without traffic.
///
/// # Errors
/// When the registry is away, or holds what cannot be read.
pub async fn point(
    app: &App,
    (model, version): (&ModelId, i64),
    baseline: Option<&ChartBaseline>,
    (chart, within): (Chart, (Timestamp, Timestamp)),
) -> Result<Values, ApiError> {
    let (from, to) = within;
    let Some(ChartBaseline { id, baseline }) = baseline.filter(|_| chart != Chart::Throughput) else {
        let traffic = traffic(&app.registry.window_services(model, version, within).await?)?;
        let counts = [("requests", traffic.requests()), ("errors", traffic.failed()), ("rows", traffic.rows())];
        let is_quiet = traffic.requests() == 0;
        return Ok(counts.into_iter().filter(|_| !is_quiet).map(|(name, n)| (name.to_owned(), n as f64)).collect());
    };
    let buckets = app.registry.window_counts(model, version, Some(id), from, to).await?;
    if buckets.is_empty() {
        return Ok(Values::new());
    }
    let baseline = Arc::clone(baseline);
    let values = tokio::task::spawn_blocking(move || {
        let counts = counts_of(&baseline, &buckets)?;
        Ok::<_, String>(if counts.rows == 0 { Values::new() } else { of_counts(chart, &baseline, &counts, within) })
    });
    values.await.map_err(ApiError::internal)?.map_err(ApiError::internal)
}

fn of_counts(
    chart: Chart,
    baseline: &Baseline,
    counts: &VersionCounts,
    (start, end): (Timestamp, Timestamp),
) -> Values {
    match chart {
        Chart::PredictionDistribution => {
            let outputs = baseline.outputs.iter().zip(&counts.outputs).take(COLUMNS_MAX);
            outputs.flat_map(|(column, counts)| distribution(column, counts)).collect()
        }
        Chart::FeatureDrift => {
            let settings = Settings { algorithms: Some(vec![Algorithm::Psi]), ..Settings::default() };
            let samples = BTreeMap::new();
            let analysis = Window { baseline, counts, samples: &samples, start, end }.analysis(&settings);
            let psi = analysis.features.iter().take(COLUMNS_MAX).filter_map(|column| {
                Some((format!("feature:{}", column.feature_name), column.metrics.get(&Algorithm::Psi)?.value))
            });
            psi.chain(analysis.drift_score.map(|score| ("drift_score".to_owned(), score))).collect()
        }
        Chart::DataQuality => quality(&Quality::of(baseline, counts)),
        Chart::Throughput => Values::new(),
    }
}

fn distribution(column: &Column, counts: &ColumnCounts) -> Values {
    let (name, all) = (&column.name, counts.count() as f64);
    match (&column.profile, counts) {
        _ if all == 0.0 => Values::new(),
        (Profile::Category(profile), ColumnCounts::Category(counts)) => {
            let shares = counts.shares();
            let named = profile.values.iter().zip(&shares).take(VALUES_MAX);
            let mut values: Values =
                named.map(|((value, _), count)| (format!("{name}={value}"), *count as f64 / all)).collect();
            let rest = 1.0 - values.iter().map(|(_, share)| share).sum::<f64>();
            values.push((format!("{name} other"), rest.max(0.0)));
            values
        }
        (Profile::Number(profile), ColumnCounts::Number(counts)) => {
            let (mean, std) = (counts.mean(&profile.grid), counts.std());
            let values = [("mean", mean), ("std", std)].into_iter();
            values.filter_map(|(what, value)| Some((format!("{name}.{what}"), value?))).collect()
        }
        _ => Values::new(),
    }
}

fn quality(quality: &Quality) -> Values {
    let fields = [
        ("wrong_type", quality.wrong_type),
        ("missing_fields", quality.missing_fields),
        ("extra_fields", quality.extra_fields),
    ];
    let mut values: Values = fields.map(|(name, count)| (name.to_owned(), count as f64)).into();
    for feature in quality.features.iter().take(COLUMNS_MAX) {
        let all = (feature.count + feature.nulls) as f64;
        let counts = [
            ("nulls", feature.nulls),
            ("infinite", feature.infinite),
            ("out_of_range", feature.out_of_range),
            ("unseen", feature.unseen),
        ];
        let shares = counts.into_iter().filter(|_| all > 0.0);
        values.extend(shares.map(|(what, n)| (format!("feature:{}.{what}", feature.feature_name), n as f64 / all)));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_has_a_place_for_every_step() {
        let mut series = Series::default();
        series.put(0, vec![]);
        series.put(1, vec![("a".into(), 1.0), ("b".into(), f64::NAN)]);
        series.put(2, vec![("a".into(), 2.0), ("c".into(), 3.0)]);
        let expected = [("a", [None, Some(1.0), Some(2.0)]), ("b", [None, None, None]), ("c", [None, None, Some(3.0)])];
        assert_eq!(series.0, expected.map(|(name, values)| (name.to_owned(), values.to_vec())).into());
    }
}
