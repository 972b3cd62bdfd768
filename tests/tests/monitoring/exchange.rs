//! A baseline that takes another's place while the version serves, and counts that are too old.

use crate::node::{Node, buckets, eventually, numbers, put_baseline, sql};
use crate::rows::{Asked, Rows};
use servoir::monitoring::buckets::Window;
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_once_while_baselines_are_exchanged() {
    let data = TempDir::new().expect("a temporary folder");
    let node = Node::start(data.path(), |config| config.monitoring.flush_seconds = 1).await;
    let rows = Rows::read();
    let model = node.serve("m", rows.artifact.clone(), Some(&rows.baseline)).await;
    let mut asked = Asked::default();
    let some = rows.take(3, 4);
    asked.note_v1(&some, &node.api.post("/v1/predict/m", Asked::body(&some)).await);
    put_baseline(&node.database, &model, "baseline_second", &rows.baseline).await;
    let database = node.database.clone();
    eventually("the second baseline is counted with", async || {
        asked.note_v1(&some, &node.api.post("/v1/predict/m", Asked::body(&some)).await);
        buckets(&database, &model).await.iter().any(|row| row.baseline == "baseline_second")
    })
    .await;
    node.stop().await;
    let kept = buckets(&database, &model).await;
    let (mut first, second): (Vec<_>, Vec<_>) = kept.into_iter().partition(|row| row.baseline == "baseline_first");
    assert!(!first.is_empty() && !second.is_empty());
    // They are counted in the same bins here, so that they may be added up by hand.
    first
        .extend(second.into_iter().map(|row| servoir_registry::BucketRow { baseline: "baseline_first".into(), ..row }));
    let window = Window::sum(&first).expect("buckets can be read");
    asked.assert_counted(&rows.baseline, window.counts.as_ref().expect("counts"));
    assert_eq!(window.traffic.rows(), asked.rows.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_that_are_too_old_are_taken_away() {
    let data = TempDir::new().expect("a temporary folder");
    let rows = Rows::read();
    let node = Node::start(data.path(), |_| {}).await;
    let model = node.serve("m", rows.artifact.clone(), Some(&rows.baseline)).await;
    node.api.post("/v1/predict/m", Asked::body(&rows.take(0, 2))).await.expect(200);
    let database = node.database.clone();
    node.stop().await;
    // More rows than one statement takes away: a bucket every five minutes, up to now.
    sql(
        &database,
        "with recursive step(n) as (select 1 union all select n + 1 from step where n < 3000) \
         insert into monitoring_buckets (model, version, baseline, start, node, counted_rows, service, counts) \
         select model, version, '', start - n * 300000, 'old', 1, '{}', '' from monitoring_buckets, step \
         where node <> 'old'",
    )
    .await;
    sql(
        &database,
        "insert into recordings (model, version, start, node, seen_rows, kept_rows, body) \
         select model, version, start, node, 1, 1, '' from monitoring_buckets where node = 'old'",
    )
    .await;
    let node = Node::start(data.path(), |config| config.monitoring.retention_days = 2).await;
    eventually("old counts are gone", async || {
        // Two days are 576 buckets of five minutes.
        let kept = numbers(&database, "select count(*) from recordings").await[0];
        (575..=577).contains(&kept)
    })
    .await;
    node.stop().await;
    let kept = buckets(&database, &model).await;
    let old = kept.iter().filter(|row| row.node == "old").count();
    assert!((575..=577).contains(&old), "{old}");
    assert!(kept.iter().any(|row| row.node != "old"));
}
