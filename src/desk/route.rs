//! Which chain a ticket is drafted with, and in which order its links are asked: rules, routing,
//! and the cheaper link first when the month's money runs low.

use std::collections::BTreeMap;

use jiff::{ToSpan as _, tz::TimeZone};

use super::{
    Chosen, Desk, DeskError, Settings,
    chains::USUAL_PROMPT,
    face::{AskedChain, TicketView},
};
use crate::{
    config::edit,
    domain::{Cap, LinkName, Page, Usd, query_match::Seen},
    engine::{
        chain::{LinkFacts, advice},
        figures::{Figures, FirstText},
        plan::PlannedLink,
        price::Basis,
        routing::{Candidate, Routing, order},
    },
    store::ReceiptFilter,
};

/// The chain's name when nothing else says.
const DEFAULT: &str = "default";

/// So many of the newest receipts say how fast links were lately.
const LATELY: u64 = 200;

/// A model that is switched off within so many days is replaced when a chain is written.
const SOON_DAYS: i32 = 30;

/// What an order depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occasion {
    /// The most tokens the prompt can have.
    pub prompt_at_most: u64,
    /// A number that differs from draft to draft.
    pub turn: u64,
}

impl Desk {
    /// Returns the links for a draft in the order in which they are to be asked. Links that are
    /// asked for stay as they are; a chain asked for by name, that of the first rule that fits the
    /// ticket, and the default one are put in the order of their routing.
    pub(super) async fn route(
        &self,
        view: Option<&TicketView>,
        asked: Option<&AskedChain>,
        occasion: Occasion,
    ) -> Result<Chosen, DeskError> {
        let settings = self.settings();
        let (name, chosen) = match asked {
            Some(AskedChain::Links(links)) => return self.chain(Some(links)).await,
            Some(AskedChain::Named(name)) => match settings.config.chains.get(name) {
                Some(links) => {
                    let from = format!("asked for: chain {name}");
                    let links = links.clone();
                    (name.clone(), Chosen { links, from })
                }
                None => return self.chain(Some(&[model_named(&settings, name)?])).await,
            },
            Some(AskedChain::First(first)) => {
                let mut chosen = self.chain(Some(std::slice::from_ref(first))).await?;
                let usual = self.usual_chain(view, &settings).await?.1;
                let others = usual.links.into_iter();
                let others: Vec<_> = others.filter(|it| !chosen.links.contains(it)).collect();
                chosen.links.extend(others);
                chosen.from = format!("asked for first, then {}", usual.from);
                return Ok(chosen);
            }
            None => self.usual_chain(view, &settings).await?,
        };
        self.ordered(chosen, settings.config.routing(&name), occasion)
            .await
    }

    /// Returns the chain that nobody has to ask for, and its name.
    async fn usual_chain(
        &self,
        view: Option<&TicketView>,
        settings: &Settings,
    ) -> Result<(String, Chosen), DeskError> {
        match view.and_then(|view| Self::ruled(view, settings)) {
            Some(found) => Ok(found),
            None => Ok((DEFAULT.to_owned(), self.chain(None).await?)),
        }
    }

    /// Returns a link by the name that holds today: aliases are followed, and a model that is
    /// switched off gives way to the one its maker names.
    pub fn current(&self, link: &LinkName) -> LinkName {
        let settings = self.settings();
        let link = settings.names.resolve(link);
        let today = self.clock.now().to_zoned(TimeZone::UTC).date();
        let soon = today.checked_add(SOON_DAYS.days()).unwrap_or(today);
        let gone = settings.names.retired(&link).filter(|it| it.on <= soon);
        match gone.and_then(|it| it.successor) {
            Some(model) => LinkName::new(&link.provider.0, model),
            None => link,
        }
    }

    /// Writes a chain into the config; comments stay.
    pub fn add_chain(&self, name: &str, links: &[LinkName]) -> Result<(), DeskError> {
        edit::set_chain(&self.paths.config_file, name, links)?;
        self.reload()
    }

    /// Returns what is allowed of a chain but worth saying, in sentences.
    pub fn chain_advice(&self, links: &[LinkName]) -> Vec<String> {
        advice(&self.link_facts(links))
    }

    /// Returns what is known of links: what a usual draft costs there, and what fits into them.
    pub(super) fn link_facts(&self, links: &[LinkName]) -> Vec<LinkFacts> {
        let settings = self.settings();
        links
            .iter()
            .map(|link| LinkFacts {
                link: link.clone(),
                estimate: self.estimate(link, &settings, USUAL_PROMPT),
                window: settings
                    .provider(&link.provider)
                    .and_then(|provider| settings.link(link, &provider).window),
            })
            .collect()
    }

    /// Returns the chain of the first rule that fits a ticket, and its name.
    fn ruled(view: &TicketView, settings: &Settings) -> Option<(String, Chosen)> {
        let draft = view.draft.as_ref().map(|draft| {
            let last = draft.receipts.last();
            let mut receipts = view.receipts.iter();
            receipts
                .find(|receipt| Some(&receipt.id) == last)
                .is_some_and(crate::domain::Receipt::is_fallback)
        });
        let seen = Seen {
            ticket: &view.ticket,
            messages: &view.messages,
            draft,
        };
        let mut rules = settings.config.rules.iter().zip(1..);
        let (rule, place) = rules.find(|(rule, _)| rule.query.means(seen))?;
        let links = settings.config.chains.get(&rule.chain)?;
        let chosen = Chosen {
            links: links.clone(),
            from: format!("chain {}, by rule {place} `{}`", rule.chain, rule.when),
        };
        Some((rule.chain.clone(), chosen))
    }

    async fn ordered(
        &self,
        chosen: Chosen,
        routing: Routing,
        occasion: Occasion,
    ) -> Result<Chosen, DeskError> {
        let (routing, why) = match self.saves_money().await? {
            Some(percent) => (
                Routing::Cost,
                format!(", cheapest first from {percent} % of the cap on"),
            ),
            None if routing == Routing::Priority => return Ok(chosen),
            None => (routing, format!(", {}", routing.words())),
        };
        let settings = self.settings();
        let times = match routing {
            Routing::Latency => self.first_texts().await?,
            Routing::Priority | Routing::Cost | Routing::Balanced => BTreeMap::new(),
        };
        let candidate = |link: &LinkName| Candidate {
            estimate: self.estimate(link, &settings, occasion.prompt_at_most),
            first_text: times.get(link).map(|times| times.p50),
            link: link.clone(),
        };
        let candidates = chosen.links.iter().map(candidate);
        Ok(Chosen {
            links: order(candidates.collect(), routing, occasion.turn),
            from: format!("{}{why}", chosen.from),
        })
    }

    /// Returns the percentage from which the cheaper link goes first, when it is reached.
    async fn saves_money(&self) -> Result<Option<u32>, DeskError> {
        let settings = self.settings();
        let spend = &settings.config.spend;
        let (Some(from), Cap::Month(cap)) = (spend.downgrade_at, spend.cap) else {
            return Ok(None);
        };
        let sums = self.store.sums(&self.period().name).await?;
        let settled = sums.settled_known.plus(sums.settled_at_most);
        Ok((settled.percent_of(cap) >= from).then_some(from))
    }

    /// Returns how long first texts took lately, from the newest receipts: every process and every
    /// start of the program sees the same.
    pub(super) async fn first_texts(&self) -> Result<BTreeMap<LinkName, FirstText>, DeskError> {
        let page = Page {
            offset: 0,
            limit: LATELY,
        };
        let mut figures = Figures::new(TimeZone::UTC);
        for (_, receipt) in self.store.receipts(&ReceiptFilter::default(), page).await? {
            figures.add(&receipt);
        }
        Ok(figures.first_texts())
    }

    /// Returns what a draft with a link can cost at most, where its price is known.
    pub(super) fn estimate(
        &self,
        link: &LinkName,
        settings: &Settings,
        prompt_at_most: u64,
    ) -> Option<Usd> {
        let provider = settings.provider(&link.provider)?;
        let now = self.clock.now();
        let price = settings.price(link, now);
        let own = price.filter(|price| price.basis == Basis::Own)?;
        let planned = PlannedLink::new(settings.link(link, &provider), Some(own));
        let plan = Self::empty_plan(settings, prompt_at_most, now);
        plan.want(&planned).map(|want| want.ceiling)
    }
}

/// Finds a model that is named without its provider.
fn model_named(settings: &Settings, name: &str) -> Result<LinkName, DeskError> {
    settings.config.link_named(name).ok_or_else(|| {
        let chains: Vec<&str> = settings.config.chains.keys().map(String::as_str).collect();
        DeskError::NoChain {
            named: name.chars().take(80).collect(),
            known: chains.join(", "),
        }
    })
}
