//! Baselines of datasets, of uploads and of what was recorded.

use crate::world::World;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use servoir_tests::api::{Answer, REGISTRY};
use servoir_tests::server::Database;
use servoir_types::Timestamp;

/// The names of the model's features.
async fn features(world: &World) -> Vec<String> {
    let version = world.api.get(&format!("{REGISTRY}/models/{}/versions/1", world.model)).await.expect(200).json;
    let names = version["signature"]["inputs"][0]["featureNames"].as_array().expect("names").iter();
    names.map(|name| name.as_str().expect("a name").to_owned()).collect()
}

/// The fixture's rows as a table.
async fn table(world: &World) -> String {
    let header = features(world).await;
    let rows = world.rows.iter().map(|row| row.iter().map(Value::to_string).collect::<Vec<_>>().join(","));
    std::iter::once(header.join(",")).chain(rows).collect::<Vec<_>>().join("\n")
}

async fn upload(world: &World, table: String) -> Answer {
    let path = format!("{REGISTRY}/models/{}/baselines", world.model);
    let form = Form::new().text("version", "1").part("file", Part::text(table).file_name("rows.csv"));
    world.api.send(world.api.request(Method::POST, &path).multipart(form)).await
}

fn names(baseline: &Value, part: &str) -> Vec<String> {
    let columns = baseline[part].as_array().expect("columns").iter();
    columns.map(|column| column["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn a_baseline_of_an_upload_and_one_of_a_dataset_are_the_same() {
    let world = World::of(Database::Sqlite, "xgb_binary").await;
    let path = format!("{REGISTRY}/models/{}/baselines", world.model);
    let uploaded = upload(&world, table(&world).await).await.expect(201);
    let rows = world.rows.len();
    assert_eq!((&uploaded.json["rows"], &uploaded.json["active"]), (&json!(rows), &json!(true)), "{}", uploaded.text);
    assert_eq!(names(&uploaded.json, "features"), features(&world).await);
    assert_eq!(names(&uploaded.json, "outputs"), ["label", "confidence", "probabilities.0", "probabilities.1"]);
    // The outputs are what the version answers to these rows.
    let answer = world.predict(json!({"instances": world.rows})).await;
    let ones =
        answer["predictions"].as_array().expect("predictions").iter().filter(|label| **label == json!(1)).count();
    let counted = uploaded.json["outputs"][0]["values"].as_array().expect("values").iter();
    let counted = counted.filter(|one| one["value"] == "1").map(|one| one["count"].as_u64().expect("a count"));
    assert_eq!(counted.sum::<u64>(), ones as u64);
    let first: Vec<f64> =
        world.rows.iter().map(|row| row[0].as_f64().expect("a number") as f32).map(f64::from).collect();
    let mean = uploaded.json["features"][0]["numbers"]["mean"].as_f64().expect("a mean");
    assert!((mean - first.iter().sum::<f64>() / rows as f64).abs() < 1e-9 * mean.abs());

    let file = Part::text(table(&world).await).file_name("rows.csv");
    let dataset = world.api.request(Method::POST, "/api/v1/datasets").multipart(Form::new().part("file", file));
    let dataset = world.api.send(dataset).await.expect(201).json["id"].clone();
    let made = world.api.post(&path, json!({"datasetId": dataset})).await.expect(201);
    assert_eq!((&made.json["origin"]["datasetId"], &made.json["active"]), (&dataset, &json!(false)));
    for part in ["features", "outputs"] {
        assert_eq!(made.json[part], uploaded.json[part], "{part}");
    }
    let id = made.json["id"].as_str().expect("an id");
    let activated = world.api.put(&format!("{path}/{id}/activate"), json!({})).await.expect(200);
    assert_eq!(activated.json["active"], true);
    let listed = world.api.get(&format!("{path}?version=1")).await.expect(200).json;
    let active = listed["baselines"].as_array().expect("a list").iter().filter(|one| one["active"] == true).count();
    assert_eq!((&listed["count"], active), (&json!(2), 1));
    assert_eq!(world.api.get(&format!("{path}/{id}")).await.expect(200).json["features"], made.json["features"]);
    world.api.get(&format!("{path}/baseline_none")).await.expect(404);
    assert_eq!(world.api.get("/api/v1/datasets").await.expect(200).json["total"], 1, "the upload is no dataset");
    world.stop().await;
}

#[tokio::test]
async fn a_baseline_of_production_takes_recorded_rows() {
    let world = World::of(Database::Sqlite, "xgb_binary").await;
    let path = format!("{REGISTRY}/models/{}/baselines", world.model);
    let now = Timestamp::now();
    let range = json!({"fromProduction": {"from": now.plus_seconds(-3600).to_string(), "to": now.plus_seconds(3600).to_string()}});
    let nothing = world.api.post(&path, range.clone()).await.expect(422);
    assert!(nothing.code() == "nothing-recorded" && nothing.text.contains("recordValues"), "{}", nothing.text);
    let settings = format!("{REGISTRY}/models/{}/monitoring", world.model);
    world.api.put(&settings, json!({"recordValues": {"rowsMax": 1000}})).await.expect(200);
    // The node reads what was set when it hears of the change; until it has, nothing is recorded.
    let asking = async {
        loop {
            world.predict(json!({"instances": world.rows})).await;
            let answer = world.api.post(&path, range.clone()).await;
            if answer.status == 201 {
                return answer;
            }
        }
    };
    let made = tokio::time::timeout(std::time::Duration::from_secs(60), asking).await.expect("rows are recorded");
    assert_eq!(made.json["source"], "production");
    assert_eq!(names(&made.json, "outputs"), ["label", "confidence", "probabilities.0", "probabilities.1"]);
    assert_eq!(names(&made.json, "features").len(), 30);
    world.stop().await;
}

#[tokio::test]
async fn tables_that_do_not_fit_are_refused_with_what_is_missing() {
    let world = World::of(Database::Sqlite, "xgb_binary").await;
    let path = format!("{REGISTRY}/models/{}/baselines", world.model);
    for (table, word) in [
        ("a,b\n1,2\n".to_owned(), "the table lacks columns that the model takes: "),
        (table(&world).await.replacen(&world.rows[0][0].to_string(), "text", 1), "holds texts or times"),
        (table(&world).await.lines().next().expect("a header").to_owned(), ""),
    ] {
        let refused = upload(&world, table).await.expect(422);
        assert!(refused.text.contains(word), "{}", refused.text);
    }
    let columns =
        world.api.serve("columns", servoir_tests::fixture::Fixture::read("sklearn_pipeline_columns").model).await;
    let of_columns = format!("{REGISTRY}/models/{columns}/baselines");
    let form = Form::new().part("file", Part::text("x,y\n1,2\n3,4\n").file_name("rows.csv"));
    let refused = world.api.send(world.api.request(Method::POST, &of_columns).multipart(form)).await.expect(422);
    assert!(refused.code() == "table-mismatch" && refused.text.contains("the table lacks columns"), "{}", refused.text);
    for (body, status) in [
        (json!({}), 400),
        (json!({"datasetId": "dataset_none"}), 404),
        (json!({"datasetId": "dataset_none", "version": 9}), 404),
        (
            json!({"datasetId": "a", "fromProduction": {"from": "2025-01-01T00:00:00Z", "to": "2025-01-02T00:00:00Z"}}),
            400,
        ),
        (json!({"fromProduction": {"from": "2025-01-02T00:00:00Z", "to": "2025-01-01T00:00:00Z"}}), 400),
        (json!({"fromProduction": {"from": "yesterday", "to": "2025-01-01T00:00:00Z"}}), 400),
    ] {
        world.api.post(&path, body).await.expect(status);
    }
    world.stop().await;
}
