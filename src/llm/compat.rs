//! Chat Completions as many others serve them: DeepSeek, Mistral, Groq, xAI, OpenRouter, Ollama,
//! llama.cpp, LM Studio and whatever comes next.

use super::{
    chat::{self, Answer, Dialect},
    openai,
    rows::{BY_STATUS, Row, When, fault},
    spell, url,
    wire::{Call, Endpoint, Headers, Reader, Whole, Wire},
};
use crate::{
    domain::{Fault, FaultClass},
    engine::ask::Ask,
};

/// Read before OpenAI's rows: these servers borrow its codes and mean other things.
const ERRORS: &[Row] = &[
    // https://api-docs.deepseek.com/quick_start/error_codes (with code invalid_request_error)
    (When::Status(402), FaultClass::OutOfCredit),
    (When::Says("insufficient balance"), FaultClass::OutOfCredit),
    (
        When::StatusSays(400, "model not exist"),
        FaultClass::ModelGone,
    ),
    // https://openrouter.ai/docs/api-reference/errors: 403 with the reasons of its moderation.
    (When::Code("moderation"), FaultClass::Refused),
    (
        When::StatusSays(400, "is not a valid model id"),
        FaultClass::ModelGone,
    ),
    // https://console.groq.com/docs/errors and /docs/deprecations
    (When::Code("tool_use_failed"), FaultClass::ServerError),
    (When::Code("model_decommissioned"), FaultClass::ModelGone),
    (When::Code("model_terms_required"), FaultClass::ModelGone),
    // Mistral, recorded
    (When::Code("invalid_model"), FaultClass::ModelGone),
    // xAI, recorded: a wrong key is a 400.
    (When::Says("incorrect api key"), FaultClass::KeyRefused),
    (When::Says("invalid api key"), FaultClass::KeyRefused),
    (When::Code("unauthenticated"), FaultClass::KeyRefused),
    // Perplexity, recorded
    (When::Code("too_many_prompt_tokens"), FaultClass::TooLong),
    // llama.cpp#15780 and #19774: 400, 500 or under a 200
    (When::Code("exceed_context_size_error"), FaultClass::TooLong),
    (When::Code("unavailable_error"), FaultClass::Overloaded),
    (
        When::Says("exceeds the available context size"),
        FaultClass::TooLong,
    ),
    // Ollama, recorded; LM Studio
    (
        When::Says("exceeded max context length"),
        FaultClass::TooLong,
    ),
    (When::Says("maximum context length"), FaultClass::TooLong),
    (When::Says("context length exceeded"), FaultClass::TooLong),
    // continue#11241
    (
        When::Says("model runner has unexpectedly stopped"),
        FaultClass::ServerError,
    ),
];

const TABLES: &[&[Row]] = &[ERRORS, openai::ERRORS, BY_STATUS];

const DIALECT: Dialect = Dialect {
    tables: TABLES,
    needs_done: false,
};

/// The codec.
#[derive(Debug)]
pub(super) struct Compatible;

impl Wire for Compatible {
    fn call(&self, ask: &Ask, to: &Endpoint) -> Call {
        Call {
            url: url::as_written(&to.base_url, "chat/completions"),
            headers: chat::headers(to),
            body: spell::raw::body(ask, to).unwrap_or_else(|| {
                chat::spell(ask, to, ["max_tokens", "max_completion_tokens"]).bytes()
            }),
        }
    }

    fn probes(&self, to: &Endpoint) -> Vec<Call> {
        // OpenRouter lists its models to anybody; only `key` looks at the key.
        // https://openrouter.ai/docs/api-reference/limits
        let is_open = url::host(&to.base_url).ends_with("openrouter.ai");
        let paths: &[&str] = if is_open {
            &["key", "models"]
        } else {
            &["models"]
        };
        let calls = paths.iter().map(|path| Call {
            url: url::as_written(&to.base_url, path),
            headers: chat::headers(to),
            body: Vec::new(),
        });
        calls.collect()
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::new(Answer::new(DIALECT))
    }

    fn whole(&self, body: &[u8]) -> Whole {
        chat::whole(DIALECT, body)
    }

    fn fault(&self, status: u16, headers: &Headers, body: &[u8]) -> Fault {
        fault(TABLES, status, headers, body)
    }
}
