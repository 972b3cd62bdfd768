//! Steps that look elements up: `OneHotEncoder` and `LabelEncoder`.

use super::steps::{Block, Map, mistyped};
use bytes::Bytes;
use servoir_types::Data;
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::Hash;

/// Keys with what is found for them.
pub enum Table<V> {
    /// By number.
    Int(HashMap<i64, V>),
    /// By text.
    Text(HashMap<Bytes, V>),
}

/// Turns each element into as many as there are categories: 1 for its own, 0 for the others.
pub struct OneHot {
    /// Positions of the categories. A later one takes the place of the same one before.
    pub places: Table<usize>,
    /// How many there are.
    pub width: usize,
    /// Whether an unknown element gives zeros, and is no error.
    pub zeros: bool,
}

impl OneHot {
    fn encode<K>(
        &self,
        keys: impl ExactSizeIterator<Item = K>,
        find: impl Fn(&K) -> Option<usize>,
    ) -> Result<Data, String> {
        let mut rows = vec![0.0f32; keys.len() * self.width];
        for (at, key) in keys.enumerate() {
            match find(&key) {
                Some(place) => rows[at * self.width + place] = 1.0,
                None if self.zeros => {}
                None => {
                    return Err(format!("element {at} is none of the {} categories that the model knows", self.width));
                }
            }
        }
        Ok(Data::Fp32(rows.into()))
    }
}

impl Map for OneHot {
    #[allow(clippy::cast_possible_truncation)] // numbers are cut to whole ones, as ONNX Runtime does
    fn map<'a>(&self, operand: Block<'a>) -> Result<Block<'a>, String> {
        let encoded = match (&*operand, &self.places) {
            (Data::Bytes(v), Table::Text(places)) => self.encode(v.iter(), |key| places.get(*key).copied()),
            (Data::Int64(v), Table::Int(places)) => self.encode(v.iter(), |key| places.get(*key).copied()),
            (Data::Fp32(v), Table::Int(places)) => {
                self.encode(v.iter(), |key| places.get(&(**key as i64)).copied().filter(|_| key.is_finite()))
            }
            (Data::Fp64(v), Table::Int(places)) => {
                self.encode(v.iter(), |key| places.get(&(**key as i64)).copied().filter(|_| key.is_finite()))
            }
            (other, _) => return Err(mistyped(other)),
        };
        Ok(Cow::Owned(encoded?))
    }
}

/// Puts the value of a key in its place.
pub struct Lookup<V> {
    /// Keys with values.
    pub table: Table<V>,
    /// What stands for a key that is not there.
    pub absent: V,
}

/// What keys are looked up for.
pub trait Value: Clone + Send + Sync {
    /// A block of them.
    fn block(values: Vec<Self>) -> Data;
}

impl Value for i64 {
    fn block(values: Vec<Self>) -> Data {
        Data::Int64(values.into())
    }
}

impl Value for f32 {
    fn block(values: Vec<Self>) -> Data {
        Data::Fp32(values.into())
    }
}

impl Value for Bytes {
    fn block(values: Vec<Self>) -> Data {
        Data::Bytes(values)
    }
}

impl<V: Value> Lookup<V> {
    fn all<K: Hash + Eq>(&self, table: &HashMap<K, V>, keys: &[K]) -> Data {
        V::block(keys.iter().map(|key| table.get(key).unwrap_or(&self.absent).clone()).collect())
    }
}

impl<V: Value> Map for Lookup<V> {
    fn map<'a>(&self, operand: Block<'a>) -> Result<Block<'a>, String> {
        Ok(Cow::Owned(match (&*operand, &self.table) {
            (Data::Bytes(keys), Table::Text(table)) => self.all(table, keys),
            (Data::Int64(keys), Table::Int(table)) => self.all(table, keys),
            (other, _) => return Err(mistyped(other)),
        }))
    }
}
