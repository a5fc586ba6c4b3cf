//! `deskhand merge`, `split`, `new` and `forward`: tickets put together, taken apart, begun here,
//! and messages passed on.

use serde_json::json;

use super::{
    Call,
    mail_args::{ForwardArgs, MergeArgs, NewArgs, SplitArgs},
    stop::{Exit, Stop},
};

/// Merges a ticket into another, or undoes that.
pub(super) async fn merge(call: &Call, args: &MergeArgs) -> Result<Exit, Stop> {
    let Some(into) = args.into else {
        return unmerge(call, args.number).await;
    };
    let merged = call.at_desk(async |desk| {
        let from = desk.by_number(args.number).await?;
        Ok(desk.merge(from, into).await?)
    });
    let target = merged.await?;
    call.out.answer(
        || json!({ "merged": args.number, "into": target.number }),
        || {
            format!(
                "#{0} went on in #{1} “{2}”: its messages are there, and answers go there. \
                 `deskhand merge {0} --undo` takes it back.",
                args.number, target.number, target.subject
            )
        },
    );
    Ok(Exit::OK)
}

async fn unmerge(call: &Call, number: i64) -> Result<Exit, Stop> {
    let undone = call.at_desk(async |desk| {
        let merged = desk.by_number(number).await?;
        Ok(desk.unmerge(merged).await?)
    });
    let (back, other) = undone.await?;
    call.out.answer(
        || json!({ "unmerged": number, "from": other.number, "status": back.status }),
        || {
            format!(
                "#{number} is {} again: its messages are back from #{}.",
                back.status, other.number
            )
        },
    );
    Ok(Exit::OK)
}

/// Takes a message out of a ticket into a new one.
pub(super) async fn split(call: &Call, args: &SplitArgs) -> Result<Exit, Stop> {
    let split = call.at_desk(async |desk| {
        let from = desk.by_number(args.number).await?;
        let message = match &args.message {
            Some(named) => Some(named.parse().map_err(|_| {
                Stop::usage(format!("`{named}` is no id of a message."))
                    .advising("`deskhand show NUMBER --json` has the ids.")
            })?),
            None => None,
        };
        Ok(desk.split(from, message).await?)
    });
    let made = split.await?;
    call.out.answer(
        || json!({ "split": args.number, "into": made.number }),
        || format!("The message is ticket #{} now.", made.number),
    );
    Ok(Exit::OK)
}

/// Makes a ticket for somebody who has not written.
pub(super) async fn new(call: &Call, args: &NewArgs) -> Result<Exit, Stop> {
    let account = args.account.as_deref();
    let made =
        call.at_desk(async |desk| Ok(desk.new_ticket(&args.to, &args.subject, account).await?));
    let made = made.await?;
    call.out.answer(
        || json!({ "number": made.number, "id": made.id }),
        || {
            format!(
                "Ticket #{0} is there. `deskhand reply {0} --text FILE` writes its first message.",
                made.number
            )
        },
    );
    Ok(Exit::OK)
}

/// Makes a draft that passes the newest message on.
pub(super) async fn forward(call: &Call, args: &ForwardArgs) -> Result<Exit, Stop> {
    let drafted = call.at_desk(async |desk| {
        let ticket = desk.by_number(args.number).await?;
        Ok(desk.forward(ticket, &args.to).await?)
    });
    drafted.await?;
    call.out.answer(
        || json!({ "number": args.number, "to": args.to, "drafted": true }),
        || {
            format!(
                "The draft of #{} passes the newest message on to {}. Look at it on the screen, \
                 then send it there.",
                args.number, args.to
            )
        },
    );
    Ok(Exit::OK)
}
