//! Files that are not what they claim, and uploads that go wrong.

use crate::{Body, Case, Target, check, models};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use servoir_tests::environment;
use servoir_tests::fixture::Fixture;

/// The shortest reason that can help anybody.
const REASON_CHARS_MIN: usize = 25;

#[tokio::test]
async fn hostile_files_are_refused_or_harmless() {
    let target = Target::start().await;
    let folder = environment::fixtures().join("hostile");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("the hostile fixtures").flatten().map(|entry| entry.path()).collect();
    files.sort();
    let (mut refused, mut kept) = (0, 0);
    for file in files.iter().filter(|file| file.is_file()) {
        let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
        let model = target.api.create_model(&format!("hostile {name}")).await;
        let uploaded = target.api.upload(&model, std::fs::read(file).expect("a fixture")).await;
        let (answer, step) = match uploaded.status.as_u16() {
            201 => (target.api.deploy(&model, json!({})).await, "deploy"),
            _ => (uploaded, "upload"),
        };
        target.unharmed(name).await;
        match answer.status.as_u16() {
            // A flipped bit can leave a model whole: then it is served like any other.
            200 if name.starts_with("bitflip") || name.starts_with("trailing") => kept += 1,
            422 => {
                refused += 1;
                let reason = answer.json["detail"].as_str().unwrap_or_default();
                println!("{name}: {step}: {} {reason}", answer.code());
                assert!(reason.chars().count() >= REASON_CHARS_MIN, "{name}: a reason that helps, not '{reason}'");
            }
            other => panic!("{name}: {step} answered {other}: {}", answer.text),
        }
    }
    println!("{refused} files refused with a reason, {kept} whole enough to serve");
    assert!(refused >= 30, "the fixtures hold many hostile files, {refused} were refused");
    let listed = target.api.get(&format!("{}?status=deployed&limit=200", models())).await.expect(200);
    assert_eq!(listed.json["count"], 1 + kept);
    target.stop().await;
}

#[tokio::test]
async fn a_pickle_is_told_why_and_what_to_do() {
    let target = Target::start().await;
    let model = target.api.create_model("pickled").await;
    let answer = target.api.upload(&model, Fixture::hostile("pickle.pkl")).await.expect(422);
    assert_eq!(answer.code(), "unsupported-artifact");
    let detail = answer.json["detail"].as_str().expect("a detail").to_lowercase();
    for word in ["pickle", "code", "onnx"] {
        assert!(detail.contains(word), "'{word}' in: {detail}");
    }
    target.stop().await;
}

#[tokio::test]
async fn uploads_that_go_wrong_leave_nothing() {
    let target = Target::start().await;
    let path = format!("{}/{}/versions", models(), target.model);
    let good = || Fixture::read("xgb_binary_v2").model;
    let part = |bytes: Vec<u8>| Part::bytes(bytes).file_name("model.onnx");
    let metadata = |text: &str| Part::text(text.to_owned()).mime_str("application/json").expect("a media type");
    let forms = [
        ("no artifact", Form::new().part("metadata", metadata("{}")), 400, "artifact"),
        ("unknown part", Form::new().part("artifact", part(good())).text("notes", "x"), 400, "notes"),
        ("artifact twice", Form::new().part("artifact", part(good())).part("artifact", part(good())), 400, "artifact"),
        (
            "metadata not JSON",
            Form::new().part("metadata", metadata("{")).part("artifact", part(good())),
            400,
            "metadata",
        ),
        (
            "metadata with an unknown field",
            Form::new().part("metadata", metadata(r#"{"acc": 1}"#)).part("artifact", part(good())),
            400,
            "acc",
        ),
        (
            "wrong format claimed",
            Form::new().part("metadata", metadata(r#"{"format": "xgboost-json"}"#)).part("artifact", part(good())),
            422,
            "onnx",
        ),
        ("an empty file", Form::new().part("artifact", part(Vec::new())), 422, "empty"),
        ("too large", Form::new().part("artifact", part(vec![7; (4 << 20) + 1])), 413, "4194304"),
    ];
    for (name, form, status, says) in forms {
        let answer = target.api.send(target.api.request(Method::POST, &path).multipart(form)).await;
        target.unharmed(name).await;
        assert_eq!(answer.status.as_u16(), status, "{name}: {}", answer.text);
        assert!(answer.text.contains(says), "{name} names '{says}': {}", answer.text);
    }
    let sources: [(&str, &str); 5] = [
        ("a file of the system", "file:///etc/passwd"),
        ("a way out", "file:///srv/models/../../etc/passwd"),
        ("another scheme", "http://127.0.0.1/model.onnx"),
        ("a bucket that is not allowed", "s3://bucket/model.onnx"),
        ("an artifact of nobody", "servoir://sha256/0000000000000000000000000000000000000000000000000000000000000000"),
    ];
    for (name, uri) in sources {
        let answer = target.api.post(&path, json!({"artifactUri": uri})).await;
        target.unharmed(name).await;
        assert!(answer.status.is_client_error(), "{name}: {}", answer.text);
        assert!(!answer.text.contains("root:"), "{name} gives nothing away");
    }
    let versions = target.api.get(&path).await.expect(200);
    assert_eq!(versions.json["count"], 1, "no version came of any of these");
    let uploads = target.server.data_dir().join("scratch").join("uploads");
    let left = std::fs::read_dir(uploads).map(|entries| entries.count()).unwrap_or_default();
    assert_eq!(left, 0, "no file is left of any of these");
    target.stop().await;
}

#[tokio::test]
async fn bytes_of_an_artifact_that_are_not_there() {
    let target = Target::start().await;
    let path = format!("{}/{}/versions/1/artifact", models(), target.model);
    let answer =
        target.api.send(target.api.request(Method::GET, &path).header("range", "bytes=99999999-")).await.expect(416);
    assert!(!answer.header("content-range").is_empty());
    let cases = [Case {
        name: "upload that is no multipart",
        method: Method::POST,
        path: "/api/v1/model-registry/models/{model}/versions",
        body: Body::Typed("application/octet-stream", vec![1, 2, 3]),
        status: 415,
        says: &["multipart/form-data"],
    }];
    check(&target, &cases).await;
    target.stop().await;
}
