//! What a call is about: made anew for each, so that no call meets what another has left.

use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use servoir_tests::api::REGISTRY;
use servoir_tests::fixture::Fixture;
use servoir_tests::server::TestServer;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Numbers the names of objects.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// What stands for `{id}` and `{model}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// Nothing that exists.
    Nothing,
    /// A model with one version, which is not live.
    Model,
    /// A model that had one version live, and then another, which was asked about the entity `asked`.
    Live,
    /// A model that is put away.
    Archived,
    /// A model with the collaborator `vic`.
    Shared,
    /// A model with an asset.
    WithAsset,
    /// A dataset, and a model that is not linked to it.
    Dataset,
    /// A model that is linked to a dataset with its target.
    Trainable,
    /// A model whose version was trained here.
    Trained,
    /// A model with an external run under way.
    Running,
    /// A model with a baseline, and a dataset of its features.
    Profiled,
    /// A live model with an alert that is raised.
    Alerted,
    /// An API key.
    Key,
}

/// The ids that stand for a template's placeholders.
pub struct Objects {
    id: String,
    digest: String,
    inputs: String,
    run: String,
    dataset: String,
    asset: String,
    baseline: String,
    version: &'static str,
    number: usize,
}

impl Objects {
    /// Makes what is asked for.
    pub async fn make(server: &TestServer, stand: Stand) -> Self {
        let api = server.api();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let id = match stand {
            Stand::Nothing => "model_none".to_owned(),
            Stand::Key => {
                let key = json!({"name": "swept", "scopes": ["audit:read"]});
                api.post("/api/v1/auth/api-keys", key).await.expect(201).json["id"].as_str().expect("an id").to_owned()
            }
            Stand::Trainable => {
                let new = json!({"name": format!("swept {number}"), "model_type": "auto", "task_type": "regression",
                    "config": {"target_column": "y"}});
                api.post("/api/v1/models", new).await.expect(201).json["id"].as_str().expect("an id").to_owned()
            }
            _ => api.create_model(&format!("swept {number}")).await,
        };
        let mut objects = Self {
            id,
            digest: String::new(),
            inputs: "{}".to_owned(),
            run: "run_none".to_owned(),
            dataset: "dataset_none".to_owned(),
            asset: "asset_none".to_owned(),
            baseline: "baseline_none".to_owned(),
            version: "1",
            number,
        };
        if !matches!(stand, Stand::Nothing | Stand::Key) {
            objects.furnish(server, stand).await;
        }
        objects
    }

    async fn furnish(&mut self, server: &TestServer, stand: Stand) {
        let api = server.api();
        let (id, artifact) = (&self.id, Fixture::read("xgb_binary").model);
        if matches!(stand, Stand::Dataset | Stand::Trainable) {
            let name = format!("d{}", self.number);
            let uploaded = api.send(dataset(api.request(Method::POST, "/api/v1/datasets"), &name)).await.expect(201);
            self.dataset = uploaded.json["id"].as_str().expect("an id").to_owned();
        }
        let version = api.upload(id, artifact.clone()).await.expect(201).json;
        self.digest = version["sha256"].as_str().expect("a digest").to_owned();
        self.inputs = one_row(&version).to_string();
        match stand {
            Stand::Live => {
                api.deploy(id, json!({})).await.expect(200);
                api.upload(id, artifact).await.expect(201);
                api.deploy(id, json!({})).await.expect(200);
                self.version = "2";
                let asked = json!({"input_data": vec![0.5; 30], "entityId": "asked"});
                api.post(&format!("/v1/predict/{id}"), asked).await.expect(200);
            }
            Stand::Profiled => {
                let request = api.request(Method::POST, "/api/v1/datasets");
                let uploaded = api.send(features(request, &format!("d{}", self.number), &version)).await.expect(201);
                self.dataset = uploaded.json["id"].as_str().expect("an id").to_owned();
                let path = format!("{REGISTRY}/models/{id}/baselines");
                let made = api.post(&path, json!({"datasetId": self.dataset})).await.expect(201);
                self.baseline = made.json["id"].as_str().expect("an id").to_owned();
            }
            Stand::Alerted => {
                // Of a version that answers: the alerts of others are cleared.
                api.deploy(id, json!({})).await.expect(200);
                server
                    .sql(format!(
                        "insert into alerts (id, model, version, subject, severity, status, message, raised_at) values \
                         ('alert_{id}', '{id}', 1, 'drift', 'medium', 'raised', 'drift', 0); \
                         insert into alert_states (model, version, subject, body) values \
                         ('{id}', 1, 'drift', '{{\"raised\": \"medium\", \"acknowledged\": false, \"against\": 0}}')"
                    ))
                    .await;
            }
            Stand::Archived => {
                api.post(&format!("{REGISTRY}/models/{id}/archive"), json!({})).await.expect(200);
            }
            Stand::Shared => {
                let vic = json!({"user_id": "vic", "role": "viewer"});
                api.post(&format!("/api/v1/models/{id}/collaborators"), vic).await.expect(201);
            }
            Stand::Trainable => {
                let link = json!({"dataset_id": self.dataset});
                api.post(&format!("/api/v1/models/{id}/dataset"), link).await.expect(200);
            }
            Stand::Trained => {
                server
                    .sql(format!(
                        "insert into trainings (model, version, run, algorithm, hyperparameters, config, dataset_digest, \
                         duration_ms) values ('{id}', 1, 'run_1', 'random_forest', '{{}}', '{{\"target_column\": \"y\"}}', \
                         '{}', 1)",
                        self.digest
                    ))
                    .await;
            }
            Stand::WithAsset => {
                let path = format!("/api/v1/models/{id}/custom/assets");
                let uploaded = api.send(asset(api.request(Method::POST, &path), "config")).await.expect(201);
                self.asset = uploaded.json["asset_id"].as_str().expect("an id").to_owned();
            }
            Stand::Running => {
                let run =
                    api.post(&format!("/api/v1/models/{id}/runs"), json!({"external": true})).await.expect(201).json;
                self.run = run["run_id"].as_str().expect("an id").to_owned();
            }
            Stand::Nothing | Stand::Model | Stand::Dataset | Stand::Key => {}
        }
    }

    /// A path or a body with these objects in the places of its placeholders.
    pub fn fill(&self, template: &str) -> String {
        let number = self.number.to_string();
        let filled = template.replace("{id}", &self.id).replace("{model}", &self.id).replace("{digest}", &self.digest);
        let filled = filled.replace("\"{inputs}\"", &self.inputs);
        let filled = filled
            .replace("{version_id}", self.version)
            .replace("{run_id}", &self.run)
            .replace("{dataset_id}", &self.dataset)
            .replace("{asset_id}", &self.asset)
            .replace("{baseline_id}", &self.baseline)
            .replace("{alert_id}", &format!("alert_{}", self.id));
        filled.replace("{version}", self.version).replace("{user_id}", "vic").replace("{number}", &number)
    }
}

/// A request with a small table as its upload.
pub fn dataset(request: RequestBuilder, name: &str) -> RequestBuilder {
    let rows: String = (0..40).map(|row| format!("{row},{}\n", row * 2)).collect();
    let file = Part::text(format!("x,y\n{rows}")).file_name("rows.csv");
    request.multipart(Form::new().text("name", name.to_owned()).part("file", file))
}

/// A request with a small table of a version's features as its upload.
fn features(request: RequestBuilder, name: &str, version: &Value) -> RequestBuilder {
    let names = version["signature"]["inputs"][0]["featureNames"].as_array().expect("names");
    let header: Vec<_> = names.iter().filter_map(Value::as_str).collect();
    let row = |row: usize| (0..names.len()).map(|column| (row * column).to_string()).collect::<Vec<_>>().join(",");
    let lines: Vec<_> = std::iter::once(header.join(",")).chain((0..40).map(row)).collect();
    let file = Part::text(lines.join("\n")).file_name("features.csv");
    request.multipart(Form::new().text("name", name.to_owned()).part("file", file))
}

/// A request with a small file as its upload.
pub fn asset(request: RequestBuilder, asset_type: &str) -> RequestBuilder {
    let file = Part::text("{}").file_name("settings.json");
    request.multipart(Form::new().text("asset_type", asset_type.to_owned()).part("file", file))
}

/// A value for each feature of a version's one input, by name.
fn one_row(version: &Value) -> Value {
    let input = &version["signature"]["inputs"][0];
    let named = input["featureNames"].as_array().map(|names| names.iter().filter_map(Value::as_str).collect());
    let names: Vec<&str> = named.unwrap_or_else(|| vec![input["name"].as_str().expect("an input has a name")]);
    names.into_iter().map(|name| (name.to_owned(), json!(0.5))).collect()
}
