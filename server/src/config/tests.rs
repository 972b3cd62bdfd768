//! What the layers make of good and bad settings.

use super::*;
use std::fs;
use std::time::Duration;

/// Loads `toml` (named `servoir.toml` in messages), environment and flags.
fn load_all(toml: &str, env: &[(&str, &str)], flags: &[(&'static str, &str)]) -> Result<Loaded, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("servoir.toml");
    fs::write(&path, toml).unwrap();
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let flags = flags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    let prefix = format!("{}/", folder.path().display());
    load(Some(&path), env, flags)
        .map_err(|errors| errors.0.iter().map(|error| error.to_string().replace(&prefix, "")).collect())
}

fn origin_of(loaded: &Loaded, key: &str) -> String {
    loaded.effective.iter().find(|place| place.setting.key == key).unwrap().origin.to_string()
}

#[test]
fn defaults_are_those_that_are_documented() {
    let config = load(None, std::iter::empty(), Vec::new()).unwrap().config;
    assert_eq!(config.listen, ["127.0.0.1:8080".parse().unwrap()]);
    assert_eq!((config.admin_listen, config.drain_seconds, config.shutdown_delay_seconds), (None, 30, 0));
    assert_eq!(config.database_url.expose(), "sqlite:./servoir-data/servoir.db");
    let artifacts = std::path::absolute("servoir-data/artifacts").unwrap();
    assert_eq!(config.artifacts_url, format!("file://{}", artifacts.display()));
    assert_eq!((config.limits.predict_body_bytes_max, config.limits.management_body_bytes_max), (64 << 20, 1 << 20));
    assert_eq!((config.limits.artifact_bytes_max, config.limits.connections_max), (4 << 30, 10_000));
    assert_eq!((config.limits.header_read_seconds, config.limits.body_idle_seconds), (10, 15));
    assert_eq!((config.limits.requests_in_flight_max, config.limits.predict_seconds_max), (4096, 60));
    assert_eq!((config.batching.batch_rows_max, config.batching.queue_rows_max), (64, 10_000));
    assert_eq!((config.batching.queue_bytes_max, config.database_connections_max), (256 << 20, 16));
    assert_eq!((config.database_wait_seconds, config.database_statement_seconds_max), (5, 30));
    assert_eq!((config.log_level.as_str(), config.log_format), ("info", LogFormat::Auto));
    let swap = config.swap;
    assert_eq!((swap.watch_seconds, swap.false_alarms_one_in, swap.slower_percent_max), (300, 1000, 100));
    assert_eq!((swap.requests_max, swap.requests_bytes_max, swap.requests_slower_percent_max), (0, 16 << 20, 0));
    assert_eq!((swap.labels_differ_percent_max, swap.scores_differ_percent_max), (100, 200));
    assert!(swap.watch_divergence);
    assert_eq!((config.models.memory_bytes_max, config.models.idle_seconds), (0, 300));
    assert!(!config.auth.off && !config.metrics_public);
    let preflight = config.preflight;
    assert_eq!((preflight.enabled, preflight.seconds, preflight.memory_bytes), (true, 60, 8 << 30));
    let cuda = config.cuda;
    assert_eq!((cuda.enabled, cuda.tf32, cuda.cpu_nodes), (true, false, true));
    assert_eq!((cuda.libraries.len(), cuda.batch_rows_max, cuda.arena_bytes_max), (0, 1024, 0));
}

#[test]
fn every_setting_can_be_set_in_a_file() {
    let toml = r#"
[server]
listen = ["127.0.0.1:1", "[::1]:2"]
admin_listen = "127.0.0.1:3"
tls_certificate = "/tls/chain.pem"
tls_key = "/tls/key.pem"
tls_client_ca = "/tls/clients.pem"
trusted_proxies = ["10.0.0.0/8", "::1"]
drain_seconds = 4
shutdown_delay_seconds = 3
compress_bytes_min = 17
[storage]
data_dir = "/d"
database = "postgres://u:p@h/n"
database_connections_max = 5
database_statement_seconds_max = 34
database_wait_seconds = 35
artifacts = "s3://bucket/prefix"
s3 = { aws_region = "r", aws_allow_http = true }
import_sources = ["s3://models/"]
[models]
dir = "/models"
name = "churn"
poll_seconds = 30
memory_bytes_max = 34
idle_seconds = 35
[engines]
onnxruntime = "/lib/ort.so"
threads = 6
profile_seconds = 18
[cuda]
enabled = false
libraries = ["/cuda/lib", "/cudnn/lib"]
batch_rows_max = 36
arena_bytes_max = 37
tf32 = true
cpu_nodes = false
[preflight]
enabled = false
seconds = 26
memory_bytes = 268435457
worker = "/bin/jail"
[auth]
mode = "off"
bootstrap_key = "0123456789abcdef0123456789abcdef"
jwt_hs256_secret = "0123456789abcdef0123456789abcdeX"
jwks_url = "http://[::1]:9/keys"
jwks_file = ""
jwt_issuer = "i"
jwt_audience = "a"
jwt_organization_claim = "tenant"
[cors]
allowed_origins = ["https://studio.example", "http://localhost:3000"]
[limits]
predict_body_bytes_max = 7
management_body_bytes_max = 8
artifact_bytes_max = 9
dataset_bytes_max = 10
connections_max = 10
requests_in_flight_max = 11
bodies_bytes_max = 21
caller_requests_per_second_max = 22
header_read_seconds = 12
body_idle_seconds = 13
predict_seconds_max = 14
[batching]
batch_rows_max = 15
inline_micros_max = 19
check_one_in = 20
queue_rows_max = 16
queue_bytes_max = 0x11
[swap]
watch_seconds = 26
false_alarms_one_in = 27
slower_percent_max = 28
requests_max = 29
requests_bytes_max = 30
labels_differ_percent_max = 31
scores_differ_percent_max = 32
requests_slower_percent_max = 33
watch_divergence = false
[studio]
runs_max = 21
threads = 22
memory_bytes_max = 67108864
nice = 18
worker = "/bin/contained"
runner = ["python3", "-u"]
runner_cpu_seconds_max = 23
[monitoring]
retention_days = 24
flush_seconds = 25
webhooks_private_allowed = true
[metrics]
public = true
[log]
level = "debug"
format = "json"
"#
    .replace("jwks_file = \"\"\n", "");
    let loaded = load_all(&toml, &[], &[]).unwrap();
    let unset: Vec<_> =
        loaded.effective.iter().filter(|e| e.origin == Origin::Default).map(|e| e.setting.key).collect();
    assert_eq!(unset, ["auth.jwks_file"], "it excludes auth.jwks_url; every other setting is in the file");
    let config = loaded.config;
    assert_eq!(config.listen, ["127.0.0.1:1".parse().unwrap(), "[::1]:2".parse().unwrap()]);
    assert_eq!((config.admin_listen, config.drain_seconds), (Some("127.0.0.1:3".parse().unwrap()), 4));
    let tls = [config.tls.certificate, config.tls.key, config.tls.client_ca].map(Option::unwrap);
    assert_eq!(tls, ["/tls/chain.pem", "/tls/key.pem", "/tls/clients.pem"].map(PathBuf::from));
    assert_eq!((config.compress_bytes_min, config.shutdown_delay_seconds), (17, 3));
    assert_eq!((config.data_dir, config.database_connections_max), (PathBuf::from("/d"), 5));
    assert_eq!((config.database_wait_seconds, config.database_statement_seconds_max), (35, 34));
    assert_eq!(config.s3, [("aws_allow_http".into(), Secret::new("true")), ("aws_region".into(), Secret::new("r"))]);
    assert_eq!((config.onnxruntime, config.engine_threads), (Some(PathBuf::from("/lib/ort.so")), 6));
    assert_eq!((config.profile_seconds, config.batching.check_one_in), (18, 20));
    assert_eq!(config.batching.inline_cost_max, Duration::from_micros(19));
    let models = config.models;
    assert_eq!((models.dir, models.name.as_deref()), (Some(PathBuf::from("/models")), Some("churn")));
    assert_eq!((models.poll_seconds, models.memory_bytes_max, models.idle_seconds), (30, 34, 35));
    let proxies: Vec<_> = config.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["10.0.0.0/8", "::1/128"]);
    assert_eq!(config.cors_allowed_origins, ["https://studio.example", "http://localhost:3000"]);
    assert_eq!((config.auth.off, config.auth.jwt_organization_claim.as_str()), (true, "tenant"));
    let limits = config.limits;
    assert_eq!((limits.predict_body_bytes_max, limits.management_body_bytes_max, limits.artifact_bytes_max), (7, 8, 9));
    assert_eq!(limits.dataset_bytes_max, 10);
    assert_eq!((limits.connections_max, limits.requests_in_flight_max), (10, 11));
    assert_eq!((limits.bodies_bytes_max, limits.caller_requests_per_second_max), (21, 22));
    assert_eq!((limits.header_read_seconds, limits.body_idle_seconds, limits.predict_seconds_max), (12, 13, 14));
    assert_eq!(
        (config.batching.batch_rows_max, config.batching.queue_rows_max, config.batching.queue_bytes_max),
        (15, 16, 17)
    );
    let preflight = config.preflight;
    assert_eq!((preflight.enabled, preflight.seconds, preflight.memory_bytes), (false, 26, (256 << 20) + 1));
    assert_eq!(preflight.worker, Some(PathBuf::from("/bin/jail")));
    let cuda = config.cuda;
    assert_eq!((cuda.enabled, cuda.tf32, cuda.cpu_nodes), (false, true, false));
    assert_eq!((cuda.batch_rows_max, cuda.arena_bytes_max), (36, 37));
    assert_eq!(cuda.libraries, [PathBuf::from("/cuda/lib"), PathBuf::from("/cudnn/lib")]);
    let swap = config.swap;
    assert_eq!((swap.watch_seconds, swap.false_alarms_one_in, swap.slower_percent_max), (26, 27, 28));
    assert_eq!((swap.requests_max, swap.requests_bytes_max, swap.requests_slower_percent_max), (29, 30, 33));
    assert_eq!((swap.labels_differ_percent_max, swap.scores_differ_percent_max), (31, 32));
    assert!(!swap.watch_divergence);
    let studio = config.studio;
    assert_eq!((studio.runs_max, studio.threads, studio.memory_bytes_max, studio.nice), (21, 22, 64 << 20, 18));
    assert_eq!(studio.worker, Some(PathBuf::from("/bin/contained")));
    assert_eq!((studio.runner.join(" "), studio.runner_cpu_seconds_max), ("python3 -u".to_owned(), 23));
    let monitoring = config.monitoring;
    assert_eq!(
        (monitoring.retention_days, monitoring.flush_seconds, monitoring.webhooks_private_allowed),
        (24, 25, true)
    );
    assert_eq!((config.metrics_public, config.log_level.as_str(), config.log_format), (true, "debug", LogFormat::Json));
}

#[test]
fn later_layers_win_and_say_so() {
    let toml = "[server]\ndrain_seconds = 1\n[log]\nlevel = \"warn\"\n[storage]\ndata_dir = \"/file\"\n";
    let env = [("SERVOIR_SERVER__DRAIN_SECONDS", "2"), ("SERVOIR_STORAGE__DATA_DIR", "/env")];
    let loaded = load_all(toml, &env, &[("storage.data_dir", "/flag")]).unwrap();
    assert_eq!((loaded.config.drain_seconds, loaded.config.log_level.as_str()), (2, "warn"));
    assert_eq!(loaded.config.database_url.expose(), "sqlite:/flag/servoir.db");
    assert_eq!(loaded.config.artifacts_url, "file:///flag/artifacts");
    assert_eq!(origin_of(&loaded, "server.drain_seconds"), "SERVOIR_SERVER__DRAIN_SECONDS");
    assert_eq!(origin_of(&loaded, "storage.data_dir"), "--data-dir");
    assert!(origin_of(&loaded, "log.level").ends_with("servoir.toml:4:9"));
    assert_eq!(origin_of(&loaded, "log.format"), "default");
}

#[test]
fn a_data_folder_keeps_its_spaces() {
    let config = load_all("", &[], &[("storage.data_dir", "/my data/50%")]).unwrap().config;
    assert_eq!(config.database_url.expose(), "sqlite:/my data/50%/servoir.db");
    assert_eq!(config.artifacts_url, "file:///my data/50%/artifacts");
}

#[test]
fn the_environment_has_short_names_lists_and_options() {
    let env = [
        ("SERVOIR_ONNXRUNTIME", "/ort.so"),
        ("SERVOIR_SERVER__LISTEN", "127.0.0.1:1, 127.0.0.1:2"),
        ("SERVOIR_STORAGE__ARTIFACTS", "s3://bucket"),
        ("SERVOIR_STORAGE__S3__AWS_REGION", "here"),
        ("SERVOIR_AUTH__JWKS_URL", ""),
        // Client commands and clusters have variables of their own.
        ("SERVOIR_URL", "x"),
        ("SERVOIR_API_KEY", "x"),
        ("SERVOIR_SERVICE_HOST", "10.0.0.1"),
        ("PATH", "/bin"),
    ];
    let config = load_all("[storage]\ns3 = { aws_region = \"there\", aws_profile = \"p\" }", &env, &[]).unwrap().config;
    assert_eq!((config.onnxruntime, config.listen.len()), (Some(PathBuf::from("/ort.so")), 2));
    assert_eq!(config.s3, [("aws_profile".into(), Secret::new("p")), ("aws_region".into(), Secret::new("here"))]);
    assert_eq!(config.auth.jwks_url, None);
}

#[test]
fn a_repeated_flag_adds_to_its_list() {
    let flags = [("server.listen", "127.0.0.1:1"), ("server.listen", "127.0.0.1:2")];
    assert_eq!(load_all("", &[], &flags).unwrap().config.listen.len(), 2);
}

/// A file, environment variables, and the message that they deserve.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str);

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let cases: [Case; 37] = [
        ("[server", &[], "servoir.toml:1:8: this is not TOML: unclosed table, expected `]`"),
        (
            "[server]\nlisen = []",
            &[],
            "servoir.toml:2:1: unknown setting 'server.lisen'; did you mean 'server.listen'?",
        ),
        (
            "[server]\ndata_dir = \"x\"",
            &[],
            "servoir.toml:2:1: unknown setting 'server.data_dir'; did you mean 'storage.data_dir'?",
        ),
        ("listen = 1", &[], "servoir.toml:1:1: unknown setting 'listen'; did you mean 'server.listen'?"),
        ("[servr]", &[], "servoir.toml:1:2: unknown setting 'servr'; did you mean 'server'?"),
        ("[kubernetes]", &[], "servoir.toml:1:2: unknown setting 'kubernetes'"),
        ("server = 3", &[], "servoir.toml:1:10: 'server' must be a table, got 3"),
        (
            "[server]\ndrain_seconds = \"soon\"",
            &[],
            "servoir.toml:2:17: 'server.drain_seconds' must be a whole number from 0 to 3600, got \"soon\"",
        ),
        (
            "[limits]\nconnections_max = 0",
            &[],
            "servoir.toml:2:19: 'limits.connections_max' must be a whole number from 1 to 1000000, got 0",
        ),
        (
            "[server]\nlisten = [\"localhost\"]",
            &[],
            "servoir.toml:2:10: 'server.listen' must be addresses with ports such as 127.0.0.1:8080, got [\"localhost\"]",
        ),
        ("[auth]\nmode = \"of\"", &[], "servoir.toml:2:8: 'auth.mode' must be 'required' or 'off', got \"of\""),
        (
            "[auth]\nbootstrap_key = 12",
            &[],
            "servoir.toml:2:17: 'auth.bootstrap_key' must be a text, got a value that is not shown",
        ),
        (
            "[log]\nlevel = \"loud=very\"",
            &[],
            "servoir.toml:2:9: 'log.level' must be a level (error, warn, info, debug, trace) or a filter such as 'servoir=debug,warn', got \"loud=very\"",
        ),
        (
            "",
            &[("SERVOIR_SERVER__LISEN", "x")],
            "SERVOIR_SERVER__LISEN: unknown setting 'SERVOIR_SERVER__LISEN'; did you mean 'SERVOIR_SERVER__LISTEN'?",
        ),
        (
            "",
            &[("SERVOIR_METRICS__PUBLIC", "yes")],
            "SERVOIR_METRICS__PUBLIC: 'metrics.public' must be true or false, got \"yes\"",
        ),
        (
            "",
            &[("SERVOIR_ENGINES__ONNXRUNTIME", "/a"), ("SERVOIR_ONNXRUNTIME", "/b")],
            "SERVOIR_ENGINES__ONNXRUNTIME and SERVOIR_ONNXRUNTIME both set 'engines.onnxruntime'; keep one of them",
        ),
        (
            "[auth]\nmode = \"off\"\n[server]\nlisten = [\"0.0.0.0:1\"]",
            &[],
            "servoir.toml:2:8: 'auth.mode' may be 'off' only with loopback addresses, and the server listens on 0.0.0.0:1",
        ),
        (
            "[server]\nadmin_listen = \"127.0.0.1:8080\"",
            &[],
            "servoir.toml:2:16: 'server.admin_listen' repeats the address 127.0.0.1:8080",
        ),
        (
            "[server]\ntls_certificate = \"chain.pem\"",
            &[],
            "servoir.toml:2:19: 'server.tls_certificate' is set, and 'server.tls_key' is not",
        ),
        (
            "[server]\ntls_client_ca = \"ca.pem\"",
            &[],
            "servoir.toml:2:17: 'server.tls_client_ca' is set, and 'server.tls_certificate' is not",
        ),
        (
            "[server]\ntls_certificate = \"chain.pem\"",
            &[("SERVOIR_SERVER__TLS_KEY", "-----BEGIN PRIVATE KEY-----")],
            "SERVOIR_SERVER__TLS_KEY: 'server.tls_key' must be the path of a file, not the key itself",
        ),
        (
            "[server]\ntrusted_proxies = [\"10.0.0.0/8\", \"gateway\"]",
            &[],
            "servoir.toml:2:19: 'server.trusted_proxies' must be addresses or networks such as 10.0.0.0/8, got [\"10.0.0.0/8\", \"gateway\"]",
        ),
        (
            "[cors]\nallowed_origins = [\"https://Studio.example:443/\"]",
            &[],
            "servoir.toml:2:19: 'cors.allowed_origins' must be origins such as https://studio.example, or *, got [\"https://Studio.example:443/\"]",
        ),
        (
            "",
            &[("SERVOIR_CORS__ALLOWED_ORIGINS", "studio.example")],
            "SERVOIR_CORS__ALLOWED_ORIGINS: 'cors.allowed_origins' must be origins such as https://studio.example, or *, got \"studio.example\"",
        ),
        (
            "[auth]\nmode = \"off\"\n[cors]\nallowed_origins = [\"*\"]",
            &[],
            "servoir.toml:4:19: 'cors.allowed_origins' may not be '*' while 'auth.mode' is 'off': any page could change the models",
        ),
        (
            "",
            &[("SERVOIR_BOOTSTRAP_KEY", "short")],
            "SERVOIR_BOOTSTRAP_KEY: 'auth.bootstrap_key' must have at least 32 characters, got 5",
        ),
        (
            "",
            &[("SERVOIR_AUTH__JWT_HS256_SECRET", "short")],
            "SERVOIR_AUTH__JWT_HS256_SECRET: 'auth.jwt_hs256_secret' must have at least 32 bytes, got 5",
        ),
        (
            "[auth]\njwks_url = \"https://a/k\"\njwks_file = \"k\"",
            &[],
            "servoir.toml:3:13: 'auth.jwks_url' and 'auth.jwks_file' exclude each other; keep one of them",
        ),
        (
            "[auth]\njwks_url = \"http://example.com/k\"",
            &[],
            "servoir.toml:2:12: 'auth.jwks_url' must be an https:// URL, or http:// on a loopback address, got \"http://example.com/k\"",
        ),
        (
            "",
            &[("SERVOIR_STORAGE__DATABASE", "mysql://u:hidden@h/n")],
            "SERVOIR_STORAGE__DATABASE: 'storage.database' must be 'sqlite:PATH' or 'postgres://…', got the scheme 'mysql'",
        ),
        (
            "",
            &[("SERVOIR_STORAGE__DATABASE", "postgres://host")],
            "SERVOIR_STORAGE__DATABASE: 'storage.database' must be 'postgres://USER:PASSWORD@HOST/NAME' with a database name",
        ),
        (
            "[storage]\nartifacts = \"gs://b\"",
            &[],
            "servoir.toml:2:13: 'storage.artifacts' must be 'file:///FOLDER' or 's3://BUCKET/PREFIX', got \"gs://b\"",
        ),
        (
            "[storage]\nimport_sources = [\"s3://b\"]",
            &[],
            "servoir.toml:2:18: 'storage.import_sources' must hold prefixes 'file:///FOLDER/' or 's3://BUCKET/PREFIX/' that end in '/', got \"s3://b\"",
        ),
        (
            "[storage]\ns3 = { aws_region = \"r\" }",
            &[],
            "servoir.toml:2:6: 'storage.s3' is set, but neither 'storage.artifacts' nor 'storage.import_sources' names an s3:// URL",
        ),
        (
            "[storage]\nartifacts = \"s3://b\"\ns3.aws_endpoint = \"http://minio:9000\"",
            &[],
            "servoir.toml:3:1: 'storage.s3' has an http:// endpoint, which needs 'aws_allow_http' = \"true\": nothing is encrypted",
        ),
        (
            "[preflight]\nmemory_bytes = 1000000",
            &[],
            "servoir.toml:2:16: 'preflight.memory_bytes' must be a whole number from 268435456 to 1125899906842624, got 1000000",
        ),
        (
            "[batching]\nqueue_rows_max = 63",
            &[],
            "servoir.toml:2:18: 'batching.queue_rows_max' is 63 and must hold at least one batch of 64 rows",
        ),
    ];
    for (toml, env, expected) in cases {
        assert_eq!(load_all(toml, env, &[]).unwrap_err(), [expected], "{toml}");
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let toml = "[server]\ndrain_seconds = -1\nlisten = 8080\n[log]\nfromat = \"json\"\n";
    let errors = load_all(toml, &[("SERVOIR_BOOTSTRAP_KEY", "short")], &[("server.admin_listen", "here")]).unwrap_err();
    assert_eq!(errors.len(), 5, "{errors:#?}");
    assert_eq!(
        errors[3],
        "--admin-listen: 'server.admin_listen' must be an address and port such as 127.0.0.1:8080, got \"here\""
    );
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let errors = load(Some(std::path::Path::new("/nowhere/servoir.toml")), std::iter::empty(), Vec::new()).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "cannot read the configuration file '/nowhere/servoir.toml': No such file or directory (os error 2)"
    );
}

#[test]
fn what_is_shown_has_no_secrets_and_can_be_read_again() {
    let env = [
        ("SERVOIR_STORAGE__DATABASE", "postgres://user:hidden@host/name?password=hidden"),
        ("SERVOIR_BOOTSTRAP_KEY", "hidden-hidden-hidden-hidden-hidden"),
        ("SERVOIR_AUTH__JWT_HS256_SECRET", "hidden-hidden-hidden-hidden-hidden"),
        ("SERVOIR_STORAGE__ARTIFACTS", "s3://bucket/prefix"),
        ("SERVOIR_STORAGE__S3__AWS_ENDPOINT", "https://hidden"),
    ];
    let loaded = load_all("", &env, &[("server.listen", "127.0.0.1:1")]).unwrap();
    let text = loaded.to_toml();
    assert!(!text.contains("hidden") && !loaded.to_json().to_string().contains("hidden"), "{text}");
    assert!(text.contains("database = \"postgres://user:redacted@host/name?redacted\""), "{text}");
    assert!(text.contains("s3 = { aws_endpoint = \"[redacted]\" }"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("listen = [\"127.0.0.1:1\"]") && line.ends_with("# --listen")));
    let again = text.replace("[redacted]", "0123456789abcdef0123456789abcdef");
    assert_eq!(load_all(&again, &[], &[]).unwrap().config.listen, loaded.config.listen);
}
