//! What a draft would do, before any call: which chain, in which order, who is asked first and
//! why the others are not. Nothing is held and nothing is asked of a provider.

use super::{Chosen, Desk, DeskError, chains::USUAL_PROMPT, face::KeyCard, route::Occasion};
use crate::{
    domain::{KeyState, LinkName, SkipReason, TicketId, Timestamp, Usd},
    engine::{
        plan::{Plan, PlannedLink, Usable},
        price::Basis,
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
            Self::Backup => "backup",
            Self::LeftOut(_) => "left_out",
        }
    }

    /// Returns what it means, for people.
    pub fn words(&self) -> String {
        match self {
            Self::AskedNow => "asked now".to_owned(),
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
        asked: Option<&[LinkName]>,
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
                (self.route(&view, asked, occasion).await?, prompt_at_most)
            }
            None => (self.usual_route(asked, usual).await?, USUAL_PROMPT),
        };
        let prepared = self.prepare(&chosen, prompt_at_most).await?;
        let cards = self.keys().await?;
        let meter = self.spend().await?.meter;
        let free = (meter.free() < Usd::MAX).then(|| meter.free());
        let mut links: Vec<ExplainedLink> = prepared
            .plan
            .links
            .iter()
            .map(|planned| explained(planned, &prepared.plan, &cards, free))
            .collect();
        if let Some(first) = links
            .iter_mut()
            .find(|link| link.verdict == Verdict::Backup)
        {
            first.verdict = Verdict::AskedNow;
        }
        Ok(Explained {
            chosen,
            prompt_at_most,
            links,
            free,
        })
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
