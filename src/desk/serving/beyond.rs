//! What a request may cost beyond its own words, and where.

use crate::{domain::ProviderKind, engine::plan::PlannedLink};

/// The largest window there is, where a model's own is not known.
const WINDOW: u64 = 2_000_000;

/// What one tool that the provider defines adds to the prompt at the most, with what is said of its
/// tools in general. Anthropic's computer takes 735 tokens and up to 499 of the system prompt, its
/// editor 700, its shell 245; newer models count a third more.
/// <https://platform.claude.com/docs/en/agents-and-tools/tool-use/computer-use-tool>
const TOOL_TOKENS: u64 = 2_500;

/// What a request may cost beyond its own words, at links whose families are told of it. Others
/// never see what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beyond {
    /// How many answers are asked for at once; each may be as long as the limit allows.
    pub choices: u32,
    /// Whether a part of what is read lies at the provider: up to a whole window.
    pub is_elsewhere: bool,
    /// How many tools it names that the provider defines: what they are is told to the model there.
    pub tools: u32,
    /// Whether something is billed beside tokens: the cost is then counted at its ceiling.
    pub is_unpriced: bool,
    /// What a token may cost, in percent of its usual price.
    pub percent: u32,
    /// Whether the prompt may be written to a cache of Anthropic's.
    pub is_cached: bool,
    /// Which families are told of what costs more.
    pub to: &'static [ProviderKind],
}

impl Default for Beyond {
    fn default() -> Self {
        Self {
            choices: 1,
            is_elsewhere: false,
            tools: 0,
            is_unpriced: false,
            percent: 100,
            is_cached: false,
            to: &[],
        }
    }
}

impl Beyond {
    /// Tells whether something is billed beside tokens at a link of a family.
    pub(super) fn is_unpriced_at(&self, kind: ProviderKind) -> bool {
        self.is_unpriced && self.to.contains(&kind)
    }

    /// Puts into a link what a prompt of at most so many tokens may be there, and at what price.
    pub(super) fn weigh(&self, planned: &mut PlannedLink, kind: ProviderKind, prompt: u64) {
        if !self.to.contains(&kind) {
            return;
        }
        let tools = u64::from(self.tools).saturating_mul(TOOL_TOKENS);
        let mut prompt = prompt.saturating_add(tools);
        if self.is_elsewhere {
            prompt = prompt.max(planned.link.window.unwrap_or(WINDOW));
        }
        planned.prompt_at_most = Some(prompt);
        let Some(price) = planned.price.as_mut().filter(|_| self.percent > 100) else {
            return;
        };
        price.row.raise(u64::from(self.percent));
        let source = &mut price.row.source;
        source.push_str(", counted at ");
        source.push_str(&self.percent.to_string());
        source.push_str(" percent for what was asked");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{LinkName, ProviderName, Usd},
        engine::{
            chain::Link,
            price::{Basis, Price, PriceRow, Rates},
        },
    };

    fn planned(window: Option<u64>) -> PlannedLink {
        let mut link = Link::new(LinkName::new("a", "x"));
        link.window = window;
        let row = PriceRow {
            provider: ProviderName("a".to_owned()),
            model: "x".to_owned(),
            since: None,
            until: None,
            seen: None,
            base: Rates {
                input: Usd::from_dollars(2),
                output: Usd::from_dollars(10),
                ..Rates::default()
            },
            tiers: Vec::new(),
            source: "test".to_owned(),
        };
        let basis = Basis::Own;
        PlannedLink::new(link, Some(Price { row, basis }))
    }

    fn weighed(beyond: &Beyond, window: Option<u64>, kind: ProviderKind) -> PlannedLink {
        let mut planned = planned(window);
        beyond.weigh(&mut planned, kind, 1_000);
        planned
    }

    #[test]
    fn what_lies_at_the_provider_is_as_long_as_the_window_of_each_model() {
        let beyond = Beyond {
            is_elsewhere: true,
            to: &[ProviderKind::Anthropic],
            ..Beyond::default()
        };
        for (window, kind, prompt) in [
            (Some(200_000), ProviderKind::Anthropic, Some(200_000)),
            (Some(1_000_000), ProviderKind::Anthropic, Some(1_000_000)),
            (Some(500), ProviderKind::Anthropic, Some(1_000)),
            (None, ProviderKind::Anthropic, Some(WINDOW)),
            (Some(1_000_000), ProviderKind::Gemini, None),
        ] {
            let planned = weighed(&beyond, window, kind);
            assert_eq!(planned.prompt_at_most, prompt, "{window:?} {kind:?}");
        }
    }

    #[test]
    fn only_who_is_told_of_it_costs_more_for_it() {
        let beyond = Beyond {
            is_unpriced: true,
            percent: 1_200,
            to: &[ProviderKind::Anthropic],
            ..Beyond::default()
        };
        for (kind, input, is_unpriced) in [
            (ProviderKind::Anthropic, 24, true),
            (ProviderKind::OpenAi, 2, false),
        ] {
            let price = weighed(&beyond, None, kind).price.unwrap();
            assert_eq!(price.row.base.input, Usd::from_dollars(input), "{kind:?}");
            assert_eq!(beyond.is_unpriced_at(kind), is_unpriced, "{kind:?}");
        }
    }

    #[test]
    fn tools_of_the_provider_are_a_part_of_the_prompt() {
        let beyond = Beyond {
            tools: 2,
            to: &[ProviderKind::Anthropic],
            ..Beyond::default()
        };

        let planned = weighed(&beyond, None, ProviderKind::Anthropic);

        assert_eq!(planned.prompt_at_most, Some(1_000 + 2 * TOOL_TOKENS));
    }
}
