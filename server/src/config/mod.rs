//! The server's configuration, whole and checked: what `load` makes of defaults, file, environment and flags.

mod build;
mod check;
mod environment;
mod error;
mod file;
mod layers;
mod print;
pub mod settings;
#[cfg(test)]
mod tests;
mod value;

pub use check::{BOOTSTRAP_KEY_CHARS_MIN, HS256_SECRET_BYTES_MIN};
pub use error::{ConfigError, ConfigErrors, Origin};
pub use layers::{Effective, Loaded, load};
pub use value::{ANY_ORIGIN, Kind, Value};

use ipnet::IpNet;
use servoir_types::Secret;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that can be set. Units are in the names.
#[derive(Debug, Clone)]
pub struct Config {
    /// `server.listen`: where the server answers.
    pub listen: Vec<SocketAddr>,
    /// `server.admin_listen`: where management APIs and metrics answer instead, when set.
    pub admin_listen: Option<SocketAddr>,
    /// `server.tls_*`.
    pub tls: TlsConfig,
    /// `server.trusted_proxies`: whose word on a client's address counts.
    pub trusted_proxies: Vec<IpNet>,
    /// `server.drain_seconds`: how long requests in flight may take after SIGTERM.
    pub drain_seconds: u64,
    /// `server.shutdown_delay_seconds`: how long after SIGTERM everything is still answered, not ready.
    pub shutdown_delay_seconds: u64,
    /// `server.compress_bytes_min`: smaller answers are not compressed unless the caller takes them in no other form.
    pub compress_bytes_min: usize,
    /// `storage.data_dir`: the folder of everything local.
    pub data_dir: PathBuf,
    /// `storage.database`: `sqlite:PATH` or `postgres://…`; by default a file in the data folder.
    pub database_url: Secret,
    /// `storage.database_connections_max`.
    pub database_connections_max: u32,
    /// `storage.database_wait_seconds`: how long a connection to the database, or a turn to write, is waited for.
    pub database_wait_seconds: u64,
    /// `storage.database_statement_seconds_max`: how long PostgreSQL may take for a statement.
    pub database_statement_seconds_max: u64,
    /// `storage.artifacts`: `file:///DIR` or `s3://BUCKET/PREFIX`; by default a folder in the data folder.
    pub artifacts_url: String,
    /// `storage.s3`: a table of options for an S3-compatible store, by `object_store`'s names.
    pub s3: Vec<(String, Secret)>,
    /// `storage.import_sources`: URL prefixes that `artifactUri` may point into.
    pub import_sources: Vec<String>,
    /// `models.*`: a folder of models in place of the registry, and what all models may take.
    pub models: ModelsConfig,
    /// `engines.onnxruntime`: the shared library, when it was named.
    pub onnxruntime: Option<PathBuf>,
    /// `engines.threads`: threads that the engines share; 0: one per core.
    pub engine_threads: usize,
    /// `engines.profile_seconds`: how long a model is measured when it is loaded for the first time.
    pub profile_seconds: u64,
    /// `cuda`: NVIDIA GPUs.
    pub cuda: CudaConfig,
    /// `preflight.*`: how model files are tried before they are loaded.
    pub preflight: PreflightConfig,
    /// `auth.*`.
    pub auth: AuthConfig,
    /// `cors.allowed_origins`: whose scripts may call from a browser; `*` stands for everybody's.
    pub cors_allowed_origins: Vec<String>,
    /// `limits.*`.
    pub limits: Limits,
    /// `batching.*`: defaults of deployments.
    pub batching: BatchingConfig,
    /// `swap.*`.
    pub swap: SwapConfig,
    /// `studio.*`: how runs of training go on here.
    pub studio: StudioConfig,
    /// `monitoring.*`.
    pub monitoring: MonitoringConfig,
    /// `metrics.public`: whether `/metrics` answers without a credential from anywhere, not only from loopback.
    pub metrics_public: bool,
    /// `log.level`: a `tracing` filter such as `info` or `servoir=debug`.
    pub log_level: String,
    /// `log.format`.
    pub log_format: LogFormat,
}

/// Models: a folder of them in place of the registry, and what they all may take.
#[derive(Debug, Clone, Default)]
pub struct ModelsConfig {
    /// `models.dir`: the folder, when models come from one.
    pub dir: Option<PathBuf>,
    /// `models.name`: the name of the one model of a folder that holds a model file itself.
    pub name: Option<String>,
    /// `models.poll_seconds`: how often the folder is read again; 0: only when asked.
    pub poll_seconds: u64,
    /// `models.memory_bytes_max`: most memory that all models take, of a folder or not; 0: any.
    pub memory_bytes_max: u64,
    /// `models.idle_seconds`: how long a deployment that may have no instances is not asked anything before it has none.
    pub idle_seconds: u64,
}

/// NVIDIA GPUs.
#[derive(Debug, Clone)]
pub struct CudaConfig {
    /// `cuda.enabled`: whether they are looked for.
    pub enabled: bool,
    /// `cuda.libraries`: folders of CUDA's and cuDNN's libraries, where the system does not find them.
    pub libraries: Vec<PathBuf>,
    /// `cuda.batch_rows_max`: most rows that a model runs at once there.
    pub batch_rows_max: usize,
    /// `cuda.arena_bytes_max`: most memory of a device that the arena of one session of ONNX Runtime takes; 0: any.
    pub arena_bytes_max: u64,
    /// `cuda.tf32`: whether products there may be rounded to fewer bits.
    pub tf32: bool,
    /// `cuda.cpu_nodes`: whether a model there may have nodes that the CPU runs.
    pub cpu_nodes: bool,
}

/// The files that connections are encrypted with; plain when there are none.
#[derive(Debug, Clone, Default)]
pub struct TlsConfig {
    /// `server.tls_certificate`: the server's chain, PEM. Set exactly when the key is.
    pub certificate: Option<PathBuf>,
    /// `server.tls_key`: its private key, PEM.
    pub key: Option<PathBuf>,
    /// `server.tls_client_ca`: who must have signed a client's certificate, PEM; unset: clients need none.
    pub client_ca: Option<PathBuf>,
}

/// Who may call.
#[derive(Debug, Clone)]
pub struct AuthConfig {
    /// `auth.mode` = `off`: anybody is the laptop's owner. Only with loopback addresses.
    pub off: bool,
    /// `auth.jwt_hs256_secret`: at least 32 bytes.
    pub jwt_hs256_secret: Option<Secret>,
    /// `auth.jwks_url` (https, or http on loopback).
    pub jwks_url: Option<String>,
    /// `auth.jwks_file`.
    pub jwks_file: Option<PathBuf>,
    /// `auth.jwt_issuer`: the `iss` that a token must carry, when set.
    pub jwt_issuer: Option<String>,
    /// `auth.jwt_audience`: the `aud` that a token must carry, when set.
    pub jwt_audience: Option<String>,
    /// `auth.jwt_organization_claim`, by default `org`.
    pub jwt_organization_claim: String,
    /// `SERVOIR_BOOTSTRAP_KEY`: the first key of an empty database, at least 32 characters.
    pub bootstrap_key: Option<Secret>,
}

/// Bounds on what callers can ask for.
#[derive(Debug, Clone)]
#[allow(missing_docs)] // the names carry their units; the settings table has the words
pub struct Limits {
    pub predict_body_bytes_max: usize,
    pub management_body_bytes_max: usize,
    pub artifact_bytes_max: u64,
    pub dataset_bytes_max: u64,
    pub connections_max: usize,
    pub requests_in_flight_max: usize,
    pub bodies_bytes_max: usize,
    pub caller_requests_per_second_max: u32,
    pub header_read_seconds: u64,
    pub body_idle_seconds: u64,
    pub predict_seconds_max: u64,
}

/// Defaults for deployments.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct BatchingConfig {
    pub batch_rows_max: usize,
    /// Requests that are measured to cost no more than this run on the thread that reads them.
    pub inline_cost_max: Duration,
    pub check_one_in: u64,
    pub queue_rows_max: usize,
    pub queue_bytes_max: usize,
}

/// How model files are tried before they are loaded.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct PreflightConfig {
    pub enabled: bool,
    /// Of processor time.
    pub seconds: u64,
    pub memory_bytes: u64,
    /// What is started for each file; `None`: this program.
    pub worker: Option<PathBuf>,
}

/// How versions are compared with those before them.
#[derive(Debug, Clone)]
pub struct SwapConfig {
    /// `swap.watch_seconds`: for how long; 0: not at all.
    pub watch_seconds: u64,
    /// `swap.false_alarms_one_in`: of so many versions that are no worse, one may be taken down.
    pub false_alarms_one_in: u64,
    /// `swap.slower_percent_max`: by so much longer a version's runs may take.
    pub slower_percent_max: u64,
    /// `swap.requests_max`: requests of a live version that are kept, to be asked of the next; 0: none are.
    pub requests_max: usize,
    /// `swap.requests_bytes_max`: bytes of their inputs.
    pub requests_bytes_max: usize,
    /// `swap.labels_differ_percent_max`: labels of their answers that may be others.
    pub labels_differ_percent_max: u64,
    /// `swap.scores_differ_percent_max`: how far numbers of their answers may be apart on average.
    pub scores_differ_percent_max: u64,
    /// `swap.requests_slower_percent_max`: by so much longer their answers may take; 0: by any.
    pub requests_slower_percent_max: u64,
    /// `swap.watch_divergence`: whether labels and scores that are limited are compared after a version has gone live, too.
    pub watch_divergence: bool,
}

/// How runs of training go on here.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct StudioConfig {
    pub runs_max: usize,
    /// 0: half of the cores.
    pub threads: usize,
    pub memory_bytes_max: u64,
    pub nice: i32,
    /// What is started for each run; `None`: this program.
    pub worker: Option<PathBuf>,
    /// What runs the scripts of custom models; empty: they do not run here.
    pub runner: Vec<String>,
    pub runner_cpu_seconds_max: u64,
}

/// How versions are watched.
#[derive(Debug, Clone)]
pub struct MonitoringConfig {
    /// `monitoring.retention_days`: how long counts and recordings are kept.
    pub retention_days: u64,
    /// `monitoring.flush_seconds`: how often counts are written to the database.
    pub flush_seconds: u64,
    /// `monitoring.webhooks_private_allowed`: whether messages of alerts may go to private and loopback addresses.
    pub webhooks_private_allowed: bool,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum LogFormat {
    /// Human on a terminal, JSON otherwise.
    Auto,
    Human,
    Json,
}
