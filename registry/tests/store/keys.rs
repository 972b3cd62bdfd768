//! API keys.

use crate::world::{ALL, World, actor, code};
use servoir_registry::{AuditFilter, KeyStatus, NewKey};
use servoir_types::{Digest, Secret, Timestamp};

fn new_key(name: &str) -> NewKey {
    NewKey { name: name.into(), scopes: vec!["model-registry:read".into()], expires_at: None }
}

pub async fn a_key_is_shown_once_and_kept_as_a_hash(world: &World) {
    let registry = &world.registry;
    let (key, secret) = registry.create_key(&actor("acme"), new_key("ci")).await.unwrap();
    let parts: Vec<_> = secret.expose().split('_').collect();
    let ["svr", id, random] = parts[..] else { panic!("the key has another form") };
    assert_eq!((id, id.len(), random.len()), (key.id.as_str(), 12, 32));
    assert_eq!(key.prefix, format!("svr_{id}"));
    let hash = Digest::of(secret.expose().as_bytes());
    let [credential] = &registry.key_credentials().await.unwrap()[..] else { panic!("one credential is expected") };
    assert_eq!((credential.hash, credential.id.as_str(), credential.organization.as_str()), (hash, id, "acme"));
    assert_eq!(credential.scopes, ["model-registry:read"]);
    let leaked = format!("select count(*) from api_keys where hash like '%{random}%' or prefix like '%{random}%'");
    assert_eq!(world.sql(&leaked).await, Some(0));
    let stored = registry.key("acme", id).await.unwrap();
    assert_eq!((stored.name.as_str(), stored.created_by.as_str()), ("ci", "ada"));
    assert_eq!((stored.expires_at, stored.revoked_at, stored.last_used_at), (None, None, None));
    let at = |millis| Timestamp::from_millis(millis);
    for (used, expected) in [(5, 5), (9, 9), (7, 9)] {
        registry.touch_keys(&[(key.id.clone(), at(used)), ("nobody".into(), at(used))]).await.unwrap();
        assert_eq!(registry.key("acme", id).await.unwrap().last_used_at, Some(at(expected)));
    }
}

pub async fn keys_by_status(world: &World) {
    let registry = &world.registry;
    let now = Timestamp::now();
    let mut ids = Vec::new();
    for (name, expires_in) in [("plain", None), ("expired", Some(-1)), ("lasting", Some(600)), ("revoked", Some(-1))] {
        let new = NewKey { expires_at: expires_in.map(|seconds| now.plus_seconds(seconds)), ..new_key(name) };
        ids.push(registry.create_key(&actor("acme"), new).await.unwrap().0.id);
    }
    registry.revoke_key(&actor("acme"), &ids[3]).await.unwrap();
    for (status, expected) in [
        (None, &["expired", "lasting", "plain", "revoked"][..]),
        (Some(KeyStatus::Active), &["lasting", "plain"]),
        (Some(KeyStatus::Expired), &["expired"]),
        (Some(KeyStatus::Revoked), &["revoked"]),
    ] {
        let page = registry.keys("acme", status, ALL).await.unwrap();
        let mut names: Vec<_> = page.items.iter().map(|key| key.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!((page.total, &names[..]), (expected.len() as i64, expected), "{status:?}");
    }
    let mut credentials: Vec<_> = registry.key_credentials().await.unwrap().into_iter().map(|key| key.id).collect();
    credentials.sort_unstable();
    let mut active = vec![ids[0].clone(), ids[2].clone()];
    active.sort_unstable();
    assert_eq!(credentials, active);
}

pub async fn a_revoked_key_is_no_credential(world: &World) {
    let registry = &world.registry;
    let (key, _) = registry.create_key(&actor("acme"), new_key("ci")).await.unwrap();
    registry.revoke_key(&actor("acme"), &key.id).await.unwrap();
    let revoked_at = registry.key("acme", &key.id).await.unwrap().revoked_at;
    assert!(revoked_at.is_some());
    registry.revoke_key(&actor("acme"), &key.id).await.unwrap();
    assert_eq!(registry.key("acme", &key.id).await.unwrap().revoked_at, revoked_at);
    assert!(registry.key_credentials().await.unwrap().is_empty());
    assert_eq!(code(registry.revoke_key(&actor("acme"), "nobody").await), "not-found");
    assert_eq!(
        registry.audit("acme", &AuditFilter::of(&key.id, ALL)).await.unwrap().total,
        2,
        "created and revoked, once each"
    );
}

pub async fn the_bootstrap_key_is_made_once(world: &World) {
    let registry = &world.registry;
    let secret = registry.bootstrap_key(None).await.unwrap().unwrap();
    let [credential] = &registry.key_credentials().await.unwrap()[..] else { panic!("one credential is expected") };
    assert_eq!(credential.hash, Digest::of(secret.expose().as_bytes()));
    assert_eq!((credential.organization.as_str(), &credential.scopes[..]), ("default", &["*".to_owned()][..]));
    assert_eq!(registry.bootstrap_key(None).await.unwrap(), None);
    registry.revoke_key(&actor("default"), &credential.id).await.unwrap();
    assert_eq!(registry.bootstrap_key(None).await.unwrap(), None, "a revoked key is a key");
    assert_eq!(world.count("api_keys").await, 1);
}

pub async fn two_nodes_make_one_bootstrap_key(world: &World) {
    let attempts = (0..16).map(|_| {
        let registry = world.registry.clone();
        tokio::spawn(async move { registry.bootstrap_key(None).await.unwrap() })
    });
    let made = futures_util::future::join_all(attempts).await.into_iter().filter_map(Result::unwrap).count();
    assert_eq!((made, world.count("api_keys").await), (1, 1));
}

pub async fn a_provided_bootstrap_key_is_kept(world: &World) {
    let registry = &world.registry;
    let short = Secret::new("x".repeat(31));
    assert_eq!(code(registry.bootstrap_key(Some(short)).await), "invalid-value");
    let provided = Secret::new("correct horse battery staple 123");
    for _ in 0..2 {
        assert_eq!(registry.bootstrap_key(Some(provided.clone())).await.unwrap(), None);
    }
    let [credential] = &registry.key_credentials().await.unwrap()[..] else { panic!("one credential is expected") };
    assert_eq!(credential.hash, Digest::of(provided.expose().as_bytes()));
    assert_eq!(registry.key("default", &credential.id).await.unwrap().prefix, "correct ");
}
