//! One column of a window beside its baseline.

use super::{Recorded, Settings, Severity, Status, Threshold};
use crate::baseline::{Column, Profile};
use crate::convention::{Algorithm, Computed, Convention, Rule, evidently, nannyml, servoir};
use crate::counts::{CategoryCounts, ColumnCounts};
use crate::statistics::reason::Reason;
use serde::Serialize;
use std::collections::BTreeMap;

/// A feature or an output of a window.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnAnalysis {
    /// Its name.
    pub feature_name: String,
    /// `numeric` or `categorical`.
    pub category: &'static str,
    /// What was computed.
    pub metrics: BTreeMap<Algorithm, Metric>,
    /// The worst of the metrics.
    pub status: Status,
    /// How bad it is.
    pub severity: Severity,
    /// From how many values: those of the window that are not missing, or of the recorded sample where the convention needs one.
    pub sample_size: u64,
}

/// One statistic.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metric {
    /// What is compared with the threshold: the statistic, or the p-value of a test.
    pub value: f64,
    /// The threshold that was crossed; when none was, the first that would be.
    pub threshold: Option<f64>,
    /// What the value means.
    pub status: Status,
    /// The statistic of a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistic: Option<f64>,
    /// How far the statistic of the raw values may be from this one.
    #[serde(skip_serializing_if = "is_zero")]
    pub bound: f64,
    /// What chance alone exceeds less than once in a thousand windows of this size. A value below it is no warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chance: Option<f64>,
    #[serde(skip)]
    thresholds: Threshold,
    #[serde(skip)]
    rule: Rule,
}

fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

/// A column, its baseline and what came of it.
pub struct Compared<'a> {
    pub column: &'a Column,
    pub counts: &'a ColumnCounts,
    pub samples: Option<&'a Recorded>,
}

impl<'a> Compared<'a> {
    /// Computes every algorithm of the settings, or none of a window that `is_too_small`, which the caller has said.
    pub fn analysis(
        &self,
        settings: &Settings,
        is_too_small: bool,
        skip: &mut dyn FnMut(Algorithm, Reason),
    ) -> ColumnAnalysis {
        let mut metrics = BTreeMap::new();
        for algorithm in settings.algorithms().iter().copied().filter(|_| !is_too_small) {
            match self.computed(settings, algorithm) {
                Ok(computed) => {
                    let threshold = settings.threshold(&self.column.name, algorithm);
                    metrics.insert(algorithm, Metric::new(&computed, settings.convention.rule(algorithm), threshold));
                }
                // What is of the other kind of columns, or of another convention, is not missing here.
                Err(Reason::NumbersOnly | Reason::CategoriesOnly | Reason::NotInConvention) => {}
                Err(reason) => skip(algorithm, reason),
            }
        }
        let status = metrics.values().map(|metric: &Metric| metric.status).max().unwrap_or(Status::NoData);
        let severity = metrics.values().map(Metric::severity).max().unwrap_or(Severity::None);
        ColumnAnalysis {
            feature_name: self.column.name.clone(),
            category: if matches!(self.column.profile, Profile::Number(_)) { "numeric" } else { "categorical" },
            metrics,
            status,
            severity,
            sample_size: self.sample_size(settings.convention),
        }
    }

    fn sample_size(&self, convention: Convention) -> u64 {
        match (convention, self.samples, &self.column.profile) {
            (Convention::Evidently | Convention::NannyMl, Some(samples), Profile::Number(_)) => {
                samples.current.values().len() as u64
            }
            _ => self.counts.count(),
        }
    }

    fn computed(&self, settings: &Settings, algorithm: Algorithm) -> Result<Computed, Reason> {
        let rows = self.sample_size(settings.convention);
        if rows > 0 && rows < settings.min_window_sample_size {
            return Err(Reason::TooFew { rows, needed: settings.min_window_sample_size });
        }
        match (&self.column.profile, self.counts) {
            (Profile::Number(profile), ColumnCounts::Number(counts)) => {
                let recorded = || self.samples.ok_or(Reason::NoSample);
                let reference = |recorded: &'a Recorded| recorded.reference.as_ref().ok_or(Reason::NoSample);
                match settings.convention {
                    Convention::Servoir => servoir::of_numbers(algorithm, profile, counts),
                    Convention::Evidently => {
                        evidently::of_numbers(algorithm, reference(recorded()?)?, &recorded()?.current)
                    }
                    Convention::NannyMl => match reference(recorded()?) {
                        Ok(reference) => nannyml::of_numbers(algorithm, reference, &recorded()?.current),
                        Err(_) => nannyml::of_profile(algorithm, profile, &recorded()?.current),
                    },
                }
            }
            (Profile::Category(profile), ColumnCounts::Category(counts)) => {
                let (reference, current) = (CategoryCounts::of(profile).shares(), counts.shares());
                match settings.convention {
                    Convention::Servoir => servoir::of_categories(algorithm, &reference, &current),
                    Convention::Evidently => evidently::of_categories(algorithm, &reference, &current),
                    Convention::NannyMl => nannyml::of_categories(algorithm, &reference, &current),
                }
            }
            _ => Err(Reason::WindowEmpty),
        }
    }
}

impl Metric {
    fn new(computed: &Computed, rule: Rule, thresholds: Threshold) -> Self {
        let p = computed.p.filter(|_| rule != Rule::Statistic);
        let mut metric = Self {
            value: p.unwrap_or(computed.statistic),
            threshold: None,
            status: Status::Ok,
            statistic: p.map(|_| computed.statistic).filter(|statistic| statistic.is_finite()),
            bound: computed.bound,
            chance: computed.chance,
            thresholds,
            rule,
        };
        metric.status = metric.status_among(1);
        metric.threshold = match metric.status {
            Status::Alert => thresholds.alert,
            _ => thresholds.warning.or(thresholds.alert),
        };
        metric
    }

    /// The status when it is judged as that of one of so many columns.
    fn status_among(&self, columns: usize) -> Status {
        let is_beyond = |limit: f64| match self.rule {
            Rule::Statistic => self.value >= limit && self.chance.is_none_or(|chance| self.value > chance),
            Rule::PBelow => self.value < limit / columns.max(1) as f64,
            Rule::PAtMost => self.value <= limit / columns.max(1) as f64,
        };
        match () {
            () if self.thresholds.alert.is_some_and(is_beyond) => Status::Alert,
            () if self.thresholds.warning.is_some_and(is_beyond) => Status::Warning,
            () => Status::Ok,
        }
    }

    fn severity(&self) -> Severity {
        let is_twice = self.rule == Rule::Statistic && self.threshold.is_some_and(|limit| self.value >= 2.0 * limit);
        match self.status {
            Status::Alert if is_twice => Severity::High,
            Status::Alert => Severity::Medium,
            Status::Warning => Severity::Low,
            _ => Severity::None,
        }
    }
}

impl ColumnAnalysis {
    /// The status when it is judged as one of so many columns.
    pub(super) fn status_among(&self, columns: usize) -> Status {
        self.metrics.values().map(|metric| metric.status_among(columns)).max().unwrap_or(Status::NoData)
    }
}
