//! A server with a live model that is asked and told what was true.

use serde_json::{Value, json};
use servoir_codec::v1::PredictionIds;
use servoir_tests::api::{Answer, Api, REGISTRY};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{Database, TestServer};
use servoir_types::{Digest, Timestamp};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

/// A server with a live model.
pub struct World {
    pub server: TestServer,
    pub api: Api,
    pub model: String,
    /// Rows that the model takes.
    pub rows: Vec<Vec<Value>>,
}

impl World {
    /// With the model of a fixture.
    pub async fn of(database: Database, fixture: &str) -> Self {
        let fixture = Fixture::read(fixture);
        let rows = fixture.cases.iter().flat_map(Fixture::rows).collect();
        let server = TestServer::start_with(database, |_| {}).await;
        let api = server.api();
        let model = api.serve("churn", fixture.model).await;
        Self { server, api, model, rows }
    }

    /// What the model answers to a body of `/v1/predict`.
    pub async fn predict(&self, body: Value) -> Value {
        self.api.post(&format!("/v1/predict/{}", self.model), body).await.expect(200).json
    }

    /// The ids of predictions of the first `count` rows.
    pub async fn predicted(&self, count: usize) -> Vec<String> {
        ids(&self.predict(json!({ "instances": self.rows[..count] })).await)
    }

    /// Sends labels.
    pub async fn label(&self, actuals: Value) -> Answer {
        self.label_of(&self.model, actuals).await
    }

    /// Sends labels of a model's predictions.
    pub async fn label_of(&self, model: &str, actuals: Value) -> Answer {
        self.api.post(&format!("{REGISTRY}/models/{model}/actuals"), json!({ "actuals": actuals })).await
    }

    /// What labels say of the model's predictions of the last hour.
    pub async fn performance(&self) -> Value {
        let mut answer = self.api.get(&format!("{REGISTRY}/models/{}/drift?window=1h", self.model)).await.expect(200);
        answer.json["performance"].take()
    }

    /// The id of a prediction that was made at another time, as this installation would have made it; on SQLite.
    pub async fn id_at(&self, version: u64, at: Timestamp, outcome: servoir_codec::v1::Outcome) -> String {
        let file = SqliteConnectOptions::new().filename(self.server.data_dir().join("servoir.db"));
        let mut connection = file.connect().await.expect("the server's database");
        let secret: String = sqlx::query_scalar("select secret from signing_keys where purpose = 'predictions'")
            .fetch_one(&mut connection)
            .await
            .expect("a key");
        let key = Digest::of(secret.as_bytes());
        let ids = PredictionIds::new(std::array::from_fn(|place| key.as_bytes()[place]), 0);
        ids.take(&self.model, version, at, 1).text(0, outcome)
    }

    /// Stops the server.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// The ids in an answer.
pub fn ids(answer: &Value) -> Vec<String> {
    let ids = answer["predictionIds"].as_array().expect("ids").iter();
    ids.map(|id| id.as_str().expect("an id").to_owned()).collect()
}

/// How many labels were recorded, replaced and rejected, and the words of the reasons by row.
pub fn said(answer: &Answer) -> (u64, u64, Vec<(u64, String)>) {
    let number = |name: &str| answer.json[name].as_u64().unwrap_or_else(|| panic!("{}", answer.text));
    let rejected = answer.json["rejected"].as_array().expect("a list").iter().map(|one| {
        let reason = one["reason"].as_str().expect("a reason");
        (one["row"].as_u64().expect("a row"), reason.split(':').next().expect("a word").to_owned())
    });
    (number("recorded"), number("replaced"), rejected.collect())
}
