//! How models are monitored, and what their versions are compared with.

use crate::world::{ALL, World, actor, code};
use serde_json::json;
use servoir_registry::{MonitoringChange, MonitoringSettingsRow, NewBaseline, RegistryError};
use servoir_types::BaselineId;

fn change(body: &str) -> impl FnOnce(&MonitoringSettingsRow) -> Result<MonitoringChange, RegistryError> {
    let (body, audited) = (body.to_owned(), (json!("before"), json!("after")));
    move |_| Ok(MonitoringChange { body, audited })
}

fn new(version: i64) -> NewBaseline {
    let origin = Some(json!({"datasetId": "dataset_1"}));
    NewBaseline { version, source: "dataset", origin, rows: 7, body: format!("of {version}") }
}

pub async fn settings_have_a_revision(world: &World) {
    let model = world.model("churn").await;
    let registry = &world.registry;
    assert_eq!(registry.monitoring_settings(&model.id).await.unwrap(), MonitoringSettingsRow::default());
    let acme = actor("acme");
    let first = registry.change_monitoring_settings(&acme, (&model.id, Some(0)), change("1")).await.unwrap();
    assert_eq!((first.body.as_deref(), first.revision), (Some("1"), 1));
    let stale = registry.change_monitoring_settings(&acme, (&model.id, Some(0)), change("2")).await;
    assert_eq!(code(stale), "stale");
    let seen = |row: &MonitoringSettingsRow| {
        assert_eq!(row.body.as_deref(), Some("1"), "an edit sees what there is");
        Err(RegistryError::Stale { current: 5 })
    };
    assert_eq!(code(registry.change_monitoring_settings(&acme, (&model.id, None), seen).await), "stale");
    registry.change_monitoring_settings(&acme, (&model.id, None), change("3")).await.unwrap();
    let read = registry.monitoring_settings(&model.id).await.unwrap();
    assert_eq!((read.body.as_deref(), read.revision), (Some("3"), 2));
    let others = registry.change_monitoring_settings(&actor("others"), (&model.id, None), change("4")).await;
    assert_eq!(code(others), "not-found");
}

pub async fn one_baseline_of_a_version_is_active(world: &World) {
    let model = world.model_with("churn", 2).await;
    let (registry, acme) = (&world.registry, actor("acme"));
    assert!(registry.active_baseline(&model.id, 1).await.unwrap().is_none());
    let first = registry.create_baseline(&acme, &model.id, new(1)).await.unwrap();
    let second = registry.create_baseline(&acme, &model.id, new(1)).await.unwrap();
    let other = registry.create_baseline(&acme, &model.id, new(2)).await.unwrap();
    assert_eq!((first.active, second.active, other.active), (true, false, true));
    assert!(registry.activate_baseline(&acme, &model.id, &second.id).await.unwrap().active);
    assert!(registry.activate_baseline(&acme, &model.id, &second.id).await.unwrap().active, "again changes nothing");
    let active = registry.active_baseline(&model.id, 1).await.unwrap().unwrap();
    assert_eq!((&active.summary.id, active.body.as_str(), active.summary.rows), (&second.id, "of 1", 7));
    assert_eq!(active.summary.origin, Some(json!({"datasetId": "dataset_1"})));
    assert_eq!(registry.active_baseline(&model.id, 2).await.unwrap().unwrap().summary.id, other.id);
    let page = registry.baselines(&model.id, None, ALL).await.unwrap();
    assert_eq!((page.total, page.items.len()), (3, 3));
    let page = registry.baselines(&model.id, Some(1), ALL).await.unwrap();
    let mut active: Vec<_> = page.items.iter().map(|baseline| (baseline.version, baseline.active)).collect();
    active.sort_unstable();
    assert_eq!((page.total, active), (2, vec![(1, false), (1, true)]));
    assert!(!registry.baseline(&model.id, &first.id).await.unwrap().summary.active);
}

pub async fn baselines_that_are_not_there(world: &World) {
    let (model, other) = (world.model_with("churn", 1).await, world.model_with("other", 1).await);
    let (registry, acme) = (&world.registry, actor("acme"));
    let made = registry.create_baseline(&acme, &model.id, new(1)).await.unwrap();
    let none = BaselineId::from_text("baseline_none");
    assert_eq!(code(registry.baseline(&model.id, &none).await), "not-found");
    assert_eq!(code(registry.baseline(&other.id, &made.id).await), "not-found", "another model's");
    assert_eq!(code(registry.activate_baseline(&acme, &other.id, &made.id).await), "not-found");
    assert_eq!(code(registry.activate_baseline(&actor("others"), &model.id, &made.id).await), "not-found");
    assert_eq!(code(registry.create_baseline(&acme, &model.id, new(2)).await), "not-found", "no such version");
    registry.delete_version(&acme, &model.id, 1).await.unwrap();
    assert_eq!(world.count("baselines").await, 0, "they go with their version");
}
