//! One request, from its links to its receipt.

use std::{
    collections::BTreeMap,
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::Ordering},
};

use futures::FutureExt as _;
use tokio::{
    sync::{
        mpsc::{OwnedPermit, error::TrySendError},
        oneshot,
    },
    time::sleep,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::{
    LARGE, SLOT_PATIENCE, Serving,
    beyond::Beyond,
    bursar::{Books, Denied},
    luck,
    pipe::{Hearer, pipe},
    relay::{self, Closing, Head, HoldBack, Out, Piece},
    running::Running,
    scribe::Done,
};
use crate::{
    desk::{
        Desk,
        chains::{Chosen, Memory, Prepared},
        drive::{Doors, drive_relayed},
        voice::Voice,
    },
    domain::{Ending, LinkName, ProviderKind, Receipt, ReceiptId, RunId, SkipReason},
    engine::{
        ask::Ask,
        plan::Usable,
        routing::{Candidate, Routing, order},
    },
};

/// The most tokens of an answer where neither the caller nor the catalogue says.
const OUTPUT_LIMIT: u32 = 4_096;

/// How long a request waits for money that others hold.
const HOLD_PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// A request to be passed on.
#[derive(Clone, Debug)]
pub struct PassAsk {
    /// Who asks: the name of the token.
    pub caller: String,
    /// What is asked, with the caller's own words in it.
    pub ask: Ask,
    /// Which links may answer, in order, and where that comes from.
    pub chosen: Chosen,
    /// In which order they are asked; as they stand when nobody says.
    pub routing: Option<Routing>,
    /// Whether the answer is read as it comes, and how long its beginning is kept back.
    pub stream: Option<HoldBack>,
    /// What it may cost beyond its own words.
    pub beyond: Beyond,
    /// What cannot be said in every wire format, and in which it can.
    pub bound: Vec<(String, Vec<ProviderKind>)>,
    /// The most tokens the caller wants.
    pub output_limit: Option<u32>,
    /// Parameters that the caller wrote.
    pub callers: Vec<String>,
}

/// Why a request is not passed on at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassError {
    /// No link speaks a wire format in which this can be said.
    #[error("{what} cannot be passed on to {to}: {why}")]
    NotTranslatable {
        /// What.
        what: String,
        /// To whom.
        to: String,
        /// Why, and what to do.
        why: &'static str,
    },
    /// The server is being stopped.
    #[error("deskhand is being stopped; ask again in a moment.")]
    Stopping,
    /// What earlier requests cost could not be written.
    #[error("deskhand cannot write its ledger, so nothing new is asked; its log says why.")]
    NoLedger,
}

/// A request under way.
pub struct Passing {
    /// Its receipt, written when it is over.
    pub receipt: ReceiptId,
    /// What is told of it while it is answered; nothing where the answer comes in one piece.
    pub told: Hearer,
    /// How it came out.
    pub end: oneshot::Receiver<Passed>,
    /// Dropped, it stops: nobody waits for the answer.
    pub guard: DropGuard,
    /// The work itself.
    pub running: Running,
}

/// How a request came out.
#[derive(Clone)]
pub struct Passed {
    /// What will be kept of it.
    pub receipt: Arc<Receipt>,
    /// Who answered; none without an answer.
    pub head: Option<Head>,
    /// The answer, where it did not leave piece by piece.
    pub pieces: Vec<Piece>,
    /// How the answer ended.
    pub closing: Closing,
    /// Whether a part of it has left already.
    pub is_released: bool,
    /// What denied it, if anything did.
    pub denied: Option<Denied>,
}

impl fmt::Debug for Passed {
    /// A receipt holds what providers said, which may be a customer's words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (receipt, ending) = (self.receipt.id, self.receipt.ending);
        let pieces = self.pieces.len();
        write!(f, "Passed {receipt}, {ending:?}, {pieces} pieces")
    }
}

impl Serving {
    /// Begins to pass a request on, when there is a place for its receipt.
    pub async fn pass(self: &Arc<Self>, ask: PassAsk) -> Result<Passing, PassError> {
        self.check(&ask)?;
        // Taken before the look: whoever stops waits for it, or is seen here.
        let place = self.requests.token();
        if self.is_closed.load(Ordering::SeqCst) {
            return Err(PassError::Stopping);
        }
        if self.cannot_write.load(Ordering::Acquire) {
            return Err(PassError::NoLedger);
        }
        // Its place among those that are to be written down: nobody begins without one.
        let slot = self.slot().await?;
        let receipt = ReceiptId::new(Uuid::now_v7());
        let cancel = self.stop.child_token();
        let (tell, told) = pipe(cancel.clone());
        let (ended, end) = oneshot::channel();
        let guard = cancel.clone().drop_guard();
        let serving = Arc::clone(self);
        let raw = ask.ask.raw.as_ref();
        let is_large = raw.is_some_and(|raw| raw.body.len() >= LARGE);
        let run = async move {
            let out = match ask.stream {
                Some(hold) => Out::Stream(tell, hold),
                None => Out::Kept,
            };
            let run = RunId::new(Uuid::now_v7());
            let books = Books::new(&serving, run, serving.unpriced(&ask));
            let running =
                AssertUnwindSafe(serving.run((receipt, run), &ask, (out, &books), &cancel));
            let receipt = if let Ok(passed) = running.catch_unwind().await {
                let receipt = Arc::clone(&passed.receipt);
                // A client that has gone needs no answer.
                ended.send(passed).ok();
                // The answer leaves first: what is kept of it waits for nobody.
                tokio::task::yield_now().await;
                PassAsk::without_words(Arc::unwrap_or_clone(receipt))
            } else {
                tracing::error!(%run, "a request ended by a fault of ours");
                books.settle_at_most(serving.desk.now());
                ask.broken((receipt, run), serving.desk.now())
            };
            let settled = books.take_settled();
            slot.send(Done { settled, receipt });
            drop(place);
        };
        let mut running = Running::new(run, self.requests.clone());
        if is_large {
            running.let_go_on(&self.runtime);
        }
        Ok(Passing {
            receipt,
            told,
            end,
            guard,
            running,
        })
    }

    /// Refuses what no link can be asked.
    fn check(&self, ask: &PassAsk) -> Result<(), PassError> {
        let settings = self.desk.settings();
        let mut first = None;
        for link in &ask.chosen.links {
            let Some(provider) = settings.provider(&link.provider) else {
                return Ok(());
            };
            match ask.untold(provider.kind) {
                None => return Ok(()),
                Some(what) => {
                    first.get_or_insert((what, link.to_string()));
                }
            }
        }
        let Some((what, to)) = first else {
            return Ok(());
        };
        Err(PassError::NotTranslatable {
            what: what.to_owned(),
            to,
            why: "its provider has no word for it. Leave it out, or ask a model of another provider.",
        })
    }

    /// Returns at which links something is billed beside tokens.
    fn unpriced(&self, ask: &PassAsk) -> Vec<LinkName> {
        if !ask.beyond.is_unpriced {
            return Vec::new();
        }
        let settings = self.desk.settings();
        let links = ask.chosen.links.iter().filter(|link| {
            let provider = settings.provider(&link.provider);
            provider.is_some_and(|provider| ask.beyond.is_unpriced_at(provider.kind))
        });
        links.cloned().collect()
    }

    async fn run(
        &self,
        (receipt, run): (ReceiptId, RunId),
        ask: &PassAsk,
        (out, books): (Out, &Books<'_>),
        cancel: &CancellationToken,
    ) -> Passed {
        self.refresh_if_old().await;
        let mut prepared = self.prepare(ask).await;
        let claimed = self.claim(&mut prepared).await;
        let Prepared {
            plan,
            endpoints,
            fingerprints,
            ..
        } = prepared;
        let voice = Voice::new(&self.desk.transport, &ask.ask, &endpoints).warming(&self.requests);
        let doors = Doors {
            ledger: books,
            speaker: &voice,
            clock: self.desk.clock.as_ref(),
            teller: None,
        };
        let links = plan.links.iter();
        let chain: Vec<LinkName> = links.map(|planned| planned.link.name.clone()).collect();
        let mut passing = relay::Passing::new(out, chain.clone()).leaving(&plan);
        let (plan, company) = self.desk.with_company(plan);
        let mut outcome = drive_relayed(plan, doors, &mut passing, cancel).await;
        books.correct(&mut outcome.attempts);
        self.desk.after_company(company, &outcome);
        let luck = luck();
        self.known.learn(
            &outcome.lessons,
            (&fingerprints, outcome.span.0),
            self.desk.now(),
            luck,
        );
        self.answered(self.desk.release_probes(&claimed)).await;
        let denied = books.denied();
        let denied_by = denied.map(|denied| denied.by);
        let mut receipt = ask.receipt((receipt, run), chain, outcome, denied_by);
        if receipt.ending == Ending::Cancelled && self.stop.is_cancelled() {
            "stopped: the server was being stopped".clone_into(&mut receipt.action);
        }
        if receipt.ending == Ending::Refused {
            let last = receipt.attempts.last();
            passing.declined(last.map(|attempt| &attempt.link));
        }
        let is_released = passing.is_released();
        let kept = passing.into_kept(&receipt.attempts, &receipt.skipped);
        let is_answered = receipt.ending.has_text();
        Passed {
            head: kept.head.filter(|_| is_answered),
            pieces: kept.pieces,
            closing: kept.closing,
            is_released,
            denied,
            receipt: Arc::new(receipt),
        }
    }

    /// Returns a place among the results that are written down.
    async fn slot(&self) -> Result<OwnedPermit<Done>, PassError> {
        let to = self
            .done
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
            .ok_or(PassError::Stopping)?;
        let to = match to.try_reserve_owned() {
            Ok(slot) => return Ok(slot),
            Err(TrySendError::Full(to) | TrySendError::Closed(to)) => to,
        };
        tokio::select! {
            slot = to.reserve_owned() => slot.map_err(|_| PassError::Stopping),
            () = self.stop.cancelled() => Err(PassError::Stopping),
            () = sleep(SLOT_PATIENCE) => Err(PassError::NoLedger),
        }
    }

    /// Prepares the links: those that were prepared a moment ago from memory.
    async fn links(&self, ask: &PassAsk, memory: &Memory, prompt_at_most: u64) -> Prepared {
        let settings = self.desk.settings();
        let now = self.desk.clock.mono();
        let mut prepared = Prepared {
            plan: Desk::empty_plan(&settings, prompt_at_most, self.desk.now()),
            endpoints: BTreeMap::new(),
            fingerprints: BTreeMap::new(),
            claimed: Vec::new(),
        };
        for name in &ask.chosen.links {
            let planned = if let Some(template) = self.ready.get(name, &settings, now) {
                let mut planned = template.planned.clone();
                self.desk
                    .remember(&mut planned, &template.fingerprint, memory);
                prepared.endpoints.insert(name.clone(), template.to.clone());
                let fingerprint = template.fingerprint.clone();
                let provider = name.provider.clone();
                prepared.fingerprints.insert(provider, fingerprint);
                planned
            } else {
                let since = self.ready.forgotten();
                let planning = self.desk.plan_link(name, &settings, memory, &mut prepared);
                let planned = planning.await;
                self.ready.keep(&planned, &prepared, since);
                planned
            };
            prepared.plan.links.push(planned);
        }
        prepared
    }

    async fn prepare(&self, ask: &PassAsk) -> Prepared {
        let memory = self.known.memory();
        let settings = self.desk.settings();
        let prompt_at_most = ask.prompt_at_most();
        let mut prepared = self.links(ask, &memory, prompt_at_most).await;
        let plan = &mut prepared.plan;
        plan.output_limit = ask.output_limit.unwrap_or(u32::MAX);
        plan.choices = ask.beyond.choices;
        plan.policy.callers.clone_from(&ask.callers);
        plan.policy.clocks.hold = plan.policy.clocks.hold.min(HOLD_PATIENCE);
        let raw = ask.ask.raw.as_ref();
        let thinks = raw.is_some_and(|raw| raw.thinking_budget().is_some());
        for planned in &mut plan.links {
            planned.link.stream = ask.stream.is_some();
            if planned.link.output_limit.is_none() && ask.output_limit.is_none() {
                planned.link.output_limit = Some(OUTPUT_LIMIT);
            }
            let Some(to) = prepared.endpoints.get_mut(&planned.link.name) else {
                continue;
            };
            to.stream = ask.stream.is_some();
            if ask.beyond.is_cached && to.kind == ProviderKind::Anthropic {
                planned.price = settings.price(&planned.link.name, self.desk.now());
            }
            ask.beyond.weigh(planned, to.kind, prompt_at_most);
            if thinks && to.kind == ProviderKind::Anthropic {
                planned.let_think();
            }
            if let Some(what) = ask.untold(to.kind) {
                let why = format!("{what} cannot be said in its words");
                planned.usable = Usable::No(SkipReason::NotUsable(why));
            }
        }
        if let Some(routing) = ask.routing {
            put_in_order(&mut prepared, routing, &memory);
        }
        prepared
    }

    /// Lets this request try links that were left alone, if no other does; the others of this
    /// process find out in memory, those of other processes in the store.
    async fn claim(&self, prepared: &mut Prepared) -> Vec<LinkName> {
        let now = self.desk.now();
        let until = now
            .checked_add(prepared.plan.policy.clocks.run)
            .unwrap_or(now);
        let mut is_first = false;
        for planned in &mut prepared.plan.links {
            if planned.usable != Usable::HalfOpen {
                continue;
            }
            if self.known.claim(&planned.link.name, now, until) {
                is_first = true;
            } else {
                planned.usable = Usable::Open {
                    until,
                    failed: None,
                };
            }
        }
        if is_first {
            let claiming = self.desk.claim_probes(prepared);
            self.tried("a link is tried again without the others knowing", claiming)
                .await;
        }
        std::mem::take(&mut prepared.claimed)
    }
}

impl PassAsk {
    /// Returns what of the request cannot be said in a wire format.
    fn untold(&self, kind: ProviderKind) -> Option<&str> {
        let mut bound = self.bound.iter();
        let what = bound.find(|(_, kinds)| !kinds.contains(&kind))?;
        Some(&what.0)
    }

    /// Returns the most input tokens it can be: as the caller wrote it, or as it is understood.
    fn prompt_at_most(&self) -> u64 {
        let understood = self.ask.tokens_at_most();
        let written = self.ask.raw.as_ref().map_or(0, |raw| raw.body.len());
        // A picture is counted as what it is understood to be, not at the length of its bytes.
        let words = written.saturating_sub(self.ask.picture_bytes());
        understood.max(u64::try_from(words).unwrap_or(u64::MAX))
    }
}

/// Puts the links in the order that the caller asked for.
fn put_in_order(prepared: &mut Prepared, routing: Routing, memory: &Memory) {
    let plan = &mut prepared.plan;
    let candidates = plan.links.iter().map(|planned| Candidate {
        link: planned.link.name.clone(),
        estimate: plan.want(planned).map(|want| want.ceiling),
        first_text: memory
            .times
            .get(&planned.link.name)
            .and_then(|times| times.history().first_text_p95),
    });
    let turn = u64::from(luck().0);
    let names = order(candidates.collect(), routing, turn);
    let place = |name: &LinkName| names.iter().position(|own| own == name);
    plan.links.sort_by_key(|planned| place(&planned.link.name));
}
