//! Versions: numbers, pages, deletion.

use crate::world::{ALL, World, actor, code, spec};
use servoir_registry::{AuditFilter, Breaking, NewVersion, Strategy, VersionState, Window};
use servoir_types::{Datatype, Digest, Shape, Signature, TensorSpec};

pub async fn numbers_are_not_given_out_twice(world: &World) {
    let model = world.model("churn").await;
    let registry = &world.registry;
    for number in 1..=3 {
        assert_eq!(world.publish(&model.id, &[number]).await.version, i64::from(number));
    }
    registry.delete_version(&actor("acme"), &model.id, 3).await.unwrap();
    assert_eq!(registry.model("acme", "churn").await.unwrap().latest_version, 2);
    assert_eq!(code(registry.delete_version(&actor("acme"), &model.id, 3).await), "not-found");
    assert_eq!(world.publish(&model.id, b"4").await.version, 4);
    let model = registry.model("acme", "churn").await.unwrap();
    assert_eq!((model.latest_version, model.revision), (4, 6));
}

pub async fn a_page_of_versions(world: &World) {
    let model = world.model_with("churn", 4).await;
    let registry = &world.registry;
    for (window, expected) in [(ALL, &[4, 3, 2, 1][..]), (Window { limit: 2, offset: 1 }, &[3, 2])] {
        let page = registry.versions("acme", &model.id, window).await.unwrap();
        assert_eq!(page.total, 4);
        assert_eq!(page.items.iter().map(|version| version.version).collect::<Vec<_>>(), expected);
    }
    let signature = Signature {
        inputs: vec![TensorSpec::new("x", Datatype::Fp32, Shape::ranked([-1, 3]))],
        outputs: vec![TensorSpec::new("y", Datatype::Int64, Shape::unranked())],
    };
    let new = NewVersion { signature: Some(signature.clone()), ..crate::world::new_version() };
    let staged = world.staged(b"signed").await;
    let made = registry.publish(&actor("acme"), &model.id, staged, new).await.unwrap();
    let read = registry.version("acme", &model.id, 5).await.unwrap();
    for version in [made, read] {
        assert_eq!((version.version, version.size_bytes), (5, 6));
        assert_eq!((version.digest, version.format.as_str()), (Digest::of(b"signed"), "onnx"));
        assert_eq!(version.metrics["auc"], 0.93);
        assert_eq!(version.signature.as_ref(), Some(&signature));
        assert_eq!((version.state, version.reason.as_deref()), (VersionState::Ready, None));
        assert_eq!((version.description.as_str(), version.created_by.as_str()), ("first", "ada"));
    }
    assert_eq!(code(registry.version("acme", &model.id, 6).await), "not-found");
}

pub async fn a_version_that_is_no_good_says_so(world: &World) {
    let model = world.model_with("churn", 4).await;
    let (registry, who) = (&world.registry, actor("acme"));
    registry.deploy(&who, &model.id, spec(1), Strategy::Swap).await.unwrap();
    registry.deploy(&who, &model.id, spec(2), Strategy::Swap).await.unwrap();
    let reject = async |version| registry.reject_version(&who, &model.id, version, "crashed: SIGSEGV").await;
    let before = registry.audit("acme", &AuditFilter::all(ALL)).await.unwrap().total;
    for (version, expected) in [(1, false), (2, false), (3, true), (3, false), (9, false)] {
        assert_eq!(reject(version).await.unwrap(), expected, "version {version}");
    }
    for (version, state, reason) in [
        (1, VersionState::Ready, None),
        (2, VersionState::Ready, None),
        (3, VersionState::Rejected, Some("crashed: SIGSEGV")),
        (4, VersionState::Ready, None),
    ] {
        let read = registry.version("acme", &model.id, version).await.unwrap();
        assert_eq!((read.state, read.reason.as_deref()), (state, reason), "version {version}");
    }
    assert_eq!(code(registry.deploy(&who, &model.id, spec(3), Strategy::Swap).await), "version-not-ready");
    let audit = registry.audit("acme", &AuditFilter::all(ALL)).await.unwrap();
    assert_eq!((audit.total, audit.items[0].action.as_str()), (before + 1, "model.version_rejected"));
    assert_eq!(audit.items[0].after.as_ref().unwrap()["reason"], "crashed: SIGSEGV");
    assert_eq!(code(registry.reject_version(&actor("other"), &model.id, 4, "no").await), "not-found");
    assert_eq!(code(registry.reject_version(&who, &model.id, 4, "a\0b").await), "invalid-value");
}

pub async fn versions_that_are_deployed_stay(world: &World) {
    let model = world.model_with("churn", 5).await;
    let (registry, actor) = (&world.registry, actor("acme"));
    for (version, strategy) in
        [(1, Strategy::Swap), (2, Strategy::Swap), (3, Strategy::Canary(10)), (4, Strategy::Shadow)]
    {
        registry.deploy(&actor, &model.id, spec(version), strategy).await.unwrap();
    }
    for version in [2, 3, 4] {
        let refused = registry.delete_version(&actor, &model.id, version).await;
        assert_eq!(code(refused), "version-deployed");
    }
    registry.delete_version(&actor, &model.id, 5).await.unwrap();
    registry.delete_version(&actor, &model.id, 1).await.unwrap();
    let deployment = registry.deployment(&model.id).await.unwrap().unwrap();
    assert_eq!(deployment.previous, None, "a version that is gone cannot be gone back to");
    assert_eq!(code(registry.rollback(&actor, &model.id, Breaking::Refused).await), "nothing-to-roll-back");
}

pub async fn deleting_a_model_takes_everything_with_it(world: &World) {
    let model = world.model_with("churn", 2).await;
    let (registry, actor) = (&world.registry, actor("acme"));
    registry.deploy(&actor, &model.id, spec(2), Strategy::Swap).await.unwrap();
    assert_eq!(code(registry.delete_model(&actor, &model.id, None, false).await), "model-deployed");
    assert_eq!(world.blobs().len(), 2);
    registry.undeploy(&actor, &model.id).await.unwrap();
    registry.delete_model(&actor, &model.id, None, false).await.unwrap();
    for table in ["models", "model_tags", "versions", "deployments", "node_states", "artifacts"] {
        assert_eq!(world.count(table).await, 0, "{table}");
    }
    assert!(world.blobs().is_empty());
    assert_eq!(code(registry.delete_model(&actor, &model.id, None, false).await), "not-found");
}
