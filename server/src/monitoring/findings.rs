//! What the newest analyses say, whichever node made them: what gauges and live sockets show without asking the database.

use crate::app::App;
use crate::monitoring::analysis::{Report, answering};
use arc_swap::ArcSwap;
use servoir_monitor::WindowLength;
use servoir_registry::{RaisedAlerts, RegistryError};
use servoir_types::ModelId;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::sync::Mutex;

/// The newest analyses of the versions that answer, and the alerts that are raised.
#[derive(Default)]
pub struct Findings {
    versions: ArcSwap<HashMap<(ModelId, i64), Newest>>,
    raised: ArcSwap<Vec<RaisedAlerts>>,
    /// Held while the registry is read, so that what was read earlier never takes the place of what was read later.
    reading: Mutex<()>,
}

/// The newest analyses of a version, the shortest window first.
pub type Newest = BTreeMap<WindowLength, Arc<Report>>;

impl Findings {
    /// Reads what is newer than what is known.
    ///
    /// # Errors
    /// When the registry is away; what is known stays.
    pub async fn refresh(&self, app: &App) -> Result<(), RegistryError> {
        let _reading = self.reading.lock().await;
        let known = self.versions.load_full();
        let mut versions = HashMap::new();
        for deployment in app.registry.deployments().await? {
            for version in answering(&deployment) {
                let place = (deployment.model.clone(), version);
                let newest = read(app, &place, known.get(&place)).await?;
                versions.insert(place, newest);
            }
        }
        self.versions.store(Arc::new(versions));
        self.raised.store(Arc::new(app.registry.raised_alerts().await?));
        Ok(())
    }

    /// The newest analyses of a version; none when it does not answer, or was never analysed.
    pub fn of(&self, model: &ModelId, version: i64) -> Newest {
        self.versions.load().get(&(model.clone(), version)).cloned().unwrap_or_default()
    }

    /// The drift score of the shortest window that has one.
    pub fn drift_score(&self, model: &ModelId, version: i64) -> Option<f64> {
        self.of(model, version).values().find_map(|report| report.drift_score)
    }

    /// The alerts that are raised, over all models.
    pub fn raised(&self) -> Arc<Vec<RaisedAlerts>> {
        self.raised.load_full()
    }
}

async fn read(app: &App, (model, version): &(ModelId, i64), known: Option<&Newest>) -> Result<Newest, RegistryError> {
    let times = app.registry.newest_analysis_times(model, *version).await?;
    let mut newest = Newest::new();
    for window in WindowLength::ALL {
        let Some(at) = times.get(window.as_str()) else { continue };
        if let Some(report) = known.and_then(|known| known.get(&window)).filter(|report| report.analysed_at == *at) {
            newest.insert(window, Arc::clone(report));
            continue;
        }
        let stored = app.registry.newest_analysis(model, *version, window.as_str()).await?;
        match stored.as_ref().map(Report::kept).transpose() {
            Ok(report) => newest.extend(report.map(|report| (window, Arc::new(report)))),
            Err(error) => tracing::warn!(%model, version, %error, "an analysis that is kept cannot be read"),
        }
    }
    Ok(newest)
}
