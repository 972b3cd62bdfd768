//! Every setting there is, in one table: file keys, environment names, flags, printing and documentation derive from it.

use super::value::Kind;

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// The dotted key, `section.name`, as a file has it.
    pub key: &'static str,
    /// Which values it takes.
    pub kind: Kind,
    /// The default as the environment would write it; empty: not set, or derived from another setting.
    pub default: &'static str,
    /// What it is for, in one sentence without a full stop.
    pub help: &'static str,
    /// Whether its value must never be shown.
    pub secret: bool,
    /// The flag of `servoir serve` that sets it.
    pub flag: Option<&'static str>,
    /// A short environment name beside the derived one.
    pub plain_env: Option<&'static str>,
}

impl Setting {
    /// The environment variable that sets it, `SERVOIR_SECTION__NAME`.
    pub fn env(&self) -> String {
        format!("{ENV_PREFIX}{}", self.key.replace('.', ENV_SEPARATOR).to_uppercase())
    }

    /// The key's part before the dot.
    pub fn section(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(section, _)| section)
    }

    /// The key's part after the dot.
    pub fn name(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(_, name)| name)
    }

    const fn new(key: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Self {
        Self { key, kind, default, help, secret: false, flag: None, plain_env: None }
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    const fn flag(mut self, flag: &'static str) -> Self {
        self.flag = Some(flag);
        self
    }

    const fn plain_env(mut self, name: &'static str) -> Self {
        self.plain_env = Some(name);
        self
    }
}

/// What all environment variables of Servoir begin with.
pub const ENV_PREFIX: &str = "SERVOIR_";
/// What stands for the dot of a key in an environment variable.
pub const ENV_SEPARATOR: &str = "__";

const fn count(min: u64, max: u64) -> Kind {
    Kind::Count { min, max }
}

const DAY_SECONDS: u64 = 86_400;
const TIB: u64 = 1 << 40;

/// The table, in the order in which it is printed.
pub static SETTINGS: &[Setting] = &[
    Setting::new("server.listen", Kind::Addresses, "127.0.0.1:8080", "addresses that the server answers on")
        .flag("--listen"),
    Setting::new(
        "server.admin_listen",
        Kind::Address,
        "",
        "address of the management APIs and the metrics, when they are to have one of their own",
    )
    .flag("--admin-listen"),
    Setting::new(
        "server.tls_certificate",
        Kind::Path,
        "",
        "certificate chain (PEM) of all addresses; read again when it changes; without it connections are plain",
    )
    .flag("--tls-certificate"),
    Setting::new("server.tls_key", Kind::Path, "", "file of the certificate's private key (PEM)").flag("--tls-key"),
    Setting::new(
        "server.tls_client_ca",
        Kind::Path,
        "",
        "certificates (PEM) of who signs clients' certificates; set, clients must have one",
    ),
    Setting::new(
        "server.trusted_proxies",
        Kind::Networks,
        "",
        "proxies whose `X-Forwarded-For` or `Forwarded` header names the client",
    ),
    Setting::new(
        "server.drain_seconds",
        count(0, 3600),
        "30",
        "how long requests in flight may take to finish after SIGTERM",
    ),
    Setting::new(
        "server.shutdown_delay_seconds",
        count(0, 3600),
        "0",
        "how long the server goes on answering after SIGTERM, not ready, until load balancers send no more",
    ),
    Setting::new(
        "server.compress_bytes_min",
        count(0, TIB),
        "1024",
        "answers of fewer bytes are sent as they are to callers that take them compressed, because small ones gain little",
    ),
    Setting::new("storage.data_dir", Kind::Path, "./servoir-data", "folder of everything that is kept locally")
        .flag("--data-dir"),
    Setting::new(
        "storage.database",
        Kind::Text,
        "",
        "`sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME`; by default `servoir.db` in the data folder",
    )
    .secret()
    .flag("--database"),
    Setting::new(
        "storage.database_connections_max",
        count(1, 1000),
        "16",
        "database connections that may be open at once",
    ),
    Setting::new(
        "storage.database_wait_seconds",
        count(1, 600),
        "5",
        "how long a request waits for a connection to the database, and on SQLite for its turn to write",
    ),
    Setting::new(
        "storage.database_statement_seconds_max",
        count(1, 3600),
        "30",
        "how long PostgreSQL may take for one statement; two seconds later the database counts as away when it has said nothing",
    ),
    Setting::new(
        "storage.artifacts",
        Kind::Text,
        "",
        "`file:///FOLDER` or `s3://BUCKET/PREFIX`; by default `artifacts` in the data folder",
    )
    .flag("--artifacts"),
    Setting::new(
        "storage.s3",
        Kind::Options,
        "",
        "options of the S3-compatible store: `aws_endpoint`, `aws_region`, `aws_access_key_id` and so on",
    )
    .secret(),
    Setting::new(
        "storage.import_sources",
        Kind::TextList,
        "",
        "URL prefixes that an `artifactUri` or a dataset's `uri` may point into, such as `s3://models/`",
    ),
    Setting::new("models.dir", Kind::Path, "", "folder of models that is served in place of the registry")
        .flag("--models"),
    Setting::new("models.name", Kind::Text, "", "name of the one model of a folder that holds a model file itself")
        .flag("--model-name"),
    Setting::new(
        "models.poll_seconds",
        count(0, DAY_SECONDS),
        "0",
        "how often the folder of models is read again; 0 for only when asked",
    ),
    Setting::new(
        "models.memory_bytes_max",
        count(0, 1024 * TIB),
        "0",
        "most memory that all models take; a version that would go over it is not loaded; 0 for any",
    ),
    Setting::new(
        "models.idle_seconds",
        count(1, DAY_SECONDS),
        "300",
        "how long a deployment with `minReplicas` 0 is not asked anything before its memory is given back",
    ),
    Setting::new("engines.onnxruntime", Kind::Path, "", "ONNX Runtime's shared library; by default it is looked for")
        .flag("--onnxruntime")
        .plain_env("SERVOIR_ONNXRUNTIME"),
    Setting::new("engines.threads", count(0, 1024), "0", "threads that the engines share; 0 for one per core"),
    Setting::new(
        "engines.profile_seconds",
        count(0, 3600),
        "1",
        "how long a model is measured when it is loaded for the first time on this machine; 0 for not at all",
    )
    .flag("--profile-seconds"),
    Setting::new("cuda.enabled", Kind::Flag, "true", "whether NVIDIA GPUs are looked for"),
    Setting::new(
        "cuda.libraries",
        Kind::TextList,
        "",
        "folders of CUDA's and cuDNN's libraries, such as those of the `nvidia-*` wheels, where the system does not find them",
    ),
    Setting::new(
        "cuda.batch_rows_max",
        count(1, 1_000_000),
        "1024",
        "most rows that a model runs at once on a GPU, when a deployment does not say",
    ),
    Setting::new(
        "cuda.arena_bytes_max",
        count(0, 1024 * TIB),
        "0",
        "most memory of a GPU that the arena of one session of ONNX Runtime takes; 0 for any",
    ),
    Setting::new(
        "cuda.tf32",
        Kind::Flag,
        "false",
        "whether ONNX Runtime may round the factors of products to 19 bits on a GPU, which is faster and leaves about three digits",
    ),
    Setting::new(
        "cuda.cpu_nodes",
        Kind::Flag,
        "true",
        "whether a model on a GPU may have nodes without a CUDA kernel, which ONNX Runtime then runs on the CPU",
    ),
    Setting::new(
        "preflight.enabled",
        Kind::Flag,
        "true",
        "whether a model file is opened and run once in a process of its own before this one loads it",
    ),
    Setting::new(
        "preflight.seconds",
        count(1, 86_400),
        "60",
        "most seconds of a processor that this may take; it hangs when it uses none for twice that and half a minute",
    ),
    Setting::new(
        "preflight.memory_bytes",
        count(256 << 20, 1024 * TIB),
        "8589934592",
        "most memory that it may ask for; about 5 times a model file's size is enough",
    ),
    Setting::new(
        "preflight.worker",
        Kind::Path,
        "",
        "program that is started with `preflight` for it, such as one that puts it into a container; without it, this one",
    ),
    Setting::new(
        "auth.mode",
        Kind::Choice(&["required", "off"]),
        "required",
        "`off` lets anybody in, and is allowed only with loopback addresses",
    ),
    Setting::new(
        "auth.bootstrap_key",
        Kind::Text,
        "",
        "first API key of an empty database, at least 32 characters; by default one is made and shown once",
    )
    .secret()
    .plain_env("SERVOIR_BOOTSTRAP_KEY"),
    Setting::new("auth.jwt_hs256_secret", Kind::Text, "", "secret of HS256 tokens, at least 32 bytes").secret(),
    Setting::new("auth.jwks_url", Kind::Text, "", "where the public keys of RS256, ES256 and EdDSA tokens are fetched"),
    Setting::new("auth.jwks_file", Kind::Path, "", "file with the public keys, in place of a URL"),
    Setting::new("auth.jwt_issuer", Kind::Text, "", "`iss` that a token must carry"),
    Setting::new("auth.jwt_audience", Kind::Text, "", "`aud` that a token must carry"),
    Setting::new("auth.jwt_organization_claim", Kind::Text, "org", "claim that names a token's organization"),
    Setting::new(
        "cors.allowed_origins",
        Kind::Origins,
        "",
        "origins of pages whose scripts may call the server from a browser; `*` for every page",
    ),
    Setting::new("limits.predict_body_bytes_max", count(1, TIB), "67108864", "largest body of a prediction"),
    Setting::new("limits.management_body_bytes_max", count(1, TIB), "1048576", "largest body of a management call"),
    Setting::new("limits.artifact_bytes_max", count(1, TIB), "4294967296", "largest model file"),
    Setting::new("limits.dataset_bytes_max", count(1, TIB), "10737418240", "largest file of a dataset"),
    Setting::new("limits.connections_max", count(1, 1_000_000), "10000", "connections that may be open at once"),
    Setting::new(
        "limits.requests_in_flight_max",
        count(1, 1_000_000),
        "4096",
        "requests that may be worked on at once; more are answered 429",
    ),
    Setting::new(
        "limits.bodies_bytes_max",
        count(1, TIB),
        "1073741824",
        "most memory that the bodies of all requests take at once, those of up to 64 KiB not counted; more are answered 429",
    ),
    Setting::new(
        "limits.caller_requests_per_second_max",
        count(0, 1_000_000_000),
        "0",
        "requests that one API key, token's subject or unknown address may make in a second; more are answered 429; 0 for any number",
    ),
    Setting::new("limits.header_read_seconds", count(1, 3600), "10", "time in which a request's head must arrive"),
    Setting::new("limits.body_idle_seconds", count(1, 3600), "15", "longest silence within a request's body"),
    Setting::new("limits.predict_seconds_max", count(1, DAY_SECONDS), "60", "longest time a prediction may take"),
    Setting::new("batching.batch_rows_max", count(1, 1_000_000), "64", "most rows that a model runs at once"),
    Setting::new("batching.queue_rows_max", count(1, 100_000_000), "10000", "most rows that wait for one model"),
    Setting::new("batching.queue_bytes_max", count(1, TIB), "268435456", "most bytes of input that wait for one model"),
    Setting::new(
        "batching.inline_micros_max",
        count(0, 1_000_000),
        "20",
        "requests that are measured to cost no more microseconds than this run on the thread that reads them; 0 for none",
    ),
    Setting::new(
        "batching.check_one_in",
        count(0, 1_000_000_000),
        "0",
        "of so many requests that ran with others, one is run again alone and compared; 0 for none",
    ),
    Setting::new(
        "swap.watch_seconds",
        count(0, DAY_SECONDS),
        "300",
        "how long a version that has gone live, or a canary, is compared with the one before, which is live again when it is worse; 0 for not at all",
    ),
    Setting::new(
        "swap.false_alarms_one_in",
        count(10, 1_000_000_000),
        "1000",
        "of so many versions that are no worse, at most one is taken down by mistake",
    ),
    Setting::new(
        "swap.slower_percent_max",
        count(10, 100_000),
        "100",
        "how much longer, in per cent, a version's runs may take than those of the one before",
    ),
    Setting::new(
        "swap.requests_max",
        count(0, 10_000),
        "0",
        "most requests of a live version that are kept in memory, to be asked of the next before it goes live; 0 for none",
    ),
    Setting::new(
        "swap.requests_bytes_max",
        count(1, TIB),
        "16777216",
        "most bytes of input of the requests that are kept of one version",
    ),
    Setting::new(
        "swap.labels_differ_percent_max",
        count(0, 100),
        "100",
        "how many of the labels, in per cent, the next version may answer otherwise",
    ),
    Setting::new(
        "swap.scores_differ_percent_max",
        count(0, 200),
        "200",
        "how far the numbers of both answers may be apart on average, in per cent of 1 or of the larger one; no two are further apart than 200",
    ),
    Setting::new(
        "swap.requests_slower_percent_max",
        count(0, 100_000),
        "0",
        "how much longer, in per cent, the next version may take for the requests that were kept; 0 for any longer",
    ),
    Setting::new(
        "swap.watch_divergence",
        Kind::Flag,
        "true",
        "whether a version that has gone live, or a canary, is taken down when its labels or scores are surely further from those of the one before than is allowed; nothing is compared where any distance is",
    ),
    Setting::new(
        "studio.runs_max",
        count(0, 1000),
        "1",
        "most runs of training that go on at once on this node; 0 for none",
    ),
    Setting::new(
        "studio.threads",
        count(0, 1024),
        "0",
        "threads of a run's learner; 0 for half of the processor's cores",
    ),
    Setting::new(
        "studio.memory_bytes_max",
        count(64 << 20, 1024 * TIB),
        "4294967296",
        "most memory that a run may ask for",
    ),
    Setting::new("studio.nice", count(0, 19), "10", "how far runs stand back for everything else, as `nice` has it"),
    Setting::new(
        "studio.worker",
        Kind::Path,
        "",
        "program that is started with `studio-worker` for each run, such as one that puts it into a container; without it, this one",
    ),
    Setting::new(
        "studio.runner",
        Kind::TextList,
        "",
        "program, with its arguments, that is given the path of a custom model's script and trains it, such as one that puts it into a container; without it, scripts do not run here",
    ),
    Setting::new(
        "studio.runner_cpu_seconds_max",
        count(1, 31_536_000),
        "3600",
        "most seconds of a processor that a custom model's script may use",
    ),
    Setting::new(
        "monitoring.retention_days",
        count(1, 3650),
        "35",
        "how long counts and recordings of versions' traffic are kept",
    ),
    Setting::new(
        "monitoring.flush_seconds",
        count(1, 300),
        "10",
        "how often counts of versions' traffic are written to the database; what is not written is lost when the server is killed",
    ),
    Setting::new(
        "monitoring.webhooks_private_allowed",
        Kind::Flag,
        "false",
        "whether messages of alerts may go to private and loopback addresses",
    ),
    Setting::new("metrics.public", Kind::Flag, "false", "whether `/metrics` answers everybody, not only loopback"),
    Setting::new(
        "log.level",
        Kind::Filter,
        "info",
        "what is logged: a level, or a filter such as `servoir=debug,warn`",
    ),
    Setting::new(
        "log.format",
        Kind::Choice(&["auto", "human", "json"]),
        "auto",
        "`auto` is `human` on a terminal and `json` elsewhere",
    ),
];

/// The setting of this key.
pub fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// The table as Markdown, for the documentation.
pub fn reference() -> String {
    let mut text =
        String::from("| setting | environment | flag | value | default | what for |\n|---|---|---|---|---|---|\n");
    for setting in SETTINGS {
        let env = setting.plain_env.map_or_else(|| setting.env(), str::to_owned);
        let env = if matches!(setting.kind, Kind::Options) { format!("{env}__OPTION") } else { env };
        let flag = setting.flag.map(|flag| format!("`{flag}`")).unwrap_or_default();
        let default = if setting.default.is_empty() { String::new() } else { format!("`{}`", setting.default) };
        let (key, kind, help) = (setting.key, setting.kind.expected(), setting.help);
        text += &format!("| `{key}` | `{env}` | {flag} | {kind} | {default} | {help} |\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn keys_and_environment_names_are_unambiguous() {
        let mut names = BTreeSet::new();
        for setting in SETTINGS {
            assert_eq!(setting.key.split('.').count(), 2, "{}", setting.key);
            assert!(!setting.name().contains("__"), "{}", setting.key);
            assert!(names.insert(setting.key.to_owned()), "{}", setting.key);
            assert!(names.insert(setting.env()), "{}", setting.key);
            assert!(setting.plain_env.is_none_or(|name| names.insert(name.to_owned())), "{}", setting.key);
        }
    }

    #[test]
    fn every_default_is_a_value_of_its_setting() {
        for setting in SETTINGS.iter().filter(|setting| !setting.default.is_empty()) {
            assert!(setting.kind.parse(setting.default).is_some(), "{}", setting.key);
        }
    }

    #[test]
    fn the_reference_has_a_row_per_setting() {
        let text = reference();
        assert_eq!(text.lines().count(), SETTINGS.len() + 2);
        assert!(text.contains(
            "| `server.drain_seconds` | `SERVOIR_SERVER__DRAIN_SECONDS` |  | a whole number from 0 to 3600 | `30` |"
        ));
    }
}
