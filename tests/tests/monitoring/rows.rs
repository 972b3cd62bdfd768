//! Rows that are asked, answers that came, and what they come to when they are counted by hand.

use serde_json::{Value, json};
use servoir_monitor::{
    Baseline, CategoryProfile, Column, ColumnCounts, NumberCounts, NumberProfile, Precision, Profile, VersionCounts,
};
use servoir_tests::api::Answer;
use servoir_tests::fixture::Fixture;

/// A model of 30 named features and two classes, with rows to ask it.
pub struct Rows {
    pub artifact: Vec<u8>,
    /// As the model gets them.
    pub rows: Vec<Vec<f32>>,
    pub baseline: Baseline,
}

/// What was asked and answered.
#[derive(Default)]
pub struct Asked {
    pub rows: Vec<Vec<f32>>,
    pub labels: Vec<i64>,
    pub probabilities: Vec<[f32; 2]>,
}

impl Rows {
    /// Of the fixture `xgb_binary`. The baseline is of its own rows, so that the rows of the test, which are moved, fall
    /// outside of some edges.
    pub fn read() -> Self {
        let fixture = Fixture::read("xgb_binary");
        let own: Vec<Vec<f32>> = fixture
            .cases
            .iter()
            .flat_map(Fixture::rows)
            .map(|row| row.iter().map(|value| value.as_f64().expect("a number") as f32).collect())
            .collect();
        let column = |index: usize| -> Vec<f64> { own.iter().map(|row| f64::from(row[index])).collect() };
        let features = (0..own[0].len()).map(|index| number("", &column(index))).collect();
        let shares: Vec<f64> = (0..=20).map(|part| f64::from(part) / 20.0).collect();
        let outputs = vec![
            Column::category("label", CategoryProfile::of([Some("0"), Some("1"), Some("1")])),
            number("confidence", &shares),
            number("probabilities.1", &shares),
        ];
        let baseline = Baseline::new(own.len() as u64, features, outputs);
        let moved = |turn: usize| {
            own.iter().map(move |row| row.iter().map(|value| value * (0.7 + 0.1 * turn as f32)).collect::<Vec<f32>>())
        };
        let rows = (0..7).flat_map(moved).collect();
        Self { artifact: fixture.model, rows, baseline: named_as_the_model(baseline) }
    }

    /// So many rows from `first` on, again from the beginning at the end.
    pub fn take(&self, first: usize, count: usize) -> Vec<Vec<f32>> {
        self.rows.iter().cycle().skip(first % self.rows.len()).take(count).cloned().collect()
    }
}

fn number(name: &str, values: &[f64]) -> Column {
    Column::number(name, NumberProfile::of(values, Precision::Single))
}

/// The names that the model file itself carries.
fn named_as_the_model(mut baseline: Baseline) -> Baseline {
    let parts = [("mean", ""), ("", " error"), ("worst", "")];
    let measures = [
        "radius",
        "texture",
        "perimeter",
        "area",
        "smoothness",
        "compactness",
        "concavity",
        "concave points",
        "symmetry",
        "fractal dimension",
    ];
    let names = parts.iter().flat_map(|(before, after)| {
        measures.iter().map(move |measure| format!("{before} {measure}{after}").trim().to_owned())
    });
    baseline.features.iter_mut().zip(names).for_each(|(column, name)| column.name = name);
    baseline
}

impl Asked {
    /// A body of `/v1` for these rows.
    pub fn body(rows: &[Vec<f32>]) -> Value {
        json!({ "instances": rows })
    }

    /// Notes rows that `/v1` answered.
    pub fn note_v1(&mut self, rows: &[Vec<f32>], answer: &Answer) {
        assert_eq!(answer.status.as_u16(), 200, "{}", answer.text);
        let labels = answer.json["predictions"].as_array().expect("predictions");
        let labels: Vec<i64> = labels.iter().map(|label| label.as_i64().expect("a class")).collect();
        let pairs = answer.json["probabilities"].as_array().expect("probabilities").iter();
        let pair = |pair: &Value| [0, 1].map(|class| pair[class].as_f64().expect("a number") as f32);
        let pairs = pairs.map(pair).collect();
        self.note(rows, (labels, pairs));
    }

    /// Notes rows that were answered.
    pub fn note(&mut self, rows: &[Vec<f32>], (labels, probabilities): (Vec<i64>, Vec<[f32; 2]>)) {
        assert_eq!((labels.len(), probabilities.len()), (rows.len(), rows.len()));
        self.rows.extend(rows.iter().cloned());
        self.labels.extend(labels);
        self.probabilities.extend(probabilities);
    }

    /// Takes over what others have asked.
    pub fn extend(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.labels.extend(other.labels);
        self.probabilities.extend(other.probabilities);
    }

    /// What was counted is what was asked and answered.
    pub fn assert_counted(&self, baseline: &Baseline, counts: &VersionCounts) {
        assert_eq!(counts.rows, self.rows.len() as u64, "rows");
        for (index, (column, counts)) in baseline.features.iter().zip(&counts.features).enumerate() {
            assert_numbers(column, counts, self.rows.iter().map(|row| row[index]));
        }
        let [label, confidence, second] = &counts.outputs[..] else { panic!("three outputs") };
        let ColumnCounts::Category(label) = label else { panic!("classes") };
        let Profile::Category(profile) = &baseline.outputs[0].profile else { panic!("classes") };
        let of = |class: &str| self.labels.iter().filter(|label| label.to_string() == class).count() as u64;
        let expected: Vec<u64> = profile.values.iter().map(|(class, _)| of(class)).chain([0]).collect();
        assert_eq!(label.shares(), expected, "labels");
        assert_numbers(&baseline.outputs[1], confidence, self.probabilities.iter().map(|pair| pair[0].max(pair[1])));
        assert_numbers(&baseline.outputs[2], second, self.probabilities.iter().map(|pair| pair[1]));
    }
}

fn assert_numbers(column: &Column, counts: &ColumnCounts, values: impl Iterator<Item = f32>) {
    let (Profile::Number(profile), ColumnCounts::Number(counts)) = (&column.profile, counts) else { panic!("numbers") };
    let values: Vec<f32> = values.collect();
    let mut by_hand = NumberCounts::default();
    by_hand.add(&profile.grid, &values);
    let bins = |counts: &NumberCounts| -> Vec<u64> { counts.bins(&profile.grid).iter().map(|bin| bin.count).collect() };
    assert_eq!(bins(counts), bins(&by_hand), "{}", column.name);
    assert_eq!(
        (counts.nulls(), counts.min(), counts.max()),
        (by_hand.nulls(), by_hand.min(), by_hand.max()),
        "{}",
        column.name
    );
    let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * b.abs().max(1.0),
        (a, b) => a == b,
    };
    assert!(near(counts.mean(&profile.grid), by_hand.mean(&profile.grid)), "{}", column.name);
    assert!(near(counts.std(), by_hand.std()), "{}", column.name);
}
