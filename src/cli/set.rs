//! `deskhand set`: status, priority, assignee and tags of one ticket.

use super::{
    Call,
    args::SetArgs,
    json,
    stop::{Exit, Stop},
    words,
};
use crate::domain::Change;

/// Changes a ticket and prints how it stands.
pub(super) async fn run(call: &Call, args: &SetArgs) -> Result<Exit, Stop> {
    let (seen, changes): (Vec<String>, Vec<String>) = args
        .changes
        .iter()
        .cloned()
        .partition(|word| word == "seen");
    let change = read(&changes)?;
    let ticket = call.at_desk(async |desk| {
        let id = desk.by_number(args.number).await?;
        if !seen.is_empty() {
            let messages = desk.ticket(id).await?.messages;
            let read: Vec<_> = messages.iter().map(|message| message.id).collect();
            desk.saw(id, &read).await?;
        }
        if changes.is_empty() {
            return Ok(desk.ticket(id).await?.ticket);
        }
        Ok(desk.change(id, &change).await?)
    });
    let ticket = ticket.await?;
    call.out.answer(
        || json::ticket(&ticket),
        || {
            format!(
                "#{} {}\n{}",
                ticket.number,
                words::subject(&ticket.subject),
                words::facts(&ticket)
            )
        },
    );
    Ok(Exit::OK)
}

/// Reads `status=open`, `priority=none`, `assignee=noor`, `+tag`, `-tag` and `release` (out of
/// quarantine).
fn read(changes: &[String]) -> Result<Change, Stop> {
    let mut change = Change::default();
    for word in changes {
        if let Some(tag) = word.strip_prefix('+') {
            change.add_tags.push(read_tag(tag)?);
        } else if let Some(tag) = word.strip_prefix('-') {
            change.remove_tags.push(read_tag(tag)?);
        } else {
            match word.split_once('=') {
                None if word == "release" => change.release = true,
                Some(("status", value)) => change.status = Some(value.parse()?),
                Some(("priority", "none")) => change.priority = Some(None),
                Some(("priority", value)) => change.priority = Some(Some(value.parse()?)),
                Some(("assignee", "" | "none")) => change.assignee = Some(None),
                Some(("assignee", name)) => change.assignee = Some(Some(name.to_owned())),
                Some(_) | None => {
                    return Err(Stop::usage(format!("`{word}` is no change of a ticket."))
                        .advising(
                            "Write status=open, priority=high, assignee=noor, +tag, -tag, release or seen.",
                        ));
                }
            }
        }
    }
    Ok(change)
}

fn read_tag(tag: &str) -> Result<String, Stop> {
    let is_good = !tag.is_empty() && !tag.contains(|c: char| c.is_whitespace() || c.is_control());
    if !is_good {
        return Err(Stop::usage(format!(
            "`{tag}` is no tag: a tag is one word."
        )));
    }
    Ok(tag.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Priority, Status};

    fn changes(line: &str) -> Result<Change, Stop> {
        read(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_change_is_read_word_by_word() {
        let change = changes("status=solved priority=high assignee=none +VIP -late").unwrap();

        assert_eq!(
            change,
            Change {
                status: Some(Status::Solved),
                priority: Some(Some(Priority::High)),
                assignee: Some(None),
                add_tags: vec!["vip".to_owned()],
                remove_tags: vec!["late".to_owned()],
                release: false,
            }
        );
    }

    #[test]
    fn a_wrong_change_says_what_there_is() {
        for (line, says) in [("status=opne", "open"), ("vip", "+tag"), ("+", "one word")] {
            let stop = changes(line).unwrap_err();
            let said = format!("{} {}", stop.words, stop.advice.unwrap_or_default());
            assert!(stop.exit == Exit::USAGE && said.contains(says), "{said}");
        }
    }
}
