//! OpenAI Chat Completions: <https://platform.openai.com/docs/api-reference/chat>.

mod answer;
mod read;
mod wishes;

use super::{Answer, Dialect, Encoder, Head, PathWords, Refusal, RefusalKind, Request};
use crate::{domain::ProviderKind, engine::ask::json::Json};

/// The dialect.
#[derive(Debug)]
pub(super) struct Chat;

impl Dialect for Chat {
    fn kind(&self) -> ProviderKind {
        ProviderKind::OpenAi
    }

    fn request(
        &self,
        body: &str,
        headers: &[(&'static str, String)],
        _: &PathWords,
    ) -> Result<Request, Refusal> {
        read::request(body, headers)
    }

    fn whole(&self, head: &Head, answer: &Answer) -> Vec<u8> {
        answer::whole(head, answer)
    }

    fn encoder(&self, head: Head) -> Box<dyn Encoder> {
        Box::new(answer::Chunks::new(head))
    }

    fn error(&self, refusal: &Refusal, _: &str) -> Vec<u8> {
        error(refusal).to_string().into_bytes()
    }
}

/// Spells a refusal as OpenAI does.
/// <https://platform.openai.com/docs/guides/error-codes>
pub(super) fn error(refusal: &Refusal) -> Json {
    let (kind, code) = words(refusal.kind);
    let code = refusal.code.as_deref().or(code);
    let or_null = |text: Option<&str>| text.map_or(Json::Null, Json::from);
    Json::object([(
        "error",
        Json::object([
            ("message", refusal.message.as_str().into()),
            ("type", kind.into()),
            ("param", or_null(refusal.param.as_deref())),
            ("code", or_null(code)),
        ]),
    )])
}

/// Returns the type, and the code where there is one.
pub(super) const fn words(kind: RefusalKind) -> (&'static str, Option<&'static str>) {
    const REQUEST: &str = "invalid_request_error";
    match kind {
        RefusalKind::BadInput | RefusalKind::WrongMethod | RefusalKind::TooLarge => (REQUEST, None),
        RefusalKind::TooLong => (REQUEST, Some("context_length_exceeded")),
        RefusalKind::Auth => (REQUEST, Some("invalid_api_key")),
        RefusalKind::Forbidden => (REQUEST, Some("forbidden")),
        RefusalKind::UnknownModel => (REQUEST, Some("model_not_found")),
        RefusalKind::UnknownPath => (REQUEST, Some("unknown_url")),
        RefusalKind::Declined => (REQUEST, Some("content_filter")),
        RefusalKind::RateLimited => ("rate_limit_error", Some("rate_limit_exceeded")),
        RefusalKind::NoCredit => ("insufficient_quota", Some("insufficient_quota")),
        RefusalKind::OverCap => ("insufficient_quota", Some("spend_cap_reached")),
        RefusalKind::Overloaded => ("server_error", Some("server_is_overloaded")),
        RefusalKind::TimedOut => ("server_error", Some("timeout")),
        RefusalKind::Upstream => ("server_error", Some("upstream_error")),
        RefusalKind::Internal => ("server_error", None),
    }
}
