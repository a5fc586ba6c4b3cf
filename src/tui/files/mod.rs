//! The files that came with a ticket: saved under a tame name, opened only when asked twice.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::paint::{self, cut, pad, safe, style, width, write_line};
use crate::{config::theme::Theme, desk::files::Received, domain::TicketId};

/// The open list.
#[derive(Debug)]
pub struct FilesScreen {
    /// Of which ticket.
    pub ticket: TicketId,
    /// The files; none while they are read.
    pub files: Option<Vec<Received>>,
    /// What was said last: where a file is, or why it is not opened.
    pub said: Option<String>,
    cursor: usize,
    asked: Option<usize>,
}

/// What a letter means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileAct {
    /// Save the file of that place.
    Save(usize),
    /// Open it.
    Open(usize),
    /// Nothing.
    Nothing,
}

impl FilesScreen {
    /// Opens the list of a ticket.
    pub const fn of(ticket: TicketId) -> Self {
        Self {
            ticket,
            files: None,
            said: None,
            cursor: 0,
            asked: None,
        }
    }

    /// Moves the cursor.
    pub fn move_by(&mut self, rows: isize) {
        let last = self.files.as_ref().map_or(0, Vec::len).saturating_sub(1);
        self.cursor = self.cursor.saturating_add_signed(rows).min(last);
        self.asked = None;
    }

    fn here(&self) -> Option<&Received> {
        self.files.as_ref()?.get(self.cursor)
    }

    /// Takes a letter: `s` saves; `o` opens, but first it is asked.
    pub fn letter(&mut self, letter: char) -> FileAct {
        let Some(file) = self.here() else {
            return FileAct::Nothing;
        };
        let place = file.place;
        match letter {
            's' => FileAct::Save(place),
            'o' if file.is_risky => {
                self.said = Some(
                    "This file could run, or show something that runs. It is only saved (s)."
                        .to_owned(),
                );
                FileAct::Nothing
            }
            'o' if self.asked == Some(place) => FileAct::Open(place),
            'o' => {
                self.asked = Some(place);
                self.said =
                    Some("It comes from outside. o again opens it with your system.".to_owned());
                FileAct::Nothing
            }
            _ => FileAct::Nothing,
        }
    }
}

/// Paints the list.
pub fn draw(buffer: &mut Buffer, area: Rect, screen: &FilesScreen, theme: &Theme) {
    let inside = paint::boxed(buffer, area, "FILES", style(theme.focus));
    let wide = usize::from(inside.width);
    let quiet = |text: &str| Line::styled(cut(text, wide), style(theme.quiet));
    let last = inside.height.saturating_sub(1);
    let Some(files) = &screen.files else {
        return write_line(buffer, inside, 0, &quiet(" Reading the files …"));
    };
    if files.is_empty() {
        write_line(
            buffer,
            inside,
            0,
            &Line::raw(" No file came with this ticket."),
        );
        return write_line(buffer, inside, last, &quiet(" Esc close"));
    }
    let room = usize::from(inside.height.saturating_sub(3)).max(1);
    let top = (screen.cursor + 1).saturating_sub(room);
    for (row, (place, file)) in (0_u16..).zip(files.iter().enumerate().skip(top).take(room)) {
        let is_here = place == screen.cursor;
        let mark = if is_here { ">" } else { " " };
        let risk = if file.is_risky { "  ! only saved" } else { "" };
        let right = format!("{}  {}{risk} ", size_words(file.size_bytes), file.kind);
        let space = wide.saturating_sub(width(&right) + 4);
        let left = pad(&cut(&safe(&file.name), space), space);
        let look = if is_here { theme.selection } else { theme.text };
        let text = pad(&format!(" {mark} {left} {right}"), wide);
        write_line(
            buffer,
            inside,
            row,
            &Line::from(Span::styled(text, style(look))),
        );
    }
    if let Some(said) = &screen.said {
        let line = Line::styled(cut(&format!(" {}", safe(said)), wide), style(theme.warning));
        write_line(buffer, inside, last.saturating_sub(1), &line);
    }
    write_line(buffer, inside, last, &quiet(" s save   o open   Esc close"));
}

fn size_words(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}
