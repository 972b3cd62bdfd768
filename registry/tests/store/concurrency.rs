//! Many writers at once: no error, no lost update, no double, and a chain that holds.

use crate::world::{ALL, World, actor, code, new_model, new_version, spec};
use futures_util::future::join_all;
use servoir_registry::{AuditFilter, AuditVerdict, Breaking, ModelChange, Registry, RegistryError, Strategy};
use servoir_types::Digest;
use std::collections::BTreeSet;

const WRITERS: i64 = 64;

/// Runs one task for each writer and waits for all.
async fn at_once<T, F>(world: &World, work: impl Fn(Registry, i64) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks = (1..=WRITERS).map(|writer| tokio::spawn(work(world.registry.clone(), writer)));
    join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

async fn assert_intact(world: &World, entries: i64) {
    assert_eq!(world.registry.verify_audit().await.unwrap(), AuditVerdict::Intact { entries });
    assert_eq!(world.count("audit").await, entries);
}

pub async fn one_of_many_gets_the_name(world: &World) {
    let outcomes =
        at_once(
            world,
            |registry, _| async move { code(registry.create_model(&actor("acme"), new_model("churn")).await) },
        )
        .await;
    let with = |expected| outcomes.iter().filter(|outcome| **outcome == expected).count();
    assert_eq!((with("ok"), with("name-taken")), (1, 63), "{outcomes:?}");
    assert_intact(world, 1).await;
}

pub async fn versions_have_no_gap_and_no_double(world: &World) {
    let model = world.model("churn").await;
    let numbers = at_once(world, |registry, writer| {
        let id = model.id.clone();
        async move {
            let mut upload = registry.begin_upload(100).await.unwrap();
            // Half of the writers bring the same bytes.
            upload.write(&[if writer % 2 == 0 { 0 } else { writer as u8 }]).await.unwrap();
            let staged = upload.finish().await.unwrap();
            registry.publish(&actor("acme"), &id, staged, new_version()).await.unwrap().version
        }
    })
    .await;
    assert_eq!(BTreeSet::from_iter(numbers), BTreeSet::from_iter(1..=WRITERS));
    let model = world.registry.model("acme", "churn").await.unwrap();
    assert_eq!((model.latest_version, model.revision), (WRITERS, WRITERS + 1));
    assert_eq!(world.blobs().len(), 33);
    assert_eq!(world.sql("select count(*) from artifacts where claims <> 0").await, Some(0));
    let zero = Digest::of(&[0]);
    assert_eq!(world.sql(&format!("select uses from artifacts where digest = '{zero}'")).await, Some(32));
    assert_intact(world, WRITERS + 1).await;
}

pub async fn deploys_end_with_the_last_generation(world: &World) {
    let model = world.model_with("churn", WRITERS).await;
    let deployments = at_once(world, |registry, writer| {
        let id = model.id.clone();
        async move { registry.deploy(&actor("acme"), &id, spec(writer), Strategy::Swap).await.unwrap() }
    })
    .await;
    let mut in_order = deployments;
    in_order.sort_by_key(|deployment| deployment.generation);
    let generations: Vec<_> = in_order.iter().map(|deployment| deployment.generation).collect();
    assert_eq!(generations, (1..=WRITERS).collect::<Vec<_>>());
    for pair in in_order.windows(2) {
        let previous = pair[1].previous.as_ref().map(|placed| placed.spec.version);
        assert_eq!(previous, Some(pair[0].primary.spec.version), "each swap saw the one before it");
    }
    assert_eq!(world.registry.deployment(&model.id).await.unwrap().as_ref(), in_order.last());
    let deployed = world.sql("select count(*) from audit where action = 'model.deployed'").await;
    assert_eq!(deployed, Some(WRITERS));
    assert_intact(world, 2 * WRITERS + 1).await;
}

pub async fn everything_at_once(world: &World) {
    let model = world.model_with("churn", 2).await;
    let outcomes = at_once(world, |registry, writer| {
        let id = model.id.clone();
        async move {
            let who = actor("acme");
            let outcome: Result<(), RegistryError> = match writer % 8 {
                0 => registry.create_model(&who, new_model(&format!("m{writer}"))).await.map(drop),
                1 => registry.update_model(&who, &id, ModelChange::default(), None).await.map(drop),
                2 | 3 => registry.deploy(&who, &id, spec(writer % 2 + 1), Strategy::Swap).await.map(drop),
                4 => registry.rollback(&who, &id, Breaking::Refused).await.map(drop),
                5 => registry.undeploy(&who, &id).await,
                6 => registry.set_archived(&who, &id, true).await.map(drop),
                _ => registry.set_archived(&who, &id, false).await.map(drop),
            };
            code(outcome)
        }
    })
    .await;
    let conflicts = ["ok", "not-deployed", "nothing-to-roll-back", "model-deployed", "model-archived", "not-archived"];
    for outcome in &outcomes {
        assert!(conflicts.contains(outcome), "{outcome}");
    }
    let stored = world.registry.model("acme", "churn").await.unwrap();
    let live = world.registry.deployment(&model.id).await.unwrap();
    assert_eq!(stored.deployed, live.is_some());
    assert!(!(stored.deployed && stored.archived));
    let of_model = world.registry.audit("acme", &AuditFilter::of(model.id.as_str(), ALL)).await.unwrap().total;
    assert_eq!(stored.revision, of_model, "a revision for each entry, none lost");
    let entries = world.count("audit").await;
    assert_intact(world, entries).await;
}

pub async fn deploys_race_deletes(world: &World) {
    let model = world.model_with("churn", WRITERS).await;
    let outcomes = at_once(world, |registry, writer| {
        let id = model.id.clone();
        async move {
            let who = actor("acme");
            if writer % 2 == 0 {
                code(registry.deploy(&who, &id, spec(writer / 2), Strategy::Swap).await)
            } else {
                code(registry.delete_version(&who, &id, writer / 2 + 1).await)
            }
        }
    })
    .await;
    for outcome in &outcomes {
        assert!(["ok", "not-found", "version-deployed"].contains(outcome), "{outcome}");
    }
    if let Some(live) = world.registry.deployment(&model.id).await.unwrap() {
        world.registry.version("acme", &model.id, live.primary.spec.version).await.unwrap();
        world.registry.fetch_artifact(live.primary.digest).await.unwrap();
    }
    let versions = world.registry.versions("acme", &model.id, ALL).await.unwrap().total;
    assert_eq!(world.blobs().len() as i64, versions, "an artifact for each version that is left");
    let entries = world.count("audit").await;
    assert_intact(world, entries).await;
}
