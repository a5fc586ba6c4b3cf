//! Turns effects into tasks and the ends of tasks into messages. Every task is awaited.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    effect::{Effect, ReceiptSpan},
    event::{Done, Trouble, TroubleKind},
    paint::safe,
    strays::Typed,
    turns::{OwnSave, Turns},
    words,
};
use crate::{
    desk::{
        Desk, DeskError, Verify,
        drill::{DrillAsk, DrillPlan, Drilled},
        face::ChainCard,
        import::Imported,
    },
    domain::{LinkName, ModelName, ProviderName, Receipt, TicketId},
};

/// The tasks of the screen.
pub struct Runner {
    desk: Arc<Desk>,
    tasks: JoinSet<Option<Done>>,
    stops: BTreeMap<TicketId, CancellationToken>,
    newest: Newest,
    turns: Turns,
    own_save: Arc<Mutex<OwnSave>>,
    unsaved: BTreeMap<TicketId, Typed>,
}

/// Reads that only count when they are the newest: while one is under way, the next waits, and a
/// newer one takes its place.
#[derive(Default)]
struct Newest {
    ticket: Slot,
    page: Slot,
}

#[derive(Default)]
struct Slot {
    is_busy: bool,
    next: Option<Effect>,
}

/// What must be done where the terminal is.
#[derive(Debug)]
pub enum Outside {
    /// Hand a text to an editor.
    Edit {
        /// For which ticket.
        ticket: TicketId,
        /// Its number.
        number: i64,
        /// The text.
        text: String,
    },
    /// Stop until the shell continues us.
    Suspend,
    /// Paint everything anew.
    Redraw,
    /// Leave the demo for the person's own desk.
    OwnDesk,
    /// Leave.
    Leave,
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Runner of {} tasks", self.tasks.len())
    }
}

impl Runner {
    /// Makes a runner for a desk.
    pub fn new(desk: Arc<Desk>) -> Self {
        let (tasks, stops, newest) = (JoinSet::new(), BTreeMap::new(), Newest::default());
        Self {
            desk,
            tasks,
            stops,
            newest,
            turns: Turns::default(),
            own_save: Arc::default(),
            unsaved: BTreeMap::new(),
        }
    }

    /// Begins an effect; gives back what only the owner of the terminal can do.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the caller has sorted the effects"
    )]
    pub fn start(&mut self, effect: Effect) -> Option<Outside> {
        match effect {
            Effect::EditOutside {
                ticket,
                number,
                text,
            } => {
                return Some(Outside::Edit {
                    ticket,
                    number,
                    text,
                });
            }
            Effect::Suspend => return Some(Outside::Suspend),
            Effect::Redraw => return Some(Outside::Redraw),
            Effect::OwnDesk => return Some(Outside::OwnDesk),
            Effect::Leave => return Some(Outside::Leave),
            Effect::Stop(ticket) => {
                if let Some(stop) = self.stops.get(&ticket) {
                    stop.cancel();
                }
            }
            Effect::Draft(ask) => {
                let stop = CancellationToken::new();
                self.stops.insert(ask.ticket, stop.clone());
                let desk = Arc::clone(&self.desk);
                self.tasks.spawn(async move {
                    let drafted = desk.draft(&ask, &stop).await;
                    Some(Done::Drafted(
                        ask.ticket,
                        drafted.map(Box::new).map_err(trouble),
                    ))
                });
            }
            effect @ Effect::LoadTicket(_) => self.read(effect, |newest| &mut newest.ticket),
            effect @ Effect::LoadPage { .. } => self.read(effect, |newest| &mut newest.page),
            effect @ (Effect::Save { .. }
            | Effect::SaveOver(_)
            | Effect::QueueReply { .. }
            | Effect::Withdraw(_)
            | Effect::Discard(..)
            | Effect::Restore(..)
            | Effect::Change { .. }) => self.in_turn(effect),
            other => self.spawn(other),
        }
        None
    }

    /// Waits for the next end of a task; for ever when none is under way.
    pub async fn next(&mut self) -> Result<Done, Broke> {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(Some(done))) => {
                    self.ended(&done);
                    return Ok(done);
                }
                Some(Ok(None)) => {}
                Some(Err(_)) => {
                    self.free_slots();
                    return Err(Broke);
                }
                None => std::future::pending().await,
            }
        }
    }

    /// Lets reads go on after a task broke: nobody knows whose it was.
    fn free_slots(&mut self) {
        let waiting = [self.newest.ticket.next.take(), self.newest.page.next.take()];
        for next in waiting.into_iter().flatten() {
            self.spawn(next);
        }
        self.newest.ticket.is_busy = false;
        self.newest.page.is_busy = false;
    }

    /// Waits until every write that was begun has ended.
    pub async fn writes_done(&mut self) {
        self.turns.next().come().await;
    }

    /// Tells whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Tells every running draft to stop.
    pub fn stop_all(&self) {
        for stop in self.stops.values() {
            stop.cancel();
        }
    }

    /// Starts a task whose only end is a panic: for the test of what follows one.
    #[cfg(debug_assertions)]
    #[expect(clippy::missing_panics_doc, reason = "the task panics, not this")]
    pub fn break_a_task(&mut self) {
        #[expect(clippy::panic, reason = "the test of what follows a panic needs one")]
        self.tasks
            .spawn(async { panic!("a rehearsed panic in a task") });
    }

    /// Returns the texts of which no save is known to be on disk.
    pub fn unsaved(&self) -> impl Iterator<Item = &Typed> {
        self.unsaved.values()
    }

    /// Writes when what was begun before is written.
    fn in_turn(&mut self, mut effect: Effect) {
        if let Effect::Save { typed, .. } | Effect::SaveOver(typed) = &effect {
            self.unsaved.insert(typed.ticket, typed.clone());
        }
        let desk = Arc::clone(&self.desk);
        let own_save = Arc::clone(&self.own_save);
        let mut turn = self.turns.next();
        self.tasks.spawn(async move {
            turn.come().await;
            let wanted = if let Effect::Save { typed, expected } = &effect {
                Some((typed.ticket, *expected))
            } else {
                None
            };
            own_save
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .under(&mut effect);
            let done = write(&desk, effect).await;
            let own = match (wanted, &done) {
                (
                    Some((ticket, expected)),
                    Some(Done::Saved {
                        draft: Ok(draft), ..
                    }),
                ) => OwnSave::of(ticket, expected, draft.revision),
                _ => OwnSave::default(),
            };
            *own_save.lock().unwrap_or_else(PoisonError::into_inner) = own;
            done
        });
    }

    fn read(&mut self, effect: Effect, slot: impl Fn(&mut Newest) -> &mut Slot) {
        let slot = slot(&mut self.newest);
        if slot.is_busy {
            slot.next = Some(effect);
        } else {
            slot.is_busy = true;
            self.spawn(effect);
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the caller has sorted the effects"
    )]
    fn ended(&mut self, done: &Done) {
        let slot = match done {
            Done::Ticket(..) => &mut self.newest.ticket,
            Done::Page { .. } => &mut self.newest.page,
            Done::Drafted(ticket, _) => {
                self.stops.remove(ticket);
                return;
            }
            Done::Saved {
                typed,
                draft: Ok(_),
            } => {
                if self.unsaved.get(&typed.ticket) == Some(typed) {
                    self.unsaved.remove(&typed.ticket);
                }
                return;
            }
            _ => return,
        };
        match slot.next.take() {
            Some(next) => self.spawn(next),
            None => slot.is_busy = false,
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the caller has sorted the effects"
    )]
    fn spawn(&mut self, effect: Effect) {
        let desk = Arc::clone(&self.desk);
        self.tasks.spawn(async move {
            match effect {
                effect @ (Effect::SetKey(..)
                | Effect::RemoveKey(_)
                | Effect::TestKey(_)
                | Effect::SetDefaultModel(..)
                | Effect::SwapProviders) => keys(&desk, effect).await,
                effect @ (Effect::Rest(..)
                | Effect::Wake(_)
                | Effect::Probe(_)
                | Effect::Drill(..)) => links(&desk, effect).await,
                Effect::SaveChain(card) => Some(save_chain(&desk, &card)),
                effect @ (Effect::LoadPage { .. }
                | Effect::LoadTicket(_)
                | Effect::LoadSpend
                | Effect::LoadBanners
                | Effect::LoadKeys
                | Effect::LoadChains
                | Effect::LoadReceipts(_)
                | Effect::LoadOverview(_)
                | Effect::LoadProviders
                | Effect::LoadCatchUp
                | Effect::LoadOutbox) => read(&desk, effect).await,
                other => write(&desk, other).await,
            }
        });
    }
}

fn imported_words(done: &Imported, desk: &Desk) -> String {
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
async fn links(desk: &Arc<Desk>, effect: Effect) -> Option<Done> {
    Some(match effect {
        Effect::Rest(whom, time) => {
            let rested = match desk.whom(&whom) {
                Ok(whom) => desk.rest_by_hand(&whom, time).await,
                Err(why) => Err(why),
            };
            let words = |_| format!("{whom} is left alone; w asks it again.");
            Done::LinkDone(rested.map(words).map_err(trouble))
        }
        Effect::Wake(whom) => {
            let woken = match desk.whom(&whom) {
                Ok(whom) => desk.wake_by_hand(&whom).await,
                Err(why) => Err(why),
            };
            let words = |()| format!("{whom} is asked again from now on.");
            Done::LinkDone(woken.map(words).map_err(trouble))
        }
        Effect::Probe(link) => {
            let probed = desk.probe(&link, &CancellationToken::new()).await;
            Done::LinkDone(probed.map(|it| probed_words(&link, &it)).map_err(trouble))
        }
        Effect::Drill(plan, ticket) => Done::Drilled(drill(desk, plan, ticket).await),
        _ => return None,
    })
}

async fn drill(
    desk: &Arc<Desk>,
    plan: DrillPlan,
    number: Option<i64>,
) -> Result<Box<Drilled>, Trouble> {
    let ticket = match number {
        Some(number) => Some(desk.by_number(number).await.map_err(trouble)?),
        None => None,
    };
    let ask = DrillAsk {
        plan,
        ticket,
        chain: None,
    };
    let drilled = desk.drill(&ask, &CancellationToken::new()).await;
    drilled.map(Box::new).map_err(trouble)
}

/// Returns what a try of a link showed.
fn probed_words(link: &LinkName, receipt: &Receipt) -> String {
    let cost = receipt.cost().for_people();
    if receipt.ending.has_text() {
        let took = receipt.attempts.last().map(|attempt| attempt.took);
        let took = words::seconds(took.unwrap_or_default());
        return format!("{link} answers, in {took} for {cost}.");
    }
    let last = receipt.attempts.last();
    let why = last.and_then(|attempt| {
        let said = attempt.said.as_deref().map(|said| format!(": {said}"));
        Some(format!(
            "{}{}",
            attempt.class?.words(),
            said.unwrap_or_default()
        ))
    });
    let why = why.unwrap_or_else(|| receipt.ending.word().replace('_', " "));
    format!("{link} does not answer ({why}), for {cost}.")
}

fn save_chain(desk: &Desk, card: &ChainCard) -> Done {
    let name = safe(&card.name);
    let saved = desk.save_chain(card).map_err(trouble);
    Done::ChainSaved(saved.map(|()| format!("Chain {name} is saved in the config.")))
}

/// Says that a task panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broke;

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller has sorted the effects"
)]
async fn read(desk: &Arc<Desk>, effect: Effect) -> Option<Done> {
    Some(match effect {
        Effect::LoadPage {
            query,
            offset,
            limit,
            turn,
        } => {
            let page = desk.queue(&query, offset, limit).await.map_err(trouble);
            Done::Page { turn, page }
        }
        Effect::LoadTicket(ticket) => {
            let view = desk.ticket(ticket).await;
            if let Ok(view) = &view {
                desk.warm_for(view);
            }
            Done::Ticket(ticket, view.map(Box::new).map_err(trouble))
        }
        Effect::LoadSpend => Done::Spend(desk.spend().await.map_err(trouble)),
        Effect::LoadBanners => Done::Banners(banners(desk).await, desk.hint()),
        Effect::LoadChains => Done::Chains(desk.routing().await.map_err(trouble)),
        Effect::LoadKeys => Done::Keys(desk.keys().await.map_err(trouble)),
        Effect::LoadProviders => Done::Providers(desk.link_healths().await.map_err(trouble)),
        Effect::LoadOverview(days) => {
            let view = desk.overview(desk.days_ago(days)).await;
            Done::Overview(days, view.map(Box::new).map_err(trouble))
        }
        Effect::LoadCatchUp => Done::CatchUp(desk.catch_up().await.map_err(trouble)),
        Effect::LoadOutbox => Done::Outbox(desk.waiting_replies().await.map_err(trouble)),
        Effect::LoadReceipts(ask) => {
            let (before, after) = match ask.span {
                ReceiptSpan::Newest => (None, None),
                ReceiptSpan::Before(entry) => (Some(entry), None),
                ReceiptSpan::After(entry) => (None, Some(entry)),
            };
            let page = desk.receipt_page(&ask.query, before, after).await;
            Done::Receipts(ask, page.map(Box::new).map_err(trouble))
        }
        _ => return None,
    })
}

async fn banners(desk: &Desk) -> Vec<String> {
    let refused = desk.refused_keys().await.unwrap_or_default();
    let words = |(provider, said): (ProviderName, Option<String>)| {
        let said = said.map_or_else(String::new, |said| format!(" ({})", safe(&said)));
        let again = if desk.is_demo() {
            "; t on the Keys screen asks it again."
        } else {
            " until a new one is set: Keys screen."
        };
        format!("{provider} refused its key{said} and is left out{again}")
    };
    refused.into_iter().map(words).collect()
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller has sorted the effects"
)]
async fn write(desk: &Desk, effect: Effect) -> Option<Done> {
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
        Effect::QueueReply { ticket, then, seen } => {
            let row = desk.queue_reply(ticket, then, &seen).await;
            Done::Queued(row.map(Box::new).map_err(trouble), then)
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

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller has sorted the effects"
)]
async fn keys(desk: &Desk, effect: Effect) -> Option<Done> {
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

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller has sorted the effects"
)]
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` takes")]
fn trouble(error: DeskError) -> Trouble {
    let kind = match &error {
        DeskError::CapNotChosen => TroubleKind::CapNotChosen,
        error if error.is_conflict() => TroubleKind::Conflict,
        _ => TroubleKind::Other,
    };
    let advice = match &error {
        // On the screen the key is set where one stands already.
        DeskError::KeyNotAccepted { is_new: true, .. } => {
            Some("Nothing was stored; set it again here.".to_owned())
        }
        error => error.advice(),
    };
    Trouble {
        said: safe(&error.to_string()),
        advice,
        kind,
    }
}
