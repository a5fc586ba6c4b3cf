//! The models of the price book and their other names, laid out to be looked up: a server does so
//! with each request that names a model.

use std::{
    collections::{HashMap, HashSet},
    sync::OnceLock,
};

use super::{model_table::table, price_rows};
use crate::engine::price::family;

/// What the tables know of one provider.
#[derive(Default)]
pub(super) struct Shelf {
    /// Its models, as the book lists them.
    listed: Vec<&'static str>,
    models: HashSet<&'static str>,
    /// What else they are called.
    aliases: HashMap<&'static str, &'static str>,
    /// The newest snapshot of a family, sold or retired.
    newest: HashMap<&'static str, &'static str>,
}

/// Returns what the tables know of a provider; none of one they do not have.
pub(super) fn shelf(provider: &str) -> Option<&'static Shelf> {
    static SHELVES: OnceLock<HashMap<&str, Shelf>> = OnceLock::new();
    SHELVES.get_or_init(laid_out).get(provider)
}

fn laid_out() -> HashMap<&'static str, Shelf> {
    let mut shelves: HashMap<&str, Shelf> = HashMap::new();
    for row in price_rows::own() {
        let shelf = shelves.entry(&row.provider).or_default();
        // A model has a row for each of its prices.
        if shelf.models.insert(&row.model) {
            shelf.listed.push(&row.model);
        }
        shelf.adds(&row.model);
    }
    for row in &table().retired {
        shelves.entry(&row.provider).or_default().adds(&row.model);
    }
    for row in &table().alias {
        let shelf = shelves.entry(&row.provider).or_default();
        shelf.aliases.entry(&row.name).or_insert(&row.means);
    }
    shelves
}

impl Shelf {
    /// Returns the models that are sold, in the order of the book.
    pub(super) fn models(&self) -> &[&'static str] {
        &self.listed
    }

    /// Tells whether the book lists a model.
    pub(super) fn has(&self, model: &str) -> bool {
        self.models.contains(model)
    }

    /// Returns the model that another name means.
    pub(super) fn alias(&self, name: &str) -> Option<&'static str> {
        self.aliases.get(name).copied()
    }

    /// Returns the newest snapshot of a family, sold or retired.
    pub(super) fn newest(&self, family: &str) -> Option<&'static str> {
        self.newest.get(family).copied()
    }

    /// Adds a snapshot to its family.
    fn adds(&mut self, model: &'static str) {
        let family = family(model);
        if family != model {
            let newest = self.newest.entry(family).or_insert(model);
            *newest = (*newest).max(model);
        }
    }
}
