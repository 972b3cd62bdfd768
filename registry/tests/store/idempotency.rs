//! Idempotency keys.

use crate::world::World;
use servoir_registry::{Idempotency, StoredAnswer};
use servoir_types::Digest;

fn answer(body: &[u8]) -> StoredAnswer {
    StoredAnswer { status: 201, headers: vec![("location".into(), "/x".into())], body: body.into() }
}

pub async fn a_repeat_gets_the_first_answer(world: &World) {
    let registry = &world.registry;
    let (one, other) = (Digest::of(b"1"), Digest::of(b"2"));
    let begin = async |caller: &str, fingerprint| registry.begin_idempotent(caller, "k", fingerprint).await.unwrap();
    assert_eq!(begin("ada", one).await, Idempotency::New);
    assert_eq!(begin("ada", one).await, Idempotency::InProgress);
    assert_eq!(begin("ada", other).await, Idempotency::Mismatch);
    assert_eq!(begin("bob", other).await, Idempotency::New);
    let kept = answer(b"any \0 \xff bytes");
    registry.finish_idempotent("ada", "k", kept.clone()).await.unwrap();
    registry.finish_idempotent("ada", "k", answer(b"too late")).await.unwrap();
    registry.abandon_idempotent("ada", "k").await.unwrap();
    assert_eq!(begin("ada", one).await, Idempotency::Done(kept));
    assert_eq!(begin("ada", other).await, Idempotency::Mismatch);
    registry.abandon_idempotent("bob", "k").await.unwrap();
    assert_eq!(begin("bob", one).await, Idempotency::New);
}

pub async fn abandoned_and_expired_keys_are_free_again(world: &World) {
    let registry = &world.registry;
    let (one, other) = (Digest::of(b"1"), Digest::of(b"2"));
    let begin = async |key: &str, fingerprint| registry.begin_idempotent("ada", key, fingerprint).await.unwrap();
    begin("slow", one).await;
    begin("done", one).await;
    registry.finish_idempotent("ada", "done", answer(b"x")).await.unwrap();
    let age = async |minutes: i64| {
        let millis = minutes * 60_000;
        let statement =
            format!("update idempotency set started_at = started_at - {millis}, finished_at = finished_at - {millis}");
        world.sql(&statement).await;
    };
    age(9).await;
    assert_eq!(begin("slow", other).await, Idempotency::Mismatch);
    age(2).await;
    assert_eq!(begin("slow", other).await, Idempotency::New, "after 11 minutes its server must have died");
    assert_eq!(begin("done", one).await, Idempotency::Done(answer(b"x")));
    age(24 * 60).await;
    assert_eq!(begin("done", other).await, Idempotency::New);
    age(24 * 60 + 1).await;
    begin("another", one).await;
    assert_eq!(world.count("idempotency").await, 1, "a new key takes expired ones away");
}

pub async fn one_of_many_gets_the_key(world: &World) {
    let attempts = (0..64).map(|_| {
        let registry = world.registry.clone();
        tokio::spawn(async move { registry.begin_idempotent("ada", "k", Digest::of(b"1")).await.unwrap() })
    });
    let outcomes: Vec<_> = futures_util::future::join_all(attempts).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Idempotency::New).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Idempotency::InProgress).count(), 63);
}
