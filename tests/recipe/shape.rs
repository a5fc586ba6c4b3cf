//! The shape of its config, in three languages, and what can be wrong with it.

use super::*;

#[test]
fn the_shape_is_the_same_in_toml_yaml_and_json() {
    let yaml = good("c.yaml", OWN);
    let toml = good(
        "c.toml",
        "[providers.first]\ntype = \"openai\"\napi_key = \"${FIRST_KEY}\"\n\
         models = { gpt-4o = {}, gpt-4o-mini = { limits = { requests_per_minute = 500 } } }\n\
         [providers.second]\ntype = \"anthropic\"\napi_key = \"${SECOND_KEY}\"\n\
         limits = { requests_per_minute = 50, tokens_per_minute = 30_000 }\n\
         models.claude-haiku-4-5 = {}\n\
         [models.gpt-4o-mini]\nprovider = \"first\"\nfallback_to = \"claude-haiku-4-5\"\n\
         [models.gpt-4o]\nprovider = \"first\"\nfallback_to = \"gpt-4o-mini\"\n\
         [models.claude-haiku-4-5]\nprovider = \"second\"\n",
    );
    let json = good(
        "c.json",
        r#"{
            "providers": {
                "first": {"type": "openai", "api_key": "${FIRST_KEY}", "models":
                    {"gpt-4o": {}, "gpt-4o-mini": {"limits": {"requests_per_minute": 500}}}},
                "second": {"type": "anthropic", "api_key": "${SECOND_KEY}", "models":
                    {"claude-haiku-4-5": null},
                    "limits": {"requests_per_minute": 50, "tokens_per_minute": 30000}}
            },
            "models": {
                "gpt-4o-mini": {"provider": "first", "fallback_to": "claude-haiku-4-5"},
                "gpt-4o": {"provider": "first", "fallback_to": "gpt-4o-mini"},
                "claude-haiku-4-5": {"provider": "second"}
            }
        }"#,
    );

    for other in [&toml, &json] {
        assert_eq!(other.to_json(), yaml.to_json());
        assert_eq!(other.serve, yaml.serve);
    }
    let names: Vec<&str> = yaml
        .serve
        .models
        .iter()
        .map(|model| model.name.as_str())
        .collect();
    assert_eq!(names, ["gpt-4o-mini", "gpt-4o", "claude-haiku-4-5"]);
    let links = yaml.chain_for_model("gpt-4o").expect("a chain");
    let links: Vec<String> = links.iter().map(ToString::to_string).collect();
    assert_eq!(
        links,
        [
            "first/gpt-4o",
            "first/gpt-4o-mini",
            "second/claude-haiku-4-5"
        ]
    );
    let limits = yaml.limits.of(&links[1].parse().expect("a link"));
    assert_eq!(
        (limits.requests_per_minute, limits.tokens_per_minute),
        (Some(500), None)
    );
}

#[test]
fn any_config_may_be_yaml_or_json() {
    let yaml = good(
        "c.yml",
        "spend:\n  cap_month_usd: 0.50\n  alerts: [50, 90]\nengine:\n  clocks: {gap: 4s}\n\
         chains:\n  default:\n    links: [openai/gpt-4o-mini, anthropic/claude-haiku-4-5]\n\
         keys:\n  draft: [d, ctrl+g]\n",
    );
    let json = good(
        "c.json",
        "{\"spend\": {\"cap_month_usd\": 0.50, \"alerts\": [50, 90]}, \"engine\": {\"clocks\": \
         {\"gap\": \"4s\"}}, \"chains\": {\"default\": {\"links\": [\"openai/gpt-4o-mini\", \
         \"anthropic/claude-haiku-4-5\"]}}, \"keys\": {\"draft\": [\"d\", \"ctrl+g\"]}}",
    );

    assert_eq!(
        yaml.spend.cap,
        Cap::Month("0.5".parse().expect("an amount"))
    );
    assert_eq!(yaml.serve.origin, Origin::Own);
    assert_eq!(yaml.serve.implied, Vec::<Implied>::new());
    assert_eq!(yaml.to_json(), json.to_json());
    assert_eq!(yaml.default_chain().map(<[_]>::len), Some(2));
}

#[test]
fn the_four_pitfalls_are_found() {
    // Too short: nobody takes over for what is asked first.
    let short = OWN.replace("    fallback_to: claude-haiku-4-5\n", "");
    assert_eq!(
        found(&short),
        [
            "22:18: warning: All links of the chain are at first: when it is down, none answers.",
            "23:3: warning: The chain has only second/claude-haiku-4-5: when it fails, no other \
             model takes over.",
        ]
    );
    // A circle, at the first line of it.
    let circle = OWN.replace(
        "    provider: second\n",
        "    provider: second\n    fallback_to: gpt-4o\n",
    );
    assert_eq!(
        found(&circle),
        [
            "20:18: error: fallback_to leads in a circle: first/gpt-4o, then first/gpt-4o-mini, then \
             second/claude-haiku-4-5, then first/gpt-4o. Remove one of these lines."
        ]
    );
    // A missing key.
    let read = look("c.yaml", OWN, &|name| {
        (name == "FIRST_KEY").then(|| "x".to_owned())
    });
    let (_, warnings) = read.expect("a warning at most");
    let missing: Vec<String> = warnings
        .iter()
        .filter(|found: &&Found| found.message.contains("environment"))
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        missing,
        [
            "c.yaml:11:14: warning: the environment has no `SECOND_KEY`, so second has no key. Set \
             it, or run `deskhand keys set second` and remove this line."
        ]
    );
    // A backup that takes less, in one figure or in both.
    let lower = |text: &str| -> Vec<String> {
        let limits = found(text).into_iter();
        limits.filter(|line| line.contains("a minute")).collect()
    };
    assert_eq!(
        lower(OWN),
        [
            "20:18: warning: The backup second/claude-haiku-4-5 takes only 50 requests a minute, \
             first/gpt-4o-mini takes 500: an outage may run into that limit. Have the limit raised, \
             or ask another model before it."
        ]
    );
    let both = "gpt-4o: {limits: {requests_per_minute: 60, tokens_per_minute: 40000}}";
    assert_eq!(
        lower(&OWN.replace("gpt-4o: {}", both)),
        [
            "20:18: warning: The backup second/claude-haiku-4-5 takes only 50 requests and 30000 \
             tokens a minute, first/gpt-4o takes 60 and 40000: an outage may run into that limit. \
             Have the limit raised, or ask another model before it."
        ]
    );
}

#[test]
fn what_is_wrong_has_its_line_and_repeats_no_key() {
    let key = "sk-ant-api03-4711abcdef0815";
    for (text, line) in [
        (
            OWN.replace("${FIRST_KEY}", key),
            "4:14: error: a key must not stand in the config",
        ),
        (
            OWN.replace("provider: second", "provider: secnod"),
            "25:15: error: there is no provider `secnod`. Did you mean second?",
        ),
        (
            OWN.replace("fallback_to: claude-haiku-4-5", "fallback_to: claude-hiaku"),
            "20:18: error: `claude-hiaku` is no model.",
        ),
        (
            OWN.replace("    type: openai", "    typ: openai"),
            "3:5: error: [providers.first] has no setting `typ`. Did you mean `type`?",
        ),
        (OWN.replace("    type: openai", "   type: openai"), "4:1"),
        (
            OWN.replace("      gpt-4o: {}\n", "      gpt-4o: {}\n      gpt-4o: {}\n"),
            "7:7: error: this name stands twice in its table.",
        ),
        (
            OWN.replace("      gpt-4o: {}\n", &format!("      {key}: {{}}\n")),
            "6:7: error: `...` (it looks like a key and is not repeated) is not the name of a model.",
        ),
    ] {
        let found = found(&text);
        assert!(
            found.iter().any(|said| said.starts_with(line)),
            "{line}: {found:#?}"
        );
        assert!(!found.concat().contains("4711"), "{found:#?}");
    }
}

#[test]
fn a_model_that_does_not_say_whose_it_is_is_found_at_its_provider() {
    let text = OWN.replace(
        "    provider: first\n    fallback_to: gpt-4o-mini\n",
        "    fallback_to: gpt-4o-mini\n",
    );
    let config = good("c.yaml", &text);
    assert_eq!(config.serve.models, good("c.yaml", OWN).serve.models);

    let twice = text.replace(
        "      claude-haiku-4-5:\n",
        "      claude-haiku-4-5:\n      gpt-4o:\n",
    );
    let said = found(&twice);
    assert!(
        said.contains(
            &"22:3: warning: `gpt-4o` is at first and at second. first is asked; say it with \
              `provider`."
                .to_owned()
        ),
        "{said:#?}"
    );
}

#[test]
fn what_the_file_says_goes_before_what_its_shape_implies() {
    let config = good(
        "c.yaml",
        &format!(
            "{OWN}spend: {{cap_month_usd: 20, allow_unknown_prices: false}}\n\
             engine: {{on_auth_error: bench}}\nserve: {{any_bearer: false, listen: 'localhost:9000'}}\n"
        ),
    );

    assert_eq!(
        config.spend.cap,
        Cap::Month("20".parse().expect("an amount"))
    );
    assert!(!config.spend.allow_unknown_prices);
    assert_eq!(config.engine.policy.on_auth_error, OnAuthError::Bench);
    assert!(!config.serve.any_bearer);
    assert_eq!(config.serve.listen.to_string(), "127.0.0.1:9000");
    assert_eq!(config.serve.implied, Vec::<Implied>::new());
}
