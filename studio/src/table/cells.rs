//! Values of a column in the order of their rows: a piece of a column.

/// A piece of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// Whole numbers.
    Integers(Vec<Option<i64>>),
    /// Numbers; what is missing is NaN, and nothing is infinite.
    Numbers(Vec<f64>),
    /// Texts, booleans (`true`, `false`) and points in time.
    Texts(Texts),
}

impl Cells {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Numbers(values) => values.len(),
            Self::Texts(texts) => texts.ends.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn clear(&mut self) {
        match self {
            Self::Integers(values) => values.clear(),
            Self::Numbers(values) => values.clear(),
            Self::Texts(texts) => texts.clear(),
        }
    }
}

/// Texts, one behind the other.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Texts {
    all: String,
    /// Where each ends; `None` for what is missing.
    ends: Vec<Option<usize>>,
}

impl Texts {
    /// Adds one.
    pub fn push(&mut self, text: Option<&str>) {
        let end = text.map(|text| {
            self.all.push_str(text);
            self.all.len()
        });
        self.ends.push(end);
    }

    /// Each, in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let end = (*end)?;
            let text = &self.all[start..end];
            start = end;
            Some(text)
        })
    }

    fn clear(&mut self) {
        self.all.clear();
        self.ends.clear();
    }
}
