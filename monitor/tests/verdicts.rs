//! Analyses, alerts, and changes of a stream.

mod support;

use serde_json::Value;
use servoir_monitor::alert::{AlertEventKind, AlertState, Hysteresis, Observation};
use servoir_monitor::analysis::{Analysis, Recorded, Settings, Severity, Status, Threshold, Thresholds, Window};
use servoir_monitor::convention::{Algorithm, Convention};
use servoir_monitor::statistics::samples::Sample;
use servoir_monitor::{
    Adwin, Baseline, CategoryProfile, Column, Meter, NumberProfile, Precision, VersionCounts, WindowLength,
    bucket_start,
};
use servoir_types::Timestamp;
use std::collections::BTreeMap;
use support::{Random, rows, sample};

const COLUMNS: usize = 3;

fn table(random: &mut Random, count: usize, shift: f64) -> Vec<[f64; COLUMNS]> {
    (0..count).map(|_| [random.normal() + shift, random.uniform(), 4.5]).collect()
}

fn column(rows: &[[f64; COLUMNS]], index: usize) -> Vec<f64> {
    rows.iter().map(|row| row[index]).collect()
}

fn texts(count: usize) -> Vec<&'static str> {
    (0..count).map(|i| ["a", "b", "b", "c"][i % 4]).collect()
}

fn baseline(rows: &[[f64; COLUMNS]]) -> Baseline {
    let number = |index: usize| NumberProfile::of(&column(rows, index), Precision::Double);
    let mut features: Vec<Column> = ["moves", "stays", "constant"]
        .iter()
        .enumerate()
        .map(|(index, name)| Column::number(*name, number(index)))
        .collect();
    features.push(Column::category("text", CategoryProfile::of(texts(rows.len()).into_iter().map(Some))));
    Baseline::new(rows.len() as u64, features, vec![Column::number("score", number(1))])
}

fn counted(baseline: &Baseline, rows: &[[f64; COLUMNS]]) -> VersionCounts {
    let meter = Meter::new(baseline);
    let mut counts = meter.counts();
    counts.rows = rows.len() as u64;
    for index in 0..COLUMNS {
        meter.features[index].count(&mut counts.features[index], rows.as_flattened(), index, COLUMNS);
    }
    texts(rows.len()).iter().for_each(|text| meter.features[3].count_text(&mut counts.features[3], text));
    meter.outputs[0].count(&mut counts.outputs[0], rows.as_flattened(), 1, COLUMNS);
    counts
}

fn analysed(settings: &Settings, reference: &[[f64; COLUMNS]], rows: &[[f64; COLUMNS]]) -> Analysis {
    let baseline = baseline(reference);
    let samples: BTreeMap<String, Recorded> = ["moves", "stays", "constant"]
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let reference = Some(Sample::new(&column(reference, index)));
            (name.to_string(), Recorded { reference, current: Sample::new(&column(rows, index)) })
        })
        .collect();
    let counts = counted(&baseline, rows);
    let (start, end) = (Timestamp::from_millis(0), Timestamp::from_millis(3_600_000));
    Window { baseline: &baseline, counts: &counts, samples: &samples, start, end }.analysis(settings)
}

#[test]
fn identical_data_is_ok_and_nothing() {
    let mut random = Random(1);
    let rows = table(&mut random, 4000, 0.0);
    let analysis = analysed(&Settings::default(), &rows, &rows);
    assert_eq!((analysis.overall_status, analysis.drift_score), (Status::Ok, Some(0.0)));
    for feature in &analysis.features {
        for (algorithm, metric) in &feature.metrics {
            let is_p = matches!(algorithm, Algorithm::KolmogorovSmirnov | Algorithm::ChiSquare);
            assert_eq!(metric.value, f64::from(u8::from(is_p)), "{} {algorithm:?}", feature.feature_name);
        }
    }
}

#[test]
fn a_shift_is_an_alert_of_the_feature_that_moved() {
    let mut random = Random(2);
    let reference = table(&mut random, 20_000, 0.0);
    let rows = table(&mut random, 2000, 1.0);
    let analysis = analysed(&Settings::default(), &reference, &rows);
    assert_eq!(analysis.overall_status, Status::Alert);
    let statuses: Vec<(&str, Status)> =
        analysis.features.iter().map(|feature| (feature.feature_name.as_str(), feature.status)).collect();
    assert_eq!((statuses[0], statuses[2]), (("moves", Status::Alert), ("constant", Status::NoData)));
    assert_eq!(analysis.features[0].severity, Severity::High);
    assert_eq!(statuses[3], ("text", Status::Ok));
    let wasserstein = analysis.features[0].metrics[&Algorithm::Wasserstein].value;
    assert!((wasserstein - 1.0).abs() < 0.1, "{wasserstein}");
    let skipped: Vec<&str> = analysis.algorithms_skipped.iter().map(|skipped| skipped.reason.as_str()).collect();
    assert!(skipped.contains(&"the baseline has one value only: constant"), "{skipped:?}");
}

#[test]
fn an_analysis_is_written_as_the_contract_has_it() {
    let mut random = Random(3);
    let reference = table(&mut random, 1000, 0.0);
    let json = serde_json::to_value(analysed(&Settings::default(), &reference, &reference[..500])).unwrap();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    let want = [
        "algorithmsSkipped",
        "driftScore",
        "features",
        "overallStatus",
        "predictionDrift",
        "sampleSize",
        "windowEnd",
        "windowStart",
    ];
    assert_eq!(keys, want);
    assert_eq!(json["windowEnd"], "1970-01-01T01:00:00Z");
    let feature = &json["features"][0];
    assert_eq!((&feature["featureName"], &feature["category"]), (&Value::from("moves"), &Value::from("numeric")));
    let psi = &feature["metrics"]["psi"];
    assert_eq!((&psi["status"], &psi["threshold"]), (&Value::from("ok"), &Value::from(0.1)));
    assert!(psi["value"].is_f64());
    assert!(!json.to_string().contains("null"), "{json}");
}

#[test]
fn too_few_rows_are_no_data_and_no_number() {
    let mut random = Random(4);
    let reference = table(&mut random, 1000, 0.0);
    for (rows, want) in [(0, Status::NoData), (29, Status::NoData), (30, Status::Ok)] {
        let analysis = analysed(&Settings::default(), &reference, &reference[..rows]);
        assert_eq!(analysis.overall_status, want, "{rows} rows");
        let is_silent = analysis.features.iter().all(|feature| feature.metrics.is_empty());
        assert_eq!(is_silent, want == Status::NoData, "{rows} rows");
        assert_eq!(analysis.drift_score.is_none(), want == Status::NoData);
        assert!(!analysis.algorithms_skipped.is_empty());
    }
}

#[test]
fn chance_raises_few_alarms() {
    const WINDOWS: usize = 100;
    let mut random = Random(6);
    let reference = table(&mut random, 20_000, 0.0);
    let baseline = baseline(&reference);
    for size in [50, 300, 3000] {
        let mut statuses = BTreeMap::new();
        for _ in 0..WINDOWS {
            let counts = counted(&baseline, &table(&mut random, size, 0.0));
            let (start, end) = (Timestamp::from_millis(0), Timestamp::from_millis(1));
            let window = Window { baseline: &baseline, counts: &counts, samples: &BTreeMap::new(), start, end };
            let analysis = window.analysis(&Settings::default());
            *statuses.entry(analysis.overall_status).or_insert(0) += 1;
            for column in analysis.features.iter().filter(|_| analysis.overall_status > Status::Ok) {
                let bad = column.metrics.iter().filter(|(_, metric)| metric.status > Status::Ok);
                bad.for_each(|(algorithm, metric)| println!("{} {algorithm:?} {metric:?}", column.feature_name));
            }
        }
        println!("{size} rows: {statuses:?}");
        assert_eq!(statuses.get(&Status::Alert), None, "{size} rows: {statuses:?}");
        let warnings = statuses.get(&Status::Warning).copied().unwrap_or(0);
        assert!(warnings <= 12, "{size} rows: {statuses:?}");
    }
}

#[test]
fn conventions_and_thresholds_are_settings() {
    let mut random = Random(7);
    let reference = table(&mut random, 3000, 0.0);
    let rows = table(&mut random, 1000, 0.3);
    let settings: Settings = serde_json::from_str(
        r#"{"convention": "evidently", "algorithms": ["psi", "kolmogorov_smirnov"],
            "thresholds": {"psi": {"alert": 10.0}}, "featureThresholds": {"stays": {"psi": {"warning": 0.0}}}}"#,
    )
    .unwrap();
    let analysis = analysed(&settings, &reference, &rows);
    let moved = &analysis.features[0].metrics;
    assert_eq!(moved.len(), 2);
    assert_eq!((moved[&Algorithm::Psi].status, moved[&Algorithm::Psi].threshold), (Status::Ok, Some(10.0)));
    assert_eq!(moved[&Algorithm::KolmogorovSmirnov].status, Status::Alert);
    assert_eq!(analysis.features[1].metrics[&Algorithm::Psi].status, Status::Warning);
    assert!(serde_json::from_str::<Settings>(r#"{"thresholds": {"psy": {}}}"#).is_err());

    let nannyml = Settings { convention: Convention::NannyMl, ..Settings::default() };
    let analysis = analysed(&nannyml, &reference, &rows);
    assert!(analysis.features[0].metrics[&Algorithm::KolmogorovSmirnov].statistic.is_none());
    let own: Thresholds = [(Algorithm::Wasserstein, Threshold { warning: None, alert: Some(0.5) })].into();
    let lenient = Settings { thresholds: own, algorithms: Some(vec![Algorithm::Wasserstein]), ..nannyml };
    assert_eq!(analysed(&lenient, &reference, &rows).features[0].status, Status::Ok);
}

#[test]
fn a_convention_without_its_samples_says_so() {
    let mut random = Random(8);
    let reference = table(&mut random, 1000, 0.0);
    let baseline = baseline(&reference);
    let counts = counted(&baseline, &reference);
    let (start, end) = (Timestamp::from_millis(0), Timestamp::from_millis(1));
    let window = Window { baseline: &baseline, counts: &counts, samples: &BTreeMap::new(), start, end };
    let analysis = window.analysis(&Settings { convention: Convention::Evidently, ..Settings::default() });
    assert_eq!(analysis.features[0].status, Status::NoData);
    assert_eq!(analysis.features[3].status, Status::Ok, "categories are counted whole");
    assert!(analysis.algorithms_skipped.iter().any(|skipped| skipped.reason.contains("no sample is recorded")));
}

#[test]
fn alerts_are_raised_and_cleared_after_two() {
    use AlertEventKind::{Acknowledged, Cleared, Raised, Worsened};
    let rows = [
        ("O A O A O", vec![]),
        ("A A", vec![(1, Raised)]),
        ("A N A", vec![(2, Raised)]),
        ("A A A O A O O", vec![(1, Raised), (6, Cleared)]),
        ("A A H H", vec![(1, Raised), (2, Worsened)]),
        ("A A W W A", vec![(1, Raised), (3, Cleared)]),
        ("A A E N O O A A", vec![(1, Raised), (5, Cleared), (7, Raised)]),
    ];
    for (story, want) in rows {
        let mut state = AlertState::default();
        let mut events = Vec::new();
        for (index, letter) in story.split(' ').enumerate() {
            let (status, severity) = match letter {
                "O" => (Status::Ok, Severity::None),
                "W" => (Status::Warning, Severity::Low),
                "A" => (Status::Alert, Severity::Medium),
                "H" => (Status::Alert, Severity::High),
                "N" => (Status::NoData, Severity::None),
                _ => (Status::Error, Severity::None),
            };
            let at = Timestamp::from_millis(index as i64);
            let seen = Observation { at, status, severity, value: Some(0.3), threshold: Some(0.2) };
            if let Some(event) = state.observe(Hysteresis::default(), &seen) {
                events.push((event.at.as_millis(), event.kind));
            }
            let json = serde_json::to_string(&state).unwrap();
            assert_eq!(serde_json::from_str::<AlertState>(&json).unwrap(), state, "kept over a restart");
        }
        assert_eq!(events, want, "{story}");
    }
    let mut state = AlertState { raised: Some(Severity::Medium), ..AlertState::default() };
    let at = Timestamp::from_millis(5);
    assert_eq!(state.acknowledge(at).map(|event| event.kind), Some(Acknowledged));
    assert_eq!(state.acknowledge(at), None);
    assert_eq!(AlertState::default().acknowledge(at), None);
}

#[test]
fn changes_are_seen_where_river_sees_them() {
    for stream in rows("changes") {
        let name = stream["name"].as_str().unwrap();
        let mut adwin = Adwin::new(0.002);
        let found: Vec<u64> =
            (0..).zip(sample(&stream["values"])).filter_map(|(index, value)| adwin.add(value).map(|_| index)).collect();
        let theirs: Vec<u64> = serde_json::from_value(stream["detected"].clone()).unwrap();
        println!("{name}: {found:?} here, {theirs:?} there");
        let changes: Vec<u64> = serde_json::from_value(stream["changes_at"].clone()).unwrap();
        assert_eq!(found.is_empty(), changes.is_empty(), "{name}: {found:?}");
        for change in changes {
            let first = |found: &[u64]| found.iter().copied().find(|index| *index >= change);
            let (ours, theirs) = (first(&found), first(&theirs));
            let (Some(ours), Some(theirs)) = (ours, theirs) else { panic!("{name}: {ours:?} here, {theirs:?} there") };
            assert!(ours.abs_diff(theirs) <= 320, "{name}: {ours} here, {theirs} there");
        }
        let mean = adwin.mean().unwrap();
        assert!((mean - stream["mean"].as_f64().unwrap()).abs() < 0.05, "{name}: {mean}");
    }
}

#[test]
fn a_window_over_a_steady_stream_stays_small_in_memory() {
    let mut adwin = Adwin::new(0.002);
    let mut random = Random(12);
    let changes = (0..200_000).filter_map(|_| adwin.add(random.uniform())).count();
    assert_eq!((changes, adwin.width()), (0, 200_000));
    let json = serde_json::to_string(&adwin).unwrap();
    assert!(json.len() < 10_000, "{} bytes", json.len());
    assert_eq!(adwin.add(f64::NAN), None);
    assert_eq!(adwin.width(), 200_000);
}

#[test]
fn windows_begin_with_a_bucket() {
    let now = Timestamp::parse("2026-11-22T10:07:31Z").unwrap();
    assert_eq!(bucket_start(now).to_string(), "2026-11-22T10:05:00Z");
    let rows = [
        ("1h", "2026-11-22T09:10:00Z"),
        ("6h", "2026-11-22T04:10:00Z"),
        ("1d", "2026-11-21T10:10:00Z"),
        ("7d", "2026-11-15T10:10:00Z"),
    ];
    for (length, (name, start)) in WindowLength::ALL.into_iter().zip(rows) {
        assert_eq!((length.as_str(), length.start(now).to_string().as_str()), (name, start));
        assert_eq!(serde_json::to_value(length).unwrap(), name);
    }
}
