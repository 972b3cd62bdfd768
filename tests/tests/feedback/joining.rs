//! Which prediction a label belongs to, and why some belong to none.

use crate::world::{World, ids, said};
use serde_json::{Value, json};
use servoir_codec::v1::{ClassCode, Outcome};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::Database;
use servoir_types::Timestamp;

fn rejected(rows: &[(u64, &str)]) -> Vec<(u64, String)> {
    rows.iter().map(|(row, word)| (*row, (*word).to_owned())).collect()
}

async fn labels_are_joined_or_refused(database: Database) {
    let world = World::of(database, "xgb_binary").await;
    let known = world.predicted(4).await;
    let one = world.predict(json!({"input_data": world.rows[0]})).await;
    let single = one["predictionId"].as_str().expect("an id").to_owned();
    assert_eq!(one["predictionIds"], json!([single]), "the only row has one id");
    let test = ids(&world.predict(json!({"input_data": world.rows[0], "source": "test"})).await);
    let unlogged = ids(&world.predict(json!({"input_data": world.rows[0], "logPrediction": false})).await);
    let other = world.api.serve("other", Fixture::read("xgb_binary").model).await;
    let stranger =
        ids(&world.api.post(&format!("/v1/predict/{other}"), json!({"input_data": world.rows[0]})).await.json);
    let mut forged = known[0].clone().into_bytes();
    let last = forged.len() - 10;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).expect("ASCII");
    let label = |id: &str, actual: Value| json!({"predictionId": id, "actual": actual});
    let tomorrow = Timestamp::now().plus_seconds(86_400).to_string();
    let answer = world
        .label(json!([
            label(&known[0], json!(1)),
            label(&known[1], json!("0")),
            label(&known[2], json!(true)),
            label(&single, json!(1.0)),
            label(&known[0], json!(0)),
            label(&forged, json!(1)),
            label(&stranger[0], json!(1)),
            label("pred_none", json!(1)),
            label(&test[0], json!(1)),
            label(&unlogged[0], json!(1)),
            label(&known[3], json!("yes")),
            label(&known[3], json!(0.5)),
            {"predictionId": known[3], "actual": 1, "actualAt": tomorrow},
            {"entityId": "nobody", "actual": 1},
        ]))
        .await
        .expect(200);
    let reasons = rejected(&[
        (4, "repeated"),
        (5, "unknown"),
        (6, "unknown"),
        (7, "unknown"),
        (8, "incomparable"),
        (9, "incomparable"),
        (10, "wrong-type"),
        (11, "wrong-type"),
        (12, "future"),
        (13, "unknown"),
    ]);
    assert_eq!(said(&answer), (4, 0, reasons), "{}", answer.text);
    let again = json!([label(&known[0], json!(0)), label(&known[3], json!(1))]);
    assert_eq!(said(&world.label(again).await.expect(200)), (1, 1, vec![]), "a second label replaces the first");
    world.api.deploy(&world.model, json!({"version": 1})).await.expect(200);
    world.api.upload(&world.model, Fixture::read("xgb_binary").model).await.expect(201);
    world.api.deploy(&world.model, json!({"version": 2})).await.expect(200);
    world.api.delete(&format!("/api/v1/model-registry/models/{}/versions/1", world.model)).await.expect(204);
    let gone = world.label(json!([label(&known[1], json!(1))])).await.expect(200);
    assert_eq!(said(&gone), (0, 0, rejected(&[(0, "unknown")])), "its version was deleted");
    world.stop().await;
}

async fn labels_find_the_newest_prediction_about_an_entity(database: Database) {
    let world = World::of(database, "xgb_binary").await;
    let rows = json!(world.rows[..3]);
    world.predict(json!({"instances": rows, "entityIds": ["ada", "bob", "ada"]})).await;
    let between = Timestamp::now();
    while Timestamp::now() <= between {}
    world.predict(json!({"input_data": world.rows[0], "entityId": "bob"})).await;
    world.predict(json!({"input_data": world.rows[0], "entityId": "kim", "source": "test"})).await;
    let label = |entity: &str, actual: i64| json!({"entityId": entity, "actual": actual});
    let answer =
        world.label(json!([label("ada", 1), label("bob", 1), label("ada", 0), label("kim", 1)])).await.expect(200);
    let reasons = rejected(&[(2, "repeated"), (3, "unknown")]);
    assert_eq!(said(&answer), (2, 0, reasons), "ada's newest is one prediction: {}", answer.text);
    // The older prediction about bob has no label yet; the one at the time of the first labels has.
    let earlier = json!([{"entityId": "bob", "actual": 0, "actualAt": between.to_string()}, label("bob", 0)]);
    assert_eq!(said(&world.label(earlier).await.expect(200)), (1, 1, vec![]));
    let before = between.plus_seconds(-60).to_string();
    let before = json!([{"entityId": "bob", "actual": 0, "actualAt": before}]);
    assert_eq!(said(&world.label(before).await.expect(200)), (0, 0, rejected(&[(0, "unknown")])));
    world.stop().await;
}

#[tokio::test]
async fn labels_are_joined_or_refused_on_sqlite() {
    labels_are_joined_or_refused(Database::Sqlite).await;
}

#[tokio::test]
async fn labels_are_joined_or_refused_on_postgres() {
    labels_are_joined_or_refused(Database::Postgres).await;
}

#[tokio::test]
async fn labels_find_the_newest_prediction_about_an_entity_on_sqlite() {
    labels_find_the_newest_prediction_about_an_entity(Database::Sqlite).await;
}

#[tokio::test]
async fn labels_find_the_newest_prediction_about_an_entity_on_postgres() {
    labels_find_the_newest_prediction_about_an_entity(Database::Postgres).await;
}

#[tokio::test]
async fn a_late_label_is_refused() {
    let world = World::of(Database::Sqlite, "xgb_binary").await;
    let outcome = Outcome::Class { class: ClassCode::Integer(1), score: 0.5 };
    let now = Timestamp::now();
    let day = |days: i64| now.plus_seconds(-days * 86_400 + 60);
    let mut labels = Vec::new();
    for (version, days) in [(1, 0), (1, 14), (1, 15), (9, 0)] {
        labels.push(json!({"predictionId": world.id_at(version, day(days), outcome).await, "actual": 1}));
    }
    let answer = world.label(json!(labels)).await.expect(200);
    assert_eq!(said(&answer), (2, 0, rejected(&[(2, "late"), (3, "unknown")])), "{}", answer.text);
    let path = format!("/api/v1/model-registry/models/{}/monitoring", world.model);
    world.api.put(&path, json!({"labelWindowDays": 90})).await.expect(200);
    let answer = world.label(json!([labels[2]])).await.expect(200);
    assert_eq!(said(&answer), (1, 0, vec![]), "the window is the model's own");
    world.stop().await;
}

#[tokio::test]
async fn what_is_no_label_is_refused_by_its_place() {
    let world = World::of(Database::Sqlite, "xgb_binary").await;
    let id = &world.predicted(1).await[0];
    let long = "a".repeat(257);
    let cases = [
        (json!([]), "/actuals"),
        (json!([{"actual": 1}]), "/actuals/0"),
        (json!([{"predictionId": id, "entityId": "a", "actual": 1}]), "/actuals/0"),
        (json!([{"predictionId": id}]), "/actuals/0"),
        (json!([{"predictionId": "", "actual": 1}]), "/actuals/0/predictionId"),
        (json!([{"entityId": long, "actual": 1}]), "/actuals/0/entityId"),
        (json!([{"predictionId": id, "actual": null}]), "/actuals/0/actual"),
        (json!([{"predictionId": id, "actual": [1]}]), "/actuals/0/actual"),
        (json!([{"predictionId": id, "actual": long}]), "/actuals/0/actual"),
        (json!([{"predictionId": id, "actual": "a\u{0}"}]), "/actuals/0/actual"),
        (json!([{"predictionId": id, "actual": 1, "actualAt": "yesterday"}]), "/actuals/0/actualAt"),
        (json!([{"predictionId": id, "actual": 1, "label": 1}]), "/actuals/0/label"),
        (json!(vec![json!({"predictionId": id, "actual": 1}); 10_001]), "/actuals"),
    ];
    for (actuals, pointer) in cases {
        let answer = world.label(actuals).await.expect(400);
        assert_eq!(answer.json["errors"][0]["pointer"], pointer, "{}", answer.text);
    }
    let most = world.label(json!(vec![json!({"predictionId": id, "actual": 1}); 10_000])).await.expect(200);
    assert_eq!((said(&most).0, said(&most).2.len()), (1, 9_999), "all others repeat the first");
    world.stop().await;
}
