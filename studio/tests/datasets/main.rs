//! Datasets are what pandas says they are: files from `python/datasets`, each with pandas' own figures beside it.

mod golden;

use golden::{Golden, fixtures, goldens};
use serde_json::{Map, Value};
use servoir_studio::job::DataFormat;
use servoir_studio::profile::{ColumnProfile, profile};
use servoir_studio::table::inspect::{Inspection, inspect};
use servoir_studio::table::preview::preview;
use servoir_studio::table::{MISSING, Table, Values};

fn inspected(golden: &Golden) -> Inspection {
    inspect(&golden.path()).unwrap_or_else(|error| panic!("{}: {error}", golden.file))
}

#[test]
fn files_are_understood() {
    for golden in goldens() {
        let found = inspected(&golden);
        let name = &golden.file;
        match &found.format {
            DataFormat::Csv { delimiter, header, .. } => {
                assert_eq!(Some(char::from(*delimiter)), golden.delimiter, "{name}");
                assert_eq!(*header, golden.header, "{name}");
            }
            DataFormat::Parquet => assert_eq!(golden.delimiter, None, "{name}"),
        }
        assert_eq!(found.rows, golden.rows, "{name}: {:?}", found.problems);
        let columns: Vec<_> = found.columns.iter().map(|column| (&column.name, column.column_type)).collect();
        let expected: Vec<_> = golden.columns.iter().map(|column| (&column.name, column.column_type)).collect();
        assert_eq!(columns, expected, "{name}");
        let lines: Vec<u64> = found.problems.first.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, golden.broken, "{name}: {:?}", found.problems);
        assert_eq!(found.problems.broken_rows, golden.broken.len() as u64, "{name}");
    }
}

#[test]
fn profiles_are_pandas_figures() {
    for golden in goldens() {
        let found = inspected(&golden);
        let profiles = profile(&golden.path(), &found).unwrap_or_else(|error| panic!("{}: {error}", golden.file));
        for (profile, expected) in profiles.iter().zip(&golden.columns) {
            let place = format!("{}, column '{}'", golden.file, profile.name);
            assert_eq!((profile.count, profile.nulls), (expected.count, expected.nulls), "{place}");
            close(&place, "min", profile.min.as_ref(), expected.min.as_ref());
            close(&place, "max", profile.max.as_ref(), expected.max.as_ref());
            let number = |value: Option<f64>| value.map(Value::from);
            close(&place, "mean", number(profile.mean).as_ref(), number(expected.mean).as_ref());
            close(&place, "std", number(profile.std).as_ref(), number(expected.std).as_ref());
            counts(&place, profile, expected);
        }
    }
}

/// Equal to 1e-9, relative to the larger of the value and what it is a difference of.
fn close(place: &str, what: &str, found: Option<&Value>, expected: Option<&Value>) {
    let same = match (found.and_then(Value::as_f64), expected.and_then(Value::as_f64)) {
        (Some(found), Some(expected)) => (found - expected).abs() <= 1e-9 * expected.abs(),
        _ => found == expected,
    };
    assert!(same, "{place}: {what} is {found:?}, not {expected:?}");
}

fn counts(place: &str, profile: &ColumnProfile, expected: &golden::Column) {
    let top: Vec<(Value, u64)> = profile.top_values.iter().map(|top| (top.value.clone(), top.count)).collect();
    let quantiles = profile.quantiles.map(|q| [q.p01, q.p05, q.p25, q.p50, q.p75, q.p95, q.p99]);
    assert_eq!(quantiles.is_some(), expected.quantiles.is_some(), "{place}");
    if profile.exact {
        assert_eq!(profile.distinct, expected.distinct, "{place}");
        assert_eq!(top.len(), expected.top.len(), "{place}");
        for ((value, count), (expected, often)) in top.iter().zip(&expected.top) {
            close(place, "a frequent value", Some(value), Some(expected));
            assert_eq!(count, often, "{place}: {value}");
        }
        for (found, expected) in quantiles.iter().flatten().zip(expected.quantiles.iter().flatten()) {
            let scale = profile.std.unwrap_or(0.0).max(expected.abs());
            assert!((found - expected).abs() <= 1e-9 * scale, "{place}: quantile {found}, not {expected}");
        }
        return;
    }
    // Three standard errors of HyperLogLog.
    let error = profile.distinct.abs_diff(expected.distinct) as f64 / expected.distinct as f64;
    assert!(error < 0.05, "{place}: {} distinct values, not {}", profile.distinct, expected.distinct);
    for (found, [low, high]) in quantiles.iter().flatten().zip(expected.bounds.iter().flatten()) {
        assert!(low <= found && found <= high, "{place}: quantile {found} is not within {low} and {high}");
    }
    // What is told to be frequent is, and what is by far the most frequent is told.
    let share = |count: u64| count as f64 / expected.count as f64;
    for (value, count) in expected.top.iter().filter(|(_, count)| share(*count) > 0.1) {
        let found = top.iter().find(|(candidate, _)| candidate == value);
        let found = found.unwrap_or_else(|| panic!("{place}: {value} is not told"));
        assert!(share(found.1.abs_diff(*count)) < 0.01, "{place}: {found:?} times, not {count}");
    }
    assert!(top.iter().all(|(_, count)| share(*count) > 0.0001), "{place}: {top:?}");
}

#[test]
fn the_sketches_are_tried_too() {
    let sketched = |name: &str| {
        let golden = Golden::load(name);
        let profiles = profile(&golden.path(), &inspected(&golden)).unwrap();
        profiles.into_iter().filter(|profile| !profile.exact).map(|profile| profile.name).collect::<Vec<_>>()
    };
    for name in ["many_values", "many_values_csv"] {
        assert_eq!(sketched(name), ["normal", "lognormal", "sorted", "id", "text"], "{name}");
    }
}

#[test]
fn the_same_file_makes_the_same_profile() {
    for name in ["many_values", "many_values_csv", "wine_csv"] {
        let golden = Golden::load(name);
        let found = inspected(&golden);
        let [one, other] = [(); 2].map(|()| serde_json::to_string(&profile(&golden.path(), &found).unwrap()).unwrap());
        assert_eq!(one, other, "{name}");
        assert_eq!(inspected(&golden), found, "{name}");
    }
}

#[test]
fn tables_have_the_values_of_their_profiles() {
    for golden in goldens() {
        let found = inspected(&golden);
        let table = Table::read(&golden.path(), &found.format, None).unwrap_or_else(|e| panic!("{}: {e}", golden.file));
        assert_eq!((table.rows as u64, table.columns.len()), (golden.rows, golden.columns.len()), "{}", golden.file);
        for (column, expected) in table.columns.iter().zip(&golden.columns) {
            let place = format!("{}, column '{}'", golden.file, column.name);
            assert_eq!((&column.name, column.column_type), (&expected.name, expected.column_type), "{place}");
            match &column.values {
                Values::Numbers(values) => {
                    let there = values.iter().filter(|value| !value.is_nan());
                    assert_eq!(values.len() as u64, golden.rows, "{place}");
                    assert_eq!(there.clone().count() as u64, expected.count, "{place}");
                    let mean = there.sum::<f64>() / expected.count as f64;
                    let scale = expected.mean.map_or(0.0, f64::abs).max(expected.std.unwrap_or(0.0));
                    assert!((mean - expected.mean.unwrap_or(mean)).abs() <= 1e-9 * scale || mean.is_nan(), "{place}");
                }
                Values::Texts { codes, texts } => {
                    assert_eq!(codes.len() as u64, golden.rows, "{place}");
                    assert_eq!(texts.len() as u64, expected.distinct, "{place}");
                    assert_eq!(codes.iter().filter(|&&code| code != MISSING).count() as u64, expected.count, "{place}");
                    for (value, count) in &expected.top {
                        let code = texts.iter().position(|text| Some(text.as_str()) == value.as_str());
                        let code = code.unwrap_or_else(|| panic!("{place}: no {value}")) as u32;
                        assert_eq!(codes.iter().filter(|&&found| found == code).count() as u64, *count, "{place}");
                    }
                }
            }
        }
    }
}

#[test]
fn some_columns_in_another_order_are_the_same_columns() {
    for name in ["wine_csv", "wine_zstd", "many_values"] {
        let golden = Golden::load(name);
        let format = inspected(&golden).format;
        let whole = Table::read(&golden.path(), &format, None).unwrap();
        let names: Vec<String> = golden.columns.iter().rev().step_by(2).map(|column| column.name.clone()).collect();
        let some = Table::read(&golden.path(), &format, Some(&names)).unwrap();
        assert_eq!(
            some.columns.iter().map(|column| &column.name).collect::<Vec<_>>(),
            names.iter().collect::<Vec<_>>()
        );
        for column in &some.columns {
            // What is missing is NaN, which is not equal to itself.
            assert_eq!(format!("{column:?}"), format!("{:?}", whole.column(&column.name).unwrap()), "{name}");
        }
        let error = Table::read(&golden.path(), &format, Some(&["no such".into()])).unwrap_err();
        assert_eq!(error.to_string(), "the dataset has no column 'no such'");
    }
}

#[test]
fn previews_show_the_first_rows() {
    for golden in goldens() {
        let found = inspected(&golden);
        let rows = preview(&golden.path(), &found.format, &found.columns).unwrap();
        assert_eq!(rows.len() as u64, golden.rows.min(200), "{}", golden.file);
        assert!(rows.iter().all(|row| row.len() == golden.columns.len()), "{}", golden.file);
    }
    let rows_of = |name: &str| {
        let golden = Golden::load(name);
        let found = inspected(&golden);
        Value::from(
            preview(&golden.path(), &found.format, &found.columns).unwrap().into_iter().take(3).collect::<Vec<_>>(),
        )
        .to_string()
    };
    let cases = [
        ("missing", r#"[[1,null,null],[null,null,"x"],[3,2.5,null]]"#),
        ("booleans", "[[true,true],[false,false],[null,true]]"),
        ("large_integers", "[[9007199254740993],[9007199254740992],[-9223372036854775808]]"),
        ("lines_in_quotes", r#"[[1,"two\nlines"],[2,"and\r\nthree\nmore"]]"#),
        ("too_large", "[[null,9.223372036854776e+18],[1.0,1.0]]"),
    ];
    for (name, expected) in cases {
        assert_eq!(rows_of(name), expected, "{name}");
    }
}

#[test]
fn what_is_no_dataset_is_refused_with_a_reason() {
    let folder = fixtures().join("refused");
    let words: Map<String, Value> = golden::json(&folder.join("refused.json"));
    assert!(words.len() > 20);
    for (file, words) in words {
        let path = folder.join(&file);
        let read = inspect(&path).and_then(|found| profile(&path, &found));
        let error = read.err().unwrap_or_else(|| panic!("{file} is taken")).to_string();
        for word in words.as_array().unwrap() {
            assert!(error.contains(word.as_str().unwrap()), "{file}: no {word} in: {error}");
        }
        assert!(error.len() < 512, "{file}: {error}");
    }
}
