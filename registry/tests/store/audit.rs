//! The audit: what is in it, and that nobody changes it unseen.

use crate::world::{ALL, World, actor, code, new_model, spec};
use serde_json::json;
use servoir_registry::{AuditVerdict, ModelChange, NewKey, Strategy, Window};

pub async fn every_write_leaves_one_entry(world: &World) {
    let (registry, who) = (&world.registry, actor("acme"));
    let model = world.model_with("churn", 2).await;
    let change = ModelChange { description: Some("x".into()), ..ModelChange::default() };
    registry.update_model(&who, &model.id, change, None).await.unwrap();
    registry.deploy(&who, &model.id, spec(1), Strategy::Swap).await.unwrap();
    registry.deploy(&who, &model.id, spec(2), Strategy::Swap).await.unwrap();
    registry.rollback(&who, &model.id).await.unwrap();
    registry.undeploy(&who, &model.id).await.unwrap();
    registry.set_archived(&who, &model.id, true).await.unwrap();
    registry.set_archived(&who, &model.id, false).await.unwrap();
    registry.delete_version(&who, &model.id, 2).await.unwrap();
    registry.delete_model(&who, &model.id, None).await.unwrap();
    let new = NewKey { name: "ci".into(), scopes: vec![], expires_at: None };
    let (key, _) = registry.create_key(&who, new).await.unwrap();
    registry.revoke_key(&who, &key.id).await.unwrap();
    let page = registry.audit("acme", None, ALL).await.unwrap();
    let actions: Vec<_> = page.items.iter().rev().map(|entry| entry.action.as_str()).collect();
    let expected = [
        "model.created",
        "model.version_created",
        "model.version_created",
        "model.updated",
        "model.deployed",
        "model.deployed",
        "model.rolled_back",
        "model.undeployed",
        "model.archived",
        "model.unarchived",
        "model.version_deleted",
        "model.deleted",
        "api_key.created",
        "api_key.revoked",
    ];
    assert_eq!((&actions[..], page.total), (&expected[..], 14));
    let update = &page.items[10];
    assert_eq!((update.target.as_str(), update.sequence), (model.id.as_str(), 4));
    assert_eq!((update.organization.as_str(), update.actor.as_str()), ("acme", "ada"));
    assert_eq!((update.credential.as_str(), update.address.as_deref()), ("api-key:k1", Some("192.0.2.1")));
    assert_eq!(update.request_id, "r1");
    assert_eq!(update.before.as_ref().unwrap()["description"], "describes churn");
    assert_eq!(update.after.as_ref().unwrap()["description"], json!("x"));
    let of_key = registry.audit("acme", Some(&key.id), Window { limit: 1, offset: 1 }).await.unwrap();
    assert_eq!((of_key.total, of_key.items[0].action.as_str()), (2, "api_key.created"));
    assert_eq!(registry.verify_audit().await.unwrap(), AuditVerdict::Intact { entries: 14 });
}

pub async fn tampering_is_found(world: &World) {
    for index in 0..6 {
        world.model(&format!("m{index}")).await;
    }
    let registry = &world.registry;
    let verify = async || registry.verify_audit().await.unwrap();
    assert_eq!(verify().await, AuditVerdict::Intact { entries: 6 });
    world.sql("create table kept as select * from audit").await;
    let tampering: [(&[&str], i64); 8] = [
        (&["update audit set actor = 'eve' where sequence = 3"], 3),
        (&["update audit set state_after = '{}' where sequence = 1"], 1),
        (&["update audit set address = null where sequence = 6"], 6),
        (&["delete from audit where sequence = 4"], 4),
        (&["delete from audit where sequence = 6"], 6),
        (&["delete from audit where sequence >= 5"], 5),
        (
            &[
                "update audit set sequence = 20 where sequence = 2",
                "update audit set sequence = 2 where sequence = 3",
                "update audit set sequence = 3 where sequence = 20",
            ],
            2,
        ),
        (
            &[
                "insert into audit select 7, at, organization, actor, credential, address, action, target, state_before, \
            state_after, request_id, hash from kept where sequence = 6",
            ],
            7,
        ),
    ];
    for (statements, first) in tampering {
        for statement in statements {
            world.sql(statement).await;
        }
        match verify().await {
            AuditVerdict::Broken { sequence, .. } => assert_eq!(sequence, first, "{statements:?}"),
            intact @ AuditVerdict::Intact { .. } => panic!("{intact:?} after {statements:?}"),
        }
        world.sql("delete from audit").await;
        world.sql("insert into audit select * from kept").await;
        assert_eq!(verify().await, AuditVerdict::Intact { entries: 6 });
    }
}

pub async fn a_failed_write_leaves_no_entry(world: &World) {
    world.model("churn").await;
    assert_eq!(code(world.registry.create_model(&actor("acme"), new_model("churn")).await), "name-taken");
    // A constraint that fails on the last statement takes the whole transaction back.
    world.sql("create unique index one_entry on audit (action)").await;
    assert_eq!(code(world.registry.create_model(&actor("acme"), new_model("other")).await), "data-inconsistent");
    world.sql("drop index one_entry").await;
    assert_eq!((world.count("models").await, world.count("audit").await), (1, 1));
    assert_eq!(world.registry.verify_audit().await.unwrap(), AuditVerdict::Intact { entries: 1 });
    world.model("other").await;
    assert_eq!(world.registry.verify_audit().await.unwrap(), AuditVerdict::Intact { entries: 2 });
}
