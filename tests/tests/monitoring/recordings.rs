//! Samples of rows: none unless somebody asks for them, and of no more rows than that.

use crate::node::{Node, numbers, put_settings, texts};
use crate::rows::{Asked, Rows};
use serde_json::json;
use servoir_monitor::recording::{Recorded, RecordedValues};
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_kept_only_where_settings_ask_for_them() {
    let rows = Rows::read();
    for (settings, kept) in [
        (json!({}), None),
        (json!({"recordValues": {"rowsMax": 10}}), Some(10)),
        (json!({"recordValues": {"rowsMax": 1000}}), Some(60)),
    ] {
        let data = TempDir::new().expect("a temporary folder");
        let node = Node::start(data.path(), |_| {}).await;
        let model = node.api.create_model("m").await;
        put_settings(&node.database, &model, &settings).await;
        node.api.upload(&model, rows.artifact.clone()).await.expect(201);
        // Without a baseline too: one is made of what is recorded.
        node.api.deploy(&model, json!({})).await.expect(200);
        let mut asked = Asked::default();
        for turn in 0..20 {
            let some = rows.take(turn, 3);
            asked.note_v1(&some, &node.api.post("/v1/predict/m", Asked::body(&some)).await);
        }
        let database = node.database.clone();
        node.stop().await;
        let bodies = texts(&database, "select body from recordings").await;
        let parts: Vec<_> =
            bodies.iter().map(|body| Recorded::from_json(body.as_bytes()).expect("a recording")).collect();
        let Some(recorded) = Recorded::merge(parts, usize::MAX) else {
            assert_eq!(kept, None, "{settings}");
            continue;
        };
        // The end of an hour in the middle makes two recordings, whose union is a smaller sample.
        assert!(Some(recorded.rows()) == kept || bodies.len() > 1, "{settings}: {}", recorded.rows());
        assert_eq!(recorded.seen, 60);
        assert_eq!(numbers(&database, "select seen_rows from recordings").await.iter().sum::<i64>(), 60);
        let names: Vec<_> = recorded.features.iter().map(|column| column.name.as_str()).collect();
        assert_eq!((names[0], names[29]), ("mean radius", "worst fractal dimension"));
        let names: Vec<_> = recorded.outputs.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["label", "confidence", "probabilities.0", "probabilities.1"]);
        let number = |values: &RecordedValues, row: usize| match values {
            RecordedValues::Numbers(numbers) => numbers[row] as f32,
            RecordedValues::Texts(texts) => texts[row].parse().expect("a class that is a number"),
        };
        for row in 0..recorded.rows() {
            let inputs: Vec<f32> = recorded.features.iter().map(|column| number(&column.values, row)).collect();
            let found = asked.rows.iter().position(|asked| *asked == inputs).expect("a row that was asked");
            assert_eq!(number(&recorded.outputs[3].values, row), asked.probabilities[found][1]);
            assert_eq!(number(&recorded.outputs[0].values, row), asked.labels[found] as f32);
        }
    }
}
