//! From the columns of a table to a matrix, fitted on training rows.

use super::categories::{ONE_HOT_AUTO_MAX, ONE_HOT_MAX, by_frequency, places};
use super::features::{DISTINCT_MAX, Feature};
use super::matrix::Matrix;
use super::scaling::{Scaling, fill};
use crate::config::{EncodeCategoricals, HandleMissing, Preprocessing, ScaleFeatures};
use crate::table::{MISSING, Table, Values};

/// What kind of learner a matrix is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Trees take numbers as they are, and missing ones.
    Trees,
    /// Linear models want all of them, and of one size.
    Linear,
}

/// The steps from features to the columns of a matrix: first the numbers, then a column for each category.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// Features that are one number.
    pub numbers: Vec<Number>,
    /// For each of the numbers, what takes the place of a missing one; `None` when missing numbers stay missing.
    pub fill: Option<Vec<f32>>,
    /// For each of the numbers; `None` when they stay as they are.
    pub scaling: Option<Vec<Scaling>>,
    /// Features that are a column for each category.
    pub one_hot: Vec<OneHot>,
}

/// A feature that is one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// Its place among the features.
    pub feature: usize,
    /// Of texts, those that are known, the number of each being its place; `None` for what is a number already.
    pub ranks: Option<Vec<String>>,
}

/// A feature that is a column for each category: 1 in its own, else 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneHot {
    /// Its place among the features.
    pub feature: usize,
    /// The texts that are known.
    pub categories: Vec<String>,
}

impl Pipeline {
    /// Fits the steps on some rows of a table.
    pub fn fit(table: &Table, features: &[Feature], rows: &[usize], preprocessing: &Preprocessing, form: Form) -> Self {
        let (mut numbers, mut one_hot) = (Vec::new(), Vec::new());
        for (place, feature) in features.iter().enumerate() {
            if !feature.is_text {
                numbers.push(Number { feature: place, ranks: None });
                continue;
            }
            let mut texts = by_frequency(&table.columns[feature.column].values, rows);
            if has_column_each(preprocessing.encode_categoricals, form, texts.len()) {
                texts.truncate(ONE_HOT_MAX);
                one_hot.push(OneHot { feature: place, categories: texts });
            } else {
                texts.truncate(DISTINCT_MAX);
                numbers.push(Number { feature: place, ranks: Some(texts) });
            }
        }
        let mut pipeline = Self { numbers, fill: None, scaling: None, one_hot };
        pipeline.fit_numbers(&Source { table, features, rows }, preprocessing, form);
        pipeline
    }

    fn fit_numbers(&mut self, source: &Source<'_>, preprocessing: &Preprocessing, form: Form) {
        let how = preprocessing.handle_missing;
        let keeps_missing = how == HandleMissing::Auto && form == Form::Trees;
        let scale = match preprocessing.scale_features {
            ScaleFeatures::Auto if form == Form::Linear => ScaleFeatures::Standard,
            ScaleFeatures::Auto => ScaleFeatures::None,
            other => other,
        };
        let (mut fills, mut scalings) = (Vec::new(), Vec::new());
        for number in &self.numbers {
            let all = source.numbers(number);
            let mut values: Vec<f32> = all.iter().copied().filter(|value| !value.is_nan()).collect();
            let missing = all.len() - values.len();
            let filled = fill(how, &mut values);
            if !keeps_missing {
                values.extend(std::iter::repeat_n(filled, missing));
            }
            fills.push(filled);
            scalings.push(Scaling::fit(scale, &values));
        }
        self.fill = (!keeps_missing).then_some(fills);
        self.scaling = (scale != ScaleFeatures::None).then_some(scalings);
    }

    /// How many columns the matrix has.
    pub fn columns(&self) -> usize {
        self.numbers.len() + self.one_hot.iter().map(|one_hot| one_hot.categories.len()).sum::<usize>()
    }

    /// For each column of the matrix, the feature that it comes from.
    pub fn sources(&self) -> Vec<usize> {
        let numbers = self.numbers.iter().map(|number| number.feature);
        let one_hot = self.one_hot.iter().flat_map(|one| std::iter::repeat_n(one.feature, one.categories.len()));
        numbers.chain(one_hot).collect()
    }

    /// The matrix of some rows.
    pub fn apply(&self, table: &Table, features: &[Feature], rows: &[usize]) -> Matrix {
        let columns = self.columns();
        let mut values = vec![0.0f32; rows.len() * columns];
        let source = Source { table, features, rows };
        for (column, number) in self.numbers.iter().enumerate() {
            let of_column = values.iter_mut().skip(column).step_by(columns);
            for (cell, mut value) in of_column.zip(source.numbers(number)) {
                if let Some(fill) = self.fill.as_ref().filter(|_| value.is_nan()) {
                    value = fill[column];
                }
                *cell = self.scaling.as_ref().map_or(value, |scaling| scaling[column].apply(value));
            }
        }
        let mut start = self.numbers.len();
        for one_hot in &self.one_hot {
            let column = &table.columns[features[one_hot.feature].column].values;
            let places = places(column, &one_hot.categories);
            if let Values::Texts { codes, .. } = column {
                for (at, &row) in rows.iter().enumerate().filter(|(_, row)| codes[**row] != MISSING) {
                    if let Some(place) = places[codes[row] as usize] {
                        values[at * columns + start + place] = 1.0;
                    }
                }
            }
            start += one_hot.categories.len();
        }
        Matrix { columns, values: values.into() }
    }
}

fn has_column_each(how: EncodeCategoricals, form: Form, distinct: usize) -> bool {
    match how {
        EncodeCategoricals::OneHot => true,
        EncodeCategoricals::Ordinal => false,
        EncodeCategoricals::Auto => form == Form::Linear || distinct <= ONE_HOT_AUTO_MAX,
    }
}

/// Rows of features.
struct Source<'a> {
    table: &'a Table,
    features: &'a [Feature],
    rows: &'a [usize],
}

impl Source<'_> {
    /// A feature's numbers, row by row, NaN for what is missing and for texts that are not known.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // what the model is given has 32 bits
    fn numbers(&self, number: &Number) -> Vec<f32> {
        let column = &self.table.columns[self.features[number.feature].column].values;
        match (column, &number.ranks) {
            (Values::Numbers(numbers), _) => self.rows.iter().map(|&row| numbers[row] as f32).collect(),
            (Values::Texts { codes, .. }, ranks) => {
                let places = places(column, ranks.as_deref().unwrap_or_default());
                let rank = |code: u32| match code {
                    MISSING => f32::NAN,
                    code => places[code as usize].map_or(f32::NAN, |place| place as f32),
                };
                self.rows.iter().map(|&row| rank(codes[row])).collect()
            }
        }
    }
}

/// The rows of which no feature is missing.
pub fn complete_rows(table: &Table, features: &[Feature], rows: &[usize]) -> Vec<usize> {
    let is_there = |feature: &Feature, row: usize| match &table.columns[feature.column].values {
        Values::Numbers(numbers) => !numbers[row].is_nan(),
        Values::Texts { codes, .. } => codes[row] != MISSING,
    };
    rows.iter().copied().filter(|&row| features.iter().all(|feature| is_there(feature, row))).collect()
}
