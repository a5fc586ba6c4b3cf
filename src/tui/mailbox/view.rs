//! Paints the setting up of a mailbox: what is known above, the question and its line below.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::state::{MailboxScreen, MustDo, Place, Stage};
use crate::{
    config::theme::{Paint, Theme},
    tui::paint::{self, safe, style, wrap, write_line},
};

/// Paints the screen; returns where the caret stands, while something can be typed.
pub fn draw(
    buffer: &mut Buffer,
    area: Rect,
    screen: &MailboxScreen,
    theme: &Theme,
) -> Option<(u16, u16)> {
    let inside = paint::boxed(buffer, area, "SET UP MY MAILBOX", style(theme.focus));
    let last = inside.height.saturating_sub(1);
    let mut pen = Pen {
        row: 1,
        last,
        inside,
    };
    for line in known(screen) {
        pen.write(buffer, &line, theme.text);
    }
    pen.write(buffer, "", theme.text);
    pen.write(buffer, &question(screen), theme.title);
    if let (Stage::Signing, Some(must_do)) = (screen.stage, &screen.must_do) {
        pen.write(buffer, &safe(&must_do.url), theme.focus);
    }
    let asks = screen.stage.takes_text();
    let caret = asks.then(|| typed(buffer, inside, screen, pen.row));
    pen.row += u16::from(asks);
    if let Some(trouble) = &screen.trouble {
        pen.write(buffer, &safe(trouble), theme.bad);
    }
    let foot = match screen.stage {
        Stage::Agree => " y it may   n name others   Esc back to the steps",
        Stage::Way => " t token   p password   Esc back to the steps",
        Stage::Signing => " Esc give up, back to the steps",
        Stage::Looking | Stage::Trying => " Esc back to the steps",
        Stage::Address
        | Stage::Imap
        | Stage::Smtp
        | Stage::Since
        | Stage::ClientId
        | Stage::Secret
        | Stage::Password => " Enter go on   Esc back to the steps",
    };
    let foot = format!("{foot}   Nothing is sent here.");
    write_line(
        buffer,
        inside,
        last,
        &Line::styled(foot, style(theme.quiet)),
    );
    caret
}

/// Writes line after line, and leaves the last row free.
struct Pen {
    row: u16,
    last: u16,
    inside: Rect,
}

impl Pen {
    fn write(&mut self, buffer: &mut Buffer, text: &str, paint: Paint) {
        let wide = usize::from(self.inside.width).saturating_sub(4);
        for line in wrap(text, wide) {
            if self.row < self.last {
                let line = Line::styled(format!("  {line}"), style(paint));
                write_line(buffer, self.inside, self.row, &line);
                self.row += 1;
            }
        }
    }
}

/// Writes the line that is typed, in stars where it must not be seen.
fn typed(buffer: &mut Buffer, inside: Rect, screen: &MailboxScreen, row: u16) -> (u16, u16) {
    let room = usize::from(inside.width).saturating_sub(6);
    let (seen, caret) = screen.line.seen(screen.is_hidden(), room);
    write_line(buffer, inside, row, &Line::raw(format!("  > {seen}")));
    let x = inside.x + 4 + caret;
    let y = (inside.y + row).min(inside.bottom().saturating_sub(1));
    (x.min(inside.right().saturating_sub(1)), y)
}

/// Returns what is known already, a line each.
fn known(screen: &MailboxScreen) -> Vec<String> {
    let mut lines = Vec::new();
    if screen.address.is_empty() {
        return lines;
    }
    lines.push(format!("Mailbox: {}", safe(&screen.address)));
    let place = |what: &str, place: &Place| {
        let server = safe(&place.server.to_string());
        format!("  {what}  {server}   {}", place.named)
    };
    lines.extend(screen.imap.as_ref().map(|imap| place("imap", imap)));
    match &screen.smtp {
        Some(smtp) => lines.push(place("smtp", smtp)),
        None if !matches!(
            screen.stage,
            Stage::Address | Stage::Looking | Stage::Agree | Stage::Imap | Stage::Smtp
        ) =>
        {
            lines.push("  smtp  none: replies wait in the outbox".to_owned());
        }
        None => {}
    }
    if let Some(since) = screen.since {
        let back = since.word();
        lines.push(format!(
            "  first reading  {back} back, newest first; you can work meanwhile"
        ));
    }
    lines
}

fn signing(must_do: Option<&MustDo>, address: &str) -> String {
    match must_do {
        None => format!("Asking the service to sign in {address} …"),
        Some(MustDo {
            code: Some(code), ..
        }) => format!(
            "Enter the code {} and say yes for {address} on this page, on any machine:",
            safe(code)
        ),
        Some(MustDo { code: None, .. }) => format!(
            "Say yes for {address} in your browser. If no page came up, open this one on this \
             machine:"
        ),
    }
}

fn question(screen: &MailboxScreen) -> String {
    let address = safe(&screen.address);
    match screen.stage {
        Stage::Address => "The address your customers write to:".to_owned(),
        Stage::Looking => format!("Looking for the mail servers of {address} …"),
        Stage::Agree => {
            let hosts = safe(&screen.outside.join(" and "));
            let domain = safe(screen.domain());
            format!("Outside {domain}: {hosts}. May your password go there?")
        }
        Stage::Imap => {
            "The server mail is read from: imaps://HOST:993 (TLS) or imap://HOST:143 (STARTTLS)."
                .to_owned()
        }
        Stage::Smtp => {
            "The server replies leave by: smtps://HOST:465 (TLS) or smtp://HOST:587 (STARTTLS). \
             Ctrl+U empties the line: then replies wait."
                .to_owned()
        }
        Stage::Since => "How far back is mail read? 30d, 8w, or all.".to_owned(),
        Stage::Way => format!(
            "This is {}'s, where a password may be refused. Sign in with a token (t), or with a \
             password (p)?",
            screen.service().unwrap_or("a known service")
        ),
        Stage::ClientId => format!(
            "The client id under which {} knows deskhand; docs/sign-in.md says how it is \
             registered there, once for your organisation.",
            screen.service().unwrap_or("the service")
        ),
        Stage::Secret => {
            "The command that writes the client secret, such as: pass show google/deskhand. Empty \
             where there is none."
                .to_owned()
        }
        Stage::Signing => signing(screen.must_do.as_ref(), &address),
        Stage::Password => format!(
            "The password of {address}. It is not shown; your keyring gets it when both servers \
             have taken it."
        ),
        Stage::Trying => format!("Signing in as {address}; nothing is sent …"),
    }
}
