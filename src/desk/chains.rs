//! Which links are to be asked, in which order, and whether each can be.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::{
    Desk, DeskError, Settings,
    learn::{GONE_REST, read_times},
};
use crate::{
    domain::{
        FaultClass, KeySource, KeyStanding, KeyState, LinkName, ProviderKind, ProviderName, Rest,
        SkipReason, Timestamp, Usd,
    },
    engine::{
        breaker::{Breakers, Judgement},
        chain::{Chain, Known, Link},
        lesson::credit_rest,
        plan::{Plan, PlannedLink, UnknownPrices, Usable},
        times::Times,
    },
    llm::wire::Endpoint,
    secrets::fingerprint,
    store::KnownLinks,
};

/// The links of one run, in order, and where their order came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// In the order in which they are to be asked.
    pub links: Vec<LinkName>,
    /// `asked for`, `default chain`, `connected providers`.
    pub from: String,
}

/// A plan with what is needed to carry it out.
pub(super) struct Prepared {
    pub plan: Plan,
    pub endpoints: BTreeMap<LinkName, Endpoint>,
    pub fingerprints: BTreeMap<ProviderName, String>,
    /// The links whose one probe this run has claimed.
    pub claimed: Vec<LinkName>,
}

/// What the store remembers of links and keys.
#[derive(Clone)]
pub(super) struct Memory {
    pub keys: Vec<KeyStanding>,
    pub rests: Vec<Rest>,
    pub quirks: Vec<(LinkName, String)>,
    pub breakers: Breakers,
    pub times: BTreeMap<LinkName, Times>,
}

impl Memory {
    /// Returns the rest of a link: its own, or that of its key while its credit is spent. Without a
    /// fingerprint any key of its provider counts.
    pub(super) fn rest(
        &self,
        link: &LinkName,
        fingerprint: Option<&str>,
        now: Timestamp,
    ) -> Option<Rest> {
        let key = self.keys.iter().find(|key| key.provider == link.provider);
        let key = key.filter(|key| fingerprint.is_none_or(|own| own == key.fingerprint));
        let of_key = key.and_then(|key| credit_rest(key, now)).map(|until| Rest {
            link: link.clone(),
            until,
            because: FaultClass::OutOfCredit,
        });
        let own = self.rests.iter().find(|rest| rest.link == *link).cloned();
        own.into_iter().chain(of_key).max_by_key(|rest| rest.until)
    }
}

/// What the meter takes a usual prompt to be, in tokens at most: the instructions and a short
/// exchange. Only the pause is judged by it; each draft is held at its own size.
pub(super) const USUAL_PROMPT: u64 = 4_000;

impl Desk {
    /// Returns the chain for a draft: the one asked for, else the config's, else the connected
    /// providers with their default models, the first one drafted on in front.
    pub async fn chain(&self, asked: Option<&[LinkName]>) -> Result<Chosen, DeskError> {
        let settings = self.settings();
        if let Some(links) = asked {
            let known = |link: &LinkName| match settings.provider(&link.provider) {
                Some(_) => Known::Yes,
                None => Known::NoProvider,
            };
            let links = links.iter().map(|link| settings.names.resolve(link));
            let chain = Chain::check(links.collect(), "your request", &known)?;
            return Ok(Chosen {
                links: chain.links().to_vec(),
                from: "asked for".to_owned(),
            });
        }
        if let Some(links) = settings.config.default_chain() {
            return Ok(Chosen {
                links: links.to_vec(),
                from: "default chain".to_owned(),
            });
        }
        let first = self.store.first_provider().await?;
        let mut connected = self.connected(&settings);
        if let Some(at) = connected
            .iter()
            .position(|name| Some(name) == first.as_ref())
        {
            let primary = connected.remove(at);
            connected.insert(0, primary);
        }
        let with_model = connected.into_iter().filter_map(|provider| {
            let model = settings.default_model(&provider)?;
            Some(LinkName { provider, model })
        });
        Ok(Chosen {
            links: with_model.collect(),
            from: "connected providers".to_owned(),
        })
    }

    /// Returns the providers that have a way to a key, or need none and stand in the config.
    fn connected(&self, settings: &Settings) -> Vec<ProviderName> {
        let noted = self.keys.noted();
        let named = settings
            .config
            .providers
            .iter()
            .filter_map(|(name, provider)| {
                let has_way = match provider.key {
                    KeySource::Keyring => noted.contains(name),
                    KeySource::Env(_) | KeySource::Command(_) | KeySource::NotNeeded => true,
                };
                has_way.then(|| name.clone())
            });
        let mut all: Vec<_> = named.collect();
        for name in noted {
            if !all.contains(&name) && settings.provider(&name).is_some() {
                all.push(name);
            }
        }
        all
    }

    /// Makes the plan of a run: prices, clocks, and whether each link can be asked.
    pub(super) async fn prepare(
        &self,
        chosen: &Chosen,
        prompt_at_most: u64,
    ) -> Result<Prepared, DeskError> {
        let memory = self.memory().await?;
        Ok(self.prepare_with(&memory, chosen, prompt_at_most).await)
    }

    /// The same with what was read already.
    pub(super) async fn prepare_with(
        &self,
        memory: &Memory,
        chosen: &Chosen,
        prompt_at_most: u64,
    ) -> Prepared {
        let settings = self.settings();
        let now = self.clock.now();
        let mut prepared = Prepared {
            plan: Self::empty_plan(&settings, prompt_at_most, now),
            endpoints: BTreeMap::new(),
            fingerprints: BTreeMap::new(),
            claimed: Vec::new(),
        };
        for name in &chosen.links {
            let planned = self.plan_link(name, &settings, memory, &mut prepared).await;
            prepared.plan.links.push(planned);
        }
        prepared
    }

    pub(super) fn empty_plan(settings: &Settings, prompt_at_most: u64, began: Timestamp) -> Plan {
        let allowed = settings.config.spend.allow_unknown_prices;
        Plan {
            choices: 1,
            links: Vec::new(),
            prompt_at_most,
            output_limit: settings.config.engine.output_limit,
            began,
            policy: settings.config.engine.policy.clone(),
            unknown_prices: if allowed {
                UnknownPrices::Allowed
            } else {
                UnknownPrices::Skipped
            },
        }
    }

    /// Reads what is known of links and keys.
    pub(super) async fn memory(&self) -> Result<Memory, DeskError> {
        let known = self.store.known_links(self.clock.now()).await?;
        Ok(self.memory_of(known))
    }

    /// Makes it of what was read already.
    pub(super) fn memory_of(&self, mut known: KnownLinks) -> Memory {
        self.end_gone_rests(&mut known.rests);
        Memory {
            keys: known.keys,
            rests: known.rests,
            quirks: known.quirks,
            breakers: super::breakers::read(&known.breakers),
            times: known
                .times
                .into_iter()
                .map(|(link, kept)| (link, read_times(&kept)))
                .collect(),
        }
    }

    /// Takes out the rests of models that were gone before the config changed last.
    fn end_gone_rests(&self, rests: &mut Vec<Rest>) {
        let is_gone = |rest: &Rest| rest.because == FaultClass::ModelGone;
        if !rests.iter().any(is_gone) {
            return;
        }
        let file = std::fs::metadata(&self.paths.config_file);
        let changed = file
            .and_then(|file| file.modified())
            .ok()
            .and_then(|changed| Timestamp::try_from(changed).ok());
        if let Some(changed) = changed {
            rests.retain(|rest| !is_gone(rest) || rest.until - GONE_REST > changed);
        }
    }

    /// Plans one link and puts its endpoint and the fingerprint of its key beside it.
    pub(super) async fn plan_link(
        &self,
        name: &LinkName,
        settings: &Settings,
        memory: &Memory,
        prepared: &mut Prepared,
    ) -> PlannedLink {
        let price = settings.price(name, self.clock.now());
        let Some(provider) = settings.provider(&name.provider) else {
            let mut unknown = PlannedLink::new(Link::new(name.clone()), price);
            let why = format!("there is no provider `{}`", name.provider);
            unknown.usable = Usable::No(SkipReason::NotUsable(why));
            return unknown;
        };
        let mut planned = PlannedLink::new(settings.link(name, &provider), price);
        // Anthropic writes to a cache when it is told to, others as they like.
        if provider.kind == ProviderKind::Anthropic
            && let Some(price) = &mut planned.price
        {
            price.row.write_no_cache();
        }
        match self.keys.key(&name.provider, &provider.key).await {
            Ok(None) if provider.key != KeySource::NotNeeded => {
                planned.usable = Usable::No(SkipReason::NoKey);
            }
            Ok(key) => {
                let fingerprint = fingerprint_of(key.as_ref(), &provider.base_url);
                self.remember(&mut planned, &fingerprint, memory);
                let to = self.reach(&mut planned, settings, &provider, key).await;
                prepared.endpoints.insert(name.clone(), to);
                prepared
                    .fingerprints
                    .insert(name.provider.clone(), fingerprint);
            }
            Err(why) => {
                planned.usable = Usable::No(SkipReason::KeyNotAvailable(why.to_string()));
            }
        }
        planned
    }

    /// Puts into a planned link how it behaved lately.
    pub(super) fn remember(&self, planned: &mut PlannedLink, fingerprint: &str, memory: &Memory) {
        let name = &planned.link.name;
        let quirks = memory.quirks.iter().filter(|(link, _)| link == name);
        planned.without = quirks.map(|(_, parameter)| parameter.clone()).collect();
        planned.history = memory
            .times
            .get(name)
            .map(Times::history)
            .unwrap_or_default();
        planned.usable = self.usable(name, fingerprint, memory);
    }

    fn usable(&self, name: &LinkName, fingerprint: &str, memory: &Memory) -> Usable {
        let refused = memory.keys.iter().any(|key| {
            key.provider == name.provider
                && key.state == KeyState::Invalid
                && key.fingerprint == fingerprint
        });
        if refused {
            return Usable::No(SkipReason::KeyInvalid);
        }
        let now = self.clock.now();
        if let Some(rest) = memory.rest(name, Some(fingerprint), now) {
            return Usable::Resting {
                until: rest.until,
                because: rest.because,
            };
        }
        match memory.breakers.judge(name, now) {
            Judgement::Closed => Usable::Yes,
            Judgement::HalfOpen => Usable::HalfOpen,
            Judgement::Open { until } => Usable::Open {
                until,
                failed: memory.breakers.last_failure(name),
            },
            Judgement::Rested { until } => Usable::No(SkipReason::RestedByHand { until }),
        }
    }

    /// Returns what the cheapest useful draft of the default chain needs, for a usual prompt.
    pub(super) async fn cheapest_draft(&self) -> Result<Option<Usd>, DeskError> {
        let settings = self.settings();
        let now = self.clock.now();
        let mut plan = Self::empty_plan(&settings, USUAL_PROMPT, now);
        for name in self.chain(None).await?.links {
            let Some(provider) = settings.provider(&name.provider) else {
                continue;
            };
            let price = settings.price(&name, now);
            let link = settings.link(&name, &provider);
            plan.links.push(PlannedLink::new(link, price));
        }
        Ok(plan.cheapest())
    }
}

/// Returns the fingerprint of a key at an address; where no key is needed, of the address alone.
pub(super) fn fingerprint_of(key: Option<&SecretString>, base_url: &str) -> String {
    key.map_or_else(
        || fingerprint(&SecretString::from(String::new()), base_url),
        |key| fingerprint(key, base_url),
    )
}
