//! What the queue knows and how it moves.

use std::collections::BTreeSet;

use crate::{
    desk::face::QueuePage,
    domain::{
        Contact, Query, QueueRow, TicketId, Timestamp,
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

    /// Tells whether a reply of a row that is here has not left yet.
    pub fn has_held(&self) -> bool {
        self.page.rows.iter().any(|row| row.has_held_reply)
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
        self.settle(self.window.high);
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
        self.count_arrived(0);
        let end = self.page.offset + count(self.page.rows.len());
        let seen = self.visible();
        let is_missing = seen.start < self.page.offset || seen.end > end;
        (is_missing && !self.loading.is_under_way).then(|| self.reload())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;

    fn page(numbers: std::ops::Range<i64>, offset: u64, total: u64) -> QueuePage {
        QueuePage {
            offset,
            rows: numbers.map(fixture::row).collect(),
            total,
            hidden: 0,
        }
    }

    fn queue(total: u64) -> Queue {
        let mut queue = Queue::default();
        let _first = queue.settle(10);
        let Effect::LoadPage { turn, .. } = queue.reload() else {
            panic!("no question")
        };
        assert!(queue.took(turn, page(0..40, 0, total)));
        queue
    }

    #[test]
    fn the_cursor_keeps_to_its_ticket_when_rows_move() {
        let mut queue = queue(40);
        queue.move_by(3);
        let before = queue.here();
        let Effect::LoadPage { turn, .. } = queue.reload() else {
            panic!("no question")
        };

        let mut moved = page(0..40, 0, 40);
        moved.rows.remove(0);
        moved.total = 39;
        queue.took(turn, moved);

        assert_eq!(queue.here(), before);
        assert_eq!(queue.cursor(), 2);
    }

    fn mail_comes(queue: &mut Queue, rows: Vec<QueueRow>) {
        let Effect::LoadPage { turn, .. } = queue.reload() else {
            panic!("no question")
        };
        let total = count(rows.len());
        let (offset, hidden) = (0, 0);
        assert!(queue.took(
            turn,
            QueuePage {
                offset,
                rows,
                total,
                hidden
            }
        ));
    }

    #[test]
    fn new_mail_above_what_is_in_sight_is_counted_until_the_person_goes_up() {
        let mut queue = queue(40);
        queue.move_by(3);
        let here = queue.here();
        let later = |number, minutes: i64| {
            let mut row = fixture::row(number);
            let seconds = row.asked_at.as_second() + 60 * minutes;
            row.asked_at = Timestamp::from_second(seconds).unwrap();
            row
        };

        let mut rows = vec![later(100, 1)];
        rows.extend((0..40).map(fixture::row));
        mail_comes(&mut queue, rows.clone());
        assert_eq!((queue.new_above(), queue.here()), (1, here));
        // One that is above already gets mail, and one more is new.
        rows.retain(|row| row.id != fixture::row(0).id);
        rows.splice(0..0, [later(101, 3), later(0, 2)]);
        mail_comes(&mut queue, rows.clone());
        // The one that came before is in sight again.
        assert_eq!((queue.new_above(), queue.here()), (2, here));

        mail_comes(&mut queue, rows.clone());
        assert_eq!(queue.new_above(), 2, "nothing came");
        queue.to_top();
        assert_eq!(queue.new_above(), 0);
        queue.to_bottom();
        mail_comes(&mut queue, rows);
        assert_eq!(queue.new_above(), 0, "all of it was in sight");
    }

    #[test]
    fn only_rows_near_the_window_are_asked_for() {
        let mut queue = queue(100_000);
        queue.to_bottom();

        let Some(Effect::LoadPage { offset, limit, .. }) = queue.settle(10) else {
            panic!("rows in sight are missing and nobody asks")
        };

        assert_eq!((offset, limit), (99_980, ROWS_AT_LEAST));
        assert!(queue.settle(10).is_none(), "asked twice");
    }

    #[test]
    fn an_older_answer_is_dropped() {
        let mut queue = queue(40);
        let Effect::LoadPage { turn, .. } = queue.reload() else {
            panic!("no question")
        };
        let _newer = queue.reload();

        assert!(!queue.took(turn, page(0..1, 0, 1)));
        assert_eq!(queue.total(), 40);
    }

    #[test]
    fn a_filter_that_names_a_status_looks_at_every_ticket() {
        let mut queue = queue(40);

        queue.set_filter("status:solved refund").unwrap();

        assert_eq!(queue.query(), Query::parse("status:solved refund").unwrap());
        assert!(queue.set_filter("is:nice").is_err());
        assert_eq!(queue.filter(), "status:solved refund");
        queue.set_filter("refund").unwrap();
        assert_eq!(queue.query(), Query::parse("is:unsolved refund").unwrap());
    }

    #[test]
    fn a_lower_window_keeps_the_cursor_in_sight() {
        let mut queue = queue(40);
        queue.move_by(9);

        let _more = queue.settle(4);

        assert!(queue.visible().contains(&queue.cursor()));
        assert_eq!(queue.cursor(), 9);
    }

    #[test]
    fn seeking_goes_round_the_end() {
        let mut queue = queue(40);
        queue.move_by(20);
        let third = queue.row(3).unwrap().id;

        assert!(queue.seek(|row| row.id == third));
        assert_eq!(queue.cursor(), 3);
    }
}
