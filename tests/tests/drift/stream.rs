//! A stream of real rows through the real server: what shifts is raised in time, what does not shift raises nothing.

use crate::world::{Shift, World};
use serde_json::json;
use tempfile::TempDir;

/// Rows in five minutes.
const ROWS: usize = 500;
/// Rows before anything shifts.
const ROWS_BEFORE: usize = 20_000;
/// An alert comes at the latest when the hour's window holds nothing but shifted rows, for the second time.
const ROWS_MAX: usize = 13 * ROWS;
/// "worst texture", whose distribution is near to normal.
const FEATURE: usize = 21;

#[tokio::test]
async fn a_shift_of_half_a_deviation_is_raised_within_an_hour_of_traffic() {
    let data = TempDir::new().expect("a temporary folder");
    let mut world = World::start(data.path(), |_| {}).await;
    world.configure(json!({"windows": ["1h"]})).await;
    for _ in 0..ROWS_BEFORE / ROWS {
        world.step(ROWS, None).await;
    }
    assert_eq!(world.alerts("").await, Vec::<serde_json::Value>::new(), "nothing has shifted yet");
    let shift = Shift { feature: FEATURE, deviations: 0.5 };
    let mut rows = 0;
    while world.alerts("").await.is_empty() {
        assert!(rows < ROWS_MAX, "no alert after {rows} shifted rows");
        world.step(ROWS, Some(shift)).await;
        rows += ROWS;
    }
    println!("raised after {rows} shifted rows, {ROWS} in five minutes");
    let alerts = world.alerts("").await;
    let mut subjects: Vec<&str> = alerts.iter().filter_map(|alert| alert["subject"].as_str()).collect();
    // What the model answers may differ with what it is asked.
    subjects.retain(|subject| !subject.starts_with("output:"));
    subjects.sort_unstable();
    assert_eq!(
        subjects,
        ["drift", &format!("feature:{}", world.names[FEATURE])],
        "the feature, and the version: {alerts:?}"
    );
    assert!(alerts.iter().all(|alert| alert["status"] == "raised" && alert["threshold"] == 0.2), "{alerts:?}");
    assert!(alerts.iter().all(|alert| alert["value"].as_f64().is_some_and(|value| value >= 0.2)), "{alerts:?}");
    world.stop().await;
}

#[tokio::test]
async fn a_hundred_windows_without_a_shift_raise_nothing() {
    let data = TempDir::new().expect("a temporary folder");
    let mut world = World::start(data.path(), |_| {}).await;
    // Even one window alone, and a warning, would do.
    world.configure(json!({"windows": ["1h"], "hysteresis": {"raise_after": 1}})).await;
    for _ in 0..100 {
        world.ask(300, None).await;
        world.pass_seconds(3600).await;
        // The window of the bucket that has just ended: an hour later it would be empty.
        world.clock = world.clock.plus_seconds(300 - 3600);
        assert_eq!(world.turn().await, 1, "the turn has come");
        world.clock = world.clock.plus_seconds(3600 - 300);
    }
    let (id, ever) = (world.id(), (servoir_types::Timestamp::from_millis(0), world.clock));
    let stored = world.app().registry.last_analysis_between(&id, 1, ever).await.expect("the database answers");
    let stored = stored.expect("an analysis");
    assert_eq!(stored.summary.sample_size, 300, "each window had its own rows");
    assert_eq!(world.alerts("").await, Vec::<serde_json::Value>::new());
    world.stop().await;
}
