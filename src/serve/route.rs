//! Paths: what a request is for.

use super::dialect::{Framing, PathWords};
use crate::domain::ProviderKind;

/// What a path is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// An answer, in a dialect.
    Ask(ProviderKind, PathWords),
    /// How many tokens an Anthropic-shaped request has.
    CountTokens,
    /// Every model, or one.
    Models(Option<String>),
    /// Whether it runs.
    Health,
    /// Figures, for Prometheus.
    Metrics,
}

/// Returns what a path is for, and by which method; none if it is for nothing.
pub(super) fn route(path: &str, query: Option<&str>) -> Option<(&'static str, Route)> {
    let path = path
        .strip_suffix('/')
        .filter(|it| !it.is_empty())
        .unwrap_or(path);
    let ask = |kind| Some(("POST", Route::Ask(kind, PathWords::default())));
    match path {
        // Some clients are told a base URL with `/v1`, some without.
        "/v1/chat/completions" | "/chat/completions" => ask(ProviderKind::OpenAi),
        "/v1/responses" | "/responses" => ask(ProviderKind::OpenAiResponses),
        "/v1/messages" | "/messages" => ask(ProviderKind::Anthropic),
        "/v1/messages/count_tokens" => Some(("POST", Route::CountTokens)),
        "/v1/models" | "/models" | "/v1beta/models" => Some(("GET", Route::Models(None))),
        "/health" | "/healthz" => Some(("GET", Route::Health)),
        "/metrics" => Some(("GET", Route::Metrics)),
        _ => model_path(path, query),
    }
}

fn model_path(path: &str, query: Option<&str>) -> Option<(&'static str, Route)> {
    let gemini = path
        .strip_prefix("/v1beta/models/")
        .and_then(|rest| rest.rsplit_once(':'));
    if let Some((model, verb)) = gemini {
        let is_events = || {
            let mut pairs = query.unwrap_or_default().split('&');
            pairs.any(|pair| pair == "alt=sse")
        };
        let framing = match verb {
            "generateContent" => Framing::Whole,
            "streamGenerateContent" if is_events() => Framing::Events,
            "streamGenerateContent" => Framing::List,
            _ => return None,
        };
        let words = PathWords {
            model: Some(decoded(model)),
            framing: Some(framing),
            ..PathWords::default()
        };
        return Some(("POST", Route::Ask(ProviderKind::Gemini, words)));
    }
    let model = path
        .strip_prefix("/v1/models/")
        .or_else(|| path.strip_prefix("/v1beta/models/"))?;
    Some(("GET", Route::Models(Some(decoded(model)))))
}

/// Undoes `%2F` and the like; what is no such sign stays as it is.
fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let sign = tail
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(sign.unwrap_or(*first));
        rest = match sign {
            Some(_) => tail.get(2..).unwrap_or_default(),
            None => tail,
        };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_for_one_thing() {
        let ask = |kind| Some(("POST", Route::Ask(kind, PathWords::default())));
        assert_eq!(
            route("/v1/chat/completions", None),
            ask(ProviderKind::OpenAi)
        );
        assert_eq!(route("/v1/messages/", None), ask(ProviderKind::Anthropic));
        assert_eq!(
            route("/v1/responses", None),
            ask(ProviderKind::OpenAiResponses)
        );
        assert_eq!(route("/", None), None);
        assert_eq!(route("/v1/embeddings", None), None);
        let one = Route::Models(Some("openai/gpt-4o".to_owned()));
        assert_eq!(
            route("/v1/models/openai%2Fgpt-4o", None),
            Some(("GET", one.clone()))
        );
        assert_eq!(route("/v1/models/openai/gpt-4o", None), Some(("GET", one)));
    }

    #[test]
    fn gemini_says_model_and_form_in_the_path() {
        let words = |path, query| match route(path, query) {
            Some((_, Route::Ask(ProviderKind::Gemini, words))) => words,
            other => panic!("{other:?}"),
        };
        let whole = words("/v1beta/models/gemini-2.5-flash:generateContent", None);
        assert_eq!(whole.model.as_deref(), Some("gemini-2.5-flash"));
        assert_eq!(whole.framing, Some(Framing::Whole));
        let path = "/v1beta/models/google%2Fgemini:streamGenerateContent";
        assert_eq!(words(path, Some("alt=sse")).framing, Some(Framing::Events));
        assert_eq!(words(path, Some("key=x")).framing, Some(Framing::List));
        assert_eq!(words(path, None).model.as_deref(), Some("google/gemini"));
        assert_eq!(route("/v1beta/models/gemini:embedContent", None), None);
    }

    #[test]
    fn a_broken_sign_stays_as_it_is() {
        assert_eq!(decoded("a%2Fb%zz%2"), "a/b%zz%2");
    }
}
