//! Chains: spelled two ways, checked, advised of.

use super::{found, good, link};

#[test]
fn chains_are_checked() {
    let text = "\
[providers.local]
type = \"openai-compatible\"
base_url = \"http://localhost:1/v1\"
models = [\"llama\"]
[chains.default]
links = [\"antropic/x\", \"gpt-4x\", \"openai/gpt-4o\", \"openai/gpt-4o\", \"local/lama\"]
[chains.empty]
links = []
[chains.none]
[chains.one]
links = [\"openai/gpt-4o\"]
[chains.same]
links = [\"openai/gpt-4o\", \"openai/gpt-4o-mini\"]
[chains.unheard]
links = [\"openai/gpt-99\", \"anthropic/claude-haiku-4-5\"]
";

    assert_eq!(
        found(text),
        [
            "6:10: error: antropic/x names no provider of this config. Did you mean anthropic/x?",
            "6:24: error: `gpt-4x` is no model. Write provider/model, for example \
             openai/gpt-4o-mini.",
            "6:51: error: [chains.default] asks openai/gpt-4o twice. Remove one of the two.",
            "6:68: error: local lists no model `lama`. Did you mean local/llama?",
            "7:9: error: [chains.empty] has no links. Give it at least one.",
            "9:9: error: [chains.none] has no links. Add links = [\"provider/model\", \
             \"provider/model\"].",
            "11:10: warning: The chain has only openai/gpt-4o: when it fails, no other model takes \
             over.",
            "13:10: warning: All links of the chain are at openai: when it is down, none answers.",
            "15:10: warning: no price is known for openai/gpt-99, so it is not asked. Add \
             [models.\"openai/gpt-99\"] with price_in_usd_per_million and \
             price_out_usd_per_million (0 for a local one), or allow_unknown_prices = true below \
             [spend].",
        ]
    );
}

#[test]
fn fallback_to_is_the_other_spelling_of_a_chain() {
    let config = good(
        "[models.\"anthropic/claude-haiku-4-5\"]\nfallback_to = \"openai/gpt-4o-mini\"\n\
         [models.\"openai/gpt-4o-mini\"]\nfallback_to = \"openai/gpt-4o\"\n",
    );

    assert_eq!(
        config.default_chain().unwrap(),
        [
            link("anthropic/claude-haiku-4-5"),
            link("openai/gpt-4o-mini"),
            link("openai/gpt-4o")
        ]
    );
}

#[test]
fn a_dearer_or_smaller_backup_is_advised_of() {
    let said =
        found("[chains.default]\nlinks = [\"anthropic/claude-haiku-4-5\", \"openai/gpt-4o\"]\n");

    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0].starts_with("2:10: warning: The backup openai/gpt-4o is dearer"),
        "{said:?}"
    );
    assert!(said[1].contains("takes 128000 tokens"), "{said:?}");
}

#[test]
fn a_circle_is_found_once() {
    let text = "\
[models.\"anthropic/claude-haiku-4-5\"]
fallback_to = \"openai/gpt-4o\"
[models.\"openai/gpt-4o\"]
fallback_to = \"anthropic/claude-haiku-4-5\"
[models.\"openai/gpt-4o-mini\"]
fallback_to = \"openai/gpt-4o-mini\"
";

    assert_eq!(
        found(text),
        [
            "2:15: error: fallback_to leads in a circle: anthropic/claude-haiku-4-5, then \
             openai/gpt-4o, then anthropic/claude-haiku-4-5. Remove one of these lines.",
            "6:15: error: fallback_to leads in a circle: openai/gpt-4o-mini, then \
             openai/gpt-4o-mini. Remove one of these lines.",
        ]
    );
}
