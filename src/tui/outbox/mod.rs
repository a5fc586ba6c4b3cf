//! The outbox as a list: the replies that wait, and the key that brings one back.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    model::Model,
    paint::{self, cut, pad, safe, style, write_line},
    words,
};
use crate::{
    config::theme::Theme,
    desk::send::guard::Route,
    domain::{Delivery, OutboxRow, Ticket},
};

/// The open list.
#[derive(Debug, Default)]
pub struct Outbox {
    /// The waiting replies with their tickets, newest first; none while they are read.
    pub rows: Option<Vec<(OutboxRow, Ticket)>>,
    cursor: usize,
}

impl Outbox {
    /// Moves the cursor.
    pub fn move_by(&mut self, rows: isize) {
        let last = self
            .rows
            .as_ref()
            .map_or(0, |all| all.len().saturating_sub(1));
        self.cursor = self.cursor.saturating_add_signed(rows).min(last);
    }

    /// Takes the newest list; the cursor stays on it.
    pub fn took(&mut self, rows: Vec<(OutboxRow, Ticket)>) {
        self.rows = Some(rows);
        self.move_by(0);
    }

    /// Returns the reply under the cursor.
    pub fn here(&self) -> Option<&OutboxRow> {
        self.rows.as_ref()?.get(self.cursor).map(|(row, _)| row)
    }
}

/// Paints the list.
pub fn draw(buffer: &mut Buffer, area: Rect, outbox: &Outbox, (model, theme): (&Model, &Theme)) {
    let inside = paint::boxed(buffer, area, "OUTBOX", style(theme.focus));
    let wide = usize::from(inside.width);
    let quiet = |text: &str| Line::styled(cut(text, wide), style(theme.quiet));
    let last = inside.height.saturating_sub(1);
    let Some(rows) = &outbox.rows else {
        return write_line(buffer, inside, 0, &quiet(" Reading the outbox …"));
    };
    if rows.is_empty() {
        write_line(buffer, inside, 0, &Line::raw(" No reply waits."));
        return write_line(buffer, inside, last, &quiet(" Esc close"));
    }
    let head = if rows.iter().any(|(row, _)| is_unsure(row)) {
        " Replies that wait, or may have left. You decide."
    } else {
        " Replies that have not left. What waits needs your word."
    };
    write_line(buffer, inside, 0, &quiet(head));
    let shelf = Rect {
        y: inside.y + 2,
        height: inside.height.saturating_sub(4),
        ..inside
    };
    let room = usize::from(shelf.height / 2).max(1);
    let top = (outbox.cursor + 1).saturating_sub(room);
    let seen = rows.iter().enumerate().skip(top).take(room);
    for ((place, (row, ticket)), at) in seen.zip((0_u16..).step_by(2)) {
        for (line, at) in two_lines(row, ticket, model, wide).into_iter().zip(at..) {
            let is_here = place == outbox.cursor;
            let mark = if is_here && at % 2 == 0 { ">" } else { " " };
            let text = pad(&format!(" {mark} {line}"), wide);
            let look = if is_here { theme.selection } else { theme.text };
            write_line(
                buffer,
                shelf,
                at,
                &Line::from(Span::styled(text, style(look))),
            );
        }
    }
    let foot = match outbox.here().map(|row| row.progress.delivery) {
        Some(Delivery::Unsure) => " Enter send again  s it has left  u back to the draft  Esc",
        Some(_) | None => " Enter send now  u back to the draft  Esc",
    };
    write_line(buffer, inside, last, &quiet(foot));
}

fn is_unsure(row: &OutboxRow) -> bool {
    row.progress.delivery == Delivery::Unsure
}

/// Says in few words how far a reply has come.
fn state_words(row: &OutboxRow, model: &Model) -> String {
    match (row.progress.delivery, row.progress.due_at()) {
        (Delivery::Held, Some(due)) => {
            let now = model.stage.now.civil;
            match due.duration_since(now).as_secs() {
                left @ 1.. if row.progress.attempts == 0 => format!("leaves in {left} s"),
                left @ 1..120 => format!("again in {left} s"),
                120.. => {
                    let again = words::moment(due, now, &model.stage.facts.zone);
                    format!("again {again}")
                }
                _ => "WAITS FOR YOU".to_owned(),
            }
        }
        (Delivery::Held, None) => "no account sends it".to_owned(),
        (Delivery::Unsure, _) => "MAY HAVE LEFT".to_owned(),
        (delivery, _) => delivery.word().to_owned(),
    }
}

fn two_lines(row: &OutboxRow, ticket: &Ticket, model: &Model, wide: usize) -> [String; 2] {
    let when = words::moment(
        row.queued_at,
        model.stage.now.civil,
        &model.stage.facts.zone,
    );
    let state = state_words(row, model);
    let right = format!("{when}, then {}  {state} ", row.then);
    let left = format!("#{:<6} {}", ticket.number, words::subject(&ticket.subject));
    let room = wide.saturating_sub(3 + paint::width(&right) + 2);
    let text = row.text.split_whitespace().collect::<Vec<_>>().join(" ");
    [
        format!("{}  {right}", pad(&left, room)),
        format!(
            "        to {}: {}",
            safe(&row.post.as_ref().map_or_else(
                || ticket.requester.address.clone(),
                |post| Route::to_words(&post.letter.envelope)
            )),
            safe(row.progress.said.as_deref().unwrap_or(&text))
        ),
    ]
}

#[cfg(test)]
mod tests {
    use ratatui::{Terminal, backend::TestBackend};

    use super::*;
    use crate::{
        config::theme::ThemeName,
        domain::{OutboxId, OutboxKind, Progress, Status},
        tui::{
            event::{Done, Msg},
            fixture::{at, now, press, row, sized, view as ticket_view},
            model::Model,
            update::update,
            view::view,
        },
    };

    fn reply(progress: Progress) -> OutboxRow {
        OutboxRow {
            id: OutboxId::new(uuid::Uuid::from_u128(9)),
            kind: OutboxKind::Reply,
            ticket: row(0).id,
            draft: crate::tui::fixture::draft(0).id,
            text: "Your refund is on its way.".to_owned(),
            then: Status::Solved,
            approved_by: "noor".to_owned(),
            queued_at: now().civil,
            post: None,
            progress,
        }
    }

    fn shown((wide, high): (u16, u16), progress: Progress) -> String {
        let mut model: Model = sized(wide, high, false);
        press(&mut model, "g o");
        let rows = vec![(reply(progress), ticket_view(0).ticket)];
        update(&mut model, Msg::Done(Done::Outbox(Ok(rows))), now());
        let mut terminal = Terminal::new(TestBackend::new(wide, high)).unwrap();
        let theme = ThemeName::Mono.theme();
        terminal.draw(|frame| view(&model, &theme, frame)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn the_keys_are_named_whole_on_every_terminal() {
        for size in [(60, 20), (80, 24), (120, 36)] {
            let held = shown(size, Progress::held(None));
            assert!(
                held.contains("Enter send now  u back to the draft  Esc "),
                "{held}"
            );
            assert!(held.contains("What waits needs your word."), "{held}");
            let mut progress = Progress::held(None);
            progress.delivery = Delivery::Unsure;
            let unsure = shown(size, progress);
            assert!(unsure.contains("may have left. You decide."), "{unsure}");
            let keys = "Enter send again  s it has left  u back to the draft  Esc ";
            assert!(unsure.contains(keys.trim_end()), "{unsure}");
        }
    }

    #[test]
    fn a_reply_that_a_server_put_off_says_when_it_is_tried_again_and_why() {
        let mut progress = Progress::held(Some(at("2026-11-20T11:00:00Z")));
        progress.attempts = 1;
        progress.next_attempt_at = Some(at("2026-11-20T12:30:00Z"));
        progress.said = Some("451 4.7.1 Greylisted, come back.".to_owned());

        let words = shown((80, 24), progress);

        assert!(words.contains("again today 12:30"), "{words}");
        assert!(
            words.contains("451 4.7.1 Greylisted, come back."),
            "{words}"
        );
    }
}
