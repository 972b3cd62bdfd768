//! A server with a model whose versions have been evaluated, as runs of training leave them.

use jsonwebtoken::{EncodingKey, Header, encode};
use serde::Serialize;
use serde_json::{Value, json};
use servoir_studio::evaluate::{Evaluation, evaluate};
use servoir_studio::predictions::Predictions;
use servoir_tests::api::{Answer, Api};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{Database, TestServer};
use servoir_types::{Secret, Timestamp};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

const SECRET: &str = "a secret of the tests, of more than 32 bytes";

/// A server and a model with versions 1 to 3.
pub struct World {
    pub server: TestServer,
    pub api: Api,
    pub model: String,
}

impl World {
    pub async fn start() -> Self {
        let with_tokens = |config: &mut servoir::config::Config| {
            config.auth.jwt_hs256_secret = Some(Secret::new(SECRET));
        };
        let server = TestServer::start_with(Database::Sqlite, with_tokens).await;
        let api = server.api();
        let model = api.create_model("churn").await;
        for _ in 0..3 {
            api.upload(&model, Fixture::read("xgb_binary").model).await.expect(201);
        }
        Self { server, api, model }
    }

    /// The rows that a run would have left.
    async fn sql(&self, text: &'static str, values: &[&str]) {
        let options = SqliteConnectOptions::new().filename(self.server.data_dir().join("servoir.db"));
        let mut connection = options.connect().await.expect("the server's database");
        let query = values.iter().fold(sqlx::query(text), |query, value| query.bind((*value).to_owned()));
        query.execute(&mut connection).await.expect("a row that the schema allows");
        connection.close().await.expect("the connection ends");
    }

    /// Stores what was found of a version, under the name of a split.
    pub async fn store(&self, version: i64, split: &str, found: &impl Serialize) {
        let body = serde_json::to_string(found).expect("JSON");
        let text = "insert into evaluations (model, version, split, body, created_at) \
                    values ($1, cast($2 as integer), $3, $4, 0)";
        self.sql(text, &[&self.model, &version.to_string(), split, &body]).await;
    }

    pub async fn promote(&self, version: i64) {
        let text = "update studio_models set promoted_version = cast($2 as integer) where model = $1";
        self.sql(text, &[&self.model, &version.to_string()]).await;
    }

    /// Says that a version was trained here, and what its numbers are.
    pub async fn trained(&self, version: i64, config: &Value, hyperparameters: &Value, metrics: &Value) {
        let version = version.to_string();
        let text = "insert into trainings (model, version, run, algorithm, hyperparameters, config, dataset, \
                    dataset_digest, duration_ms) values ($1, cast($2 as integer), 'run_of_tests', \
                    'gradient_boosting', $3, $4, null, $5, 1000)";
        let digest = "0".repeat(64);
        self.sql(text, &[&self.model, &version, &hyperparameters.to_string(), &config.to_string(), &digest]).await;
        let text = "update versions set metrics = $3 where model = $1 and version = cast($2 as integer)";
        self.sql(text, &[&self.model, &version, &metrics.to_string()]).await;
    }

    /// `GET` below the model.
    pub async fn get(&self, path: &str) -> Answer {
        self.api.get(&format!("/api/v1/models/{}/{path}", self.model)).await
    }

    /// A chart.
    pub async fn chart(&self, path: &str) -> Value {
        self.get(&format!("performance/{path}")).await.expect(200).json
    }

    /// `GET` of a chart with a token that grants these scopes.
    pub async fn chart_with(&self, path: &str, scopes: &str) -> Answer {
        let expiry = Timestamp::now().plus_seconds(600).as_millis() / 1000;
        let claims = json!({"sub": "ada", "org": "default", "scope": scopes, "exp": expiry});
        let token = encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).expect("a token");
        let path = format!("/api/v1/models/{}/performance/{path}", self.model);
        let request = self.api.with_key(None).request(reqwest::Method::GET, &path);
        self.api.send(request.header("authorization", format!("Bearer {token}"))).await
    }

    /// The version's id.
    pub fn version_id(&self, number: i64) -> String {
        format!("ver_{}_{number}", self.model.strip_prefix("model_").expect("a model's id"))
    }
}

/// Of two classes, by the probability of the second. Rows begin at place 10 of the dataset.
pub fn two_classes(truth: &[u32], second: &[f64]) -> Evaluation {
    let probabilities = second.iter().flat_map(|second| [1.0 - second, *second]).collect();
    let classes = vec!["no".to_owned(), "yes".to_owned()];
    let rows: Vec<u64> = (10..).take(truth.len()).collect();
    evaluate(&Predictions::Classes { classes, truth: truth.to_vec(), probabilities }, &rows)
}

/// The four rows of scikit-learn's own examples.
pub fn of_four_rows() -> Evaluation {
    two_classes(&[0, 0, 1, 1], &[0.1, 0.4, 0.35, 0.8])
}

/// Of three classes, 3,000 rows, most of them right.
pub fn three_classes() -> Evaluation {
    let rows: Vec<u64> = (0..3_000).collect();
    let truth: Vec<u32> = rows.iter().map(|row| (row % 3) as u32).collect();
    let probabilities = rows.iter().zip(&truth).flat_map(|(row, truth)| {
        let sure = 0.2 + 0.6 * (row * 7_919 % 3_001) as f64 / 3_001.0;
        let rest = (1.0 - sure) / 2.0;
        std::array::from_fn::<f64, 3, _>(|class| if class as u32 == *truth { sure } else { rest })
    });
    let probabilities = probabilities.collect();
    let classes = ["ash", "beech", "oak"].map(str::to_owned).to_vec();
    evaluate(&Predictions::Classes { classes, truth, probabilities }, &rows)
}

/// The four rows of scikit-learn's own example of regressions.
pub fn numbers() -> Evaluation {
    let (truth, predicted) = (vec![3.0, -0.5, 2.0, 7.0], vec![2.5, 0.0, 2.0, 8.0]);
    evaluate(&Predictions::Numbers { truth, predicted }, &[0, 1, 2, 3])
}
