//! The tap: which tensor each column of a baseline is, and that a request's tensors are counted as their rows are by hand.

mod support;

use bytes::Bytes;
use half::{bf16, f16};
use servoir_monitor::layout::Layout;
use servoir_monitor::{
    Baseline, CategoryProfile, Column, ColumnCounts, Counter, Measure, NumberProfile, Precision, Tap, VersionCounts,
};
use servoir_types::{Data, Datatype, Label, Role, Shape, Signature, Tensor, TensorSpec};
use support::Random;

fn spec(name: &str, datatype: Datatype, dims: &[i64]) -> TensorSpec {
    TensorSpec::new(name, datatype, Shape::ranked(dims))
}

fn number(name: &str) -> Column {
    let values: Vec<f64> = (0..100).map(f64::from).collect();
    Column::number(name, NumberProfile::of(&values, Precision::Single))
}

fn category(name: &str, values: &[&str]) -> Column {
    Column::category(name, CategoryProfile::of(values.iter().map(|value| Some(*value))))
}

/// One matrix whose columns have names.
fn named(names: &[&str]) -> TensorSpec {
    let mut matrix = spec("x", Datatype::Fp32, &[-1, i64::try_from(names.len()).unwrap()]);
    matrix.feature_names = Some(names.iter().map(|name| (*name).to_owned()).collect());
    matrix
}

fn classifier() -> Vec<TensorSpec> {
    let mut label = spec("output_label", Datatype::Bytes, &[-1]);
    label.role = Some(Role::Label);
    let mut probabilities = spec("output_probability", Datatype::Fp32, &[-1, 2]);
    probabilities.role = Some(Role::Probabilities);
    probabilities.classes = Some(vec![Label::Text("no".into()), Label::Text("yes".into())]);
    vec![label, probabilities]
}

fn floats(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor::new(shape.to_vec(), Data::Fp32(values.to_vec().into())).unwrap()
}

fn texts(shape: &[usize], values: &[&[u8]]) -> Tensor {
    Tensor::new(shape.to_vec(), Data::Bytes(values.iter().map(|text| Bytes::copy_from_slice(text)).collect())).unwrap()
}

/// What was counted of a column: count, mean and nulls of numbers; count of each category, others and nulls.
fn shown(column: &Column, counts: &ColumnCounts) -> String {
    match (&column.profile, counts) {
        (servoir_monitor::Profile::Number(profile), ColumnCounts::Number(counts)) => {
            let mean = counts.mean(&profile.grid).map_or("-".into(), |mean| format!("{mean:.3}"));
            format!("{} of mean {mean}, {} nulls", counts.count(), counts.nulls())
        }
        (_, ColumnCounts::Category(counts)) => format!("{:?}, {} nulls", counts.shares(), counts.nulls()),
        _ => "another kind".into(),
    }
}

#[test]
fn a_layout_names_the_columns_of_a_model() {
    let mut scores = spec("scores", Datatype::Fp32, &[-1, 2]);
    scores.role = Some(Role::Probabilities);
    scores.classes = Some(vec![Label::Int(0), Label::Int(7)]);
    let cases: Vec<(Vec<TensorSpec>, Vec<TensorSpec>, &str, &str)> = vec![
        (
            vec![named(&["age", "income"])],
            classifier(),
            "age income",
            "label! confidence probabilities.no probabilities.yes",
        ),
        (
            vec![spec("x", Datatype::Fp32, &[-1, 2])],
            vec![scores],
            "x[0] x[1]",
            "label! confidence probabilities.0 probabilities.7",
        ),
        (
            vec![spec("age", Datatype::Int64, &[-1, 1]), spec("plan", Datatype::Bytes, &[-1])],
            vec![spec("variable", Datatype::Fp32, &[-1, 1])],
            "age plan!",
            "variable",
        ),
        (
            vec![spec("image", Datatype::Uint8, &[-1, 3, 8, 8])],
            vec![spec("embedding", Datatype::Fp32, &[-1, 768]), spec("pair", Datatype::Fp64, &[-1, 2])],
            "image:Norm image:Mean",
            "embedding:Norm embedding:Mean pair[0] pair[1]",
        ),
        (vec![TensorSpec::new("any", Datatype::Bytes, Shape::unranked())], vec![], "", ""),
    ];
    for (inputs, outputs, features, answers) in cases {
        let layout = Layout::of(&Signature { inputs, outputs });
        let names = |places: &[servoir_monitor::layout::Place]| {
            let name = |place: &servoir_monitor::layout::Place| match (place.measure, place.is_category) {
                (Measure::Value, false) => place.name.clone(),
                (Measure::Value, true) => format!("{}!", place.name),
                (measure, _) => format!("{}:{measure:?}", place.name),
            };
            places.iter().map(name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!((names(&layout.features).as_str(), names(&layout.outputs).as_str()), (features, answers));
    }
}

/// What it is, the model, what its baseline has, a batch of inputs and of answers, and what was counted.
type Case = (&'static str, Signature, Baseline, (Vec<Tensor>, Vec<Tensor>), Vec<&'static str>);

#[test]
fn columns_are_found_in_the_tensors_of_every_kind_of_model() {
    let plan = || category("plan", &["free", "pro"]);
    let mut ids = spec("class", Datatype::Fp32, &[-1]);
    ids.role = Some(Role::Label);
    let cases: Vec<Case> = vec![
        (
            "a matrix with names, in another order than the baseline",
            Signature { inputs: vec![named(&["age", "income"])], outputs: classifier() },
            Baseline::new(
                100,
                vec![number("income"), number("age")],
                vec![category("label", &["yes", "no"]), number("confidence"), number("probabilities.yes")],
            ),
            (
                vec![floats(&[2, 2], &[1.0, 10.0, f32::NAN, 30.0])],
                vec![texts(&[2], &[b"yes", b"maybe"]), floats(&[2, 2], &[0.25, 0.75, 0.5, 0.5])],
            ),
            vec![
                "2 of mean 20.000, 0 nulls",
                "1 of mean 1.000, 1 nulls",
                "[0, 1, 1], 0 nulls",
                "2 of mean 0.625, 0 nulls",
                "2 of mean 0.625, 0 nulls",
            ],
        ),
        (
            "a matrix without names, by position; the label from the probabilities",
            Signature { inputs: vec![spec("x", Datatype::Fp32, &[-1, 2])], outputs: classifier()[1..].to_vec() },
            Baseline::new(100, vec![number("a"), number("b")], vec![category("label", &["no", "yes"])]),
            (
                vec![floats(&[3, 2], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0])],
                vec![floats(&[3, 2], &[0.9, 0.1, 0.5, 0.5, 0.2, 0.8])],
            ),
            vec!["3 of mean 2.000, 0 nulls", "3 of mean 5.000, 0 nulls", "[2, 1, 0], 0 nulls"],
        ),
        (
            "a tensor for each feature, texts among them",
            Signature {
                inputs: vec![spec("age", Datatype::Int64, &[-1, 1]), spec("plan", Datatype::Bytes, &[-1])],
                outputs: vec![spec("y", Datatype::Fp64, &[-1])],
            },
            Baseline::new(100, vec![plan(), number("age")], vec![number("variable")]),
            (
                vec![
                    Tensor::new(vec![4, 1], Data::Int64(vec![1, 2, 3, 4].into())).unwrap(),
                    texts(&[4], &[b"pro", b"", b"\xff", b"free"]),
                ],
                vec![Tensor::new(vec![4], Data::Fp64(vec![1.0, 2.0, 3.0, 6.0].into())).unwrap()],
            ),
            vec!["[1, 1, 1], 1 nulls", "4 of mean 2.500, 0 nulls", "4 of mean 3.000, 0 nulls"],
        ),
        (
            "an image: norm and mean; classes that came as floats",
            Signature { inputs: vec![spec("image", Datatype::Uint8, &[-1, 1, 2, 2])], outputs: vec![ids] },
            Baseline::new(
                100,
                vec![number("image").measured(Measure::Norm), number("image").measured(Measure::Mean)],
                vec![category("label", &["3", "8"])],
            ),
            (
                vec![Tensor::new(vec![2, 1, 2, 2], Data::Uint8(vec![0, 0, 3, 4, 10, 10, 10, 10].into())).unwrap()],
                vec![floats(&[2], &[3.0, 3.5])],
            ),
            vec!["2 of mean 12.500, 0 nulls", "2 of mean 5.875, 0 nulls", "[1, 0, 1], 0 nulls"],
        ),
        (
            "a matrix of a width that the model leaves open, narrower than the baseline",
            Signature { inputs: vec![spec("x", Datatype::Fp16, &[-1, -1])], outputs: vec![] },
            Baseline::new(100, vec![number("a"), number("b"), number("c")], vec![]),
            (
                vec![
                    Tensor::new(vec![2, 2], Data::Fp16([1.0, 2.0, 3.0, 4.0].map(f16::from_f32).to_vec().into()))
                        .unwrap(),
                ],
                vec![],
            ),
            vec!["2 of mean 2.000, 0 nulls", "2 of mean 3.000, 0 nulls", "0 of mean -, 0 nulls"],
        ),
        (
            "flags as numbers and as texts, classes as integers",
            Signature {
                inputs: vec![
                    spec("flag", Datatype::Bool, &[-1]),
                    spec("text", Datatype::Bool, &[-1]),
                    spec("class", Datatype::Int64, &[-1]),
                    spec("half", Datatype::Bf16, &[-1]),
                ],
                outputs: vec![],
            },
            Baseline::new(
                100,
                vec![
                    number("flag"),
                    category("text", &["false", "true"]),
                    category("class", &["-1", "9007199254740993"]),
                    number("half"),
                ],
                vec![],
            ),
            (
                vec![
                    Tensor::new(vec![2], Data::Bool(vec![true, false])).unwrap(),
                    Tensor::new(vec![2], Data::Bool(vec![true, false])).unwrap(),
                    Tensor::new(vec![2], Data::Int64(vec![9_007_199_254_740_993, 9_007_199_254_740_992].into()))
                        .unwrap(),
                    Tensor::new(vec![2], Data::Bf16([1.0, 4.0].map(bf16::from_f32).to_vec().into())).unwrap(),
                ],
                vec![],
            ),
            vec!["2 of mean 0.500, 0 nulls", "[1, 1, 0], 0 nulls", "[0, 1, 1], 0 nulls", "2 of mean 2.500, 0 nulls"],
        ),
    ];
    for (name, signature, baseline, (inputs, outputs), expected) in cases {
        let tap = Tap::new(&baseline, &signature);
        assert_eq!(tap.misfits(), [], "{name}");
        let rows = inputs[0].rows();
        let mut counts = tap.counts();
        tap.count(&mut counts, (&inputs, &outputs), rows);
        assert_eq!(counts.rows, rows as u64, "{name}");
        let columns = baseline.features.iter().chain(&baseline.outputs);
        let counted: Vec<_> =
            columns.zip(counts.features.iter().chain(&counts.outputs)).map(|(c, n)| shown(c, n)).collect();
        assert_eq!(counted, expected, "{name}");
        let mut counter = tap.counter();
        tap.take(&mut counter, (&inputs, &outputs), rows);
        assert_eq!(counter.counts.rows, rows as u64, "{name}");
        tap.settle(&mut counter);
        assert_eq!(counter.counts, counts, "{name}, gathered");
        counts.clear();
        assert!(counts == tap.counts() && counts.is_empty(), "{name}");
        let tap = tap.of_outputs();
        tap.count(&mut counts, (&inputs, &outputs), rows);
        assert!(counts.features.iter().all(|column| column.count() == 0), "{name}");
        assert_eq!(counts.outputs.iter().any(|column| column.count() > 0), !outputs.is_empty(), "{name}");
    }
}

#[test]
fn what_does_not_fit_is_said_and_not_counted() {
    let signature = Signature {
        inputs: vec![named(&["age", "income"]), spec("plan", Datatype::Bytes, &[-1])],
        outputs: classifier(),
    };
    let cases = [
        (number("height"), "the model has no input or feature 'height'"),
        (number("plan"), "it is numbers in the baseline and texts in the model"),
        (number("image").measured(Measure::Norm), "the model has no input or feature 'image'"),
    ];
    for (column, reason) in cases {
        let name = column.name.clone();
        let tap = Tap::new(&Baseline::new(1, vec![column, number("age")], vec![]), &signature);
        let misfits: Vec<_> =
            tap.misfits().iter().map(|misfit| (misfit.column.as_str(), misfit.reason.as_str())).collect();
        assert_eq!(misfits, [(name.as_str(), reason)]);
        let mut counts = tap.counts();
        tap.count(&mut counts, (&[floats(&[1, 2], &[1.0, 2.0]), texts(&[1], &[b"pro"])], &[]), 1);
        assert_eq!(counts.features.iter().map(ColumnCounts::count).collect::<Vec<_>>(), [0, 1]);
    }
    let outputs = [
        (category("confidence", &["a"]), "it is texts or classes in the baseline and numbers in the model"),
        (number("label"), "it is numbers in the baseline and texts in the model"),
        (number("probabilities.maybe"), "the model has no output 'probabilities.maybe'"),
        (number("variable"), "the model has no output 'variable'"),
    ];
    for (column, reason) in outputs {
        let tap = Tap::new(&Baseline::new(1, vec![], vec![column]), &signature);
        assert_eq!(tap.misfits()[0].reason, reason);
    }
}

/// Tensors that are none of the model's, as a defect elsewhere would hand them over: nothing is counted, nobody is hurt.
#[test]
fn tensors_of_another_model_do_no_harm() {
    let signature = Signature { inputs: vec![named(&["age", "income"])], outputs: classifier() };
    let baseline = Baseline::new(
        100,
        vec![number("age"), number("income"), number("x").measured(Measure::Norm)],
        vec![category("label", &["yes"]), number("confidence"), number("probabilities.yes")],
    );
    let tap = Tap::new(&baseline, &signature);
    let odd: Vec<Vec<Tensor>> = vec![
        vec![],
        vec![floats(&[0, 2], &[])],
        vec![floats(&[2, 0], &[])],
        vec![floats(&[3], &[1.0, 2.0, 3.0])],
        vec![texts(&[1, 2], &[b"a", b"b"])],
        vec![Tensor::new(vec![], Data::Int8(vec![1].into())).unwrap(); 3],
    ];
    for inputs in &odd {
        for outputs in &odd {
            let mut counts = tap.counts();
            tap.count(&mut counts, (inputs, outputs), 0);
            assert_eq!(counts.features[1].count(), 0);
        }
    }
    // Between requests of the model itself, too.
    let (mut counts, mut counter) = (tap.counts(), tap.counter());
    for inputs in odd.iter().cycle().take(500) {
        let row = [floats(&[1, 2], &[30.0, 4.0])];
        for (inputs, rows) in [(&row[..], 1), (inputs, 0), (inputs, 3)] {
            tap.count(&mut counts, (inputs, &[]), rows);
            tap.take(&mut counter, (inputs, &[]), rows);
        }
    }
    tap.settle(&mut counter);
    assert_eq!(counter.counts, counts);
}

/// Counts do not depend on how rows are cut into requests, and equal those of the columns by themselves.
#[test]
fn counts_are_those_of_the_columns_however_rows_are_cut() {
    let mut random = Random(7);
    let names = ["a", "b", "c", "d", "e"];
    let rows = 200;
    let values: Vec<f32> = (0..rows * names.len())
        .map(|_| if random.below(20) == 0 { f32::NAN } else { (random.normal() * 40.0 + 50.0) as f32 })
        .collect();
    let baseline = Baseline::new(100, names.iter().map(|name| number(name)).collect(), vec![]);
    let tap = Tap::new(&baseline, &Signature { inputs: vec![named(&names)], outputs: vec![] });
    let mut expected: VersionCounts = tap.counts();
    expected.rows = rows as u64;
    for (column, (profile, counts)) in baseline.features.iter().zip(&mut expected.features).enumerate() {
        let servoir_monitor::Profile::Number(profile) = &profile.profile else { panic!("numbers") };
        let ColumnCounts::Number(counts) = counts else { panic!("numbers") };
        let values: Vec<f32> = values.iter().skip(column).step_by(names.len()).copied().collect();
        counts.add(&profile.grid, &values);
    }
    let bins = |counts: &VersionCounts| -> Vec<(Vec<u64>, u64)> {
        let of = |(column, counts): (&Column, &ColumnCounts)| match (&column.profile, counts) {
            (servoir_monitor::Profile::Number(profile), ColumnCounts::Number(counts)) => {
                (counts.bins(&profile.grid).iter().map(|bin| bin.count).collect(), counts.nulls())
            }
            _ => panic!("numbers"),
        };
        baseline.features.iter().zip(&counts.features).map(of).collect()
    };
    for cut in [1, 3, 7, 64, 200] {
        let mut counts = tap.counts();
        for chunk in values.chunks(cut * names.len()) {
            let rows = chunk.len() / names.len();
            tap.count(&mut counts, (&[floats(&[rows, names.len()], chunk)], &[]), rows);
        }
        assert_eq!((counts.rows, bins(&counts)), (expected.rows, bins(&expected)), "{cut} rows a request");
        let mut counter = tap.counter();
        for round in 1..=3 {
            for chunk in values.chunks(cut * names.len()) {
                let rows = chunk.len() / names.len();
                tap.take(&mut counter, (&[floats(&[rows, names.len()], chunk)], &[]), rows);
            }
            assert_eq!(counter.counts.rows, round * expected.rows);
        }
        tap.settle(&mut counter);
        let mut thrice = expected.clone();
        (0..2).for_each(|_| thrice.merge(&expected));
        assert_eq!(bins(&counter.counts), bins(&thrice), "{cut} rows a request, gathered");
        counter.clear();
        tap.settle(&mut counter);
        assert!(counter.counts == tap.counts(), "{cut} rows a request, forgotten");
    }
}

#[test]
fn of_large_requests_a_part_is_counted_after_many_rows_until_the_counts_are_taken_away() {
    const ROWS: usize = 1024;
    let baseline = Baseline::new(1, vec![number("place"), number("also")], vec![]);
    let signature = Signature { inputs: vec![named(&["place", "also"])], outputs: vec![] };
    let tap = Tap::new(&baseline, &signature);
    // Each row has its place in the request.
    let request = |rows: usize| {
        let places: Vec<f32> = (0..rows).flat_map(|row| [row as f32, row as f32]).collect();
        floats(&[rows, 2], &places)
    };
    let (large, small, odd) = (request(ROWS), request(63), request(65));
    let mut counter = tap.counter();
    let take = |counter: &mut Counter, tensor: &Tensor, times: usize| {
        (0..times).for_each(|_| tap.take(counter, (std::slice::from_ref(tensor), &[]), tensor.rows()));
        tap.settle(counter);
        let columns = counter.counts.features.iter().map(ColumnCounts::count).collect::<Vec<_>>();
        assert_eq!(columns[0], columns[1]);
        (counter.counts.rows, columns[0])
    };
    let (all, part) = (65_536, 64);
    assert_eq!(take(&mut counter, &large, 64), (all, all));
    assert_eq!(take(&mut counter, &large, 1), (all + 1024, all + part));
    // What counts little is counted whole, and of every request something is.
    assert_eq!(take(&mut counter, &small, 10), (all + 1024 + 630, all + part + 630));
    let (rows, counted) = take(&mut counter, &odd, 1);
    assert!(rows == all + 1024 + 630 + 65 && (4..=5).contains(&(counted - all - part - 630)), "{rows} {counted}");
    counter.clear();
    assert_eq!(take(&mut counter, &odd, 1), (65, 65));

    counter.clear();
    take(&mut counter, &large, 64);
    let whole = counter.counts.clone();
    let (rows, counted) = take(&mut counter, &large, 10_000);
    assert_eq!((rows, counted), (all + 10_240_000, all + 640_000));
    // The parts are from everywhere in a request: as many of each place, to the noise of a tenth.
    let servoir_monitor::Profile::Number(profile) = &baseline.features[0].profile else { panic!("numbers") };
    let (ColumnCounts::Number(before), ColumnCounts::Number(after)) = (&whole.features[0], &counter.counts.features[0])
    else {
        panic!("numbers")
    };
    for (before, after) in before.bins(&profile.grid).iter().zip(after.bins(&profile.grid)) {
        let (share, of_parts) = (before.count as f64 / 65_536.0, (after.count - before.count) as f64 / 640_000.0);
        assert!((of_parts - share).abs() <= 0.1 * share + 1e-4, "{share} of all rows, {of_parts} of the parts");
    }
}
