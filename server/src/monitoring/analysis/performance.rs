//! Performance, judged: when answers are worse than at training time by more than chance.

use super::observed::Observed;
use super::report::Report;
use serde_json::Value;
use servoir_monitor::alert::Observation;
use servoir_monitor::analysis::{Severity, Status};

/// So much less accuracy than at training time is a warning, and so much an alert.
const ACCURACY: Limits = Limits { warning: 0.02, alert: 0.05 };
/// So much more root mean squared error, as a share of that at training time.
const ERROR: Limits = Limits { warning: 0.1, alert: 0.25 };
/// With fewer labels nothing is said.
const LABELS_MIN: f64 = 30.0;
/// How many standard deviations are still chance.
const DEVIATIONS: f64 = 4.0;

struct Limits {
    warning: f64,
    alert: f64,
}

/// What labels say of a window, when enough have come and the value at training time is known.
pub fn of_performance(report: &Report) -> Option<Observed> {
    let performance = report.performance.as_ref()?;
    let labels = performance["labelled"].as_f64().filter(|labels| *labels >= LABELS_MIN)?;
    let number = |when: &str, name: &str| at(performance, when, name);
    let (loss, chance, limits, what) = match (number("/training/scores", "accuracy"), number("/live", "accuracy")) {
        (Some(then), Some(now)) => {
            let chance = DEVIATIONS * (then * (1.0 - then) / labels).sqrt();
            (then - now, chance, ACCURACY, format!("accuracy {now:.4} of {labels} labels, {then:.4} at training time"))
        }
        _ => {
            let (then, now) =
                (number("/training/scores", "rmse").filter(|then| *then > 0.0)?, number("/live", "rmse")?);
            // The standard deviation of a standard deviation, of normal errors.
            let chance = DEVIATIONS / (2.0 * labels).sqrt();
            let what = format!("root mean squared error {now:.4} of {labels} labels, {then:.4} at training time");
            (now / then - 1.0, chance, ERROR, what)
        }
    };
    let beyond = |limit: f64| loss >= limit && loss > chance;
    let (status, severity, threshold) = match () {
        () if beyond(2.0 * limits.alert) => (Status::Alert, Severity::High, limits.alert),
        () if beyond(limits.alert) => (Status::Alert, Severity::Medium, limits.alert),
        () if beyond(limits.warning) => (Status::Warning, Severity::Low, limits.warning),
        () => (Status::Ok, Severity::None, limits.warning),
    };
    Some(Observed {
        subject: "performance".to_owned(),
        observation: Observation {
            at: report.analysed_at,
            status,
            severity,
            value: Some(loss),
            threshold: Some(threshold),
        },
        message: format!("performance over {}: {what}", report.window.as_str()),
    })
}

fn at(performance: &Value, when: &str, name: &str) -> Option<f64> {
    performance.pointer(when)?.get(name)?.as_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use servoir_monitor::WindowLength;
    use servoir_types::Timestamp;

    #[test]
    fn a_loss_counts_when_it_is_more_than_chance() {
        let accuracy = |labels: u64, then: f64, now: f64| json!({"labelled": labels, "live": {"accuracy": now, "rmse": null}, "training": {"scores": {"accuracy": then}}});
        let rmse = |labels: u64, then: f64, now: f64| json!({"labelled": labels, "live": {"accuracy": null, "rmse": now}, "training": {"scores": {"rmse": then}}});
        let cases = [
            (accuracy(29, 0.9, 0.1), None),
            (accuracy(30, 0.9, 0.85), Some((Status::Ok, Severity::None))),
            (accuracy(10_000, 0.9, 0.85), Some((Status::Alert, Severity::Medium))),
            (accuracy(10_000, 0.9, 0.79), Some((Status::Alert, Severity::High))),
            (accuracy(10_000, 0.9, 0.87), Some((Status::Warning, Severity::Low))),
            (accuracy(10_000, 0.9, 0.95), Some((Status::Ok, Severity::None))),
            (rmse(10_000, 2.0, 2.6), Some((Status::Alert, Severity::Medium))),
            (rmse(30, 2.0, 2.6), Some((Status::Ok, Severity::None))),
            (rmse(10_000, 2.0, 1.0), Some((Status::Ok, Severity::None))),
            (json!({"labelled": 100, "live": {"accuracy": 0.5}, "training": null}), None),
        ];
        for (performance, expected) in cases {
            let empty = Report::empty("model_x", 1, WindowLength::Day, Timestamp::from_millis(0));
            let report = Report { performance: Some(performance.clone()), ..empty };
            let got = of_performance(&report).map(|seen| (seen.observation.status, seen.observation.severity));
            assert_eq!(got, expected, "{performance}");
        }
    }
}
