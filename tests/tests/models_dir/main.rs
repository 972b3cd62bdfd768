//! A folder of models in place of the registry: real folders, real models, the whole server.

mod configuration;
mod control;
mod flat;
mod layout;
mod polling;
mod registry;

use serde_json::{Value, json};
use servoir_tests::api::Api;
use servoir_tests::environment;
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{Database, TestServer};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder of models that a test fills.
pub struct Models(TempDir);

impl Models {
    /// An empty one.
    pub fn empty() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    /// One with these files of fixtures: where, and of which fixture.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let models = Self::empty();
        for (path, fixture) in files {
            models.model(path, fixture);
        }
        models
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Copies a fixture's model file.
    pub fn model(&self, path: &str, fixture: &str) {
        self.file(path, fs::read(environment::fixtures().join(fixture).join("model.onnx")).expect("a fixture"));
    }

    /// Writes a file under its final name in one step, as a careful copy does.
    pub fn file(&self, path: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        let partial = path.with_file_name(".partial");
        fs::write(&partial, bytes).expect("a file");
        fs::rename(partial, &path).expect("a file");
        path
    }

    /// A server of this folder.
    pub async fn serve(&self) -> TestServer {
        self.serve_as(None, 0).await
    }

    /// A server of this folder with the name of its one model, or one that polls.
    pub async fn serve_as(&self, name: Option<&str>, poll_seconds: u64) -> TestServer {
        let (dir, name) = (self.path().to_owned(), name.map(str::to_owned));
        TestServer::start_with(Database::Sqlite, |config| {
            config.models.dir = Some(dir);
            config.models.name = name;
            config.models.poll_seconds = poll_seconds;
        })
        .await
    }
}

/// A body of `/v1/predict` for the models that both `xgb_binary` fixtures are.
pub fn row() -> Value {
    json!({"instances": [Fixture::rows(&Fixture::read("xgb_binary").cases[0])[0]]})
}

/// The version that answers; `None` when none does.
pub async fn answering(api: &Api, model: &str) -> Option<u64> {
    api.post(&format!("/v1/predict/{model}"), row()).await.json["version"].as_u64()
}

/// The index as lines `name version state reason`.
pub async fn index(api: &Api) -> Vec<String> {
    let index = api.post("/v2/repository/index", json!({})).await.expect(200);
    let lines = index.json.as_array().expect("a list").iter().map(|line| {
        let word = |key: &str| line[key].as_str().expect("a text").to_owned();
        [word("name"), word("version"), word("state"), word("reason")].join(" ").trim_end().to_owned()
    });
    lines.collect()
}

/// Asks a model to be loaded or unloaded.
pub async fn ask(api: &Api, model: &str, what: &str) -> servoir_tests::api::Answer {
    api.post(&format!("/v2/repository/models/{model}/{what}"), json!({})).await
}
