//! What the catch-up list holds and what its keys do.

use crate::{
    desk::face::{CatchUp, CatchUpRow, DraftAsk},
    domain::TicketId,
};

/// The open list.
#[derive(Debug, Default)]
pub struct CatchUpScreen {
    /// The drafts that wait; none while they are read.
    pub list: Option<CatchUp>,
    /// The row under the cursor.
    pub cursor: usize,
    /// Whether drafting all of them was asked for and must be confirmed.
    pub asks_for_all: bool,
}

/// What follows a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// Nothing more.
    Stay,
    /// The list is left.
    Close,
    /// Drafts are made, in this order.
    Draft(Vec<DraftAsk>),
    /// A ticket is taken off the list.
    Drop(TicketId),
}

impl CatchUpScreen {
    /// Takes the newest list; the cursor stays on its ticket where that is still there.
    pub fn took(&mut self, list: CatchUp) {
        let here = self.here().map(|row| row.missed.ticket.id);
        let place = list
            .rows
            .iter()
            .position(|row| Some(row.missed.ticket.id) == here);
        self.list = Some(list);
        self.cursor = place.unwrap_or(self.cursor);
        self.move_by(0);
    }

    /// Moves the cursor.
    pub fn move_by(&mut self, rows: isize) {
        self.asks_for_all &= rows == 0;
        let last = self.rows().len().saturating_sub(1);
        self.cursor = self.cursor.saturating_add_signed(rows).min(last);
    }

    /// Returns the rows.
    pub fn rows(&self) -> &[CatchUpRow] {
        self.list.as_ref().map_or(&[], |list| &list.rows)
    }

    /// Returns the row under the cursor.
    pub fn here(&self) -> Option<&CatchUpRow> {
        self.rows().get(self.cursor)
    }

    /// Drafts the one under the cursor; a person's own wish is tried whatever stands in the way.
    pub fn enter(&self) -> After {
        let ask = self.here().map(ask);
        ask.map_or(After::Stay, |ask| After::Draft(vec![ask]))
    }

    /// Does what a letter means.
    pub fn letter(&mut self, letter: char) -> After {
        let asked = std::mem::take(&mut self.asks_for_all);
        match letter {
            'j' => self.move_by(1),
            'k' => self.move_by(-1),
            'q' => return After::Close,
            'x' => {
                let here = self.here().map(|row| row.missed.ticket.id);
                return here.map_or(After::Stay, After::Drop);
            }
            'a' if self.may_draft_all() && asked => {
                return After::Draft(self.rows().iter().map(ask).collect());
            }
            'a' => self.asks_for_all = self.may_draft_all(),
            _ => {}
        }
        After::Stay
    }

    /// Tells whether all of them may be drafted: while the way is barred every one would fail.
    fn may_draft_all(&self) -> bool {
        let list = self.list.as_ref();
        list.is_some_and(|list| list.in_the_way.is_none() && !list.rows.is_empty())
    }
}

fn ask(row: &CatchUpRow) -> DraftAsk {
    DraftAsk {
        ticket: row.missed.ticket.id,
        chain: None,
        hint: None,
        force: None,
    }
}
