//! What the Overview screen knows, and what its keys do.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::bars::{self, Row};
use crate::{desk::face::OverviewView, domain::Mono};

/// How many days can be looked at.
const SPANS: [u16; 3] = [7, 30, 90];
/// After figures were read, nothing is read unasked for so many times as long as that took, and no
/// longer than this: a new receipt is to be seen within a second.
const REST: u32 = 4;
const MOST_REST: Duration = Duration::from_millis(500);

/// The open screen.
#[derive(Debug)]
pub struct OverviewScreen {
    pub(super) view: Option<Box<OverviewView>>,
    pub(super) rows: Vec<Row>,
    /// Which of [`SPANS`] is looked at.
    span: usize,
    pub(super) by_week: bool,
    /// The place of the bar under the cursor among the rows.
    pub(super) cursor: usize,
    /// Since when the figures are read, if they are.
    reads_since: Option<Mono>,
    /// Whether a receipt came since their reading began.
    is_old: bool,
    /// When they may be read unasked again.
    rests_until: Mono,
    zone: TimeZone,
    pub(super) trouble: Option<String>,
}

/// What follows from a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// Nothing outside the screen.
    Stay,
    /// The screen closes.
    Close,
    /// The figures of so many days are read.
    Load(u16),
    /// The receipts that a query means are shown.
    Receipts(String),
    /// Primary and backup are swapped, after a question.
    Swap,
}

impl OverviewScreen {
    /// Opens the screen; days are those of `zone`.
    pub fn open(zone: &TimeZone, now: Mono) -> (Self, After) {
        let mut screen = Self {
            view: None,
            rows: Vec::new(),
            span: 1,
            by_week: false,
            cursor: 0,
            reads_since: None,
            is_old: false,
            rests_until: now,
            zone: zone.clone(),
            trouble: None,
        };
        let after = screen.load(now);
        (screen, after)
    }

    /// Returns how many days are looked at.
    pub fn days(&self) -> u16 {
        SPANS.get(self.span).copied().unwrap_or(30)
    }

    /// Tells whether figures are being read.
    pub(super) const fn is_reading(&self) -> bool {
        self.reads_since.is_some()
    }

    fn load(&mut self, now: Mono) -> After {
        self.reads_since = Some(now);
        self.is_old = false;
        After::Load(self.days())
    }

    /// Takes figures; those of another span are dropped.
    pub fn took(&mut self, days: u16, view: Box<OverviewView>, now: Mono) {
        if days != self.days() {
            return;
        }
        if let Some(since) = self.reads_since.take() {
            self.rests_until = now.after(now.since(since).saturating_mul(REST).min(MOST_REST));
        }
        self.view = Some(view);
        self.lay_out();
    }

    /// Notes that the figures could not be read.
    pub fn failed(&mut self, why: String) {
        self.reads_since = None;
        self.trouble = Some(why);
    }

    /// Notes that a receipt came, and reads the figures anew as soon as may be.
    pub fn look_again(&mut self, now: Mono) -> After {
        self.is_old = true;
        self.go_on(now)
    }

    /// Returns when old figures may be read anew; none while nothing waits for that.
    pub(in crate::tui) fn due(&self) -> Option<Mono> {
        (self.is_old && !self.is_reading()).then_some(self.rests_until)
    }

    /// Reads old figures anew when their time has come.
    pub fn go_on(&mut self, now: Mono) -> After {
        match self.due() {
            Some(due) if now >= due => self.load(now),
            Some(_) | None => After::Stay,
        }
    }

    fn lay_out(&mut self) {
        let Some(view) = &self.view else { return };
        self.rows = bars::rows(view, self.by_week, &self.zone);
        if !self.is_bar(self.cursor) {
            self.cursor = 0;
            self.step(1);
        }
    }

    fn is_bar(&self, place: usize) -> bool {
        matches!(self.rows.get(place), Some(Row::Bar(_)))
    }

    /// Moves the cursor by so many bars.
    pub fn move_by(&mut self, rows: isize) {
        for _ in 0..rows.unsigned_abs() {
            self.step(rows.signum());
        }
    }

    fn step(&mut self, by: isize) {
        let mut place = self.cursor;
        while let Some(next) = place.checked_add_signed(by) {
            if next >= self.rows.len() {
                return;
            }
            place = next;
            if self.is_bar(place) {
                self.cursor = place;
                return;
            }
        }
    }

    /// Moves the cursor to the first bar of the next part, or of the one before.
    pub fn part(&mut self, by: isize) {
        let heads: Vec<usize> = (0..self.rows.len())
            .filter(|place| matches!(self.rows.get(*place), Some(Row::Head(..))))
            .collect();
        let here = heads
            .iter()
            .rposition(|head| *head < self.cursor)
            .unwrap_or(0);
        let to = here
            .saturating_add_signed(by)
            .min(heads.len().saturating_sub(1));
        if let Some(head) = heads.get(to) {
            self.cursor = *head;
            self.step(1);
        }
    }

    /// Opens the receipts of the bar under the cursor.
    pub fn enter(&self) -> After {
        match self.rows.get(self.cursor) {
            Some(Row::Bar(bar)) => After::Receipts(bar.query.clone()),
            Some(Row::Head(..) | Row::Note(_) | Row::Blank) | None => After::Stay,
        }
    }

    /// Does what a letter means.
    pub fn letter(&mut self, letter: char, now: Mono) -> After {
        match letter {
            'j' => self.move_by(1),
            'k' => self.move_by(-1),
            'q' => return After::Close,
            'w' => {
                self.by_week = !self.by_week;
                self.lay_out();
            }
            'r' => return self.load(now),
            'W' => return After::Swap,
            '[' if self.span > 0 => {
                self.span -= 1;
                return self.load(now);
            }
            ']' if self.span + 1 < SPANS.len() => {
                self.span += 1;
                return self.load(now);
            }
            _ => {}
        }
        After::Stay
    }
}
