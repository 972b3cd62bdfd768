//! Analyses, alerts and their messages.

use crate::world::{ALL, World, actor, code};
use futures_util::future::join_all;
use servoir_registry::{
    Alert, AlertFilter, AlertSeverity, AlertStatus, AlertStep, AnalysisSummary, DeliveryOutcome, NewDelivery,
    StoredAnalysis,
};
use servoir_types::{ModelId, Timestamp};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn analysis(window: &str, seconds: i64, drift_score: Option<f64>) -> StoredAnalysis {
    let summary = AnalysisSummary {
        version: 1,
        window: window.to_owned(),
        at: at(seconds),
        window_start: at(seconds - 3600),
        window_end: at(seconds),
        status: "ok".to_owned(),
        drift_score,
        sample_size: 100,
    };
    StoredAnalysis { summary, body: format!("{{\"at\": {seconds}}}") }
}

pub async fn a_turn_is_taken_once(world: &World) {
    let model = world.model("churn").await.id;
    let (registry, due) = (&world.registry, at(1000));
    let all = join_all((0..8).map(|_| registry.take_analysis_turn(&model, due, at(1300)))).await;
    assert_eq!(all.into_iter().filter(|taken| *taken.as_ref().unwrap()).count(), 1);
    assert!(!registry.take_analysis_turn(&model, at(1299), at(1599)).await.unwrap(), "not yet");
    assert!(registry.take_analysis_turn(&model, at(1300), at(1600)).await.unwrap());
    assert_eq!(registry.analysis_turns().await.unwrap().get(&model), Some(&at(1600)));
    let gone = ModelId::from_text("model_gone");
    assert!(!registry.take_analysis_turn(&gone, due, at(1300)).await.unwrap());
}

pub async fn a_clock_that_is_put_back_makes_nothing_wait(world: &World) {
    let (model, registry) = (world.model_with("churn", 1).await.id, &world.registry);
    registry.step_alerts(&model, 1, |_| vec![raised(&model, "alert_1")]).await.unwrap();
    assert!(registry.take_analysis_turn(&model, at(100), at(400)).await.unwrap());
    let mut tried = 0;
    while let Some(delivery) = registry.claim_delivery(at(100), at(160)).await.unwrap() {
        let outcome = DeliveryOutcome::Again { at: at(500), error: "answered 500".to_owned() };
        registry.finish_delivery(&delivery.message.id, at(101), &outcome).await.unwrap();
        tried += 1;
    }
    registry.clock_was_put_back(at(50)).await.unwrap();
    assert!(registry.take_analysis_turn(&model, at(50), at(350)).await.unwrap());
    for _ in 0..tried {
        registry.claim_delivery(at(50), at(110)).await.unwrap().expect("due");
    }
    assert_eq!(registry.claim_delivery(at(50), at(110)).await.unwrap(), None);
}

pub async fn a_score_may_be_missing_first_and_there_next(world: &World) {
    let (model, registry) = (world.model_with("churn", 1).await.id, &world.registry);
    // More often than there are connections, so that each of them has met both.
    for turn in 0..60 {
        let score = (turn % 2 == 1).then_some(0.25);
        registry.store_analysis(&model, &analysis("1h", turn, score), at(turn)).await.unwrap();
    }
    assert_eq!(registry.newest_analysis(&model, 1, "1h").await.unwrap(), Some(analysis("1h", 59, Some(0.25))));
}

pub async fn the_newest_analysis_of_five_minutes_is_kept(world: &World) {
    let (model, registry) = (world.model_with("churn", 1).await.id, &world.registry);
    for (window, seconds, since) in [("1h", 10, 0), ("1h", 20, 0), ("1d", 15, 0), ("1h", 310, 300)] {
        let score = (seconds > 15).then_some(0.25);
        registry.store_analysis(&model, &analysis(window, seconds, score), at(since)).await.unwrap();
    }
    assert_eq!(world.count("analyses").await, 3, "the one of 10 s was replaced by that of 20 s");
    let times = registry.newest_analysis_times(&model, 1).await.unwrap();
    assert_eq!((times["1h"], times["1d"], times.len()), (at(310), at(15), 2));
    let newest = registry.newest_analysis(&model, 1, "1h").await.unwrap();
    assert_eq!(newest, Some(analysis("1h", 310, Some(0.25))));
    assert_eq!(registry.newest_analysis(&model, 1, "1d").await.unwrap(), Some(analysis("1d", 15, None)));
    let between = registry.last_analysis_between(&model, 1, (at(0), at(310))).await.unwrap();
    assert_eq!(between, Some(analysis("1h", 20, Some(0.25))), "the first moment counts, the last does not");
    let gone = StoredAnalysis {
        summary: AnalysisSummary { version: 2, ..analysis("1h", 1, None).summary },
        body: "{}".into(),
    };
    registry.store_analysis(&model, &gone, at(0)).await.unwrap();
    assert_eq!(world.count("analyses").await, 3, "nothing is kept of a version that is not there");
    registry.sweep_findings(at(21)).await.unwrap();
    assert_eq!(world.count("analyses").await, 1);
}

fn raised(model: &ModelId, id: &str) -> AlertStep {
    let alert = Alert {
        id: id.to_owned(),
        model: model.clone(),
        version: 1,
        subject: "drift".to_owned(),
        severity: AlertSeverity::Medium,
        status: AlertStatus::Raised,
        value: Some(0.25),
        threshold: None,
        message: "it has drifted".to_owned(),
        raised_at: at(100),
        acknowledged_at: None,
        acknowledged_by: None,
        cleared_at: None,
    };
    let delivery = |webhook: &str| NewDelivery {
        id: format!("msg_{id}_{webhook}"),
        alert: id.to_owned(),
        webhook: webhook.to_owned(),
        event: "alert.raised".to_owned(),
        body: "{}".to_owned(),
        created_at: at(100),
    };
    let deliveries = vec![delivery("a"), delivery("b")];
    AlertStep {
        subject: "drift".to_owned(),
        state: Some("{\"against\": 1}".to_owned()),
        alert: Some(alert),
        deliveries,
    }
}

fn everything() -> AlertFilter {
    AlertFilter { status: None, severity: None, from: None, to: None, window: ALL }
}

pub async fn an_alert_changes_with_its_state_and_messages(world: &World) {
    let (model, registry) = (world.model_with("churn", 1).await.id, &world.registry);
    let step = raised(&model, "alert_1");
    let done = registry.step_alerts(&model, 1, |subjects| {
        assert!(subjects.is_empty());
        vec![step.clone()]
    });
    assert_eq!(done.await.unwrap().len(), 1);
    let shown = registry.alerts(&model, &everything()).await.unwrap();
    assert_eq!((shown.total, shown.items.as_slice()), (1, step.alert.as_slice()));
    assert_eq!(registry.raised_alerts().await.unwrap()[0].count, 1);
    let ada = actor("acme");
    let acknowledged = registry.acknowledge_alert(&ada, &model, "alert_1", |version, subject, now| {
        assert_eq!((version, subject.state.as_str()), (1, "{\"against\": 1}"));
        let alert = Alert { status: AlertStatus::Acknowledged, acknowledged_at: Some(now), ..subject.alert.clone()? };
        Some(AlertStep { subject: "drift".to_owned(), state: None, alert: Some(alert), deliveries: Vec::new() })
    });
    assert_eq!(acknowledged.await.unwrap().status, AlertStatus::Acknowledged);
    assert_eq!(world.count("alert_states").await, 0);
    let refused = registry.acknowledge_alert(&actor("acme"), &model, "alert_2", |_, _, _| None).await;
    assert_eq!(code(refused), "not-found");
    let refused = registry.acknowledge_alert(&actor("other"), &model, "alert_1", |_, _, _| None).await;
    assert_eq!(code(refused), "not-found");
    for (filter, total) in [
        (AlertFilter { status: Some(AlertStatus::Raised), ..everything() }, 0),
        (
            AlertFilter {
                severity: Some(AlertSeverity::Medium),
                from: Some(at(100)),
                to: Some(at(100)),
                ..everything()
            },
            1,
        ),
        (AlertFilter { from: Some(at(101)), ..everything() }, 0),
    ] {
        assert_eq!(registry.alerts(&model, &filter).await.unwrap().total, total, "{filter:?}");
    }
    registry.delete_model(&actor("acme"), &model, None, false).await.unwrap();
    assert_eq!((world.count("alerts").await, world.count("webhook_deliveries").await), (0, 0));
}

pub async fn a_message_is_taken_by_one_until_its_lease_ends(world: &World) {
    let (model, registry) = (world.model_with("churn", 1).await.id, &world.registry);
    registry.step_alerts(&model, 1, |_| vec![raised(&model, "alert_1")]).await.unwrap();
    assert_eq!(registry.claim_delivery(at(99), at(160)).await.unwrap(), None, "not due");
    let claims = join_all((0..6).map(|_| registry.claim_delivery(at(100), at(160)))).await;
    let mut taken: Vec<_> = claims.into_iter().filter_map(Result::unwrap).collect();
    taken.sort_by(|a, b| a.message.id.cmp(&b.message.id));
    let ids: Vec<_> = taken.iter().map(|one| (one.message.id.as_str(), one.attempts)).collect();
    assert_eq!(ids, [("msg_alert_1_a", 1), ("msg_alert_1_b", 1)], "each once");
    registry.finish_delivery("msg_alert_1_a", at(101), &DeliveryOutcome::Delivered).await.unwrap();
    let again = registry.claim_delivery(at(160), at(220)).await.unwrap().expect("the other, of a node that is gone");
    assert_eq!((again.message.id.as_str(), again.attempts), ("msg_alert_1_b", 2));
    let outcome = DeliveryOutcome::Again { at: at(500), error: "answered 500".to_owned() };
    registry.finish_delivery("msg_alert_1_b", at(161), &outcome).await.unwrap();
    assert_eq!(registry.claim_delivery(at(499), at(600)).await.unwrap(), None);
    registry.claim_delivery(at(500), at(600)).await.unwrap().expect("due again");
    let outcome = DeliveryOutcome::GivenUp { error: "answered\0 404".to_owned() };
    registry.finish_delivery("msg_alert_1_b", at(501), &outcome).await.unwrap();
    let kept = registry.deliveries("alert_1").await.unwrap();
    assert_eq!((kept[0].delivered_at, kept[0].next_at), (Some(at(101)), None));
    assert_eq!((kept[1].next_at, kept[1].attempts), (None, 3));
    assert_eq!(kept[1].last_error.as_deref(), Some("answered\u{fffd} 404"));
    assert_eq!(registry.claim_delivery(at(9999), at(99_999)).await.unwrap(), None);
}
