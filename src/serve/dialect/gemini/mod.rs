//! Gemini `generateContent`: <https://ai.google.dev/api/generate-content>.

mod answer;
mod read;
mod schema;
mod wishes;

use super::{Answer, Dialect, Encoder, Head, PathWords, Refusal, RefusalKind, Request};
use crate::{domain::ProviderKind, engine::ask::json::Json};

/// The dialect.
#[derive(Debug)]
pub(super) struct Gemini;

impl Dialect for Gemini {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Gemini
    }

    fn request(
        &self,
        body: &str,
        headers: &[(&'static str, String)],
        path: &PathWords,
    ) -> Result<Request, Refusal> {
        read::request(body, headers, path)
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

/// Spells a refusal as Google does.
/// <https://ai.google.dev/gemini-api/docs/generate-content/api-errors>
fn error(refusal: &Refusal) -> Json {
    let word = match refusal.kind {
        RefusalKind::BadInput
        | RefusalKind::TooLong
        | RefusalKind::Declined
        | RefusalKind::TooLarge
        | RefusalKind::WrongMethod => "INVALID_ARGUMENT",
        RefusalKind::Auth => "UNAUTHENTICATED",
        RefusalKind::Forbidden => "PERMISSION_DENIED",
        RefusalKind::UnknownModel | RefusalKind::UnknownPath => "NOT_FOUND",
        RefusalKind::RateLimited | RefusalKind::NoCredit | RefusalKind::OverCap => {
            "RESOURCE_EXHAUSTED"
        }
        RefusalKind::Overloaded => "UNAVAILABLE",
        RefusalKind::TimedOut => "DEADLINE_EXCEEDED",
        RefusalKind::Upstream | RefusalKind::Internal => "INTERNAL",
    };
    let mut error = Json::object([
        ("code", u32::from(refusal.status).into()),
        ("message", refusal.message.as_str().into()),
        ("status", word.into()),
    ]);
    if let Some(wait) = refusal.retry_after {
        let kind = "type.googleapis.com/google.rpc.RetryInfo";
        let delay = format!("{}s", wait.as_millis().div_ceil(1_000));
        let detail = Json::object([("@type", kind.into()), ("retryDelay", delay.into())]);
        error.put("details", vec![detail]);
    }
    Json::object([("error", error)])
}
