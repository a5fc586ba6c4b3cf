//! The steps to a desk of one's own: what is done, what is next, and the line that does it.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::{
    model::Model,
    paint::{self, style, wrap, write_line},
};
use crate::{
    config::theme::Theme,
    desk::face::{KeyCard, KeyOrigin},
    domain::Cap,
};

/// The open steps.
#[derive(Debug, Default)]
pub struct SetUp {
    /// The providers; none while they are read.
    pub cards: Option<Vec<KeyCard>>,
    /// Where mail comes from.
    pub sources: MailSources,
    /// The step under the cursor.
    pub cursor: usize,
}

/// Where mail comes from so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailSources {
    /// The addresses of the accounts.
    pub accounts: Vec<String>,
    /// Whether some came from files.
    pub has_files: bool,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A mailbox.
    Mailbox,
    /// A provider's key.
    Key,
    /// The monthly cap.
    Cap,
    /// Mail from files.
    Import,
}

/// Every step, in order.
pub const STEPS: [Step; 4] = [Step::Mailbox, Step::Key, Step::Cap, Step::Import];

impl SetUp {
    /// Opens the steps with the cursor on one of them.
    pub fn at(cursor: usize) -> Self {
        Self {
            cursor: cursor.min(STEPS.len() - 1),
            ..Self::default()
        }
    }

    /// Moves the cursor.
    pub fn move_by(&mut self, rows: isize) {
        self.cursor = self.cursor.saturating_add_signed(rows).min(STEPS.len() - 1);
    }

    /// Returns the step under the cursor.
    pub fn chosen(&self) -> Step {
        STEPS.get(self.cursor).copied().unwrap_or(Step::Mailbox)
    }
}

/// Returns the heading of a step, whether it is done, and what to do.
fn words(step: Step, setup: &SetUp, model: &Model) -> (&'static str, bool, String) {
    let is_demo = model.stage.facts.is_demo;
    match step {
        Step::Mailbox => mailbox(setup, is_demo),
        Step::Key => {
            let with_key =
                setup.cards.iter().flatten().filter(|card| {
                    !matches!(card.origin, KeyOrigin::Missing | KeyOrigin::NotNeeded)
                });
            let count = with_key.count();
            let how = if is_demo {
                "The key of Anthropic, OpenAI or another provider, typed without being shown and \
                 kept in your OS keyring. A second provider is the backup."
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
                "How many dollars AI may spend in a calendar month, and never more. No cap must \
                 be said in so many words."
                    .to_owned()
            } else {
                let now = match cap {
                    Some(Cap::Month(cap)) => format!("Now {}.", cap.for_people()),
                    Some(Cap::None) => "Declared absent.".to_owned(),
                    Some(Cap::NotChosen) | None => "Not chosen yet.".to_owned(),
                };
                format!("{now} Enter sets it.")
            };
            ("Monthly spend cap", !is_demo && is_chosen, how)
        }
        Step::Import => {
            let how = if is_demo {
                "A file or folder of mail: mbox, Maildir or single mails."
            } else {
                "Enter asks for a file or folder: mbox, Maildir or single mails. It is only read, \
                 and reading it again doubles nothing. `deskhand import PATH` does the same."
            };
            let is_done = !is_demo && setup.sources.has_files;
            ("Tickets from files", is_done, how.to_owned())
        }
    }
}

/// Returns what to say of the mailbox.
fn mailbox(setup: &SetUp, is_demo: bool) -> (&'static str, bool, String) {
    let how = match setup.sources.accounts.as_slice() {
        _ if is_demo => {
            "The address your customers write to. Its servers are found, its password goes to your \
             OS keyring; both servers are tried, and nothing is sent."
                .to_owned()
        }
        [] => "Enter asks for the address. Its servers are found and shown; the password goes to \
             your OS keyring when both have taken it. Nothing is sent."
            .to_owned(),
        accounts => {
            let known = accounts.join(", ");
            format!(
                "{}. Enter adds another, or signs in to one again.",
                paint::safe(&known)
            )
        }
    };
    let is_done = !is_demo && !setup.sources.accounts.is_empty();
    ("Your mailbox", is_done, how)
}

/// Paints the steps. Where not all fits, only the step under the cursor is explained.
pub fn draw(buffer: &mut Buffer, area: Rect, setup: &SetUp, (model, theme): (&Model, &Theme)) {
    let inside = paint::boxed(buffer, area, "SET UP MY DESK", style(theme.focus));
    let wide = usize::from(inside.width);
    let room = usize::from(inside.height).saturating_sub(1);
    let mut lines = lines(setup, (model, theme), (wide, Told::Whole));
    if lines.len() > room {
        lines = self::lines(setup, (model, theme), (wide, Told::Short));
    }
    for (line, row) in lines.iter().zip(0..inside.height.saturating_sub(1)) {
        write_line(buffer, inside, row, line);
    }
    let foot = if model.stage.facts.is_demo {
        " Enter open my own desk   Esc stay in the demo"
    } else {
        " Enter do this step   Esc close"
    };
    let last = inside.height.saturating_sub(1);
    let foot = Line::styled(foot, style(theme.quiet));
    write_line(buffer, inside, last, &foot);
}

/// How much is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// All.
    Whole,
    /// The titles, and the step under the cursor.
    Short,
}

fn lines(
    setup: &SetUp,
    (model, theme): (&Model, &Theme),
    (wide, told): (usize, Told),
) -> Vec<Line<'static>> {
    let is_demo = model.stage.facts.is_demo;
    let text_wide = wide.saturating_sub(8);
    let mut lines = vec![Line::raw("")];
    for (place, step) in STEPS.into_iter().enumerate() {
        let (title, is_done, how) = words(step, setup, model);
        let is_here = place == setup.cursor && !is_demo;
        let mark = if is_here { ">" } else { " " };
        let done = if is_done { "ok" } else { "  " };
        let head = format!(" {mark} {done} {}. {title}", place + 1);
        let paint = if is_here {
            theme.selection
        } else {
            theme.title
        };
        lines.push(Line::styled(paint::pad(&head, wide), style(paint)));
        if told == Told::Whole || is_here {
            let how = wrap(&how, text_wide).into_iter();
            lines.extend(how.map(|line| Line::raw(format!("       {line}"))));
        }
        if told == Told::Whole {
            lines.push(Line::raw(""));
        }
    }
    if told == Told::Short {
        lines.push(Line::raw(""));
    }
    let end = if is_demo {
        "Enter leaves the demo and opens your own desk at these steps. From the first one done, \
         bare `deskhand` opens it; `deskhand demo` comes back here. Demo tickets are never mixed \
         with yours."
    } else {
        "Settings live in the config file, secrets in your OS keyring. Nothing is sent to anyone \
         here."
    };
    let end = wrap(end, text_wide).into_iter();
    let quiet = style(theme.quiet);
    lines.extend(end.map(|line| Line::styled(format!("   {line}"), quiet)));
    lines
}
