//! A server with a live model, the rows that its baseline was made of, and a clock.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use servoir::app::SharedApp;
use servoir::config::Config;
use servoir::monitoring::analysis::run_turns;
use servoir::serve::{Running, start};
use servoir_monitor::{BUCKET_SECONDS, bucket_start};
use servoir_tests::api::{Answer, Api, REGISTRY};
use servoir_tests::environment;
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{BOOTSTRAP_KEY, config};
use servoir_types::{ModelId, Timestamp};
use std::path::Path;

/// Rows of one request.
const ROWS_PER_REQUEST: usize = 250;
/// Features of the model.
const FEATURES: usize = 30;

/// A feature that is moved by so many standard deviations.
#[derive(Clone, Copy)]
pub struct Shift {
    pub feature: usize,
    pub deviations: f64,
}

pub struct World {
    pub running: Running,
    pub api: Api,
    pub model: String,
    /// Rows of the breast-cancer data: what the baseline is made of.
    pub rows: Vec<Vec<f64>>,
    pub names: Vec<String>,
    deviations: Vec<f64>,
    /// The first moment of the bucket that is open: ahead of the system's clock, so that nothing else takes a turn.
    pub clock: Timestamp,
    random: u64,
}

impl World {
    /// A server in `data` with a live model and its baseline. From now on it is the time of `clock`.
    pub async fn start(data: &Path, change: impl FnOnce(&mut Config)) -> Self {
        let mut world = Self::in_real_time(data, change).await;
        world.pass().await;
        world
    }

    /// The same, by the system's clock until a bucket passes.
    pub async fn in_real_time(data: &Path, change: impl FnOnce(&mut Config)) -> Self {
        let world = Self::without_baseline(data, change).await;
        world.make_baseline().await;
        world
    }

    /// The same without a baseline.
    pub async fn without_baseline(data: &Path, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(data);
        change(&mut config);
        let running = start(config).await.expect("the server starts");
        let api = Api::new(format!("http://{}", running.addresses[0]), Some(BOOTSTRAP_KEY));
        let model = api.create_model("tumours").await;
        let clock = bucket_start(Timestamp::now().plus_seconds(3600));
        // The server looks for turns by the system's clock: until the test's has come, this model has had its own.
        let (id, last) = (ModelId::from_text(model.clone()), Timestamp::from_millis(clock.as_millis() - 1));
        let taken = running.app().registry.take_analysis_turn(&id, Timestamp::now(), last).await;
        assert!(taken.expect("the database answers"), "nobody has a turn before it answers");
        let version = api.upload(&model, Fixture::read("xgb_binary").model).await.expect(201).json;
        api.deploy(&model, json!({})).await.expect(200);
        let rows = rows();
        let names = version["signature"]["inputs"][0]["featureNames"].as_array().expect("features have names");
        let names: Vec<String> = names.iter().map(|name| name.as_str().expect("a name").to_owned()).collect();
        let deviations = (0..FEATURES).map(|feature| deviation(rows.iter().map(|row| row[feature]))).collect();
        Self { running, api, model, rows, names, deviations, clock, random: 7 }
    }

    /// A server on what another has left in `data`.
    pub async fn again(data: &Path, before: World) -> Self {
        before.running.stop().await;
        let running = start(config(data)).await.expect("the server starts");
        let api = Api::new(format!("http://{}", running.addresses[0]), Some(BOOTSTRAP_KEY));
        let settled = async { while api.get("/readyz").await.status != 200 {} };
        tokio::time::timeout(std::time::Duration::from_secs(30), settled).await.expect("the server becomes ready");
        Self { running, api, ..before }
    }

    pub fn app(&self) -> &SharedApp {
        self.running.app()
    }

    pub fn id(&self) -> ModelId {
        ModelId::from_text(self.model.clone())
    }

    /// Makes a baseline of the rows, as a table that is uploaded; the version is compared with it from now on.
    pub async fn make_baseline(&self) {
        let mut table = self.names.join(",");
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(f64::to_string).collect();
            table += &format!("\n{}", cells.join(","));
        }
        let form = Form::new().part("file", Part::text(table).file_name("rows.csv"));
        let request = self.api.request(Method::POST, &self.registry_path("/baselines")).multipart(form);
        let made = self.api.send(request).await.expect(201).json;
        assert_eq!((&made["active"], &made["rows"]), (&json!(true), &json!(self.rows.len())), "{made:#}");
        self.app().monitoring.follow(Some(&self.id())).await;
    }

    /// Asks the model.
    pub async fn predict(&self, rows: &[Vec<f64>]) -> Answer {
        self.api.post(&format!("/v1/predict/{}", self.model), json!({ "instances": rows })).await.expect(200)
    }

    /// Asks for rows drawn at random from those of the baseline, one feature moved.
    pub async fn ask(&mut self, rows: usize, shift: Option<Shift>) {
        for rows in self.drawn(rows, shift).chunks(ROWS_PER_REQUEST) {
            self.predict(rows).await;
        }
    }

    /// Rows drawn at random from those of the baseline, one feature moved.
    pub fn drawn(&mut self, rows: usize, shift: Option<Shift>) -> Vec<Vec<f64>> {
        (0..rows).map(|_| self.draw(shift)).collect()
    }

    fn draw(&mut self, shift: Option<Shift>) -> Vec<f64> {
        // SplitMix64 (Steele, Lea and Flood, 2014).
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let mut row = self.rows[((mixed ^ (mixed >> 31)) % self.rows.len() as u64) as usize].clone();
        if let Some(Shift { feature, deviations }) = shift {
            row[feature] += deviations * self.deviations[feature];
        }
        row
    }

    /// The open bucket ends.
    pub async fn pass(&mut self) {
        self.pass_seconds(BUCKET_SECONDS).await;
    }

    /// So much time passes; what was asked belongs to the bucket that was open.
    pub async fn pass_seconds(&mut self, seconds: i64) {
        self.clock = self.clock.plus_seconds(seconds);
        self.app().monitoring.flush_at(self.clock).await.expect("the database answers");
    }

    /// Takes the model's turn to be analysed, at the last moment before the open bucket: the windows end with the bucket
    /// before it.
    pub async fn turn(&self) -> usize {
        let now = Timestamp::from_millis(self.clock.as_millis() - 1);
        run_turns(self.app(), now).await.expect("an analysis")
    }

    /// Asks, lets a bucket pass, and analyses.
    pub async fn step(&mut self, rows: usize, shift: Option<Shift>) {
        self.ask(rows, shift).await;
        self.pass().await;
        assert_eq!(self.turn().await, 1, "the turn has come");
    }

    /// Changes the settings of alerts.
    pub async fn configure(&self, config: Value) {
        self.api.put(&self.path("/monitoring/alerts/config"), config).await.expect(200);
    }

    /// A path of the Studio's API below the model.
    pub fn path(&self, rest: &str) -> String {
        format!("/api/v1/models/{}{rest}", self.model)
    }

    /// A path of the Registry API below the model.
    pub fn registry_path(&self, rest: &str) -> String {
        format!("{REGISTRY}/models/{}{rest}", self.model)
    }

    /// The alerts, newest first.
    pub async fn alerts(&self, query: &str) -> Vec<Value> {
        let page = self.api.get(&self.path(&format!("/monitoring/alerts{query}"))).await.expect(200).json;
        page["results"].as_array().expect("a page").clone()
    }

    pub async fn stop(self) {
        self.running.stop().await;
    }
}

/// The rows of the data; a cell that is missing has the median of its column.
fn rows() -> Vec<Vec<f64>> {
    let file = environment::fixtures().join("datasets/breast_cancer_csv.csv");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let cells = |line: &str| line.split(',').take(FEATURES).map(|cell| cell.parse().unwrap_or(f64::NAN)).collect();
    let mut rows: Vec<Vec<f64>> = text.lines().skip(1).map(cells).collect();
    for feature in 0..FEATURES {
        let mut known: Vec<f64> = rows.iter().map(|row| row[feature]).filter(|value| !value.is_nan()).collect();
        known.sort_by(f64::total_cmp);
        let median = known[known.len() / 2];
        rows.iter_mut().filter(|row| row[feature].is_nan()).for_each(|row| row[feature] = median);
    }
    rows
}

fn deviation(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    (values.map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt()
}
