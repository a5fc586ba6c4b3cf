//! Turns effects into tasks and the ends of tasks into messages. Every task is awaited.

mod accounts;
mod links;
mod reads;
mod tables;
mod writes;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::{
    accounts::{accounts, sign_in},
    links::links,
    reads::read,
    writes::{files, keys, save_chain, write},
};
use super::{
    effect::Effect,
    event::{Done, Trouble, TroubleKind},
    paint::safe,
    strays::{Typed, Writing},
    turns::{OwnSave, Turns},
};
use crate::{
    desk::{Desk, DeskError},
    domain::TicketId,
};

/// The tasks of the screen.
pub struct Runner {
    desk: Arc<Desk>,
    tasks: JoinSet<Option<Done>>,
    stops: BTreeMap<TicketId, CancellationToken>,
    signing: CancellationToken,
    newest: Newest,
    turns: Turns,
    own_save: Arc<Mutex<OwnSave>>,
    unsaved: BTreeMap<(TicketId, Writing), Typed>,
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
    Edit(Typed),
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
            signing: CancellationToken::new(),
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
            Effect::EditOutside(typed) => return Some(Outside::Edit(typed)),
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
            Effect::SignIn(account) => {
                let stop = CancellationToken::new();
                self.signing = stop.clone();
                let desk = Arc::clone(&self.desk);
                self.tasks
                    .spawn(async move { sign_in(&desk, &account, &stop).await });
            }
            Effect::StopSignIn => self.signing.cancel(),
            effect @ Effect::LoadTicket(_) => self.read(effect, |newest| &mut newest.ticket),
            effect @ Effect::LoadPage { .. } => self.read(effect, |newest| &mut newest.page),
            effect @ (Effect::Save { .. }
            | Effect::SaveOver(_)
            | Effect::QueueReply(_)
            | Effect::Withdraw(_)
            | Effect::Release(_)
            | Effect::WasSent(_)
            | Effect::AddNote(_)
            | Effect::Address(..)
            | Effect::Attach(..)
            | Effect::NewTicket { .. }
            | Effect::Forward(..)
            | Effect::Merge(..)
            | Effect::Unmerge(_)
            | Effect::Split(_)
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
        if let Effect::Save { typed, .. } | Effect::SaveOver(typed) | Effect::AddNote(typed) =
            &effect
        {
            let whose = (typed.ticket, typed.writing);
            self.unsaved.insert(whose, typed.clone());
        }
        let desk = Arc::clone(&self.desk);
        let own_save = Arc::clone(&self.own_save);
        let mut turn = self.turns.next();
        self.tasks.spawn(async move {
            turn.come().await;
            let wanted = if let Effect::Save { typed, expected } = &effect {
                (typed.writing == Writing::Reply).then_some((typed.ticket, *expected))
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
            }
            | Done::NoteKept(typed, Ok(()))
            | Done::NoteAdded(typed, Ok(())) => {
                let whose = (typed.ticket, typed.writing);
                if self.unsaved.get(&whose) == Some(typed) {
                    self.unsaved.remove(&whose);
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
                effect @ (Effect::LoadFiles(_)
                | Effect::SaveFile(..)
                | Effect::OpenFile(..)
                | Effect::OpenLink(_)) => files(&desk, effect).await,
                effect @ (Effect::FindServers(_) | Effect::AddAccount(..)) => {
                    accounts(&desk, effect).await
                }
                effect @ (Effect::Import(_)
                | Effect::LookAtTable(_)
                | Effect::TryTable(_)
                | Effect::ImportTable(_)) => tables::import(&desk, effect).await,
                Effect::SaveChain(card) => Some(save_chain(&desk, &card)),
                effect @ (Effect::LoadPage { .. }
                | Effect::LoadTicket(_)
                | Effect::Compare(_)
                | Effect::LoadSpend
                | Effect::LoadBanners
                | Effect::LoadKeys
                | Effect::LoadAccounts
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

/// Says that a task panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broke;

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
