//! Drafts that come back to the desk: put away by mistake, or replies that did not leave.

use sqlx::AnyConnection;

use super::{
    drafts::{live, one, write_draft},
    error::Trouble,
    outdated::{has_newer, make_stale},
};
use crate::domain::{CAME_BACK, Draft, DraftId, DraftOrigin, DraftState, Envelope};

/// Brings a draft back to the desk, unless its author has another one there.
pub(super) async fn revive(tx: &mut AnyConnection, back: &Draft) -> Result<Draft, Trouble> {
    if let Some(other) = live(&mut *tx, back.ticket, &back.author).await? {
        let because = "another draft was begun on this ticket";
        return Err(Trouble::conflict(because, Some(other), &back.text));
    }
    sqlx::query(
        "UPDATE drafts SET standing = 'live', state = COALESCE(state_before, state),
             state_before = NULL WHERE id = $1",
    )
    .bind(back.id.to_string())
    .execute(&mut *tx)
    .await?;
    if has_newer(tx, back).await? {
        make_stale(tx, back.id).await?;
    }
    Ok(one(tx, back.id).await?.0)
}

/// Brings a reply that did not leave back to the desk: as the draft it was, or below the one that its
/// author has begun meanwhile, with its files. Nothing is hidden anywhere else. Two texts are stale
/// together: they are looked at before they leave, and a run that writes there notices.
pub(super) async fn come_back(tx: &mut AnyConnection, back: &Draft) -> Result<Draft, Trouble> {
    let Some(other) = live(&mut *tx, back.ticket, &back.author).await? else {
        return revive(tx, back).await;
    };
    if other.text.trim().is_empty() {
        return come_back_over(tx, back, &other).await;
    }
    let mut joined = other.clone();
    joined.revision += 1;
    joined.saved_at = other.saved_at.max(back.saved_at);
    // What a model wrote is read once more before it leaves.
    joined.origin = match (other.origin, back.origin) {
        (DraftOrigin::Ai, _) | (_, DraftOrigin::Ai) => DraftOrigin::Ai,
        (own, theirs) if own == theirs => own,
        _ => DraftOrigin::Mixed,
    };
    if other.text.trim() != back.text.trim() {
        let begun = other.text.trim_end();
        joined.text = format!("{begun}\n\n{CAME_BACK}\n\n{}", back.text);
        joined.state = DraftState::Stale;
    }
    let receipts = back.receipts.iter();
    let receipts = receipts.filter(|receipt| !other.receipts.contains(receipt));
    joined.receipts.extend(receipts.copied());
    let flags = back.flags.iter();
    let flags = flags.filter(|flag| !other.flags.contains(flag));
    joined.flags.extend(flags.cloned());
    joined.envelope = with_files_of(other.envelope.as_ref(), back.envelope.as_ref());
    write_draft(tx, &joined).await?;
    put_away(tx, back.id).await?;
    Ok(joined)
}

/// Brings a reply back as the draft it was where its author has begun one without words: what was
/// attached there goes with it.
async fn come_back_over(
    tx: &mut AnyConnection,
    back: &Draft,
    wordless: &Draft,
) -> Result<Draft, Trouble> {
    put_away(tx, wordless.id).await?;
    let mut whole = revive(tx, back).await?;
    // Whoever has the other one open notices that this is not it.
    whole.revision = whole.revision.max(wordless.revision) + 1;
    whole.envelope = with_files_of(whole.envelope.as_ref(), wordless.envelope.as_ref());
    write_draft(tx, &whole).await?;
    Ok(whole)
}

async fn put_away(tx: &mut AnyConnection, draft: DraftId) -> Result<(), Trouble> {
    sqlx::query("UPDATE drafts SET standing = 'discarded', state_before = state WHERE id = $1")
        .bind(draft.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

/// Returns how the first is addressed, with the files of both; where it is not, the second.
fn with_files_of(first: Option<&Envelope>, second: Option<&Envelope>) -> Option<Envelope> {
    let Some(mut both) = first.cloned() else {
        return second.cloned();
    };
    let files = second.iter().flat_map(|envelope| &envelope.files);
    let new = files.filter(|file| !both.files.contains(file));
    let new: Vec<_> = new.cloned().collect();
    both.files.extend(new);
    Some(both)
}
