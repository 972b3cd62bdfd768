//! Publishing: forms in every order, artifacts from elsewhere, and uploads that break off.

use super::{model, on_both, on_both_with, pointers};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use servoir_tests::api::{Answer, Api};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{BOOTSTRAP_KEY, TestServer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

fn artifact() -> Vec<u8> {
    Fixture::read("xgb_binary").model
}

fn file(bytes: Vec<u8>) -> Part {
    Part::bytes(bytes).file_name("model.onnx")
}

async fn publish(api: &Api, id: &str, form: Form) -> Answer {
    api.send(api.request(Method::POST, &format!("{}/versions", model(id))).multipart(form)).await
}

#[tokio::test]
async fn metadata_comes_before_or_after_the_artifact() {
    on_both(async |server| {
        let api = server.api();
        let id = api.create_model("churn").await;
        let metadata = || {
            let metadata = json!({"description": "first", "format": "onnx",
                "metrics": {"auc": 0.91, "rows": 569, "final": true, "by": "ada"}});
            Part::text(metadata.to_string())
        };
        let forms = [
            Form::new().part("metadata", metadata()).part("artifact", file(artifact())),
            Form::new().part("artifact", file(artifact())).part("metadata", metadata()),
        ];
        for form in forms {
            let version = publish(&api, &id, form).await.expect(201).json;
            assert_eq!(version["description"], "first");
            assert_eq!(version["metrics"], json!({"auc": 0.91, "rows": 569, "final": true, "by": "ada"}));
        }
    })
    .await;
}

#[tokio::test]
async fn forms_that_are_wrong_publish_nothing() {
    on_both(async |server| {
        let api = server.api();
        let id = api.create_model("churn").await;
        let with = |metadata: Value| {
            Form::new().part("artifact", file(artifact())).part("metadata", Part::text(metadata.to_string()))
        };
        let cases: [(Form, u16, &str, &[&str]); 8] = [
            (Form::new().text("metadata", "{}"), 400, "validation", &["/artifact"]),
            (Form::new().part("artefact", file(artifact())), 400, "validation", &["/artefact"]),
            (with(json!({})).text("metadata", "{}"), 400, "validation", &["/metadata"]),
            (with(json!({})).part("artifact", file(artifact())), 400, "validation", &["/artifact"]),
            (
                with(json!({"metrics": {"a": null, "b": [1]}, "format": "pickle"})),
                400,
                "validation",
                &["/metadata/metrics/a", "/metadata/metrics/b", "/metadata/format"],
            ),
            (with(json!({"metric": {}})), 400, "validation", &["/metadata/metric"]),
            (with(json!({"description": "x".repeat(2 << 20)})), 413, "body-too-large", &[]),
            (with(json!({"format": "lightgbm-text"})), 422, "format-mismatch", &[]),
        ];
        for (form, status, code, named) in cases {
            let answer = publish(&api, &id, form).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{}", answer.text);
            if !named.is_empty() {
                assert_eq!(pointers(&answer.json), named);
            }
        }
        let foreign = api.request(Method::POST, &format!("{}/versions", model(&id))).body("x");
        assert_eq!(api.send(foreign).await.expect(415).code(), "unsupported-media-type");
        nothing_is_left(server, &api, &id).await;
    })
    .await;
}

#[tokio::test]
async fn an_artifact_over_the_limit_is_refused_before_it_is_read() {
    let small = |config: &mut servoir::config::Config| config.limits.artifact_bytes_max = 1000;
    on_both_with(small, async |server| {
        let api = server.api();
        let id = api.create_model("churn").await;
        let refused = publish(&api, &id, Form::new().part("artifact", file(vec![1; 1001]))).await.expect(413);
        assert_eq!(refused.code(), "artifact-too-large");
        assert!(refused.text.contains("1000"), "{}", refused.text);
        let head = head(&id, "content-length: 1000000000000");
        let answer = converse(server, head.as_bytes(), false).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "not one byte of the body was sent: {answer}");
        nothing_is_left(server, &api, &id).await;
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    on_both(async |server| {
        let api = server.api();
        let id = api.create_model("churn").await;
        let form_head = "--b\r\ncontent-disposition: form-data; name=\"artifact\"; filename=\"m\"\r\n\r\n";
        // The last boundary is missing although the body is as long as it says.
        let body = format!("{form_head}half a model");
        let whole = format!("{}{body}", head(&id, &format!("content-length: {}", body.len())));
        let answer = converse(server, whole.as_bytes(), false).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("malformed-multipart"), "{answer}");
        // The connection closes in the middle.
        let cut = format!("{}{form_head}half a model", head(&id, "content-length: 100000"));
        let answer = converse(server, cut.as_bytes(), true).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
        nothing_is_left(server, &api, &id).await;
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_stalls_is_given_up() {
    let impatient = |config: &mut servoir::config::Config| config.limits.body_idle_seconds = 1;
    on_both_with(impatient, async |server| {
        let api = server.api();
        let id = api.create_model("churn").await;
        let part = "--b\r\ncontent-disposition: form-data; name=\"artifact\"; filename=\"m\"\r\n\r\nhalf";
        let stalled = format!("{}{part}", head(&id, "content-length: 100000"));
        let answer = converse(server, stalled.as_bytes(), false).await;
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("body-timeout"), "{answer}");
        nothing_is_left(server, &api, &id).await;
    })
    .await;
}

fn head(id: &str, length: &str) -> String {
    format!(
        "POST {}/versions HTTP/1.1\r\nhost: test\r\nx-api-key: {BOOTSTRAP_KEY}\r\nconnection: close\r\n\
         content-type: multipart/form-data; boundary=b\r\n{length}\r\n\r\n",
        model(id)
    )
}

/// Sends bytes and reads the answer to its end; `hangs_up` closes the sending side after the last byte.
async fn converse(server: &TestServer, bytes: &[u8], hangs_up: bool) -> String {
    let address = server.url().replace("http://", "");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(bytes).await.expect("the bytes go out");
    if hangs_up {
        stream.shutdown().await.expect("the sending side closes");
    }
    let mut answer = Vec::new();
    // A server that refuses a body may reset the connection once it has answered.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn nothing_is_left(server: &TestServer, api: &Api, id: &str) {
    let versions = api.get(&format!("{}/versions", model(id))).await.expect(200).json;
    assert_eq!(versions["count"], 0);
    let uploads = server.data_dir().join("scratch").join("uploads");
    let left = std::fs::read_dir(uploads).map(|entries| entries.count()).unwrap_or_default();
    assert_eq!(left, 0, "no file is left");
}

#[tokio::test]
async fn an_artifact_is_taken_from_an_allowed_store() {
    let store = tempfile::tempdir().expect("a folder");
    std::fs::write(store.path().join("model.onnx"), artifact()).expect("a file");
    std::fs::write(store.path().join("notes.txt"), "not a model").expect("a file");
    let prefix = format!("file://{}/", store.path().display());
    let allowing = |config: &mut servoir::config::Config| config.import_sources = vec![prefix.clone()];
    on_both_with(allowing, async |server| {
        let api = server.api();
        let id = api.create_model("churn").await;
        let versions = format!("{}/versions", model(&id));
        let body = json!({"artifactUri": format!("{prefix}model.onnx"), "description": "from the store",
            "metrics": {"auc": 0.9}});
        let first = api.post(&versions, body).await.expect(201).json;
        assert_eq!((&first["description"], &first["metrics"]["auc"]), (&json!("from the store"), &json!(0.9)));
        let again = api.post(&versions, json!({"artifactUri": first["artifactUri"]})).await.expect(201).json;
        assert_eq!((&again["version"], &again["sha256"]), (&json!(2), &first["sha256"]));
        let cases = [
            (json!({}), 400, "validation"),
            (json!({"artifactUri": 5}), 400, "validation"),
            (json!({"artifactUri": format!("{prefix}model.onnx"), "size": 5}), 400, "validation"),
            (json!({"artifactUri": format!("{prefix}notes.txt")}), 422, "unsupported-artifact"),
            (json!({"artifactUri": format!("{prefix}../etc/passwd")}), 422, "source-refused"),
            (json!({"artifactUri": "file:///etc/passwd"}), 422, "source-refused"),
            (json!({"artifactUri": "https://models.example/m.onnx"}), 422, "source-refused"),
            (json!({"artifactUri": format!("servoir://sha256/{}", "0".repeat(64))}), 422, "source-refused"),
        ];
        for (body, status, code) in cases {
            let answer = api.post(&versions, body.clone()).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{body}: {}", answer.text);
        }
        assert_eq!(api.get(&versions).await.expect(200).json["count"], 2);
    })
    .await;
}

#[tokio::test]
async fn what_the_database_and_the_store_take_is_measured() {
    on_both(async |server| {
        let api = server.api();
        let id = api.create_model("churn").await;
        publish(&api, &id, Form::new().part("artifact", file(artifact()))).await.expect(201);
        let metrics = api.get("/metrics").await.expect(200).text;
        let count = |metric: &str, operation: &str| -> u64 {
            let series = format!("{metric}_count{{operation=\"{operation}\"}} ");
            let line = metrics.lines().find_map(|line| line.strip_prefix(&series));
            line.unwrap_or_else(|| panic!("no {series}")).parse().expect("a count")
        };
        let [acquired, read, written] =
            ["acquire", "read", "write"].map(|operation| count("servoir_registry_duration_seconds", operation));
        assert!(read > 0 && written >= 2 && acquired >= read + written, "{acquired}, {read}, {written}");
        assert_eq!(count("servoir_store_duration_seconds", "put"), 1);
        assert_eq!(count("servoir_store_duration_seconds", "delete"), 0);
    })
    .await;
}
