//! Datasets over the API: uploaded, imported, listed, previewed, linked and deleted.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use servoir_tests::api::{Answer, Api};
use servoir_tests::environment;
use servoir_tests::server::{Database, TestServer};

const DATASETS: &str = "/api/v1/datasets";
const STUDIO: &str = "/api/v1/models";
const TABLE: &str = "age,plan,churn\n31,basic,0\n,pro,1\n47,basic,0\n";

fn form(name: &str, bytes: impl Into<Vec<u8>>) -> Form {
    Form::new().part("file", Part::bytes(bytes.into()).file_name(name.to_owned()))
}

async fn send(api: &Api, form: Form) -> Answer {
    api.send(api.request(Method::POST, DATASETS).multipart(form)).await
}

async fn dataset(api: &Api, name: &str) -> String {
    let added = send(api, form(name, TABLE)).await.expect(201).json;
    added["id"].as_str().expect("an id").to_owned()
}

/// No row, no file, no artifact.
async fn nothing_is_left(server: &TestServer) {
    assert_eq!(server.api().get(DATASETS).await.expect(200).json["total"], 0);
    let uploads = std::fs::read_dir(server.data_dir().join("scratch/uploads")).expect("a folder").count();
    assert_eq!(uploads, 0);
}

#[tokio::test]
async fn an_upload_is_profiled_and_read_again() {
    let server = TestServer::start().await;
    let api = server.api();
    let answer = send(&api, form("churn.csv", TABLE)).await.expect(201);
    let added = &answer.json;
    assert_eq!(answer.header("location"), format!("{DATASETS}/{}", added["id"].as_str().unwrap()));
    assert_eq!((&added["name"], &added["format"], &added["rows"]), (&json!("churn"), &json!("csv"), &json!(3)));
    assert_eq!((&added["size_bytes"], &added["compression"]), (&json!(TABLE.len()), &Value::Null));
    assert_eq!(added["dialect"], json!({"delimiter": ",", "header": true}));
    assert_eq!(added["problems"], json!({"broken_rows": 0, "first": []}));
    let age = &added["columns"][0];
    assert_eq!((&age["name"], &age["type"], &age["exact"]), (&json!("age"), &json!("integer"), &json!(true)));
    assert_eq!(
        (&age["nulls"], &age["distinct"], &age["min"], &age["max"]),
        (&json!(1), &json!(2), &json!(31), &json!(47))
    );
    assert_eq!((&age["mean"], &age["quantiles"]["p50"]), (&json!(39.0), &json!(39.0)));
    let plan = &added["columns"][1];
    assert_eq!(plan["top_values"], json!([{"value": "basic", "count": 2}, {"value": "pro", "count": 1}]));
    let path = answer.header("location").to_owned();
    assert_eq!(&api.get(&path).await.expect(200).json, added);
    let preview = api.get(&format!("{path}/preview?limit=2")).await.expect(200).json;
    assert_eq!(preview["rows"], json!([[31, "basic", 0], [null, "pro", 1]]));
    assert_eq!(preview["columns"][1], json!({"name": "plan", "type": "text"}));
    for limit in ["0", "201", "x"] {
        assert_eq!(api.get(&format!("{path}/preview?limit={limit}")).await.expect(400).code(), "validation");
    }
    api.delete(&path).await.expect(204);
    api.get(&path).await.expect(404);
    api.get(&format!("{path}/preview")).await.expect(404);
    api.delete(&path).await.expect(404);
    nothing_is_left(&server).await;
    let entries = api.get("/api/v1/audit-logs").await.expect(200).json;
    let actions: Vec<_> = entries["results"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions[..2], [&json!("dataset.deleted"), &json!("dataset.created")]);
    server.stop().await;
}

#[tokio::test]
async fn files_of_every_kind_are_taken() {
    let server = TestServer::start().await;
    let api = server.api();
    let folder = environment::fixtures().join("datasets");
    let files = [
        "wine_csv_gzip.csv.gz",
        "wine_semicolons.csv",
        "wine_zstd.parquet",
        "many_values.parquet",
        "too_few_fields.csv",
    ];
    for file in files {
        let bytes = std::fs::read(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let golden = std::fs::read(folder.join(format!("{}.json", file.split('.').next().unwrap()))).expect("a golden");
        let golden: Value = serde_json::from_slice(&golden).expect("JSON");
        let added = send(&api, form(file, bytes).text("name", format!("the {file}"))).await.expect(201).json;
        assert_eq!((&added["name"], &added["rows"]), (&json!(format!("the {file}")), &golden["rows"]), "{file}");
        assert_eq!(added["problems"]["broken_rows"], golden["broken"].as_array().unwrap().len(), "{file}");
        for (column, golden) in added["columns"].as_array().unwrap().iter().zip(golden["columns"].as_array().unwrap()) {
            for what in ["name", "type", "count", "nulls"] {
                assert_eq!(column[what], golden[what], "{file}: {what} of {}", golden["name"]);
            }
        }
    }
    let list = api.get(&format!("{DATASETS}?search=WINE&page_size=2")).await.expect(200).json;
    assert_eq!((&list["total"], &list["page"], &list["page_size"]), (&json!(3), &json!(1), &json!(2)));
    assert_eq!(list["results"].as_array().unwrap().len(), 2);
    assert!(list["results"][0].get("columns").is_none(), "lists are lean");
    let broken = api.get(&format!("{DATASETS}?search=few")).await.expect(200).json["results"][0]["id"].clone();
    let broken = api.get(&format!("{DATASETS}/{}", broken.as_str().unwrap())).await.expect(200).json;
    let reason = "it has 1 fields where the first row has 2";
    assert_eq!(broken["problems"], json!({"broken_rows": 1, "first": [{"line": 12, "reason": reason}]}));
    server.stop().await;
}

#[tokio::test]
async fn uploads_that_are_wrong_leave_nothing() {
    let small = |config: &mut servoir::config::Config| config.limits.dataset_bytes_max = 1000;
    let server = TestServer::start_with(Database::Sqlite, small).await;
    let api = server.api();
    let cases: [(Form, u16, &str, &str); 10] = [
        (Form::new().text("name", "x"), 400, "validation", "/file"),
        (form("x.csv", TABLE).text("label", "x"), 400, "validation", "/label"),
        (form("x.csv", TABLE).part("file", Part::text(TABLE)), 400, "validation", "/file"),
        (form("x.csv", TABLE).text("name", "a/b"), 400, "validation", "/name"),
        (Form::new().part("file", Part::text(TABLE)), 400, "validation", "/name"),
        (form("x.csv", vec![b'1'; 1001]), 413, "artifact-too-large", "1000"),
        (form("x.csv", ""), 422, "unreadable-dataset", "empty"),
        (form("x.csv", "a,b\n1\n2\n"), 422, "unreadable-dataset", "line 2"),
        (form("x.csv", "a,a\n1,2\n"), 422, "unreadable-dataset", "columns 1 and 2"),
        (form("x.parquet", "PAR1 and nothing more"), 422, "unreadable-dataset", "cut off"),
    ];
    for (form, status, code, word) in cases {
        let refused = send(&api, form).await.expect(status);
        assert_eq!(refused.code(), code, "{}", refused.text);
        assert!(refused.text.contains(word), "{word}: {}", refused.text);
        nothing_is_left(&server).await;
    }
    let text = api.request(Method::POST, DATASETS).header("content-type", "text/csv").body(TABLE);
    assert_eq!(api.send(text).await.expect(415).code(), "unsupported-media-type");
    dataset(&api, "x.csv").await;
    assert_eq!(send(&api, form("x.csv.gz", TABLE)).await.expect(409).code(), "name-taken");
    server.stop().await;
}

#[tokio::test]
async fn a_file_comes_from_an_allowed_store_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().canonicalize().expect("a path");
    std::fs::write(place.join("churn.csv"), TABLE).expect("a file");
    let allowed = format!("file://{}", place.display());
    let allowing = |config: &mut servoir::config::Config| config.import_sources = vec![allowed.clone()];
    let server = TestServer::start_with(Database::Sqlite, allowing).await;
    let api = server.api();
    let added = api.post(DATASETS, json!({"uri": format!("{allowed}/churn.csv")})).await.expect(201).json;
    assert_eq!((&added["name"], &added["rows"]), (&json!("churn"), &json!(3)));
    let named = json!({"uri": format!("{allowed}/churn.csv"), "name": "again"});
    assert_eq!(api.post(DATASETS, named).await.expect(201).json["sha256"], added["sha256"]);
    for uri in ["file:///etc/passwd", "s3://bucket/x.csv", "http://127.0.0.1/x.csv", "churn.csv"] {
        assert_eq!(api.post(DATASETS, json!({"uri": uri})).await.expect(422).code(), "source-refused", "{uri}");
    }
    for body in [json!({}), json!({"uri": 1}), json!({"uri": allowed, "x": 1})] {
        assert_eq!(api.post(DATASETS, body).await.expect(400).code(), "validation");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_model_is_linked_to_one_dataset() {
    let server = TestServer::start().await;
    let api = server.api();
    let (one, other) = (dataset(&api, "one.csv").await, dataset(&api, "other.csv").await);
    let model = json!({"name": "churn", "model_type": "auto", "task_type": "classification"});
    let model = api.post(STUDIO, model).await.expect(201).json["id"].as_str().unwrap().to_owned();
    let link = format!("{STUDIO}/churn/dataset");
    api.get(&link).await.expect(404);
    api.delete(&link).await.expect(404);
    // Without a configuration there is nothing to check.
    let linked = api.post(&link, json!({"dataset_id": one})).await.expect(200).json;
    assert_eq!((&linked["model_id"], &linked["dataset_id"]), (&json!(model), &json!(one)));
    assert_eq!((&linked["dataset_name"], &linked["schema_validated"]), (&json!("one"), &json!(true)));
    assert_eq!(api.get(&link).await.expect(200).json, linked);
    assert_eq!(api.delete(&format!("{DATASETS}/{one}")).await.expect(409).code(), "dataset-linked");
    let linked = api.post(&link, json!({"dataset_id": other, "validate_schema": false})).await.expect(200).json;
    assert_eq!((&linked["dataset_name"], &linked["schema_validated"]), (&json!("other"), &json!(false)));
    api.delete(&format!("{DATASETS}/{one}")).await.expect(204);
    let config = json!({"target_column": "churned", "feature_columns": ["age", "income", "plan", "city"]});
    api.put(&format!("{STUDIO}/churn/config"), config).await.expect(200);
    let refused = api.post(&link, json!({"dataset_id": other})).await.expect(422);
    assert_eq!(refused.code(), "columns-missing");
    assert!(refused.text.contains("churned, income, city"), "{}", refused.text);
    for (body, status) in
        [(json!({"dataset_id": "dataset_none"}), 404), (json!({}), 400), (json!({"dataset": "x"}), 400)]
    {
        api.post(&link, body).await.expect(status);
    }
    api.delete(&link).await.expect(204);
    api.get(&link).await.expect(404);
    api.delete(&format!("{DATASETS}/{other}")).await.expect(204);
    server.stop().await;
}
