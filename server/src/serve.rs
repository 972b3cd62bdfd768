//! Starting, running and stopping the server.

use crate::app::{App, SharedApp};
use crate::auth::Authenticator;
use crate::config::Config;
use crate::data_threads::DataThreads;
use crate::descriptors;
use crate::grpc;
use crate::http::connections::Acceptor;
use crate::http::cors;
use crate::http::outermost::{Planes, Routes};
use crate::http::pace::Pace;
use crate::http::room::Room;
use crate::http::router;
use crate::http::tls::{self, Tls};
use crate::models_dir::{ModelsDirectory, keep_reading};
use crate::monitoring::analysis::keep_analysing;
use crate::monitoring::findings::Findings;
use crate::monitoring::webhooks::{Webhooks, keep_delivering};
use crate::monitoring::{EntityLog, Monitoring, keep_monitoring, prediction_ids};
use crate::preflight::Preflight;
use crate::readiness::Readiness;
use crate::reconcile::{Reconciler, keep_converging, keep_on_trial, keep_scaling};
use crate::telemetry::metrics::Metrics;
use crate::training;
use crate::tuning::Tuner;
use anyhow::Context as _;
use servoir_registry::{Options, Registry};
use servoir_runtime::{Engines, Serving};
use servoir_studio::runs::live::Hub;
use servoir_types::{IdSequence, Secret};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How old an artifact without a version must be on a store that several nodes share before it is swept away.
const SHARED_SWEEP_GRACE_SECONDS: u64 = 3600;
/// How often artifacts without a version are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);
/// How often the times at which keys were used are written down.
const TOUCH_KEYS_EVERY: Duration = Duration::from_secs(30);
/// How long what goes on beside requests may take to end: each question to a database that is away takes its time limit.
const TASKS_END_WITHIN: Duration = Duration::from_secs(15);
/// How long to wait before the API keys are read again that could not be read.
const READ_KEYS_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A server that answers.
pub struct Running {
    /// Where it listens, with the ports that the system chose.
    pub addresses: Vec<SocketAddr>,
    /// Where management APIs and metrics are, when they have a port of their own.
    pub admin_address: Option<SocketAddr>,
    /// The first key, when this start made one: to be shown once.
    pub bootstrap_key: Option<Secret>,
    app: SharedApp,
    stop_accepting: CancellationToken,
    connections: TaskTracker,
    threads: DataThreads,
    stop_tasks: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    /// The parts of the server, for whoever embeds it.
    pub fn app(&self) -> &SharedApp {
        &self.app
    }

    /// Drains and stops: not ready at once, all is answered for `shutdown_delay_seconds` more, then requests in flight finish
    /// within `drain_seconds`, and stores close.
    pub async fn stop(self) {
        let started = std::time::Instant::now();
        self.app.readiness.drain();
        tokio::time::sleep(Duration::from_secs(self.app.config.shutdown_delay_seconds)).await;
        self.app.readiness.close();
        self.stop_accepting.cancel();
        self.connections.close();
        let patience = Duration::from_secs(self.app.config.drain_seconds);
        if tokio::time::timeout(patience, self.connections.wait()).await.is_err() {
            tracing::warn!(connections = self.connections.len(), "connections were still open after drain_seconds");
        }
        self.stop_tasks.cancel();
        self.tasks.close();
        if tokio::time::timeout(TASKS_END_WITHIN, self.tasks.wait()).await.is_err() {
            tracing::warn!(tasks = self.tasks.len(), "some of what goes on beside requests did not end in time");
        }
        self.threads.stop().await;
        // Nothing more is asked: what is counted now is all.
        if let Err(error) = self.app.monitoring.flush().await {
            tracing::warn!(%error, "counts of versions' traffic could not be written, and are lost");
        }
        if let Err(error) = self.app.entities.flush().await {
            tracing::warn!(%error, "predictions of entities could not be written, and are lost");
        }
        self.app.registry.close().await;
        tracing::info!(elapsed_ms = started.elapsed().as_millis() as u64, "stopped");
    }
}

/// Starts the server and returns when it accepts connections; models come up in the background.
///
/// # Errors
/// When an address cannot be bound, or the registry or the folder of models cannot be opened.
pub async fn start(mut config: Config) -> anyhow::Result<Running> {
    if config.engine_threads == 0 {
        config.engine_threads = std::thread::available_parallelism()?.get();
    }
    let tls = Tls::configured(&config.tls)?.map(Arc::new);
    let engines = discover_engines(&config).await?;
    let authenticator = Authenticator::new(&config.auth)?;
    let models_dir = open_models_dir(&config).await?;
    let registry = open_registry(&config).await?;
    let bootstrap_key = match config.auth.off {
        true => None,
        false => registry.bootstrap_key(config.auth.bootstrap_key.clone()).await?,
    };
    authenticator.keys.refresh(&registry).await?;
    let listeners = bind(&config.listen).await?;
    let admin = bind(config.admin_listen.as_slice()).await?.pop();
    let serves_one_model = config.models.name.is_some();
    let reconciler = Reconciler::default();
    let (pace, bodies) =
        (Pace::new(config.limits.caller_requests_per_second_max), Room::new(config.limits.bodies_bytes_max));
    let metrics = Arc::new(Metrics::new()?);
    metrics.include(registry.latencies())?;
    let prediction_ids = prediction_ids(&registry, models_dir.is_some()).await.context("cannot read a key")?;
    let app: SharedApp = Arc::new(App {
        entities: EntityLog::new(registry.clone(), Arc::clone(&metrics)),
        monitoring: Arc::new(Monitoring::new(registry.clone(), reconciler.node())),
        findings: Findings::default(),
        webhooks: Webhooks::new(config.monitoring.webhooks_private_allowed)?,
        preflight: Preflight::new(&config, &engines, Arc::clone(&metrics)),
        metrics,
        tuner: Arc::new(Tuner::new(&config)),
        config,
        runs: Hub::new(registry.clone()),
        run_counts: Arc::default(),
        registry,
        engines,
        serving: Serving::default(),
        reconciler,
        models_dir,
        authenticator,
        readiness: if serves_one_model { Readiness::needing_all() } else { Readiness::default() },
        pace,
        bodies,
        request_ids: IdSequence::random("req_"),
        prediction_ids,
    });
    if app.config.auth.off {
        tracing::warn!("authentication is OFF: whoever reaches this port may do everything (auth.mode = \"off\")");
    }
    let stop_tasks = CancellationToken::new();
    let tasks = start_tasks(&app, &stop_tasks);
    if let Some(tls) = tls.clone() {
        tasks.spawn(stop_tasks.clone().run_until_cancelled_owned(tls::keep_fresh(tls)));
    }
    let mut running = Running {
        addresses: listeners.iter().map(TcpListener::local_addr).collect::<Result<_, _>>()?,
        admin_address: admin.as_ref().map(TcpListener::local_addr).transpose()?,
        bootstrap_key,
        app,
        stop_accepting: CancellationToken::new(),
        connections: TaskTracker::new(),
        threads: DataThreads::start(std::thread::available_parallelism()?.get())
            .context("cannot start the threads of connections")?,
        stop_tasks,
        tasks,
    };
    let grpc = Arc::new(grpc::Services::of(running.app.clone())?);
    running.listen(listeners, admin, tls, &grpc);
    Ok(running)
}

impl Running {
    fn listen(
        &mut self,
        listeners: Vec<TcpListener>,
        admin: Option<TcpListener>,
        tls: Option<Arc<Tls>>,
        grpc: &Arc<grpc::Services>,
    ) {
        let threads = self.threads.all();
        let connections_max = descriptors::connections_max(self.app.config.limits.connections_max, threads.len());
        let limit = Arc::new(Semaphore::new(connections_max));
        let (management, health) = (router::build(self.app.clone()), router::health_alone(self.app.clone()));
        let cors = cors::configured(&self.app.config.cors_allowed_origins);
        let planes = if admin.is_some() { Planes::Data } else { Planes::All };
        let with_planes = listeners.into_iter().map(|listener| (listener, planes));
        for (listener, planes) in with_planes.chain(admin.map(|listener| (listener, Planes::Management))) {
            let router = if planes == Planes::Data { health.clone() } else { management.clone() };
            let routes = Arc::new(Routes {
                app: self.app.clone(),
                router,
                grpc: Arc::clone(grpc),
                planes,
                cors: cors.clone(),
                shared: Handle::current(),
            });
            let acceptor = Acceptor {
                listener,
                routes,
                tls: tls.clone(),
                limit: limit.clone(),
                threads: threads.clone(),
                stop: self.stop_accepting.clone(),
                open: self.connections.clone(),
            };
            self.tasks.spawn(acceptor.run());
        }
    }
}

/// Starts the server, says where it is, runs it until `shutdown` completes, and drains.
///
/// # Errors
/// As [`start`].
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
    let running = start(config).await?;
    for address in &running.addresses {
        tracing::info!(%address, "listening");
    }
    if let Some(address) = running.admin_address {
        tracing::info!(%address, "listening for management");
    }
    if let Some(key) = &running.bootstrap_key {
        eprintln!("This server's first API key, shown this once and kept only as a hash:\n\n    {}\n", key.expose());
    }
    shutdown.await;
    tracing::info!("shutting down");
    running.stop().await;
    Ok(())
}

async fn discover_engines(config: &Config) -> anyhow::Result<Engines> {
    let config = config.clone();
    let discover = move || {
        let engines = Engines::discover(config.onnxruntime.as_deref(), config.engine_threads);
        crate::gpus::look_for(engines, &config)
    };
    let engines = tokio::task::spawn_blocking(discover).await?;
    match engines.gpus().all() {
        Ok(gpus) => gpus.iter().for_each(|gpu| tracing::info!(device = %gpu.device(), name = gpu.info().name, "GPU")),
        Err(reason) => tracing::info!(reason, "no GPU"),
    }
    for engine in engines.found() {
        match engine.state {
            Ok(found) => tracing::info!(engine = engine.name.as_str(), found, "engine"),
            Err(reason) => tracing::warn!(engine = engine.name.as_str(), reason, "engine not available"),
        }
    }
    Ok(engines)
}

/// What the registry needs to know of the configuration.
pub fn registry_options(config: &Config) -> Options {
    let shared = config.database_url.expose().starts_with("postgres");
    Options {
        database_url: config.database_url.clone(),
        connections_max: config.database_connections_max,
        acquire_timeout_seconds: config.database_wait_seconds,
        statement_seconds_max: config.database_statement_seconds_max,
        artifacts_url: config.artifacts_url.clone(),
        s3: config.s3.clone(),
        import_sources: config.import_sources.clone(),
        scratch_dir: config.data_dir.join("scratch"),
        sweep_grace_seconds: if shared { SHARED_SWEEP_GRACE_SECONDS } else { 0 },
    }
}

/// Makes the folder of everything that is kept locally.
///
/// # Errors
/// When it is not there and cannot be made.
pub fn make_data_dir(config: &Config) -> anyhow::Result<()> {
    let data_dir = &config.data_dir;
    std::fs::create_dir_all(data_dir).with_context(|| format!("cannot make the data folder {}", data_dir.display()))
}

async fn open_registry(config: &Config) -> anyhow::Result<Registry> {
    make_data_dir(config)?;
    Registry::open(registry_options(config)).await.context("cannot open the registry")
}

async fn open_models_dir(config: &Config) -> anyhow::Result<Option<Arc<ModelsDirectory>>> {
    let Some(dir) = config.models.dir.clone() else { return Ok(None) };
    let directory = ModelsDirectory::open(dir, config.models.name.clone()).await;
    Ok(Some(Arc::new(directory.context("cannot serve the folder of models")?)))
}

async fn bind(addresses: &[SocketAddr]) -> anyhow::Result<Vec<TcpListener>> {
    let mut listeners = Vec::with_capacity(addresses.len());
    for address in addresses {
        listeners.push(TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?);
    }
    Ok(listeners)
}

/// Starts what goes on beside requests; each ends when `stop` says so.
fn start_tasks(app: &SharedApp, stop: &CancellationToken) -> TaskTracker {
    let tasks = TaskTracker::new();
    match &app.models_dir {
        Some(directory) => tasks.spawn(keep_reading(app.clone(), Arc::clone(directory), stop.clone())),
        None => {
            tasks.spawn(training::supervise(app.clone(), stop.clone()));
            tasks.spawn(keep_analysing(app.clone(), stop.clone()));
            tasks.spawn(keep_delivering(app.clone(), stop.clone()));
            let (monitoring, config) = (Arc::clone(&app.monitoring), app.config.monitoring.clone());
            let (with_entities, stopped) = (app.clone(), stop.clone());
            tasks.spawn(async move { with_entities.entities.keep_written(stopped).await });
            tasks.spawn(keep_monitoring(monitoring, config, stop.clone()));
            let with_scaling = app.clone();
            tasks.spawn(stop.clone().run_until_cancelled_owned(async move { keep_scaling(&with_scaling).await }));
            if app.config.swap.watch_seconds > 0 {
                tasks.spawn(keep_on_trial(app.clone(), stop.clone()));
            }
            tasks.spawn(keep_converging(app.clone(), stop.clone()))
        }
    };
    tasks.spawn(stop.clone().run_until_cancelled_owned(keep_keys_fresh(app.clone())));
    tasks.spawn(note_used_keys(app.clone(), stop.clone()));
    tasks.spawn(stop.clone().run_until_cancelled_owned(keep_swept(app.clone())));
    tasks.spawn(stop.clone().run_until_cancelled_owned(keep_key_set_fresh(app.clone())));
    let with_pace = app.clone();
    tasks.spawn(stop.clone().run_until_cancelled_owned(async move { with_pace.pace.keep_small().await }));
    tasks
}

async fn keep_key_set_fresh(app: SharedApp) {
    if let Some(jwt) = &app.authenticator.jwt {
        jwt.keep_fresh().await;
    }
}

/// Reads the keys again whenever the registry says that something changed; a revoked key stops working then.
async fn keep_keys_fresh(app: SharedApp) {
    let mut changes = app.registry.changes();
    while changes.changed().await.is_ok() {
        while let Err(error) = app.authenticator.keys.refresh(&app.registry).await {
            tracing::warn!(%error, "cannot read the API keys; those known so far stay; trying again");
            tokio::time::sleep(READ_KEYS_AGAIN_AFTER).await;
        }
    }
}

async fn note_used_keys(app: SharedApp, stop: CancellationToken) {
    loop {
        let stopping = tokio::time::timeout(TOUCH_KEYS_EVERY, stop.cancelled()).await.is_ok();
        let used = app.authenticator.keys.take_used();
        if !used.is_empty()
            && let Err(error) = app.registry.touch_keys(&used).await
        {
            tracing::debug!(%error, "could not note when keys were used");
        }
        if stopping {
            return;
        }
    }
}

async fn keep_swept(app: SharedApp) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        match app.registry.sweep().await {
            Ok(0) => {}
            Ok(artifacts) => tracing::info!(artifacts, "swept artifacts without a version"),
            Err(error) => tracing::warn!(%error, "could not sweep the artifact store"),
        }
    }
}
