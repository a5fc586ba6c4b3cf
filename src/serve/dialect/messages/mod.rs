//! Anthropic Messages: <https://platform.claude.com/docs/en/api/messages>.

mod answer;
mod read;
mod wishes;

use super::{Answer, Dialect, Encoder, Head, PathWords, Refusal, RefusalKind, Request};
use crate::{domain::ProviderKind, engine::ask::json::Json};

/// The dialect.
#[derive(Debug)]
pub(super) struct Messages;

/// The headers that tell what a request means.
const HEADERS: &[&str] = &["anthropic-version", "anthropic-beta"];

impl Dialect for Messages {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Anthropic
    }

    fn request(
        &self,
        body: &str,
        headers: &[(&'static str, String)],
        path: &PathWords,
    ) -> Result<Request, Refusal> {
        read::request(body, headers, path.purpose)
    }

    fn headers(&self) -> &'static [&'static str] {
        HEADERS
    }

    fn whole(&self, head: &Head, answer: &Answer) -> Vec<u8> {
        answer::whole(head, answer)
    }

    fn encoder(&self, head: Head) -> Box<dyn Encoder> {
        Box::new(answer::Events::new(head))
    }

    fn status(&self, refusal: &Refusal) -> u16 {
        match refusal.kind {
            // Anthropic's own number for it.
            RefusalKind::Overloaded => 529,
            RefusalKind::BadInput
            | RefusalKind::TooLong
            | RefusalKind::Auth
            | RefusalKind::Forbidden
            | RefusalKind::UnknownModel
            | RefusalKind::UnknownPath
            | RefusalKind::WrongMethod
            | RefusalKind::TooLarge
            | RefusalKind::RateLimited
            | RefusalKind::NoCredit
            | RefusalKind::OverCap
            | RefusalKind::Declined
            | RefusalKind::Upstream
            | RefusalKind::TimedOut
            | RefusalKind::Internal => refusal.status,
        }
    }

    fn error(&self, refusal: &Refusal, request: &str) -> Vec<u8> {
        let mut body = error(refusal);
        body.put("request_id", request);
        body.to_string().into_bytes()
    }
}

/// Spells how many tokens a request has, for `count_tokens`.
pub(super) fn token_count(tokens: u64) -> Vec<u8> {
    let body = Json::object([("input_tokens", tokens.into())]);
    body.to_string().into_bytes()
}

/// Spells a refusal as Anthropic does. <https://platform.claude.com/docs/en/api/errors>
fn error(refusal: &Refusal) -> Json {
    let kind = match refusal.kind {
        RefusalKind::BadInput
        | RefusalKind::TooLong
        | RefusalKind::Declined
        | RefusalKind::WrongMethod => "invalid_request_error",
        RefusalKind::Auth => "authentication_error",
        RefusalKind::Forbidden => "permission_error",
        RefusalKind::UnknownModel | RefusalKind::UnknownPath => "not_found_error",
        RefusalKind::TooLarge => "request_too_large",
        RefusalKind::RateLimited => "rate_limit_error",
        RefusalKind::NoCredit | RefusalKind::OverCap => "billing_error",
        RefusalKind::Overloaded => "overloaded_error",
        RefusalKind::TimedOut => "timeout_error",
        RefusalKind::Upstream | RefusalKind::Internal => "api_error",
    };
    let error = Json::object([
        ("type", kind.into()),
        ("message", refusal.message.as_str().into()),
    ]);
    Json::object([("type", "error".into()), ("error", error)])
}
