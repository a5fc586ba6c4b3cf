//! What the Receipts screen knows, and what its keys do.

use std::cell::Cell;

use super::super::{
    effect::{ReceiptAsk, ReceiptSpan},
    line::InputLine,
    overview::OverviewScreen,
};
use crate::{
    config::chord::{Chord, Key},
    desk::face::ReceiptPage,
    domain::{Cost, Receipt, ReceiptQuery, Timestamp},
};

/// The next page is read when the cursor is this close to the end.
const AHEAD: usize = 20;

/// What is said of a receipt that is of no ticket.
const NO_TICKET: &str = "This receipt is of no ticket.";

/// The open screen.
#[derive(Debug, Default)]
pub struct ReceiptsScreen {
    /// The query as typed, and what it means.
    pub(super) query: String,
    parsed: ReceiptQuery,
    /// The query while it is edited.
    pub(super) line: Option<InputLine>,
    /// What is wrong with it.
    pub(super) trouble: Option<String>,
    /// What came, newest first, each with its entry number.
    pub(super) rows: Vec<(i64, Receipt)>,
    pub(super) cursor: usize,
    /// Entries up to this one were looked through, and from this one on.
    newest: Option<i64>,
    before: Option<i64>,
    /// How far back that is in time.
    pub(super) searched_to: Option<Timestamp>,
    /// Whether everything there is was looked through.
    pub(super) is_whole: bool,
    reading: Reading,
    /// Answers to an older question are dropped.
    turn: u64,
    /// Whether the one under the cursor is shown whole.
    pub(super) is_open: bool,
    /// Lines of it scrolled away; who paints it knows how many there are.
    pub(super) top: Cell<usize>,
    /// The figures from which one came here, to go back to.
    pub(super) back: Option<Box<OverviewScreen>>,
}

/// Whether a page is being read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reading {
    #[default]
    Idle,
    UnderWay,
    /// Receipts were added meanwhile.
    UnderWayAndOld,
}

/// What follows from a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// Nothing outside the screen.
    Stay,
    /// The screen closes.
    Close,
    /// Receipts are read.
    Load(ReceiptAsk),
    /// A ticket is shown in the queue.
    Ticket(i64),
    /// A sentence is said.
    Say(&'static str),
    /// What the query means is written into a file.
    Export(String),
}

impl ReceiptsScreen {
    /// Opens the screen with a query; turns are counted from `turn` on.
    pub fn open(query: &str, now: Timestamp, turn: u64) -> (Self, After) {
        let mut screen = Self {
            turn,
            ..Self::default()
        };
        let after = screen.search(query, now);
        (screen, after)
    }

    /// Looks for what a query means; a wrong one is said, and what was there stays.
    fn search(&mut self, query: &str, now: Timestamp) -> After {
        match ReceiptQuery::parse(query, now) {
            Ok(parsed) => {
                let turn = self.turn + 1;
                *self = Self {
                    query: query.trim().to_owned(),
                    parsed,
                    turn,
                    back: self.back.take(),
                    ..Self::default()
                };
                self.load(ReceiptSpan::Newest)
            }
            Err(why) => {
                self.trouble = Some(why.to_string());
                self.line.get_or_insert_with(|| InputLine::new(query));
                After::Stay
            }
        }
    }

    fn load(&mut self, span: ReceiptSpan) -> After {
        self.reading = Reading::UnderWay;
        After::Load(ReceiptAsk {
            query: self.parsed.clone(),
            span,
            turn: self.turn,
        })
    }

    /// Takes a page; tells what is read next.
    pub fn took(&mut self, ask: &ReceiptAsk, page: ReceiptPage, room: usize) -> After {
        if ask.turn != self.turn {
            return After::Stay;
        }
        let was = std::mem::take(&mut self.reading);
        self.trouble = None;
        if let ReceiptSpan::After(_) = ask.span {
            if !page.is_last {
                // More than can be looked through at once came meanwhile: what is shown begins
                // anew.
                self.rows.clear();
                self.cursor = 0;
                self.is_whole = false;
                return self.load(ReceiptSpan::Newest);
            }
            self.newest = page.newest.or(self.newest);
            self.put_on_top(page.rows);
        } else {
            self.newest = self.newest.or(page.newest);
            self.rows.extend(page.rows);
            self.before = page.before.or(self.before);
            self.searched_to = page.searched_to.or(self.searched_to);
            self.is_whole = page.is_last;
        }
        if was == Reading::UnderWayAndOld {
            return self.look_again();
        }
        self.more(room)
    }

    /// Notes that a page could not be read.
    pub fn failed(&mut self, ask: &ReceiptAsk, why: String) {
        if ask.turn == self.turn {
            self.reading = Reading::Idle;
            self.trouble = Some(why);
        }
    }

    /// Adds newer receipts; the cursor stays on its own, or on top where it was there.
    fn put_on_top(&mut self, newer: Vec<(i64, Receipt)>) {
        let many = newer.len();
        self.rows.splice(0..0, newer);
        if self.cursor > 0 || self.is_open {
            self.cursor += many;
        }
    }

    /// Reads on when the cursor nears the end of what was read.
    fn more(&mut self, room: usize) -> After {
        let is_near = self.cursor + AHEAD.max(room) >= self.rows.len();
        match self.before {
            Some(before) if is_near && !self.is_whole && self.reading == Reading::Idle => {
                self.load(ReceiptSpan::Before(before))
            }
            _ => After::Stay,
        }
    }

    /// Looks for what was added since.
    pub fn look_again(&mut self) -> After {
        if self.reading != Reading::Idle {
            self.reading = Reading::UnderWayAndOld;
            return After::Stay;
        }
        match self.newest {
            Some(newest) => self.load(ReceiptSpan::After(newest)),
            None => self.load(ReceiptSpan::Newest),
        }
    }

    /// Returns the receipt under the cursor.
    pub fn here(&self) -> Option<&(i64, Receipt)> {
        self.rows.get(self.cursor)
    }

    /// Returns what those that were read cost.
    pub(super) fn cost(&self) -> Cost {
        let costs = self.rows.iter().map(|(_, receipt)| receipt.cost());
        costs.fold(Cost::default(), Cost::plus)
    }

    /// Moves the cursor, or scrolls the one that is open.
    pub fn move_by(&mut self, rows: isize) -> After {
        if self.is_open {
            self.top.set(self.top.get().saturating_add_signed(rows));
            return After::Stay;
        }
        self.top.set(0);
        let last = self.rows.len().saturating_sub(1);
        self.cursor = self.cursor.saturating_add_signed(rows).min(last);
        self.more(0)
    }

    /// Applies the query that is edited, or opens the one under the cursor.
    pub fn enter(&mut self, now: Timestamp) -> After {
        if let Some(line) = &self.line {
            let query = line.text().to_owned();
            return self.search(&query, now);
        }
        self.is_open = !self.is_open && self.here().is_some();
        self.top.set(0);
        After::Stay
    }

    /// Goes one step back: out of the line, out of the one that is open, out of the screen.
    pub fn escape(&mut self) -> After {
        if self.line.take().is_some() {
            self.trouble = None;
        } else if self.is_open {
            self.is_open = false;
        } else {
            return After::Close;
        }
        After::Stay
    }

    /// Takes a key that is no move.
    pub fn press(&mut self, chord: Chord, now: Timestamp) -> After {
        if let Some(line) = &mut self.line {
            line.press(chord);
            self.trouble = None;
            return After::Stay;
        }
        match (chord.key, chord.ctrl, chord.alt) {
            (Key::Char(letter), false, false) => self.letter(letter, now),
            _ => After::Stay,
        }
    }

    /// Tells whether the query is edited.
    pub const fn is_typing(&self) -> bool {
        self.line.is_some()
    }

    /// Takes pasted text into the query that is edited.
    pub fn paste(&mut self, text: &str) {
        if let Some(line) = &mut self.line {
            line.insert(text);
        }
    }

    fn letter(&mut self, letter: char, now: Timestamp) -> After {
        match letter {
            'j' => return self.move_by(1),
            'k' => return self.move_by(-1),
            'q' => return self.escape(),
            '/' => {
                let text = if self.query.is_empty() {
                    String::new()
                } else {
                    format!("{} ", self.query)
                };
                self.line = Some(InputLine::new(&text));
            }
            'f' => return self.toggle("is:fallback", now),
            'e' => return self.toggle("-ending:answered", now),
            't' => {
                return match self.number_here() {
                    Some(number) => self.toggle(&format!("ticket:{number}"), now),
                    None => After::Say(NO_TICKET),
                };
            }
            'c' if !self.query.is_empty() => return self.search("", now),
            'o' => {
                let number = self.number_here();
                return number.map_or(After::Say(NO_TICKET), After::Ticket);
            }
            'x' => return After::Export(self.query.clone()),
            _ => {}
        }
        After::Stay
    }

    /// Adds a term to the query, or takes it away.
    fn toggle(&mut self, term: &str, now: Timestamp) -> After {
        let padded = format!(" {} ", self.query);
        let without = padded.replacen(&format!(" {term} "), " ", 1);
        let query = if without == padded {
            format!("{padded}{term}")
        } else {
            without
        };
        self.search(query.trim(), now)
    }

    fn number_here(&self) -> Option<i64> {
        self.here()?.1.ticket_number
    }
}
