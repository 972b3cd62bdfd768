//! Making a [`Config`] of the settings' values.

use super::layers::Effective;
use super::value::{Value, network};
use super::{
    AuthConfig, BatchingConfig, Config, CudaConfig, Limits, LogFormat, ModelsConfig, MonitoringConfig, PreflightConfig,
    StudioConfig, SwapConfig, TlsConfig,
};
use servoir_types::Secret;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Puts each value in its place.
pub(super) fn config(effective: &[Effective]) -> Config {
    let values = Values(effective);
    Config {
        listen: values.addresses("server.listen"),
        admin_listen: values.addresses("server.admin_listen").first().copied(),
        tls: TlsConfig {
            certificate: values.path("server.tls_certificate"),
            key: values.path("server.tls_key"),
            client_ca: values.path("server.tls_client_ca"),
        },
        trusted_proxies: values.list("server.trusted_proxies").iter().filter_map(|text| network(text)).collect(),
        drain_seconds: values.count("server.drain_seconds"),
        shutdown_delay_seconds: values.count("server.shutdown_delay_seconds"),
        compress_bytes_min: values.size("server.compress_bytes_min"),
        data_dir: PathBuf::from(values.text("storage.data_dir").unwrap_or_default()),
        database_url: values.secret("storage.database").unwrap_or_else(|| Secret::new("")),
        database_connections_max: values.size("storage.database_connections_max").try_into().unwrap_or(u32::MAX),
        database_wait_seconds: values.count("storage.database_wait_seconds"),
        database_statement_seconds_max: values.count("storage.database_statement_seconds_max"),
        artifacts_url: values.text("storage.artifacts").unwrap_or_default(),
        s3: values.options("storage.s3"),
        import_sources: values.list("storage.import_sources"),
        models: ModelsConfig {
            dir: values.path("models.dir"),
            name: values.text("models.name"),
            poll_seconds: values.count("models.poll_seconds"),
            memory_bytes_max: values.count("models.memory_bytes_max"),
            idle_seconds: values.count("models.idle_seconds"),
        },
        onnxruntime: values.path("engines.onnxruntime"),
        engine_threads: values.size("engines.threads"),
        profile_seconds: values.count("engines.profile_seconds"),
        cuda: CudaConfig {
            enabled: values.flag("cuda.enabled"),
            libraries: values.list("cuda.libraries").into_iter().map(PathBuf::from).collect(),
            batch_rows_max: values.size("cuda.batch_rows_max"),
            arena_bytes_max: values.count("cuda.arena_bytes_max"),
            tf32: values.flag("cuda.tf32"),
            cpu_nodes: values.flag("cuda.cpu_nodes"),
        },
        preflight: PreflightConfig {
            enabled: values.flag("preflight.enabled"),
            seconds: values.count("preflight.seconds"),
            memory_bytes: values.count("preflight.memory_bytes"),
            worker: values.path("preflight.worker"),
        },
        auth: auth(&values),
        cors_allowed_origins: values.list("cors.allowed_origins"),
        limits: limits(&values),
        batching: BatchingConfig {
            batch_rows_max: values.size("batching.batch_rows_max"),
            inline_cost_max: Duration::from_micros(values.count("batching.inline_micros_max")),
            check_one_in: values.count("batching.check_one_in"),
            queue_rows_max: values.size("batching.queue_rows_max"),
            queue_bytes_max: values.size("batching.queue_bytes_max"),
        },
        swap: SwapConfig {
            watch_seconds: values.count("swap.watch_seconds"),
            false_alarms_one_in: values.count("swap.false_alarms_one_in"),
            slower_percent_max: values.count("swap.slower_percent_max"),
            requests_max: values.size("swap.requests_max"),
            requests_bytes_max: values.size("swap.requests_bytes_max"),
            labels_differ_percent_max: values.count("swap.labels_differ_percent_max"),
            scores_differ_percent_max: values.count("swap.scores_differ_percent_max"),
            requests_slower_percent_max: values.count("swap.requests_slower_percent_max"),
            watch_divergence: values.flag("swap.watch_divergence"),
        },
        studio: StudioConfig {
            runs_max: values.size("studio.runs_max"),
            threads: values.size("studio.threads"),
            memory_bytes_max: values.count("studio.memory_bytes_max"),
            nice: i32::try_from(values.count("studio.nice")).unwrap_or(0),
            worker: values.path("studio.worker"),
            runner: values.list("studio.runner"),
            runner_cpu_seconds_max: values.count("studio.runner_cpu_seconds_max"),
        },
        monitoring: MonitoringConfig {
            retention_days: values.count("monitoring.retention_days"),
            flush_seconds: values.count("monitoring.flush_seconds"),
            webhooks_private_allowed: values.flag("monitoring.webhooks_private_allowed"),
        },
        metrics_public: values.flag("metrics.public"),
        log_level: values.text("log.level").unwrap_or_default(),
        log_format: match values.text("log.format").as_deref() {
            Some("human") => LogFormat::Human,
            Some("json") => LogFormat::Json,
            _ => LogFormat::Auto,
        },
    }
}

fn auth(values: &Values<'_>) -> AuthConfig {
    AuthConfig {
        off: values.text("auth.mode").as_deref() == Some("off"),
        jwt_hs256_secret: values.secret("auth.jwt_hs256_secret"),
        jwks_url: values.text("auth.jwks_url"),
        jwks_file: values.path("auth.jwks_file"),
        jwt_issuer: values.text("auth.jwt_issuer"),
        jwt_audience: values.text("auth.jwt_audience"),
        jwt_organization_claim: values.text("auth.jwt_organization_claim").unwrap_or_default(),
        bootstrap_key: values.secret("auth.bootstrap_key"),
    }
}

fn limits(values: &Values<'_>) -> Limits {
    Limits {
        predict_body_bytes_max: values.size("limits.predict_body_bytes_max"),
        management_body_bytes_max: values.size("limits.management_body_bytes_max"),
        artifact_bytes_max: values.count("limits.artifact_bytes_max"),
        dataset_bytes_max: values.count("limits.dataset_bytes_max"),
        connections_max: values.size("limits.connections_max"),
        requests_in_flight_max: values.size("limits.requests_in_flight_max"),
        bodies_bytes_max: values.size("limits.bodies_bytes_max"),
        caller_requests_per_second_max: u32::try_from(values.count("limits.caller_requests_per_second_max"))
            .unwrap_or(u32::MAX),
        header_read_seconds: values.count("limits.header_read_seconds"),
        body_idle_seconds: values.count("limits.body_idle_seconds"),
        predict_seconds_max: values.count("limits.predict_seconds_max"),
    }
}

/// The values by key. A key or kind that the settings table does not have is a mistake in this file, which the tests
/// find: they build a configuration of every setting.
struct Values<'a>(&'a [Effective]);

impl Values<'_> {
    fn of(&self, key: &str) -> &Value {
        match self.0.iter().find(|place| place.setting.key == key) {
            Some(place) => &place.value,
            None => unreachable!("'{key}' is not in the settings table"),
        }
    }

    fn count(&self, key: &str) -> u64 {
        match self.of(key) {
            Value::Count(number) => *number,
            other => unreachable!("'{key}' is {other:?}, not a number"),
        }
    }

    fn size(&self, key: &str) -> usize {
        usize::try_from(self.count(key)).unwrap_or(usize::MAX)
    }

    fn text(&self, key: &str) -> Option<String> {
        match self.of(key) {
            Value::Text(text) => Some(text.clone()),
            Value::Unset => None,
            other => unreachable!("'{key}' is {other:?}, not a text"),
        }
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    fn flag(&self, key: &str) -> bool {
        match self.of(key) {
            Value::Flag(flag) => *flag,
            other => unreachable!("'{key}' is {other:?}, not a flag"),
        }
    }

    fn secret(&self, key: &str) -> Option<Secret> {
        self.text(key).map(Secret::new)
    }

    fn list(&self, key: &str) -> Vec<String> {
        match self.of(key) {
            Value::List(texts) => texts.clone(),
            Value::Unset => Vec::new(),
            other => unreachable!("'{key}' is {other:?}, not a list"),
        }
    }

    fn addresses(&self, key: &str) -> Vec<SocketAddr> {
        match self.of(key) {
            Value::Addresses(addresses) => addresses.clone(),
            Value::Unset => Vec::new(),
            other => unreachable!("'{key}' is {other:?}, not addresses"),
        }
    }

    fn options(&self, key: &str) -> Vec<(String, Secret)> {
        match self.of(key) {
            Value::Options(pairs) => pairs.iter().map(|(name, value)| (name.clone(), Secret::new(value))).collect(),
            Value::Unset => Vec::new(),
            other => unreachable!("'{key}' is {other:?}, not options"),
        }
    }
}
