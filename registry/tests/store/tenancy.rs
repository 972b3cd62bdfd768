//! Another organization's objects are not found, and stay as they are.

use crate::world::{ALL, World, actor, code, everything, new_version, spec};
use servoir_registry::{AuditFilter, Breaking, ModelChange, NewKey, Strategy};

pub async fn other_organizations_see_and_change_nothing(world: &World) {
    let model = world.model_with("churn", 2).await;
    let registry = &world.registry;
    registry.deploy(&actor("acme"), &model.id, spec(1), Strategy::Swap).await.unwrap();
    registry.deploy(&actor("acme"), &model.id, spec(2), Strategy::Swap).await.unwrap();
    let new = NewKey { name: "ci".into(), scopes: vec![], expires_at: None };
    let (key, _) = registry.create_key(&actor("acme"), new).await.unwrap();
    let before = registry.model("acme", "churn").await.unwrap();
    let entries = world.count("audit").await;
    let (them, id) = (&actor("globex"), &model.id);
    let staged = world.staged(b"theirs").await;
    let outcomes = [
        ("model by id", code(registry.model("globex", id.as_str()).await)),
        ("model by name", code(registry.model("globex", "churn").await)),
        ("update", code(registry.update_model(them, id, ModelChange::default(), None).await)),
        ("stale update", code(registry.update_model(them, id, ModelChange::default(), Some(1)).await)),
        ("delete", code(registry.delete_model(them, id, None, false).await)),
        ("archive", code(registry.set_archived(them, id, true).await)),
        ("publish", code(registry.publish(them, id, staged, new_version()).await)),
        ("versions", code(registry.versions("globex", id, ALL).await)),
        ("version", code(registry.version("globex", id, 1).await)),
        ("delete version", code(registry.delete_version(them, id, 1).await)),
        ("deploy", code(registry.deploy(them, id, spec(1), Strategy::Swap).await)),
        ("rollback", code(registry.rollback(them, id, Breaking::Refused).await)),
        ("undeploy", code(registry.undeploy(them, id).await)),
        ("key", code(registry.key("globex", &key.id).await)),
        ("revoke", code(registry.revoke_key(them, &key.id).await)),
    ];
    for (call, outcome) in outcomes {
        assert_eq!(outcome, "not-found", "{call}");
    }
    assert_eq!(registry.models("globex", &everything()).await.unwrap().total, 0);
    assert_eq!(registry.keys("globex", None, ALL).await.unwrap().total, 0);
    assert_eq!(registry.audit("globex", &AuditFilter::all(ALL)).await.unwrap().total, 0);
    assert_eq!(registry.audit("globex", &AuditFilter::of(id.as_str(), ALL)).await.unwrap().total, 0);
    let after = registry.model("acme", "churn").await.unwrap();
    assert_eq!((after.revision, after.latest_version, after.deployed), (before.revision, 2, true));
    assert_eq!(registry.key("acme", &key.id).await.unwrap().revoked_at, None);
    assert_eq!(world.count("audit").await, entries);
}
