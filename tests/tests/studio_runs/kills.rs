//! `kill -9` of the child, and of the server, at every stage: afterwards the run is what it should be, and nothing
//! half-made is left.

use crate::world::{Place, gone, server, text, worker};
use serde_json::{Value, json};
use servoir_tests::process::ServerProcess;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;

const STAGES: [&str; 5] = ["data_validation", "preprocessing", "algorithm_search", "evaluation", "artifact_upload"];
const READY_MAX: Duration = Duration::from_secs(60);

fn process_id(frame: &Value) -> u64 {
    text(&frame["message"]).rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

#[tokio::test]
async fn a_child_that_is_killed_is_a_crash() {
    let (server, place) = server(2).await;
    for stage in STAGES {
        let model = place.model(stage, &format!("deaf stop_at={stage}")).await;
        let run = place.begin(&model).await;
        let mut follower = place.follow(&model, Some(1)).await;
        let pid =
            follower.until("its id", |frame| frame["message"].as_str().is_some_and(|m| m.starts_with("pid "))).await;
        let child = follower.until("the stage", |frame| frame["level"] == "warning").await;
        let killed = Command::new("kill").args(["-KILL", &process_id(&pid).to_string()]).status().await;
        assert!(killed.expect("kill(1) runs").success());
        let last = follower.until_it_ends().await.pop().expect("a last frame");
        assert_eq!((&last["type"], &last["code"]), (&json!("failed"), &json!("crashed")), "{last}");
        assert!(text(&last["message"]).contains("signal 9"), "{last}");
        gone(process_id(&child)).await;
        assert_eq!(place.run(&model, &run).await["status"], "failed");
    }
    assert_eq!((place.artifacts(), place.count("select count(*) from versions").await), (STAGES.len(), 0));
    server.stop().await;
}

async fn start(data: &Path, worker: &Path) -> (ServerProcess, Place) {
    let server = ServerProcess::start_with(data, &[("SERVOIR_STUDIO__WORKER", worker.as_os_str())]).await;
    server.ready(READY_MAX).await;
    let place = Place { api: server.api(), address: server.address(), data: data.to_owned() };
    (server, place)
}

#[tokio::test]
async fn a_server_that_is_killed_finds_its_run_interrupted() {
    let data = TempDir::new().expect("a temporary folder");
    let worker = worker(data.path());
    let (mut server, mut place) = start(data.path(), &worker).await;
    for stage in STAGES {
        let model = place.model(stage, &format!("deaf rounds=200 stop_at={stage}")).await;
        let run = place.begin(&model).await;
        let waiting = place.model(&format!("{stage}-next"), "steady").await;
        let mut follower = place.follow(&model, Some(1)).await;
        let mut seen = Vec::new();
        let pid = loop {
            let frame = follower.next().await.expect("a frame");
            let stopped = frame["level"] == "warning";
            seen.push(frame);
            if stopped {
                break process_id(
                    seen.iter()
                        .find(|frame| frame["level"] == "info" && text(&frame["message"]).starts_with("pid "))
                        .expect("its id"),
                );
            }
        };
        let next = place.begin(&waiting).await;
        server.kill().await;
        (server, place) = start(data.path(), &worker).await;
        gone(pid).await;
        // What was seen before is there, without gap or repeat, and then the end.
        let from = follower.seq.expect("frames") + 1;
        let rest = place.follow(&model, Some(from)).await.until_it_ends().await;
        assert_eq!(rest[0]["seq"], from - 1);
        let last = rest.last().expect("a last frame");
        assert_eq!((&last["type"], &last["code"]), (&json!("failed"), &json!("interrupted")), "{stage}");
        let whole = place.follow(&model, Some(1)).await.until_it_ends().await;
        assert_eq!(whole[1..seen.len()], seen[1..], "{stage}");
        assert_eq!(whole[seen.len()..], rest[1..], "{stage}");
        let interrupted = place.run(&model, &run).await;
        assert_eq!((&interrupted["status"], &interrupted["version_id"]), (&json!("failed"), &Value::Null));
        // What was queued goes on.
        let followed = place.follow(&waiting, Some(1)).await.until_it_ends().await;
        assert_eq!(followed.last().expect("a last frame")["type"], "complete", "{stage}");
        assert_eq!(place.run(&waiting, &next).await["status"], "completed");
        assert_eq!(place.leftovers(), 0, "{stage}");
    }
    assert_eq!(place.count("select count(*) from versions").await, STAGES.len() as i64);
    let unfinished = "select count(*) from runs where status in ('queued', 'running')";
    assert_eq!(place.count(unfinished).await, 0);
    let ended = "select count(*) from audit where action in ('model.training_failed', 'model.training_completed')";
    assert_eq!(place.count(ended).await, 2 * STAGES.len() as i64);
    assert_eq!(place.count("select count(*) from artifacts where claims > 0 or uses = 0").await, 0);
    assert!(server.terminate().await.success());
}

#[tokio::test]
async fn a_server_that_stops_interrupts_what_it_runs() {
    let data = TempDir::new().expect("a temporary folder");
    let worker = worker(data.path());
    let (server, place) = start(data.path(), &worker).await;
    let model = place.model("churn", "deaf stop_at=evaluation").await;
    let run = place.begin(&model).await;
    let mut follower = place.follow(&model, Some(1)).await;
    let pid = follower.until("its id", |frame| frame["message"].as_str().is_some_and(|m| m.starts_with("pid "))).await;
    follower.until("the stage", |frame| frame["level"] == "warning").await;
    assert!(server.terminate().await.success());
    gone(process_id(&pid)).await;
    assert_eq!(place.leftovers(), 0);
    let (server, place) = start(data.path(), &worker).await;
    let ended = place.run(&model, &run).await;
    assert_eq!((&ended["status"], &ended["failure"]["code"]), (&json!("failed"), &json!("interrupted")));
    assert!(server.terminate().await.success());
}

/// How often the server is killed at a moment that is not chosen.
const KILLS: u64 = 12;
/// The latest of these moments after the run began, in milliseconds: most of a run's life lies before.
const LIFE_MILLIS_MAX: u64 = 600;

#[tokio::test]
async fn a_server_that_is_killed_at_any_moment_has_a_version_or_nothing() {
    let data = TempDir::new().expect("a temporary folder");
    let worker = worker(data.path());
    let (mut server, mut place) = start(data.path(), &worker).await;
    let mut completed = 0;
    for kill in 0..KILLS {
        let model = place.model(&format!("m{kill}"), &format!("steady rounds=20 delay=0.00{}", kill % 3)).await;
        let run = place.begin(&model).await;
        let life = Duration::from_millis(LIFE_MILLIS_MAX * kill / KILLS);
        let mut follower = place.follow(&model, Some(1)).await;
        let following = async { while follower.next().await.is_ok() {} };
        let _ = tokio::time::timeout(life, following).await;
        server.kill().await;
        (server, place) = start(data.path(), &worker).await;
        let last = place.follow(&model, Some(1)).await.until_it_ends().await.pop().expect("a last frame");
        let ended = place.run(&model, &run).await;
        match ended["status"].as_str() {
            Some("completed") => {
                completed += 1;
                assert_eq!(last["version_id"], ended["version_id"]);
            }
            Some("failed") => assert_eq!(ended["failure"]["code"], "interrupted", "{ended}"),
            other => panic!("{other:?} after a restart: {ended}"),
        }
        assert_eq!(place.leftovers(), 0, "kill {kill}");
        assert_eq!(place.count("select count(*) from versions").await, completed, "kill {kill}");
        for table in ["trainings", "baselines", "version_files"] {
            assert_eq!(place.count(&format!("select count(*) from {table}")).await, completed, "{table}, kill {kill}");
        }
        let known = place.count("select count(*) from artifacts where claims = 0 and uses > 0").await;
        assert_eq!(place.count("select count(*) from artifacts").await, known, "kill {kill}");
        assert_eq!(place.artifacts() as i64, known, "kill {kill}: every artifact is somebody's");
    }
    println!("{KILLS} kills: {completed} runs completed, the others were interrupted");
    assert!(server.terminate().await.success());
}
