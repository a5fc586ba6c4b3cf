//! Writes of the screen: texts, tickets, caps, mail; keys and chains.

use std::path::PathBuf;

use super::trouble;
use crate::tui::{effect::Effect, event::Done, paint::safe, strays::Writing};
use crate::{
    config::env,
    desk::{Desk, IfStale, Verify, face::ChainCard, import::Imported, send::guard::Route},
    domain::{ModelName, ProviderName},
};

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller has sorted the effects"
)]
pub(super) async fn write(desk: &Desk, effect: Effect) -> Option<Done> {
    Some(match effect {
        effect @ (Effect::Save { .. } | Effect::SaveOver(_) | Effect::AddNote(_)) => {
            return text(desk, effect).await;
        }
        Effect::ExportReceipts(query, file) => {
            let exported = match desk.receipt_query(&query) {
                Ok(query) => desk.export_csv(&query, &file).await,
                Err(why) => Err(why),
            };
            Done::Exported(exported.map_err(trouble))
        }
        Effect::DropMissed(ticket) => {
            Done::MissedDropped(desk.drop_missed(ticket).await.map(drop).map_err(trouble))
        }
        Effect::Change {
            ticket,
            change,
            undo,
        } => {
            let changed = desk.change(ticket, &change).await;
            if change.release {
                let words = changed.map(|ticket| {
                    format!("#{} is released: it stands in the queue.", ticket.number)
                });
                return Some(Done::Sending(words.map_err(trouble)));
            }
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
            let back = async {
                let draft = desk.withdraw(row).await?;
                let ticket = desk.ticket(draft.ticket).await?.ticket;
                Ok((Box::new(draft), Box::new(ticket)))
            };
            Done::Withdrawn(back.await.map_err(trouble))
        }
        Effect::Discard(ticket, draft) => Done::Discarded(
            ticket,
            desk.discard(draft).await.map(|()| draft).map_err(trouble),
        ),
        Effect::Restore(ticket, draft) => {
            Done::Restored(ticket, desk.restore(draft).await.map_err(trouble))
        }
        Effect::SetCap(cap) => Done::CapSet(desk.set_cap(cap).await.map_err(trouble)),
        other => return sending(desk, other).await,
    })
}

/// What a person typed: replies and notes.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller has sorted the effects"
)]
async fn text(desk: &Desk, effect: Effect) -> Option<Done> {
    Some(match effect {
        Effect::Save { typed, .. } | Effect::SaveOver(typed) if typed.writing == Writing::Note => {
            let kept = desk.keep_note(typed.ticket, &typed.text).await;
            Done::NoteKept(typed, kept.map_err(trouble))
        }
        Effect::AddNote(typed) => {
            let added = desk.note(typed.ticket, &typed.text).await;
            Done::NoteAdded(typed, added.map(drop).map_err(trouble))
        }
        Effect::Save { typed, expected } => {
            let text = (typed.text.as_str(), typed.seen);
            let draft = desk.save_typed(typed.ticket, text, expected).await;
            let draft = draft.map(Box::new).map_err(trouble);
            Done::Saved { typed, draft }
        }
        Effect::SaveOver(typed) => {
            let text = (typed.text.as_str(), typed.seen);
            let draft = desk.save_over(typed.ticket, text).await;
            let draft = draft.map(Box::new).map_err(trouble);
            Done::Saved { typed, draft }
        }
        _ => return None,
    })
}

/// What a person does about mail that leaves.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller has sorted the effects"
)]
async fn sending(desk: &Desk, effect: Effect) -> Option<Done> {
    let said = match effect {
        Effect::Saw(ticket, messages) => match desk.saw(ticket, &messages).await {
            Ok(_) => return None,
            Err(why) => Err(why),
        },
        Effect::Release(row) => desk
            .release(row, IfStale::Refuse)
            .await
            .map(|()| "It leaves now.".to_owned()),
        Effect::WasSent(row) => desk
            .it_was_sent(row)
            .await
            .map(|()| "Noted: it stands in the ticket as sent.".to_owned()),
        Effect::Keep(ticket, seen) => desk
            .keep_draft(ticket, seen)
            .await
            .map(|_| "Kept: the draft answers the newest message too.".to_owned()),
        Effect::Address(ticket, envelope) => desk
            .set_envelope(ticket, &envelope)
            .await
            .map(|_| format!("It goes to {}.", safe(&Route::to_words(&envelope)))),
        Effect::Attach(ticket, file) => desk
            .attach(ticket, &file)
            .await
            .map(|file| format!("{} goes with the reply.", safe(&file.name))),
        Effect::Forward(ticket, to) => desk.forward(ticket, &to).await.map(|()| {
            format!(
                "The draft passes the newest message on to {}. Look at it, then send it.",
                safe(&to)
            )
        }),
        Effect::Fetch(ticket) => desk
            .fetch_rest(ticket)
            .await
            .map(|_| "It has come whole.".to_owned()),
        Effect::NewTicket { to, subject } => {
            let made = desk.new_ticket(&to, &subject, None).await;
            return Some(Done::MadeTicket(
                made.map(|ticket| ticket.number).map_err(trouble),
            ));
        }
        other => return joining(desk, other).await,
    };
    Some(Done::Sending(said.map_err(trouble)))
}

/// Puts tickets together, and takes them apart.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller has sorted the effects"
)]
async fn joining(desk: &Desk, effect: Effect) -> Option<Done> {
    Some(match effect {
        Effect::LookAtMerge(ticket, into) => {
            let seen = desk.look_at_merge(ticket, into).await;
            Done::MergeSeen(ticket, into, seen.map(Box::new).map_err(trouble))
        }
        Effect::Merge(ticket, into) => {
            let merged = desk.merge(ticket, into).await;
            Done::Merged(ticket, merged.map(|target| target.number).map_err(trouble))
        }
        Effect::Unmerge(ticket) => {
            let words = desk.unmerge(ticket).await.map(|(back, other)| {
                format!(
                    "#{} is {} again: its messages are back from #{}.",
                    back.number, back.status, other.number
                )
            });
            Done::Sending(words.map_err(trouble))
        }
        Effect::Split(ticket) => {
            let made = desk.split(ticket, None).await;
            let words =
                made.map(|made| format!("The newest message is ticket #{} now.", made.number));
            Done::Sending(words.map_err(trouble))
        }
        _ => return None,
    })
}

/// What a person does with received files and links.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller has sorted the effects"
)]
pub(super) async fn files(desk: &Desk, effect: Effect) -> Option<Done> {
    Some(match effect {
        Effect::LoadFiles(ticket) => Done::Files(ticket, desk.files(ticket).await.map_err(trouble)),
        Effect::SaveFile(ticket, place) => {
            let saved = desk.save_file(ticket, place, &download_folder()).await;
            let words = saved.map(|path| {
                let whole = std::path::absolute(&path).unwrap_or(path);
                format!("Saved as {}.", safe(&whole.display().to_string()))
            });
            Done::FileDone(words.map_err(trouble))
        }
        Effect::OpenFile(ticket, place) => {
            let opened = desk.open_file(ticket, place).await;
            let words = opened.map(|path| format!("Opened {}.", safe(&path.display().to_string())));
            Done::FileDone(words.map_err(trouble))
        }
        Effect::OpenLink(link) => {
            let opened = desk
                .open_link(&link)
                .map(|()| "The browser has it.".to_owned());
            Done::FileDone(opened.map_err(trouble))
        }
        _ => return None,
    })
}

/// Where received files are saved: the folder for downloads, else where the program was started.
fn download_folder() -> PathBuf {
    let home = env::path("HOME").map(|home| home.join("Downloads"));
    home.filter(|folder| folder.is_dir())
        .unwrap_or_else(|| PathBuf::from("."))
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
