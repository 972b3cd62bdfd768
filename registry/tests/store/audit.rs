//! The audit: what is in it, and that nobody changes it unseen.

use crate::world::{ALL, Database, World, actor, code, new_model, spec};
use serde_json::json;
use servoir_registry::{AuditFilter, AuditVerdict, Breaking, ModelChange, NewKey, Strategy, Window};
use servoir_types::Timestamp;

pub async fn every_write_leaves_one_entry(world: &World) {
    let (registry, who) = (&world.registry, actor("acme"));
    let model = world.model_with("churn", 2).await;
    let change = ModelChange { description: Some("x".into()), ..ModelChange::default() };
    registry.update_model(&who, &model.id, change, None).await.unwrap();
    registry.deploy(&who, &model.id, spec(1), Strategy::Swap).await.unwrap();
    registry.deploy(&who, &model.id, spec(2), Strategy::Swap).await.unwrap();
    registry.rollback(&who, &model.id, Breaking::Refused).await.unwrap();
    registry.undeploy(&who, &model.id).await.unwrap();
    registry.set_archived(&who, &model.id, true).await.unwrap();
    registry.set_archived(&who, &model.id, false).await.unwrap();
    registry.delete_version(&who, &model.id, 2).await.unwrap();
    registry.delete_model(&who, &model.id, None, false).await.unwrap();
    let new = NewKey { name: "ci".into(), scopes: vec![], expires_at: None };
    let (key, _) = registry.create_key(&who, new).await.unwrap();
    registry.revoke_key(&who, &key.id).await.unwrap();
    let page = registry.audit("acme", &AuditFilter::all(ALL)).await.unwrap();
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
    let of_key = registry.audit("acme", &AuditFilter::of(&key.id, Window { limit: 1, offset: 1 })).await.unwrap();
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

/// One change of each column, none of which leaves it as it was.
const ALTERATIONS: [(&str, &str); 12] = [
    ("sequence", "sequence + 100"),
    ("at", "at + 1"),
    ("organization", "organization || 'x'"),
    ("actor", "actor || 'x'"),
    ("credential", "credential || 'x'"),
    ("address", "coalesce(address || 'x', '')"),
    ("action", "action || 'x'"),
    ("target", "target || 'x'"),
    ("state_before", "coalesce(state_before || ' ', '')"),
    ("state_after", "coalesce(state_after || ' ', '')"),
    ("request_id", "request_id || 'x'"),
    ("hash", "'0' || hash"),
];

pub async fn every_column_of_every_row_counts(world: &World) {
    let registry = &world.registry;
    let model = world.model("m").await;
    registry.set_archived(&actor("acme"), &model.id, true).await.unwrap();
    let mut system = actor("acme");
    system.address = None;
    registry.delete_model(&system, &model.id, None, false).await.unwrap();
    let columns = world.sql(match world.database {
        Database::Sqlite => "select count(*) from pragma_table_info('audit')",
        Database::Postgres => "select count(*) from information_schema.columns where table_name = 'audit'",
    });
    assert_eq!(columns.await.unwrap(), ALTERATIONS.len() as i64, "a column of the audit is not in the table above");
    world.sql("create table kept as select * from audit").await;
    for sequence in 1..=3 {
        let altered = ALTERATIONS.map(|(column, value)| format!("update audit set {column} = {value}"));
        for statement in altered.into_iter().chain(["delete from audit".to_owned()]) {
            world.sql(&format!("{statement} where sequence = {sequence}")).await;
            let verdict = registry.verify_audit().await;
            let is_found = !matches!(verdict, Ok(AuditVerdict::Intact { .. }));
            assert!(is_found, "{statement} of entry {sequence}: {verdict:?}");
            world.sql("delete from audit").await;
            world.sql("insert into audit select * from kept").await;
        }
    }
    for statement in [
        "update audit_head set sequence = 2",
        "update audit_head set sequence = 4",
        "update audit_head set hash = (select hash from audit where sequence = 2)",
        "delete from audit_head",
    ] {
        world.sql("drop table if exists kept_head").await;
        world.sql("create table kept_head as select * from audit_head").await;
        world.sql(statement).await;
        let verdict = registry.verify_audit().await;
        assert!(!matches!(verdict, Ok(AuditVerdict::Intact { .. })), "{statement}: {verdict:?}");
        world.sql("delete from audit_head").await;
        world.sql("insert into audit_head select * from kept_head").await;
    }
    assert_eq!(registry.verify_audit().await.unwrap(), AuditVerdict::Intact { entries: 3 });
}

pub async fn entries_by_filter(world: &World) {
    let registry = &world.registry;
    let (one, two) = (world.model("one").await, world.model("two").await);
    let mut eve = actor("acme");
    eve.subject = "eve".into();
    registry.set_archived(&eve, &one.id, true).await.unwrap();
    registry.set_archived(&eve, &two.id, true).await.unwrap();
    // Entries of days past, as far as a list can tell.
    world.sql("update audit set at = 1000 * sequence").await;
    let text = |text: &str| Some(text.to_owned());
    let at = |millis| Some(Timestamp::from_millis(millis));
    let all = || AuditFilter::all(ALL);
    let cases: [(AuditFilter, &[i64]); 11] = [
        (all(), &[4, 3, 2, 1]),
        (AuditFilter { ascending: true, ..all() }, &[1, 2, 3, 4]),
        (AuditFilter::of(one.id.as_str(), ALL), &[3, 1]),
        (AuditFilter { action: text("model.archived"), ..all() }, &[4, 3]),
        (AuditFilter { action: text("model.arch"), ..all() }, &[]),
        (AuditFilter { actor: text("ada"), ..all() }, &[2, 1]),
        (AuditFilter { actor: text("eve"), ..AuditFilter::of(two.id.as_str(), ALL) }, &[4]),
        (AuditFilter { from: at(2000), ..all() }, &[4, 3, 2]),
        (AuditFilter { to: at(2000), ..all() }, &[2, 1]),
        (AuditFilter { from: at(2000), to: at(3000), ..all() }, &[3, 2]),
        (AuditFilter { from: at(3001), to: at(3999), ..all() }, &[]),
    ];
    for (filter, expected) in cases {
        let page = registry.audit("acme", &filter).await.unwrap();
        let found: Vec<_> = page.items.iter().map(|entry| entry.sequence).collect();
        assert_eq!((page.total, &found[..]), (expected.len() as i64, expected), "{filter:?}");
    }
    let second = AuditFilter { ascending: true, ..AuditFilter::all(Window { limit: 1, offset: 1 }) };
    let page = registry.audit("acme", &second).await.unwrap();
    assert_eq!((page.total, page.items[0].sequence), (4, 2));
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
