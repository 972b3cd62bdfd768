//! The two passes over one column of a table, as the model would be given it.

use super::table::Element;
use servoir_monitor::{CategorySurvey, Column, NumberSurvey, NumberTally};
use servoir_studio::table::cells::Cells;
use servoir_types::Datatype;

/// A column while it is surveyed.
pub struct FeatureSurvey {
    pass: Pass,
    /// Numbers of one piece, to be handed over together.
    piece: Vec<f64>,
}

enum Pass {
    /// It is no column of the baseline by itself.
    None,
    First(NumberSurvey),
    Second(Box<NumberTally>),
    Texts(CategorySurvey),
}

impl FeatureSurvey {
    /// Of an element of a tensor.
    pub fn of(element: &Element) -> Self {
        let pass = match (element.is_feature, element.datatype) {
            (false, _) => Pass::None,
            (true, Datatype::Bytes) => Pass::Texts(CategorySurvey::default()),
            (true, _) => Pass::First(NumberSurvey::new(element.precision)),
        };
        Self { pass, piece: Vec::new() }
    }

    /// The first pass.
    ///
    /// # Errors
    /// What is wrong with a value.
    pub fn add(&mut self, cells: &Cells) -> Result<(), String> {
        match &mut self.pass {
            Pass::First(survey) => {
                numbers(cells, &mut self.piece)?;
                survey.add(&self.piece);
            }
            Pass::Texts(survey) => each_text(cells, |text| survey.add([text])),
            Pass::Second(_) | Pass::None => {}
        }
        Ok(())
    }

    /// Ends the first pass.
    pub fn begin_tally(&mut self) {
        self.pass = match std::mem::replace(&mut self.pass, Pass::None) {
            Pass::First(survey) => Pass::Second(Box::new(survey.tally())),
            other => other,
        };
    }

    /// The second pass, of the same values.
    pub fn tally(&mut self, cells: &Cells) {
        if let Pass::Second(tally) = &mut self.pass
            && numbers(cells, &mut self.piece).is_ok()
        {
            tally.add(&self.piece);
        }
    }

    /// The column's profile, when it is one of the baseline.
    pub fn finish(self, name: &str) -> Option<Column> {
        match self.pass {
            Pass::Texts(survey) => Some(Column::category(name, survey.finish())),
            Pass::Second(tally) => Some(Column::number(name, tally.finish())),
            Pass::First(_) | Pass::None => None,
        }
    }
}

/// The numbers of a piece; what is missing is NaN.
///
/// # Errors
/// A text that is no truth value.
pub fn numbers(cells: &Cells, piece: &mut Vec<f64>) -> Result<(), String> {
    piece.clear();
    match cells {
        Cells::Numbers(numbers) => piece.extend_from_slice(numbers),
        #[allow(clippy::cast_precision_loss)] // a model's integers are counted as floats too
        Cells::Integers(numbers) => {
            piece.extend(numbers.iter().map(|number| number.map_or(f64::NAN, |number| number as f64)));
        }
        Cells::Texts(texts) => {
            for text in texts.iter() {
                piece.push(match text {
                    None => f64::NAN,
                    Some("true") => 1.0,
                    Some("false") => 0.0,
                    Some(text) => return Err(format!("'{text}' is no number")),
                });
            }
        }
    }
    Ok(())
}

/// Calls `take` with each value as the model would be given it in a text.
pub fn each_text(cells: &Cells, mut take: impl FnMut(Option<&str>)) {
    match cells {
        Cells::Texts(texts) => texts.iter().for_each(take),
        Cells::Integers(numbers) => {
            numbers.iter().for_each(|number| take(number.map(|number| number.to_string()).as_deref()));
        }
        Cells::Numbers(numbers) => {
            numbers.iter().for_each(|number| take((!number.is_nan()).then(|| number.to_string()).as_deref()));
        }
    }
}
