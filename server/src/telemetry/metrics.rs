//! The server's metrics: what is counted, and the handles through which it is.
//!
//! A prediction touches only what its model and version already have, and only what is its own thread's: no lookup by
//! label, and nothing that threads share. What the threads have counted is added up when somebody reads.

mod followed;
mod gpus;
mod loads;
mod model;
mod monitoring;
mod preflights;
mod process;
mod reading;
mod register;
mod shadows;
mod swaps;

pub use followed::Followed;
pub use reading::{Reading, Traffic};

use self::gpus::GpuGauges;
use self::loads::LoadMetrics;
use self::model::ModelMetrics;
use self::monitoring::MonitoringMetrics;
use self::preflights::PreflightMetrics;
use self::process::ProcessGauges;
use self::register::{counter_vec, from_zero, gauge_vec, histogram_vec, int_gauge, int_gauge_vec, registered};
use self::shadows::ShadowMetrics;
use self::swaps::SwapMetrics;
use super::exposition::Exposition;
use crate::app::App;
use arc_swap::ArcSwap;
use http::StatusCode;
use prometheus::core::Collector;
use prometheus::{
    CounterVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};
use servoir_runtime::{Deployment, Identity};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Buckets of durations in seconds: 25 µs to 60 s, two to three per decade.
const SECONDS: &[f64] = &[
    25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    60.0,
];
/// Buckets of batch sizes in rows.
const ROWS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0, 16384.0];

/// The protocols that predictions come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `/v1/predict` and its twin under the Registry API.
    V1,
    /// `/v2/…/infer`.
    V2,
    /// `ModelInfer` and each message of `ModelStreamInfer`.
    Grpc,
}

/// What came of a prediction call; left in the response's extensions for the outermost layer, which counts it.
#[derive(Debug, Clone)]
pub struct Served {
    /// How it came.
    pub protocol: Protocol,
    /// Which version answered, when it got so far.
    pub model: Option<Arc<Deployment>>,
    /// Rows asked for; 0 when it did not get so far.
    pub rows: usize,
    /// Time in the queue, time in the engine and rows of the batch, when the model ran.
    pub run: Option<(Duration, Duration, usize)>,
}

impl Served {
    /// A call that has not got anywhere yet.
    pub const fn nothing(protocol: Protocol) -> Self {
        Self { protocol, model: None, rows: 0, run: None }
    }
}

/// The counters of the whole server.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
    queue_times: HistogramVec,
    compute_times: HistogramVec,
    batch_rows: HistogramVec,
    rows: IntCounterVec,
    management_requests: IntCounterVec,
    management_durations: Histogram,
    auth_refusals: IntCounterVec,
    in_flight: IntGauge,
    connections: IntGauge,
    websockets: IntGauge,
    swaps: SwapMetrics,
    predictions_lost: IntCounter,
    gauges: ModelGauges,
    /// What monitoring shows.
    pub monitoring: MonitoringMetrics,
    /// Model files that were tried.
    pub preflights: PreflightMetrics,
    /// Versions that are being loaded.
    pub loads: LoadMetrics,
    process: ProcessGauges,
    gpus: GpuGauges,
    models: ArcSwap<HashMap<String, HashMap<u64, Arc<ModelMetrics>>>>,
    scrapes: Mutex<()>,
}

/// Read from the deployments when somebody scrapes.
struct ModelGauges {
    queue_rows: IntGaugeVec,
    instances: IntGaugeVec,
    busy: IntGaugeVec,
    in_flight: IntGaugeVec,
    compute_seconds: CounterVec,
    checks: IntCounterVec,
    padded: IntCounterVec,
    shadows: ShadowMetrics,
    memory: IntGaugeVec,
    device_memory: IntGaugeVec,
    memory_max: IntGauge,
    loaded: IntGauge,
    training: IntGauge,
    trained: IntCounterVec,
}

impl Metrics {
    /// Shows these too.
    ///
    /// # Errors
    /// When one has the name of a metric that is there.
    pub fn include(&self, collectors: impl IntoIterator<Item = Box<dyn Collector>>) -> prometheus::Result<()> {
        collectors.into_iter().try_for_each(|collector| self.registry.register(collector))
    }

    /// All metrics at zero.
    ///
    /// # Errors
    /// When two metrics have the same name, which a test would have found.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let r = &registry;
        let request_labels = &["model", "model_id", "version", "protocol", "code"];
        let model_labels = &["model", "model_id", "version"];
        let build = int_gauge_vec(r, "servoir_build_info", "Version of the server; always 1.", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Ok(Self {
            requests: counter_vec(r, "servoir_requests_total", "Predictions asked for.", request_labels)?,
            durations: histogram_vec(
                r,
                "servoir_request_duration_seconds",
                "Time from a prediction's head to its answer.",
                &["model", "model_id", "version", "protocol"],
                SECONDS,
            )?,
            queue_times: histogram_vec(
                r,
                "servoir_queue_duration_seconds",
                "Time in the queue.",
                model_labels,
                SECONDS,
            )?,
            compute_times: histogram_vec(
                r,
                "servoir_compute_duration_seconds",
                "Time in the engine.",
                model_labels,
                SECONDS,
            )?,
            batch_rows: histogram_vec(r, "servoir_batch_rows", "Rows that ran together.", model_labels, ROWS)?,
            rows: counter_vec(r, "servoir_prediction_rows_total", "Rows predicted.", model_labels)?,
            management_requests: counter_vec(r, "servoir_management_requests_total", "Management calls.", &["code"])?,
            management_durations: registered(
                r,
                Histogram::with_opts(
                    HistogramOpts::new("servoir_management_duration_seconds", "Time of management calls.")
                        .buckets(SECONDS.into()),
                )?,
            )?,
            auth_refusals: counter_vec(
                r,
                "servoir_auth_refusals_total",
                "Calls refused for their credential or scope.",
                &["code"],
            )?,
            in_flight: int_gauge(r, "servoir_requests_in_flight", "Requests being answered.")?,
            connections: int_gauge(r, "servoir_connections", "Open client connections.")?,
            websockets: int_gauge(r, "servoir_websocket_clients", "Open WebSockets.")?,
            swaps: SwapMetrics::new(r)?,
            predictions_lost: registered(
                r,
                IntCounter::new(
                    "servoir_entity_predictions_lost_total",
                    "Predictions with an entity that could not be kept for labels.",
                )?,
            )?,
            gauges: ModelGauges {
                queue_rows: int_gauge_vec(r, "servoir_queue_rows", "Rows waiting.", model_labels)?,
                instances: int_gauge_vec(r, "servoir_instances", "Instances of the model.", model_labels)?,
                busy: int_gauge_vec(r, "servoir_instances_busy", "Instances at work.", model_labels)?,
                in_flight: int_gauge_vec(r, "servoir_model_requests_in_flight", "Requests inside.", model_labels)?,
                compute_seconds: registered(
                    r,
                    CounterVec::new(
                        Opts::new(
                            "servoir_instance_busy_seconds_total",
                            "Time that the instances have spent computing.",
                        ),
                        model_labels,
                    )?,
                )?,
                checks: counter_vec(
                    r,
                    "servoir_self_checks_total",
                    "Requests that ran again alone, by whether they were answered alike.",
                    &["model", "model_id", "version", "outcome"],
                )?,
                padded: counter_vec(
                    r,
                    "servoir_padded_rows_total",
                    "Rows that were added to batches because the engine was prepared for so many, and not for theirs.",
                    model_labels,
                )?,
                shadows: ShadowMetrics::new(r)?,
                memory: int_gauge_vec(
                    r,
                    "servoir_model_memory_bytes",
                    "Memory that a version takes that is live or kept warm.",
                    model_labels,
                )?,
                device_memory: int_gauge_vec(
                    r,
                    "servoir_model_device_memory_bytes",
                    "Memory of a GPU that a live version has taken.",
                    &["model", "model_id", "version", "device"],
                )?,
                memory_max: int_gauge(
                    r,
                    "servoir_models_memory_bytes_max",
                    "Most memory that all models take; 0 for any.",
                )?,
                loaded: int_gauge(r, "servoir_models_live", "Models with a live version.")?,
                training: int_gauge(r, "servoir_training_runs", "Runs of training that go on, on this node.")?,
                trained: counter_vec(
                    r,
                    "servoir_training_runs_total",
                    "Runs of training that have ended on this node.",
                    &["status"],
                )?,
            },
            process: ProcessGauges::new(r)?,
            gpus: GpuGauges::new(r)?,
            monitoring: MonitoringMetrics::new(r)?,
            preflights: PreflightMetrics::new(r)?,
            loads: LoadMetrics::new(r)?,
            models: ArcSwap::default(),
            scrapes: Mutex::default(),
            registry,
        })
    }

    /// Counts an answered request: a prediction when `served` says so, else a management call.
    pub fn request(&self, path: &str, served: Option<&Served>, status: StatusCode, elapsed: Duration) {
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            self.auth_refusals.with_label_values(&[status.as_str()]).inc();
        }
        match served {
            Some(Served { model: Some(deployment), protocol, rows, run }) => {
                let model = deployment.identity();
                let is_ok = status == StatusCode::OK;
                if is_ok {
                    self.loads.answered(elapsed);
                } else {
                    self.requests.with_label_values(&request_labels(Some(model), *protocol, status.as_str())).inc();
                }
                let kept = deployment.beside().get_or_init(|| Box::new(self.model(model)));
                if let Some(handles) = kept.downcast_ref::<Arc<ModelMetrics>>() {
                    handles.count(*protocol, (is_ok, elapsed), run.map(|run| (run, *rows)));
                }
            }
            Some(Served { model: None, protocol, .. }) => {
                self.requests.with_label_values(&request_labels(None, *protocol, status.as_str())).inc();
            }
            None if path == "/metrics" || path == "/livez" || path == "/readyz" => {}
            None => {
                self.management_requests.with_label_values(&[status.as_str()]).inc();
                self.management_durations.observe(elapsed.as_secs_f64());
            }
        }
    }

    /// Counts predictions that labels will not find by their entity.
    pub fn predictions_lost(&self, rows: usize) {
        self.predictions_lost.inc_by(rows as u64);
    }

    /// Counts a connection for as long as the guard lives.
    pub fn connection(self: &Arc<Self>) -> impl Drop + Send + Sync + 'static {
        GaugeGuard::up(self.connections.clone())
    }

    /// Counts a WebSocket for as long as the guard lives.
    pub fn websocket(self: &Arc<Self>) -> impl Drop + Send + 'static {
        GaugeGuard::up(self.websockets.clone())
    }

    /// Forgets the series of versions of a model that are not in `kept`, so that label values stay bounded by what is live.
    pub fn keep_versions(&self, model: &str, kept: &[u64]) {
        self.models.rcu(|models| {
            let mut models = HashMap::clone(models);
            if let Some(versions) = models.get_mut(model) {
                versions.retain(|version, _| kept.contains(version));
            }
            models.retain(|_, versions| !versions.is_empty());
            models
        });
        for family in [&self.queue_times, &self.compute_times, &self.batch_rows, &self.durations] {
            forget(family, model, kept, |labels| drop(family.remove_label_values(labels)));
        }
        for family in [&self.requests, &self.rows] {
            forget(family, model, kept, |labels| drop(family.remove_label_values(labels)));
        }
    }

    /// Everything, as text.
    ///
    /// # Errors
    /// When a metric has a name or label that the format does not allow, which a test would have found.
    pub fn encode(&self, app: &App, exposition: Exposition) -> prometheus::Result<String> {
        // What is read anew for each scrape would be added up by two at once.
        let _turn = self.scrapes.lock().unwrap_or_else(PoisonError::into_inner);
        self.add_up();
        self.read_deployments(app);
        self.monitoring.read(app);
        self.process.read();
        self.gpus.read(app);
        exposition.encode(&self.registry.gather())
    }

    fn model(&self, identity: &Identity) -> Arc<ModelMetrics> {
        let find = |models: &HashMap<String, HashMap<u64, Arc<ModelMetrics>>>| {
            models.get(identity.model.as_str()).and_then(|versions| versions.get(&identity.version)).cloned()
        };
        if let Some(handles) = find(&self.models.load()) {
            return handles;
        }
        let handles = Arc::new(ModelMetrics::new(self, identity));
        self.models.rcu(|models| {
            let mut models = HashMap::clone(models);
            models
                .entry(identity.model.to_string())
                .or_default()
                .entry(identity.version)
                .or_insert_with(|| handles.clone());
            models
        });
        handles
    }

    /// Adds what the threads have counted to what is shown.
    fn add_up(&self) {
        self.models.load().values().flat_map(HashMap::values).for_each(|model| model.add_up());
    }

    fn read_deployments(&self, app: &App) {
        let gauges = &self.gauges;
        let families = [&gauges.queue_rows, &gauges.instances, &gauges.busy, &gauges.in_flight];
        families.into_iter().chain([&gauges.memory, &gauges.device_memory]).for_each(IntGaugeVec::reset);
        for (identity, bytes) in app.reconciler.memory().all() {
            let version = identity.version.to_string();
            let labels = [identity.name.as_str(), identity.model.as_str(), &version];
            gauges.memory.with_label_values(&labels).add(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
        gauges.memory_max.set(i64::try_from(app.config.models.memory_bytes_max).unwrap_or(i64::MAX));
        // Counters that others keep: they are copied whole.
        gauges.compute_seconds.reset();
        gauges.checks.reset();
        gauges.padded.reset();
        gauges.shadows.reset();
        gauges.trained.reset();
        let entries = app.serving.entries();
        let mut live_models = 0;
        for live in entries.iter().filter_map(|(_, entry)| entry.live()) {
            live_models += 1;
            for deployment in live.deployments() {
                let identity = deployment.identity();
                let version = identity.version.to_string();
                let labels = [identity.name.as_str(), identity.model.as_str(), &version];
                let now = deployment.gauges();
                gauges.queue_rows.with_label_values(&labels).set(now.queue_rows as i64);
                gauges.instances.with_label_values(&labels).set(now.instances as i64);
                gauges.busy.with_label_values(&labels).set(now.busy as i64);
                gauges.in_flight.with_label_values(&labels).set(now.in_flight as i64);
                gauges.compute_seconds.with_label_values(&labels).inc_by(now.compute_nanos as f64 / 1e9);
                for (device, bytes) in deployment.taken() {
                    let labels = [labels[0], labels[1], labels[2], &device.to_string()];
                    gauges.device_memory.with_label_values(&labels).add(i64::try_from(bytes).unwrap_or(i64::MAX));
                }
                gauges.padded.with_label_values(&labels).inc_by(now.padded_rows);
                let (checked, differed) = now.checks;
                for (outcome, count) in [("alike", checked - differed), ("different", differed)] {
                    let labels = [labels[0], labels[1], labels[2], outcome];
                    gauges.checks.with_label_values(&labels).inc_by(count);
                }
                if live.shadow.as_ref().is_some_and(|shadow| Arc::ptr_eq(shadow, deployment)) {
                    gauges.shadows.set(labels, &app.reconciler.mirrored.of(deployment));
                }
            }
        }
        gauges.loaded.set(live_models);
        gauges.training.set(i64::try_from(app.run_counts.running()).unwrap_or(i64::MAX));
        for (status, count) in app.run_counts.ended() {
            gauges.trained.with_label_values(&[status.text()]).inc_by(count as u64);
        }
    }
}

/// One request being answered; at most so many are at once.
pub struct InFlight(#[allow(dead_code)] GaugeGuard); // held for its drop

impl InFlight {
    /// Enters, unless `limit` requests are inside already.
    pub fn enter(metrics: &Metrics, limit: usize) -> Option<Self> {
        let guard = GaugeGuard::up(metrics.in_flight.clone());
        (metrics.in_flight.get() <= limit as i64).then_some(Self(guard))
    }
}

/// Counts up when made and down when dropped.
struct GaugeGuard(IntGauge);

impl GaugeGuard {
    fn up(gauge: IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Protocol {
    /// In the order of the variants.
    const ALL: [Self; 3] = [Self::V1, Self::V2, Self::Grpc];

    const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::Grpc => "grpc",
        }
    }
}

/// Label values; a model that was not found has none, whatever the caller wrote.
fn request_labels<'a>(
    model: Option<&'a Identity>,
    protocol: Protocol,
    code: &'a str,
) -> [std::borrow::Cow<'a, str>; 5] {
    let (name, id, version) = match model {
        Some(model) => (model.name.as_str().into(), model.model.as_str().into(), model.version.to_string().into()),
        None => ("".into(), "".into(), "".into()),
    };
    [name, id, version, protocol.as_str().into(), code.into()]
}

/// Calls `remove` with the label values of each series of a model's versions that are not kept.
fn forget(family: &dyn Collector, model: &str, kept: &[u64], remove: impl Fn(&[&str])) {
    let names: Vec<String> = family.desc().first().map(|desc| desc.variable_labels.clone()).unwrap_or_default();
    for metric in family.collect().iter().flat_map(|family| family.get_metric()) {
        let value =
            |name: &str| metric.get_label().iter().find(|pair| pair.name() == name).map_or("", |pair| pair.value());
        let gone = value("model_id") == model && !kept.iter().any(|version| version.to_string() == value("version"));
        if gone {
            remove(&names.iter().map(|name| value(name)).collect::<Vec<_>>());
        }
    }
}
