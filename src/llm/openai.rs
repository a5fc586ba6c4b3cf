//! OpenAI Chat Completions, at OpenAI itself: <https://platform.openai.com/docs/api-reference/chat>.

use super::{
    chat::{self, Answer, Dialect},
    rows::{BY_STATUS, Row, When, fault},
    spell, url,
    wire::{Call, Endpoint, Headers, Reader, Whole, Wire},
};
use crate::{
    domain::{Fault, FaultClass, manner::Place},
    engine::ask::Ask,
};

/// Sources: \[G\] <https://developers.openai.com/docs/guides/error-codes>, \[R\] recorded answers,
/// \[A\] Azure's content filter pages, \[D\] developersdigest.tech's index of \[G\] of 2026-10-18.
pub(super) const ERRORS: &[Row] = &[
    (When::Code("insufficient_quota"), FaultClass::OutOfCredit), // [G] [R]
    (
        When::Code("credit_balance_exhausted"),
        FaultClass::OutOfCredit,
    ), // [D]
    (
        When::Code("billing_hard_limit_reached"),
        FaultClass::OutOfCredit,
    ), // [G]
    (When::Code("billing_not_active"), FaultClass::OutOfCredit), // [G]
    (When::Says("spend limit"), FaultClass::OutOfCredit),        // [D]
    (When::Code("invalid_api_key"), FaultClass::KeyRefused),     // [G] [R]
    (When::Code("ip_not_authorized"), FaultClass::KeyRefused),   // [G]
    (When::Code("invalid_organization"), FaultClass::KeyRefused), // [G]
    (
        When::Code("mismatched_organization"),
        FaultClass::KeyRefused,
    ), // [G]
    (When::Code("account_deactivated"), FaultClass::KeyRefused), // [G]
    (When::Code("authentication_error"), FaultClass::KeyRefused), // [G]
    (When::Code("invalid_authentication"), FaultClass::KeyRefused), // [G]
    (
        When::Code("unsupported_country_region_territory"),
        FaultClass::ModelGone,
    ), // [G]
    (When::Code("model_not_found"), FaultClass::ModelGone),      // [G]
    (When::Code("deploymentnotfound"), FaultClass::ModelGone),   // [A]
    (When::Code("context_length_exceeded"), FaultClass::TooLong), // [G]
    (When::Code("string_above_max_length"), FaultClass::TooLong), // [G]
    (
        When::Code("responsibleaipolicyviolation"),
        FaultClass::Refused,
    ), // [A]
    (When::Code("content_filter"), FaultClass::Refused),         // [A]
    (When::Code("content_policy_violation"), FaultClass::Refused), // [G]
    (When::Code("invalid_prompt"), FaultClass::Refused),         // [G] flagged by their policy
    // A request larger than a minute's whole allowance: waiting does not help it.
    (
        When::CodeSays("rate_limit_exceeded", "request too large"),
        FaultClass::TooLong,
    ),
    (When::Code("rate_limit_exceeded"), FaultClass::RateLimited), // [G]
    (When::Code("slow_down"), FaultClass::RateLimited),           // [G]
    (When::Code("ratelimitreached"), FaultClass::RateLimited),    // [A]
    (When::Code("rate_limit_error"), FaultClass::RateLimited),    // [R]
    (When::Code("server_is_overloaded"), FaultClass::Overloaded), // [G] [R]
    (
        When::Code("service_unavailable_error"),
        FaultClass::Overloaded,
    ), // [G]
    (When::Code("service_unavailable"), FaultClass::Overloaded),  // [R]
    (When::Code("engine_overloaded"), FaultClass::Overloaded),    // [G]
    (When::Code("server_error"), FaultClass::ServerError),        // [G] [R]
    (When::Code("unsupported_parameter"), FaultClass::BadInput),  // [R]
    (When::Code("unsupported_value"), FaultClass::BadInput),      // [R]
    (
        When::StatusSays(400, "maximum context length"),
        FaultClass::TooLong,
    ), // [R]
];

pub(super) const TABLES: &[&[Row]] = &[ERRORS, BY_STATUS];

const DIALECT: Dialect = Dialect {
    tables: TABLES,
    needs_done: true,
};

/// The codec.
#[derive(Debug)]
pub(super) struct OpenAi;

impl Wire for OpenAi {
    fn call(&self, ask: &Ask, to: &Endpoint) -> Call {
        Call {
            url: url::azure(to, "chat/completions")
                .unwrap_or_else(|| url::versioned(&to.base_url, "v1", "chat/completions")),
            headers: chat::headers(to),
            body: spell::raw::body(ask, to).unwrap_or_else(|| spelled(ask, to)),
        }
    }

    fn probes(&self, to: &Endpoint) -> Vec<Call> {
        vec![Call {
            url: url::azure_models(to)
                .unwrap_or_else(|| url::versioned(&to.base_url, "v1", "models")),
            headers: chat::headers(to),
            body: Vec::new(),
        }]
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

fn spelled(ask: &Ask, to: &Endpoint) -> Vec<u8> {
    let mut body = chat::spell(ask, to, ["max_completion_tokens", "max_tokens"]);
    // Azure's dated versions know no `store`, and keep nothing of a chat.
    let dated = matches!(
        &to.manner.place,
        Place::Azure {
            api_version: Some(_)
        }
    );
    if !dated {
        body.put("store", false);
    }
    body.bytes()
}
