//! What labels say of a version is what scikit-learn says of the same answers.

use crate::oracle::{close, metrics};
use crate::world::{World, ids, said};
use serde_json::{Value, json};
use servoir_tests::server::Database;

/// Rows of one request.
const REQUEST_ROWS: usize = 1000;
/// Labels of one request.
const BATCH: usize = 10_000;

/// Numbers from 0 to 1 that are the same in every run (xorshift, Marsaglia 2003).
struct Uniform(u64);

impl Uniform {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Answers to many rows: the fixture's, each number changed by some per cent.
struct Answered {
    ids: Vec<String>,
    predictions: Vec<Value>,
    probabilities: Vec<Value>,
}

async fn answered(world: &World, count: usize, random: &mut Uniform) -> Answered {
    let mut all = Answered { ids: Vec::new(), predictions: Vec::new(), probabilities: Vec::new() };
    let mut rows = world.rows.iter().cycle();
    while all.ids.len() < count {
        let mut changed = |value: &Value| json!(value.as_f64().map(|number| number * (0.8 + 0.4 * random.next())));
        let some: Vec<Value> = (0..REQUEST_ROWS.min(count - all.ids.len()))
            .map(|_| rows.next().expect("rows").iter().map(&mut changed).collect())
            .collect();
        let answer = world.predict(json!({ "instances": some })).await;
        all.ids.extend(ids(&answer));
        all.predictions.extend(answer["predictions"].as_array().expect("predictions").clone());
        all.probabilities.extend(answer["probabilities"].as_array().cloned().unwrap_or_default());
    }
    all
}

async fn label_all(world: &World, ids: &[String], truth: &[Value]) {
    let labels: Vec<Value> =
        ids.iter().zip(truth).map(|(id, actual)| json!({"predictionId": id, "actual": actual})).collect();
    for batch in labels.chunks(BATCH) {
        let answer = world.label(json!(batch)).await.expect(200);
        assert_eq!(said(&answer), (batch.len() as u64, 0, vec![]), "{}", &answer.text[..answer.text.len().min(500)]);
    }
}

/// Labels `count` answers of a binary classifier; returns what scikit-learn says of them.
async fn binary(world: &World, count: usize) -> Value {
    let mut random = Uniform(42);
    let all = answered(world, count, &mut random).await;
    let scores: Vec<f64> = all.probabilities.iter().map(|row| row[1].as_f64().expect("a score")).collect();
    // Scores are right three times out of four, so that nothing is perfect and nothing chance.
    let mut truth = |score: &f64| {
        let probability = if random.next() < 0.75 { *score } else { 0.5 };
        json!(i64::from(random.next() < probability))
    };
    let truth: Vec<Value> = scores.iter().map(&mut truth).collect();
    label_all(world, &all.ids, &truth).await;
    metrics(&json!({
        "task": "classification", "truth": truth, "predicted": all.predictions, "scores": scores, "positive": 1,
    }))
    .await
}

async fn a_hundred_thousand_labels_of_a_classifier(database: Database) {
    let world = World::of(database, "xgb_binary").await;
    let count = 100_000;
    let expected = binary(&world, count).await;
    let found = world.performance().await;
    assert_eq!((&found["task"], &found["labelled"]), (&json!("classification"), &json!(count)));
    for name in ["accuracy", "f1Macro", "f1Weighted", "rocAuc"] {
        close(&found["live"][name], &expected[name], name);
    }
    assert_eq!(found["confusion"], json!({"classes": ["0", "1"], "counts": expected["confusion"]}));
    assert_eq!((&found["live"]["mae"], &found["training"]), (&Value::Null, &Value::Null));
    world.stop().await;
}

#[tokio::test]
async fn a_hundred_thousand_labels_of_a_classifier_on_sqlite() {
    a_hundred_thousand_labels_of_a_classifier(Database::Sqlite).await;
}

#[tokio::test]
async fn a_hundred_thousand_labels_of_a_classifier_on_postgres() {
    a_hundred_thousand_labels_of_a_classifier(Database::Postgres).await;
}

#[tokio::test]
async fn labels_of_a_regression() {
    for database in [Database::Sqlite, Database::Postgres] {
        let world = World::of(database, "gbr").await;
        let mut random = Uniform(7);
        let all = answered(&world, 5000, &mut random).await;
        // As the model answers: floats of four bytes.
        let predicted: Vec<f64> =
            all.predictions.iter().map(|value| f64::from(value.as_f64().expect("a number") as f32)).collect();
        let truth: Vec<Value> = predicted.iter().map(|value| json!(value + 100.0 * (random.next() - 0.45))).collect();
        label_all(&world, &all.ids, &truth).await;
        let expected = metrics(&json!({"task": "regression", "truth": truth, "predicted": predicted})).await;
        let found = world.performance().await;
        assert_eq!((&found["task"], &found["labelled"]), (&json!("regression"), &json!(5000)));
        for name in ["mae", "rmse", "r2"] {
            close(&found["live"][name], &expected[name], name);
        }
        assert_eq!((&found["live"]["accuracy"], &found["confusion"]), (&Value::Null, &Value::Null));
        world.stop().await;
    }
}

#[tokio::test]
async fn labels_of_classes_with_names() {
    let world = World::of(Database::Sqlite, "rf_zipmap_string").await;
    let mut random = Uniform(11);
    let all = answered(&world, 3000, &mut random).await;
    let mut names = all.predictions.clone();
    names.sort_by_key(Value::to_string);
    names.dedup();
    // A class that the model does not know may be true all the same.
    names.push(json!("zz unheard of"));
    let truth = all.predictions.iter().map(|predicted| match random.next() {
        chance if chance < 0.7 => predicted.clone(),
        chance => names[(chance * 1e6) as usize % names.len()].clone(),
    });
    let truth: Vec<Value> = truth.collect();
    label_all(&world, &all.ids, &truth).await;
    let expected = metrics(&json!({"task": "classification", "truth": truth, "predicted": all.predictions})).await;
    let found = world.performance().await;
    for name in ["accuracy", "f1Macro", "f1Weighted"] {
        close(&found["live"][name], &expected[name], name);
    }
    assert_eq!(found["confusion"]["counts"], expected["confusion"]);
    assert_eq!(found["confusion"]["classes"], json!(names));
    world.stop().await;
}

#[tokio::test]
async fn a_change_of_the_errors_is_found() {
    let world = World::of(Database::Sqlite, "xgb_binary").await;
    let mut random = Uniform(3);
    let all = answered(&world, 6000, &mut random).await;
    let mut truth = |(row, predicted): (usize, &Value)| {
        let wrong = if row < 3000 { 0.1 } else { 0.4 };
        let flipped = random.next() < wrong;
        json!(predicted.as_i64().expect("a class") ^ i64::from(flipped))
    };
    let truth: Vec<Value> = all.predictions.iter().enumerate().map(&mut truth).collect();
    label_all(&world, &all.ids, &truth).await;
    let found = world.performance().await;
    let changes = found["changePoints"].as_array().expect("a list");
    let (first, last) = (&changes[0], &changes[changes.len() - 1]);
    let (before, after) = (first["before"].as_f64().expect("before"), last["after"].as_f64().expect("after"));
    // ADWIN lets go of the old values step by step.
    assert!((0.07..0.16).contains(&before) && (0.3..0.5).contains(&after), "{found}");
    world.stop().await;
}
