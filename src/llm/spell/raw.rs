//! A caller's own JSON, for a link that speaks its wire format: only what must differ differs.

use secrecy::SecretString;

use crate::{
    domain::{ProviderKind, manner::Place},
    engine::{
        ask::{
            Ask,
            json::Json,
            raw::{Change, Members, Raw, changed, changed_of},
        },
        budget::LEAST_OUTPUT,
        plan::THINKING_LEAST,
    },
    llm::{body::takes, wire::Endpoint},
};

/// What is deskhand's own in a request, and no provider's.
const OURS: [&str; 4] = ["models", "model_routing_config", "fallback", "route"];

/// The names of the output limit of a chat, the newer one first.
const LIMITS: [&str; 2] = ["max_completion_tokens", "max_tokens"];

/// Where Gemini's callers write what they want of the answer: Google's JSON takes both spellings.
const CONFIG: [&str; 2] = ["generationConfig", "generation_config"];

/// The output limit in there.
const CONFIG_LIMIT: [&str; 2] = ["maxOutputTokens", "max_output_tokens"];

/// Returns the caller's own words, where the link speaks their wire format.
pub(in crate::llm) fn of<'a>(ask: &'a Ask, to: &Endpoint) -> Option<&'a Raw> {
    ask.raw
        .as_deref()
        .filter(|raw| family(raw.kind) == family(to.kind))
}

/// OpenAI's chat is one family, whoever serves it.
const fn family(kind: ProviderKind) -> ProviderKind {
    match kind {
        ProviderKind::OpenAi | ProviderKind::OpenAiCompatible => ProviderKind::OpenAi,
        ProviderKind::Anthropic => ProviderKind::Anthropic,
        ProviderKind::OpenAiResponses => ProviderKind::OpenAiResponses,
        ProviderKind::Gemini => ProviderKind::Gemini,
    }
}

/// Headers, some of them keys.
type Spoken = Vec<(&'static str, SecretString)>;

/// A member's new value, if it needs one.
type Member<'n> = (&'n str, Option<String>);

/// Spells the body of the caller's own words; none where there are none for this link.
pub(in crate::llm) fn body(ask: &Ask, to: &Endpoint) -> Option<Vec<u8>> {
    let raw = of(ask, to)?;
    let own = Own::read(&raw.body)?;
    let puts = match family(to.kind) {
        ProviderKind::OpenAi | ProviderKind::OpenAiCompatible => own.chat(ask, to),
        ProviderKind::OpenAiResponses => own.responses(ask, to),
        ProviderKind::Anthropic => own.messages(ask, to),
        ProviderKind::Gemini => own.gemini(ask),
    };
    let is_gemini = to.kind == ProviderKind::Gemini;
    let twin = is_gemini.then(|| own.spelling(CONFIG).1).flatten();
    let ours = own.dropped().chain(own.refused(to)).chain(twin);
    let mut changes: Vec<Change<'_>> = ours.map(Change::Drop).collect();
    if is_at_vertex(to) && to.kind == ProviderKind::Anthropic && own.has("model") {
        changes.push(Change::Drop("model"));
    }
    let puts = puts.into_iter();
    changes.extend(puts.filter_map(|(name, value)| Some(Change::Put(name, value?))));
    changed_of(&raw.body, &own.0, &changes).map(String::into_bytes)
}

/// Adds the caller's own headers; of one that is there already, the caller's counts.
pub(in crate::llm) fn with_headers(mut headers: Spoken, ask: &Ask, to: &Endpoint) -> Spoken {
    let Some(raw) = of(ask, to) else {
        return headers;
    };
    // At Vertex the version is in the body.
    let own = raw.headers.iter();
    let own = own.filter(|(name, _)| !(is_at_vertex(to) && *name == "anthropic-version"));
    for (name, value) in own {
        headers.retain(|(other, _)| other != name);
        headers.push((*name, value.as_str().into()));
    }
    headers
}

fn is_at_vertex(to: &Endpoint) -> bool {
    matches!(to.manner.place, Place::Vertex { .. })
}

/// The members of the caller's object, as they were written.
struct Own<'a>(Members<'a>);

impl<'a> Own<'a> {
    fn read(body: &'a str) -> Option<Self> {
        Members::of(body).map(Self)
    }

    fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.get(name)
    }

    /// Returns which of two spellings of a member counts, and the other if it is there too: of a
    /// member that stands beside a null in the other spelling, the null is not said.
    fn spelling(&self, names: [&'static str; 2]) -> (&'static str, Option<&'static str>) {
        let is_said = |name: &&str| self.get(name).is_some_and(|value| value != "null");
        let there = |name: &&str| self.has(name);
        let said = names.into_iter().find(is_said);
        let [usual, _] = names;
        let name = said
            .or_else(|| names.into_iter().find(there))
            .unwrap_or(usual);
        let mut others = names.into_iter().filter(|other| *other != name);
        (name, others.find(there))
    }

    /// Returns what is deskhand's own. A `provider` without any of it is the provider's.
    fn dropped(&self) -> impl Iterator<Item = &'static str> {
        let ours = OURS.into_iter().filter(|name| self.has(name));
        let provider = self.get("provider").and_then(|text| Json::read(text).ok());
        let is_ours = provider.is_some_and(|provider| {
            let names = ["fallback", "routing"];
            names.iter().any(|name| provider.get(name).is_some())
        });
        ours.chain(is_ours.then_some("provider"))
    }

    /// Returns what says nothing of the answer and is known not to be taken by the link: servers
    /// that are compatible differ in the names of the limit.
    fn refused(&self, to: &Endpoint) -> impl Iterator<Item = &'static str> {
        let names = LIMITS.into_iter().chain(["stream_options", "store"]);
        names.filter(|name| self.has(name) && !takes(to, name))
    }

    /// Returns a new value, unless the member has it already.
    fn unless(&self, name: &'a str, value: String) -> Member<'a> {
        let same = self.get(name) == Some(value.as_str());
        (name, (!same).then_some(value))
    }

    fn model(&self, to: &Endpoint) -> Member<'a> {
        self.unless("model", Json::from(to.model.0.as_str()).to_string())
    }

    /// Whether it streams; nothing said is a no.
    fn stream(&self, to: &Endpoint) -> Member<'a> {
        let said = self.get("stream").unwrap_or("false");
        let wanted = to.stream.to_string();
        ("stream", (said != wanted).then_some(wanted))
    }

    /// Puts the limit where it is lower than the caller's or the caller has none.
    fn limit(&self, name: &'a str, ask: &Ask) -> Member<'a> {
        self.unless(name, ask.output_limit.to_string())
    }

    /// Asks that nothing be kept, where the caller said nothing of it.
    fn store(&self, to: &Endpoint) -> Member<'a> {
        let is_said = self.get("store").is_some_and(|said| said != "null");
        let is_ours = !is_said && takes(to, "store");
        ("store", is_ours.then(|| false.to_string()))
    }

    fn chat(&self, ask: &Ask, to: &Endpoint) -> Vec<Member<'a>> {
        let by_openai = to.kind == ProviderKind::OpenAi;
        let [newer, older] = LIMITS;
        let names = if by_openai {
            [newer, older]
        } else {
            [older, newer]
        };
        // The caller's name for it, else the first that the link takes.
        let own = LIMITS
            .into_iter()
            .find(|name| self.get(name).is_some_and(|value| value != "null"));
        let mut taken = own.into_iter().chain(names);
        let limit = taken.find(|name| takes(to, name));
        let dated = matches!(
            to.manner.place,
            Place::Azure {
                api_version: Some(_)
            }
        );
        let mut puts = vec![self.model(to), self.stream(to)];
        puts.extend(limit.map(|name| self.limit(name, ask)));
        // A server that knows the other name alone must not find a higher limit under it.
        let other = LIMITS.into_iter().filter(|name| Some(*name) != limit);
        let is_said = |name: &&str| self.get(name).is_some_and(|value| value != "null");
        let other = other.filter(|name| is_said(name) && takes(to, name));
        puts.extend(other.map(|name| self.limit(name, ask)));
        if to.stream && takes(to, "stream_options") {
            puts.push(("stream_options", self.counted()));
        }
        if by_openai && !dated {
            puts.push(self.store(to));
        }
        puts
    }

    /// Asks for the usage at the end of a stream, beside what the caller wants of it.
    fn counted(&self) -> Option<String> {
        const ASKED: &str = r#"{"include_usage":true}"#;
        let Some(own) = self.get("stream_options").filter(|own| *own != "null") else {
            return Some(ASKED.to_owned());
        };
        let asked =
            Json::read(own).is_ok_and(|own| own.get("include_usage") == Some(&Json::Bool(true)));
        if asked {
            return None;
        }
        changed(own, &[Change::Put("include_usage", true.to_string())])
    }

    fn responses(&self, ask: &Ask, to: &Endpoint) -> Vec<Member<'a>> {
        vec![
            self.model(to),
            self.stream(to),
            self.limit("max_output_tokens", ask),
            self.store(to),
        ]
    }

    fn messages(&self, ask: &Ask, to: &Endpoint) -> Vec<Member<'a>> {
        let place = if is_at_vertex(to) {
            let version = Json::from(super::anthropic::AT_VERTEX).to_string();
            self.unless("anthropic_version", version)
        } else {
            self.model(to)
        };
        let limit = self.limit("max_tokens", ask);
        let mut puts = vec![place, self.stream(to), limit];
        puts.extend(self.thinking(ask));
        puts
    }

    /// Lowers what the model may think with the output limit, which must be greater: it was where
    /// the caller wrote both. What he wrote wrong himself is his.
    fn thinking(&self, ask: &Ask) -> Option<Member<'a>> {
        let budget = ask.raw.as_ref()?.thinking_budget()?;
        let own = self.get("max_tokens").and_then(|own| own.parse().ok());
        let was_right = own.is_none_or(|own: u32| budget < own);
        let limit = ask.output_limit;
        if !was_right || budget < limit {
            return None;
        }
        let lower = limit.saturating_sub(LEAST_OUTPUT).max(THINKING_LEAST);
        let change = Change::Put("budget_tokens", lower.to_string());
        Some(("thinking", changed(self.get("thinking")?, &[change])))
    }

    /// The model and the stream are in the path.
    fn gemini(&self, ask: &Ask) -> Vec<Member<'a>> {
        let limit = ask.output_limit.to_string();
        let (name, _) = self.spelling(CONFIG);
        let Some(own) = self.get(name).filter(|own| *own != "null") else {
            return vec![(name, Some(format!("{{\"maxOutputTokens\":{limit}}}")))];
        };
        let Some(inner) = Own::read(own) else {
            return Vec::new();
        };
        let (spelled, twin) = inner.spelling(CONFIG_LIMIT);
        if twin.is_none() && inner.get(spelled) == Some(limit.as_str()) {
            return Vec::new();
        }
        let mut changes = vec![Change::Put(spelled, limit)];
        changes.extend(twin.map(Change::Drop));
        vec![(name, changed(own, &changes))]
    }
}
