//! What the columns of a Parquet file are.

use crate::table::ColumnType;
use crate::table::error::TableError;
use crate::table::inspect::NamedType;
use crate::table::names;
use arrow_schema::{DataType, Field, Schema};
use std::sync::Arc;

/// The columns by name and type.
///
/// # Errors
/// A column is of a type that cannot be used; it is named.
pub fn of(schema: &Schema) -> Result<Vec<NamedType>, TableError> {
    let names = names::check(schema.fields().iter().map(|field| field.name().clone()).collect())?;
    let typed = |(name, field): (String, &Arc<Field>)| match column_type(field.data_type()) {
        Some(column_type) => Ok(NamedType { name, column_type }),
        None => {
            let arrow = field.data_type();
            Err(TableError::refused(format!(
                "column '{name}' is of the type {arrow}, which cannot be used; leave it out"
            )))
        }
    };
    names.into_iter().zip(schema.fields()).map(typed).collect()
}

fn column_type(data_type: &DataType) -> Option<ColumnType> {
    use DataType::*;
    Some(match data_type {
        Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64 => ColumnType::Integer,
        Null | Float16 | Float32 | Float64 => ColumnType::Number,
        Decimal32(..) | Decimal64(..) | Decimal128(..) | Decimal256(..) => ColumnType::Number,
        Boolean => ColumnType::Boolean,
        Utf8 | LargeUtf8 | Utf8View => ColumnType::Text,
        Date32 | Date64 | Timestamp(..) => ColumnType::Timestamp,
        _ => return None,
    })
}

/// The same columns, texts as views: those are not copied once more, so that a long text which stands in a dictionary and
/// is used by many rows takes its room once.
pub fn with_views(schema: &Schema) -> Schema {
    let view = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
        _ => Arc::clone(field),
    };
    Schema::new(schema.fields().iter().map(view).collect::<Vec<_>>())
}
