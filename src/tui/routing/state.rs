//! What the Routing screen knows, and how it changes.

use crate::{
    desk::face::{ChainCard, RoutingView},
    domain::LinkName,
    engine::{chain::advice, routing::ROUTINGS},
    tui::{line::InputLine, paint::safe},
};

/// The open Routing screen.
#[derive(Debug, Default)]
pub struct RoutingScreen {
    view: Option<RoutingView>,
    /// The chain being shown.
    pub(super) chain: usize,
    /// The link under the cursor.
    pub(super) cursor: usize,
    /// The chain as it is being changed; none while it is as in the config.
    changed: Option<ChainCard>,
    /// Links to add, while one is picked.
    pub(super) picker: Option<Picker>,
    /// Whether it is asked what becomes of the changes.
    pub(super) asks: bool,
    /// What came of the last save.
    pub(super) said: Option<String>,
    /// Whether a save is under way: until it ends, nothing is changed.
    pub(super) saves: bool,
    /// Whether the screen closes once the save has succeeded.
    closes: bool,
}

/// The list of links that can be added.
#[derive(Debug, Default)]
pub(super) struct Picker {
    /// What was typed to narrow it.
    pub(super) line: InputLine,
    pub(super) cursor: usize,
}

/// What follows from a key.
#[derive(Debug, PartialEq, Eq)]
pub enum After {
    /// Nothing outside the screen.
    Stay,
    /// The screen closes.
    Close,
    /// The chain is written into the config.
    Save(ChainCard),
}

/// A sentence about the chain, and whether it stands in the way of saving.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Remark {
    pub(super) is_error: bool,
    pub(super) words: String,
}

impl RoutingScreen {
    /// Takes the newest chains; changes that are not saved stay.
    pub fn took(&mut self, view: RoutingView) {
        let name = self.shown().map(|card| card.name.clone());
        let found = view
            .chains
            .iter()
            .position(|card| Some(&card.name) == name.as_ref());
        self.view = Some(view);
        if self.changed.is_none() {
            self.chain = found.unwrap_or(0);
        }
        self.hold_cursor();
    }

    /// Takes what came of a save; tells whether the screen is to close.
    pub fn saved(&mut self, result: Result<String, String>) -> bool {
        self.saves = false;
        match result {
            Ok(words) => {
                if let (Some(view), Some(card)) = (&mut self.view, self.changed.take())
                    && let Some(place) = view.chains.get_mut(self.chain)
                {
                    *place = card;
                }
                self.said = Some(words);
                self.closes
            }
            Err(words) => {
                self.closes = false;
                self.said = Some(words);
                false
            }
        }
    }

    /// Returns every chain; none while they are read.
    pub(super) fn chains(&self) -> Option<&[ChainCard]> {
        self.view.as_ref().map(|view| view.chains.as_slice())
    }

    /// Returns the chain as it is on the screen.
    pub(super) fn shown(&self) -> Option<&ChainCard> {
        self.changed
            .as_ref()
            .or_else(|| self.chains()?.get(self.chain))
    }

    /// Tells whether there are changes that are not saved.
    pub fn is_changed(&self) -> bool {
        self.changed.is_some()
    }

    /// Returns what is known of a link, in words.
    pub(super) fn facts(&self, link: &LinkName) -> String {
        let Some(view) = &self.view else {
            return String::new();
        };
        let facts = view.known.iter().find(|known| known.link == *link);
        let cost = facts.and_then(|facts| facts.estimate).map_or_else(
            || "price unknown".to_owned(),
            |usd| format!("~{}", usd.for_people()),
        );
        let window = facts.and_then(|facts| facts.window).map_or_else(
            || "window unknown".to_owned(),
            |tokens| format!("window {tokens}"),
        );
        let key = if view.keyless.contains(&link.provider) {
            "  NO KEY"
        } else {
            ""
        };
        format!("{cost}  {window}{key}")
    }

    /// Judges the chain as it stands on the screen.
    pub(super) fn remarks(&self) -> Vec<Remark> {
        let (Some(view), Some(card)) = (&self.view, self.shown()) else {
            return Vec::new();
        };
        let remark = |is_error, words| Remark { is_error, words };
        if card.links.is_empty() {
            let words = "A chain needs at least one link.".to_owned();
            return vec![remark(true, words)];
        }
        let mut remarks = Vec::new();
        for link in &card.links {
            if !view.providers.contains(&link.provider) {
                let words = format!("No provider is called `{}`.", safe(&link.provider.0));
                remarks.push(remark(true, words));
            }
        }
        let facts: Vec<_> = card
            .links
            .iter()
            .filter_map(|link| view.known.iter().find(|known| known.link == *link))
            .cloned()
            .collect();
        remarks.extend(advice(&facts).into_iter().map(|words| remark(false, words)));
        for provider in &view.keyless {
            if card.links.iter().any(|link| link.provider == *provider) {
                let name = safe(&provider.0);
                let words = format!("{name} has no key, so its links are passed over.");
                remarks.push(remark(false, words));
            }
        }
        remarks
    }

    /// Returns the links that can be added, narrowed by what was typed.
    pub(super) fn offered(&self) -> Vec<&LinkName> {
        let (Some(view), Some(picker)) = (&self.view, &self.picker) else {
            return Vec::new();
        };
        let typed = picker.line.text().to_lowercase();
        let is_in = |link: &LinkName| self.shown().is_some_and(|card| card.links.contains(link));
        view.known
            .iter()
            .map(|known| &known.link)
            .filter(|link| !is_in(link) && link.to_string().to_lowercase().contains(&typed))
            .collect()
    }

    /// Moves the cursor of what is in front.
    pub fn move_by(&mut self, rows: isize) {
        let last = match (&self.picker, self.shown()) {
            (Some(_), _) => self.offered().len(),
            (None, Some(card)) => card.links.len(),
            (None, None) => 0,
        }
        .saturating_sub(1);
        let cursor = match &mut self.picker {
            Some(picker) => &mut picker.cursor,
            None => &mut self.cursor,
        };
        *cursor = cursor.saturating_add_signed(rows).min(last);
    }

    /// Takes Enter: the link under the cursor of the picker is added.
    pub fn enter(&mut self) {
        let Some(picker) = &self.picker else { return };
        let Some(link) = self
            .offered()
            .get(picker.cursor)
            .map(|link| (*link).clone())
        else {
            return;
        };
        self.picker = None;
        let below = self.cursor.saturating_add(1);
        self.change(|card| {
            let place = below.min(card.links.len());
            card.links.insert(place, link);
            place
        });
    }

    /// Takes Esc.
    pub fn escape(&mut self) -> After {
        if self.picker.take().is_some() || std::mem::take(&mut self.asks) || self.saves {
            return After::Stay;
        }
        self.asks = self.is_changed();
        if self.asks { After::Stay } else { After::Close }
    }

    /// Returns where text is typed, while it is.
    pub fn line(&mut self) -> Option<&mut InputLine> {
        let picker = self.picker.as_mut()?;
        picker.cursor = 0;
        Some(&mut picker.line)
    }

    /// Takes a letter.
    pub fn letter(&mut self, letter: char) -> After {
        if self.saves {
            return After::Stay;
        }
        if self.asks {
            return self.answer(letter);
        }
        match letter {
            'j' => self.move_by(1),
            'k' => self.move_by(-1),
            'J' => self.shift(1),
            'K' => self.shift(-1),
            'l' | ']' => self.turn(1),
            'h' | '[' => self.turn(-1),
            'a' if self.shown().is_some() => self.picker = Some(Picker::default()),
            'x' => self.remove(),
            'r' => self.next_routing(),
            'u' => {
                self.changed = None;
                self.hold_cursor();
            }
            's' => return self.save(),
            'q' => return self.escape(),
            _ => {}
        }
        After::Stay
    }

    fn answer(&mut self, letter: char) -> After {
        match letter {
            's' => {
                self.asks = false;
                self.closes = true;
                self.save()
            }
            'd' => After::Close,
            _ => After::Stay,
        }
    }

    fn save(&mut self) -> After {
        let wrong = self.remarks().into_iter().find(|remark| remark.is_error);
        if let Some(wrong) = wrong {
            self.closes = false;
            self.said = Some(format!("Not saved. {}", wrong.words));
            return After::Stay;
        }
        match &self.changed {
            Some(card) => {
                self.saves = true;
                After::Save(card.clone())
            }
            None => After::Stay,
        }
    }

    /// Shows another chain, unless this one has changes.
    fn turn(&mut self, by: isize) {
        if self.is_changed() {
            self.said = Some("Save (s) or undo (u) this chain first.".to_owned());
            return;
        }
        let last = self
            .chains()
            .map_or(0, <[ChainCard]>::len)
            .saturating_sub(1);
        self.chain = self.chain.saturating_add_signed(by).min(last);
        self.cursor = 0;
    }

    fn shift(&mut self, by: isize) {
        let from = self.cursor;
        self.change(|card| {
            let last = card.links.len().saturating_sub(1);
            let to = from.saturating_add_signed(by).min(last);
            if from <= last {
                card.links.swap(from, to);
            }
            to
        });
    }

    fn remove(&mut self) {
        let at = self.cursor;
        self.change(|card| {
            if at < card.links.len() {
                card.links.remove(at);
            }
            at
        });
    }

    fn next_routing(&mut self) {
        let at = self.cursor;
        self.change(|card| {
            let now = ROUTINGS.iter().position(|one| *one == card.routing);
            let mut after = ROUTINGS.iter().cycle().skip(now.unwrap_or(0) + 1);
            card.routing = after.next().copied().unwrap_or_default();
            at
        });
    }

    /// Changes the chain; what is as in the config again counts as unchanged.
    fn change(&mut self, how: impl FnOnce(&mut ChainCard) -> usize) {
        let Some(mut card) = self.shown().cloned() else {
            return;
        };
        self.cursor = how(&mut card);
        self.said = None;
        let written = self.chains().and_then(|chains| chains.get(self.chain));
        self.changed = (written != Some(&card)).then_some(card);
        self.hold_cursor();
    }

    fn hold_cursor(&mut self) {
        let last = self
            .shown()
            .map_or(0, |card| card.links.len())
            .saturating_sub(1);
        self.cursor = self.cursor.min(last);
    }
}
