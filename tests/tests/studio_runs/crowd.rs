//! Two hundred clients on one run: twenty too slow, twenty that come and go. Everybody else sees every frame once.

use crate::world::{Follower, Place, server};
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;

const FAST: usize = 160;
const SLOW: usize = 20;
const RECONNECTING: usize = 20;
/// A slow client takes a frame while fast ones take so many.
const STRIDE: u64 = 40;
/// The same for one that falls far behind, and yet is not given up as one that takes nothing.
const FAR_STRIDE: u64 = 3;
/// What a slow client's system takes for it, in bytes.
const SLOW_BUFFER_BYTES: u32 = 4096;
/// Far more frames than a run's newest that are kept in memory, and than the buffers of a connection hold.
const FRAMES_MANY: u64 = 6000;
/// The most memory that the clients and their sockets may add, in bytes; both ends are in this process.
const ADDED_BYTES_MAX: u64 = 256 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_follow_one_run() {
    let (server, place) = server(1).await;
    let model = place.model("churn", "steady rounds=400 delay=0.015").await;
    let before = resident_bytes();
    place.begin(&model).await;
    let mut slow = JoinSet::new();
    let pace = watch::Sender::new(0);
    for _ in 0..SLOW {
        let follower = Follower::slow(place.address, &model, SLOW_BUFFER_BYTES).await;
        slow.spawn(dawdle(follower, pace.subscribe()));
    }
    let pace = Arc::new(pace);
    let mut fast = JoinSet::new();
    for _ in 0..FAST {
        let follower = place.follow(&model, Some(1)).await;
        fast.spawn(see_all(follower, Arc::clone(&pace)));
    }
    drop(pace);
    let mut restless = JoinSet::new();
    for seed in 1..=RECONNECTING {
        restless.spawn(come_and_go(place.clone(), model.clone(), seed as u64));
    }
    let counts = fast.join_all().await;
    let grown = resident_bytes().saturating_sub(before);
    let last = place.api.get(&format!("/api/v1/models/{model}/runs")).await.json["results"][0]["last_seq"].as_u64();
    let last = last.expect("a number");
    assert!(counts.iter().all(|count| *count == last), "of {last} frames: {counts:?}");
    let reconnections: u64 =
        restless.join_all().await.into_iter().inspect(|(seen, _)| assert_eq!(*seen, last)).map(|(_, n)| n).sum();
    let snapshots: u64 = slow
        .join_all()
        .await
        .into_iter()
        .map(|(follower, frames)| {
            assert_eq!(frames.last().expect("the end reaches it too")["type"], "complete");
            follower.snapshots
        })
        .sum();
    println!(
        "{last} frames; {reconnections} reconnections; {snapshots} snapshots of the slow; {} MiB more",
        grown >> 20
    );
    assert!(reconnections > RECONNECTING as u64, "they came and went");
    assert!(grown < ADDED_BYTES_MAX, "{grown} bytes more");
    server.stop().await;
}

/// How many frames came, each once and in order (which the follower checks), without a second snapshot.
async fn see_all(mut follower: Follower, pace: Arc<watch::Sender<u64>>) -> u64 {
    while follower.next().await.is_ok() {
        let seen = follower.seq.unwrap_or(0) / STRIDE;
        pace.send_if_modified(|known| std::mem::replace(known, seen.max(*known)) < seen);
    }
    assert_eq!(follower.snapshots, 1, "a fast client is told every frame");
    follower.seq.expect("frames")
}

/// Takes few frames while others take many, and the rest when they have all.
async fn dawdle(mut follower: Follower, mut pace: watch::Receiver<u64>) -> (Follower, Vec<Value>) {
    let mut frames = Vec::new();
    while pace.changed().await.is_ok() {
        frames.push(follower.next().await.expect("a frame"));
    }
    frames.extend(follower.until_it_ends().await);
    (follower, frames)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_falls_far_behind_gets_a_snapshot_in_place_of_it() {
    let (server, place) = server(1).await;
    let model = place.model("churn", "steady rounds=100000 delay=0.002 wide=2000").await;
    place.begin(&model).await;
    let mut slow = JoinSet::new();
    let pace = watch::Sender::new(0);
    for _ in 0..3 {
        let follower = Follower::slow(place.address, &model, SLOW_BUFFER_BYTES).await;
        slow.spawn(dawdle(follower, pace.subscribe()));
    }
    let mut fast = place.follow(&model, Some(1)).await;
    while fast.seq < Some(FRAMES_MANY) {
        fast.next().await.expect("a frame");
        pace.send_if_modified(|known| {
            let seen = fast.seq.unwrap_or(0) / FAR_STRIDE;
            std::mem::replace(known, seen) < seen
        });
    }
    drop(pace);
    place.api.post(&format!("/api/v1/models/{model}/train/cancel"), serde_json::json!({})).await.expect(200);
    fast.until_it_ends().await;
    assert_eq!(fast.snapshots, 1);
    for (follower, frames) in slow.join_all().await {
        assert!(follower.snapshots > 1, "it was spared what it could not take");
        assert!((frames.len() as u64) < FRAMES_MANY, "{} frames", frames.len());
        assert_eq!((frames.last().expect("the end")["type"].as_str(), follower.seq), (Some("cancelled"), fast.seq));
    }
    server.stop().await;
}

/// Leaves after some frames and comes back for the next one. The number of the last frame, and how often it came.
async fn come_and_go(place: Place, model: String, seed: u64) -> (u64, u64) {
    let (mut next, mut times, mut random) = (1, 0, seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    loop {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut follower = place.follow(&model, Some(next)).await;
        times += 1;
        for _ in 0..1 + random % 150 {
            match follower.next().await {
                Ok(frame) if frame["type"] == "snapshot" => assert_eq!(frame["seq"], next - 1),
                Ok(frame) => {
                    assert_eq!(frame["seq"], next, "no gap and no repeat");
                    next += 1;
                    if frame["type"] == "complete" {
                        return (next - 1, times);
                    }
                }
                Err(code) => panic!("closed with {code} before the end"),
            }
        }
    }
}

fn resident_bytes() -> u64 {
    servoir_child::resident_bytes(std::process::id()).expect("proc(5)")
}
