//! What monitoring shows: gauges of the newest analyses, and counts of what this node was asked.

use super::{counter_vec, from_zero, int_gauge_vec, registered};
use crate::app::App;
use crate::monitoring::Counted;
use crate::monitoring::analysis::{Report, status_word};
use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec, Opts, Registry};
use servoir_monitor::analysis::Status;
use servoir_registry::AlertSeverity;
use servoir_runtime::Identity;

/// The most features of a version that have a series, those that differ most first.
const FEATURES_MAX: usize = 200;

/// The metrics of monitoring.
pub struct MonitoringMetrics {
    drift_score: GaugeVec,
    feature_drift: GaugeVec,
    status: IntGaugeVec,
    analysed_at: GaugeVec,
    alerts: IntGaugeVec,
    quality: IntCounterVec,
    values: IntCounterVec,
    /// Attempts to deliver messages of alerts.
    pub webhook_attempts: IntCounterVec,
}

impl MonitoringMetrics {
    /// All of them at zero.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn new(r: &Registry) -> prometheus::Result<Self> {
        let window = &["model", "model_id", "version", "window"];
        let gauge =
            |name: &str, help: &str, labels: &[&str]| registered(r, GaugeVec::new(Opts::new(name, help), labels)?);
        Ok(Self {
            drift_score: gauge(
                "servoir_drift_score",
                "Mean population stability index of the features over the window, by the newest analysis of any node.",
                window,
            )?,
            feature_drift: gauge(
                "servoir_feature_drift_score",
                "Population stability index of a feature over the window.",
                &["model", "model_id", "version", "window", "feature"],
            )?,
            status: int_gauge_vec(
                r,
                "servoir_drift_status",
                "1 for the status of the newest analysis of the window, 0 for the others.",
                &["model", "model_id", "version", "window", "status"],
            )?,
            analysed_at: gauge(
                "servoir_analysis_timestamp_seconds",
                "When the newest analysis of the window was made.",
                window,
            )?,
            alerts: int_gauge_vec(
                r,
                "servoir_alerts_raised",
                "Alerts that are raised now, acknowledged ones included.",
                &["model", "model_id", "version", "severity"],
            )?,
            quality: counter_vec(
                r,
                "servoir_data_quality_total",
                "Values of requests to this node that were missing, infinite, out of the baseline's range or unseen in it, and \
                 fields that were refused.",
                &["model", "model_id", "version", "feature", "problem"],
            )?,
            values: counter_vec(
                r,
                "servoir_predicted_values_total",
                "Rows that this node answered with a class, by output; '' for classes that the baseline does not name.",
                &["model", "model_id", "version", "output", "value"],
            )?,
            webhook_attempts: from_zero(
                counter_vec(
                    r,
                    "servoir_webhook_attempts_total",
                    "Attempts of this node to deliver messages of alerts, by what came of them.",
                    &["outcome"],
                )?,
                &["delivered", "retried", "given-up"],
            ),
        })
    }

    /// Shows the newest analyses of what is live here, and nothing else.
    pub fn read(&self, app: &App) {
        self.drift_score.reset();
        self.feature_drift.reset();
        self.status.reset();
        self.analysed_at.reset();
        self.alerts.reset();
        self.quality.reset();
        self.values.reset();
        for (_, entry) in app.serving.entries() {
            let Some(live) = entry.live() else { continue };
            let canary = live.canary.as_ref().map(|(_, deployment)| deployment);
            for identity in std::iter::once(&live.primary).chain(canary).map(|deployment| deployment.identity()) {
                let version = i64::try_from(identity.version).unwrap_or(i64::MAX);
                let number = identity.version.to_string();
                let newest = app.findings.of(&identity.model, version);
                newest.values().for_each(|report| self.show(identity, report));
                // What is analysed has a series for each severity, so that "none" is told from "not watched".
                for (severity, _) in AlertSeverity::ALL.iter().filter(|_| !newest.is_empty()) {
                    let labels = [identity.name.as_str(), identity.model.as_str(), &number, severity];
                    self.alerts.with_label_values(&labels).set(0);
                }
                for counted in app.monitoring.counted(&identity.model, version) {
                    self.count(identity, &counted);
                }
            }
        }
        for raised in app.findings.raised().iter() {
            let version = raised.version.to_string();
            let labels = [raised.name.as_str(), raised.model.as_str(), &version, raised.severity.text()];
            self.alerts.with_label_values(&labels).set(raised.count);
        }
    }

    fn count(&self, identity: &Identity, counted: &Counted) {
        let version = identity.version.to_string();
        let labels = |a, b| [identity.name.as_str(), identity.model.as_str(), &version, a, b];
        let add = |feature, problem, count| self.quality.with_label_values(&labels(feature, problem)).inc_by(count);
        let quality = &counted.quality;
        add("", "wrong_type", quality.wrong_type);
        add("", "missing_field", quality.missing_fields);
        add("", "extra_field", quality.extra_fields);
        for feature in quality.features.iter().take(FEATURES_MAX) {
            add(&feature.feature_name, "null", feature.nulls);
            add(&feature.feature_name, "infinite", feature.infinite);
            add(&feature.feature_name, "out_of_range", feature.out_of_range);
            add(&feature.feature_name, "unseen", feature.unseen);
        }
        for (output, value, rows) in &counted.values {
            let labels = labels(output, value.as_deref().unwrap_or_default());
            self.values.with_label_values(&labels).inc_by(*rows);
        }
    }

    fn show(&self, identity: &Identity, report: &Report) {
        let version = identity.version.to_string();
        let labels = [identity.name.as_str(), identity.model.as_str(), &version, report.window.as_str()];
        let and = |last| [labels[0], labels[1], labels[2], labels[3], last];
        if let Some(score) = report.drift_score {
            self.drift_score.with_label_values(&labels).set(score);
        }
        self.analysed_at.with_label_values(&labels).set(report.analysed_at.as_millis() as f64 / 1e3);
        for status in [Status::Ok, Status::Warning, Status::Alert, Status::NoData, Status::Error] {
            let is_it = i64::from(status == report.overall_status);
            self.status.with_label_values(&and(status_word(status))).set(is_it);
        }
        let features = report.features.iter().filter_map(|column| Some((column.psi()?, column.feature_name.as_str())));
        let mut features: Vec<(f64, &str)> = features.collect();
        features.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        for (psi, name) in features.into_iter().take(FEATURES_MAX) {
            self.feature_drift.with_label_values(&and(name)).set(psi);
        }
    }
}
