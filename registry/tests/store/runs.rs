//! Runs of training: one at a time for a model, taken once, ended once, with frames that have no gap.

use crate::world::{ALL, World, actor, code};
use futures_util::future::join_all;
use serde_json::{Value, json};
use servoir_registry::{
    Actor, AuditFilter, AuditVerdict, Failure, LogFilter, Model, NewFrame, NewRun, NewVersion, Priority, Run,
    RunStatus, Silences, TrainedFile, TrainedVersion,
};
use servoir_types::{Digest, RunId, Timestamp};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

fn queued(priority: Priority) -> NewRun {
    NewRun {
        external: false,
        label: Some("first".into()),
        priority,
        timeout_seconds: 60,
        config: json!({"algorithm": "auto"}),
        dataset: None,
    }
}

fn frame(kind: &str, level: Option<i64>, number: i64) -> NewFrame {
    let body = json!({"type": kind, "level": "info", "message": format!("line {number}\0")});
    NewFrame { at: Timestamp::now(), kind: kind.into(), level, body }
}

async fn run_of(world: &World, name: &str, priority: Priority) -> (Model, Run) {
    let model = world.model(name).await;
    let run = world.registry.create_run(&actor("acme"), &model.id, queued(priority)).await.unwrap();
    (model, run)
}

/// A model with a run that goes on at the node `n1`.
async fn running(world: &World, name: &str) -> (Model, Run) {
    let (model, run) = run_of(world, name, Priority::Normal).await;
    let claimed = world.registry.claim_run("n1").await.unwrap().unwrap();
    assert_eq!(claimed.id, run.id);
    // As if a dataset had been linked.
    let digest = Digest::of(b"data");
    world.sql(&format!("update runs set dataset_digest = '{digest}' where id = '{}'", run.id)).await;
    (model, world.registry.run_by_id(&run.id).await.unwrap())
}

async fn actions(world: &World, model: &Model) -> Vec<String> {
    let entries = world.registry.audit("acme", &AuditFilter::of(model.id.as_str(), ALL)).await.unwrap().items;
    entries.into_iter().rev().map(|entry| format!("{} {}", entry.actor, entry.action)).collect()
}

fn failure(code: &str) -> Failure {
    Failure { code: code.into(), message: "why\0".into() }
}

async fn trained(world: &World, bytes: &[u8]) -> TrainedVersion {
    TrainedVersion {
        artifact: world.staged(bytes).await,
        native: Some(TrainedFile { format: "xgboost".into(), artifact: world.staged(b"native").await }),
        new: NewVersion {
            description: "trained".into(),
            metrics: json!({"auc": 0.9}).as_object().unwrap().clone(),
            format: "onnx".into(),
            signature: None,
        },
        algorithm: "gradient_boosting".into(),
        hyperparameters: json!({"max_depth": 6}).as_object().unwrap().clone(),
        duration_ms: 1200,
        evaluations: vec![("test".into(), json!({"auc": 0.9})), ("importance".into(), json!([]))],
        baseline: Some(json!({"features": {}})),
        details: json!({"leaderboard": []}),
    }
}

pub async fn one_run_at_a_time(world: &World) {
    let (model, run) = run_of(world, "churn", Priority::Normal).await;
    assert_eq!((run.status, run.last_frame, run.priority), (RunStatus::Queued, 0, Priority::Normal));
    assert_eq!((run.label.as_deref(), run.started_at), (Some("first"), None));
    let again = world.registry.create_run(&actor("acme"), &model.id, queued(Priority::High)).await;
    assert_eq!(code(again), "run-in-progress");
    let elsewhere = NewRun { external: true, ..queued(Priority::Normal) };
    assert_eq!(code(world.registry.create_run(&actor("acme"), &model.id, elsewhere.clone()).await), "run-in-progress");
    assert_eq!(code(world.registry.create_run(&actor("other"), &model.id, queued(Priority::Low)).await), "not-found");
    let unlinked = NewRun { dataset: Some("dataset_none".into()), ..queued(Priority::Normal) };
    let other = world.model("other").await;
    assert_eq!(code(world.registry.create_run(&actor("acme"), &other.id, unlinked).await), "no-dataset");
    assert_eq!(actions(world, &other).await, ["ada model.created"], "what is refused leaves nothing");

    world.registry.cancel_run(&actor("acme"), &run, None).await.unwrap();
    let second = world.registry.create_run(&actor("acme"), &model.id, elsewhere).await.unwrap();
    assert_eq!((second.status, second.external), (RunStatus::Running, true));
    let runs = world.registry.runs("acme", &model.id, ALL).await.unwrap();
    assert_eq!(runs.total, 2);
    assert_eq!(world.registry.run("acme", &model.id, None).await.unwrap().id, runs.items[0].id, "the latest");
    assert_eq!(world.registry.run("acme", &model.id, Some(&run.id)).await.unwrap().status, RunStatus::Cancelled);
    assert_eq!(code(world.registry.run("acme", &other.id, Some(&run.id)).await), "not-found");
    assert_eq!(code(world.registry.run("other", &model.id, Some(&run.id)).await), "not-found");
    assert!(world.registry.claim_run("n1").await.unwrap().is_none(), "an external run is nobody's to take");
}

pub async fn the_queue_goes_by_priority_and_age(world: &World) {
    let order = [Priority::Low, Priority::Normal, Priority::High, Priority::Normal, Priority::High];
    let mut runs = Vec::new();
    for (index, priority) in order.into_iter().enumerate() {
        runs.push(run_of(world, &format!("m{index}"), priority).await.1.id);
        // Ages differ on any clock.
        world.sql(&format!("update runs set created_at = {index} where id = '{}'", runs[index])).await;
    }
    let mut taken = Vec::new();
    while let Some(run) = world.registry.claim_run("n1").await.unwrap() {
        assert_eq!((run.status, run.node.as_deref()), (RunStatus::Running, Some("n1")));
        taken.push(runs.iter().position(|id| *id == run.id).unwrap());
    }
    assert_eq!(taken, [2, 4, 1, 3, 0]);
    let held: BTreeSet<_> = world.registry.runs_of_node("n1").await.unwrap().into_iter().collect();
    assert_eq!(held, runs.into_iter().collect());
}

pub async fn a_run_is_taken_once(world: &World) {
    const RUNS: usize = 12;
    for index in 0..RUNS {
        run_of(world, &format!("m{index}"), Priority::Normal).await;
    }
    let nodes = (0..4).map(|node| {
        let registry = world.registry.clone();
        tokio::spawn(async move {
            let mut taken = Vec::new();
            while let Some(run) = registry.claim_run(&format!("n{node}")).await.unwrap() {
                taken.push(run.id);
            }
            taken
        })
    });
    let taken: Vec<RunId> = join_all(nodes).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!((taken.len(), BTreeSet::from_iter(taken).len()), (RUNS, RUNS));
}

pub async fn frames_have_no_gap_and_no_double(world: &World) {
    let (_, run) = running(world, "churn").await;
    let registry = &world.registry;
    let writers = (0..16).map(|writer| {
        let (registry, id) = (registry.clone(), run.id.clone());
        tokio::spawn(async move {
            let frames: Vec<_> = (0..writer).map(|number| frame("log", Some(number % 4), number)).collect();
            registry.append_frames(&id, None, &frames, None).await.unwrap()
        })
    });
    let firsts: Vec<i64> = join_all(writers).await.into_iter().map(Result::unwrap).collect();
    assert!(firsts.iter().all(|first| (1..=121).contains(first)), "{firsts:?}");
    let frames = registry.frames(&run.id, 0, 1000).await.unwrap();
    assert_eq!(frames.iter().map(|frame| frame.sequence).collect::<Vec<_>>(), (1..=120).collect::<Vec<_>>());
    assert_eq!(registry.frames(&run.id, 100, 5).await.unwrap()[0].sequence, 101);
    assert_eq!(registry.last_frame(&run.id).await.unwrap(), (120, false));

    // More than one statement's worth, and only after the frame that is expected.
    let many: Vec<_> = (0..450).map(|number| frame("metrics", None, number)).collect();
    let details = json!({"leaderboard": [1]});
    assert_eq!(registry.append_frames(&run.id, Some(120), &many, Some(&details)).await.unwrap(), 121);
    assert_eq!(code(registry.append_frames(&run.id, Some(120), &many, None).await), "stale");
    assert_eq!(registry.last_frame(&run.id).await.unwrap().0, 570);
    assert_eq!(registry.run_by_id(&run.id).await.unwrap().details, details);
    let none = RunId::from_text("run_none");
    assert_eq!(code(registry.append_frames(&none, None, &many, None).await), "not-found");
}

pub async fn a_log_is_read_by_level_from_both_ends(world: &World) {
    let (_, run) = running(world, "churn").await;
    let lines: Vec<_> = (0..40).map(|number| frame("log", Some(number % 4), number)).collect();
    world.registry.append_frames(&run.id, None, &lines, None).await.unwrap();
    world.registry.append_frames(&run.id, None, &[frame("metrics", None, 0)], None).await.unwrap();
    let cases = [
        (0, 3, 0, false, 40, vec![1, 2, 3]),
        (0, 3, 38, false, 40, vec![39, 40]),
        (3, 2, 1, false, 10, vec![8, 12]),
        (0, 3, 0, true, 40, vec![38, 39, 40]),
        (2, 3, 1, true, 20, vec![35, 36, 39]),
        (3, 100, 10, false, 10, vec![]),
    ];
    for (level_min, limit, offset, from_end, total, expected) in cases {
        let filter = LogFilter { level_min, limit, offset, from_end };
        let (found, lines) = world.registry.run_log(&run.id, filter).await.unwrap();
        let sequences: Vec<_> = lines.iter().map(|line| line.sequence).collect();
        assert_eq!((found, sequences), (total, expected), "{filter:?}");
    }
    let body = &world.registry.frames(&run.id, 0, 1).await.unwrap()[0].body;
    assert_eq!(body["message"], "line 0\0", "a frame comes back as it was");
}

pub async fn a_run_ends_once(world: &World) {
    let registry = &world.registry;
    for (name, expected) in [("failed", "model.training_failed"), ("cancelled", "model.training_cancelled")] {
        let (model, run) = running(world, name).await;
        let who = actor("acme");
        let enders = (0..8).map(|_| async {
            match name {
                "failed" => registry.fail_run(&who, &run, failure("crashed")).await,
                _ => registry.cancel_run(&who, &run, Some(failure("timed-out"))).await,
            }
        });
        let outcomes: Vec<_> = join_all(enders).await.into_iter().map(code).collect();
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == "ok").count(), 1, "{outcomes:?}");
        assert!(outcomes.iter().all(|outcome| ["ok", "run-ended"].contains(outcome)), "{outcomes:?}");
        let ended = registry.run_by_id(&run.id).await.unwrap();
        assert_eq!((ended.status.text(), ended.last_frame), (name, 1));
        assert!(ended.finished_at.is_some() && ended.failure.is_some());
        assert_eq!(registry.frames(&run.id, 0, 10).await.unwrap()[0].kind, name);
        assert_eq!(code(registry.append_frames(&run.id, None, &[frame("log", Some(1), 1)], None).await), "run-ended");
        assert_eq!(code(registry.complete_run(&run, &trained(world, b"late").await).await), "run-ended");
        let expected = ["ada model.created", "ada model.training_started", &format!("ada {expected}")];
        assert_eq!(actions(world, &model).await, expected);
    }
    assert_eq!((world.count("versions").await, world.blobs().len()), (0, 0), "what came too late leaves nothing");
    assert_eq!(world.sql("select count(*) from artifacts where uses > 0 or claims > 0").await, Some(0));
    let entries = world.count("audit").await;
    assert_eq!(registry.verify_audit().await.unwrap(), AuditVerdict::Intact { entries });
}

pub async fn a_trained_version_comes_with_everything_or_not_at_all(world: &World) {
    let registry = &world.registry;
    let (model, run) = running(world, "churn").await;
    world.sql("create unique index one_of_each on audit (action)").await;
    world.sql("insert into audit select 999, at, organization, actor, credential, address, 'model.training_completed', target, state_before, state_after, request_id, hash from audit where sequence = 1").await;
    let made = trained(world, b"model").await;
    assert_eq!(code(registry.complete_run(&run, &made).await), "data-inconsistent");
    world.sql("delete from audit where sequence = 999").await;
    world.sql("drop index one_of_each").await;
    for table in ["versions", "trainings", "version_files", "evaluations", "baselines"] {
        assert_eq!(world.count(table).await, 0, "{table}");
    }
    assert_eq!((world.blobs().len(), world.spool_files().len()), (0, 2), "it can be tried again");
    assert_eq!(registry.run_by_id(&run.id).await.unwrap().status, RunStatus::Running);

    let version = registry.complete_run(&run, &made).await.unwrap();
    assert_eq!((version.version, version.created_by.as_str()), (1, "ada"));
    let ended = registry.run_by_id(&run.id).await.unwrap();
    assert_eq!((ended.status, ended.version, ended.last_frame), (RunStatus::Completed, Some(1), 1));
    let last = registry.frames(&run.id, 0, 1).await.unwrap().remove(0).body;
    let token = model.id.as_str().strip_prefix("model_").unwrap();
    assert_eq!((&last["version_id"], &last["metrics"]["auc"]), (&json!(format!("ver_{token}_1")), &json!(0.9)));
    let rows = [("trainings", 1), ("version_files", 1), ("evaluations", 2), ("baselines", 1)];
    for (table, count) in rows {
        assert_eq!(world.count(table).await, count, "{table}");
    }
    assert_eq!(registry.studio_model("acme", "churn").await.unwrap().promoted_version, Some(1));
    assert_eq!(
        (world.blobs().len(), world.spool_files().len()),
        (2, 0),
        "no file is left, though nobody dropped it yet"
    );
    // Who did not hear of it, and tries again, is told.
    assert_eq!(code(registry.complete_run(&run, &made).await), "run-ended");
    assert_eq!(world.blobs().len(), 2);
    assert_eq!(world.sql("select count(*) from artifacts where uses = 1 and claims = 0").await, Some(2));
    assert_eq!(actions(world, &model).await.last().map(String::as_str), Some("system model.training_completed"));

    // A second run makes a second version, which is not promoted by itself. Equal bytes are kept once.
    registry.create_run(&actor("acme"), &model.id, queued(Priority::Normal)).await.unwrap();
    let again = registry.claim_run("n1").await.unwrap().unwrap();
    let digest = Digest::of(b"data");
    world.sql(&format!("update runs set dataset_digest = '{digest}' where id = '{}'", again.id)).await;
    let again = registry.run_by_id(&again.id).await.unwrap();
    assert_eq!(registry.complete_run(&again, &trained(world, b"model").await).await.unwrap().version, 2);
    assert_eq!(registry.studio_model("acme", "churn").await.unwrap().promoted_version, Some(1));
    assert_eq!(world.sql("select count(*) from artifacts where uses = 2 and claims = 0").await, Some(2));
    let entries = world.count("audit").await;
    assert_eq!(registry.verify_audit().await.unwrap(), AuditVerdict::Intact { entries });
}

pub async fn runs_of_servers_that_are_gone_are_interrupted(world: &World) {
    let registry = &world.registry;
    let (model, silent) = running(world, "silent").await;
    let (_, alive) = running(world, "alive").await;
    let elsewhere = world.model("elsewhere").await;
    let new = NewRun { external: true, ..queued(Priority::Normal) };
    let elsewhere = registry.create_run(&actor("acme"), &elsewhere.id, new).await.unwrap();
    let (_, waiting) = run_of(world, "waiting", Priority::Low).await;
    let (begun, mut silences) = (Instant::now(), Silences::default());
    let mut ended_after = async |seconds| {
        let ended = registry.interrupt_runs(&mut silences, begun + Duration::from_secs(seconds), false).await.unwrap();
        ended.into_iter().map(|run| run.id).collect::<Vec<_>>()
    };
    assert_eq!(ended_after(0).await, []);
    let shift = async |millis: i64| {
        world.sql(&format!("update runs set heartbeat_at = heartbeat_at + {millis} where id = '{}'", alive.id)).await;
    };
    // Signs of life may come from a clock that goes wrong.
    for (seconds, sign) in [(10, 86_400_000), (20, -86_400_000), (30, 1), (40, 86_400_000)] {
        shift(sign).await;
        assert_eq!(
            ended_after(seconds).await,
            if seconds > 30 { vec![silent.id.clone()] } else { vec![] },
            "{seconds}"
        );
    }
    let after = registry.run_by_id(&silent.id).await.unwrap();
    assert_eq!((after.status, after.last_frame), (RunStatus::Failed, 1));
    assert_eq!(after.failure.unwrap().code, "interrupted");
    assert_eq!(actions(world, &model).await.last().map(String::as_str), Some("system model.training_failed"));

    // An external run may be silent for as long as its time limit says. What the node says, or a frame, is a sign of life: each
    // comes a day away from the sign before, so that it differs from it however fast this is.
    registry.append_frames(&alive.id, None, &[frame("log", Some(1), 1)], None).await.unwrap();
    assert_eq!(ended_after(60).await, []);
    assert_eq!(ended_after(61).await, [elsewhere.id]);
    assert_eq!(ended_after(75).await, [], "a frame came");
    shift(86_400_000).await;
    assert_eq!(ended_after(80).await, []);
    registry.renew_runs("n1").await.unwrap();
    assert_eq!(ended_after(111).await, [], "the node has said that it is there");

    // A server that begins on a database of its own knows that nobody else runs anything.
    let ended = registry.interrupt_runs(&mut Silences::default(), begun, true).await.unwrap();
    assert_eq!(ended.len(), usize::from(!registry.is_shared()));
    assert_eq!(registry.run_by_id(&waiting.id).await.unwrap().status, RunStatus::Queued);
    assert!(registry.interrupt_runs(&mut Silences::default(), begun, true).await.unwrap().is_empty());
}

pub async fn an_external_run_is_fed_and_ended_by_who_runs_it(world: &World) {
    let registry = &world.registry;
    let model = world.model("churn").await;
    let new = NewRun { external: true, ..queued(Priority::Normal) };
    let run = registry.create_run(&actor("acme"), &model.id, new).await.unwrap();
    registry.append_frames(&run.id, None, &[frame("metrics", None, 1)], None).await.unwrap();
    let metrics: serde_json::Map<String, Value> = [("auc".to_owned(), json!(0.5))].into_iter().collect();
    registry.complete_external_run(&actor("acme"), &run, &metrics).await.unwrap();
    let ended = registry.run_by_id(&run.id).await.unwrap();
    assert_eq!((ended.status, ended.version, ended.last_frame), (RunStatus::Completed, None, 2));
    let last = registry.frames(&run.id, 1, 1).await.unwrap().remove(0).body;
    assert_eq!(last, json!({"type": "complete", "version_id": null, "metrics": {"auc": 0.5}}));
    let again = registry.cancel_run(&Actor::system("acme"), &run, None).await;
    assert_eq!(code(again), "run-ended");
}

pub async fn runs_go_with_their_model(world: &World) {
    let (model, run) = running(world, "churn").await;
    world.registry.append_frames(&run.id, None, &[frame("log", Some(1), 1)], None).await.unwrap();
    assert_eq!(code(world.registry.delete_model(&actor("acme"), &model.id, None, false).await), "run-in-progress");
    world.registry.delete_model(&actor("acme"), &model.id, None, true).await.unwrap();
    assert_eq!((world.count("runs").await, world.count("run_frames").await), (0, 0));
    // Who works on it finds that out, however it goes on.
    assert_eq!(code(world.registry.append_frames(&run.id, Some(1), &[], None).await), "not-found");
    assert_eq!(code(world.registry.complete_run(&run, &trained(world, b"late").await).await), "not-found");
    assert_eq!(code(world.registry.fail_run(&actor("acme"), &run, failure("crashed")).await), "not-found");
    assert!(world.registry.runs_of_node("n1").await.unwrap().is_empty());
    assert_eq!((world.blobs().len(), world.spool_files().len()), (0, 0));
}
