//! Shadows: how far their answers agree with those that callers got.

use super::{counter_vec, registered};
use crate::reconcile::Compared;
use prometheus::{CounterVec, IntCounterVec, Opts, Registry};

/// Copied from what the reconciler keeps, when somebody scrapes.
pub struct ShadowMetrics {
    requests: IntCounterVec,
    outputs: IntCounterVec,
    labels: IntCounterVec,
    scores: IntCounterVec,
    apart: CounterVec,
}

impl ShadowMetrics {
    /// None yet.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        const VERSION: [&str; 3] = ["model", "model_id", "version"];
        const OUTCOME: [&str; 4] = ["model", "model_id", "version", "outcome"];
        Ok(Self {
            requests: counter_vec(
                registry,
                "servoir_shadow_requests_total",
                "Requests that a shadow was sent a copy of, by what came of it.",
                &OUTCOME,
            )?,
            outputs: counter_vec(
                registry,
                "servoir_shadow_outputs_unlike_total",
                "Outputs of a shadow that had a form that they could not have, or were not finite where they had been.",
                &OUTCOME,
            )?,
            labels: counter_vec(
                registry,
                "servoir_shadow_labels_total",
                "Labels of a shadow, by whether they were those that callers got.",
                &OUTCOME,
            )?,
            scores: counter_vec(
                registry,
                "servoir_shadow_scores_total",
                "Numbers of a shadow that were compared with those that callers got.",
                &VERSION,
            )?,
            apart: registered(
                registry,
                CounterVec::new(
                    Opts::new(
                        "servoir_shadow_scores_apart_total",
                        "How far those numbers were apart, each as a share of 1 or of the larger of both.",
                    ),
                    &VERSION,
                )?,
            )?,
        })
    }

    /// Forgets all of them.
    pub fn reset(&self) {
        for family in [&self.requests, &self.outputs, &self.labels, &self.scores] {
            family.reset();
        }
        self.apart.reset();
    }

    /// Shows a shadow.
    pub fn set(&self, labels: [&str; 3], Compared { agreed, unanswered }: &Compared) {
        let by_outcome = |family: &IntCounterVec, counts: &[(&str, usize)]| {
            for (outcome, count) in counts {
                family.with_label_values(&[labels[0], labels[1], labels[2], outcome]).inc_by(*count as u64);
            }
        };
        let answered = agreed.requests - agreed.failed;
        let unanswered = usize::try_from(*unanswered).unwrap_or(usize::MAX);
        by_outcome(&self.requests, &[("compared", answered), ("failed", agreed.failed), ("unanswered", unanswered)]);
        by_outcome(&self.outputs, &[("reshaped", agreed.reshaped), ("not_finite", agreed.not_finite)]);
        let alike = agreed.labels - agreed.labels_different;
        by_outcome(&self.labels, &[("alike", alike), ("different", agreed.labels_different)]);
        self.scores.with_label_values(&labels).inc_by(agreed.scores as u64);
        self.apart.with_label_values(&labels).inc_by(agreed.scores_apart);
    }
}
