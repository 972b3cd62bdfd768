//! Models that are no tables of numbers: an image, and columns of numbers and texts.

use crate::node::{Node, window};
use servoir_monitor::{Baseline, CategoryProfile, Column, ColumnCounts, Measure, NumberProfile, Precision, Profile};
use servoir_tests::fixture::Fixture;
use tempfile::TempDir;

/// Asks every case of a fixture; what was counted.
async fn counted(fixture: &Fixture, baseline: &Baseline) -> servoir_monitor::VersionCounts {
    let data = TempDir::new().expect("a temporary folder");
    let node = Node::start(data.path(), |_| {}).await;
    let model = node.serve("m", fixture.model.clone(), Some(baseline)).await;
    for case in &fixture.cases {
        node.api.post("/v2/models/m/infer", Fixture::v2_body(case)).await.expect(200);
    }
    let database = node.database.clone();
    node.stop().await;
    window(&database, &model).await.counts.expect("counts")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_has_a_norm_and_a_mean() {
    let fixture = Fixture::read("smallconv");
    let profile = || NumberProfile::of(&(0..100).map(f64::from).collect::<Vec<_>>(), Precision::Single);
    let column = |measure| Column::number("image", profile()).measured(measure);
    let baseline = Baseline::new(100, vec![column(Measure::Norm), column(Measure::Mean)], Vec::new());
    let counts = counted(&fixture, &baseline).await;
    let images: Vec<Vec<f64>> = fixture
        .cases
        .iter()
        .flat_map(|case| {
            let data = case["inputs"]["image"]["data"].as_array().expect("data");
            let values: Vec<f64> =
                data.iter().map(|value| f64::from(value.as_f64().expect("a number") as f32)).collect();
            values.chunks(64).map(<[f64]>::to_vec).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(counts.rows, images.len() as u64);
    let mean = |values: &dyn Fn(&Vec<f64>) -> f64| images.iter().map(values).sum::<f64>() / images.len() as f64;
    let norm = mean(&|image| image.iter().map(|value| value * value).sum::<f64>().sqrt());
    let brightness = mean(&|image| image.iter().sum::<f64>() / 64.0);
    for (index, expected) in [norm, brightness].into_iter().enumerate() {
        let ColumnCounts::Number(counts) = &counts.features[index] else { panic!("numbers") };
        let Profile::Number(profile) = &baseline.features[index].profile else { panic!("numbers") };
        assert_eq!(counts.count(), images.len() as u64);
        let got = counts.mean(&profile.grid).expect("a mean");
        // The values are rounded to the baseline's single precision.
        assert!((got - expected).abs() < 1e-6 * expected.abs().max(1.0), "{got}, expected {expected}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_texts_are_counted_as_categories() {
    let fixture = Fixture::read("sklearn_pipeline_columns");
    let texts = |name: &str, of: &str| -> Vec<String> {
        let data = fixture.cases.iter().flat_map(|case| case[of][name]["data"].as_array().expect("data"));
        data.map(|text| text.as_str().expect("a text").to_owned()).collect()
    };
    let (plans, labels) = (texts("plan", "inputs"), texts("label", "outputs"));
    let category = |name: &str, values: &[String]| {
        Column::category(name, CategoryProfile::of(values.iter().map(|v| Some(v.as_str()))))
    };
    let unseen = category("region", &["nowhere".to_owned()]);
    let baseline = Baseline::new(9, vec![category("plan", &plans), unseen], vec![category("label", &labels)]);
    let counts = counted(&fixture, &baseline).await;
    let shares = |counts: &ColumnCounts| match counts {
        ColumnCounts::Category(counts) => counts.shares(),
        ColumnCounts::Number(_) => panic!("categories"),
    };
    let own = |column: &Column| match &column.profile {
        Profile::Category(profile) => profile.values.iter().map(|(_, count)| *count).chain([0]).collect::<Vec<_>>(),
        Profile::Number(_) => panic!("categories"),
    };
    assert_eq!(shares(&counts.features[0]), own(&baseline.features[0]));
    assert_eq!(shares(&counts.features[1]), [0, plans.len() as u64]);
    assert_eq!(shares(&counts.outputs[0]), own(&baseline.outputs[0]));
}
