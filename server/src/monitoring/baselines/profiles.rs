//! Profiles of values that are in memory.

use servoir_monitor::layout::Place;
use servoir_monitor::recording::{RecordedColumn, RecordedValues};
use servoir_monitor::{CategoryProfile, Column, NumberProfile, Precision};

/// Profiles of recorded columns that the model still has.
pub fn of_recorded(columns: Vec<RecordedColumn>, places: Vec<(Place, Precision)>) -> Vec<Column> {
    let profile = |column: RecordedColumn| {
        let is_same = |place: &&(Place, Precision)| place.0.name == column.name && place.0.measure == column.measure;
        let (_, precision) = places.iter().find(is_same)?;
        let profiled = match &column.values {
            RecordedValues::Numbers(numbers) => Column::number(column.name, NumberProfile::of(numbers, *precision)),
            RecordedValues::Texts(texts) => {
                let texts = texts.iter().map(|text| Some(text.as_str()));
                Column::category(column.name, CategoryProfile::of(texts))
            }
        };
        Some(profiled.measured(column.measure))
    };
    columns.into_iter().filter_map(profile).collect()
}
