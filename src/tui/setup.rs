//! The steps to a desk of one's own: what is done, what is next, and the line that does it.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::{
    model::Model,
    paint::{self, style, wrap, write_line},
};
use crate::{
    config::{action::Action, theme::Theme},
    desk::face::{KeyCard, KeyOrigin},
    domain::Cap,
};

/// The open steps.
#[derive(Debug, Default)]
pub struct SetUp {
    /// The providers; none while they are read.
    pub cards: Option<Vec<KeyCard>>,
    /// The step under the cursor.
    pub cursor: usize,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A provider's key.
    Key,
    /// The monthly cap.
    Cap,
    /// Mail.
    Import,
}

/// Every step, in order.
pub const STEPS: [Step; 3] = [Step::Key, Step::Cap, Step::Import];

impl SetUp {
    /// Moves the cursor.
    pub fn move_by(&mut self, rows: isize) {
        self.cursor = self.cursor.saturating_add_signed(rows).min(STEPS.len() - 1);
    }

    /// Returns the step under the cursor.
    pub fn chosen(&self) -> Step {
        STEPS.get(self.cursor).copied().unwrap_or(Step::Key)
    }
}

/// Returns the heading of a step, whether it is done, and what to do.
fn words(step: Step, setup: &SetUp, model: &Model) -> (&'static str, bool, String) {
    let is_demo = model.stage.facts.is_demo;
    match step {
        Step::Key => {
            let with_key =
                setup.cards.iter().flatten().filter(|card| {
                    !matches!(card.origin, KeyOrigin::Missing | KeyOrigin::NotNeeded)
                });
            let count = with_key.count();
            let how = if is_demo {
                "Leave the demo and run `deskhand keys set anthropic` (or openai, gemini, groq \
                 ...). The key is read without echo and kept in your OS keyring."
                    .to_owned()
            } else {
                format!(
                    "{count} with a key. Enter opens the Keys screen. A second provider is the \
                     backup; without any, everything but drafting works."
                )
            };
            ("AI providers", !is_demo && count > 0, how)
        }
        Step::Cap => {
            let cap = model.meter.meter().map(|meter| meter.cap);
            let is_chosen = !matches!(cap, None | Some(Cap::NotChosen));
            let how = if is_demo {
                "`deskhand spend cap 20` lets AI spend $20 in a calendar month, and never more. \
                 `none` must be said in so many words."
                    .to_owned()
            } else {
                let now = match cap {
                    Some(Cap::Month(cap)) => format!("Now {}.", cap.for_people()),
                    Some(Cap::None) => "Declared absent.".to_owned(),
                    Some(Cap::NotChosen) | None => "Not chosen yet.".to_owned(),
                };
                format!("{now} Enter or {} sets it.", model.key(Action::RaiseCap))
            };
            ("Monthly spend cap", !is_demo && is_chosen, how)
        }
        Step::Import => {
            let how = "In another terminal: `deskhand import PATH` reads mbox, Maildir and single \
                       mails; tickets appear here as they come. Running it again doubles nothing.";
            let is_done = !is_demo && model.queue.total() > 0;
            ("Your tickets", is_done, how.to_owned())
        }
    }
}

/// Paints the steps.
pub fn draw(buffer: &mut Buffer, area: Rect, setup: &SetUp, (model, theme): (&Model, &Theme)) {
    let inside = paint::boxed(buffer, area, "SET UP MY DESK", style(theme.focus));
    let wide = usize::from(inside.width).saturating_sub(8);
    let mut row = 1;
    for (place, step) in STEPS.into_iter().enumerate() {
        let (title, is_done, how) = words(step, setup, model);
        let mark = if place == setup.cursor { ">" } else { " " };
        let done = if is_done { "ok" } else { "  " };
        let head = format!(" {mark} {done} {}. {title}", place + 1);
        let paint = if place == setup.cursor {
            theme.selection
        } else {
            theme.title
        };
        let head = paint::pad(&head, usize::from(inside.width));
        write_line(buffer, inside, row, &Line::styled(head, style(paint)));
        row += 1;
        for line in wrap(&how, wide) {
            write_line(buffer, inside, row, &Line::raw(format!("       {line}")));
            row += 1;
        }
        row += 1;
    }
    let end = if model.stage.facts.is_demo {
        "After the first of these, bare `deskhand` opens your own desk; `deskhand demo` comes back \
         here. Demo tickets are never mixed with yours."
    } else {
        "Settings live in the config file, secrets in your OS keyring. Nothing is sent to anyone \
         here."
    };
    for line in wrap(end, wide) {
        write_line(
            buffer,
            inside,
            row,
            &Line::styled(format!("   {line}"), style(theme.quiet)),
        );
        row += 1;
    }
    let foot = " Enter do this step   Esc close";
    let last = inside.height.saturating_sub(1);
    write_line(
        buffer,
        inside,
        last,
        &Line::styled(foot, style(theme.quiet)),
    );
}
