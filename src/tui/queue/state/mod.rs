//! What the queue knows and how it moves.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::{
    desk::face::QueuePage,
    domain::{
        Contact, Delivery, Query, QueueRow, TicketId, Timestamp,
        query::{QueryError, Term, Test},
    },
    tui::effect::Effect,
};

/// The least number of rows that are read at once.
const ROWS_AT_LEAST: u64 = 40;

/// A ready-made question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// What the desk still owes.
    #[default]
    Unsolved,
    /// What is assigned to me.
    Mine,
    /// Every ticket in every status.
    All,
    /// Drafts that a backup wrote.
    Fallback,
    /// Bounces and automatic mail.
    System,
}

impl View {
    /// Returns its name on the screen.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Unsolved => "All unsolved",
            Self::Mine => "Mine",
            Self::All => "All tickets",
            Self::Fallback => "Written by a backup",
            Self::System => "Bounces and automatic mail",
        }
    }

    fn tests(self, agent: &str) -> Vec<Test> {
        match self {
            Self::Unsolved => vec![Test::Unsolved],
            Self::Mine => vec![Test::Unsolved, Test::Assignee(agent.to_owned())],
            Self::All => Vec::new(),
            Self::Fallback => vec![Test::Fallback],
            Self::System => vec![Test::System],
        }
    }
}

/// The list of tickets: a window of loaded rows, a cursor, a question.
#[derive(Debug, Default)]
pub struct Queue {
    view: View,
    filter: String,
    terms: Vec<Term>,
    page: QueuePage,
    window: Window,
    /// The ticket the cursor keeps to when rows come anew.
    at: Option<TicketId>,
    loading: Loading,
    arrived: Arrived,
    agent: String,
}

/// What came in where it cannot be seen.
#[derive(Clone, Copy, Debug, Default)]
struct Arrived {
    /// The newest question of a customer that was in sight with the list's top.
    seen: Option<Timestamp>,
    /// How many rows above the first in sight are newer.
    above: u64,
}

/// Which rows can be seen, and which one the cursor is on.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    cursor: u64,
    top: u64,
    high: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Loading {
    turn: u64,
    is_under_way: bool,
    is_first_done: bool,
}

impl Queue {
    /// Says who "me" is in the view of my tickets.
    pub fn serve(&mut self, agent: &str) {
        agent.clone_into(&mut self.agent);
    }

    /// Returns the row under the cursor, when it is loaded.
    pub fn row_here(&self) -> Option<&QueueRow> {
        self.row(self.window.cursor)
    }

    /// Returns the ticket under the cursor.
    pub fn here(&self) -> Option<TicketId> {
        self.row_here().map(|row| row.id).or(self.at)
    }

    /// Returns a row by its place in the whole list, when it is loaded.
    pub fn row(&self, place: u64) -> Option<&QueueRow> {
        let at = place.checked_sub(self.page.offset)?;
        self.page.rows.get(usize::try_from(at).ok()?)
    }

    /// Tells whether a reply of a row that is here stands so in the outbox.
    pub fn has_reply(&self, delivery: Delivery) -> bool {
        let mut rows = self.page.rows.iter();
        rows.any(|row| row.open_reply == Some(delivery))
    }

    /// Returns the requesters of the rows that are here.
    pub fn people(&self) -> impl Iterator<Item = &Contact> {
        self.page.rows.iter().map(|row| &row.requester)
    }

    /// Returns the row of a ticket, when it is loaded.
    pub fn row_of(&self, ticket: TicketId) -> Option<&QueueRow> {
        self.page.rows.iter().find(|row| row.id == ticket)
    }

    /// Returns the place of the cursor.
    pub const fn cursor(&self) -> u64 {
        self.window.cursor
    }

    /// Returns the places that can be seen.
    pub fn visible(&self) -> std::ops::Range<u64> {
        let top = self.window.top;
        top..(top + self.window.high).min(self.page.total)
    }

    /// Returns how many tickets with new mail stand above what can be seen.
    pub const fn new_above(&self) -> u64 {
        self.arrived.above
    }

    /// Returns how many tickets the question finds.
    pub const fn total(&self) -> u64 {
        self.page.total
    }

    /// Returns how many unsolved tickets the question hides.
    pub const fn hidden(&self) -> u64 {
        self.page.hidden
    }

    /// Tells whether rows have come at least once.
    pub const fn is_loaded(&self) -> bool {
        self.loading.is_first_done
    }

    /// Returns the view.
    pub const fn view(&self) -> View {
        self.view
    }

    /// Returns the filter as typed.
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// Returns the whole question: the view and the filter together. A filter that names a status
    /// or a kind looks at every ticket.
    pub fn query(&self) -> Query {
        let widens = |term: &Term| {
            matches!(
                term.test,
                Test::Number(_) | Test::Status(_) | Test::System | Test::Unsolved | Test::Fallback
            )
        };
        let mut terms: Vec<Term> = self
            .view
            .tests(&self.agent)
            .into_iter()
            .map(plain)
            .collect();
        if self.view == View::Unsolved && self.terms.iter().any(widens) {
            terms.clear();
        }
        terms.extend(self.terms.iter().cloned());
        Query { terms }
    }

    /// Looks at another view, without a filter.
    pub fn go(&mut self, view: View) -> Effect {
        self.view = view;
        self.filter.clear();
        self.terms.clear();
        self.start_over()
    }

    /// Filters what the view shows.
    pub fn set_filter(&mut self, text: &str) -> Result<Effect, QueryError> {
        self.terms = Query::parse(text)?.terms;
        text.trim().clone_into(&mut self.filter);
        Ok(self.start_over())
    }

    /// Reads the rows round the window anew.
    pub fn reload(&mut self) -> Effect {
        self.loading.turn += 1;
        self.loading.is_under_way = true;
        let Window { top, high, .. } = self.window;
        Effect::LoadPage {
            query: self.query(),
            offset: top.saturating_sub(high),
            limit: (high * 3).max(ROWS_AT_LEAST),
            keep: self.at,
            turn: self.loading.turn,
        }
    }

    /// Takes rows; tells whether they answer the newest question.
    pub fn took(&mut self, turn: u64, page: QueuePage) -> bool {
        if turn != self.loading.turn {
            return false;
        }
        self.loading.is_under_way = false;
        self.loading.is_first_done = true;
        self.page = page;
        let mut came = 0;
        let found = self
            .at
            .and_then(|id| self.page.rows.iter().position(|row| row.id == id));
        if let Some(place) = found.and_then(|at| u64::try_from(at).ok()) {
            let place = self.page.offset + place;
            let shift = self.window.cursor.abs_diff(place);
            came = place.saturating_sub(self.window.cursor);
            self.window.top = if place > self.window.cursor {
                self.window.top + shift
            } else {
                self.window.top.saturating_sub(shift)
            };
            self.window.cursor = place;
        }
        self.fit(self.window.high);
        self.count_arrived(came);
        true
    }

    /// Notes that the question could not be answered.
    pub fn failed(&mut self, turn: u64) {
        if turn == self.loading.turn {
            self.loading.is_under_way = false;
        }
    }

    /// Moves the cursor by so many rows.
    pub fn move_by(&mut self, rows: i64) {
        self.window.cursor = self.window.cursor.saturating_add_signed(rows);
        self.moved();
    }

    /// Moves the cursor by so many windows.
    pub fn move_by_pages(&mut self, pages: i64) {
        let high = i64::try_from(self.window.high.max(2) - 1).unwrap_or(1);
        self.move_by(pages.saturating_mul(high));
    }

    /// Moves the cursor to the first row.
    pub fn to_top(&mut self) {
        self.window.cursor = 0;
        self.moved();
    }

    /// Moves the cursor to the last row.
    pub fn to_bottom(&mut self) {
        self.window.cursor = self.page.total;
        self.moved();
    }

    /// Moves the cursor to the next loaded row that `wanted` accepts, round the end of the list;
    /// tells whether there is one.
    pub fn seek(&mut self, wanted: impl Fn(&QueueRow) -> bool) -> bool {
        let places = self.page.offset..self.page.offset + count(self.page.rows.len());
        let cursor = self.window.cursor;
        let after = places.clone().filter(|&place| place > cursor);
        let order = after.chain(places.filter(|&place| place <= cursor));
        let found = order
            .into_iter()
            .find(|&place| self.row(place).is_some_and(&wanted));
        if let Some(place) = found {
            self.window.cursor = place;
            self.moved();
        }
        found.is_some()
    }

    /// Fits cursor and window to what there is; asks for rows when some in sight are missing.
    pub fn settle(&mut self, high: u64) -> Option<Effect> {
        self.fit(high);
        self.count_arrived(0);
        let end = self.page.offset + count(self.page.rows.len());
        let seen = self.visible();
        let is_missing = seen.start < self.page.offset || seen.end > end;
        (is_missing && !self.loading.is_under_way).then(|| self.reload())
    }

    fn fit(&mut self, high: u64) {
        let window = &mut self.window;
        window.high = high.max(1);
        if self.loading.is_first_done {
            window.cursor = window.cursor.min(self.page.total.saturating_sub(1));
        }
        window.top = window.top.min(window.cursor);
        if window.cursor >= window.top + window.high {
            window.top = window.cursor + 1 - window.high;
        }
        window.top = window.top.min(self.page.total.saturating_sub(window.high));
        self.at = self.row_here().map(|row| row.id).or(self.at);
    }

    /// Returns the tickets whose rows are loaded.
    pub fn loaded(&self) -> BTreeSet<TicketId> {
        self.page.rows.iter().map(|row| row.id).collect()
    }

    fn moved(&mut self) {
        let high = self.window.high;
        if self.loading.is_first_done {
            let last = self.page.total.saturating_sub(1);
            self.window.cursor = self.window.cursor.min(last);
        }
        self.at = self.row_here().map(|row| row.id);
        let window = &mut self.window;
        window.top = window.top.min(window.cursor);
        if window.cursor >= window.top + high.max(1) {
            window.top = window.cursor + 1 - high.max(1);
        }
        self.count_arrived(0);
    }

    /// Counts what is new above what can be seen, `came` of it just now. The newest stand first:
    /// what comes into sight when the person goes up is the last of them to be seen, and at the top
    /// all were.
    fn count_arrived(&mut self, came: u64) {
        let top = self.window.top;
        if !self.loading.is_first_done || self.page.offset > 0 {
            self.arrived.above = (self.arrived.above + came).min(top);
            return;
        }
        let asked = self.page.rows.iter().map(|row| row.asked_at);
        if top == 0 {
            self.arrived.above = 0;
            self.arrived.seen = self.arrived.seen.max(asked.max());
            return;
        }
        let seen = self.arrived.seen;
        let above = usize::try_from(top).unwrap_or(usize::MAX);
        let newer = asked
            .take(above)
            .filter(|at| seen.is_some_and(|seen| *at > seen));
        let newer = count(newer.count());
        self.arrived.above = (self.arrived.above + came).max(newer).min(top);
    }

    fn start_over(&mut self) -> Effect {
        let high = self.window.high;
        self.window = Window {
            high,
            ..Window::default()
        };
        self.at = None;
        self.arrived = Arrived::default();
        self.reload()
    }
}

const fn plain(test: Test) -> Term {
    Term {
        negated: false,
        test,
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
