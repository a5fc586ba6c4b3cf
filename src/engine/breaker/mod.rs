//! Judges how links have behaved lately: a link that fails again and again is left alone a while.
//!
//! Pure; times are civil, for the state is kept and shared by every process. A fault of the caller
//! (400, a refusal, a prompt too long) never counts, nor does one that names its own time (a rate
//! limit, spent credit).

mod standing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::domain::{LinkName, ProviderName, Timestamp};

pub use standing::{Judgement, Luck, Standing, Weight, weight};

/// The standings of all links and of their providers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breakers {
    links: BTreeMap<LinkName, Standing>,
    providers: BTreeMap<ProviderName, Standing>,
}

impl Breakers {
    /// Puts a remembered standing in its place; `name` is a link or a provider.
    pub fn put(&mut self, name: &str, standing: Standing) {
        match name.parse::<LinkName>() {
            Ok(link) => drop(self.links.insert(link, standing)),
            Err(_) => drop(
                self.providers
                    .insert(ProviderName(name.to_owned()), standing),
            ),
        }
    }

    /// Returns every standing that must be remembered, by the name of its link or provider.
    pub fn kept(&self, now: Timestamp) -> BTreeMap<String, &Standing> {
        let links = self
            .links
            .iter()
            .map(|(link, kept)| (link.to_string(), kept));
        let providers = self
            .providers
            .iter()
            .map(|(name, kept)| (name.0.clone(), kept));
        links
            .chain(providers)
            .filter(|(_, kept)| !kept.is_plain(now))
            .collect()
    }

    /// Says whether a link may be asked: neither it nor its provider is open.
    pub fn judge(&self, link: &LinkName, now: Timestamp) -> Judgement {
        let of = |standing: Option<&Standing>| {
            standing.map_or(Judgement::Closed, |standing| standing.judge(now))
        };
        let own = of(self.links.get(link));
        let provider = of(self.providers.get(&link.provider));
        match (own, provider) {
            (Judgement::Rested { until: a }, Judgement::Rested { until: b }) => {
                Judgement::Rested { until: a.max(b) }
            }
            (rested @ Judgement::Rested { .. }, _) | (_, rested @ Judgement::Rested { .. }) => {
                rested
            }
            (Judgement::Open { until: a }, Judgement::Open { until: b }) => {
                Judgement::Open { until: a.max(b) }
            }
            (open @ Judgement::Open { .. }, _) | (_, open @ Judgement::Open { .. }) => open,
            (Judgement::HalfOpen, _) | (_, Judgement::HalfOpen) => Judgement::HalfOpen,
            (Judgement::Closed, Judgement::Closed) => Judgement::Closed,
        }
    }

    /// Notes a failure of a link.
    pub fn failed(&mut self, link: &LinkName, weight: Weight, now: Timestamp, luck: Luck) {
        self.links
            .entry(link.clone())
            .or_default()
            .failed(weight, now, luck);
        self.providers
            .entry(link.provider.clone())
            .or_default()
            .failed(weight, now, luck);
    }

    /// Notes until when the provider asked that a link that is open be left alone.
    pub fn not_before(&mut self, link: &LinkName, until: Timestamp) {
        if let Some(standing) = self.links.get_mut(link) {
            standing.not_before(until);
        }
    }

    /// Notes a probe of a link that was dropped before its answer.
    pub fn undecided(&mut self, link: &LinkName, now: Timestamp, luck: Luck) {
        for standing in self.of(link) {
            standing.undecided(now, luck);
        }
    }

    /// Notes a good answer of a link.
    pub fn worked(&mut self, link: &LinkName, now: Timestamp) {
        for standing in self.of(link) {
            standing.worked(now);
        }
    }

    /// Claims the one probe of a link that may be under way; false when another has it.
    pub fn claim(&mut self, link: &LinkName, now: Timestamp, until: Timestamp) -> bool {
        if self.judge(link, now) != Judgement::HalfOpen {
            return false;
        }
        for standing in self.of(link) {
            standing.claim(now, until);
        }
        true
    }

    /// Gives the claimed probe of a link back: it was not asked after all, or taught nothing.
    pub fn release(&mut self, link: &LinkName) {
        for standing in self.of(link) {
            standing.release();
        }
    }

    /// Lets a link rest until a time, as a person wants it; a provider with all its links when no
    /// model is named.
    pub fn rest(&mut self, provider: &ProviderName, link: Option<&LinkName>, until: Timestamp) {
        match link {
            Some(link) => self.links.entry(link.clone()).or_default().rest(until),
            None => self
                .providers
                .entry(provider.clone())
                .or_default()
                .rest(until),
        }
    }

    /// Forgets what speaks against a link and its provider; against all links of the provider when
    /// no model is named.
    pub fn wake(&mut self, provider: &ProviderName, link: Option<&LinkName>) {
        self.providers.remove(provider);
        self.links.retain(|known, _| match link {
            Some(link) => known != link,
            None => known.provider != *provider,
        });
    }

    /// Tells whether a link that is tried again is to be asked in its turn, and not beside another:
    /// it was always slower than that one.
    pub fn wants_a_turn(&self, link: &LinkName) -> bool {
        let own = self.links.get(link);
        let provider = self.providers.get(&link.provider);
        own.into_iter().chain(provider).any(Standing::wants_a_turn)
    }

    /// Tells whether a link and its provider have answered since they failed too often.
    pub fn is_proved(&self, link: &LinkName) -> bool {
        let own = self.links.get(link);
        let provider = self.providers.get(&link.provider);
        own.into_iter().chain(provider).all(Standing::is_proved)
    }

    /// Returns when a link last failed, if that is remembered.
    pub fn last_failure(&self, link: &LinkName) -> Option<Timestamp> {
        self.links.get(link)?.last_failure()
    }

    fn of(&mut self, link: &LinkName) -> impl Iterator<Item = &mut Standing> {
        let own = self.links.get_mut(link);
        own.into_iter()
            .chain(self.providers.get_mut(&link.provider))
    }
}
