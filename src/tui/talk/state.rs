//! What is known of the ticket under the cursor, and which lines of it can be seen.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::news::answered_place;
use crate::{
    desk::face::TicketView,
    domain::{
        Direction, Draft, DraftId, Message, MessageId, MessageKind, Mono, TicketId, Timestamp,
    },
    tui::{
        effect::Effect,
        paint::{safe, safe_lines, wrap},
        words,
    },
};

/// The ticket under the cursor.
#[derive(Debug, Default)]
pub struct Talk {
    view: Option<Box<TicketView>>,
    wanted: Option<TicketId>,
    /// Whether quoted text and signatures are unfolded.
    pub shows_quoted: bool,
    lines: Vec<TalkLine>,
    laid_for: Option<(TicketId, usize, bool)>,
    top: usize,
    high: usize,
    /// Lines of the draft that are scrolled away; none: as it comes.
    pub draft_top: Option<usize>,
    /// Since when the end of which draft has been on the screen.
    read: Option<(DraftId, i64, Mono)>,
    /// Since when the newest message above a stale draft has been on the screen.
    news: Option<(MessageId, Mono)>,
}

/// One line of the conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TalkLine {
    /// Whose words they are.
    pub voice: Voice,
    /// Whether it names the writer.
    pub is_head: bool,
    /// Which message it belongs to, counted from 0.
    pub message: usize,
    /// What stands at the left.
    pub text: String,
    /// What stands at the right.
    pub right: String,
}

/// Whose words a line has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// Somebody outside.
    Customer,
    /// The desk, to the outside.
    Agent,
    /// The desk, to itself.
    Note,
    /// Folded or quoted.
    Quiet,
}

/// A draft is read when its last line has been on the screen for so long: the time a glance takes.
const GLANCE: Duration = Duration::from_millis(1200);

impl Talk {
    /// Notes that the end of a draft is on the screen.
    pub fn shows_end_of(&mut self, draft: (DraftId, i64), now: Mono) {
        let is_noted = self
            .read
            .is_some_and(|(id, revision, _)| (id, revision) == draft);
        if !is_noted {
            self.read = Some((draft.0, draft.1, now));
        }
    }

    /// Tells whether the end of a draft, as it stands, has been on the screen for long enough.
    pub fn was_read(&self, draft: &Draft, now: Mono) -> bool {
        self.read.is_some_and(|(id, revision, since)| {
            (id, revision) == (draft.id, draft.revision) && now.since(since) >= GLANCE
        })
    }

    /// Notes that a message above a stale draft is on the screen, or that none is.
    pub fn shows_news(&mut self, newest: Option<MessageId>, now: Mono) {
        let noted = self.news.map(|(noted, _)| noted);
        if noted != newest {
            self.news = newest.map(|newest| (newest, now));
        }
    }

    /// Tells whether this message above a stale draft has been on the screen for long enough.
    pub fn was_news_read(&self, newest: MessageId, now: Mono) -> bool {
        let shown = self.news.filter(|(shown, _)| *shown == newest);
        shown.is_some_and(|(_, since)| now.since(since) >= GLANCE)
    }

    /// Says which ticket is under the cursor; asks for it when it is another than before.
    pub fn want(&mut self, ticket: Option<TicketId>) -> Option<Effect> {
        if self.wanted == ticket {
            return None;
        }
        self.wanted = ticket;
        self.draft_top = None;
        ticket.map(Effect::LoadTicket)
    }

    /// Asks for the ticket anew, when it is the one shown.
    pub fn reload(&self, ticket: TicketId) -> Option<Effect> {
        (self.wanted == Some(ticket)).then_some(Effect::LoadTicket(ticket))
    }

    /// Takes a ticket, unless the cursor has gone on.
    pub fn took(&mut self, view: Box<TicketView>) {
        if self.wanted == Some(view.ticket.id) {
            let is_other = self
                .view
                .as_ref()
                .is_none_or(|old| old.ticket.id != view.ticket.id);
            let is_longer = self
                .view
                .as_ref()
                .is_some_and(|old| old.messages.len() < view.messages.len());
            // What came after a draft stood above it; without that it is read below.
            let was_stale = self
                .view
                .as_ref()
                .is_some_and(|old| answered_place(old).is_some());
            let is_kept = was_stale && answered_place(&view).is_none();
            if is_other || is_longer || is_kept {
                self.top = usize::MAX;
            }
            self.view = Some(view);
            self.laid_for = None;
        }
    }

    /// Returns the ticket under the cursor, when it has come.
    pub fn view(&self) -> Option<&TicketView> {
        self.view
            .as_deref()
            .filter(|view| Some(view.ticket.id) == self.wanted)
    }

    /// Returns the ticket, when it is this one.
    pub fn view_of(&self, ticket: TicketId) -> Option<&TicketView> {
        self.view().filter(|view| view.ticket.id == ticket)
    }

    /// Returns the ticket to be changed, when it is this one.
    pub fn view_of_mut(&mut self, ticket: TicketId) -> Option<&mut TicketView> {
        self.view
            .as_deref_mut()
            .filter(|view| view.ticket.id == ticket)
    }

    /// Lays the conversation out for a pane; the place that is being read stays.
    pub fn lay(&mut self, wide: usize, high: usize, time: (Timestamp, &TimeZone)) {
        let Some(view) = self.view.as_deref() else {
            return;
        };
        let key = (view.ticket.id, wide, self.shows_quoted);
        if self.laid_for != Some(key) {
            let reading = self.lines.get(self.top).map(|line| line.message);
            let is_at_end = self.top == usize::MAX || self.top >= self.last_top();
            self.lines = lay(&view.messages, wide, self.shows_quoted, time);
            self.laid_for = Some(key);
            if is_at_end {
                self.top = usize::MAX;
            } else if let Some(message) = reading {
                self.top = self.first_line_of(message);
            }
        }
        self.high = high;
        if self.top == usize::MAX {
            let newest = || self.lines.last().map_or(0, |line| line.message);
            let message = answered_place(view).unwrap_or_else(newest);
            self.top = self.first_line_of(message).min(self.last_top());
        }
        self.top = self.top.min(self.last_top());
    }

    /// Returns the lines that can be seen.
    pub fn visible(&self) -> &[TalkLine] {
        let end = (self.top + self.high).min(self.lines.len());
        self.lines.get(self.top.min(end)..end).unwrap_or_default()
    }

    /// Returns how many lines are above and below what can be seen.
    pub fn unseen(&self) -> (usize, usize) {
        (
            self.top,
            self.lines.len().saturating_sub(self.top + self.high),
        )
    }

    /// Scrolls by so many lines.
    pub fn scroll(&mut self, lines: isize) {
        self.top = self.top.saturating_add_signed(lines).min(self.last_top());
    }

    /// Scrolls by so many windows.
    pub fn scroll_pages(&mut self, pages: isize) {
        let high = isize::try_from(self.high.max(2) - 1).unwrap_or(1);
        self.scroll(pages.saturating_mul(high));
    }

    fn last_top(&self) -> usize {
        self.lines.len().saturating_sub(self.high)
    }

    fn first_line_of(&self, message: usize) -> usize {
        self.lines
            .iter()
            .position(|line| line.message == message)
            .unwrap_or(0)
    }
}

fn lay(
    messages: &[Message],
    wide: usize,
    shows_quoted: bool,
    (now, zone): (Timestamp, &TimeZone),
) -> Vec<TalkLine> {
    let mut lines = Vec::new();
    for (place, message) in messages.iter().enumerate() {
        if place > 0 {
            let text = String::new();
            let (voice, right) = (Voice::Quiet, String::new());
            lines.push(TalkLine {
                voice,
                is_head: false,
                message: place - 1,
                text,
                right,
            });
        }
        let head = TalkLine {
            voice: voice(message),
            is_head: true,
            message: place,
            text: writer(message),
            right: words::moment(message.sent_at, now, zone),
        };
        let line = |voice, text: String| TalkLine {
            voice,
            is_head: false,
            message: place,
            text,
            right: String::new(),
        };
        lines.push(head);
        if let Some(reason) = join_words(message, place, shows_quoted) {
            lines.push(line(Voice::Quiet, reason));
        }
        for hint in &message.hints {
            for text in wrap(&format!("! {}", hint.words()), wide.saturating_sub(2)) {
                lines.push(line(Voice::Note, text));
            }
        }
        let inner = wide.saturating_sub(2);
        let clean = if message.body.clean.trim().is_empty() && message.body.quoted.is_none() {
            &message.body.text
        } else {
            &message.body.clean
        };
        for text in wrap(safe_lines(clean).trim(), inner) {
            lines.push(line(voice(message), text));
        }
        lines.extend(attachments(message, inner).map(|text| line(voice(message), text)));
        lines.extend(folded(message, inner, shows_quoted).map(|text| line(Voice::Quiet, text)));
    }
    lines
}

/// Says why a message is in this ticket: always where an id did not settle it, else when all is
/// unfolded.
fn join_words(message: &Message, place: usize, shows_all: bool) -> Option<String> {
    let reason = message.thread_reason.trim();
    let is_plain = reason.starts_with("it answers") || message.direction == Direction::Out;
    let is_told = place > 0 && !reason.is_empty() && (shows_all || !is_plain);
    is_told.then(|| format!("joined: {}", safe(reason)))
}

fn voice(message: &Message) -> Voice {
    match (message.kind, message.direction) {
        (MessageKind::Internal | MessageKind::System, _) => Voice::Note,
        (MessageKind::Public, Direction::In) => Voice::Customer,
        (MessageKind::Public, Direction::Out) => Voice::Agent,
    }
}

fn writer(message: &Message) -> String {
    let name = safe(message.from.shown());
    let auto = if message.auto_class.is_automatic() {
        format!("  ({})", message.auto_class.word().replace('_', " "))
    } else {
        String::new()
    };
    match message.kind {
        MessageKind::Internal => format!("NOTE (internal) {name}"),
        MessageKind::System => format!("RECORD {name}"),
        MessageKind::Public => format!("{name}{auto}"),
    }
}

fn attachments(message: &Message, wide: usize) -> impl Iterator<Item = String> + '_ {
    message.attachments.iter().map(move |attachment| {
        let size = words::size(attachment.size_bytes);
        let name = crate::tui::paint::cut(&safe(&attachment.name), wide.saturating_sub(14));
        format!("[att] {name} {size}")
    })
}

/// Quoted history and signature: one line while folded, all of it when asked for.
fn folded(message: &Message, wide: usize, shows: bool) -> impl Iterator<Item = String> {
    let mut parts = Vec::new();
    for (what, text) in [
        ("quoted", &message.body.quoted),
        ("signature", &message.body.signature),
    ] {
        let Some(text) = text.as_deref().filter(|text| !text.trim().is_empty()) else {
            continue;
        };
        if shows {
            let indented = wrap(safe_lines(text).trim_end(), wide.saturating_sub(2));
            parts.extend(indented.into_iter().map(|line| format!("> {line}")));
        } else {
            let lines = words::count(text.trim().lines().count(), "line");
            parts.push(format!("… {lines} of {what} text folded (Q shows)"));
        }
    }
    parts.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;

    fn talk() -> Talk {
        let view = fixture::view(1);
        let mut talk = Talk::default();
        assert!(talk.want(Some(view.ticket.id)).is_some());
        talk.took(Box::new(view));
        talk
    }

    #[test]
    fn a_ticket_is_asked_for_once() {
        let mut talk = talk();

        assert!(talk.want(talk.wanted).is_none());
        assert!(talk.view().is_some());
    }

    #[test]
    fn a_late_ticket_is_dropped_when_the_cursor_has_gone_on() {
        let mut talk = talk();
        let _ask = talk.want(Some(fixture::row(2).id));

        talk.took(Box::new(fixture::view(1)));

        assert!(talk.view().is_none());
    }

    #[test]
    fn quoted_text_is_folded_until_it_is_asked_for() {
        let mut talk = talk();
        let zone = TimeZone::UTC;
        talk.lay(40, 50, (fixture::now().civil, &zone));
        let folded = talk.lines.len();

        talk.shows_quoted = true;
        talk.lay(40, 50, (fixture::now().civil, &zone));

        assert!(talk.lines.len() > folded);
        assert!(talk.lines.iter().any(|line| line.text.starts_with("> ")));
    }

    #[test]
    fn another_width_keeps_the_message_that_is_read() {
        let mut talk = talk();
        let zone = TimeZone::UTC;
        talk.lay(40, 3, (fixture::now().civil, &zone));
        talk.top = talk.first_line_of(1);
        assert_ne!(talk.top, 0);

        talk.lay(20, 3, (fixture::now().civil, &zone));

        assert_eq!(talk.visible()[0].message, 1);
    }
}
