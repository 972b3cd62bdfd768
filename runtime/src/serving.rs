//! The serving table: which model answers under which id and name, for each organization.
//!
//! Readers see an immutable table through one atomic load and allocate nothing. A writer changes an entry's live version in
//! place; only when entries come, go or change their names does it build a new table.

use crate::slot::{Entry, Live};
use arc_swap::ArcSwap;
use servoir_types::ModelId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The serving table.
#[derive(Clone, Default)]
pub struct Serving(Arc<Shared>);

#[derive(Default)]
struct Shared {
    table: ArcSwap<Table>,
    /// Held by whoever changes the table; readers never take it.
    writer: Mutex<()>,
}

#[derive(Default, Clone)]
struct Table {
    organizations: HashMap<String, Names>,
    /// Where each model stands: its organization and its name.
    places: HashMap<ModelId, (String, String)>,
}

#[derive(Default, Clone)]
struct Names {
    by_id: HashMap<String, Arc<Entry>>,
    by_name: HashMap<String, Arc<Entry>>,
}

impl Table {
    fn entry(&self, organization: &str, id_or_name: &str) -> Option<&Arc<Entry>> {
        let names = self.organizations.get(organization)?;
        let (by_id, by_name) = (&names.by_id, &names.by_name);
        // An id goes before a name; what does not look like one is a name, and found as such first.
        match id_or_name.starts_with(ModelId::PREFIX) {
            true => by_id.get(id_or_name).or_else(|| by_name.get(id_or_name)),
            false => by_name.get(id_or_name).or_else(|| by_id.get(id_or_name)),
        }
    }

    fn insert(&mut self, organization: &str, name: &str, entry: &Arc<Entry>) {
        let names = self.organizations.entry(organization.to_owned()).or_default();
        names.by_id.insert(entry.model().as_str().to_owned(), Arc::clone(entry));
        names.by_name.insert(name.to_owned(), Arc::clone(entry));
        self.places.insert(entry.model().clone(), (organization.to_owned(), name.to_owned()));
    }

    fn remove(&mut self, model: &ModelId) -> Option<Arc<Entry>> {
        let (organization, name) = self.places.remove(model)?;
        let names = self.organizations.get_mut(&organization)?;
        // The name may have gone to another model since.
        if names.by_name.get(&name).is_some_and(|entry| entry.model() == model) {
            names.by_name.remove(&name);
        }
        let entry = names.by_id.remove(model.as_str());
        if names.by_id.is_empty() {
            self.organizations.remove(&organization);
        }
        entry
    }
}

impl Serving {
    /// The entry of an organization's model, by its id or name.
    pub fn find(&self, organization: &str, id_or_name: &str) -> Option<Arc<Entry>> {
        self.0.table.load().entry(organization, id_or_name).cloned()
    }

    /// Makes `live` the answer for a model from this moment; the one before, if any, is given back. Creates the entry
    /// when there is none and follows a change of the name.
    pub fn publish(&self, organization: &str, name: &str, model: &ModelId, live: Live) -> Option<Arc<Live>> {
        let _writing = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let table = self.0.table.load();
        let place = table.places.get(model);
        let entry = place.and_then(|(organization, _)| table.entry(organization, model.as_str()));
        let named = || table.entry(organization, name).is_some_and(|entry| entry.model() == model);
        if let Some(entry) = entry
            && place.is_some_and(|(old_organization, old_name)| old_organization == organization && old_name == name)
            && named()
        {
            return entry.swap(Some(live));
        }
        let mut next = Table::clone(&table);
        let (entry, before) = match next.remove(model) {
            Some(entry) => {
                let before = entry.swap(Some(live));
                (entry, before)
            }
            None => (Arc::new(Entry::new(model.clone(), live)), None),
        };
        next.insert(organization, name, &entry);
        self.0.table.store(Arc::new(next));
        before
    }

    /// Takes a model out; what was live, if anything, is given back.
    pub fn withdraw(&self, model: &ModelId) -> Option<Arc<Live>> {
        let _writing = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Table::clone(&self.0.table.load());
        let entry = next.remove(model)?;
        self.0.table.store(Arc::new(next));
        entry.swap(None)
    }

    /// Every entry with its organization, in no order.
    pub fn entries(&self) -> Vec<(String, Arc<Entry>)> {
        let table = self.0.table.load();
        let of = |(organization, names): (&String, &Names)| {
            names.by_id.values().map(|entry| (organization.clone(), Arc::clone(entry))).collect::<Vec<_>>()
        };
        table.organizations.iter().flat_map(of).collect()
    }
}
