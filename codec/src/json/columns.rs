//! Rows whose values are named: `[{"age": 39, "plan": "basic"}, …]`.

use super::filling::Filling;
use super::scanner::Scanner;
use super::{described, excerpt};
use crate::fault::{Fault, nearest};
use crate::model::Model;
use servoir_types::{Tensor, TensorSpec};
use std::collections::HashMap;

/// A model's inputs while they are filled from rows by name.
pub struct Columns<'s> {
    model: Model<'s>,
    layout: Layout<'s>,
    fillings: Vec<Filling<'s>>,
    /// Positions by name, made when a name first comes out of order.
    index: HashMap<&'s str, usize>,
    states: Vec<State>,
    row: usize,
}

/// What a name in a row stands for.
#[derive(Debug, Clone, Copy)]
enum Layout<'s> {
    /// A column of the one `[rows, features]` input.
    Features(&'s [String]),
    /// An input of its own.
    Inputs(&'s [TensorSpec]),
}

impl<'s> Layout<'s> {
    fn width(self) -> usize {
        match self {
            Self::Features(names) => names.len(),
            Self::Inputs(inputs) => inputs.len(),
        }
    }

    fn name(self, position: usize) -> &'s str {
        match self {
            Self::Features(names) => &names[position],
            Self::Inputs(inputs) => &inputs[position].name,
        }
    }

    fn names(self) -> impl Iterator<Item = &'s str> {
        (0..self.width()).map(move |position| self.name(position))
    }
}

/// What is known of one name.
#[derive(Debug, Clone, Copy)]
struct State {
    /// How many rows had begun when it came last.
    came_in: usize,
    /// The name that came after it last: rows of one client mostly have one order.
    next: usize,
}

impl<'s> Columns<'s> {
    /// The columns of a model.
    ///
    /// # Errors
    /// [`Fault::RowsByName`] when the model does not say which name stands for what.
    pub fn of(model: Model<'s>) -> Result<Self, Fault> {
        let inputs = model.signature.inputs.as_slice();
        let layout = match inputs {
            [TensorSpec { feature_names: Some(names), .. }] => Layout::Features(names),
            [one] if !is_column(one) => return Err(without_names(one, model)),
            inputs => Layout::Inputs(inputs),
        };
        let rank = |input: &TensorSpec| match (layout, input.shape.dims()) {
            (Layout::Features(_), _) => 2,
            // An input of unknown rank is taken for a column.
            (Layout::Inputs(_), dims) => dims.map_or(2, <[i64]>::len),
        };
        let mut fillings = Vec::with_capacity(inputs.len());
        for input in inputs {
            if rank(input) == 0 {
                return Err(Fault::RowsByName(format!("input '{}' of {model} has no rows; use inputs", input.name)));
            }
            fillings.push(Filling::of_rank(input, model, rank(input), model.rows_max)?);
        }
        let states = (0..layout.width()).map(|position| State { came_in: 0, next: position + 1 }).collect();
        Ok(Self { model, layout, fillings, index: HashMap::new(), states, row: 0 })
    }

    /// Reads a list of rows, which is next.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn rows(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Fault> {
        scanner.advance(1);
        while scanner.next_item(self.row == 0)? {
            self.row(scanner)?;
        }
        Ok(())
    }

    /// Reads one row.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub fn row(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Fault> {
        if !scanner.eat(b'{') {
            let came = described(scanner.skip_value()?);
            return Err(Fault::Form(format!("row {}: {came} came where an object of named values belongs", self.row)));
        }
        if let Layout::Features(names) = self.layout {
            self.fillings[0].begin_features(names.len())?;
        }
        let (mut count, mut previous) = (0, None);
        while scanner.next_entry(count == 0)? {
            let position = self.key(scanner, previous)?;
            self.value(scanner, position)?;
            previous = Some(position);
            count += 1;
        }
        if count < self.layout.width() {
            self.miss()?;
        }
        if let Layout::Features(_) = self.layout {
            self.fillings[0].end_features();
        }
        self.row += 1;
        Ok(())
    }

    /// The inputs, in the signature's order.
    ///
    /// # Errors
    /// [`Fault::RowCount`] when the model declares another number of rows.
    pub fn finish(self) -> Result<Vec<Tensor>, Fault> {
        self.fillings.into_iter().map(Filling::finish_rows).collect()
    }

    /// Reads a key and its colon; gives the name's position.
    fn key(&mut self, scanner: &mut Scanner<'_>, previous: Option<usize>) -> Result<usize, Fault> {
        let name = scanner.string()?;
        scanner.colon()?;
        let guess = previous.map_or(0, |previous| self.states[previous].next);
        let position = if guess < self.layout.width() && self.layout.name(guess) == name {
            guess
        } else {
            let position = self.find(&name)?;
            if let Some(previous) = previous {
                self.states[previous].next = position;
            }
            position
        };
        if std::mem::replace(&mut self.states[position].came_in, self.row + 1) == self.row + 1 {
            return Err(Fault::Form(format!("row {}: '{}' came twice", self.row, self.layout.name(position))));
        }
        Ok(position)
    }

    fn find(&mut self, name: &str) -> Result<usize, Fault> {
        if self.index.is_empty() {
            self.index = self.layout.names().enumerate().map(|(position, name)| (name, position)).collect();
        }
        self.index.get(name).copied().ok_or_else(|| Fault::UnknownFeature {
            row: self.row,
            name: excerpt(name),
            nearest: nearest(name, self.layout.names()),
            model: self.model.to_string(),
        })
    }

    fn value(&mut self, scanner: &mut Scanner<'_>, position: usize) -> Result<(), Fault> {
        match self.layout {
            Layout::Features(names) => self.fillings[0].set_feature(position, &names[position], scanner),
            Layout::Inputs(_) => self.fillings[position].append_row(scanner),
        }
    }

    /// Fills in what the row did not name.
    fn miss(&mut self) -> Result<(), Fault> {
        let row = self.row + 1;
        let filling = |position| if let Layout::Features(_) = self.layout { 0 } else { position };
        let came = |position: usize| self.states[position].came_in == row;
        let width = self.layout.width();
        let lacking = (0..width).filter(|&n| !came(n) && !self.fillings[filling(n)].accepts_missing());
        let names: Vec<_> = lacking.map(|position| self.layout.name(position).to_owned()).collect();
        if !names.is_empty() {
            return Err(Fault::MissingFeatures { row: self.row, names, model: self.model.to_string() });
        }
        for position in 0..width {
            if self.states[position].came_in != row {
                match self.layout {
                    Layout::Features(names) => self.fillings[0].miss_feature(position, &names[position])?,
                    Layout::Inputs(_) => self.fillings[position].append_missing_row()?,
                }
            }
        }
        Ok(())
    }
}

/// Whether a row of this input is one value.
fn is_column(input: &TensorSpec) -> bool {
    matches!(input.shape.dims(), None | Some([_] | [_, 1]))
}

fn without_names(input: &TensorSpec, model: Model<'_>) -> Fault {
    Fault::RowsByName(format!(
        "{model} does not name the columns of its input '{}' {}: send rows as lists of values, or export the model with \
         the metadata 'feature_names', a JSON list of names",
        input.name, input.shape
    ))
}
