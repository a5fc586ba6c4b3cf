//! Anthropic Messages.

use serde_json::{Value, json};

use super::{
    super::fault::not_refused, Asked, End, Error, Fault, Frames, named, request_id, tokens,
};

/// When a limit is over, as its headers say; a simulator needs no clock.
const RESET: &str = "2026-11-20T09:00:41Z";

fn usage(asked: &Asked, tokens_out: u64) -> Value {
    json!({
        "input_tokens": asked.tokens_in(),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": tokens_out,
        "service_tier": "standard",
        "inference_geo": "not_available",
    })
}

const fn stop(end: End) -> &'static str {
    match end {
        End::Done => "end_turn",
        End::AtLimit => "max_tokens",
        End::Refused => "refusal",
    }
}

pub(super) fn whole(asked: &Asked, text: &str, end: End) -> Value {
    let content = if text.is_empty() {
        json!([])
    } else {
        json!([{"type": "text", "text": text}])
    };
    let mut body = json!({
        "model": asked.model,
        "id": format!("msg_sim{:08}", asked.no),
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": stop(end),
        "stop_sequence": null,
        "usage": usage(asked, tokens(text.len())),
    });
    add_stop_details(&mut body, end);
    body
}

/// A refusal says what it is about, beside the reason for stopping.
fn add_stop_details(place: &mut Value, end: End) {
    if let (End::Refused, Some(fields)) = (end, place.as_object_mut()) {
        let details = json!({
            "type": "refusal",
            "category": "cyber",
            "explanation": "This request triggered restrictions and was blocked.",
            "recommended_model": "claude-haiku-4-5",
        });
        fields.insert("stop_details".to_owned(), details);
    }
}

pub(super) fn frames(asked: &Asked, pieces: &[&str], end: End) -> Frames {
    let message = json!({
        "model": asked.model,
        "id": format!("msg_sim{:08}", asked.no),
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": usage(asked, 1),
    });
    let mut before = vec![named(
        "message_start",
        &json!({"type": "message_start", "message": message}),
    )];
    let mut after = Vec::new();
    if !pieces.is_empty() {
        let block = json!({"type": "text", "text": ""});
        before.push(named(
            "content_block_start",
            &json!({"type": "content_block_start", "index": 0, "content_block": block}),
        ));
        after.push(named(
            "content_block_stop",
            &json!({"type": "content_block_stop", "index": 0}),
        ));
    }
    before.push(named("ping", &json!({"type": "ping"})));
    let delta = |piece: &&str| {
        let delta = json!({"type": "text_delta", "text": piece});
        named(
            "content_block_delta",
            &json!({"type": "content_block_delta", "index": 0, "delta": delta}),
        )
    };
    let written: usize = pieces.iter().map(|piece| piece.len()).sum();
    let mut delta_end = json!({"stop_reason": stop(end), "stop_sequence": null});
    add_stop_details(&mut delta_end, end);
    after.push(named(
        "message_delta",
        &json!({
            "type": "message_delta",
            "delta": delta_end,
            "usage": {
                "input_tokens": asked.tokens_in(),
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": tokens(written),
            },
        }),
    ));
    after.push(named("message_stop", &json!({"type": "message_stop"})));
    Frames {
        before,
        pieces: pieces.iter().map(delta).collect(),
        after,
    }
}

#[expect(clippy::too_many_lines, reason = "one table, a row per fault")]
pub(super) fn error(asked: &Asked, fault: Fault) -> Option<Error> {
    let make = |status: u16, kind: &str, said: &str| {
        let body = json!({
            "type": "error",
            "error": {"type": kind, "message": said},
            "request_id": request_id(asked.no),
        });
        let retry = if matches!(status, 429 | 500..) {
            "true"
        } else {
            "false"
        };
        Error::new(status, body)
            .with("x-should-retry", retry)
            .with("request-id", request_id(asked.no))
    };
    let limited = || {
        make(
            429,
            "rate_limit_error",
            "This request would exceed your rate limit of 50 requests per minute.",
        )
        .with("anthropic-ratelimit-requests-limit", 50)
        .with("anthropic-ratelimit-requests-remaining", 0)
        .with("anthropic-ratelimit-requests-reset", RESET)
        .with("anthropic-ratelimit-input-tokens-limit", 40_000)
        .with("anthropic-ratelimit-input-tokens-remaining", 39_000)
        .with("anthropic-ratelimit-input-tokens-reset", RESET)
        .with("anthropic-ratelimit-output-tokens-limit", 8_000)
        .with("anthropic-ratelimit-output-tokens-remaining", 8_000)
    };
    Some(match fault {
        Fault::RateLimit(seconds) => limited().with("retry-after", seconds),
        Fault::RateLimitBare => limited(),
        Fault::Quota => make(
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & \
             Billing to upgrade or purchase credits.",
        ),
        Fault::ServerError => make(500, "api_error", "Internal server error"),
        Fault::Unavailable => make(503, "api_error", "Service unavailable"),
        Fault::Overloaded => make(529, "overloaded_error", "Overloaded"),
        Fault::WrongKey => make(401, "authentication_error", "invalid x-api-key"),
        Fault::Forbidden => make(
            403,
            "permission_error",
            "Your API key does not have permission to use the specified resource.",
        ),
        Fault::NoModel => make(404, "not_found_error", &format!("model: {}", asked.model)),
        Fault::BadRequest => make(
            400,
            "invalid_request_error",
            "messages: at least one message is required",
        ),
        Fault::TooLong => make(
            400,
            "invalid_request_error",
            "prompt is too long: 200251 tokens > 200000 maximum",
        ),
        not_refused!() => return None,
    })
}

pub(super) fn error_event() -> String {
    let error = json!({"details": null, "type": "overloaded_error", "message": "Overloaded"});
    named("error", &json!({"type": "error", "error": error}))
}

pub(super) fn models(models: &[&str]) -> Value {
    let data: Vec<Value> = models
        .iter()
        .map(|id| {
            json!({
                "type": "model",
                "id": id,
                "display_name": id,
                "created_at": "2025-09-29T00:00:00Z",
            })
        })
        .collect();
    json!({"data": data, "has_more": false, "first_id": models.first(), "last_id": models.last()})
}
