//! Everything the commands print, in plain words or in JSON; the only place that prints.
//!
//! Foreign text (subjects, names, bodies, what models and providers say) could move the cursor or
//! pose as something else, so all that is printed passes `text::clean`; JSON carries control and
//! bidi characters as escapes. A reader that goes away ends the printing, not the work.

use std::{
    io::{self, IsTerminal as _, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::Value;

use crate::text::{clean::clean, json::escaped};

/// How a command answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Words for people.
    Plain,
    /// One object, or one per line.
    Json,
}

/// Where a command's answer goes.
#[derive(Debug)]
pub(super) struct Out {
    format: Format,
    colour: bool,
    /// Whether the reader of stdout has gone.
    gone: AtomicBool,
}

impl Out {
    /// Makes an output. Colour is used only on a terminal.
    pub(super) fn new(format: Format, wants_colour: bool) -> Self {
        let colour = wants_colour && io::stdout().is_terminal();
        Self {
            format,
            colour,
            gone: AtomicBool::new(false),
        }
    }

    /// Tells whether answers are JSON.
    pub(super) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Tells whether nobody reads any more: long lists may stop.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// Prints text for people, with its line breaks.
    pub(super) fn text(&self, text: &str) {
        self.write(&clean(text));
        if !text.ends_with('\n') {
            self.write("\n");
        }
    }

    /// Prints one line for people; line breaks in it become spaces.
    pub(super) fn line(&self, line: &str) {
        self.write(&one_line(line));
        self.write("\n");
    }

    /// Prints a heading: bold on a terminal with colour.
    pub(super) fn heading(&self, line: &str) {
        if self.colour {
            self.write(&format!("\u{1b}[1m{}\u{1b}[0m\n", one_line(line)));
        } else {
            self.line(line);
        }
    }

    /// Prints a piece of a text as it comes, without a line break after it.
    pub(super) fn piece(&self, piece: &str) {
        self.write(&clean(piece));
    }

    /// Prints a line that is already made for another program: escaped, and not to be changed.
    pub(super) fn exact(&self, line: &str) {
        self.write(line);
        self.write("\n");
    }

    /// Prints one JSON value on a line of its own.
    pub(super) fn json(&self, value: &Value) {
        self.write(&escaped(&value.to_string()));
        self.write("\n");
    }

    /// Writes bytes as they are; the caller has made sure that no terminal reads them.
    pub(super) fn bytes(&self, bytes: &[u8]) {
        self.write_all(bytes);
    }

    /// Prints JSON or words, as was asked for.
    pub(super) fn answer(&self, json: impl FnOnce() -> Value, words: impl FnOnce() -> String) {
        match self.format {
            Format::Json => self.json(&json()),
            Format::Plain => self.text(&words()),
        }
    }

    /// Writes already cleaned text to stdout.
    fn write(&self, text: &str) {
        self.write_all(text.as_bytes());
    }

    fn write_all(&self, bytes: &[u8]) {
        if self.is_gone() {
            return;
        }
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
        if let Err(error) = written {
            self.gone.store(true, Ordering::Relaxed);
            if error.kind() != io::ErrorKind::BrokenPipe {
                say_aside(&format!("The answer could not be printed: {error}.\n"));
            }
        }
    }
}

/// Says something beside the answer, on stderr.
pub(super) fn note(line: &str) {
    say_aside(&format!("{}\n", clean(line)));
}

/// Asks a question on stderr, the cursor behind it.
pub(super) fn ask(question: &str) {
    say_aside(&clean(question));
}

/// Shows how far long work has come; only where a person watches.
pub(super) fn progress(line: &str) {
    if io::stderr().is_terminal() {
        say_aside(&format!("\r{}\u{1b}[K", one_line(line)));
    }
}

/// Clears the line on which progress was shown.
pub(super) fn progress_over() {
    if io::stderr().is_terminal() {
        say_aside("\r\u{1b}[K");
    }
}

/// Says what went wrong on stderr: what happened, why, what to do.
pub(super) fn complain(words: &str, advice: Option<&str>) {
    let mut text = clean(words.trim_end());
    if let Some(advice) = advice {
        text.push('\n');
        text.push_str(&clean(advice));
    }
    text.push('\n');
    say_aside(&text);
}

/// Writes cleaned text to stderr; when nobody reads that either, nothing is left to do.
fn say_aside(text: &str) {
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

/// Cleans a line that words of ours and foreign words make up; our columns stay as they are.
fn one_line(line: &str) -> String {
    clean(line).replace('\n', " ")
}
