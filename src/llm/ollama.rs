//! What an Ollama says of the windows it gives its models, and how one notices that it cut a
//! prompt: it does so without a word.
//!
//! <https://github.com/ollama/ollama/blob/main/docs/api.md> (`/api/ps`, `/api/show`) and
//! <https://github.com/ollama/ollama/blob/main/docs/context-length.mdx>.

use serde_json::{Value, json};

use super::{
    chat,
    rows::{count, text},
    wire::{Call, Endpoint},
};

/// The window of a model that is not loaded and says nothing: the least that Ollama gives.
pub(super) const LEAST: u64 = 4_096;

/// No text has this many bytes to a token: about four is usual.
const BYTES_A_TOKEN_AT_MOST: u64 = 8;
/// Shorter prompts prove nothing.
const SHORT_BYTES: u64 = 2_000;

/// Asks which models are loaded, and how large each was made.
pub(super) fn running(to: &Endpoint) -> Call {
    Call {
        url: format!("{}/api/ps", root(to)),
        headers: chat::headers(to),
        body: Vec::new(),
    }
}

/// Asks what is set for a model.
pub(super) fn shown(to: &Endpoint) -> Call {
    Call {
        url: format!("{}/api/show", root(to)),
        headers: chat::headers(to),
        body: json!({ "model": to.model.0 }).to_string().into_bytes(),
    }
}

/// Reads the window of a model that is loaded.
pub(super) fn window_running(body: &[u8], model: &str) -> Option<u64> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let models = value.get("models")?.as_array()?;
    let is_it = |name: &str| name == model || name.strip_suffix(":latest") == Some(model);
    let found = models.iter().find(|row| {
        let names = [text(row, "/name"), text(row, "/model")];
        names.into_iter().flatten().any(is_it)
    })?;
    count(found, "/context_length").filter(|tokens| *tokens > 0)
}

/// Reads the window that is set for a model: the `num_ctx` of its parameters.
pub(super) fn window_shown(body: &[u8]) -> Option<u64> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let lines = text(&value, "/parameters")?.lines();
    let mut set = lines.filter_map(|line| line.trim().strip_prefix("num_ctx"));
    set.next()?.trim().parse().ok()
}

/// Tells whether far fewer tokens were read than a prompt of so many bytes has.
pub(super) fn is_cut(tokens_in: Option<u64>, prompt_bytes: u64) -> bool {
    prompt_bytes > SHORT_BYTES
        && tokens_in.is_some_and(|tokens| tokens < prompt_bytes / BYTES_A_TOKEN_AT_MOST)
}

/// Its own API lies beside the one that is compatible with others.
fn root(to: &Endpoint) -> &str {
    let base = to.base_url.trim_end_matches('/');
    base.strip_suffix("/v1").unwrap_or(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_what_the_server_made_it() {
        let loaded = br#"{"models":[{"name":"a:7b","context_length":2048},
            {"name":"llama:latest","model":"llama:latest","context_length":8192}]}"#;

        assert_eq!(window_running(loaded, "llama"), Some(8_192));
        assert_eq!(window_running(loaded, "llama:latest"), Some(8_192));
        assert_eq!(window_running(loaded, "lla"), None);
        let old = br#"{"models":[{"name":"llama:latest"}]}"#;
        assert_eq!(window_running(old, "llama"), None);
    }

    #[test]
    fn what_is_set_for_a_model_is_read_and_its_card_is_not() {
        let set = br#"{"parameters":"stop  \"<|end|>\"\nnum_ctx                        16384",
            "model_info":{"llama.context_length":131072}}"#;

        assert_eq!(window_shown(set), Some(16_384));
        assert_eq!(
            window_shown(br#"{"model_info":{"llama.context_length":131072}}"#),
            None
        );
    }

    #[test]
    fn a_prompt_that_was_cut_is_noticed_by_its_count() {
        for (tokens, bytes, wanted) in [
            (Some(2_048), 40_000, true),
            (Some(9_000), 40_000, false),
            (Some(5_001), 40_000, false),
            (Some(10), 1_500, false),
            (None, 40_000, false),
        ] {
            assert_eq!(is_cut(tokens, bytes), wanted, "{tokens:?} {bytes}");
        }
    }
}
