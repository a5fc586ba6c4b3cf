//! What a caller asks for.

use super::{Refusal, spot::Spot};
use crate::{domain::ProviderKind, engine::ask::Ask};

/// A request, read.
#[derive(Clone, Debug)]
pub struct Request {
    /// The model, as the caller spells it.
    pub model: String,
    /// In what form the answer is to come.
    pub framing: Framing,
    /// What is asked; its `raw` is the request itself. Its output limit is [`USUAL_LIMIT`] where
    /// the caller gave none.
    pub ask: Ask,
    /// Whether a stream is to end with the usage.
    pub wants_usage: bool,
    /// The most tokens that the caller wants.
    pub output_limit: Option<u32>,
    /// What the caller says of the models to ask.
    pub provider: ProviderWishes,
    /// What only some families can answer.
    pub bound: Vec<Bound>,
    /// What it may cost beyond its own words.
    pub bill: Bill,
    /// The names of the parameters in the body, as in `Policy::callers`.
    pub wrote: Vec<String>,
}

/// The output limit of a request that names none: what Anthropic's dialect wants to be told.
pub const USUAL_LIMIT: u32 = 4_096;

/// What a path says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathWords {
    /// The model in it.
    pub model: Option<String>,
    /// What its verb asks for; none where the body says it.
    pub framing: Option<Framing>,
    /// What is wanted of the request.
    pub purpose: Purpose,
}

/// What is wanted of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// To be answered.
    #[default]
    Answer,
    /// To be counted only: Anthropic's `count_tokens`.
    Count,
}

/// In what form an answer comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// In one piece.
    #[default]
    Whole,
    /// As server-sent events.
    Events,
    /// As one JSON list that grows: Gemini's stream without `alt=sse`.
    List,
}

impl Framing {
    /// Tells whether it comes piece by piece.
    pub const fn is_streamed(self) -> bool {
        matches!(self, Self::Events | Self::List)
    }

    /// Returns the content type of an answer.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Whole | Self::List => "application/json",
            Self::Events => "text/event-stream; charset=utf-8",
        }
    }

    pub(super) const fn of(stream: bool) -> Self {
        if stream { Self::Events } else { Self::Whole }
    }
}

/// What a caller says of the models to ask, beside the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderWishes {
    /// The models to ask after it, in order; an empty list is "no other"; none leaves it to the
    /// config.
    pub fallback: Option<Vec<String>>,
    /// Which member of the request names them.
    pub fallback_in: &'static str,
    /// The models among which is chosen when the model is `auto`.
    pub among: Vec<String>,
    /// How to order them, in the caller's word: `priority`, `cost`, `latency`, `balanced`. The
    /// `speed` and `quality` of `model_routing_config` are `latency` and `priority`.
    pub routing: Option<String>,
}

/// Something in a request that only some families can answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// What it is, for people: "`logprobs`".
    pub what: String,
    /// Who can.
    pub by: Vec<ProviderKind>,
}

/// What a request may cost beyond its own words: noted where each member is read, so that a member
/// without a note costs what its bytes do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// How many answers are asked for at once; none says one.
    pub choices: Option<u32>,
    /// Whether a part of what is read lies at the provider, or is longer there than here.
    pub is_elsewhere: bool,
    /// How many tools it names that the provider defines.
    pub tools: u32,
    /// Whether the prompt may be written to a cache of Anthropic's, which costs more than reading it.
    pub is_cached: bool,
    /// What is billed beside tokens, or at another price than theirs, for people.
    pub unpriced: Option<String>,
    /// What a token may cost for that, in percent of its usual price; none says the usual price.
    pub percent: Option<u32>,
    /// Which families are told of it; to others it makes no difference.
    pub to: &'static [ProviderKind],
}

/// What a token costs with `service_tier: priority` at the most, in percent: twice its price, as of
/// gpt-5.4. <https://openai.com/api-priority-processing/>, read on 2026-11-26.
pub(super) const PRIORITY: u32 = 200;

/// Tells whether an Anthropic-shaped request lets something be written to a cache. What stands within
/// texts has its quotes escaped.
pub(super) fn is_cached(body: &str) -> bool {
    body.contains(r#""cache_control""#)
}

/// The families of OpenAI's chat.
pub(super) const CHATS: &[ProviderKind] = &[ProviderKind::OpenAi, ProviderKind::OpenAiCompatible];

impl Bound {
    pub(super) fn to(what: impl Into<String>, by: &[ProviderKind]) -> Self {
        Self {
            what: what.into(),
            by: by.to_vec(),
        }
    }
}

impl ProviderWishes {
    /// Reads `provider.fallback` and `provider.routing`, `fallback`, `models` (as at OpenRouter),
    /// and `model_routing_config`, which is about the model `auto`.
    pub(super) fn read(body: &Spot<'_>) -> Result<Self, Refusal> {
        let mut wishes = Self::default();
        let texts = |spot: Option<Spot<'_>>| -> Result<Option<Vec<String>>, Refusal> {
            let Some(spot) = spot else { return Ok(None) };
            let mut all = Vec::new();
            for item in spot.items()? {
                all.push(item.text()?.to_owned());
            }
            Ok(Some(all))
        };
        if let Some(provider) = body.member("provider")?.filter(Spot::is_object) {
            wishes.fallback = texts(provider.member("fallback")?)?;
            wishes.fallback_in = "provider.fallback";
            if let Some(routing) = provider.member("routing")? {
                wishes.routing = Some(routing.text()?.to_owned());
            }
        }
        for name in ["fallback", "models"] {
            if wishes.fallback.is_none() {
                wishes.fallback = texts(body.member(name)?)?;
                wishes.fallback_in = name;
            }
        }
        if let Some(config) = body.member("model_routing_config")? {
            if let Some(models) = config.member("models")? {
                wishes.among = texts(Some(models))?.unwrap_or_default();
                let is_auto = body.text_of("model")?.as_deref() == Some("auto");
                if wishes.among.is_empty() && is_auto {
                    let member = "model_routing_config.models";
                    let said = format!(
                        "`{member}` is empty. Name those to choose among, or leave it out: `auto` \
                         is the default chain then."
                    );
                    return Err(Refusal::wrong(member, said));
                }
            }
            if let Some(preference) = config.member("preference")? {
                let word = match preference.text()? {
                    "speed" => "latency",
                    // Whoever lists models for quality has the best one first.
                    "quality" => "priority",
                    word @ ("priority" | "cost" | "latency" | "balanced") => word,
                    _ => return Err(preference.unknown("speed, quality, cost and balanced")),
                };
                wishes.routing = Some(word.to_owned());
            }
        }
        Ok(wishes)
    }
}
