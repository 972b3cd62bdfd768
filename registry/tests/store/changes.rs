//! The change feed.

use crate::world::{Database, World, actor, new_model, spec};
use servoir_registry::{NewKey, Strategy};
use std::time::Duration;
use tokio::sync::watch;

/// Long enough for any machine; only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

async fn hear(changes: &mut watch::Receiver<u64>) {
    tokio::time::timeout(PATIENCE, changes.changed()).await.expect("no tick came").unwrap();
}

pub async fn a_change_ticks(world: &World) {
    let (registry, who) = (&world.registry, actor("acme"));
    let model = world.model_with("churn", 1).await;
    let mut changes = registry.changes();
    registry.deploy(&who, &model.id, spec(1), Strategy::Swap).await.unwrap();
    hear(&mut changes).await;
    registry.undeploy(&who, &model.id).await.unwrap();
    hear(&mut changes).await;
    let new = NewKey { name: "ci".into(), scopes: vec![], expires_at: None };
    registry.create_key(&who, new).await.unwrap();
    hear(&mut changes).await;
}

pub async fn nodes_hear_of_one_another(world: &World) {
    assert_eq!(world.registry.is_shared(), world.database == Database::Postgres);
    if !world.registry.is_shared() {
        return;
    }
    let other = world.open_again(|options| options.scratch_dir = world.folder.path().join("other")).await;
    let mut changes = other.changes();
    // The first tick says that the other node has begun to listen.
    if *changes.borrow_and_update() == 0 {
        hear(&mut changes).await;
    }
    world.registry.create_model(&actor("acme"), new_model("churn")).await.unwrap();
    hear(&mut changes).await;
    other.model("acme", "churn").await.unwrap();
    let listeners = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
                     where datname = current_database() and query ilike 'listen%'";
    assert!(world.sql(listeners).await >= Some(1));
    hear(&mut changes).await;
    changes.mark_unchanged();
    world.registry.create_model(&actor("acme"), new_model("second")).await.unwrap();
    hear(&mut changes).await;
    other.model("acme", "second").await.unwrap();
    other.close().await;
}
