//! The logging extension, on a process of its own: what is logged changes while it runs.

use serde_json::json;
use servoir_tests::process::ServerProcess;
use std::time::Duration;
use tempfile::TempDir;

#[tokio::test]
async fn levels_change_while_the_server_runs() {
    let data = TempDir::new().expect("a temporary folder");
    let process = ServerProcess::start(data.path()).await;
    process.ready(Duration::from_secs(30)).await;
    let api = process.api();
    let settings = |info: bool, verbose: u32| {
        json!({"log_file": "", "log_info": info, "log_warning": true, "log_error": true,
            "log_verbose_level": verbose, "log_format": "default"})
    };
    assert_eq!(api.get("/v2/logging").await.expect(200).json, settings(true, 0));
    for (change, expected) in [
        (json!({"log_verbose_level": 1}), settings(true, 1)),
        (json!({}), settings(true, 1)),
        (
            json!({"log_verbose_level": 0, "log_info": false, "log_file": "", "log_format": "default"}),
            settings(false, 0),
        ),
        (json!({"log_info": true}), settings(true, 0)),
    ] {
        assert_eq!(api.post("/v2/logging", change.clone()).await.expect(200).json, expected, "{change}");
        assert_eq!(api.get("/v2/logging").await.expect(200).json, expected);
    }
    for (change, says) in [
        (json!({"log_file": "/tmp/log"}), "/log_file"),
        (json!({"log_format": "ISO8601"}), "log.format"),
        (json!({"log_warning": false}), "log_info is on and log_warning is off"),
        (json!({"log_verbose_level": -1}), "log_verbose_level"),
        (json!({"log_level": 1}), "log_level"),
    ] {
        let refused = api.post("/v2/logging", change).await.expect(400);
        assert!(refused.text.contains(says), "{}", refused.text);
    }
    assert_eq!(api.get("/v2/logging").await.expect(200).json, settings(true, 0));
    assert!(process.terminate().await.success());
}
