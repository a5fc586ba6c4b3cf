//! One line to type over the panes: a filter, tags, an amount, a hint, a name, a key.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    line::InputLine,
    paint::{self, style, wrap, write_line},
};
use crate::{
    config::{chord::Chord, theme::Theme},
    domain::{ProviderName, TicketId},
};

/// An open prompt.
#[derive(Debug)]
pub struct Prompt {
    /// What the line is for.
    pub kind: PromptKind,
    /// What is typed.
    pub line: InputLine,
    /// What is wrong with it, said after Enter.
    pub trouble: Option<String>,
    /// The ticket that the number names, looked at after Enter: a second Enter merges.
    pub named: Option<Named>,
}

/// The ticket that a merge goes on in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its number.
    pub number: i64,
    /// Which it is, for whom, and what a second Enter does.
    pub words: String,
}

/// What a line is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromptKind {
    /// A filter of the queue.
    Filter,
    /// Tags of a ticket: `vip -billing`.
    Tags(TicketId),
    /// The agent who gets a ticket.
    Assign(TicketId),
    /// The monthly cap.
    Cap,
    /// What to do differently in a draft.
    Hint(TicketId),
    /// A file or folder of mail.
    Import,
    /// A file for the receipts that a query means.
    Export(String),
    /// What happens to whom in a drill: `anthropic=529,openai=ok`.
    Drill,
    /// A provider's key; never shown.
    Key(ProviderName),
    /// To whom the reply of a ticket goes.
    Recipients(TicketId),
    /// A file that goes with the reply of a ticket.
    Attach(TicketId),
    /// To whom the newest message of a ticket is passed on.
    Forward(TicketId),
    /// The number of the ticket that a ticket is merged into.
    Merge(TicketId),
    /// For whom a new ticket is.
    NewTo,
    /// What a new ticket is about.
    NewSubject(String),
}

impl PromptKind {
    /// Tells whether an empty line means nothing.
    pub const fn needs_words(&self) -> bool {
        !matches!(
            self,
            Self::Filter
                | Self::Tags(_)
                | Self::Assign(_)
                | Self::Cap
                | Self::Hint(_)
                | Self::Drill
        )
    }
}

impl Prompt {
    /// Opens a prompt with something in it already.
    pub fn open(kind: PromptKind, text: &str) -> Self {
        let line = match kind {
            PromptKind::Cap => InputLine::suggesting(text),
            PromptKind::Filter
            | PromptKind::Tags(_)
            | PromptKind::Assign(_)
            | PromptKind::Hint(_)
            | PromptKind::Import
            | PromptKind::Export(_)
            | PromptKind::Drill
            | PromptKind::Key(_)
            | PromptKind::Recipients(_)
            | PromptKind::Attach(_)
            | PromptKind::Forward(_)
            | PromptKind::Merge(_)
            | PromptKind::NewTo
            | PromptKind::NewSubject(_) => InputLine::new(text),
        };
        Self {
            kind,
            line,
            trouble: None,
            named: None,
        }
    }

    /// Takes a key: what was said of the text before is said no more.
    pub fn press(&mut self, chord: Chord) {
        if self.line.press(chord) {
            self.named = None;
        }
        self.trouble = None;
    }

    /// Takes a paste: a line that is another now is not the one that was looked at.
    pub fn paste(&mut self, text: &str) {
        self.line.insert(text);
        self.named = None;
        self.trouble = None;
    }

    /// Tells whether what is typed must not be seen.
    pub const fn is_hidden(&self) -> bool {
        matches!(self.kind, PromptKind::Key(_))
    }

    pub(in crate::tui) fn title(&self) -> String {
        match &self.kind {
            PromptKind::Filter => "FILTER".to_owned(),
            PromptKind::Tags(_) => "TAGS".to_owned(),
            PromptKind::Assign(_) => "ASSIGN".to_owned(),
            PromptKind::Cap => "MONTHLY CAP".to_owned(),
            PromptKind::Hint(_) => "REDRAFT".to_owned(),
            PromptKind::Import => "IMPORT".to_owned(),
            PromptKind::Export(_) => "EXPORT RECEIPTS".to_owned(),
            PromptKind::Drill => "DRILL".to_owned(),
            PromptKind::Recipients(_) => "TO WHOM".to_owned(),
            PromptKind::Attach(_) => "ATTACH A FILE".to_owned(),
            PromptKind::Forward(_) => "PASS IT ON".to_owned(),
            PromptKind::Merge(_) => "MERGE INTO".to_owned(),
            PromptKind::NewTo => "NEW TICKET: TO WHOM".to_owned(),
            PromptKind::NewSubject(_) => "NEW TICKET: ABOUT WHAT".to_owned(),
            PromptKind::Key(provider) => {
                format!("KEY OF {}", paint::safe(&provider.0).to_uppercase())
            }
        }
    }

    const fn help(&self) -> &'static str {
        match self.kind {
            PromptKind::Filter => {
                "words, status:open, tag:vip, from:maya, is:fallback, is:draft; - turns round. \
                 Empty shows all."
            }
            PromptKind::Tags(_) => "A word adds a tag, -word takes it away.",
            PromptKind::Assign(_) => "The agent's name. Empty: nobody.",
            PromptKind::Cap => {
                "Dollars in a calendar month, such as 20. `none` declares that there is no cap."
            }
            PromptKind::Hint(_) => "What to do differently, in your words.",
            PromptKind::Import => {
                "A file or folder: mbox, Maildir, mails, a table (CSV), or an export of Zendesk, \
                 Chatwoot, RT or deskhand. It is only read. What was imported before is not doubled."
            }
            PromptKind::Drill => {
                "provider=fault, with commas between: ok, refused, 429, 500, 529, 401, hang, cut=12 \
                 and more. Nothing is asked of a provider and nothing is spent."
            }
            PromptKind::Recipients(_) => {
                "Addresses with commas between; `cc:` and `bcc:` begin those lists, `from:` names \
                 the account it leaves by. Tab completes people of this ticket and the queue."
            }
            PromptKind::Attach(_) => {
                "Type or paste the path of a file. It is read now: what becomes of the file later \
                 changes nothing."
            }
            PromptKind::Forward(_) => {
                "An address. The newest message and its files become a draft; you look at it first."
            }
            PromptKind::Merge(_) => {
                "The number of the ticket this one goes on in. Its messages go over, and answers go \
                 there. Enter shows which ticket that is before anything is merged."
            }
            PromptKind::NewTo => "An address. Tab completes people of the queue.",
            PromptKind::NewSubject(_) => "The subject, on one line.",
            PromptKind::Export(_) => {
                "A file that does not exist yet: the receipts of the list are written there as CSV."
            }
            PromptKind::Key(_) => {
                "Type or paste it: it is not shown. The provider is asked before it is kept."
            }
        }
    }
}

/// Paints a prompt; returns where the caret stands.
pub fn draw(buffer: &mut Buffer, area: Rect, prompt: &Prompt, theme: &Theme) -> (u16, u16) {
    let inside = paint::boxed(buffer, area, &prompt.title(), style(theme.focus));
    let wide = usize::from(inside.width);
    let (seen, caret) = prompt.line.seen(prompt.is_hidden(), wide.saturating_sub(4));
    write_line(
        buffer,
        inside,
        0,
        &Line::from(vec![Span::raw(" > "), Span::raw(seen)]),
    );
    let (words, paint) = match (&prompt.trouble, &prompt.named) {
        (Some(trouble), _) => (paint::safe(trouble), theme.bad),
        (None, Some(named)) => (paint::safe(&named.words), theme.warning),
        (None, None) => (prompt.help().to_owned(), theme.quiet),
    };
    for (line, row) in wrap(&words, wide.saturating_sub(2))
        .into_iter()
        .zip(1..inside.height)
    {
        write_line(
            buffer,
            inside,
            row,
            &Line::styled(format!(" {line}"), style(paint)),
        );
    }
    let x = inside.x + 3 + caret;
    (x.min(inside.right().saturating_sub(1)), inside.y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::theme::ThemeName;

    #[test]
    fn a_key_is_never_painted() {
        let prompt = Prompt::open(PromptKind::Key(ProviderName("openai".into())), "sk-secret");
        let mut buffer = Buffer::empty(Rect::new(0, 0, 60, 6));

        draw(
            &mut buffer,
            Rect::new(0, 0, 60, 6),
            &prompt,
            &ThemeName::Mono.theme(),
        );

        let text: String = buffer
            .content
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        assert!(!text.contains("secret") && text.contains("*********"));
        assert!(!format!("{prompt:?}").contains("secret"));
    }
}
