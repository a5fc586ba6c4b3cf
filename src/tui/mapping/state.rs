//! What the Mapping screen knows and what its keys do.

use std::path::PathBuf;

use crate::{
    desk::{import::Imported, tables::TableAsk},
    domain::{Because, Column, DayOrder, Field, TableLook},
};

/// Encodings that `e` tries one after the other.
const ENCODINGS: [&str; 6] = [
    "UTF-8",
    "windows-1252",
    "ISO-8859-15",
    "macintosh",
    "UTF-16LE",
    "UTF-16BE",
];
/// Signs that `s` tries between fields.
const SEPARATORS: [char; 4] = [',', ';', '\t', '|'];

/// An open table.
#[derive(Debug)]
pub struct MappingScreen {
    /// Where the table is.
    pub path: PathBuf,
    /// What is known of it: guessed, and what a person said since.
    pub look: TableLook,
    /// The column under the cursor.
    pub cursor: usize,
    /// The place in the list of fields, while one is chosen for the column.
    pub choosing: Option<usize>,
    /// What would come of it as it stands.
    pub tried: Option<Box<Imported>>,
    /// Whether that is being found out.
    pub is_trying: bool,
    /// What stands in the way, said after a key.
    pub said: Option<&'static str>,
    separator_said: bool,
}

/// What follows a key.
#[derive(Clone, Debug)]
pub enum After {
    /// Nothing more.
    Stay,
    /// The table is left as it is.
    Close,
    /// It is read anew.
    Look(TableAsk),
    /// It is found out what would come of it.
    Try(TableAsk),
    /// It is filed.
    Import(TableAsk),
}

impl MappingScreen {
    /// Opens a table that was looked at.
    pub fn open(path: PathBuf, look: TableLook) -> Self {
        Self {
            path,
            look,
            cursor: 0,
            choosing: None,
            tried: None,
            is_trying: false,
            said: None,
            separator_said: false,
        }
    }

    /// Takes a newer look at the same table; the cursor stays.
    pub fn took(&mut self, look: TableLook) {
        self.look = look;
        self.changed();
        self.move_by(0);
    }

    /// Takes what would come of it.
    pub fn took_try(&mut self, tried: Box<Imported>) {
        self.is_trying = false;
        self.tried = Some(tried);
    }

    /// Returns what a column may be: nothing, or a field.
    pub fn choices() -> Vec<Option<Field>> {
        std::iter::once(None)
            .chain(Field::all().map(Some))
            .collect()
    }

    /// Returns the column under the cursor.
    pub fn here(&self) -> Option<&Column> {
        self.look.columns.get(self.cursor)
    }

    /// Moves the cursor.
    pub fn move_by(&mut self, rows: isize) {
        self.said = None;
        if let Some(place) = self.choosing {
            let last = Self::choices().len().saturating_sub(1);
            self.choosing = Some(place.saturating_add_signed(rows).min(last));
            return;
        }
        let last = self.look.columns.len().saturating_sub(1);
        self.cursor = self.cursor.saturating_add_signed(rows).min(last);
    }

    /// Chooses a field for the column under the cursor, or takes the one chosen.
    pub fn enter(&mut self) {
        self.said = None;
        let choices = Self::choices();
        if let Some(place) = self.choosing.take() {
            let field = choices.get(place).copied().flatten();
            self.give(field);
            return;
        }
        let now = self.here().map(|column| column.field);
        let place = choices.iter().position(|choice| Some(*choice) == now);
        self.choosing = now.map(|_| place.unwrap_or(0));
    }

    /// Goes back from the list of fields, or leaves.
    pub fn escape(&mut self) -> After {
        if self.choosing.take().is_some() {
            After::Stay
        } else {
            After::Close
        }
    }

    /// Does what a letter means.
    pub fn letter(&mut self, letter: char) -> After {
        self.said = None;
        match letter {
            'j' => self.move_by(1),
            'k' => self.move_by(-1),
            'q' => return self.escape(),
            _ if self.choosing.is_some() => {}
            'x' => self.give(None),
            'e' => {
                let encoding = next_encoding(&self.look.encoding);
                self.look.encoding = encoding;
                self.look.is_encoding_said = true;
                return After::Look(self.ask());
            }
            'o' => {
                self.look.days.order = match self.look.days.order {
                    Some(DayOrder::DayFirst) => Some(DayOrder::MonthFirst),
                    Some(DayOrder::MonthFirst) | None => Some(DayOrder::DayFirst),
                };
                self.look.days.is_said = true;
                return After::Look(self.ask());
            }
            's' => {
                self.look.separator = next(&SEPARATORS, self.look.separator);
                self.separator_said = true;
                // Its columns are others then.
                self.look.columns.clear();
                return After::Look(self.ask());
            }
            'd' if self.may_go_on() => {
                self.is_trying = true;
                return After::Try(self.ask());
            }
            'i' if self.may_go_on() => return After::Import(self.ask()),
            _ => {}
        }
        After::Stay
    }

    /// Without the ticket's id no row is a ticket.
    fn may_go_on(&mut self) -> bool {
        let has_id = |column: &Column| column.field == Some(Field::TicketId);
        let may = self.look.columns.iter().any(has_id);
        if !may {
            self.said = Some("Say first which column holds the ticket's id: Enter on it.");
        }
        may
    }

    /// Lets the column under the cursor hold a field, and no other column.
    fn give(&mut self, field: Option<Field>) {
        let cursor = self.cursor;
        for (place, column) in self.look.columns.iter_mut().enumerate() {
            let loses = place != cursor && field.is_some() && column.field == field;
            if place == cursor || loses {
                column.field = field.filter(|_| !loses);
                column.because = Because::Said;
            }
        }
        self.changed();
    }

    /// What was found out is of another mapping.
    fn changed(&mut self) {
        self.tried = None;
        self.is_trying = false;
    }

    fn ask(&self) -> TableAsk {
        let said = |(place, column): (usize, &Column)| {
            (column.because == Because::Said).then_some((place, column.field))
        };
        TableAsk {
            path: self.path.clone(),
            columns: self
                .look
                .columns
                .iter()
                .enumerate()
                .filter_map(said)
                .collect(),
            encoding: self
                .look
                .is_encoding_said
                .then(|| self.look.encoding.clone()),
            separator: self.separator_said.then_some(self.look.separator),
            dates: self.look.days.order.filter(|_| self.look.days.is_said),
        }
    }
}

fn next_encoding(now: &str) -> String {
    let known = ENCODINGS.iter().copied().find(|name| *name == now);
    next(&ENCODINGS, known.unwrap_or_default()).to_owned()
}

/// Returns what comes after a value in a list, round and round.
fn next<T: Copy + PartialEq>(all: &[T], now: T) -> T {
    let here = all.iter().position(|one| *one == now);
    let place = here.map_or(0, |place| (place + 1) % all.len().max(1));
    all.get(place).copied().unwrap_or(now)
}
