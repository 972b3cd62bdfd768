//! Publishing: the artifact and its row, both or neither.

use crate::world::{World, actor, code, files, new_version};
use servoir_registry::{NewVersion, Registry};
use servoir_types::{Digest, Timestamp};
use std::fs;

pub async fn a_publish_that_fails_leaves_nothing(world: &World) {
    let model = world.model("churn").await;
    world.publish(&model.id, b"kept").await;
    let registry = &world.registry;
    let none = servoir_types::ModelId::from_text("model_none");
    let publish = async |model, bytes: &[u8], new| {
        code(registry.publish(&actor("acme"), model, world.staged(bytes).await, new).await)
    };
    let nul = NewVersion { description: "\0".into(), ..new_version() };
    assert_eq!(publish(&none, b"lost", new_version()).await, "not-found");
    assert_eq!(publish(&model.id, b"lost", nul).await, "invalid-value");
    world.sql("create unique index one_of_each on audit (action)").await;
    assert_eq!(publish(&model.id, b"lost", new_version()).await, "data-inconsistent");
    assert_eq!(publish(&model.id, b"kept", new_version()).await, "data-inconsistent");
    world.sql("drop index one_of_each").await;
    assert_eq!((world.count("versions").await, world.count("artifacts").await), (1, 1));
    assert_eq!(world.blobs().len(), 1, "the bytes of the version that there is");
    assert!(world.spool_files().is_empty());
    assert_eq!(world.publish(&model.id, b"next").await.version, 2);
}

/// A server on the same data, opened again after this one was killed.
async fn after_a_kill(world: &World) -> Registry {
    world.registry.close().await;
    world.open_again(|options| options.sweep_grace_seconds = 0).await
}

pub async fn what_was_put_and_not_published_is_swept(world: &World) {
    let model = world.model("churn").await;
    let kept = world.publish(&model.id, b"kept").await;
    // What a kill between the put and the commit leaves: the bytes and the claim, and an upload under way.
    let lost = world.publish(&model.id, b"lost").await;
    world.sql("delete from versions where version = 2").await;
    let long_ago = Timestamp::now().plus_seconds(-1).as_millis();
    let claimed =
        format!("update artifacts set uses = 0, claims = 1, claimed_at = {long_ago} where digest = '{}'", lost.digest);
    world.sql(&claimed).await;
    fs::write(world.options.scratch_dir.join("uploads/half"), b"ha").unwrap();
    assert_eq!(world.registry.sweep().await.unwrap(), 0, "a publish may still be under way");
    assert_eq!(world.blobs().len(), 2);
    let registry = after_a_kill(world).await;
    assert_eq!((world.blobs().len(), world.spool_files().len()), (1, 0));
    assert_eq!(world.count("artifacts").await, 1);
    registry.fetch_artifact(kept.digest).await.unwrap();
    registry.close().await;
}

pub async fn artifacts_that_the_database_does_not_know_are_swept(world: &World) {
    let model = world.model("churn").await;
    world.publish(&model.id, b"kept").await;
    world.publish(&model.id, b"lost").await;
    world.sql("delete from versions where version = 2").await;
    world.sql(&format!("delete from artifacts where digest = '{}'", Digest::of(b"lost"))).await;
    assert_eq!(world.registry.sweep().await.unwrap(), 0, "it is younger than the grace time");
    let registry = after_a_kill(world).await;
    assert_eq!(registry.sweep().await.unwrap(), 1);
    assert_eq!(world.blobs().len(), 1);
    let leftovers = files(&world.folder.path().join("artifacts/incoming"));
    assert_eq!(leftovers, Vec::<std::path::PathBuf>::new());
    registry.close().await;
}

pub async fn an_artifact_being_swept_is_not_claimed(world: &World) {
    let model = world.model("churn").await;
    world.publish(&model.id, b"same").await;
    let now = Timestamp::now().as_millis();
    world.sql("delete from versions").await;
    world.sql(&format!("update artifacts set uses = 0, sweeping_since = {now}")).await;
    let publishing = {
        let (registry, model, staged) = (world.registry.clone(), model.id.clone(), world.staged(b"same").await);
        tokio::spawn(async move { registry.publish(&actor("acme"), &model, staged, new_version()).await })
    };
    // Another node's sweep comes to its end.
    world.sql("delete from artifacts").await;
    assert_eq!(publishing.await.unwrap().unwrap().version, 2);
    assert_eq!((world.blobs().len(), world.count("artifacts").await), (1, 1));
}
