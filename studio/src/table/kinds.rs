//! What a column can be, when every value of it has a say: each value leaves only the types that it is one of.

use super::{ColumnType, boolean, missing, number, timestamp};

/// The types that are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kinds(u8);

const INTEGER: u8 = 1;
const NUMBER: u8 = 2;
const BOOLEAN: u8 = 4;
const TIMESTAMP: u8 = 8;

impl Kinds {
    /// Before any value: every type.
    pub(super) const ALL: Self = Self(INTEGER | NUMBER | BOOLEAN | TIMESTAMP);

    /// After another value.
    pub(super) fn narrow(&mut self, field: &str) {
        let field = field.trim_ascii();
        if self.0 == 0 || missing::is_missing(field) {
            return;
        }
        // What the column was so far is tried first: it mostly is so still.
        if self.0 & INTEGER != 0 && number::integer(field).is_some() {
            self.0 &= INTEGER | NUMBER;
        } else if self.0 & NUMBER != 0 && number::number(field).is_some() {
            self.0 &= NUMBER;
        } else if self.0 & TIMESTAMP != 0 && timestamp::micros(field).is_some() {
            self.0 &= TIMESTAMP;
        } else if self.0 & BOOLEAN != 0 && boolean::parse(field).is_some() {
            self.0 &= BOOLEAN;
        } else {
            self.0 = 0;
        }
    }

    /// The narrowest type that is left; a column without a value is one of numbers.
    pub(super) fn column_type(self) -> ColumnType {
        match self.0 {
            0 => ColumnType::Text,
            all if all == Self::ALL.0 => ColumnType::Number,
            some if some & INTEGER != 0 => ColumnType::Integer,
            some if some & NUMBER != 0 => ColumnType::Number,
            some if some & BOOLEAN != 0 => ColumnType::Boolean,
            _ => ColumnType::Timestamp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fields: &[&str]) -> ColumnType {
        let mut kinds = Kinds::ALL;
        fields.iter().for_each(|field| kinds.narrow(field));
        kinds.column_type()
    }

    #[test]
    fn a_column_is_what_all_its_values_allow() {
        use ColumnType::*;
        let cases: &[(&[&str], ColumnType)] = &[
            (&["1", "-2", "+3", " 4 ", "007"], Integer),
            (&["1", "", "NA", "null", "NaN", "None", "#N/A"], Integer),
            (&["1", "2.5"], Number),
            (&["1e5", ".5", "5.", "-1.25E-3"], Number),
            (&["1", "inf", "-Infinity"], Number),
            (&["9223372036854775807"], Integer),
            (&["9223372036854775808"], Number),
            (&["1", "x"], Text),
            (&["true", "False", "TRUE"], Boolean),
            (&["true", "1"], Text),
            (&["1", "true"], Text),
            (&["yes", "no"], Text),
            (&["2024-02-29", "2024-03-01T10:00:00Z"], Timestamp),
            (&["2023-02-29"], Text),
            (&["2024-01-01", "20240102"], Text),
            (&["1,5"], Text),
            (&["0x10"], Text),
            (&["1_000"], Text),
            (&["infinite"], Text),
            (&["nano"], Text),
            (&[], Number),
            (&["", "NA"], Number),
        ];
        for (fields, expected) in cases {
            assert_eq!(of(fields), *expected, "{fields:?}");
            let reversed: Vec<_> = fields.iter().rev().copied().collect();
            assert_eq!(of(&reversed), *expected, "{reversed:?}");
        }
    }
}
