//! OpenAI Responses: <https://platform.openai.com/docs/api-reference/responses>.

mod answer;
mod events;
mod read;
mod wishes;

use super::{Answer, Dialect, Encoder, Head, PathWords, Refusal, Request, chat};
use crate::domain::ProviderKind;

/// The dialect.
#[derive(Debug)]
pub(super) struct Responses;

impl Dialect for Responses {
    fn kind(&self) -> ProviderKind {
        ProviderKind::OpenAiResponses
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
        Box::new(events::Events::new(head))
    }

    fn error(&self, refusal: &Refusal, _: &str) -> Vec<u8> {
        chat::error(refusal).to_string().into_bytes()
    }
}
