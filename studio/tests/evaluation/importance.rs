//! Importance of features: trees beside xgboost, permutations beside scikit-learn.

use crate::golden::{Array, assert_close, cases};
use hessboost::prelude::{BoostedModel, DMatrix, ImportanceType, Iterations, ModelFormat};
use serde::Deserialize;
use servoir_studio::evaluate::{Encoding, Permutation, Ranking, ShapSum};
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Case {
    Trees(Trees),
    Permutation(Permuted),
}

#[derive(Deserialize)]
struct Trees {
    features: Vec<String>,
    sources: Vec<usize>,
    model: String,
    matrix: Array,
    gain: Vec<f64>,
    split: Vec<f64>,
    shap: Vec<f64>,
}

#[derive(Deserialize)]
struct Permuted {
    features: Vec<String>,
    coefficients: Vec<f64>,
    intercept: f64,
    matrix: Array,
    target: Array,
    repeats: usize,
    means: Vec<f64>,
    deviations: Vec<f64>,
}

/// Contributions are 32-bit floats that two programs add up in orders of their own.
const CONTRIBUTIONS_DIFFER_BY: f64 = 1e-4;

#[test]
fn trees_say_what_xgboost_says() {
    let mut seen = 0;
    for case in cases::<Case>("importance") {
        let Case::Trees(case) = case else { continue };
        seen += 1;
        let encoding = Encoding { features: &case.features, sources: &case.sources };
        let model = BoostedModel::decode(&case.model, ModelFormat::XgboostJson).unwrap();
        let columns = |kind: ImportanceType| -> Vec<f64> {
            let found = model.feature_importance(kind);
            (0..case.sources.len()).map(|column| found.get(&column).copied().unwrap_or(0.0)).collect()
        };
        // xgboost writes gains as 32-bit floats.
        check(&encoding.ranking(&columns(ImportanceType::TotalGain)), &case.features, &case.gain, 1e-6);
        check(&encoding.ranking(&columns(ImportanceType::Weight)), &case.features, &case.split, 1e-12);
        let matrix = case.matrix.floats();
        let rows = matrix.len() / case.sources.len();
        let data = DMatrix::from_dense(&matrix, rows, case.sources.len()).unwrap();
        let contributions = model.predict_contribs(&data, Iterations::Best).unwrap();
        let mut shap = ShapSum::new(encoding);
        contributions.as_slice().chunks_exact(contributions.as_slice().len() / rows).for_each(|row| shap.add(row));
        check(&shap.finish(), &case.features, &case.shap, CONTRIBUTIONS_DIFFER_BY);
    }
    assert_eq!(seen, 3);
}

fn check(ranking: &Ranking, features: &[String], expected: &[f64], tolerance: f64) {
    let total: f64 = expected.iter().sum();
    assert_close("the sum of shares", Some(ranking.iter().map(|share| share.importance).sum()), Some(1.0));
    assert!(ranking.windows(2).all(|pair| pair[0].value >= pair[1].value), "not ranked: {ranking:?}");
    assert_eq!(ranking.len(), features.len());
    for (feature, expected) in features.iter().zip(expected) {
        let share = ranking.iter().find(|share| share.feature == *feature).unwrap();
        let distance = (share.value - expected).abs() / expected.abs().max(1e-3);
        assert!(distance < tolerance, "{feature}: {} and not {expected}", share.value);
        assert!((share.importance - expected / total).abs() < tolerance, "{feature}: {share:?}, of {total}");
    }
}

/// The seeds' generators differ, so the means of many repeats are compared, within six of their standard errors.
#[test]
fn permutations_cost_what_scikit_learn_finds() {
    let mut seen = 0;
    for case in cases::<Case>("importance") {
        let Case::Permutation(case) = case else { continue };
        seen += 1;
        let (matrix, target) = (case.matrix.floats(), case.target.doubles());
        let mut score = |matrix: &[f32]| {
            let errors = matrix.chunks_exact(case.coefficients.len()).zip(&target).map(|(row, target)| {
                let predicted: f64 = row.iter().zip(&case.coefficients).map(|(x, by)| f64::from(*x) * by).sum();
                (predicted + case.intercept - target).powi(2)
            });
            -errors.sum::<f64>() / target.len() as f64
        };
        let sources: Vec<usize> = (0..case.features.len()).collect();
        let encoding = Encoding { features: &case.features, sources: &sources };
        let permutation = Permutation { seed: 42, repeats: case.repeats };
        let ranking = permutation.ranking(&encoding, &matrix, &mut score);
        let ours: BTreeMap<&str, _> = ranking.iter().map(|share| (share.feature.as_str(), share)).collect();
        for (place, feature) in case.features.iter().enumerate() {
            let share = ours[feature.as_str()];
            let (mean, deviation) = (case.means[place], case.deviations[place]);
            let error = deviation * (2.0 / case.repeats as f64).sqrt();
            assert!((share.value - mean).abs() <= 6.0 * error, "{feature}: {} and not {mean} ± {error}", share.value);
            let ratio = share.deviation.unwrap() / deviation;
            assert!((0.75..1.33).contains(&ratio), "{feature}: deviation {:?} and not {deviation}", share.deviation);
        }
        assert_eq!(permutation.ranking(&encoding, &matrix, &mut score), ranking, "the same seed, another ranking");
        let other = Permutation { seed: 43, ..permutation }.ranking(&encoding, &matrix, &mut score);
        assert_ne!(other, ranking, "another seed, the same ranking");
    }
    assert_eq!(seen, 1);
}

/// Columns of one feature move together: a score that looks at both finds them in agreement or not at all.
#[test]
fn the_columns_of_a_feature_are_shuffled_together() {
    let matrix: Vec<f32> = (0..100).flat_map(|row| [row as f32, -(row as f32), 1.0]).collect();
    let features = ["a".to_owned(), "constant".to_owned()];
    let encoding = Encoding { features: &features, sources: &[0, 0, 1] };
    let mut torn = 0;
    let mut score = |matrix: &[f32]| {
        torn += matrix.chunks_exact(3).filter(|row| row[0] != -row[1]).count();
        matrix.chunks_exact(3).enumerate().filter(|(place, row)| row[0] == *place as f32).count() as f64
    };
    let ranking = Permutation { seed: 1, repeats: 5 }.ranking(&encoding, &matrix, &mut score);
    assert_eq!(torn, 0);
    assert_eq!((ranking[0].feature.as_str(), ranking[0].importance), ("a", 1.0));
    assert_eq!(
        (ranking[1].feature.as_str(), ranking[1].importance, ranking[1].deviation),
        ("constant", 0.0, Some(0.0))
    );
}

#[test]
fn features_that_do_not_help_have_no_share() {
    let features = ["a".to_owned(), "b".to_owned()];
    let encoding = Encoding { features: &features, sources: &[0, 1] };
    let ranking = encoding.ranking(&[0.0, 0.0]);
    assert_eq!(ranking.iter().map(|share| share.importance).collect::<Vec<_>>(), [0.0, 0.0]);
    assert_eq!(ranking.iter().map(|share| share.feature.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}
