//! A tensor that is being filled from JSON lists.

use super::datatypes::with_elements;
use super::element::{self, ElementError, Refusal};
use super::scanner::Scanner;
use super::{RANK_MAX, described};
use crate::fault::{Fault, Place};
use crate::model::Model;
use servoir_types::{Data, Tensor, TensorSpec};

/// Bytes of JSON per element for which room is made at first where no shape says more; the buffer grows from there.
const JSON_BYTES_PER_ELEMENT: usize = 8;

/// The fewest bytes of JSON that an element takes: a digit and a comma.
const JSON_BYTES_PER_ELEMENT_MIN: usize = 2;

/// How long the lists of one level must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    /// Of any length: the first one decides.
    Free,
    /// As the model declares; no list has been seen.
    Declared(usize),
    /// As the request's own shape says.
    Shape(usize),
    /// As the lists of the level before were.
    Seen(usize),
}

/// A tensor of one input while its elements are read.
pub struct Filling<'s> {
    spec: &'s TensorSpec,
    model: Model<'s>,
    data: Data,
    rank: usize,
    lengths: [Length; RANK_MAX],
    row: usize,
    row_began: usize,
    rows_max: usize,
    flat: bool,
}

impl<'s> Filling<'s> {
    /// An empty tensor for `spec`, from at most `rows_max` rows of rank `rank` - 1.
    ///
    /// # Errors
    /// [`Fault::Rank`] when the model declares another rank, [`Fault::TooDeep`] over [`RANK_MAX`].
    pub fn of_rank(spec: &'s TensorSpec, model: Model<'s>, rank: usize, rows_max: usize) -> Result<Self, Fault> {
        if rank > RANK_MAX {
            return Err(Fault::TooDeep(format!("input '{}'", spec.name)));
        }
        let mut lengths = [Length::Free; RANK_MAX];
        if let Some(dims) = spec.shape.dims() {
            if dims.len() != rank {
                let got = match rank {
                    0 => "a single value".to_owned(),
                    1 => "a flat list".to_owned(),
                    _ => format!("lists nested {rank} deep"),
                };
                return Err(Fault::rank(spec, model, got));
            }
            for (length, &dim) in lengths.iter_mut().zip(dims) {
                *length = usize::try_from(dim).map_or(Length::Free, Length::Declared);
            }
        }
        Ok(Self::new(spec, model, rank, lengths, rows_max))
    }

    /// An empty tensor for `spec` whose dimensions, at most [`RANK_MAX`], the request itself gives.
    pub fn of_shape(spec: &'s TensorSpec, model: Model<'s>, shape: &[usize]) -> Self {
        let mut lengths = [Length::Free; RANK_MAX];
        for (length, &dim) in lengths.iter_mut().zip(shape) {
            *length = Length::Shape(dim);
        }
        Self::new(spec, model, shape.len().min(RANK_MAX), lengths, usize::MAX)
    }

    fn new(spec: &'s TensorSpec, model: Model<'s>, rank: usize, lengths: [Length; RANK_MAX], rows_max: usize) -> Self {
        let data = Data::with_capacity(spec.datatype, 0);
        Self { spec, model, data, rank, lengths, row: 0, row_began: 0, rows_max, flat: false }
    }

    /// Makes room for the elements in `json_bytes` bytes: for as many as the shape says if so many can be there.
    pub fn reserve(&mut self, json_bytes: usize) {
        let shape = self.lengths[..self.rank].iter().try_fold(1usize, |count, length| match length {
            Length::Shape(dim) => count.checked_mul(*dim),
            Length::Free | Length::Declared(_) | Length::Seen(_) => None,
        });
        let elements = match shape {
            Some(count) => count.min(json_bytes / JSON_BYTES_PER_ELEMENT_MIN + 1),
            None => json_bytes / JSON_BYTES_PER_ELEMENT + 1,
        };
        self.data = Data::with_capacity(self.spec.datatype, elements);
    }

    /// Fills the whole tensor from nested lists.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn whole(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Fault> {
        self.reserve(scanner.remaining());
        self.read(scanner, 0)
    }

    /// Fills the tensor from one flat list in row-major order, which is next.
    ///
    /// # Errors
    /// As [`Self::whole`]; the number of elements is checked by [`Tensor::new`] alone.
    pub fn flat(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Fault> {
        self.reserve(scanner.remaining());
        self.flat = true;
        scanner.advance(1);
        self.elements(scanner).map(drop)
    }

    /// Appends one row.
    ///
    /// # Errors
    /// As [`Self::whole`], and [`Fault::TooManyRows`].
    pub fn append_row(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Fault> {
        self.start_row(self.row)?;
        if self.is_column() && scanner.peek() != Some(b'[') {
            // A column's row may be given as the one value that it holds.
            self.element(scanner)?;
            self.close(1, 1)?;
        } else {
            self.read(scanner, 1)?;
        }
        self.row += 1;
        Ok(())
    }

    /// Appends a row that is missing: a column's.
    ///
    /// # Errors
    /// As [`Self::append_row`].
    pub fn append_missing_row(&mut self) -> Result<(), Fault> {
        self.append_row(&mut Scanner::new(b"null"))
    }

    fn is_column(&self) -> bool {
        self.rank == 2 && matches!(self.spec.shape.dims(), None | Some([_, 1]))
    }

    /// Whether NaN stands for a missing value.
    pub fn accepts_missing(&self) -> bool {
        self.spec.accepts_missing && self.spec.datatype.is_float()
    }

    /// Begins a row of `width` features, which are then set in any order.
    ///
    /// # Errors
    /// [`Fault::TooManyRows`], and [`Fault::Length`] when the model declares another width.
    pub fn begin_features(&mut self, width: usize) -> Result<(), Fault> {
        self.close(1, width)?;
        self.start_row(self.row)?;
        let length = self.row_began + width;
        with_elements!(&mut self.data, elements => elements.resize(length, Default::default()));
        Ok(())
    }

    /// Reads the value of a feature of the row that was begun.
    ///
    /// # Errors
    /// [`Fault::Element`] with the feature's name.
    pub fn set_feature(&mut self, position: usize, name: &str, scanner: &mut Scanner<'_>) -> Result<(), Fault> {
        let (at, missing) = (self.row_began + position, self.spec.accepts_missing);
        let outcome = with_elements!(&mut self.data, elements => {
            element::one(scanner, missing).map(|element| elements[at] = element)
        });
        outcome.map_err(|refusal| match refusal {
            Refusal::Text(fault) => fault,
            Refusal::Element { error, .. } => self.of_feature(name, error),
        })
    }

    /// Puts NaN for a feature that is not there.
    ///
    /// # Errors
    /// [`Fault::Element`] where the model has no missing value.
    pub fn miss_feature(&mut self, position: usize, name: &str) -> Result<(), Fault> {
        let (at, missing) = (self.row_began + position, self.spec.accepts_missing);
        let outcome = with_elements!(&mut self.data, elements => {
            element::missing(missing).map(|element| elements[at] = element)
        });
        outcome.map_err(|error| self.of_feature(name, error))
    }

    /// Ends the row that was begun.
    pub fn end_features(&mut self) {
        self.row += 1;
    }

    fn of_feature(&self, name: &str, error: ElementError) -> Fault {
        Fault::Element { place: Place { tensor: format!("feature '{name}'"), row: Some(self.row), value: None }, error }
    }

    /// The tensor of the rows that were appended.
    ///
    /// # Errors
    /// [`Fault::RowCount`] when the model declares another number of rows.
    pub fn finish_rows(mut self) -> Result<Tensor, Fault> {
        self.close(0, self.row)?;
        self.finish()
    }

    /// The tensor.
    ///
    /// # Errors
    /// [`Fault::Structure`] when elements and shape do not fit.
    pub fn finish(self) -> Result<Tensor, Fault> {
        let shape = self.lengths[..self.rank].iter().map(|length| match *length {
            Length::Free => 0,
            Length::Declared(n) | Length::Shape(n) | Length::Seen(n) => n,
        });
        let shape = shape.collect();
        Tensor::new(shape, self.data).map_err(|error| {
            let place = Place { tensor: format!("input '{}'", self.spec.name), row: None, value: None };
            Fault::Structure { place, detail: error.to_string() }
        })
    }

    /// Reads what stands at one level of nesting; there are at most [`RANK_MAX`].
    fn read(&mut self, scanner: &mut Scanner<'_>, level: usize) -> Result<(), Fault> {
        if level == self.rank {
            return self.element(scanner);
        }
        if !scanner.eat(b'[') {
            return Err(self.not_a_list(scanner));
        }
        let count = if level + 1 == self.rank { self.elements(scanner)? } else { self.lists(scanner, level)? };
        if level == 0 && count > self.rows_max {
            return Err(Fault::TooManyRows { max: self.rows_max });
        }
        self.close(level, count)
    }

    fn lists(&mut self, scanner: &mut Scanner<'_>, level: usize) -> Result<usize, Fault> {
        let mut count = 0;
        while scanner.next_item(count == 0)? {
            if level == 0 {
                self.start_row(count)?;
            }
            self.read(scanner, level + 1)?;
            count += 1;
        }
        Ok(count)
    }

    /// Reads the elements of a list whose `[` was passed, and counts them.
    fn elements(&mut self, scanner: &mut Scanner<'_>) -> Result<usize, Fault> {
        let (before, missing) = (self.data.len(), self.spec.accepts_missing);
        let outcome = with_elements!(&mut self.data, elements => element::list(scanner, elements, missing));
        outcome.map_err(|refusal| {
            if self.rank == 1 && !self.flat {
                self.row = self.data.len() - before;
            }
            self.refused(refusal)
        })?;
        Ok(self.data.len() - before)
    }

    fn element(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Fault> {
        let missing = self.spec.accepts_missing;
        let outcome = with_elements!(&mut self.data, elements => {
            element::one(scanner, missing).map(|element| elements.push(element))
        });
        outcome.map_err(|refusal| self.refused(refusal))
    }

    #[cold]
    fn refused(&self, refusal: Refusal) -> Fault {
        match refusal {
            Refusal::Text(fault) => fault,
            Refusal::Element { rank, .. } if self.rank + rank > RANK_MAX => {
                Fault::TooDeep(self.place_in_row(None).to_string())
            }
            Refusal::Element { error, .. } => {
                let value = self.data.len() - self.row_began;
                Fault::Element { place: self.place_in_row(Some(value)), error }
            }
        }
    }

    #[cold]
    fn not_a_list(&self, scanner: &mut Scanner<'_>) -> Fault {
        match scanner.skip_value() {
            Err(fault) => fault,
            Ok(json) => {
                let detail = format!("{} came where a list belongs", described(json));
                Fault::Structure { place: self.place_in_row(None), detail }
            }
        }
    }

    fn start_row(&mut self, row: usize) -> Result<(), Fault> {
        if row >= self.rows_max {
            return Err(Fault::TooManyRows { max: self.rows_max });
        }
        self.row = row;
        self.row_began = self.data.len();
        Ok(())
    }

    /// Notes that a list of `level` ended after `got` items.
    fn close(&mut self, level: usize, got: usize) -> Result<(), Fault> {
        match self.lengths[level] {
            Length::Declared(expected) if expected != got => return Err(self.not_as_declared(level, got, expected)),
            Length::Shape(expected) if expected != got => {
                return Err(Fault::ShapeDisagrees { place: self.place_at(level), got, expected });
            }
            Length::Seen(expected) if expected != got => {
                return Err(Fault::Ragged { place: self.place_at(level), got, expected });
            }
            Length::Shape(_) => {}
            Length::Free | Length::Declared(_) | Length::Seen(_) => self.lengths[level] = Length::Seen(got),
        }
        Ok(())
    }

    fn not_as_declared(&self, level: usize, got: usize, expected: usize) -> Fault {
        let model = self.model.to_string();
        match level {
            0 => Fault::RowCount { input: self.spec.name.clone(), model, got, expected },
            _ => Fault::Length { place: self.place_at(level), got, expected, model },
        }
    }

    fn place_at(&self, level: usize) -> Place {
        if level == 0 { self.place(None, None) } else { self.place_in_row(None) }
    }

    fn place_in_row(&self, value: Option<usize>) -> Place {
        let row = (!self.flat && self.rank > 0).then_some(self.row);
        // With one value in each row, the row says where.
        self.place(row, value.filter(|_| self.flat || self.rank > 1))
    }

    fn place(&self, row: Option<usize>, value: Option<usize>) -> Place {
        Place { tensor: format!("input '{}'", self.spec.name), row, value }
    }
}
