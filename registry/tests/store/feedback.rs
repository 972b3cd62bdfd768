//! Labels, the predictions that they belong to, and what they add up to.

use crate::world::{World, actor, code};
use servoir_registry::{Actual, EntityPrediction, Labelled, LabelledOutcome, Mistake, Recorded, Scored};
use servoir_types::{ModelId, Timestamp};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn actual(prediction: impl ToString, (version, millis): (i64, i64), outcome: LabelledOutcome) -> Actual {
    let prediction = prediction.to_string();
    Actual { prediction, version, predicted_at: at(millis), outcome, actual_at: at(millis + 1) }
}

fn class(predicted: &str, score: impl Into<Option<f64>>, actual: &str) -> LabelledOutcome {
    LabelledOutcome::Class { predicted: predicted.into(), score: score.into(), actual: actual.into() }
}

fn number(predicted: f64, actual: f64) -> LabelledOutcome {
    LabelledOutcome::Number { predicted, actual }
}

fn of(model: &ModelId, from: i64, to: i64) -> Labelled<'_> {
    Labelled { model, version: 1, from: at(from), to: at(to) }
}

async fn record(world: &World, model: &ModelId, actuals: Vec<Actual>) -> (usize, usize) {
    let Recorded { recorded, replaced } =
        world.registry.record_actuals(&actor("acme"), model, actuals, 0).await.unwrap();
    (recorded, replaced)
}

pub async fn a_label_takes_the_place_of_the_one_before(world: &World) {
    let model = world.model_with("churn", 2).await;
    let many = |truth: &'static str, range: std::ops::Range<i64>| {
        range.map(move |n| actual(n, (1, n), class("yes", 0.5, truth))).collect::<Vec<_>>()
    };
    assert_eq!(record(world, &model.id, many("yes", 0..1200)).await, (1200, 0));
    assert_eq!(record(world, &model.id, many("no", 1000..2500)).await, (1300, 200));
    let pairs = world.registry.class_pairs(of(&model.id, 0, 10_000)).await.unwrap();
    let counts: Vec<_> = pairs.iter().map(|pair| (pair.predicted.as_str(), pair.actual.as_str(), pair.count)).collect();
    assert_eq!(counts, [("yes", "no", 1500), ("yes", "yes", 1000)]);
    let pairs = world.registry.class_pairs(of(&model.id, 999, 1001)).await.unwrap();
    assert_eq!(pairs.iter().map(|pair| pair.count).collect::<Vec<_>>(), [1, 1], "one before, one from the bound on");
    let gone = vec![actual("x", (3, 0), class("yes", None, "no"))];
    assert_eq!(code(world.registry.record_actuals(&actor("acme"), &model.id, gone, 0).await), "not-found");
    let swept = world.registry.sweep_feedback(Timestamp::now().plus_seconds(60), at(0)).await.unwrap();
    assert_eq!((swept, world.count("actuals").await), (2500, 0));
}

pub async fn scores_are_ranked_and_numbers_added_up(world: &World) {
    let model = world.model_with("churn", 1).await;
    let rows = [(0.1, "no"), (0.4, "no"), (0.35, "yes"), (0.8, "yes"), (0.4, "yes")];
    let actuals = rows.iter().zip(0..).map(|((score, truth), n)| actual(n, (1, n), class("yes", *score, truth)));
    let silent = actual("silent", (1, 0), class("no", None, "no"));
    record(world, &model.id, actuals.chain([silent]).collect()).await;
    let mut scored = Vec::new();
    world.registry.scored(of(&model.id, 0, 100), "yes", |one| scored.push(one)).await.unwrap();
    let expected = [(0, 1), (1, 0), (1, 1), (1, 0)].map(|(positives, negatives)| Scored { positives, negatives });
    assert_eq!(scored, expected, "by score, 0.4 twice");
    assert_eq!(world.registry.number_sums(of(&model.id, 0, 100)).await.unwrap(), None);

    let house = world.model_with("house", 1).await;
    let far = 1e9;
    let rows = [(far + 1.0, far), (far - 2.0, far + 1.0), (far, far + 2.0)];
    let actuals = rows.iter().zip(0..).map(|((answer, truth), n)| actual(n, (1, n), number(*answer, *truth)));
    record(world, &house.id, actuals.collect()).await;
    let sums = world.registry.number_sums(of(&house.id, 0, 100)).await.unwrap().unwrap();
    assert_eq!((sums.count, sums.absolute, sums.squared), (3, 6.0, 14.0));
    assert_eq!((sums.truth_mean, sums.truth_squares), (far + 1.0, 2.0), "small beside large");
    let mut mistakes = Vec::new();
    world.registry.mistakes(of(&house.id, 0, 100), 2, |one| mistakes.push(one)).await.unwrap();
    let expected = [(1, 3.0), (2, 2.0)].map(|(n, error)| {
        let (predicted_at, prediction) = (at(n), n.to_string());
        Mistake { predicted_at, prediction, error }
    });
    assert_eq!(mistakes, expected, "the newest two, in their order");
}

pub async fn the_newest_prediction_about_an_entity(world: &World) {
    let model = world.model_with("churn", 1).await;
    let other = world.model_with("other", 1).await;
    let prediction = |model: &ModelId, entity: &str, version, millis: i64| EntityPrediction {
        model: model.clone(),
        entity: entity.into(),
        prediction: format!("{entity} {millis}"),
        version,
        predicted_at: at(millis),
    };
    let mut rows: Vec<_> = (0..1500).map(|n| prediction(&model.id, &format!("e{n}"), 1, 100)).collect();
    rows.extend([200, 300, 300].map(|millis| prediction(&model.id, "e7", 1, millis)));
    rows.push(prediction(&other.id, "e7", 1, 400));
    rows.push(prediction(&model.id, "gone", 2, 100));
    world.registry.add_predictions(&rows).await.unwrap();
    world.registry.add_predictions(&rows).await.unwrap();
    assert_eq!(world.count("predictions").await, 1503, "each once, and none of a version that is gone");
    let cases = [
        (("e7", 500), Some("e7 300")),
        (("e7", 300), Some("e7 300")),
        (("e7", 299), Some("e7 200")),
        (("e7", 99), None),
        (("e8", 500), Some("e8 100")),
        (("gone", 500), None),
        (("nobody", 500), None),
    ];
    let wanted: Vec<_> = cases.iter().map(|((entity, millis), _)| (*entity, at(*millis))).collect();
    let found = world.registry.newest_predictions(&model.id, at(100), &wanted).await.unwrap();
    assert_eq!(found.iter().map(Option::as_deref).collect::<Vec<_>>(), cases.map(|(_, expected)| expected));
    let found = world.registry.newest_predictions(&model.id, at(201), &wanted).await.unwrap();
    assert_eq!(found.iter().flatten().count(), 2, "not older than that");
    let many: Vec<_> = (0..1400).map(|n| format!("e{n}")).collect();
    let wanted: Vec<_> = many.iter().map(|entity| (entity.as_str(), at(500))).collect();
    let found = world.registry.newest_predictions(&model.id, at(0), &wanted).await.unwrap();
    assert!(found.iter().zip(&many).all(|(found, entity)| found.as_ref().is_some_and(|id| id.starts_with(entity))));
    assert_eq!(world.registry.sweep_feedback(at(0), at(250)).await.unwrap(), 1501);
}
