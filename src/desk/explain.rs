//! What a draft would do, before any call: which chain, in which order, who is asked first and
//! why the others are not. Nothing is held and nothing is asked of a provider.

use std::collections::VecDeque;

use super::{
    Chosen, Desk, DeskError,
    chains::USUAL_PROMPT,
    face::{AskedChain, KeyCard},
    route::Occasion,
};
use crate::{
    domain::{CapName, KeyState, LinkName, Mono, SkipReason, TicketId, Timestamp, Usd},
    engine::{
        plan::{Plan, PlannedLink, Usable},
        price::Basis,
        run::{Command, Input, Run},
    },
};

/// The decision on one draft.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The links in the order in which they would be asked, and where that comes from.
    pub chosen: Chosen,
    /// The most tokens the prompt can have.
    pub prompt_at_most: u64,
    /// What is known of each link.
    pub links: Vec<ExplainedLink>,
    /// What may still be held this month; none without a cap.
    pub free: Option<Usd>,
}

impl Explained {
    /// Returns the link that would be asked now, if one would.
    pub fn asked(&self) -> Option<&LinkName> {
        let mut links = self.links.iter();
        let first = links.find(|link| link.verdict == Verdict::AskedNow);
        first.map(|link| &link.link)
    }
}

/// One link of the decision.
#[derive(Clone, Debug)]
pub struct ExplainedLink {
    /// Which.
    pub link: LinkName,
    /// What would be done with it.
    pub verdict: Verdict,
    /// Until when it is left alone, where that is known.
    pub until: Option<Timestamp>,
    /// What is known of its key, in words.
    pub key: String,
    /// What a draft can cost at most; none without a price.
    pub estimate: Option<Usd>,
    /// Whether the price is a stand-in.
    pub is_estimate_rough: bool,
    /// How many tokens fit into it, where that is known.
    pub window: Option<u64>,
}

/// What would be done with a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the one to be asked.
    AskedNow,
    /// It failed lately and is tried again beside the one that is asked now.
    AskedBeside,
    /// It is asked when those before it fail.
    Backup,
    /// It would be left out.
    LeftOut(SkipReason),
}

impl Verdict {
    /// Returns the word in JSON.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::AskedNow => "asked_now",
            Self::AskedBeside => "asked_beside",
            Self::Backup => "backup",
            Self::LeftOut(_) => "left_out",
        }
    }

    /// Returns what it means, for people.
    pub fn words(&self) -> String {
        match self {
            Self::AskedNow => "asked now".to_owned(),
            Self::AskedBeside => "tried again beside it, after failures".to_owned(),
            Self::Backup => "asked when those before it fail".to_owned(),
            Self::LeftOut(reason) => reason.words(),
        }
    }
}

impl Desk {
    /// Says what a draft for a ticket, or a usual one without, would do now.
    pub async fn explain(
        &self,
        ticket: Option<TicketId>,
        asked: Option<&AskedChain>,
    ) -> Result<Explained, DeskError> {
        let usual = Occasion {
            prompt_at_most: USUAL_PROMPT,
            turn: 0,
        };
        let (chosen, prompt_at_most) = match ticket {
            Some(ticket) => {
                let view = self.ticket(ticket).await?;
                let prompted = self.prompted(&view, None);
                let prompt_at_most = prompted.ask.tokens_at_most();
                let occasion = Occasion {
                    prompt_at_most,
                    ..usual
                };
                (
                    self.route(Some(&view), asked, occasion).await?,
                    prompt_at_most,
                )
            }
            None => (self.route(None, asked, usual).await?, USUAL_PROMPT),
        };
        let prepared = self.prepare(&chosen, prompt_at_most).await?;
        let cards = self.keys().await?;
        let free = self.free_for(ticket).await?;
        let free = (free < Usd::MAX).then_some(free);
        let mut links: Vec<ExplainedLink> = prepared
            .plan
            .links
            .iter()
            .map(|planned| explained(planned, &prepared.plan, &cards, free))
            .collect();
        decide(&mut links, &prepared.plan);
        Ok(Explained {
            chosen,
            prompt_at_most,
            links,
            free,
        })
    }
}

impl Desk {
    /// Returns what the tightest limit leaves a draft for this ticket.
    async fn free_for(&self, ticket: Option<TicketId>) -> Result<Usd, DeskError> {
        let spend = self.spend().await?;
        let mut free = spend.meter.free();
        for day in spend.caps.iter().filter(|cap| cap.name == CapName::Day) {
            free = free.min(day.cap.minus(day.settled.amount()).minus(day.held));
        }
        if let (Some(cap), Some(ticket)) = (self.side_caps().ticket, ticket) {
            free = free.min(cap.minus(self.store.ticket_sums(ticket).await?.taken()));
        }
        Ok(free)
    }
}

/// Lets the machine itself say whom it asks first: nobody can know better.
fn decide(links: &mut [ExplainedLink], plan: &Plan) {
    let now = Mono::default();
    let mut run = Run::new(plan.clone());
    let mut said = VecDeque::from(run.step(Input::Start, now));
    let mut verdicts = [Verdict::AskedNow, Verdict::AskedBeside].into_iter();
    while let Some(command) = said.pop_front() {
        let Command::Hold(wanted) = command else {
            continue;
        };
        let Some(link) = links.iter_mut().find(|link| link.link == wanted.link) else {
            continue;
        };
        if link.verdict == Verdict::LeftOut(SkipReason::OverCap) {
            let attempt = wanted.attempt;
            said.extend(run.step(Input::Denied { attempt }, now));
        } else if let Some(verdict) = verdicts.next() {
            link.verdict = verdict;
            link.until = None;
        }
    }
}

fn explained(
    planned: &PlannedLink,
    plan: &Plan,
    cards: &[KeyCard],
    free: Option<Usd>,
) -> ExplainedLink {
    let want = plan.want(planned);
    let is_over = want
        .as_ref()
        .is_some_and(|want| free.is_some_and(|free| free < want.ceiling && free < want.floor));
    let (verdict, until) = match (&planned.usable, plan.obstacle(planned)) {
        (_, Some(reason)) => (Verdict::LeftOut(reason), None),
        (Usable::Resting { until, because }, None) => {
            let reason = SkipReason::Resting {
                until: *until,
                because: *because,
            };
            (Verdict::LeftOut(reason), Some(*until))
        }
        (Usable::Open { until, .. }, None) => {
            let reason = SkipReason::Open { until: *until };
            (Verdict::LeftOut(reason), Some(*until))
        }
        (Usable::Yes | Usable::HalfOpen | Usable::No(_), None) if is_over => {
            (Verdict::LeftOut(SkipReason::OverCap), None)
        }
        (Usable::Yes | Usable::HalfOpen | Usable::No(_), None) => (Verdict::Backup, None),
    };
    let card = cards
        .iter()
        .find(|card| card.provider == planned.link.name.provider);
    ExplainedLink {
        link: planned.link.name.clone(),
        verdict,
        until,
        key: card.map_or_else(|| "unknown provider".to_owned(), key_words),
        estimate: want.map(|want| want.ceiling),
        is_estimate_rough: planned
            .price
            .as_ref()
            .is_some_and(|price| price.basis == Basis::StandIn),
        window: planned.link.window,
    }
}

fn key_words(card: &KeyCard) -> String {
    use super::face::KeyOrigin;
    match (&card.origin, card.state) {
        (KeyOrigin::NotNeeded, _) => "needs none".to_owned(),
        (KeyOrigin::Missing, _) => "missing".to_owned(),
        (_, Some(KeyState::Verified)) => "good".to_owned(),
        (_, Some(KeyState::Invalid)) => "refused".to_owned(),
        (_, Some(KeyState::NoCredit)) => "no credit".to_owned(),
        (_, None) => "not tried yet".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::FaultClass,
        engine::{
            chain::Link,
            plan::UnknownPrices,
            policy::Policy,
            price::{Price, PriceRow, Rates},
        },
    };

    fn price(link: &LinkName) -> Price {
        Price {
            row: PriceRow {
                provider: link.provider.clone(),
                model: link.model.0.clone(),
                since: None,
                until: None,
                seen: None,
                base: Rates::default(),
                tiers: Vec::new(),
                source: "test".to_owned(),
            },
            basis: Basis::Own,
        }
    }

    /// Returns the verdicts on links that stand so.
    fn verdicts<const N: usize>(usable: [Usable; N]) -> [&'static str; N] {
        let links = usable.into_iter().enumerate().map(|(place, usable)| {
            let name = LinkName::new("a", &place.to_string());
            let price = price(&name);
            let mut planned = PlannedLink::new(Link::new(name), Some(price));
            planned.usable = usable;
            planned
        });
        let plan = Plan {
            choices: 1,
            links: links.collect(),
            prompt_at_most: 1_000,
            output_limit: 1_000,
            began: Timestamp::UNIX_EPOCH,
            policy: Policy::default(),
            unknown_prices: UnknownPrices::Skipped,
        };
        let mut links: Vec<ExplainedLink> = plan
            .links
            .iter()
            .map(|planned| explained(planned, &plan, &[], None))
            .collect();
        decide(&mut links, &plan);
        std::array::from_fn(|place| links[place].verdict.word())
    }

    #[test]
    fn the_machine_says_whom_it_asks() {
        let until = Timestamp::UNIX_EPOCH;
        let open = |failed| Usable::Open {
            until,
            failed: Timestamp::from_microsecond(failed).ok(),
        };
        let rests = Usable::Resting {
            until: Timestamp::MAX,
            because: FaultClass::RateLimited,
        };

        assert_eq!(
            verdicts([Usable::Yes, Usable::Yes]),
            ["asked_now", "backup"]
        );
        assert_eq!(
            verdicts([Usable::HalfOpen, Usable::Yes, Usable::Yes]),
            ["asked_beside", "asked_now", "backup"]
        );
        assert_eq!(verdicts([open(1), Usable::Yes]), ["left_out", "asked_now"]);
        // All fail: the one that failed longest ago.
        assert_eq!(verdicts([open(2), open(1)]), ["left_out", "asked_now"]);
        assert_eq!(verdicts([rests.clone(), rests]), ["left_out", "left_out"]);
    }
}
