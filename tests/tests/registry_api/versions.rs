//! Versions: lists, artifacts and their ranges, deletion.

use super::{column, keys_of, model, on_both};
use reqwest::Method;
use serde_json::{Value, json};
use servoir_tests::fixture::Fixture;
use servoir_types::Digest;
use std::collections::BTreeSet;

#[tokio::test]
async fn versions_are_numbered_listed_and_deleted() {
    on_both(async |server| {
        let api = server.api();
        let (first, second) = (Fixture::read("xgb_binary").model, Fixture::read("xgb_binary_v2").model);
        let id = api.create_model("churn").await;
        let versions = format!("{}/versions", model(&id));
        for (number, artifact) in [&first, &second, &first].into_iter().enumerate() {
            let version = api.upload("churn", artifact.clone()).await.expect(201);
            assert_eq!(version.json["version"], number + 1);
            assert_eq!(version.header("location"), format!("{versions}/{}", number + 1));
        }
        let one = api.get(&format!("{versions}/1")).await.expect(200).json;
        let fields = BTreeSet::from([
            "version",
            "description",
            "metrics",
            "artifactUri",
            "createdAt",
            "createdBy",
            "format",
            "sizeBytes",
            "sha256",
            "signature",
            "state",
            "reason",
        ]);
        assert_eq!(keys_of(&one), fields);
        let digest = Digest::of(&first).to_hex();
        let expected = json!({"version": 1, "description": "", "metrics": {}, "format": "onnx", "state": "ready",
            "reason": null, "sizeBytes": first.len(), "sha256": digest,
            "artifactUri": format!("servoir://sha256/{digest}")});
        for (field, expected) in expected.as_object().expect("an object") {
            assert_eq!(&one[field], expected, "{field}");
        }
        assert_eq!(one["signature"]["inputs"][0]["shape"], json!([-1, 30]));
        assert_eq!(one["signature"]["inputs"][0]["datatype"], "FP32");

        let list = api.get(&versions).await.expect(200).json;
        assert_eq!(keys_of(&list), BTreeSet::from(["count", "limit", "offset", "versions"]));
        assert_eq!(
            (&list["count"], column(&list["versions"], "version")),
            (&json!(3), vec![3.into(), 2.into(), 1.into()])
        );
        let page = api.get(&format!("{versions}?limit=1&offset=1")).await.expect(200).json;
        assert_eq!((&page["count"], column(&page["versions"], "version")), (&json!(3), vec![json!(2)]));
        let whole = api.get(&model(&id)).await.expect(200).json;
        assert_eq!((&whole["latestVersion"], &whole["versions"]), (&json!(3), &list["versions"]));

        api.deploy(&id, json!({"version": 2})).await.expect(200);
        assert_eq!(api.delete(&format!("{versions}/2")).await.expect(409).code(), "version-deployed");
        api.delete(&format!("{versions}/3")).await.expect(204);
        api.delete(&format!("{versions}/3")).await.expect(404);
        let fourth = api.upload("churn", second).await.expect(201).json;
        assert_eq!(fourth["version"], 4, "a number is not given again");
        api.get(&format!("{versions}/1/artifact")).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn an_artifact_is_downloaded_whole_or_in_part() {
    on_both(async |server| {
        let api = server.api();
        let artifact = Fixture::read("xgb_binary").model;
        let id = api.create_model("Größe-1").await;
        api.upload(&id, artifact.clone()).await.expect(201);
        let path = format!("{}/versions/1/artifact", model(&id));
        let size = artifact.len();
        let last = size - 1;
        let cases: [(Option<String>, u16, Option<std::ops::Range<usize>>); 9] = [
            (None, 200, Some(0..size)),
            (Some("bytes=0-0".into()), 206, Some(0..1)),
            (Some("bytes=10-19".into()), 206, Some(10..20)),
            (Some("bytes=100-".into()), 206, Some(100..size)),
            (Some("bytes=-7".into()), 206, Some(size - 7..size)),
            (Some(format!("bytes={last}-99999999")), 206, Some(last..size)),
            (Some(format!("bytes={size}-")), 416, None),
            (Some("bytes=0-1,5-6".into()), 200, Some(0..size)),
            (Some("pages=1-2".into()), 200, Some(0..size)),
        ];
        for (range, status, expected) in cases {
            let request = api.request(Method::GET, &path);
            let request = if let Some(range) = &range { request.header("range", range) } else { request };
            let response = request.send().await.expect("an answer");
            assert_eq!(response.status().as_u16(), status, "{range:?}");
            let headers = response.headers().clone();
            let header = |name: &str| headers.get(name).map(|value| value.to_str().expect("ASCII").to_owned());
            let Some(expected) = expected else {
                assert_eq!(header("content-range"), Some(format!("bytes */{size}")));
                continue;
            };
            assert_eq!(header("content-length"), Some(expected.len().to_string()), "{range:?}");
            assert_eq!(header("accept-ranges").as_deref(), Some("bytes"));
            assert_eq!(header("etag"), Some(format!("\"{}\"", Digest::of(&artifact))));
            assert!(header("digest").is_some_and(|digest| digest.starts_with("sha-256=") && digest.ends_with('=')));
            assert_eq!(header("content-disposition").as_deref(), Some("attachment; filename=\"Gr__e-1-v1.onnx\""));
            let part = (status == 206).then(|| format!("bytes {}-{}/{size}", expected.start, expected.end - 1));
            assert_eq!(header("content-range"), part, "{range:?}");
            assert_eq!(response.bytes().await.expect("the bytes"), artifact[expected], "{range:?}");
        }
        let tag = format!("\"{}\"", Digest::of(&artifact));
        api.send(api.request(Method::GET, &path).header("if-none-match", &tag)).await.expect(304);
        for (seen, status) in [(tag.as_str(), 206), ("\"another\"", 200)] {
            let request = api.request(Method::GET, &path).header("range", "bytes=0-9").header("if-range", seen);
            api.send(request).await.expect(status);
        }
    })
    .await;
}

#[tokio::test]
async fn versions_that_do_not_exist() {
    on_both(async |server| {
        let api = server.api();
        let id = api.create_model("churn").await;
        for (path, status) in [
            ("versions/1", 404),
            ("versions/0", 404),
            ("versions/-1", 404),
            ("versions/1/artifact", 404),
            ("versions/latest", 400),
            ("versions/99999999999999999999", 400),
        ] {
            api.get(&format!("{}/{path}", model(&id))).await.expect(status);
        }
        assert_eq!(api.deploy(&id, json!({})).await.expect(409).code(), "no-ready-version");
        assert_eq!(
            api.get(&format!("{}/versions", model(&id))).await.expect(200).json["versions"],
            Value::Array(vec![])
        );
    })
    .await;
}
