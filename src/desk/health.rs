//! How providers and links are, for people: state, key, speed, failures, price; and the tiny call
//! that tries a link.

use std::{collections::BTreeMap, time::Duration};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Chosen, Desk, DeskError,
    books::Books,
    chains::USUAL_PROMPT,
    drive::{Doors, drive},
    face::KeyCard,
    keep::receipt_of,
    receipts::Enough,
    voice::Voice,
};
use crate::{
    domain::{
        FaultClass, LinkName, RateLeft, Receipt, ReceiptQuery, RunId, SkipReason, Task, TicketId,
        Timestamp, Usd,
        receipt_query::{ReceiptTerm, ReceiptTest},
    },
    engine::{
        ask::{Ask, Role, Turn},
        figures::{Figures, FirstText},
        plan::Usable,
        prompt::Prompted,
    },
};

/// What a probe says; whatever the model answers is good.
const PROBE: &str = "Answer with the one word OK.";
/// The most tokens a probe may write: thinking models need some before the word.
const PROBE_TOKENS: u32 = 256;
/// How far back failures and times are looked for.
const LATELY: Duration = Duration::from_hours(24);
const HOUR: Duration = Duration::from_hours(1);

/// How one link is.
#[derive(Clone, Debug)]
pub struct LinkHealth {
    /// The link.
    pub link: LinkName,
    /// Its place in the default chain, 1 for the primary.
    pub place: Option<usize>,
    /// Whether it can be asked; `Usable::No` says why not.
    pub usable: Usable,
    /// Its key.
    pub card: Option<KeyCard>,
    /// First-text times of the last day.
    pub first_text: Option<FirstText>,
    /// Failed calls of the last day by class.
    pub failures: BTreeMap<FaultClass, u64>,
    /// Failed calls of the last hour by class.
    pub failures_hour: BTreeMap<FaultClass, u64>,
    /// What was last said to be left of its rate limit, and when.
    pub left: Option<(RateLeft, Timestamp)>,
    /// The chains it is a link of.
    pub chains: Vec<String>,
    /// What a usual draft costs at most.
    pub estimate: Option<Usd>,
    /// The price in words.
    pub price: Option<String>,
}

impl LinkHealth {
    /// Returns the word for its state, and until when it lasts.
    pub fn state(&self) -> (&'static str, Option<Timestamp>) {
        match &self.usable {
            Usable::Yes => ("ready", None),
            Usable::HalfOpen => ("half_open", None),
            Usable::Resting { until, .. } => ("resting", Some(*until)),
            Usable::Open { until, .. } => ("open", Some(*until)),
            Usable::No(SkipReason::RestedByHand { until }) => ("rested_by_hand", Some(*until)),
            Usable::No(SkipReason::KeyInvalid) => ("key_refused", None),
            Usable::No(SkipReason::NoKey) => ("no_key", None),
            Usable::No(_) => ("not_usable", None),
        }
    }

    /// Returns its state in words, without a time.
    pub fn state_words(&self) -> String {
        match &self.usable {
            Usable::Yes => "ready".to_owned(),
            Usable::HalfOpen => "tried again beside the next".to_owned(),
            Usable::Resting { because, .. } => format!("resting: {}", because.words()),
            Usable::Open { .. } => "resting: failed too often lately".to_owned(),
            Usable::No(reason) => reason.words(),
        }
    }
}

impl Desk {
    /// Returns how every link of the chains and every connected provider's default link is.
    pub async fn link_healths(&self) -> Result<Vec<LinkHealth>, DeskError> {
        let settings = self.settings();
        let default = self.chain(None).await?.links;
        let mut links = default.clone();
        for link in settings.config.chains.values().flatten() {
            if !links.contains(link) {
                links.push(link.clone());
            }
        }
        let chosen = Chosen {
            links,
            from: String::new(),
        };
        let memory = self.memory().await?;
        let prepared = self.prepare_with(&memory, &chosen, USUAL_PROMPT).await;
        let cards = self.keys().await?;
        let (figures, hour) = self.lately().await?;
        let left = |link: &LinkName| {
            memory
                .times
                .get(link)
                .and_then(crate::engine::times::Times::left)
        };
        let texts = figures.first_texts();
        let health = |planned: &crate::engine::plan::PlannedLink| {
            let link = planned.link.name.clone();
            LinkHealth {
                place: default.iter().position(|own| *own == link).map(|at| at + 1),
                usable: planned.usable.clone(),
                card: cards
                    .iter()
                    .find(|card| card.provider == link.provider)
                    .cloned(),
                first_text: texts.get(&link).copied(),
                failures: figures.failures_of(&link),
                failures_hour: hour.failures_of(&link),
                left: left(&link),
                chains: settings.chains_of(&link),
                estimate: prepared.plan.want(planned).map(|want| want.ceiling),
                price: planned
                    .price
                    .as_ref()
                    .map(crate::engine::price::Price::words),
                link,
            }
        };
        Ok(prepared.plan.links.iter().map(health).collect())
    }

    /// Returns the figures of the last day and of the last hour.
    async fn lately(&self) -> Result<(Figures, Figures), DeskError> {
        let now = self.clock.now();
        let (since, hour_since) = (now - LATELY, now - HOUR);
        let query = ReceiptQuery {
            terms: vec![ReceiptTerm {
                negated: false,
                test: ReceiptTest::Since(since),
            }],
        };
        let mut figures = Figures::new(self.settings().zone.clone());
        let mut hour = figures.clone();
        let mut add = |_, receipt: Receipt| {
            figures.add(&receipt);
            if receipt.began >= hour_since {
                hour.add(&receipt);
            }
            Enough::No
        };
        self.each_receipt(&query, &mut add).await?;
        Ok((figures, hour))
    }

    /// Tries a link with a tiny call, whatever is said against it. It costs what its receipt says,
    /// under the same caps, and what it teaches is kept.
    pub async fn probe(
        &self,
        link: &LinkName,
        cancel: &CancellationToken,
    ) -> Result<Receipt, DeskError> {
        let prompted = Prompted {
            ask: Ask {
                system: "You are asked whether you are there.".to_owned(),
                turns: vec![Turn::says(Role::User, PROBE.to_owned())],
                output_limit: PROBE_TOKENS,
                ..Ask::default()
            },
            words_sent: 0,
            words_whole: 0,
            redacted: Vec::new(),
            sources: Vec::new(),
        };
        let chosen = Chosen {
            links: vec![link.clone()],
            from: "a probe".to_owned(),
        };
        let mut prepared = self.prepare(&chosen, prompted.ask.tokens_at_most()).await?;
        for planned in &mut prepared.plan.links {
            force(&mut planned.usable);
        }
        prepared.plan.output_limit = PROBE_TOKENS;
        let run = RunId::new(Uuid::now_v7());
        let agent = self.agent();
        let teller = self
            .live
            .begin(run, TicketId::new(Uuid::nil()))
            .map_err(|_| DeskError::Nothing("Too many drafts run already. Wait for one."))?;
        let books = Books::of_run(self, run, None, &agent);
        let voice = Voice::new(&self.transport, &prompted.ask, &prepared.endpoints);
        let doors = Doors {
            ledger: &books,
            speaker: &voice,
            clock: self.clock.as_ref(),
            teller: Some(&teller),
        };
        let outcome = drive(prepared.plan.clone(), doors, cancel).await;
        for unsettled in &outcome.unsettled {
            self.settle_later(unsettled);
        }
        let mut receipt = receipt_of((run, &agent), None, &chosen, &prompted, &outcome);
        receipt.task = Task::Probe;
        receipt.action = if receipt.ending.has_text() {
            "probed: it answers".to_owned()
        } else {
            format!("probed: {}", receipt.ending.word())
        };
        self.store.write_receipt(&receipt).await?;
        self.learn(&outcome.lessons, &prepared.fingerprints, outcome.span.0)
            .await?;
        self.announce().await?;
        Ok(receipt)
    }
}

/// Lets a link be asked whatever the breaker and rests say; a missing or refused key stays so.
pub(super) fn force(usable: &mut Usable) {
    match usable {
        Usable::Resting { .. }
        | Usable::Open { .. }
        | Usable::HalfOpen
        | Usable::No(SkipReason::RestedByHand { .. }) => *usable = Usable::Yes,
        Usable::Yes | Usable::No(_) => {}
    }
}
