//! What a prediction came to, as far as a label can be compared with it.

/// What a prediction came to, as far as a label can be compared with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// Nothing that one label could be compared with: several outputs, a list of values, or a test.
    Nothing,
    /// A class.
    Class {
        /// Which.
        class: ClassCode,
        /// Of two classes, the probability of the second; of others, that of the class. NaN when the model says none.
        score: f32,
    },
    /// A number.
    Number(f64),
}

/// A class in four bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClassCode {
    /// A class that is known by a number.
    Integer(i32),
    /// The 32-bit FNV-1a hash of a class's name.
    Hash(u32),
}

impl ClassCode {
    /// Of a class with this name.
    pub fn of_text(name: &[u8]) -> Self {
        Self::Hash(name.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)))
    }

    /// Of a class with this number; a large one is known by its digits.
    pub fn of_integer(number: i64) -> Self {
        i32::try_from(number).map_or_else(|_| Self::of_text(number.to_string().as_bytes()), Self::Integer)
    }

    /// Whether it stands for the class with this name. Numbers are named by their decimal digits.
    pub fn is(self, name: &str) -> bool {
        match self {
            Self::Integer(number) => name.parse() == Ok(number) && name == number.to_string(),
            Self::Hash(_) => self == Self::of_text(name.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_known_by_its_name() {
        // The hashes are test vectors of FNV's authors.
        assert_eq!(ClassCode::of_text(b"a"), ClassCode::Hash(0xe40c_292c));
        assert_eq!(ClassCode::of_text(b"foobar"), ClassCode::Hash(0xbf9c_f968));
        assert!(ClassCode::of_text(b"1").is("1"));
        assert!(ClassCode::of_integer(-1).is("-1") && !ClassCode::of_integer(1).is("+1"));
        assert!(!ClassCode::of_integer(1).is("01") && !ClassCode::of_integer(1).is("one"));
        assert!(ClassCode::of_integer(i64::MAX).is(&i64::MAX.to_string()));
    }
}
