//! Runs schemathesis against a server: every check, every phase, the same requests each time.

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;
use servoir_tests::environment;
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{Database, TestServer};
use servoir_types::{Secret, Timestamp};
use std::path::{Path, PathBuf};
use tokio::process::Command;

const SECRET: &str = "a secret of the tests, of more than 32 bytes";
/// From which the requests are generated.
const SEED: &str = "1";

/// One run.
pub struct Run<'a> {
    /// Where the document is: a URL or a file.
    pub document: &'a str,
    /// The settings, `NAME.toml` and `NAME_hooks.py` of `python/schemathesis`.
    pub settings: &'a str,
    /// The most requests that a phase generates for an operation.
    pub examples_max: usize,
    /// How many operations are tested; a document that is read as having fewer is a failure.
    pub operations: usize,
}

/// A server with the models that the settings name.
pub async fn serving() -> TestServer {
    let server = TestServer::start_with(Database::Sqlite, |config| {
        config.auth.jwt_hs256_secret = Some(Secret::new(SECRET));
        // So many rows are asked for, and one more.
        config.batching.queue_rows_max = 100;
    })
    .await;
    for (name, fixture) in [("churn", "xgb_binary"), ("add", "two_inputs_add"), ("spare", "gbr")] {
        server.api().serve(name, Fixture::read(fixture).model).await;
    }
    server
}

impl Run<'_> {
    /// Fails with what schemathesis wrote when it has a finding.
    pub async fn has_no_finding(&self, server: &TestServer) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python/schemathesis");
        let file = |ending: &str| folder.join(format!("{}{ending}", self.settings));
        let mut command = Command::new(environment::schemathesis_python().with_file_name("st"));
        // Everything that it leaves behind goes where the server's data go, and no bytecode beside the sources.
        command.current_dir(server.data_dir()).env("PYTHONDONTWRITEBYTECODE", "1").env("NO_PROXY", "*");
        command.env("SCHEMATHESIS_HOOKS", file("_hooks.py")).arg("--config-file").arg(file(".toml"));
        command.args([
            "run",
            self.document,
            "--url",
            &server.url(),
            "--header",
            &format!("Authorization: {}", token()),
        ]);
        command.args(["--checks", "all", "--phases", "examples,coverage,fuzzing,stateful", "--continue-on-failure"]);
        command.args(["--seed", SEED, "--max-examples", &self.examples_max.to_string()]);
        let output = command.output().await.expect("schemathesis starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        let tested = format!("Tested: {}\n", self.operations);
        assert!(said.contains(&tested), "not {} operations were tested:\n{said}", self.operations);
    }
}

/// A token of every scope. A key would not do: schemathesis lists the keys that there are, and revokes them.
pub fn token() -> String {
    let expiry = Timestamp::now().plus_seconds(3600).as_millis() / 1000;
    let scopes = servoir::auth::scope::ALL.join(" ");
    let claims = json!({"sub": "schemathesis", "org": "default", "scope": scopes, "exp": expiry});
    let token = encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).expect("a token");
    format!("Bearer {token}")
}

/// A file of a package in schemathesis' environment.
pub async fn file_of_package(package: &str, file: &str) -> PathBuf {
    let script = "import sys; from importlib.metadata import distribution; \
                  print(distribution(sys.argv[1]).locate_file(sys.argv[2]))";
    let mut command = Command::new(environment::schemathesis_python());
    let output = command.args(["-B", "-c", script, package, file]).output().await.expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().into()
}
