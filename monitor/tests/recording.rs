//! Recordings: samples in which every row has the same chance, however they were put together.

mod support;

use servoir_monitor::recording::{Recorded, RecordedValues, RecordingPlan, Reservoir};
use servoir_types::{Data, Datatype, Shape, Signature, Tensor, TensorSpec};
use support::Random;

fn signature() -> Signature {
    let spec = |name: &str, datatype| TensorSpec::new(name, datatype, Shape::ranked([-1]));
    Signature {
        inputs: vec![spec("n", Datatype::Fp64), spec("t", Datatype::Bytes)],
        outputs: vec![spec("y", Datatype::Int64)],
    }
}

fn tensors(first: usize, rows: usize) -> (Vec<Tensor>, Vec<Tensor>) {
    let numbers: Vec<usize> = (first..first + rows).collect();
    let tensor = |data| Tensor::new(vec![rows], data).unwrap();
    let inputs = vec![
        tensor(Data::Fp64(numbers.iter().map(|&number| number as f64).collect())),
        tensor(Data::Bytes(numbers.iter().map(|number| format!("row {number}").into()).collect())),
    ];
    (inputs, vec![tensor(Data::Int64(numbers.iter().map(|&number| number as i64 * 2).collect()))])
}

/// Records rows `first..first + rows` in requests of three.
fn recorded(random: &mut Random, rows_max: usize, (first, rows): (usize, usize)) -> Recorded {
    let plan = RecordingPlan::of(&signature());
    let mut reservoir = Reservoir::new(rows_max);
    for begin in (first..first + rows).step_by(3) {
        let count = 3.min(first + rows - begin);
        let (inputs, outputs) = tensors(begin, count);
        (0..count).for_each(|row| reservoir.add(random.uniform(), &plan, (&inputs, &outputs), row));
        reservoir.saw(count as u64);
    }
    Recorded::of(&plan, &reservoir)
}

fn numbers(recorded: &Recorded) -> Vec<usize> {
    let RecordedValues::Numbers(numbers) = &recorded.features[0].values else { panic!("numbers") };
    numbers.iter().map(|number| *number as usize).collect()
}

#[test]
fn rows_stay_whole_and_come_back_as_they_were_stored() {
    let mut random = Random(1);
    for (rows_max, rows, kept) in [(10, 4, 4), (10, 10, 10), (10, 500, 10), (1, 7, 1), (5, 0, 0)] {
        let recorded = recorded(&mut random, rows_max, (0, rows));
        assert_eq!((recorded.rows(), recorded.seen), (kept, rows as u64));
        let read = Recorded::from_json(&recorded.to_json()).expect("what was written");
        assert_eq!(read, recorded);
        let RecordedValues::Texts(texts) = &read.features[1].values else { panic!("texts") };
        let RecordedValues::Numbers(answers) = &read.outputs[0].values else { panic!("numbers") };
        for ((number, text), answer) in numbers(&read).iter().zip(texts).zip(answers) {
            assert_eq!((text, *answer as usize), (&format!("row {number}"), number * 2));
        }
    }
}

/// An hour of 300 rows, one of 3,000 and one of 20, of which 30 rows each are kept: in their union, each of the 3,320 rows
/// has the same chance. Over 1,000 samples, the share of each hour is its share of the rows.
#[test]
fn hours_of_different_traffic_add_up_to_one_uniform_sample() {
    let hours = [(0, 300), (300, 3000), (3300, 20)];
    let mut random = Random(2);
    let mut of_hours = [0usize; 3];
    let mut all = 0;
    for _ in 0..1000 {
        let parts = hours.map(|hour| recorded(&mut random, 30, hour)).to_vec();
        let union = Recorded::merge(parts, 20).expect("recordings");
        assert!(union.rows() <= 20 && union.seen == 3320);
        for number in numbers(&union) {
            let hour =
                hours.iter().position(|(first, rows)| (*first..first + rows).contains(&number)).expect("an hour");
            of_hours[hour] += 1;
            all += 1;
        }
    }
    for ((_, rows), count) in hours.iter().zip(of_hours) {
        let share = *rows as f64 / 3320.0;
        // Five standard deviations of a binomial distribution: one of a million runs is outside.
        let tolerance = 5.0 * (share * (1.0 - share) / all as f64).sqrt();
        let got = count as f64 / all as f64;
        assert!((got - share).abs() < tolerance, "{got} of {share} ± {tolerance}");
    }
}

#[test]
fn what_is_no_recording_is_refused() {
    let whole = String::from_utf8(recorded(&mut Random(3), 5, (0, 20)).to_json()).unwrap();
    let cases = [
        (whole.replace(r#""format":1"#, r#""format":2"#), "the recording is in format 2; this version reads format 1"),
        (whole.replace("row", "").replacen(r#"" "#, r#""","x"#, 1), "column 't' of the recording has"),
        ("{}".to_owned(), "the recording cannot be read"),
        (whole[..whole.len() / 2].to_owned(), "the recording cannot be read"),
    ];
    for (json, expected) in cases {
        let error = Recorded::from_json(json.as_bytes()).expect_err(&json);
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert!(Recorded::merge(Vec::new(), 5).is_none());
}
