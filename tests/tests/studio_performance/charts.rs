//! What the charts show.

use crate::world::{World, numbers, of_four_rows, three_classes, two_classes};
use serde_json::{Value, json};

/// How far a number may be from scikit-learn's.
const DIFFERS_BY: f64 = 1e-9;

fn assert_close(what: &str, shown: &Value, expected: f64) {
    let shown = shown.as_f64().unwrap_or_else(|| panic!("{what}: {shown} is no number"));
    assert!((shown - expected).abs() < DIFFERS_BY, "{what}: {shown} and not {expected}");
}

#[tokio::test]
async fn two_classes_as_in_scikit_learn_s_examples() {
    let world = World::start().await;
    world.store(2, "test", &of_four_rows()).await;
    world.promote(2).await;
    let summary = world.chart("summary").await;
    assert_eq!(summary["model_id"], world.model.as_str());
    assert_eq!(summary["version_id"], world.version_id(2));
    assert_eq!((&summary["dataset_split"], &summary["task_type"]), (&json!("test"), &json!("classification")));
    assert_eq!(summary["rows"], 4);
    // accuracy_score, roc_auc_score, average_precision_score and brier_score_loss of these rows.
    for (metric, expected) in
        [("accuracy", 0.75), ("roc_auc", 0.75), ("average_precision", 5.0 / 6.0), ("brier", 0.158_125)]
    {
        assert_close(metric, &summary["metrics"][metric], expected);
    }
    let roc = world.chart("roc-curve").await;
    assert_eq!((&roc["class_label"], &roc["roc_auc"]), (&json!("yes"), &json!(0.75)));
    assert_eq!(roc["fpr"], json!([0.0, 0.0, 0.5, 0.5, 1.0]));
    assert_eq!(roc["tpr"], json!([0.0, 0.5, 0.5, 1.0, 1.0]));
    assert_eq!(roc["thresholds"], json!([null, 0.8, 0.4, 0.35, 0.1]));
    let curve = world.chart("pr-curve").await;
    assert_eq!(curve["recall"], json!([1.0, 1.0, 0.5, 0.5, 0.0]));
    assert_eq!(curve["precision"], json!([0.5, 2.0 / 3.0, 0.5, 1.0, 1.0]));
    assert_eq!(curve["thresholds"], json!([0.1, 0.35, 0.4, 0.8, null]));
    assert_close("average precision", &curve["average_precision"], 5.0 / 6.0);
    let of_first = world.chart("roc-curve?class_label=no").await;
    assert_eq!((&of_first["class_label"], &of_first["roc_auc"]), (&json!("no"), &json!(0.75)));
    let calibration = world.chart("calibration").await;
    assert_eq!(calibration["counts"], json!([1, 2, 1]), "0.1 lies on an edge and belongs to the lower bin");
    assert_eq!((&calibration["class_label"], &calibration["strategy"]), (&json!("yes"), &json!("uniform")));
    let quantiles = world.chart("calibration?strategy=quantile").await;
    assert_eq!(quantiles["prob_true"], json!([0.0, 1.0, 0.0, 1.0]));
    world.server.stop().await;
}

#[tokio::test]
async fn counts_and_scores_by_class() {
    let world = World::start().await;
    let found = two_classes(&[0, 0, 0, 1, 1], &[0.2, 0.6, 0.1, 0.9, 0.3]);
    world.store(1, "validation", &found).await;
    let of = "version_id=1&dataset_split=validation";
    let matrices = [
        ("", json!([[2.0, 1.0], [1.0, 1.0]])),
        ("&normalize=none", json!([[2.0, 1.0], [1.0, 1.0]])),
        ("&normalize=true", json!([[2.0 / 3.0, 1.0 / 3.0], [0.5, 0.5]])),
        ("&normalize=pred", json!([[2.0 / 3.0, 0.5], [1.0 / 3.0, 0.5]])),
        ("&normalize=all", json!([[0.4, 0.2], [0.2, 0.2]])),
    ];
    for (normalize, expected) in matrices {
        let chart = world.chart(&format!("confusion-matrix?{of}{normalize}")).await;
        assert_eq!((&chart["matrix"], &chart["labels"]), (&expected, &json!(["no", "yes"])), "{normalize}");
        assert_eq!((&chart["dataset_split"], &chart["rows"]), (&json!("validation"), &json!(5)));
    }
    let report = world.chart(&format!("classification-report?{of}")).await;
    let third = 2.0 / 3.0;
    let scores = json!({"class_label": "no", "precision": third, "recall": third, "f1_score": third, "support": 3});
    assert_eq!(report["classes"][0], scores);
    assert_eq!(report["accuracy"], 0.6);
    assert_eq!(report["averages"].as_object().map(|averages| averages.len()), Some(3));
    let report = world.chart(&format!("classification-report?{of}&average=macro")).await;
    assert_eq!(report["averages"].as_object().map(|averages| averages.len()), Some(1));
    assert_close("macro recall", &report["averages"]["macro"]["recall"], 7.0 / 12.0);
    world.server.stop().await;
}

#[tokio::test]
async fn of_many_classes_the_mean_or_one_and_as_many_points_as_asked_for() {
    let world = World::start().await;
    world.store(1, "train", &three_classes()).await;
    let of = format!("version_id={}&dataset_split=train", world.version_id(1));
    for (chart, x) in [("roc-curve", "fpr"), ("pr-curve", "recall")] {
        let mean = world.chart(&format!("{chart}?{of}")).await;
        assert_eq!((&mean["class_label"], &mean["thresholds"]), (&Value::Null, &Value::Null), "{chart}");
        for (resolution, points) in
            [("", 100), ("&resolution=2", 2), ("&resolution=37", 37), ("&resolution=1000", 1000)]
        {
            for class in ["", "&class_label=oak"] {
                let curve = world.chart(&format!("{chart}?{of}{resolution}{class}")).await;
                let places: Vec<f64> = serde_json::from_value(curve[x].clone()).expect("numbers");
                assert!(places.len() <= points, "{chart}{resolution}{class}: {} points", places.len());
                let ends = [places[0], places[places.len() - 1]];
                let is_mean = class.is_empty() || chart == "roc-curve";
                assert_eq!(ends, if is_mean { [0.0, 1.0] } else { [1.0, 0.0] }, "{chart}{resolution}{class}");
            }
        }
    }
    let confidence = world.chart(&format!("calibration?{of}")).await;
    assert_eq!(confidence["class_label"], Value::Null);
    let summary = world.chart(&format!("summary?{of}")).await;
    assert_eq!(confidence["expected_calibration_error"], summary["metrics"]["expected_calibration_error"]);
    assert_eq!(summary["metrics"]["roc_auc"], world.chart(&format!("roc-curve?{of}")).await["roc_auc"]);
    world.server.stop().await;
}

#[tokio::test]
async fn wrong_answers_are_listed_the_surest_first() {
    let world = World::start().await;
    let second = [0.9, 0.2, 0.7, 0.55, 0.1, 0.95, 0.05];
    world.store(3, "test", &two_classes(&[0, 1, 0, 1, 0, 1, 1], &second)).await;
    world.promote(3).await;
    let cases = [
        ("", 4, 4, vec![16, 10, 11, 12]),
        ("?limit=2", 4, 4, vec![16, 10]),
        ("?true_label=yes", 2, 2, vec![16, 11]),
        ("?predicted_label=yes", 2, 2, vec![10, 12]),
        ("?true_label=yes&predicted_label=yes", 0, 0, vec![]),
        ("?min_confidence=0.85", 4, 2, vec![16, 10]),
        ("?predicted_label=yes&min_confidence=0.85&limit=1", 2, 1, vec![10]),
    ];
    for (query, total, matching, rows) in cases {
        let chart = world.chart(&format!("misclassification-errors{query}")).await;
        assert_eq!((&chart["total"], &chart["matching"]), (&json!(total), &json!(matching)), "{query}");
        let shown: Vec<&Value> = chart["errors"].as_array().into_iter().flatten().map(|error| &error["row"]).collect();
        assert_eq!(shown, rows.iter().map(|row| json!(row)).collect::<Vec<_>>().iter().collect::<Vec<_>>(), "{query}");
    }
    let first = world.chart("misclassification-errors?limit=1").await["errors"][0].clone();
    assert_eq!(first, json!({"row": 16, "true_label": "yes", "predicted_label": "no", "confidence": 0.95}));
    world.server.stop().await;
}

#[tokio::test]
async fn a_regression_s_numbers_and_residuals() {
    let world = World::start().await;
    world.store(1, "test", &numbers()).await;
    world.promote(1).await;
    let summary = world.chart("summary").await;
    assert_eq!(summary["task_type"], "regression");
    // As in the documentation of scikit-learn's mean_squared_error, r2_score and their kin.
    let expected = [
        ("mae", 0.5),
        ("mse", 0.375),
        ("rmse", 0.612_372_435_695_794_5),
        ("r2", 0.948_608_137_044_967_9),
        ("mape", 0.327_380_952_380_952_4),
        ("median_ae", 0.5),
        ("explained_variance", 0.957_173_447_537_473_2),
        ("max_error", 1.0),
    ];
    for (metric, expected) in expected {
        assert_close(metric, &summary["metrics"][metric], expected);
    }
    let residuals = world.chart("residuals").await;
    assert_close("mean", &residuals["mean"], -0.25);
    assert_eq!(residuals["quantiles"][0], json!({"quantile": 0.0, "residual": -1.0}));
    assert_eq!(residuals["histogram"]["edges"].as_array().map(Vec::len), Some(51));
    let counts: Vec<u64> = serde_json::from_value(residuals["histogram"]["counts"].clone()).expect("counts");
    assert_eq!(counts.iter().sum::<u64>(), 4);
    let sampled = json!({"row": 3, "true_value": 7.0, "predicted_value": 8.0, "residual": -1.0});
    assert_eq!((&residuals["sample"][3], &residuals["rows"]), (&sampled, &json!(4)));
    world.server.stop().await;
}
