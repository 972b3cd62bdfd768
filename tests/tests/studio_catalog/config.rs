//! How a model is to be trained.

use crate::{make, model, on_both, pointers};
use serde_json::{Value, json};

#[tokio::test]
async fn a_configuration_is_whole_and_replaced_whole() {
    on_both(async |server| {
        let api = server.api();
        let at = format!("{}/config", model(&make(&api, "churn").await));
        let defaults = json!({"algorithm": "auto", "target_column": null, "feature_columns": [], "hyperparameters": {},
            "preprocessing": {"handle_missing": "auto", "scale_features": "auto", "encode_categoricals": "auto"},
            "validation": {"test_size": 0.2, "val_size": 0.1, "stratify": true, "seed": 42},
            "search": {"candidates_max": 12, "seconds_max": 600}});
        assert_eq!(api.get(&at).await.expect(200).json, defaults);
        let given = json!({"algorithm": "gradient_boosting", "target_column": "y", "feature_columns": ["a", "b"],
            "hyperparameters": {"max_depth": 3, "learning_rate": 0.1}});
        let put = api.put(&at, given.clone()).await.expect(200);
        let mut expected = defaults.clone();
        for (field, value) in given.as_object().expect("an object") {
            expected[field] = value.clone();
        }
        assert_eq!((&put.json, put.header("etag")), (&expected, "\"r2\""));
        assert_eq!(api.get(&at).await.expect(200).json, expected);
        assert_eq!(api.put(&at, json!({})).await.expect(200).json, defaults, "what is absent has its default");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    on_both(async |server| {
        let api = server.api();
        let id = make(&api, "churn").await;
        let at = format!("{}/config", model(&id));
        for (config, code) in [
            (json!({"target_column": "y", "feature_columns": ["x", "y"]}), "target-among-features"),
            (json!({"algorithm": "linear_regression"}), "wrong-task"),
            (json!({"algorithm": "xgboost"}), "no-runner"),
            (json!({"algorithm": "lightgbm"}), "no-runner"),
        ] {
            assert_eq!(api.put(&at, config.clone()).await.expect(422).code(), code, "{config}");
        }
        let cases: [(Value, &[&str]); 9] = [
            (json!({"algorithm": "magic"}), &["/algorithm"]),
            (json!({"targt": "y"}), &["/targt"]),
            (json!({"validation": {"seed": -1}}), &["/validation/seed"]),
            (
                json!({"validation": {"test_size": 0.001, "val_size": 0.6}}),
                &["/validation/test_size", "/validation/val_size"],
            ),
            (json!({"preprocessing": {"handle_missing": "pray"}}), &["/preprocessing/handle_missing"]),
            (json!({"feature_columns": ["a", "a"]}), &["/feature_columns/1"]),
            (json!({"hyperparameters": {"a": [1]}}), &["/hyperparameters/a"]),
            (
                json!({"algorithm": "gradient_boosting", "hyperparameters": {"max_dept": 3}}),
                &["/hyperparameters/max_dept"],
            ),
            (json!({"search": {"candidates_max": 0}}), &["/search/candidates_max"]),
        ];
        for (config, expected) in cases {
            let refused = api.put(&at, config.clone()).await.expect(400);
            assert_eq!(
                (refused.code(), pointers(&refused.json)),
                ("validation", expected.iter().map(|&at| json!(at)).collect()),
                "{config}"
            );
        }
        let stale = api.request(reqwest::Method::PUT, &at).header("if-match", "\"r9\"").json(&json!({}));
        assert_eq!(api.send(stale).await.expect(412).code(), "stale");
        assert_eq!(api.get(&model(&id)).await.expect(200).header("etag"), "\"r1\"");
    })
    .await;
}
