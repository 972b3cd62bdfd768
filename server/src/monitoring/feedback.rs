//! Labels: each is joined with the prediction that it belongs to, or refused with a reason.

mod label;
mod outcome;

pub use label::{ACTUALS_MAX, Key, Label, TEXT_CHARS_MAX, Truth};
pub use outcome::unnamed;

use super::settings::MonitoringSettings;
use crate::app::App;
use crate::error::ApiError;
use outcome::labelled;
use servoir_codec::v1::Predicted;
use servoir_registry::{Actor, Actual, Model, Recorded};
use servoir_types::{Label as Class, Timestamp};
use std::collections::{HashMap, HashSet};

const DAY_SECONDS: i64 = 86_400;
/// How far a caller's clock may be ahead, in seconds.
const AHEAD_SECONDS_MAX: i64 = 300;

/// What became of a request's labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    /// Of those that were taken.
    pub recorded: Recorded,
    /// Those that were not.
    pub rejected: Vec<Rejected>,
}

/// A label that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its place in the request, from 0.
    pub row: usize,
    /// Why: a word, a colon and a sentence.
    pub reason: String,
}

/// Joins labels with a model's predictions and keeps them. Labels that cannot be taken do not keep others from being taken.
///
/// # Errors
/// When the registry is away.
pub async fn record(app: &App, actor: &Actor, model: &Model, labels: Vec<Label>) -> Result<Joined, ApiError> {
    let registry = &app.registry;
    let settings = MonitoringSettings::of(&registry.monitoring_settings(&model.id).await?)?;
    let now = Timestamp::now();
    let mut join = Join {
        now,
        days: settings.label_window_days,
        since: now.plus_seconds(-settings.label_window_days * DAY_SECONDS),
        versions: registry.version_numbers(&model.id).await?,
        classes: HashMap::new(),
        seen: HashMap::new(),
    };
    let of_entities = join.newest_of_entities(app, model, &labels).await?;
    let reader = app.prediction_ids.reader(model.id.as_str());
    let (mut actuals, mut rejected) = (Vec::with_capacity(labels.len()), Vec::new());
    for (row, (label, of_entity)) in labels.into_iter().zip(of_entities).enumerate() {
        let id = match (&label.key, of_entity) {
            (Key::Prediction(id), _) => Some(id.clone()),
            (Key::Entity(_), found) => found,
        };
        let predicted = id.as_deref().and_then(|id| reader.read(id));
        if let Some(predicted) = predicted.filter(|predicted| join.versions.contains(&predicted.version)) {
            join.learn_classes(app, model, predicted.version).await?;
        }
        match join.actual(row, id, predicted, &label) {
            Ok(actual) => actuals.push(actual),
            Err(reason) => rejected.push(Rejected { row, reason }),
        }
    }
    // Nothing is changed by labels of which none can be taken, so there is nothing to be audited.
    let recorded = match actuals.is_empty() {
        true => Recorded::default(),
        false => registry.record_actuals(actor, &model.id, actuals, rejected.len()).await?,
    };
    Ok(Joined { recorded, rejected })
}

/// What labels are held against.
struct Join {
    now: Timestamp,
    days: i64,
    /// Predictions that are older take no labels.
    since: Timestamp,
    versions: HashSet<i64>,
    /// The names of classes that a version's signature tells.
    classes: HashMap<i64, Vec<String>>,
    /// By prediction, the row that labels it.
    seen: HashMap<String, usize>,
}

impl Join {
    /// For each label of an entity, the newest prediction about it that is not newer than the label.
    async fn newest_of_entities(
        &self,
        app: &App,
        model: &Model,
        labels: &[Label],
    ) -> Result<Vec<Option<String>>, ApiError> {
        let named = labels.iter().enumerate().filter_map(|(row, label)| match &label.key {
            Key::Entity(entity) => Some((row, (entity.as_str(), label.at.unwrap_or(self.now)))),
            Key::Prediction(_) => None,
        });
        let (rows, wanted): (Vec<usize>, Vec<_>) = named.unzip();
        let mut found = vec![None; labels.len()];
        if !wanted.is_empty() {
            // What was answered a moment ago may still wait to be written here.
            app.entities.flush().await?;
            let newest = app.registry.newest_predictions(&model.id, self.since, &wanted).await?;
            rows.into_iter().zip(newest).for_each(|(row, newest)| found[row] = newest);
        }
        Ok(found)
    }

    /// Reads which classes a version's signature names, once.
    async fn learn_classes(&mut self, app: &App, model: &Model, version: i64) -> Result<(), ApiError> {
        if self.classes.contains_key(&version) {
            return Ok(());
        }
        let version = app.registry.version(&model.organization, &model.id, version).await?;
        let outputs = version.signature.into_iter().flat_map(|signature| signature.outputs);
        let name = |class| match class {
            Class::Int(number) => number.to_string(),
            Class::Text(name) => name,
        };
        let names = outputs.filter_map(|output| output.classes).flatten().map(name).collect();
        self.classes.insert(version.version, names);
        Ok(())
    }

    /// A label beside its prediction, or why it has none.
    fn actual(
        &mut self,
        row: usize,
        id: Option<String>,
        predicted: Option<Predicted>,
        label: &Label,
    ) -> Result<Actual, String> {
        let days = self.days;
        let at = label.at.unwrap_or(self.now);
        if at > self.now.plus_seconds(AHEAD_SECONDS_MAX) {
            return Err(format!("future: actualAt is {at}, and here it is {}", self.now));
        }
        let Some(id) = id else {
            return Err(format!(
                "unknown: nothing was predicted about this entity in the last {days} days and not after {at}"
            ));
        };
        let Some(predicted) = predicted else {
            return Err("unknown: this is not the id of a prediction of this model".to_owned());
        };
        let version = predicted.version;
        if !self.versions.contains(&version) && version > 0 {
            return Err(format!("unknown: version {version}, which made the prediction, was deleted"));
        }
        if predicted.at < self.since {
            return Err(format!("late: the prediction was made at {}; labels are taken for {days} days", predicted.at));
        }
        if let Some(first) = self.seen.get(&id) {
            return Err(format!("repeated: row {first} labels the same prediction"));
        }
        let classes = self.classes.get(&version).map_or(&[][..], Vec::as_slice);
        let outcome = labelled(predicted.outcome, &label.truth, classes)?;
        self.seen.insert(id.clone(), row);
        Ok(Actual { prediction: id, version, predicted_at: predicted.at, outcome, actual_at: at })
    }
}
