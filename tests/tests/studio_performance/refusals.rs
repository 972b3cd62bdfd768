//! What is refused, and how it is said.

use crate::world::{World, numbers, of_four_rows};
use serde_json::Value;

const CHARTS: [&str; 8] = [
    "summary",
    "classification-report",
    "confusion-matrix",
    "roc-curve",
    "pr-curve",
    "calibration",
    "residuals",
    "misclassification-errors",
];

#[tokio::test]
async fn charts_of_the_other_task_are_refused() {
    let world = World::start().await;
    world.store(1, "test", &of_four_rows()).await;
    world.store(2, "test", &numbers()).await;
    for chart in CHARTS {
        for (version, other, code) in [(1, "residuals", "regression-only"), (2, "", "classification-only")] {
            let answer = world.get(&format!("performance/{chart}?version_id={version}")).await;
            let is_other = match other {
                "" => chart != "summary" && chart != "residuals",
                other => chart == other,
            };
            let expected = if is_other { (422, code) } else { (200, "") };
            assert_eq!(
                (answer.status.as_u16(), answer.code()),
                expected,
                "{chart} of version {version}: {}",
                answer.text
            );
        }
    }
    world.server.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_missing() {
    let world = World::start().await;
    world.store(1, "test", &of_four_rows()).await;
    let other = world.api.create_model("other").await;
    let others = format!("version_id=ver_{}_1", other.strip_prefix("model_").expect("a model's id"));
    let cases = [
        ("", "no-promoted-version"),
        ("version_id=2", "not-evaluated"),
        ("version_id=1&dataset_split=train", "not-evaluated"),
        ("version_id=9", "not-found"),
        ("version_id=0", "not-found"),
        ("version_id=best", "not-found"),
        (others.as_str(), "not-found"),
    ];
    for chart in CHARTS {
        for (query, code) in cases {
            let answer = world.get(&format!("performance/{chart}?{query}")).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (404, code), "{chart}?{query}: {}", answer.text);
        }
        let nobody_s = world.api.get(&format!("/api/v1/models/nobody-s/performance/{chart}")).await;
        assert_eq!((nobody_s.status.as_u16(), nobody_s.code()), (404, "not-found"), "{chart}");
    }
    world.server.stop().await;
}

#[tokio::test]
async fn parameters_that_make_no_sense_are_named() {
    let world = World::start().await;
    world.store(1, "test", &of_four_rows()).await;
    world.promote(1).await;
    let malformed = [
        ("summary?dataset_split=all", "?dataset_split"),
        ("summary?split=test", "?split"),
        ("classification-report?average=samples", "?average"),
        ("confusion-matrix?normalize=rows", "?normalize"),
        ("roc-curve?resolution=1", "?resolution"),
        ("roc-curve?resolution=1001", "?resolution"),
        ("pr-curve?resolution=many", "?resolution"),
        ("calibration?strategy=kmeans", "?strategy"),
        ("residuals?limit=5", "?limit"),
        ("misclassification-errors?limit=0", "?limit"),
        ("misclassification-errors?limit=501", "?limit"),
        ("misclassification-errors?min_confidence=1.5", "?min_confidence"),
        ("misclassification-errors?min_confidence=NaN", "?min_confidence"),
    ];
    for (path, pointer) in malformed {
        let answer = world.get(&format!("performance/{path}")).await.expect(400);
        assert_eq!(answer.json["errors"][0]["pointer"], pointer, "{path}: {}", answer.text);
    }
    for path in [
        "roc-curve?class_label=maybe",
        "pr-curve?class_label=maybe",
        "calibration?class_label=maybe",
        "misclassification-errors?true_label=maybe",
        "misclassification-errors?predicted_label=maybe",
    ] {
        let answer = world.get(&format!("performance/{path}")).await.expect(422);
        assert_eq!(answer.code(), "unknown-class", "{path}");
        assert!(answer.json["detail"].as_str().is_some_and(|detail| detail.contains("'no', 'yes'")), "{}", answer.text);
    }
    world.server.stop().await;
}

#[tokio::test]
async fn rows_of_a_dataset_need_a_scope_of_their_own() {
    let world = World::start().await;
    world.store(1, "test", &of_four_rows()).await;
    world.promote(1).await;
    let refused = world.chart_with("misclassification-errors", "studio:read").await.expect(403);
    assert_eq!(refused.code(), "scope-required");
    assert!(refused.text.contains("datasets:read"), "{}", refused.text);
    world.chart_with("misclassification-errors", "studio:read datasets:read").await.expect(200);
    world.chart_with("misclassification-errors", "datasets:read").await.expect(403);
    world.chart_with("summary", "studio:read").await.expect(200);
    world.server.stop().await;
}

#[tokio::test]
async fn a_metric_that_is_not_defined_is_null() {
    let world = World::start().await;
    let found = crate::world::two_classes(&[1, 1, 1], &[0.9, 0.2, 0.7]);
    world.store(1, "test", &found).await;
    world.promote(1).await;
    let summary = world.chart("summary").await;
    assert_eq!(summary["metrics"]["roc_auc"], Value::Null);
    let roc = world.chart("roc-curve").await;
    assert_eq!((&roc["roc_auc"], roc["fpr"].as_array().map(Vec::len)), (&Value::Null, Some(0)));
    world.server.stop().await;
}
