//! Bringing each version's tap to what the registry says: its active baseline and its model's settings.

use super::recording::Recording;
use super::service::{Monitoring, Watch};
use super::settings::MonitoringSettings;
use super::tap::{Counting, OfDeployment, Orders, Sampling, Subject, VersionTap};
use super::totals::Totals;
use servoir_monitor::{Baseline, Tap};
use servoir_registry::{MonitoringSettingsRow, RegistryError, Watched};
use servoir_runtime::Deployment;
use servoir_types::ModelId;
use std::sync::Arc;

impl Monitoring {
    /// Brings the taps of a model's versions, or of all, to what the registry says now.
    pub async fn follow(&self, model: Option<&ModelId>) {
        let mut versions: Vec<(ModelId, i64)> = {
            let mut watches = self.lock();
            watches.deployments.retain(|watch| watch.deployment.strong_count() > 0);
            let named =
                watches.deployments.iter().filter(|watch| model.is_none_or(|model| *model == watch.subject.model));
            named.map(|watch| (watch.subject.model.clone(), watch.subject.version)).collect()
        };
        versions.sort();
        versions.dedup();
        for (model, version) in versions {
            let _turn = self.following.lock().await;
            if let Err(error) = self.follow_version(&model, version).await {
                tracing::warn!(%error, %model, version, "cannot read how a version is monitored; it stays as it was");
                return;
            }
        }
    }

    async fn follow_version(&self, model: &ModelId, version: i64) -> Result<(), RegistryError> {
        let Some(wanted) = self.registry.watched(model, version).await? else { return Ok(()) };
        let subject = Subject { model: model.clone(), version, baseline: wanted.baseline.clone() };
        let behind: Vec<Arc<Deployment>> = {
            let mut watches = self.lock();
            let of_version = |watch: &&mut Watch| watch.subject.model == *model && watch.subject.version == version;
            let behind = watches.deployments.iter_mut().filter(of_version);
            behind
                .filter(|watch| watch.wanted.as_ref() != Some(&wanted))
                .filter_map(|watch| watch.deployment.upgrade())
                .collect()
        };
        if behind.is_empty() {
            return Ok(());
        }
        let baseline = match &wanted.baseline {
            Some(id) => self.baseline(&subject, &self.registry.baseline(model, id).await?.body),
            None => None,
        };
        let settings = settings(&subject, &wanted);
        for deployment in behind {
            let tap = self.tap(&deployment, &subject, (baseline.as_ref(), &settings));
            deployment.set_tap(tap.clone().map(|tap| Box::new(OfDeployment(tap)) as Box<dyn servoir_runtime::Tap>));
            let mut watches = self.lock();
            watches.taps.extend(tap);
            for watch in &mut watches.deployments {
                if std::ptr::eq(watch.deployment.as_ptr(), Arc::as_ptr(&deployment)) {
                    watch.wanted = Some(wanted.clone());
                    watch.subject = subject.clone();
                }
            }
        }
        Ok(())
    }

    /// The tap that a version's settings and baseline ask for, if any.
    fn tap(
        &self,
        deployment: &Deployment,
        subject: &Subject,
        (baseline, settings): (Option<&Baseline>, &MonitoringSettings),
    ) -> Option<Arc<VersionTap>> {
        let counting = baseline.map(|baseline| {
            let plan = plan(deployment, subject, (baseline, settings));
            Counting { totals: Totals::new(baseline.clone(), plan.counts()), plan }
        });
        let recording = settings.record_values.map(|values| {
            let watches = &mut *self.lock();
            let mut known = watches.recordings.iter();
            if let Some(known) = known.find(|recording| recording.is_of(&subject.model, subject.version)) {
                known.resize(values.rows_max);
                return Arc::clone(known);
            }
            let version = (&subject.model, subject.version);
            let made = Arc::new(Recording::new(version, deployment.signature(), values.rows_max));
            watches.recordings.push(Arc::clone(&made));
            made
        });
        let is_wanted = counting.is_some() || recording.is_some();
        let orders = Orders { counting, sampling: Sampling::share(settings.sample_rate), recording };
        is_wanted.then(|| Arc::new(VersionTap::new(subject.clone(), orders)))
    }

    fn baseline(&self, subject: &Subject, body: &str) -> Option<Baseline> {
        let read = Baseline::from_json(body.as_bytes());
        read.inspect_err(|error| {
            tracing::warn!(%error, model = %subject.model, version = subject.version, "a version is not counted");
        })
        .ok()
    }
}

/// What is counted of a version.
fn plan(deployment: &Deployment, subject: &Subject, (baseline, settings): (&Baseline, &MonitoringSettings)) -> Tap {
    let plan = Tap::new(baseline, deployment.signature());
    for misfit in plan.misfits() {
        let (model, version) = (&subject.model, subject.version);
        tracing::warn!(%model, version, column = misfit.column, "a column of the baseline is not counted: {}", misfit.reason);
    }
    if settings.record_inputs { plan } else { plan.of_outputs() }
}

fn settings(subject: &Subject, wanted: &Watched) -> MonitoringSettings {
    let row = MonitoringSettingsRow { body: wanted.settings.clone(), revision: 0 };
    MonitoringSettings::of(&row).unwrap_or_else(|error| {
        tracing::warn!(error = error.internal, model = %subject.model, "the settings of monitoring cannot be read; the defaults hold");
        MonitoringSettings::default()
    })
}
