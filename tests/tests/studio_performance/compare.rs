//! Two versions beside each other.

use crate::world::{World, numbers, two_classes};
use serde_json::{Value, json};

/// A configuration as a run keeps it.
fn config(max_depth: u64, seed: u64) -> Value {
    json!({"algorithm": "auto", "target_column": "left", "feature_columns": ["age", "city"], "hyperparameters": {},
        "preprocessing": {"handle_missing": "auto"}, "validation": {"test_size": 0.2, "seed": seed},
        "search": {"candidates_max": max_depth}})
}

#[tokio::test]
async fn numbers_configuration_and_chance() {
    let world = World::start().await;
    let truth: Vec<u32> = (0..40).map(|row| row % 2).collect();
    let right = |until: usize| -> Vec<f64> {
        let says = |row: usize| if (truth[row] == 1) == (row < until) { 0.9 } else { 0.1 };
        (0..40).map(says).collect()
    };
    world.store(1, "test", &two_classes(&truth, &right(20))).await;
    world.store(2, "test", &two_classes(&truth, &right(38))).await;
    world.trained(1, &config(3, 42), &json!({"max_depth": 6}), &json!({"accuracy": 0.5, "only_here": 1.0})).await;
    world.trained(2, &config(3, 7), &json!({"max_depth": 4}), &json!({"accuracy": 0.95})).await;
    let path = format!("versions/compare?version_a=1&version_b={}", world.version_id(2));
    let compared = world.get(&path).await.expect(200).json;
    for (version, number) in [("version_a", 1), ("version_b", 2)] {
        assert_eq!(compared[version]["version_id"], world.version_id(number), "{version}");
        assert_eq!(compared[version]["algorithm"], "gradient_boosting", "{version}");
    }
    let deltas = compared["metric_deltas"].as_object().expect("deltas");
    assert_eq!(deltas.len(), 1, "{deltas:?}");
    assert!((deltas["accuracy"].as_f64().expect("a number") - 0.45).abs() < 1e-12);
    let expected = json!({
        "hyperparameters.max_depth": {"version_a": 6, "version_b": 4},
        "validation.seed": {"version_a": 42, "version_b": 7},
    });
    assert_eq!(compared["config_diff"], expected);
    // scipy.stats.binomtest(0, 18, 0.5).pvalue
    let test = json!({"method": "mcnemar_exact", "statistic": 0.0, "p_value": 7.62939453125e-6, "significant": true,
        "rows": 40, "only_a_correct": 0, "only_b_correct": 18, "mse_difference": null});
    assert_eq!(compared["significance"], json!({"comparable": true, "because": null, "test": test}));
    let same = world.get("versions/compare?version_a=1&version_b=1").await.expect(200).json;
    assert_eq!((&same["config_diff"], &same["significance"]["test"]["p_value"]), (&json!({}), &json!(1.0)));
    world.server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_compared_says_why() {
    let world = World::start().await;
    world.store(1, "test", &two_classes(&[0, 1, 1], &[0.1, 0.9, 0.9])).await;
    world.store(2, "test", &numbers()).await;
    for (b, because) in [(2, "a regression"), (3, "version 3 was not evaluated")] {
        let compared = world.get(&format!("versions/compare?version_a=1&version_b={b}")).await.expect(200).json;
        let significance = &compared["significance"];
        assert_eq!((&significance["comparable"], &significance["test"]), (&json!(false), &Value::Null));
        assert!(significance["because"].as_str().is_some_and(|why| why.contains(because)), "{significance}");
    }
    let other = world.api.create_model("other").await;
    let others = format!("ver_{}_1", other.strip_prefix("model_").expect("a model's id"));
    let cases = [
        (format!("version_a=1&version_b={others}"), 422, "version-of-another-model"),
        ("version_a=1&version_b=9".to_owned(), 404, "not-found"),
        ("version_a=1&version_b=best".to_owned(), 404, "not-found"),
        ("version_a=1".to_owned(), 400, "validation"),
        ("version_a=1&version_b=2&version_c=3".to_owned(), 400, "validation"),
    ];
    for (query, status, code) in cases {
        let answer = world.get(&format!("versions/compare?{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{query}: {}", answer.text);
    }
    world.server.stop().await;
}
