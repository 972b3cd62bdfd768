//! The disk is full.

use crate::world::{AllAlong, files_below, model, other_model, refused};
use serde_json::json;
use servoir_tests::api::REGISTRY;
use servoir_tests::process::ServerProcess;
use servoir_tests::skips::skipped;
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const FULL: (&str, &str) = ("storage-full", "no space is left");

/// Becomes the command that follows, with a disk of its own at `folder`, which only that process and its children see.
fn with_small_disk(folder: &Path) -> Vec<String> {
    let script = format!("mount -t tmpfs -o size=16m tmpfs '{}' && exec \"$@\"", folder.display());
    ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", &script, "sh"].map(str::to_owned).into()
}

/// Whether this machine lets a process have a disk of its own.
fn can_have_small_disk(folder: &Path) -> bool {
    let words = with_small_disk(folder);
    Command::new(&words[0]).args(&words[1..]).arg("true").output().is_ok_and(|output| output.status.success())
}

/// Writes until nothing more fits.
fn fill(file: &Path) {
    let mut file = std::fs::File::create(file).expect("a file");
    for size in [1 << 20, 4096, 1] {
        while file.write_all(&vec![7; size]).is_ok() {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_what_is_to_be_kept_and_nothing_else() {
    let data = TempDir::new().expect("a temporary folder");
    if !can_have_small_disk(data.path()) {
        skipped("mount", "this machine lets no process mount a disk of its own (unshare --user --mount)");
        return;
    }
    let words = with_small_disk(data.path());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let server = ServerProcess::start_under(&words, data.path(), &[]).await;
    let seen = |path: &str| -> PathBuf {
        let inside = data.path().join(path);
        Path::new(&format!("/proc/{}/root", server.id())).join(inside.strip_prefix("/").expect("an absolute path"))
    };
    let api = server.api();
    let model = api.serve("churn", model()).await;
    api.upload(&model, other_model()).await.expect(201);
    let load = AllAlong::ask(&api, &model);
    let kept = files_below(&seen("artifacts"));
    fill(&seen("ballast"));

    // Large enough that it does not fit, whatever little was left.
    let large = [other_model(), vec![0x32, 0x7f], vec![b'x'; 0x7f]].concat();
    refused("upload", api.upload(&model, large.clone()), FULL).await;
    let create = async || api.post(&format!("{REGISTRY}/models"), json!({"name": "more", "framework": "onnx"})).await;
    // What little the database has to spare is used up first.
    let mut created = 0;
    let answer = loop {
        let name = format!("more-{created}");
        let answer = api.post(&format!("{REGISTRY}/models"), json!({"name": name, "framework": "onnx"})).await;
        if answer.status != 201 {
            break answer;
        }
        created += 1;
        assert!(created < 10_000, "the disk is not full");
    };
    assert_eq!((answer.status.as_u16(), answer.code()), (503, FULL.0), "{}", answer.text);
    api.get(&format!("{REGISTRY}/models/{model}")).await.expect(200);
    api.get("/readyz").await.expect(200);
    assert_eq!(files_below(&seen("artifacts")), kept, "no half of an artifact");
    assert_eq!(files_below(&seen("scratch/uploads")), 0);

    std::fs::remove_file(seen("ballast")).expect("room again");
    create().await.expect(201);
    let listed = api.get(&format!("{REGISTRY}/models?limit=1")).await.expect(200);
    assert_eq!(listed.json["count"], created + 2, "what was acknowledged, and nothing else");
    let uploaded = api.upload(&model, large).await.expect(201);
    api.deploy(&model, json!({"version": uploaded.json["version"]})).await.expect(200);
    load.was_well().await;
    assert!(server.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_cannot_be_written_harms_nobody() {
    let data = TempDir::new().expect("a temporary folder");
    // Every request is told.
    let level = ("SERVOIR_LOG__LEVEL", OsStr::new("debug"));
    let mut server = ServerProcess::start_with(data.path(), &[level]).await;
    let api = server.api();
    let model = api.serve("churn", model()).await;
    let load = AllAlong::ask(&api, &model);
    server.close_log().await;
    // More often than there are threads that load.
    for turn in 0..4 {
        let artifact = if turn % 2 == 0 { other_model() } else { crate::world::model() };
        let uploaded = api.upload(&model, artifact).await.expect(201);
        let deploy = json!({"version": uploaded.json["version"], "batching": {"maxBatchSize": 10 + turn}});
        api.deploy(&model, deploy).await.expect(200);
        api.post(&format!("{REGISTRY}/models"), json!({"name": ""})).await.expect(400);
    }
    load.was_well().await;
    assert!(server.terminate().await.success());
}
