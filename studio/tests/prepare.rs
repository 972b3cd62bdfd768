//! Targets, parts and pipelines: what is drawn from the table, in which order, and on which rows it is fitted.

use servoir_studio::config::{EncodeCategoricals, HandleMissing, Preprocessing, ScaleFeatures, Validation};
use servoir_studio::prepare::features::choose;
use servoir_studio::prepare::pipeline::{Form, Pipeline};
use servoir_studio::prepare::random::Random;
use servoir_studio::prepare::split::split;
use servoir_studio::prepare::target::{Target, Truth, read};
use servoir_studio::table::{Column, ColumnType, MISSING, Table, Values};
use servoir_studio::task::Task;

fn numbers(name: &str, numbers: &[f64]) -> Column {
    Column { name: name.into(), column_type: ColumnType::Number, values: Values::Numbers(numbers.to_vec()) }
}

/// A column of texts, the empty one being missing.
fn texts(name: &str, values: &[&str]) -> Column {
    let mut texts: Vec<String> = Vec::new();
    let codes = values.iter().map(|&value| match texts.iter().position(|text| text == value) {
        _ if value.is_empty() => MISSING,
        Some(code) => code as u32,
        None => {
            texts.push(value.into());
            texts.len() as u32 - 1
        }
    });
    let codes = codes.collect();
    Column { name: name.into(), column_type: ColumnType::Text, values: Values::Texts { codes, texts } }
}

fn table(columns: Vec<Column>, rows: usize) -> Table {
    Table { columns, rows }
}

#[test]
fn classes_are_in_the_order_of_their_numbers_or_their_bytes() {
    let many = |values: &[f64]| values.iter().copied().cycle().take(60).collect::<Vec<_>>();
    let words = |values: &[&'static str]| values.iter().copied().cycle().take(60).collect::<Vec<_>>();
    let cases: [(Column, &[&str], bool, usize); 4] = [
        (numbers("y", &many(&[10.0, 9.0, -1.0, f64::NAN, 100.0])), &["-1", "9", "10", "100"], true, 12),
        (numbers("y", &many(&[0.5, -0.0, 0.0, 2.0])), &["0", "0.5", "2"], false, 0),
        (texts("y", &words(&["b", "B", "a", "10", "9", ""])), &["10", "9", "B", "a", "b"], false, 10),
        (texts("y", &words(&["true", "false"])), &["false", "true"], false, 0),
    ];
    for (column, classes, are_integers, dropped) in cases {
        let table = table(vec![column], 60);
        let target = read(&table, Some("y"), Task::Classification).expect("a target");
        let named: Vec<&str> = target.classes.iter().map(String::as_str).collect();
        assert_eq!((&*named, target.are_integers, target.dropped), (classes, are_integers, dropped));
        assert_eq!(target.rows.len(), 60 - dropped);
    }
}

fn target(truth: Truth, classes: usize) -> Target {
    let rows = match &truth {
        Truth::Classes(of) => of.len(),
        Truth::Numbers(of) => of.len(),
    };
    let classes = (0..classes).map(|class| class.to_string()).collect();
    Target { classes, are_integers: true, rows: (0..rows).collect(), truth, dropped: 0 }
}

#[test]
fn parts_have_their_shares_of_every_class_and_every_row_once() {
    let mut random = Random::new(1, 1);
    for rows in [20, 21, 57, 200, 1_003] {
        for (test_size, val_size) in [(0.2, 0.1), (0.01, 0.01), (0.5, 0.4), (0.33, 0.2)] {
            for classes in [0, 2, 3, 7] {
                let truth = match classes {
                    0 => Truth::Numbers((0..rows).map(|_| random.unit()).collect()),
                    _ => Truth::Classes(
                        (0..rows)
                            .map(|row| if row < 2 * classes { row % classes } else { random.below(classes) } as u32)
                            .collect(),
                    ),
                };
                let target = target(truth, classes);
                let stratify = Validation { test_size, val_size, ..Validation::default() };
                let Ok(parts) = split(&target, &stratify) else {
                    assert!(rows < 60, "{rows} rows suffice");
                    continue;
                };
                assert_eq!(split(&target, &stratify).as_ref(), Ok(&parts), "the same seed splits in the same way");
                let mut all = [&parts.train[..], &parts.validation, &parts.test].concat();
                all.sort_unstable();
                assert!(all.into_iter().eq(0..rows));
                let Truth::Classes(of) = &target.truth else { continue };
                for class in 0..classes as u32 {
                    let count = |part: &[usize]| part.iter().filter(|&&row| of[row] == class).count() as f64;
                    let total = of.iter().filter(|&&other| other == class).count() as f64;
                    assert!(count(&parts.train) >= 1.0);
                    // What rounding of one class leaves over, the next one gets.
                    assert!((count(&parts.test) - total * test_size).abs() <= 2.0, "{rows} {test_size} {classes}");
                    assert!((count(&parts.validation) - total * val_size).abs() <= 2.0, "{rows} {val_size} {classes}");
                }
            }
        }
    }
}

#[test]
fn what_is_fitted_is_fitted_on_the_rows_that_are_given() {
    let table = table(
        vec![
            numbers("n", &[1.0, f64::NAN, 3.0, 8.0, 1e6]),
            texts("t", &["x", "x", "", "y", "never trained"]),
            numbers("constant", &[5.0; 5]),
        ],
        5,
    );
    let features = choose(&table, "none", &["n", "t", "constant"].map(str::to_owned)).expect("features").list;
    let rows = [0, 1, 2, 3];
    let all = [0, 1, 2, 3, 4];
    let fitted = |handle_missing, scale_features, encode_categoricals, form| {
        let preprocessing = Preprocessing { handle_missing, scale_features, encode_categoricals };
        let pipeline = Pipeline::fit(&table, &features, &rows, &preprocessing, form);
        let matrix = pipeline.apply(&table, &features, &all);
        matrix.values.chunks_exact(matrix.columns).map(<[f32]>::to_vec).collect::<Vec<_>>()
    };
    let nan = f32::NAN;
    let same = |made: Vec<Vec<f32>>, expected: &[&[f32]]| {
        let bits = |rows: &mut dyn Iterator<Item = f32>| rows.map(|cell| (cell + 0.0).to_bits()).collect::<Vec<_>>();
        let expected_bits = bits(&mut expected.iter().flat_map(|row| row.iter().copied()));
        assert_eq!(bits(&mut made.iter().flatten().copied()), expected_bits, "{made:?}, not {expected:?}");
    };
    // n, constant, then a column for x and one for y.
    same(
        fitted(HandleMissing::Auto, ScaleFeatures::Auto, EncodeCategoricals::Auto, Form::Trees),
        &[
            &[1.0, 5.0, 1.0, 0.0],
            &[nan, 5.0, 1.0, 0.0],
            &[3.0, 5.0, 0.0, 0.0],
            &[8.0, 5.0, 0.0, 1.0],
            &[1e6, 5.0, 0.0, 0.0],
        ],
    );
    // The rank of a text takes its feature's place among the numbers; the median of 1, 3 and 8 is 3, of the ranks 0, 0, 1 is 0.
    same(
        fitted(HandleMissing::Median, ScaleFeatures::None, EncodeCategoricals::Ordinal, Form::Trees),
        &[&[1.0, 0.0, 5.0], &[3.0, 0.0, 5.0], &[3.0, 0.0, 5.0], &[8.0, 1.0, 5.0], &[1e6, 0.0, 5.0]],
    );
    // 1, 4, 3, 8 from 1 to 8.
    let seventh = 1.0f32 / 7.0;
    same(
        fitted(HandleMissing::Mean, ScaleFeatures::MinMax, EncodeCategoricals::OneHot, Form::Linear),
        &[
            &[0.0, 0.0, 1.0, 0.0],
            &[3.0 * seventh, 0.0, 1.0, 0.0],
            &[2.0 * seventh, 0.0, 0.0, 0.0],
            &[7.0 * seventh, 0.0, 0.0, 1.0],
            &[999_999.0 * seventh, 0.0, 0.0, 0.0],
        ],
    );
}
