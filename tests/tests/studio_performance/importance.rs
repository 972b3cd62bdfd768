//! Importance of features.

use crate::world::World;
use serde_json::{Value, json};
use servoir_studio::evaluate::{Encoding, Importance, Method, Permutation};

fn of_trees() -> Importance {
    let features = ["age", "city", "income"].map(str::to_owned);
    let encoding = Encoding { features: &features, sources: &[0, 1, 1, 2] };
    let matrix: Vec<f32> = (0..200).map(|place| place as f32).collect();
    let score = |matrix: &[f32]| -matrix.iter().step_by(4).zip(0_u8..).map(|(x, row)| x * f32::from(row)).sum::<f32>();
    Importance::from([
        (Method::Gain, encoding.ranking(&[1.0, 2.0, 4.0, 1.0])),
        (Method::Split, encoding.ranking(&[6.0, 1.0, 1.0, 2.0])),
        (
            Method::Permutation,
            Permutation { seed: 1, repeats: 3 }.ranking(&encoding, &matrix, &mut |matrix| f64::from(score(matrix))),
        ),
    ])
}

#[tokio::test]
async fn features_are_ranked_by_each_method() {
    let world = World::start().await;
    world.store(2, "importance", &of_trees()).await;
    world.promote(2).await;
    for path in ["training-metrics/feature-importance", "training/metrics/feature-importance"] {
        let shown = world.get(path).await.expect(200).json;
        assert_eq!((&shown["method"], &shown["methods"]), (&json!("gain"), &json!(["gain", "split", "permutation"])));
        assert_eq!((&shown["version_id"], &shown["total"]), (&json!(world.version_id(2)), &json!(3)));
        let first = json!({"rank": 1, "feature": "city", "importance": 0.75, "value": 6.0, "standard_deviation": null});
        assert_eq!(shown["features"][0], first);
        assert_eq!(names(&shown), ["city", "age", "income"]);
    }
    let by_splits =
        world.get("training-metrics/feature-importance?method=split&top_n=1&version_id=2").await.expect(200);
    assert_eq!((names(&by_splits.json), &by_splits.json["total"]), (vec!["age"], &json!(3)));
    let permuted = world.get("training-metrics/feature-importance?method=permutation").await.expect(200).json;
    assert!(permuted["features"][0]["standard_deviation"].is_number(), "{permuted}");
    world.server.stop().await;
}

fn names(shown: &Value) -> Vec<&str> {
    shown["features"].as_array().into_iter().flatten().filter_map(|feature| feature["feature"].as_str()).collect()
}

#[tokio::test]
async fn what_there_is_not_is_said() {
    let world = World::start().await;
    world.store(2, "importance", &of_trees()).await;
    let cases = [
        ("", 404, "no-promoted-version"),
        ("version_id=1", 404, "not-evaluated"),
        ("version_id=7", 404, "not-found"),
        ("run_id=run_unknown", 404, "not-found"),
        ("version_id=2&method=shap", 422, "method-unavailable"),
        ("version_id=2&method=guess", 400, "validation"),
        ("version_id=2&run_id=run_unknown", 400, "validation"),
        ("version_id=2&top_n=0", 400, "validation"),
    ];
    for (query, status, code) in cases {
        let answer = world.get(&format!("training-metrics/feature-importance?{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{query}: {}", answer.text);
    }
    world.server.stop().await;
}
