//! Writes of the screen: texts, tickets, caps, mail; keys and chains.

use super::trouble;
use crate::tui::{effect::Effect, event::Done, paint::safe};
use crate::{
    desk::{Desk, Verify, face::ChainCard, import::Imported},
    domain::{ModelName, ProviderName},
};

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller has sorted the effects"
)]
pub(super) async fn write(desk: &Desk, effect: Effect) -> Option<Done> {
    Some(match effect {
        Effect::Save { typed, expected } => {
            let draft = desk.save_text(typed.ticket, &typed.text, expected).await;
            let draft = draft.map(Box::new).map_err(trouble);
            Done::Saved { typed, draft }
        }
        Effect::SaveOver(typed) => {
            let draft = desk.save_over(typed.ticket, &typed.text).await;
            let draft = draft.map(Box::new).map_err(trouble);
            Done::Saved { typed, draft }
        }
        Effect::ExportReceipts(query, file) => {
            let exported = match desk.receipt_query(&query) {
                Ok(query) => desk.export_csv(&query, &file).await,
                Err(why) => Err(why),
            };
            Done::Exported(exported.map_err(trouble))
        }
        Effect::DropMissed(ticket) => {
            let dropped = desk.drop_missed(ticket).await;
            Done::MissedDropped(dropped.map(drop).map_err(trouble))
        }
        Effect::Change {
            ticket,
            change,
            undo,
        } => {
            let changed = desk.change(ticket, &change).await;
            Done::Changed(
                changed
                    .map(|ticket| (Box::new(ticket), undo))
                    .map_err(trouble),
            )
        }
        Effect::QueueReply(approval) => {
            let row = desk.queue_reply(&approval).await;
            Done::Queued(row.map(Box::new).map_err(trouble), approval.then)
        }
        Effect::Withdraw(row) => {
            Done::Withdrawn(desk.withdraw(row).await.map(Box::new).map_err(trouble))
        }
        Effect::Discard(ticket, draft) => Done::Discarded(
            ticket,
            desk.discard(draft).await.map(|()| draft).map_err(trouble),
        ),
        Effect::Restore(ticket, draft) => {
            Done::Restored(ticket, desk.restore(draft).await.map_err(trouble))
        }
        Effect::Import(path) => {
            let imported = desk.import(&[path], &mut |_| ()).await.map_err(trouble);
            Done::Imported(imported.map(|done| imported_words(&done, desk)))
        }
        Effect::SetCap(cap) => Done::CapSet(desk.set_cap(cap).await.map_err(trouble)),
        _ => return None,
    })
}

pub(super) fn imported_words(done: &Imported, desk: &Desk) -> String {
    let words = format!(
        "{} seen: {} imported, {} there already. {} new tickets, {} others got mail.",
        done.seen, done.imported, done.duplicates, done.tickets_new, done.tickets_joined
    );
    if done.rejected.is_empty() {
        return words;
    }
    let file = safe(&desk.rejects_file().display().to_string());
    format!(
        "{words} {} rejected, with reasons in {file}.",
        done.rejected.len()
    )
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller has sorted the effects"
)]
pub(super) async fn keys(desk: &Desk, effect: Effect) -> Option<Done> {
    let verified = |is_verified: bool| {
        if is_verified {
            "accepted the key"
        } else {
            "could not be asked whether it accepts the key"
        }
    };
    Some(match effect {
        Effect::SetKey(provider, key) => {
            let kept = desk
                .set_key(&provider, key, Verify::First)
                .await
                .map_err(trouble);
            let words = kept.map(|tried| {
                format!(
                    "{provider} {}; it is in your keyring.",
                    verified(tried.is_verified)
                )
            });
            Done::KeyDone(provider, words)
        }
        Effect::TestKey(provider) => {
            let tried = desk.test_key(&provider).await.map_err(trouble);
            let words = tried.map(|tried| format!("{provider} {}.", verified(tried.is_verified)));
            Done::KeyDone(provider, words)
        }
        Effect::RemoveKey(provider) => {
            let removed = desk.remove_key(&provider).await.map_err(trouble);
            let words = removed.map(|was_there| {
                let what = if was_there {
                    "was removed from"
                } else {
                    "was not in"
                };
                format!("The key of {provider} {what} your keyring.")
            });
            Done::KeyDone(provider, words)
        }
        Effect::SetDefaultModel(provider, model) => {
            let name = ModelName(model);
            let set = desk.set_default_model(&provider, &name).map_err(trouble);
            let words = set.map(|()| format!("{provider} is asked for {name} from now on."));
            Done::KeyDone(provider, words)
        }
        Effect::SwapProviders => {
            let swapped = desk.swap_primary().await.map_err(trouble);
            let first = swapped.as_ref().ok().and_then(|links| links.first());
            let provider =
                first.map_or_else(|| ProviderName(String::new()), |link| link.provider.clone());
            let words = swapped.map(|_| format!("{provider} is the primary now."));
            Done::KeyDone(provider, words)
        }
        _ => return None,
    })
}

pub(super) fn save_chain(desk: &Desk, card: &ChainCard) -> Done {
    let name = safe(&card.name);
    let saved = desk.save_chain(card).map_err(trouble);
    Done::ChainSaved(saved.map(|()| format!("Chain {name} is saved in the config.")))
}
