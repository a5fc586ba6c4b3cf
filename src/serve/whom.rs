//! Who is to be asked for a request, and what of it costs more than its words.

use std::iter::once;

use super::{
    dialect::{Refusal, RefusalKind, Request},
    read::{check_names, routing_named, unknown_model},
};
use crate::{
    config::{Config, Meant},
    desk::{
        Chosen,
        serving::{Beyond, HoldBack, PassAsk},
    },
    domain::LinkName,
    engine::{ask::Part, routing::Routing},
};

/// What of a request lies at the provider: its length is not in the request.
const ELSEWHERE: [&str; 9] = [
    "a file",
    "a document",
    "a picture that is a file of Anthropic's",
    "a picture that is a file of OpenAI's",
    "`cachedContent`",
    "`previous_response_id`",
    "`conversation`",
    "`prompt`",
    "an item of the type `item_reference`",
];

/// What providers bill beside tokens, at prices that the book does not have.
const UNPRICED: [&str; 7] = [
    "a tool that OpenAI runs or defines",
    "a tool that Anthropic runs or defines",
    "a tool that is no function",
    "an answer in audio",
    "`modalities` beside text",
    "`responseModalities` beside text",
    "`web_search_options`",
];

/// Says who is to be asked.
pub(super) fn pass_ask(
    config: &Config,
    caller: String,
    request: Request,
) -> Result<PassAsk, Refusal> {
    let (links, routing, from) = links(config, &request)?;
    let routing = match request.provider.routing.as_deref() {
        Some(word) => routing_named(word)?,
        None => routing,
    };
    let beyond = beyond(config, &request)?;
    let last = request.ask.turns.last();
    let after_tool = last.is_some_and(|turn| {
        let mut parts = turn.parts.iter();
        parts.any(|part| matches!(part, Part::Result(_)))
    });
    let mut ask = request.ask;
    // What only one family answers may be a picture or sound; after a tool there may be nothing to say.
    ask.wishes.wordless = after_tool || !request.bound.is_empty();
    let serve = &config.serve;
    Ok(PassAsk {
        caller,
        chosen: Chosen { links, from },
        routing: (routing != Routing::Priority).then_some(routing),
        stream: request.framing.is_streamed().then_some(HoldBack {
            time: serve.hold,
            pieces: usize::try_from(serve.hold_tokens).unwrap_or(usize::MAX),
        }),
        beyond,
        bound: request
            .bound
            .into_iter()
            .map(|bound| (bound.what, bound.by))
            .collect(),
        output_limit: request.output_limit,
        callers: request.wrote,
        ask,
    })
}

fn links(config: &Config, request: &Request) -> Result<(Vec<LinkName>, Routing, String), Refusal> {
    let wishes = &request.provider;
    let fallbacks = wishes.fallback.iter().flatten().chain(&wishes.among);
    check_names(once(&request.model).chain(fallbacks).map(String::as_str))?;
    let meant = if request.model == "auto" && !wishes.among.is_empty() {
        Meant {
            links: named(config, &wishes.among)?,
            routing: Routing::Priority,
        }
    } else {
        meant(config, &request.model)?
    };
    let (mut links, mut from) = (meant.links, format!("asked for: {}", request.model));
    if let Some(fallback) = &wishes.fallback {
        links.truncate(1);
        for link in named(config, fallback)? {
            if !links.contains(&link) {
                links.push(link);
            }
        }
        from = format!("the request: {} and its own fallbacks", request.model);
    }
    Ok((links, meant.routing, from))
}

fn named(config: &Config, names: &[String]) -> Result<Vec<LinkName>, Refusal> {
    let mut links: Vec<LinkName> = Vec::new();
    for name in names {
        // A model's own fallbacks are not meant by who lists others for it.
        let first = meant(config, name)?.links.into_iter().next();
        links.extend(first.filter(|link| !links.contains(link)));
    }
    Ok(links)
}

fn meant(config: &Config, name: &str) -> Result<Meant, Refusal> {
    config
        .meant_by(name)
        .map_err(|why| unknown_model(&why.to_string()))
}

/// Returns what the request may cost beyond its own words.
fn beyond(config: &Config, request: &Request) -> Result<Beyond, Refusal> {
    let has = |names: &[&str]| {
        let mut bound = request.bound.iter();
        bound.find(|bound| names.contains(&bound.what.as_str()))
    };
    let of_gemini = || {
        let mut bound = request.bound.iter();
        bound.find(|bound| bound.what.starts_with("the tool `"))
    };
    let unpriced = has(&UNPRICED)
        .or_else(of_gemini)
        .map(|bound| bound.what.as_str())
        .or_else(|| dearer(request));
    if let Some(what) = unpriced
        && !config.spend.allow_unknown_prices
    {
        let message = format!(
            "Providers bill {what} beside tokens, at prices that deskhand does not know. `[spend] \
             allow_unknown_prices = true` lets it pass; it is then counted at its ceiling (~)."
        );
        return Err(Refusal::new(RefusalKind::BadInput, message));
    }
    Ok(Beyond {
        choices: choices(request),
        is_elsewhere: has(&ELSEWHERE).is_some(),
        is_unpriced: unpriced.is_some(),
    })
}

/// Returns the word by which a caller asks for a dearer way, if there is one.
fn dearer(request: &Request) -> Option<&'static str> {
    let body = request.ask.raw.as_ref().map_or("", |raw| raw.body.as_str());
    // Looked for first: few requests have it, and reading all again would cost each of them.
    let ways = [
        ("service_tier", "priority", "`service_tier: priority`"),
        ("speed", "fast", "`speed: fast`"),
    ];
    let mut ways = ways.into_iter().filter(|(name, ..)| body.contains(name));
    ways.find_map(|(name, word, what)| {
        let body: serde_json::Value = serde_json::from_str(body).ok()?;
        let is_asked = body.get(name)?.as_str() == Some(word);
        is_asked.then_some(what)
    })
}

/// Returns how many answers are asked for at once.
fn choices(request: &Request) -> u32 {
    let many = ["`n` above 1", "`candidateCount` above 1"];
    if !request
        .bound
        .iter()
        .any(|bound| many.contains(&bound.what.as_str()))
    {
        return 1;
    }
    let body = request.ask.raw.as_ref().map_or("", |raw| raw.body.as_str());
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let places = [
        "/n",
        "/generationConfig/candidateCount",
        "/generation_config/candidate_count",
    ];
    let number = places
        .iter()
        .find_map(|place| body.pointer(place)?.as_u64())
        .unwrap_or(u64::from(u32::MAX));
    u32::try_from(number).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::ProviderKind,
        serve::dialect::{PathWords, dialect},
    };

    fn beyond_of(kind: ProviderKind, members: &str, allows: bool) -> Result<Beyond, Refusal> {
        let body = format!(
            "{{\"model\":\"m\",\"messages\":[{{\"role\":\"user\",\"content\":\"hi\"}}]{members}}}"
        );
        let request = dialect(kind)
            .request(&body, &[], &PathWords::default())
            .unwrap_or_else(|refusal| panic!("{}", refusal.message));
        let mut config = Config::default();
        config.spend.allow_unknown_prices = allows;
        beyond(&config, &request)
    }

    #[test]
    fn several_answers_are_several_bills() {
        let choices = |members| {
            let beyond = beyond_of(ProviderKind::OpenAi, members, false);
            beyond.map(|beyond| beyond.choices)
        };
        assert_eq!(choices(""), Ok(1));
        assert_eq!(choices(",\"n\":1"), Ok(1));
        assert_eq!(choices(",\"n\":8"), Ok(8));
    }

    #[test]
    fn what_has_no_price_needs_leave() {
        for (kind, members) in [
            (ProviderKind::OpenAi, ",\"service_tier\":\"priority\""),
            (ProviderKind::OpenAi, ",\"web_search_options\":{}"),
            (ProviderKind::Anthropic, ",\"speed\":\"fast\""),
        ] {
            let refusal = beyond_of(kind, members, false).unwrap_err();
            assert_eq!(refusal.status, 400, "{members}");
            assert!(
                beyond_of(kind, members, true).unwrap().is_unpriced,
                "{members}"
            );
        }
        let usual = beyond_of(ProviderKind::OpenAi, ",\"service_tier\":\"default\"", false);
        assert!(!usual.unwrap().is_unpriced);
    }
}
