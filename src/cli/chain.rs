//! `deskhand chain`: chains listed, added, and explained before any call.

use serde_json::{Value, json};

use super::{
    Call,
    ai_args::{ChainCommand, ChainPreset},
    stop::{Exit, Stop},
    words,
};
use crate::{
    desk::{
        Desk,
        explain::{Explained, ExplainedLink, Verdict},
        face::AskedChain,
    },
    domain::LinkName,
};

/// Lists, adds or explains.
pub(super) async fn run(call: &Call, command: ChainCommand) -> Result<Exit, Stop> {
    match command {
        ChainCommand::List => list(call).await,
        ChainCommand::Add { preset, name } => add(call, preset, name.as_deref()).await,
        ChainCommand::Explain { ticket, chain } => explain(call, ticket, chain.as_ref()).await,
    }
}

async fn list(call: &Call) -> Result<Exit, Stop> {
    call.at_desk(async |desk| {
        let settings = desk.settings();
        let config = &settings.config;
        if config.chains.is_empty() && !call.out.is_json() {
            let chosen = desk.chain(None).await?;
            let links: Vec<String> = chosen.links.iter().map(ToString::to_string).collect();
            call.out.line(&if links.is_empty() {
                "No chain is configured and no provider is connected.".to_owned()
            } else {
                format!("{}: {}", chosen.from, links.join(" -> "))
            });
        }
        for (name, links) in &config.chains {
            let routing = config.routing(name);
            let rules: Vec<&str> = config
                .rules
                .iter()
                .filter(|rule| rule.chain == *name)
                .map(|rule| rule.when.as_str())
                .collect();
            call.out.answer(
                || {
                    json!({
                        "name": name,
                        "links": links,
                        "routing": routing.word(),
                        "when": rules,
                        "advice": desk.chain_advice(links),
                    })
                },
                || {
                    let shown: Vec<String> = links.iter().map(ToString::to_string).collect();
                    let mut text = format!("{name} ({}): {}", routing.words(), shown.join(" -> "));
                    for when in &rules {
                        words::push(&mut text, format_args!("\n  for tickets that are {when}"));
                    }
                    for advice in desk.chain_advice(links) {
                        words::push(&mut text, format_args!("\n  {advice}"));
                    }
                    text
                },
            );
        }
        Ok(Exit::OK)
    })
    .await
}

/// The three chains that are often recommended, by the names their makers used.
const fn published(preset: ChainPreset) -> &'static [&'static str] {
    match preset {
        ChainPreset::General => &[
            "openai/gpt-4o",
            "anthropic/claude-sonnet-4.5",
            "google/gemini-3-flash-preview",
        ],
        ChainPreset::Code => &[
            "openai/gpt-4o",
            "anthropic/claude-sonnet-4.5",
            "deepseek/deepseek-chat",
        ],
        ChainPreset::Cost => &[
            "openai/gpt-4o-mini",
            "google/gemini-3-flash-preview",
            "deepseek/deepseek-chat",
        ],
    }
}

async fn add(call: &Call, preset: ChainPreset, name: Option<&str>) -> Result<Exit, Stop> {
    let name = name.unwrap_or("default");
    let links = call
        .at_desk(async |desk| add_here(desk, published(preset), name))
        .await?;
    let shown: Vec<String> = links.iter().map(ToString::to_string).collect();
    call.out.answer(
        || json!({ "name": name, "links": links }),
        || {
            format!(
                "Chain {name}: {}. Set the keys it needs with `deskhand keys set PROVIDER`; \
                 `deskhand chain explain` says who would be asked.",
                shown.join(" -> ")
            )
        },
    );
    Ok(Exit::OK)
}

fn add_here(desk: &Desk, published: &[&str], name: &str) -> Result<Vec<LinkName>, Stop> {
    if desk.settings().config.chains.contains_key(name) {
        return Err(Stop::failed(format!("There is a chain {name} already."))
            .advising("Give it another name: deskhand chain add --preset general everyday"));
    }
    let links: Vec<LinkName> = published
        .iter()
        .filter_map(|link| Some(desk.current(&link.parse().ok()?)))
        .collect();
    desk.add_chain(name, &links)?;
    Ok(links)
}

async fn explain(
    call: &Call,
    ticket: Option<i64>,
    chain: Option<&AskedChain>,
) -> Result<Exit, Stop> {
    let explained = call
        .at_desk(async |desk| {
            let ticket = match ticket {
                Some(number) => Some(desk.by_number(number).await?),
                None => None,
            };
            Ok(desk.explain(ticket, chain).await?)
        })
        .await?;
    call.out
        .answer(|| to_json(&explained), || in_words(&explained));
    Ok(if explained.asked().is_some() {
        Exit::OK
    } else {
        Exit::NO_ANSWER
    })
}

fn to_json(explained: &Explained) -> Value {
    json!({
        "chain": explained.chosen.links,
        "chain_from": explained.chosen.from,
        "prompt_tokens_at_most": explained.prompt_at_most,
        "free_usd": explained.free.map(|usd| usd.to_string()),
        "free_because": explained.free.is_none().then_some("there is no cap"),
        "asked_now": explained.asked(),
        "links": explained.links.iter().map(link_json).collect::<Vec<_>>(),
    })
}

fn link_json(link: &ExplainedLink) -> Value {
    json!({
        "provider": link.link.provider,
        "model": link.link.model,
        "verdict": link.verdict.word(),
        "because": link.verdict.words(),
        "until": link.until,
        "key": link.key,
        "estimate_at_most_usd": link.estimate.map(|usd| usd.to_string()),
        "estimate_rough": link.is_estimate_rough,
        "estimate_because": link.estimate.is_none().then_some("no price is known"),
        "window_tokens": link.window,
        "window_because": link.window.is_none().then_some("not known"),
    })
}

fn in_words(explained: &Explained) -> String {
    let mut text = format!(
        "{}; the prompt has at most {} tokens.",
        words::capital(&explained.chosen.from),
        explained.prompt_at_most
    );
    for (place, link) in (1..).zip(&explained.links) {
        let rough = if link.is_estimate_rough {
            "price unknown, "
        } else {
            ""
        };
        let estimate = link.estimate.map_or_else(
            || "price unknown".to_owned(),
            |usd| format!("{rough}at most {}", usd.for_people()),
        );
        let window = link.window.map_or_else(
            || "window unknown".to_owned(),
            |window| format!("window {window}"),
        );
        let until = link
            .until
            .map_or_else(String::new, |until| format!(" until {}", words::day(until)));
        let mark = if link.verdict == Verdict::AskedNow {
            ">"
        } else {
            " "
        };
        words::push(
            &mut text,
            format_args!(
                "\n{mark} {place}  {:<38}  {}{until}\n       key {}, {estimate}, {window}",
                link.link.to_string(),
                link.verdict.words(),
                link.key
            ),
        );
    }
    if explained.asked().is_none() {
        text.push_str("\nNobody would be asked now. `deskhand doctor` says how each is mended.");
    }
    text
}
