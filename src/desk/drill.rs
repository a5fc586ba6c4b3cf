//! Drills: a draft against simulated providers, to see what an outage would do. The chain, the
//! prices, the clocks and the engine are the real ones; no key is read, no money is held, nothing
//! leaves this machine, and the receipt is shown and not kept.

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Chosen, Desk, DeskError, Settings,
    drive::{Doors, drive},
    face::{AskedChain, TicketView},
    keep::receipt_of,
    ledger::{Answer, Ledger, LedgerError, Wish},
    live::Live,
    providers::endpoint,
    route::Occasion,
    voice::Voice,
};
use crate::{
    config::ProviderConfig,
    domain::{
        Cost, HoldId, KeySource, LinkName, ProviderKind, ProviderName, Receipt, RunId, Task,
        TicketId, Timestamp,
    },
    engine::{
        ask::{Ask, Role, Turn},
        plan::PlannedLink,
        prompt::{PromptPolicy, Prompted},
    },
    llm::wire::Endpoint,
    sim::{Addresses, Family, Fault, Sim, SimOptions, Step},
};

/// How often a fault strikes: more often than any run asks one link.
const TIMES: usize = 64;
/// What a drill without a ticket is about.
const LETTER: &str = "Subject: Where is my parcel?\n\nHello, I ordered a desk lamp twelve days ago \
                      (order 88213) and it has not arrived. Can you tell me where it is?\n\nMaya";

/// What happens to whom: `anthropic=529,openai=ok`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrillPlan(Vec<(Whom, Strike)>);

/// Whose calls are meant: a provider's, or one link's.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Whom {
    Provider(ProviderName),
    Link(LinkName),
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strike {
    /// It is answered well.
    Ok,
    /// The connection is refused.
    Refused,
    /// The simulator plays a fault.
    Fault(Fault),
}

/// Says what is wrong with a drill's plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DrillError {
    /// A part is not `WHO=FAULT`.
    NotAPair(String),
    /// Nothing is called so.
    UnknownFault(String),
    /// The chain has nobody of that name.
    NotInChain(String),
    /// Neither the chain nor the plan names anybody.
    Nobody,
}

impl fmt::Display for DrillError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAPair(part) => write!(
                f,
                "`{part}` does not say what happens to whom: write provider=fault, for example \
                 anthropic=529,openai=ok"
            ),
            Self::UnknownFault(word) => {
                write!(f, "there is no fault `{word}`; there are: ok, refused")?;
                crate::sim::fault::names().try_for_each(|name| write!(f, ", {name}"))
            }
            Self::NotInChain(who) => write!(f, "no link of the chain is `{who}`"),
            Self::Nobody => f.write_str(
                "there is no chain to drill: name providers in the drill, or set up a chain",
            ),
        }
    }
}

impl std::error::Error for DrillError {}

impl FromStr for DrillPlan {
    type Err = DrillError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split(',').map(str::trim);
        let pairs = parts.filter(|part| !part.is_empty()).map(|part| {
            let (who, what) = part
                .split_once('=')
                .filter(|(who, _)| !who.trim().is_empty())
                .ok_or_else(|| DrillError::NotAPair(short(part)))?;
            let who = who.trim();
            let whom = if who.contains('/') {
                let link = who.parse().map_err(|_| DrillError::NotAPair(short(part)))?;
                Whom::Link(link)
            } else {
                Whom::Provider(ProviderName(who.to_owned()))
            };
            let strike = match what.trim() {
                "ok" => Strike::Ok,
                "refused" => Strike::Refused,
                fault => Strike::Fault(
                    fault
                        .parse()
                        .map_err(|_| DrillError::UnknownFault(short(fault)))?,
                ),
            };
            Ok((whom, strike))
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }
}

fn short(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_control())
        .take(60)
        .collect()
}

impl DrillPlan {
    /// Returns what happens to a link: what is said of it, else of its provider, else nothing bad.
    fn strike(&self, link: &LinkName) -> Strike {
        let of = |is: &dyn Fn(&Whom) -> bool| {
            let mut pairs = self.0.iter().rev();
            pairs.find(|(whom, _)| is(whom)).map(|(_, strike)| *strike)
        };
        of(&|whom| *whom == Whom::Link(link.clone()))
            .or_else(|| of(&|whom| *whom == Whom::Provider(link.provider.clone())))
            .unwrap_or(Strike::Ok)
    }

    /// Returns the first name of the plan that no link of a chain has.
    fn stranger(&self, links: &[LinkName]) -> Option<String> {
        self.0.iter().find_map(|(whom, _)| match whom {
            Whom::Link(name) => (!links.contains(name)).then(|| name.to_string()),
            Whom::Provider(name) => {
                (!links.iter().any(|link| link.provider == *name)).then(|| name.to_string())
            }
        })
    }

    /// Returns the links of the plan itself, each provider with its default model.
    fn links(&self, settings: &Settings) -> Vec<LinkName> {
        let link = |whom: &Whom| match whom {
            Whom::Link(link) => Some(link.clone()),
            Whom::Provider(provider) => Some(LinkName {
                provider: provider.clone(),
                model: settings.default_model(provider)?,
            }),
        };
        self.0.iter().filter_map(|(whom, _)| link(whom)).collect()
    }
}

/// What a drill is about.
#[derive(Clone, Debug)]
pub struct DrillAsk {
    /// What happens to whom.
    pub plan: DrillPlan,
    /// The ticket whose text is sent to the simulator; an invented letter without one.
    pub ticket: Option<TicketId>,
    /// Links instead of the configured chain.
    pub chain: Option<AskedChain>,
}

/// How a drill came out.
#[derive(Clone, Debug)]
pub struct Drilled {
    /// The text of the simulated answer, if one came.
    pub text: Option<String>,
    /// The receipt, which is not kept.
    pub receipt: Receipt,
}

/// Grants everything and keeps nothing.
struct PlayMoney;

impl Ledger for PlayMoney {
    async fn hold(&self, wish: &Wish) -> Result<Answer, LedgerError> {
        Ok(Answer::Granted(wish.ceiling))
    }

    async fn settle(&self, _: HoldId, _: Cost, _: Timestamp) -> Result<(), LedgerError> {
        Ok(())
    }

    async fn exchange(&self, _: HoldId, _: Cost, wish: &Wish) -> Result<Answer, LedgerError> {
        self.hold(wish).await
    }
}

/// The simulators of a drill, one per link, so that each link has its own fault.
#[derive(Default)]
struct Stage {
    sims: Vec<Sim>,
    endpoints: BTreeMap<LinkName, Endpoint>,
}

impl Desk {
    /// Plays a drill to its end.
    pub async fn drill(
        &self,
        ask: &DrillAsk,
        cancel: &CancellationToken,
    ) -> Result<Drilled, DeskError> {
        let settings = self.settings();
        let (view, prompted) = self.drilled_ask(ask).await?;
        let about = (view.as_ref(), prompted.ask.tokens_at_most());
        let chosen = self.drilled_chain(ask, about, &settings).await?;
        let mut plan = Self::empty_plan(&settings, prompted.ask.tokens_at_most(), self.clock.now());
        let mut stage = Stage::default();
        for name in &chosen.links {
            let provider = settings
                .provider(&name.provider)
                .ok_or_else(|| DeskError::NoProvider(short(&name.provider.0)))?;
            let price = settings.price(name, self.clock.now());
            let link = settings.link(name, &provider);
            plan.links.push(PlannedLink::new(link, price));
            stage.enter(name, provider, ask.plan.strike(name)).await?;
        }
        let live = Arc::new(Live::default());
        let run = RunId::new(Uuid::now_v7());
        let nobody = TicketId::new(Uuid::nil());
        let teller = live
            .begin(run, ask.ticket.unwrap_or(nobody))
            .map_err(|_| DeskError::Broken)?;
        let voice = Voice::new(&self.transport, &prompted.ask, &stage.endpoints);
        let doors = Doors {
            ledger: &PlayMoney,
            speaker: &voice,
            clock: self.clock.as_ref(),
            teller: Some(&teller),
        };
        let outcome = drive(plan, doors, cancel).await;
        stage.leave().await;
        let mut receipt = receipt_of(
            (run, &self.agent()),
            view.as_ref(),
            &chosen,
            &prompted,
            &outcome,
        );
        receipt.task = Task::Drill;
        Ok(Drilled {
            text: outcome.text,
            receipt,
        })
    }

    async fn drilled_chain(
        &self,
        ask: &DrillAsk,
        (view, prompt_at_most): (Option<&TicketView>, u64),
        settings: &Settings,
    ) -> Result<Chosen, DeskError> {
        let occasion = Occasion {
            prompt_at_most,
            turn: 0,
        };
        let asked = ask.chain.as_ref();
        let mut chosen = self.route(view, asked, occasion).await?;
        if chosen.links.is_empty() {
            chosen = Chosen {
                links: ask.plan.links(settings),
                from: "the drill itself".to_owned(),
            };
        }
        if chosen.links.is_empty() {
            return Err(DrillError::Nobody.into());
        }
        match ask.plan.stranger(&chosen.links) {
            Some(who) => Err(DrillError::NotInChain(short(&who)).into()),
            None => Ok(chosen),
        }
    }

    async fn drilled_ask(
        &self,
        ask: &DrillAsk,
    ) -> Result<(Option<TicketView>, Prompted), DeskError> {
        if let Some(ticket) = ask.ticket {
            let view = self.ticket(ticket).await?;
            let prompted = self.prompted(&view, None);
            return Ok((Some(view), prompted));
        }
        let words = u64::try_from(LETTER.split_whitespace().count()).unwrap_or_default();
        let prompted = Prompted {
            ask: Ask {
                system: PromptPolicy::default().system,
                turns: vec![Turn::says(Role::User, LETTER.to_owned())],
                output_limit: self.settings().config.engine.output_limit,
                ..Ask::default()
            },
            words_sent: words,
            words_whole: words,
            redacted: Vec::new(),
            sources: Vec::new(),
        };
        Ok((None, prompted))
    }
}

impl Stage {
    /// Lets a link play: its address becomes the simulator's, its key a word.
    async fn enter(
        &mut self,
        link: &LinkName,
        provider: ProviderConfig,
        strike: Strike,
    ) -> Result<(), DeskError> {
        let sim = Sim::start(SimOptions::default())
            .await
            .map_err(DeskError::Simulator)?;
        let at = sim.addresses();
        let (family, base_url) = family(provider.kind, &at);
        let base_url = match strike {
            Strike::Refused => at.refused,
            Strike::Ok | Strike::Fault(_) => base_url,
        };
        if let Strike::Fault(fault) = strike {
            let step = Step {
                family,
                fault: Some(fault),
            };
            sim.script(std::iter::repeat_n(step, TIMES));
        }
        let played = ProviderConfig {
            base_url,
            key: KeySource::NotNeeded,
            ..provider
        };
        let key = SecretString::from("drill");
        self.endpoints
            .insert(link.clone(), endpoint(link, &played, Some(key), Vec::new()));
        self.sims.push(sim);
        Ok(())
    }

    async fn leave(&self) {
        for sim in &self.sims {
            sim.stop().await;
        }
    }
}

fn family(kind: ProviderKind, at: &Addresses) -> (Family, String) {
    let urls = &at.base_urls;
    match kind {
        ProviderKind::Anthropic => (Family::Anthropic, urls.anthropic.clone()),
        ProviderKind::OpenAi | ProviderKind::OpenAiCompatible => {
            (Family::OpenAi, format!("{}/v1", urls.openai))
        }
        ProviderKind::OpenAiResponses => (Family::OpenAiResponses, urls.openai_responses.clone()),
        ProviderKind::Gemini => (Family::Gemini, urls.gemini.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> DrillPlan {
        text.parse().unwrap()
    }

    #[test]
    fn a_link_wins_over_its_provider_and_who_is_not_named_answers() {
        let plan = plan("anthropic=529, anthropic/claude-haiku-4-5=cut=12,openai=refused");

        let strike = |link: &str| plan.strike(&link.parse().unwrap());

        assert_eq!(
            strike("anthropic/claude-sonnet-4-5"),
            Strike::Fault(Fault::Overloaded)
        );
        assert_eq!(
            strike("anthropic/claude-haiku-4-5"),
            Strike::Fault(Fault::Cut(12))
        );
        assert_eq!(strike("openai/gpt-4o"), Strike::Refused);
        assert_eq!(strike("gemini/gemini-2.5-pro"), Strike::Ok);
    }

    #[test]
    fn a_wrong_plan_says_what_is_wrong() {
        for (text, words) in [
            ("anthropic", "does not say what happens to whom"),
            ("=529", "does not say what happens to whom"),
            (
                "anthropic=bored",
                "no fault `bored`; there are: ok, refused, 429",
            ),
            ("anthropic/=529", "does not say what happens to whom"),
        ] {
            let error = text.parse::<DrillPlan>().unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn who_is_not_in_the_chain_is_named() {
        let chain = ["openai/gpt-4o".parse().unwrap()];

        assert_eq!(plan("openai=529").stranger(&chain), None);
        assert_eq!(
            plan("gemini=ok").stranger(&chain),
            Some("gemini".to_owned())
        );
    }
}
