//! What an analysis says of each thing that an alert can be about.

use super::performance::of_performance;
use super::report::{ColumnReport, MetricReport, Report};
use servoir_monitor::alert::Observation;
use servoir_monitor::analysis::{Severity, Status};
use servoir_monitor::convention::Algorithm;
use std::collections::BTreeMap;

/// The most features and outputs of a version that alerts are about, the worst first; beyond them the version's own alert speaks.
const COLUMNS_MAX: usize = 100;

/// What is said of one subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// `drift`, `data_quality`, `performance`, `feature:NAME` or `output:NAME`.
    pub subject: String,
    /// How it is doing.
    pub observation: Observation,
    /// The same as a sentence for people.
    pub message: String,
}

/// What a version's windows say, by subject: of several windows the worst. `known`: subjects that have a state already.
pub fn observed(reports: &[Report], known: &[&str]) -> Vec<Observed> {
    let mut worst = BTreeMap::<String, Observed>::new();
    for one in reports.iter().flat_map(of_report) {
        match worst.get(&one.subject) {
            Some(before) if badness(before) >= badness(&one) => {}
            _ => drop(worst.insert(one.subject.clone(), one)),
        }
    }
    let (mut columns, mut all): (Vec<_>, Vec<_>) = worst.into_values().partition(|one| one.subject.contains(':'));
    columns.sort_by_key(|one| (!known.contains(&one.subject.as_str()), std::cmp::Reverse(badness(one))));
    columns.truncate(COLUMNS_MAX);
    all.append(&mut columns);
    all
}

/// The worse, the greater; what says nothing is less than anything.
fn badness(one: &Observed) -> (u8, Severity) {
    let rank = match one.observation.status {
        Status::NoData | Status::Error => 0,
        Status::Ok => 1,
        Status::Warning => 2,
        Status::Alert => 3,
    };
    (rank, one.observation.severity)
}

fn of_report(report: &Report) -> Vec<Observed> {
    let columns = report.columns().map(|(kind, column)| of_column(report, kind, column));
    let mut all: Vec<Observed> = columns.collect();
    all.push(of_drift(report));
    all.extend(of_quality(report));
    all.extend(of_performance(report));
    all
}

fn of_column(report: &Report, kind: &str, column: &ColumnReport) -> Observed {
    let (value, threshold, what) = match decisive(column) {
        Some((algorithm, metric)) => (Some(metric.value), metric.threshold, said(algorithm, metric)),
        None => (None, None, "nothing could be computed".to_owned()),
    };
    let name = &column.feature_name;
    let status = if report.overall_status == Status::Error { Status::Error } else { column.status };
    Observed {
        // What no database keeps has no place in a name.
        subject: format!("{kind}:{name}").replace('\0', "\u{fffd}"),
        observation: Observation { at: report.analysed_at, status, severity: column.severity, value, threshold },
        message: format!("{kind} '{name}' over {}: {what}", report.window.as_str()),
    }
}

fn of_drift(report: &Report) -> Observed {
    let status = report.overall_status;
    // A status of the whole can be better than that of a column: of many p-values some are small by chance.
    let severity = report.columns().map(|(_, column)| column.severity).max().unwrap_or(Severity::None);
    let severity = match status {
        Status::Alert => severity.max(Severity::Medium),
        Status::Warning => Severity::Low,
        _ => Severity::None,
    };
    let metrics = report.columns().filter_map(|(kind, column)| Some((kind, column, decisive(column)?)));
    let worst = metrics.max_by(|(_, _, (_, a)), (_, _, (_, b))| excess(a).total_cmp(&excess(b)));
    let (value, threshold, what) = match worst {
        Some((kind, column, (algorithm, metric))) => {
            let what = format!("{kind} '{}' differs most, {}", column.feature_name, said(algorithm, metric));
            (Some(metric.value), metric.threshold, what)
        }
        None => (report.drift_score, None, "nothing could be computed".to_owned()),
    };
    Observed {
        subject: "drift".to_owned(),
        observation: Observation { at: report.analysed_at, status, severity, value, threshold },
        message: format!("drift over {}: {what}", report.window.as_str()),
    }
}

fn of_quality(report: &Report) -> Option<Observed> {
    let quality = report.data_quality.as_ref()?;
    let (severity, threshold) = match quality.status {
        Status::Alert if quality.worst_share >= 2.0 * super::quality::ALERT_SHARE => {
            (Severity::High, super::quality::ALERT_SHARE)
        }
        Status::Alert => (Severity::Medium, super::quality::ALERT_SHARE),
        Status::Warning => (Severity::Low, super::quality::WARNING_SHARE),
        _ => (Severity::None, super::quality::WARNING_SHARE),
    };
    let what = match &quality.worst_feature {
        Some(name) => format!("values of feature '{name}' are missing, out of range or unseen"),
        None => "fields of requests were refused".to_owned(),
    };
    let percent = quality.worst_share * 100.0;
    Some(Observed {
        subject: "data_quality".to_owned(),
        observation: Observation {
            at: report.analysed_at,
            status: quality.status,
            severity,
            value: Some(quality.worst_share),
            threshold: Some(threshold),
        },
        message: format!(
            "data quality over {}: {percent:.1} % more {what} than is to be expected",
            report.window.as_str()
        ),
    })
}

/// The metric that makes a column's status, the farthest beyond its threshold.
fn decisive(column: &ColumnReport) -> Option<(Algorithm, &MetricReport)> {
    let those = column.metrics.iter().filter(|(_, metric)| metric.status == column.status);
    those.max_by(|(_, a), (_, b)| excess(a).total_cmp(&excess(b))).map(|(algorithm, metric)| (*algorithm, metric))
}

/// How far beyond its threshold a metric is, as a ratio: above 1 is beyond.
fn excess(metric: &MetricReport) -> f64 {
    let threshold = metric.threshold.unwrap_or(f64::INFINITY);
    // A test's value is its p-value: the smaller, the worse.
    if metric.statistic.is_some() {
        threshold / metric.value.max(f64::MIN_POSITIVE)
    } else {
        metric.value / threshold.max(f64::MIN_POSITIVE)
    }
}

fn said(algorithm: Algorithm, metric: &MetricReport) -> String {
    let threshold = metric.threshold.map(|threshold| format!(", threshold {threshold}")).unwrap_or_default();
    format!("{} {:.4}{threshold}", algorithm.as_str(), metric.value)
}
