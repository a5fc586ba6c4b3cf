//! What is written on the draft of a reply that did not leave, may have left, or has: what to know
//! before its words leave once more.

use sqlx::AnyConnection;

use super::{error::Trouble, rows};
use crate::domain::{Draft, MAY_HAVE_LEFT};

/// So begins what a draft says that came back.
const NOT_SENT: &str = "not sent: ";

/// What a draft says whose words have left after it came back.
const HAS_LEFT: &str = "these words have left already: look at the conversation";

/// Says on a draft that came back why its words were not sent.
pub(super) async fn was_not_sent(
    tx: &mut AnyConnection,
    draft: &mut Draft,
    said: &str,
) -> Result<(), Trouble> {
    draft.flags.retain(|flag| !flag.starts_with(NOT_SENT));
    draft.flags.push(format!("{NOT_SENT}{said}"));
    write(tx, draft).await
}

/// Says on a draft that nobody knows whether its words have left.
pub(super) async fn may_have_left(
    tx: &mut AnyConnection,
    draft: &mut Draft,
) -> Result<(), Trouble> {
    if draft.may_have_left() {
        return Ok(());
    }
    draft.flags.push(MAY_HAVE_LEFT.to_owned());
    write(tx, draft).await
}

/// Says on a draft that its words have left, instead of what was thought before.
pub(super) async fn has_left(tx: &mut AnyConnection, draft: &mut Draft) -> Result<(), Trouble> {
    draft
        .flags
        .retain(|flag| !flag.starts_with(NOT_SENT) && flag != MAY_HAVE_LEFT);
    draft.flags.push(HAS_LEFT.to_owned());
    write(tx, draft).await
}

async fn write(tx: &mut AnyConnection, draft: &Draft) -> Result<(), Trouble> {
    sqlx::query("UPDATE drafts SET flags = $2 WHERE id = $1")
        .bind(draft.id.to_string())
        .bind(rows::to_json(&draft.flags)?)
        .execute(tx)
        .await?;
    Ok(())
}
