//! What the Providers screen knows, and what its keys do.

use crate::{
    desk::health::LinkHealth,
    domain::{LinkName, ProviderName},
};

/// The open screen.
#[derive(Debug, Default)]
pub struct ProvidersScreen {
    /// How the links are, those of a provider together; none while they are read.
    pub(super) links: Option<Vec<LinkHealth>>,
    pub(super) cursor: usize,
    /// The link that is being tried, if one is.
    pub(super) tries: Option<LinkName>,
    reads: bool,
    pub(super) trouble: Option<String>,
}

/// What follows from a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// Nothing outside the screen.
    Stay,
    /// The screen closes.
    Close,
    /// How the links are is read.
    Load,
    /// It is asked how long a link rests, or a provider with all its links.
    AskRest(String),
    /// What speaks against a link is forgotten.
    Wake(String),
    /// A link is tried with a tiny call.
    Probe(LinkName),
    /// The ticket under the cursor is drafted with a link, whatever speaks against it.
    Force(LinkName),
    /// The Keys screen opens.
    Keys,
}

impl ProvidersScreen {
    /// Opens the screen.
    pub fn open() -> (Self, After) {
        let screen = Self {
            reads: true,
            ..Self::default()
        };
        (screen, After::Load)
    }

    /// Reads how the links are again, unless that is under way.
    pub fn look_again(&mut self) -> After {
        if std::mem::replace(&mut self.reads, true) {
            return After::Stay;
        }
        After::Load
    }

    /// Takes how the links are; the cursor stays on its own.
    pub fn took(&mut self, links: Vec<LinkHealth>) {
        self.reads = false;
        self.trouble = None;
        let here = self.here().map(|health| health.link.clone());
        let links = together(links);
        let place = links.iter().position(|it| Some(&it.link) == here.as_ref());
        self.links = Some(links);
        self.cursor = place.unwrap_or(self.cursor);
        self.move_by(0);
    }

    /// Notes that they could not be read.
    pub fn failed(&mut self, why: String) {
        self.reads = false;
        self.trouble = Some(why);
    }

    /// Notes that a try has ended.
    pub fn tried(&mut self) {
        self.tries = None;
    }

    /// Moves the cursor.
    pub fn move_by(&mut self, rows: isize) {
        let many = self.links.as_ref().map_or(0, Vec::len);
        let last = many.saturating_sub(1);
        self.cursor = self.cursor.saturating_add_signed(rows).min(last);
    }

    /// Returns the link under the cursor.
    pub fn here(&self) -> Option<&LinkHealth> {
        self.links.as_ref()?.get(self.cursor)
    }

    /// Does what a letter means.
    pub fn letter(&mut self, letter: char) -> After {
        let here = self.here().map(|health| health.link.clone());
        match (letter, here) {
            ('j', _) => self.move_by(1),
            ('k', _) => self.move_by(-1),
            ('q', _) => return After::Close,
            ('K', _) => return After::Keys,
            ('r', Some(link)) => return After::AskRest(link.to_string()),
            ('R', Some(link)) => return After::AskRest(link.provider.0),
            ('w', Some(link)) => return After::Wake(link.to_string()),
            ('f', Some(link)) => return After::Force(link),
            ('p', Some(link)) if self.tries.is_none() => {
                self.tries = Some(link.clone());
                return After::Probe(link);
            }
            _ => {}
        }
        After::Stay
    }
}

/// Puts the links of a provider together, providers in the order of their first link.
fn together(links: Vec<LinkHealth>) -> Vec<LinkHealth> {
    let mut providers: Vec<ProviderName> = Vec::new();
    for health in &links {
        if !providers.contains(&health.link.provider) {
            providers.push(health.link.provider.clone());
        }
    }
    let place = |health: &LinkHealth| {
        providers
            .iter()
            .position(|name| *name == health.link.provider)
    };
    let mut links = links;
    links.sort_by_key(place);
    links
}
