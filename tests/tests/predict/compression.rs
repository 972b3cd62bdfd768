//! gzip and deflate, both ways.

use crate::first_row;
use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};
use reqwest::Method;
use serde_json::{Value, json};
use servoir_tests::api::{Answer, Api};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{Database, TestServer};
use std::io::{Read as _, Write as _};

const INFER: &str = "/v2/models/churn/infer";
const PREDICT: &str = "/v1/predict/churn";
const BODY_BYTES_MAX: usize = 1 << 20;

fn encoded(coding: &str, body: &[u8]) -> Vec<u8> {
    let level = Compression::default();
    match coding {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), level);
            encoder.write_all(body).and_then(|()| encoder.finish()).expect("written to memory")
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(body).and_then(|()| encoder.finish()).expect("written to memory")
        }
        _ => body.to_vec(),
    }
}

/// The JSON of an answer that is encoded as its header says.
fn decoded(answer: &Answer) -> Value {
    let mut body = Vec::new();
    match answer.header("content-encoding") {
        "gzip" => GzDecoder::new(&answer.bytes[..]).read_to_end(&mut body).expect("gzip"),
        "deflate" => ZlibDecoder::new(&answer.bytes[..]).read_to_end(&mut body).expect("deflate"),
        _ => (&answer.bytes[..]).read_to_end(&mut body).expect("memory"),
    };
    serde_json::from_slice(&body).expect("JSON")
}

/// A server with a model, and bodies of so many rows for both protocols.
async fn start(rows: usize) -> (TestServer, Api, Value, Value) {
    let server = TestServer::start_with(Database::Sqlite, |config| {
        config.limits.predict_body_bytes_max = BODY_BYTES_MAX;
    })
    .await;
    let api = server.api();
    let fixture = Fixture::read("xgb_binary");
    let row = first_row(&fixture);
    api.serve("churn", fixture.model).await;
    let data = vec![row.clone(); rows].concat();
    let v2 = json!({"inputs": [{"name": "input", "datatype": "FP32", "shape": [rows, 30], "data": data}]});
    (server, api, v2, json!({"instances": vec![row; rows]}))
}

#[tokio::test]
async fn bodies_and_answers_are_compressed_as_their_headers_say() {
    let (server, api, v2, v1) = start(500).await;
    for (path, body, field) in [(INFER, &v2, "outputs"), (PREDICT, &v1, "predictions")] {
        let plain = api.post(path, body.clone()).await.expect(200);
        assert_eq!((plain.header("content-encoding"), plain.header("vary")), ("", "accept-encoding"));
        for coding in ["gzip", "deflate", "identity"] {
            let request = api.request(Method::POST, path).header("content-encoding", coding);
            let request = request.header("accept-encoding", coding).body(encoded(coding, body.to_string().as_bytes()));
            let answer = api.send(request).await.expect(200);
            assert_eq!(answer.header("content-encoding"), if coding == "identity" { "" } else { coding });
            assert_eq!(answer.header("vary"), "accept-encoding");
            assert_eq!(decoded(&answer)[field], plain.json[field], "{path} {coding}");
            assert_eq!(answer.header("content-type"), "application/json");
            assert!(coding == "identity" || answer.bytes.len() * 2 < plain.bytes.len(), "{}", answer.bytes.len());
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn answers_are_compressed_where_it_is_asked_for_and_worth_it() {
    let (server, api, mut large, _) = start(500).await;
    let cases = [
        ("gzip, deflate, br, zstd", "gzip"),
        ("deflate;q=0.9, gzip;q=0.1", "deflate"),
        ("*", "gzip"),
        ("br", ""),
        ("gzip;q=0", ""),
        ("identity;q=0", ""),
    ];
    let ask = |accepts: &'static str, body: String| {
        let request = api.request(Method::POST, INFER).header("accept-encoding", accepts).body(body);
        let api = api.clone();
        async move { api.send(request).await }
    };
    for (accepts, coding) in cases {
        let answer = ask(accepts, large.to_string()).await.expect(200);
        assert_eq!(answer.header("content-encoding"), coding, "{accepts}");
        assert!(decoded(&answer)["outputs"].is_array());
    }
    // The length of the JSON in a binary answer is that before it was compressed.
    large["parameters"] = json!({"binary_data_output": true});
    let answer = ask("gzip", large.to_string()).await.expect(200);
    assert_eq!(
        (answer.header("content-encoding"), answer.header("content-type")),
        ("gzip", "application/octet-stream")
    );
    let mut body = Vec::new();
    GzDecoder::new(&answer.bytes[..]).read_to_end(&mut body).expect("gzip");
    let head_len: usize = answer.header("inference-header-content-length").parse().expect("a length");
    let head: Value = serde_json::from_slice(&body[..head_len]).expect("JSON");
    let sizes = head["outputs"].as_array().expect("outputs").iter();
    let size: u64 = sizes.map(|output| output["parameters"]["binary_data_size"].as_u64().expect("a size")).sum();
    assert_eq!(body.len() as u64, head_len as u64 + size);

    let row = &large["inputs"][0]["data"].as_array().expect("data")[..30];
    let small = json!({"inputs": [{"name": "input", "datatype": "FP32", "shape": [1, 30], "data": row}]}).to_string();
    for (accepts, coding) in [("gzip", ""), ("gzip, identity;q=0", "gzip")] {
        let answer = ask(accepts, small.clone()).await.expect(200);
        assert_eq!(answer.header("content-encoding"), coding, "{accepts}");
    }
    // What is no prediction, and what went wrong, is never compressed: clients read it as it is.
    let gzip = |method: Method, path: &str| api.request(method, path).header("accept-encoding", "gzip, identity;q=0");
    for request in [gzip(Method::GET, "/v2/models/churn/config"), gzip(Method::POST, INFER).body("{")] {
        assert_eq!(api.send(request).await.header("content-encoding"), "");
    }
    server.stop().await;
}

#[tokio::test]
async fn streams_that_are_broken_unknown_or_too_large_are_refused() {
    let (server, api, body, _) = start(2).await;
    let body = body.to_string().into_bytes();
    let bomb = |coding: &str| encoded(coding, &vec![b' '; 64 << 20]);
    let cut = |coding: &str| {
        let stream = encoded(coding, &body);
        stream[..stream.len() - 3].to_vec()
    };
    let two = [encoded("gzip", &body[..50]), encoded("gzip", &body[50..])].concat();
    let cases = [
        ("gzip", encoded("gzip", &body), 200, "outputs"),
        ("gzip", two, 200, "outputs"),
        ("gzip", bomb("gzip"), 413, "1048576"),
        ("deflate", bomb("deflate"), 413, "1048576"),
        ("gzip", vec![0x1f; BODY_BYTES_MAX + 1], 413, "1048576"),
        ("gzip", cut("gzip"), 400, "gzip"),
        ("deflate", cut("deflate"), 400, "deflate"),
        ("gzip", body.clone(), 400, "gzip"),
        ("deflate", body.clone(), 400, "deflate"),
        ("gzip", Vec::new(), 400, "gzip"),
        ("deflate", [encoded("deflate", &body), b"more".to_vec()].concat(), 400, "behind the end"),
        ("br", body.clone(), 415, "'br'"),
        ("gzip, gzip", encoded("gzip", &encoded("gzip", &body)), 415, "more than once"),
    ];
    for (coding, stream, status, says) in cases {
        let request = api.request(Method::POST, INFER).header("content-encoding", coding).body(stream);
        let answer = api.send(request).await.expect(status);
        assert!(answer.text.contains(says), "{coding}: {}", answer.text);
    }
    server.stop().await;
}
