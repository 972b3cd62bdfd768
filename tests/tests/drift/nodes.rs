//! Two nodes on one database: one analyses, what both were asked; both show it.

use crate::metrics::series;
use crate::world::{Shift, World};
use serde_json::json;
use servoir::monitoring::analysis::run_turns;
use servoir::serve::start;
use servoir_tests::api::Api;
use servoir_tests::postgres::TestDatabase;
use servoir_tests::server::{BOOTSTRAP_KEY, config};
use servoir_types::{Secret, Timestamp};
use std::time::Duration;
use tempfile::TempDir;

#[tokio::test]
async fn one_node_analyses_what_both_were_asked() {
    let database = TestDatabase::create().await;
    let (here, there) = (TempDir::new().expect("a temporary folder"), TempDir::new().expect("a temporary folder"));
    let url = Secret::new(database.url());
    let mut world = World::start(here.path(), |config| config.database_url = url.clone()).await;
    let mut of_other = config(there.path());
    of_other.database_url = url;
    of_other.artifacts_url = config(here.path()).artifacts_url;
    let other = start(of_other).await.expect("the second node starts");
    let api = Api::new(format!("http://{}", other.addresses[0]), Some(BOOTSTRAP_KEY));
    let settled = async { while api.get("/readyz").await.status != 200 {} };
    tokio::time::timeout(Duration::from_secs(30), settled).await.expect("the second node becomes ready");
    // Both nodes' buckets begin with the test's clock.
    other.app().monitoring.flush_at(world.clock).await.expect("the database answers");

    world.configure(json!({"windows": ["1h"], "hysteresis": {"raise_after": 1}})).await;
    let shift = Some(Shift { feature: 21, deviations: 3.0 });
    world.ask(300, shift).await;
    let first = std::mem::replace(&mut world.api, api.clone());
    world.ask(200, shift).await;
    world.api = first;
    world.pass().await;
    other.app().monitoring.flush_at(world.clock).await.expect("the database answers");

    let now = Timestamp::from_millis(world.clock.as_millis() - 1);
    let (one, another) = tokio::join!(run_turns(world.app(), now), run_turns(other.app(), now));
    assert_eq!(one.expect("an analysis") + another.expect("an analysis"), 1, "one of them has taken the turn");
    let stored = world.app().registry.newest_analysis(&world.id(), 1, "1h").await.expect("the database answers");
    assert_eq!(stored.expect("an analysis").summary.sample_size, 500);
    for app in [world.app(), other.app()] {
        app.findings.refresh(app).await.expect("the database answers");
    }
    let shown = series(&world.api, "servoir_drift_score{", &["window=\"1h\""]).await;
    assert!(shown.is_some());
    assert_eq!(series(&api, "servoir_drift_score{", &["window=\"1h\""]).await, shown, "whoever made it");
    // An alert is everybody's.
    let path = world.path("/monitoring/alerts");
    let alerts = api.get(&format!("{path}?status=raised&severity=high")).await.expect(200).json;
    let id = alerts["results"][0]["alert_id"].as_str().expect("an alert").to_owned();
    api.post(&format!("{path}/{id}/acknowledge"), json!({})).await.expect(200);
    let seen = world.alerts("?status=acknowledged").await;
    assert_eq!((seen.len(), seen[0]["alert_id"].as_str()), (1, Some(id.as_str())));
    // A window of which nothing can be said is kept, too.
    world.pass_seconds(7200).await;
    assert_eq!(world.turn().await, 1);
    other.stop().await;
    world.stop().await;
    database.drop().await;
}
