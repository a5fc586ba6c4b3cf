//! Who is to be asked for a request, and what of it costs more than its words.

use std::iter::once;

use super::{
    dialect::{Refusal, RefusalKind, Request},
    read::{check_names, routing_named, unknown_model},
};
use crate::{
    config::{Config, Meant},
    desk::{
        Chosen, Settings,
        serving::{Beyond, HoldBack, PassAsk},
    },
    domain::{LinkName, ProviderKind},
    engine::routing::Routing,
};

/// The member that names the first model.
const MODEL: &str = "model";
/// The member that names those to choose among.
const AMONG: &str = "model_routing_config.models";

/// Says who is to be asked.
pub(super) fn pass_ask(
    settings: &Settings,
    caller: String,
    request: Request,
) -> Result<PassAsk, Refusal> {
    let config = &settings.config;
    let (links, routing, from) = links(config, &request)?;
    let routing = match request.provider.routing.as_deref() {
        Some(word) => routing_named(word)?,
        None => routing,
    };
    let kinds = links.iter().filter_map(|link| {
        let provider = settings.provider(&link.provider)?;
        Some(provider.kind)
    });
    let beyond = beyond(config, &request, kinds)?;
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
        ask: request.ask,
    })
}

/// Returns the links that a request means, how they are to be put in order, and where that comes from.
pub(super) fn links(
    config: &Config,
    request: &Request,
) -> Result<(Vec<LinkName>, Routing, String), Refusal> {
    let wishes = &request.provider;
    let fallbacks = wishes.fallback.iter().flatten().enumerate();
    let fallbacks = fallbacks.map(|(place, name)| (at(wishes.fallback_in, place), name.as_str()));
    let among = wishes.among.iter().enumerate();
    let among = among.map(|(place, name)| (at(AMONG, place), name.as_str()));
    let model = once((MODEL.to_owned(), request.model.as_str()));
    check_names(model.chain(fallbacks).chain(among))?;
    let meant = if request.model == "auto" && !wishes.among.is_empty() {
        Meant {
            links: named(config, &wishes.among, AMONG)?,
            routing: Routing::Priority,
        }
    } else {
        meant(config, &request.model, MODEL)?
    };
    let (mut links, mut from) = (meant.links, format!("asked for: {}", request.model));
    if let Some(fallback) = &wishes.fallback {
        links.truncate(1);
        for link in named(config, fallback, wishes.fallback_in)? {
            if !links.contains(&link) {
                links.push(link);
            }
        }
        from = format!("the request: {} and its own fallbacks", request.model);
    }
    Ok((links, meant.routing, from))
}

/// Returns the name of an item of a member.
fn at(member: &str, place: usize) -> String {
    format!("{member}[{place}]")
}

/// Returns the links that a list of names means; `member` holds the list.
fn named(config: &Config, names: &[String], member: &str) -> Result<Vec<LinkName>, Refusal> {
    let mut links: Vec<LinkName> = Vec::new();
    for (place, name) in names.iter().enumerate() {
        // A model's own fallbacks are not meant by who lists others for it; a chain is all its links.
        let theirs = match config.link_named(name) {
            Some(link) => vec![link],
            None => meant(config, name, &at(member, place))?.links,
        };
        for link in theirs {
            if !links.contains(&link) {
                links.push(link);
            }
        }
    }
    Ok(links)
}

fn meant(config: &Config, name: &str, member: &str) -> Result<Meant, Refusal> {
    config
        .meant_by(name)
        .map_err(|why| unknown_model(&why.to_string(), member))
}

/// Returns what the request may cost beyond its own words; what has no price needs leave, if one of
/// those who may be asked is told of it.
fn beyond(
    config: &Config,
    request: &Request,
    mut asked: impl Iterator<Item = ProviderKind>,
) -> Result<Beyond, Refusal> {
    let bill = &request.bill;
    if let Some(what) = &bill.unpriced
        && !config.spend.allow_unknown_prices
        && asked.any(|kind| bill.to.contains(&kind))
    {
        let message = format!(
            "Providers bill {what} beside tokens, at prices that deskhand does not know. `[spend] \
             allow_unknown_prices = true` lets it pass; it is then counted at its ceiling (~)."
        );
        return Err(Refusal::new(RefusalKind::BadInput, message));
    }
    Ok(Beyond {
        choices: bill.choices.unwrap_or(1),
        is_elsewhere: bill.is_elsewhere,
        is_unpriced: bill.unpriced.is_some(),
        tools: bill.tools,
        percent: bill.percent.unwrap_or(100),
        is_cached: bill.is_cached,
        to: bill.to,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{Around, Missing},
        serve::dialect::{PathWords, dialect},
    };

    fn beyond_of(kind: ProviderKind, members: &str, allows: bool) -> Result<Beyond, Refusal> {
        let said = if members.contains("\"messages\"") {
            ""
        } else {
            r#","messages":[{"role":"user","content":"hi"}]"#
        };
        let body = format!("{{\"model\":\"m\"{said}{members}}}");
        let request = dialect(kind)
            .request(&body, &[], &PathWords::default())
            .unwrap_or_else(|refusal| panic!("{}", refusal.message));
        let mut config = Config::default();
        config.spend.allow_unknown_prices = allows;
        beyond(&config, &request, [kind].into_iter())
    }

    /// A config with one provider and its models.
    fn house() -> Config {
        let text = r#"
[providers.house]
type = "openai-compatible"
base_url = "http://127.0.0.1:1/v1"
auth = "none"
models = ["big", "small", "other"]
[chains.default]
links = ["house/other", "house/small"]
[chains.backup]
links = ["house/small", "house/other", "house/big"]
"#;
        let around = Around {
            known: &[],
            env: &|_| None,
            missing: Missing::Fine,
            prices: &[],
            today: jiff::civil::date(2026, 11, 25),
        };
        let path = std::path::Path::new("config.toml");
        crate::config::read(path, text, &around).unwrap().0
    }

    #[test]
    fn a_chain_among_the_fallbacks_is_all_its_links() {
        let config = house();
        let names = ["house/big", "backup", "house/other"].map(str::to_owned);

        let links = named(&config, &names, "models").unwrap();

        let links: Vec<String> = links.iter().map(ToString::to_string).collect();
        assert_eq!(links, ["house/big", "house/small", "house/other"]);
        // A link is itself alone, whatever chain begins with it.
        let one = named(&config, &names[2..], "models").unwrap();
        assert_eq!(one.len(), 1);
    }

    #[test]
    fn a_name_that_means_nothing_is_told_by_the_member_that_holds_it() {
        let start = r#""messages":[{"role":"user","content":"hi"}]"#;
        let long = "x".repeat(300);
        for (members, param) in [
            (r#""model":"no""#, "model"),
            (
                r#""model":"house/big","provider":{"fallback":["house/small","no"]}"#,
                "provider.fallback[1]",
            ),
            (r#""model":"house/big","fallback":["no"]"#, "fallback[0]"),
            (r#""model":"house/big","models":["no"]"#, "models[0]"),
            (
                &format!(r#""model":"house/big","models":["house/small","{long}"]"#),
                "models[1]",
            ),
            (
                r#""model":"auto","model_routing_config":{"models":["no"]}"#,
                "model_routing_config.models[0]",
            ),
        ] {
            let body = format!("{{{members},{start}}}");
            let kind = ProviderKind::OpenAi;
            let request = dialect(kind).request(&body, &[], &PathWords::default());
            let refusal = links(&house(), &request.unwrap()).unwrap_err();
            assert_eq!(refusal.param.as_deref(), Some(param), "{members}");
        }
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
        use ProviderKind::{Anthropic, OpenAi};
        for (kind, members) in [
            (OpenAi, r#","service_tier":"priority""#),
            (OpenAi, r#","web_search_options":{}"#),
            (
                OpenAi,
                r#","modalities":["text","audio"],"audio":{"voice":"x"}"#,
            ),
            (Anthropic, r#","speed":"fast""#),
            (
                Anthropic,
                r#","tools":[{"type":"web_search_20250305","name":"web_search"}]"#,
            ),
            (Anthropic, r#","mcp_servers":[{"url":"https://x.example"}]"#),
            (Anthropic, r#","inference_geo":"moon""#),
            (OpenAi, r#","tools":[{"type":"browser_search"}]"#),
        ] {
            let refusal = beyond_of(kind, members, false).unwrap_err();
            assert_eq!(refusal.status, 400, "{members}");
            assert!(
                beyond_of(kind, members, true).unwrap().is_unpriced,
                "{members}"
            );
        }
    }

    #[test]
    fn what_is_dearer_is_counted_so_many_times() {
        use ProviderKind::{Anthropic, OpenAi};
        for (kind, members, percent, is_elsewhere) in [
            (OpenAi, r#","service_tier":"priority""#, 200, false),
            (Anthropic, r#","speed":"fast""#, 1_200, false),
            (OpenAi, r#","modalities":["text","audio"]"#, 3_400, false),
            (OpenAi, r#","web_search_options":{}"#, 100, true),
            (Anthropic, r#","inference_geo":"us""#, 110, false),
            (Anthropic, r#","inference_geo":"global""#, 100, false),
            (
                Anthropic,
                r#","inference_geo":"us","speed":"fast""#,
                1_320,
                false,
            ),
            (
                OpenAi,
                r#","messages":[{"role":"assistant","audio":{"id":"a"}},{"role":"user","content":"hi"}]"#,
                3_400,
                true,
            ),
        ] {
            let beyond = beyond_of(kind, members, true).unwrap();
            let told = (beyond.percent, beyond.is_elsewhere);
            assert_eq!(told, (percent, is_elsewhere), "{members}");
        }
    }

    #[test]
    fn what_costs_its_tokens_alone_needs_no_leave() {
        use ProviderKind::{Anthropic, OpenAi};
        for (kind, members) in [
            (OpenAi, r#","service_tier":"default""#),
            (
                OpenAi,
                r#","tools":[{"type":"custom","custom":{"name":"x"}}]"#,
            ),
            (
                Anthropic,
                r#","tools":[{"type":"bash_20250124","name":"bash"}]"#,
            ),
            (
                Anthropic,
                r#","tools":[{"type":"text_editor_20250728","name":"edit"}]"#,
            ),
        ] {
            let beyond = beyond_of(kind, members, false).unwrap();
            let tools = u32::from(members.contains("tools"));
            assert_eq!((beyond.is_unpriced, beyond.is_elsewhere), (false, false));
            assert_eq!((beyond.tools, beyond.percent), (tools, 100), "{members}");
        }
    }

    #[test]
    fn who_asks_for_a_cache_is_told_from_who_speaks_of_one() {
        let cached = |control: &str| {
            let members = format!(
                r#","system":[{{"type":"text","text":"\"1h\" \"cache_control\"",{control}"x":0}}]"#
            );
            let beyond = beyond_of(ProviderKind::Anthropic, &members, false).unwrap();
            beyond.is_cached
        };
        assert!(!cached(""));
        assert!(cached(r#""cache_control":{"type":"ephemeral"},"#));
    }

    #[test]
    fn what_has_no_price_needs_leave_only_where_somebody_is_told_of_it() {
        let body = r#"{"model":"m","speed":"fast","messages":[{"role":"user","content":"hi"}]}"#;
        let request = dialect(ProviderKind::Anthropic)
            .request(body, &[], &PathWords::default())
            .unwrap();
        let asking = |asked: &[ProviderKind]| {
            beyond(&Config::default(), &request, asked.iter().copied()).is_ok()
        };

        assert!(asking(&[ProviderKind::OpenAi, ProviderKind::Gemini]));
        assert!(!asking(&[ProviderKind::OpenAi, ProviderKind::Anthropic]));
    }

    #[test]
    fn a_page_is_longer_than_its_bytes() {
        for (media_type, is_unpriced) in [("application/pdf", false), ("video/mp4", true)] {
            let part = format!(r#"{{"inlineData":{{"mimeType":"{media_type}","data":"QQ=="}}}}"#);
            let body = format!(r#"{{"model":"m","contents":[{{"parts":[{part}]}}]}}"#);
            let kind = ProviderKind::Gemini;
            let request = dialect(kind).request(&body, &[], &PathWords::default());
            let bill = request.unwrap().bill;
            let told = (bill.is_elsewhere, bill.unpriced.is_some());
            assert_eq!(told, (true, is_unpriced), "{media_type}");
        }
    }

    #[test]
    fn what_lies_at_the_provider_is_as_long_as_a_window() {
        let part =
            r#"[{"type":"document","source":{"type":"url","url":"https://x.example/a.pdf"}}]"#;
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":{part}}}]}}"#);
        let kind = ProviderKind::Anthropic;
        let request = dialect(kind).request(&body, &[], &PathWords::default());
        let asked = [kind].into_iter();
        let beyond = beyond(&Config::default(), &request.unwrap(), asked).unwrap();

        assert!(beyond.is_elsewhere && !beyond.is_unpriced);
    }
}
