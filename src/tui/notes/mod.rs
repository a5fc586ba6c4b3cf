//! Messages to the person: one line at the foot, and banners that stay until their cause is gone.

use std::time::Duration;

use super::event::{Moment, Trouble};
use crate::domain::Mono;

/// A note fades after this long, unless it tells of trouble.
const FADES_AFTER: Duration = Duration::from_secs(20);

/// What is being said to the person.
#[derive(Debug, Default)]
pub struct Notes {
    note: Option<Note>,
    banners: Vec<String>,
    hint: Option<&'static str>,
}

/// One thing said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The words.
    pub words: String,
    /// The last of them that stay in sight whatever else gives way: they name the key.
    pub end: Option<String>,
    /// How it is painted.
    pub tone: Tone,
    /// When it was said.
    since: Mono,
}

/// How a note is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It went as it should.
    Plain,
    /// Look at this.
    Warning,
    /// It did not work.
    Trouble,
}

impl Notes {
    /// Says something that went as it should.
    pub fn say(&mut self, words: impl Into<String>, now: Moment) {
        self.put(words.into(), Tone::Plain, now);
    }

    /// Says something to look at.
    pub fn warn(&mut self, words: impl Into<String>, now: Moment) {
        self.put(words.into(), Tone::Warning, now);
    }

    /// Says something to look at before a key is pressed once more; `end` names the key.
    pub fn warn_before(&mut self, words: &str, end: String, now: Moment) {
        self.put(format!("{words} {end}"), Tone::Warning, now);
        if let Some(note) = &mut self.note {
            note.end = Some(end);
        }
    }

    /// Says what did not work.
    pub fn trouble(&mut self, trouble: &Trouble, now: Moment) {
        self.put(trouble.line(), Tone::Trouble, now);
    }

    /// Returns what is said now.
    pub const fn current(&self) -> Option<&Note> {
        self.note.as_ref()
    }

    /// Takes what is said away.
    pub fn clear(&mut self) {
        self.note = None;
    }

    /// Lets an old note fade; tells when the next one does.
    pub fn fade(&mut self, now: Moment) -> Option<Mono> {
        let due = self.due()?;
        if due <= now.mono {
            self.note = None;
            return None;
        }
        Some(due)
    }

    /// Returns when the note fades, if it does.
    pub fn due(&self) -> Option<Mono> {
        let note = self.note.as_ref().filter(|note| note.tone == Tone::Plain)?;
        Some(note.since.after(FADES_AFTER))
    }

    /// Takes the banners that hold now.
    pub fn set_banners(&mut self, banners: Vec<String>) {
        self.banners = banners;
    }

    /// Returns the banners.
    pub fn banners(&self) -> &[String] {
        &self.banners
    }

    /// Takes the tour's word on what to try next.
    pub const fn set_hint(&mut self, hint: Option<&'static str>) {
        self.hint = hint;
    }

    /// Returns what to try next, in the demo.
    pub const fn hint(&self) -> Option<&'static str> {
        self.hint
    }

    fn put(&mut self, words: String, tone: Tone, now: Moment) {
        self.note = Some(Note {
            words,
            end: None,
            tone,
            since: now.mono,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_fades_and_trouble_stays() {
        let mut notes = Notes::default();
        let later = Moment {
            mono: Mono(60_000_000),
            ..Moment::default()
        };

        notes.say("saved", Moment::default());
        notes.fade(later);
        assert!(notes.current().is_none());

        notes.trouble(&Trouble::new("The disk is full."), Moment::default());
        notes.fade(later);
        assert!(notes.current().is_some());
    }
}
