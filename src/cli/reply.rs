//! `deskhand reply` and `deskhand note`: words of a person on a ticket, from a file or stdin.

use std::{io::Read as _, path::Path, time::Duration};

use serde_json::json;

use super::{
    Call,
    mail_args::{NoteArgs, ReplyArgs},
    stop::{Exit, Stop},
    words,
};
use crate::{
    desk::{Desk, send::ReplyAsk},
    domain::{Contact, OutboxRow},
};

/// A reply or note is not longer than this.
const LONGEST: u64 = 1 << 20;

/// Puts a reply into the outbox. It leaves when its time to be taken back is over and a desk is
/// open, or with `deskhand outbox send`.
pub(super) async fn run(call: &Call, args: &ReplyArgs) -> Result<Exit, Stop> {
    let text = text(&args.text)?;
    let queued = call.at_desk(async |desk| {
        let ticket = desk.by_number(args.number).await?;
        let mut files = Vec::with_capacity(args.attach.len());
        for file in &args.attach {
            files.push(desk.enclose(file).await?);
        }
        let to: Vec<Contact> = args.to.iter().map(|to| contact(to)).collect();
        let ask = ReplyAsk {
            ticket,
            text,
            to: (!to.is_empty()).then_some(to),
            cc: args.cc.iter().map(|cc| contact(cc)).collect(),
            bcc: args.bcc.iter().map(|bcc| contact(bcc)).collect(),
            files,
            then: args.status.map(Into::into),
            hold: args.hold.map(Duration::from_secs),
            account: args.account.clone(),
        };
        Ok(desk.reply(ask).await?)
    });
    let row = queued.await?;
    let post = row.post.as_ref();
    call.out.answer(
        || {
            json!({
                "outbox": row.id,
                "message_id": post.map(|post| &post.rfc_message_id),
                "held_until": row.progress.held_until,
                "delivery": row.progress.delivery,
            })
        },
        || queued_words(args.number, &row),
    );
    Ok(Exit::OK)
}

fn queued_words(number: i64, row: &OutboxRow) -> String {
    match row.progress.held_until {
        Some(until) => format!(
            "The reply to #{number} is in the outbox until {}; then an open desk sends it, or \
             `deskhand outbox send`. `deskhand outbox undo {}` takes it back.",
            words::day(until),
            row.id
        ),
        None => format!(
            "The reply to #{number} is in the outbox and waits: no account sends it. Name the \
             server of one in the config (smtp = \"smtps://smtp.example.com:465\" under it), or \
             which of several: --account NAME, or account = \"NAME\" under [outbox]."
        ),
    }
}

/// Writes an internal note: it never leaves the desk.
pub(super) async fn note(call: &Call, args: &NoteArgs) -> Result<Exit, Stop> {
    let text = text(&args.text)?;
    let noted = call.at_desk(async |desk: &std::sync::Arc<Desk>| {
        let ticket = desk.by_number(args.number).await?;
        Ok(desk.note(ticket, &text).await?)
    });
    noted.await?;
    call.out.answer(
        || json!({ "number": args.number, "noted": true }),
        || format!("Noted on #{}. It stays here.", args.number),
    );
    Ok(Exit::OK)
}

/// Reads an address, alone or as `Name <address>`.
fn contact(written: &str) -> Contact {
    let parts = written.trim().strip_suffix('>');
    let parts = parts.and_then(|rest| rest.rsplit_once('<'));
    let (name, address) = parts.unwrap_or(("", written));
    let name = name.trim().trim_matches('"');
    Contact {
        name: (!name.is_empty()).then(|| name.to_owned()),
        address: address.trim().to_owned(),
    }
}

/// Reads the words from a file, or from stdin for `-`.
fn text(from: &Path) -> Result<String, Stop> {
    let mut bytes = Vec::new();
    let read = if from == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(LONGEST + 1)
            .read_to_end(&mut bytes)
    } else {
        std::fs::File::open(from).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes))
    };
    if let Err(why) = read {
        return Err(Stop::usage(format!(
            "{} cannot be read: {why}.",
            from.display()
        )));
    }
    if bytes.len() as u64 > LONGEST {
        return Err(Stop::usage("The text is longer than 1 MB.")
            .advising("Attach it as a file: --attach FILE"));
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| Stop::usage("The text is not UTF-8."))?;
    if text.trim().is_empty() {
        return Err(Stop::usage("The text is empty.")
            .advising("Write it into a file, or pipe it in: --text -"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_named_as_in_a_mail_or_by_the_address_alone() {
        for (written, name, address) in [
            ("ops@x.test", None, "ops@x.test"),
            ("Ops <ops@x.test>", Some("Ops"), "ops@x.test"),
            (r#" "Ops, x" < ops@x.test > "#, Some("Ops, x"), "ops@x.test"),
            ("<ops@x.test>", None, "ops@x.test"),
            ("ops <nobody", None, "ops <nobody"),
        ] {
            let contact = contact(written);
            assert_eq!(
                (contact.name.as_deref(), contact.address.as_str()),
                (name, address)
            );
        }
    }
}
