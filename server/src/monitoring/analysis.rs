//! Analyses: the buckets of a window summed, beside the version's baseline.

mod observed;
mod performance;
mod quality;
mod recorded;
mod report;
mod schedule;
mod window;
mod words;

pub use observed::{Observed, observed};
pub use quality::{DataQuality, FeatureQuality};
pub use report::{ColumnReport, Report};
pub use schedule::{answering, keep_analysing, run_turns};
pub use window::{counts_of, kept_baseline};
pub use words::{CONVENTIONS, WINDOWS, convention_schema, status_schema, status_word, window_schema};

use crate::app::App;
use crate::error::ApiError;
use crate::monitoring::performance::{Estimate, Performance, Task, estimate, performance};
use crate::monitoring::settings::MonitoringSettings;
use report::ComparedBaseline;
use servoir_monitor::analysis::{Status, Window};
use servoir_monitor::convention::Convention;
use servoir_monitor::{BUCKET_SECONDS, Baseline, Quality, WindowLength, bucket_start};
use servoir_registry::{AnalysisSummary, BaselineRow, StoredAnalysis};
use servoir_types::{ModelId, Timestamp};
use std::collections::BTreeMap;

/// The version and the window that are analysed.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Of which model.
    pub model: &'a ModelId,
    /// Which version.
    pub version: i64,
    /// How much of its traffic.
    pub window: WindowLength,
}

/// The first moment after the windows that end now: the end of the bucket that is open.
pub fn window_end(now: Timestamp) -> Timestamp {
    bucket_start(now).plus_seconds(BUCKET_SECONDS)
}

/// Analyses a window and keeps what it comes to: one analysis for each five minutes, the newest.
///
/// # Errors
/// As [`report`].
pub async fn analyse(
    app: &App,
    subject: Subject<'_>,
    settings: &MonitoringSettings,
    now: Timestamp,
) -> Result<Report, ApiError> {
    let report = report(app, subject, settings, now).await?;
    app.registry.store_analysis(subject.model, &stored(&report), bucket_start(now)).await?;
    Ok(report)
}

/// Analyses a window as it is at `now`. This node's own counts are in it to the moment, those of others up to their last flush.
///
/// # Errors
/// When the registry is away. A window of which nothing can be said, or whose counts cannot be read, is a report that says so.
pub async fn report(
    app: &App,
    subject: Subject<'_>,
    settings: &MonitoringSettings,
    now: Timestamp,
) -> Result<Report, ApiError> {
    let Subject { model, version, window } = subject;
    let empty = Report { convention: settings.convention, ..Report::empty(model.as_str(), version, window, now) };
    let (start, end) = (empty.window_start, empty.window_end);
    let labels = performance(app, model, version, start, end).await?;
    let Some(row) = app.registry.active_baseline(model, version).await? else {
        let reason = Some(without_baseline(version));
        return Ok(Report { reason, performance: shown(labels, None, (start, end)), ..empty });
    };
    app.monitoring.flush().await?;
    let buckets = app.registry.window_counts(model, version, Some(row.summary.id.as_str()), start, end).await?;
    let samples = match settings.convention {
        Convention::Servoir => BTreeMap::new(),
        _ => recorded::recorded(&app.registry, (model, version), &row.summary, (start, end)).await?,
    };
    let settings = settings.clone();
    let compared = tokio::task::spawn_blocking(move || {
        let baseline = kept_baseline(&row)?;
        let counts = counts_of(&baseline, &buckets)?;
        let estimate = estimate(&baseline, &counts);
        let (start, end) = (empty.window_start, empty.window_end);
        let window = Window { baseline: &baseline, counts: &counts, samples: &samples, start, end };
        let report = with_analysis(empty, &row, &window, &settings);
        Ok::<_, String>(Report { performance: shown(labels, estimate, (start, end)), ..report })
    });
    Ok(match compared.await {
        Ok(Ok(report)) => report,
        Ok(Err(reason)) => failed(model, subject, now, reason),
        Err(panic) => failed(model, subject, now, format!("the analysis broke: {panic}")),
    })
}

/// What labels and estimate say together, when either says something.
fn shown(
    labels: Option<Performance>,
    estimate: Option<Estimate>,
    within: (Timestamp, Timestamp),
) -> Option<serde_json::Value> {
    let performance = match (labels, estimate) {
        (None, None) => return None,
        (Some(labels), estimate) => Performance { estimate, ..labels },
        // Only classifiers have scores to estimate from.
        (None, estimate) => Performance { estimate, ..Performance::unlabelled(Task::Classification, within, None) },
    };
    serde_json::to_value(performance).ok()
}

fn with_analysis(empty: Report, row: &BaselineRow, window: &Window<'_>, settings: &MonitoringSettings) -> Report {
    let (baseline, counts) = (window.baseline, window.counts);
    let rows_min = settings.min_window_sample_size;
    let report = empty.with(window.analysis(&settings.analysis()));
    let quality = DataQuality::of(baseline, Quality::of(baseline, counts), rows_min);
    Report {
        reason: (report.overall_status == Status::NoData).then(|| too_little(counts.rows, rows_min, settings)),
        data_quality: Some(quality),
        baseline: Some(compared_with(row, baseline)),
        ..report
    }
}

fn compared_with(row: &BaselineRow, baseline: &Baseline) -> ComparedBaseline {
    ComparedBaseline { id: row.summary.id.to_string(), source: row.summary.source.clone(), rows: baseline.rows }
}

fn without_baseline(version: i64) -> String {
    format!(
        "version {version} has no baseline to compare with: POST …/baselines makes one of a dataset, of a file, or of what \
         the version was asked"
    )
}

fn too_little(rows: u64, rows_min: u64, settings: &MonitoringSettings) -> String {
    if rows < rows_min {
        return format!("the window has {rows} rows, and minWindowSampleSize asks for {rows_min}");
    }
    match settings.convention {
        Convention::Servoir => "no column of the window has anything to compare; see algorithmsSkipped".to_owned(),
        _ => "this convention computes from rows, of which none are recorded: recordValues in the settings has them kept; \
              see algorithmsSkipped"
            .to_owned(),
    }
}

fn failed(model: &ModelId, subject: Subject<'_>, now: Timestamp, reason: String) -> Report {
    tracing::error!(%model, version = subject.version, reason, "an analysis failed");
    let empty = Report::empty(model.as_str(), subject.version, subject.window, now);
    Report { overall_status: Status::Error, reason: Some(reason), ..empty }
}

fn stored(report: &Report) -> StoredAnalysis {
    StoredAnalysis {
        summary: AnalysisSummary {
            version: report.version,
            window: report.window.as_str().to_owned(),
            at: report.analysed_at,
            window_start: report.window_start,
            window_end: report.window_end,
            status: status_word(report.overall_status).to_owned(),
            drift_score: report.drift_score,
            sample_size: i64::try_from(report.sample_size).unwrap_or(i64::MAX),
        },
        body: serde_json::to_string(report).unwrap_or_default(),
    }
}
