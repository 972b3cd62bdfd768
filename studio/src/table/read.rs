//! Reading columns as a whole, for training.

use super::cells::Cells;
use super::error::TableError;
use super::inspect::NamedType;
use super::{Column, ColumnType, MISSING, Table, Values, csv_file, parquet_file, scan};
use crate::job::DataFormat;
use std::collections::HashMap;
use std::path::Path;

impl Table {
    /// The named columns of a file in the order of their names here, or all of them in the file's order.
    ///
    /// # Errors
    /// A column is not there, the file is not what it was when it was inspected, or it breaks a bound.
    pub fn read(path: &Path, format: &DataFormat, columns: Option<&[String]>) -> Result<Self, TableError> {
        let all = columns_of(path, format)?;
        let wanted: Vec<usize> = match columns {
            None => (0..all.len()).collect(),
            Some(names) => names.iter().map(|name| place_of(&all, name)).collect::<Result<_, _>>()?,
        };
        let mut building: Vec<Building> = wanted.iter().map(|&place| Building::of(all[place].column_type)).collect();
        let rows = scan::scan(path, format, &wanted, u64::MAX, &mut |column, cells| building[column].add(cells))?;
        let rows = usize::try_from(rows).map_err(|_| TableError::refused("the file has more rows than memory"))?;
        let columns = wanted.iter().zip(building).map(|(&place, building)| {
            let NamedType { name, column_type } = all[place].clone();
            Column { name, column_type, values: building.values }
        });
        Ok(Self { columns: columns.collect(), rows })
    }
}

fn columns_of(path: &Path, format: &DataFormat) -> Result<Vec<NamedType>, TableError> {
    match format {
        DataFormat::Csv { compression, delimiter, header, types } => {
            let names = csv_file::names(path, *compression, *delimiter, *header)?;
            if names.len() != types.len() {
                let reason = format!("the file has {} columns, not {}", names.len(), types.len());
                return Err(TableError::refused(reason));
            }
            let typed = |(name, &column_type)| NamedType { name, column_type };
            Ok(names.into_iter().zip(types).map(typed).collect())
        }
        DataFormat::Parquet => Ok(parquet_file::inspect(path)?.columns),
    }
}

fn place_of(all: &[NamedType], name: &str) -> Result<usize, TableError> {
    let place = all.iter().position(|column| column.name == name);
    place.ok_or_else(|| TableError::refused(format!("the dataset has no column '{name}'")))
}

/// A column while its pieces come in.
struct Building {
    values: Values,
    places: HashMap<String, u32>,
}

impl Building {
    fn of(column_type: ColumnType) -> Self {
        let values = match column_type {
            ColumnType::Integer | ColumnType::Number => Values::Numbers(Vec::new()),
            _ => Values::Texts { codes: Vec::new(), texts: Vec::new() },
        };
        Self { values, places: HashMap::new() }
    }

    fn add(&mut self, cells: &Cells) {
        match (&mut self.values, cells) {
            (Values::Numbers(values), Cells::Integers(more)) => {
                values.extend(more.iter().map(|value| value.map_or(f64::NAN, |value| value as f64)));
            }
            (Values::Numbers(values), Cells::Numbers(more)) => values.extend_from_slice(more),
            (Values::Texts { codes, texts }, Cells::Texts(more)) => {
                for text in more.iter() {
                    codes.push(text.map_or(MISSING, |text| code(&mut self.places, texts, text)));
                }
            }
            // A column's pieces are of its type.
            (Values::Numbers(_), Cells::Texts(_)) | (Values::Texts { .. }, _) => {}
        }
    }
}

/// The place of a text among those seen so far. There are fewer distinct texts than codes: a file has at most
/// [`super::limits::CELLS_MAX`] values, and memory holds far fewer.
fn code(places: &mut HashMap<String, u32>, texts: &mut Vec<String>, text: &str) -> u32 {
    if let Some(&code) = places.get(text) {
        return code;
    }
    let code = u32::try_from(texts.len()).unwrap_or(MISSING);
    texts.push(text.to_owned());
    places.insert(text.to_owned(), code);
    code
}
