//! The plan of a run: everything the machine must know before it begins.

use std::time::Duration;

use super::{
    budget::{self, Want},
    chain::{Link, Temper},
    policy::{History, Policy},
    price::{Basis, Price},
};
use crate::domain::{FaultClass, SkipReason, Timestamp};

/// Everything the machine must know before it begins.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many answers each call asks for; 1 but for callers who want several.
    pub choices: u32,
    /// The links in the order they are to be asked.
    pub links: Vec<PlannedLink>,
    /// The most tokens the prompt can have (`Ask::tokens_at_most`), where a link says nothing else.
    pub prompt_at_most: u64,
    /// The most tokens an answer may have.
    pub output_limit: u32,
    /// When the run begins, for receipts and for rests.
    pub began: Timestamp,
    /// How to behave.
    pub policy: Policy,
    /// Whether a model without a price may be asked.
    pub unknown_prices: UnknownPrices,
}

/// Whether a model without a price may be asked (`[spend] allow_unknown_prices`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownPrices {
    /// It is skipped.
    #[default]
    Skipped,
    /// It is counted at the dearest row, marked `~`.
    Allowed,
}

/// One link of the plan.
#[derive(Clone, Debug)]
pub struct PlannedLink {
    /// Which, and what is known of its model.
    pub link: Link,
    /// What it is counted with; none when the price book is empty.
    pub price: Option<Price>,
    /// Whether it can be asked.
    pub usable: Usable,
    /// The most tokens the prompt can have here, where its provider reads more than is sent.
    pub prompt_at_most: Option<u64>,
    /// How it has answered lately.
    pub history: History,
    /// Parameters it was found not to accept.
    pub without: Vec<String>,
}

impl PlannedLink {
    /// Makes a usable link without history.
    pub const fn new(link: Link, price: Option<Price>) -> Self {
        Self {
            link,
            price,
            usable: Usable::Yes,
            prompt_at_most: None,
            history: History {
                first_text_p95: None,
                gap_p99: None,
            },
            without: Vec::new(),
        }
    }

    /// The caller lets the model think before it answers: it is waited for and paid for as one that
    /// does, and not asked where its longest answer leaves no room for words.
    pub fn let_think(&mut self) {
        if self.link.temper == Temper::Plain {
            self.link.temper = Temper::Reasoning;
        }
        if self
            .link
            .output_limit
            .is_some_and(|most| most <= THINKING_LEAST)
        {
            let why = "its answers are too short to think first, as is asked for";
            self.usable = Usable::No(SkipReason::NotUsable(why.to_owned()));
        }
    }
}

/// Whether a link can be asked, as judged before the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Usable {
    /// It can.
    Yes,
    /// It failed too often lately and its time is over: asked beside another, its answer decides.
    HalfOpen,
    /// It rests until a time that its provider named.
    Resting {
        /// Until when.
        until: Timestamp,
        /// What put it to rest.
        because: FaultClass,
    },
    /// It failed too often lately. When no other link is usable it is asked all the same.
    Open {
        /// Until when.
        until: Timestamp,
        /// When it last failed; those that failed longest ago are asked first.
        failed: Option<Timestamp>,
    },
    /// It cannot, for the reason given.
    No(SkipReason),
}

/// What a thinking model is taken to think at the least: Anthropic's minimum.
pub const THINKING_LEAST: u32 = 1_024;

impl Plan {
    /// Returns why a link must be skipped before it is asked, if it must.
    pub fn obstacle(&self, link: &PlannedLink) -> Option<SkipReason> {
        match (&link.usable, &link.price) {
            (Usable::No(reason), _) => Some(reason.clone()),
            (_, None) => Some(SkipReason::NoPrice),
            (_, Some(price)) => (price.basis == Basis::StandIn
                && self.unknown_prices == UnknownPrices::Skipped)
                .then_some(SkipReason::NoPrice),
        }
    }

    /// Returns the most tokens the prompt can have at a link.
    pub fn prompt_at_most(&self, link: &PlannedLink) -> u64 {
        link.prompt_at_most.unwrap_or(self.prompt_at_most)
    }

    /// Returns what an attempt at a link asks of the ledger.
    pub fn want(&self, link: &PlannedLink) -> Option<Want> {
        let limit = link
            .link
            .output_limit
            .map_or(self.output_limit, |most| most.min(self.output_limit));
        let thinking = match link.link.temper {
            Temper::Plain | Temper::Local => 0,
            Temper::Reasoning | Temper::Silent => THINKING_LEAST,
        };
        let price = link.price.as_ref()?;
        let limit = limit.saturating_mul(self.choices.max(1));
        Some(budget::want(
            price,
            self.prompt_at_most(link),
            limit,
            thinking,
        ))
    }

    /// Returns what the cheapest useful draft of this plan needs: below it AI work is paused.
    pub fn cheapest(&self) -> Option<crate::domain::Usd> {
        self.links
            .iter()
            .filter(|link| self.obstacle(link).is_none())
            .filter_map(|link| self.want(link))
            .map(|want| want.floor)
            .min()
    }

    /// Returns how long after the beginning a time is; nothing when it is past.
    pub(super) fn wait_until(&self, time: Timestamp) -> Duration {
        Duration::try_from(time.duration_since(self.began)).unwrap_or(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::LinkName;

    #[test]
    fn who_is_to_think_is_waited_for_and_needs_room_for_words() {
        for (most, can) in [(None, true), (Some(8_192), true), (Some(1_024), false)] {
            let mut link = Link::new(LinkName::new("a", "x"));
            link.output_limit = most;
            let mut planned = PlannedLink::new(link, None);

            planned.let_think();

            assert_eq!(planned.link.temper, Temper::Reasoning);
            assert_eq!(!matches!(planned.usable, Usable::No(_)), can, "{most:?}");
        }
    }
}
