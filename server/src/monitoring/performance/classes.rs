//! The classes of a version, in their order.

use crate::app::App;
use crate::error::ApiError;
use crate::monitoring::feedback::unnamed;
use servoir_codec::v1::ClassCode;
use servoir_monitor::{Baseline, Profile};
use servoir_registry::{ClassPair, Labelled};
use servoir_types::Label;
use std::collections::HashMap;

/// Names of classes: those of the signature in its order, then those that labels and answers have beside them, numbers by
/// their size before texts by their letters.
pub struct Classes {
    names: Vec<String>,
    places: HashMap<String, usize>,
    /// How many the signature names.
    declared: usize,
}

impl Classes {
    /// Of a version with these answers and labels.
    pub async fn of(app: &App, organization: &str, of: Labelled<'_>, pairs: &[ClassPair]) -> Result<Self, ApiError> {
        let signature = app.registry.version(organization, of.model, of.version).await?.signature;
        let outputs = signature.into_iter().flat_map(|signature| signature.outputs);
        let declared: Vec<String> = outputs.filter_map(|output| output.classes).flatten().map(text).collect();
        let mut known: Vec<&str> = pairs.iter().flat_map(|pair| [pair.actual.as_str(), &pair.predicted]).collect();
        let is_unnamed = |name: &&str| name.starts_with('#');
        let profiled = match known.iter().any(is_unnamed) {
            true => labels_of_baseline(app, of).await?,
            false => Vec::new(),
        };
        known.sort_unstable();
        known.dedup();
        // What was answered before anybody had named it is called by its hash.
        let by_hash: HashMap<String, &str> = known
            .iter()
            .copied()
            .chain(profiled.iter().map(String::as_str))
            .filter_map(|name| match ClassCode::of_text(name.as_bytes()) {
                ClassCode::Hash(hash) => Some((unnamed(hash), name)),
                ClassCode::Integer(_) => None,
            })
            .collect();
        let real = |name: &str| by_hash.get(name).map_or(name, |name| *name).to_owned();
        let mut classes = Self { declared: declared.len(), names: Vec::new(), places: HashMap::new() };
        declared.into_iter().for_each(|name| classes.learn(name));
        let mut others: Vec<String> = known.iter().map(|name| real(name)).collect();
        others.sort_unstable_by(|a, b| match (a.parse::<i64>(), b.parse::<i64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => std::cmp::Ordering::Less,
            (Err(_), Ok(_)) => std::cmp::Ordering::Greater,
            (Err(_), Err(_)) => a.cmp(b),
        });
        others.into_iter().for_each(|name| classes.learn(name));
        for (hash, name) in by_hash {
            if let Some(place) = classes.places.get(name).copied() {
                classes.places.entry(hash).or_insert(place);
            }
        }
        Ok(classes)
    }

    fn learn(&mut self, name: String) {
        if !self.places.contains_key(&name) {
            self.places.insert(name.clone(), self.names.len());
            self.names.push(name);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// In their order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Where a class is.
    pub fn place(&self, name: &str) -> usize {
        self.places.get(name).copied().unwrap_or(usize::MAX)
    }

    /// The class whose probability scores are: the second of two.
    pub fn positive(&self) -> Option<&str> {
        let is_of_two = self.declared == 2 || (self.declared == 0 && self.names.len() == 2);
        self.names.get(1).filter(|_| is_of_two).map(String::as_str)
    }
}

fn text(class: Label) -> String {
    match class {
        Label::Int(number) => number.to_string(),
        Label::Text(name) => name,
    }
}

/// The labels that a version's baseline has seen.
async fn labels_of_baseline(app: &App, of: Labelled<'_>) -> Result<Vec<String>, ApiError> {
    let Some(row) = app.registry.active_baseline(of.model, of.version).await? else { return Ok(Vec::new()) };
    let read = tokio::task::spawn_blocking(move || Baseline::from_json(row.body.as_bytes())).await;
    let baseline = read.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
    let label = baseline.outputs.into_iter().find(|column| column.name == "label");
    Ok(match label.map(|label| label.profile) {
        Some(Profile::Category(profile)) => profile.values.into_iter().map(|(name, _)| name).collect(),
        _ => Vec::new(),
    })
}
