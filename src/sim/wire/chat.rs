//! OpenAI Chat Completions; its errors and model list are those of Responses too.

use serde_json::{Value, json};

use super::{
    super::fault::not_refused, Asked, End, Error, Fault, Frames, bare, request_id, tokens,
};

/// When every model was made.
const CREATED: u64 = 1_763_700_000;

fn usage(asked: &Asked, tokens_out: u64) -> Value {
    json!({
        "prompt_tokens": asked.tokens_in(),
        "completion_tokens": tokens_out,
        "total_tokens": asked.tokens_in() + tokens_out,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

const fn finish(end: End) -> &'static str {
    match end {
        End::Done => "stop",
        End::AtLimit => "length",
        End::Refused => "content_filter",
    }
}

pub(super) fn whole(asked: &Asked, text: &str, end: End) -> Value {
    let (content, refusal, reason) = match end {
        End::Refused => (Value::Null, json!(text), "stop"),
        End::Done | End::AtLimit => (json!(text), Value::Null, finish(end)),
    };
    json!({
        "id": format!("chatcmpl-sim{:08}", asked.no),
        "object": "chat.completion",
        "created": asked.at,
        "model": asked.model,
        "choices": [{
            "index": 0,
            "message": {
                "role": "assistant", "content": content, "refusal": refusal, "annotations": [],
            },
            "logprobs": null,
            "finish_reason": reason,
        }],
        "usage": usage(asked, tokens(text.len())),
        "service_tier": "default",
        "system_fingerprint": "fp_sim",
    })
}

pub(super) fn frames(asked: &Asked, pieces: &[&str], end: End) -> Frames {
    let chunk = |choices: Value, usage: Value| {
        bare(&json!({
            "id": format!("chatcmpl-sim{:08}", asked.no),
            "object": "chat.completion.chunk",
            "created": asked.at,
            "model": asked.model,
            "service_tier": "default",
            "system_fingerprint": "fp_sim",
            "choices": choices,
            "usage": usage,
            "obfuscation": "sim",
        }))
    };
    let choice = |delta: Value, finish: Option<&str>| json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]);
    let role = json!({"role": "assistant", "content": "", "refusal": null});
    let written: usize = pieces.iter().map(|piece| piece.len()).sum();
    let mut after = vec![chunk(choice(json!({}), Some(finish(end))), Value::Null)];
    if asked.with_usage {
        after.push(chunk(json!([]), usage(asked, tokens(written))));
    }
    after.push("data: [DONE]\n\n".to_owned());
    Frames {
        before: vec![chunk(choice(role, None), Value::Null)],
        pieces: pieces
            .iter()
            .map(|piece| chunk(choice(json!({"content": piece}), None), Value::Null))
            .collect(),
        after,
    }
}

#[expect(clippy::too_many_lines, reason = "one table, a row per fault")]
pub(super) fn error(asked: &Asked, fault: Fault) -> Option<Error> {
    let make = |status: u16, kind: &str, code: Value, said: &str| {
        let param = if said.contains("messages") {
            json!("messages")
        } else {
            Value::Null
        };
        let body = json!({"error": {"message": said, "type": kind, "param": param, "code": code}});
        Error::new(status, body).with("x-request-id", request_id(asked.no))
    };
    let limited = |after: &str| {
        let said = format!(
            "Rate limit reached for {} on requests per min (RPM): Limit 500, Used 500, Requested \
             1.{after}",
            asked.model
        );
        make(429, "requests", json!("rate_limit_exceeded"), &said)
            .with("x-ratelimit-limit-requests", 500)
            .with("x-ratelimit-remaining-requests", 0)
            .with("x-ratelimit-limit-tokens", 150_000)
            .with("x-ratelimit-remaining-tokens", 149_984)
    };
    let invalid = "invalid_request_error";
    Some(match fault {
        Fault::RateLimit(seconds) => limited(&format!(" Please try again in {seconds}s."))
            .with("retry-after", seconds)
            .with("x-ratelimit-reset-requests", format!("{seconds}s"))
            .with("x-ratelimit-reset-tokens", "60ms"),
        Fault::RateLimitBare => limited(""),
        Fault::Quota => make(
            429,
            "insufficient_quota",
            json!("insufficient_quota"),
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        Fault::ServerError => make(
            500,
            "server_error",
            Value::Null,
            "The server had an error while processing your request. Sorry about that!",
        ),
        Fault::Unavailable | Fault::Overloaded => make(
            503,
            "service_unavailable_error",
            json!("server_is_overloaded"),
            "Our servers are currently overloaded. Please try again later.",
        )
        .with("retry-after", 30),
        Fault::WrongKey => make(
            401,
            invalid,
            json!("invalid_api_key"),
            "Incorrect API key provided.",
        ),
        Fault::Forbidden => make(
            403,
            "request_forbidden",
            json!("unsupported_country_region_territory"),
            "Country, region, or territory not supported",
        ),
        Fault::NoModel => {
            let said = format!(
                "The model `{}` does not exist or you do not have access to it.",
                asked.model
            );
            make(404, invalid, json!("model_not_found"), &said)
        }
        Fault::BadRequest => make(
            400,
            invalid,
            Value::Null,
            "Missing required parameter: 'messages'.",
        ),
        Fault::TooLong => make(
            400,
            invalid,
            json!("context_length_exceeded"),
            "This model's maximum context length is 128000 tokens. However, your messages \
             resulted in 150012 tokens. Please reduce the length of the messages.",
        ),
        not_refused!() => return None,
    })
}

pub(super) fn error_event() -> String {
    bare(&json!({
        "error": {
            "message": "The server had an error while processing your request. Sorry about that!",
            "type": "server_error",
            "param": null,
            "code": null,
        }
    }))
}

pub(super) fn models(models: &[&str]) -> Value {
    let data: Vec<Value> = models
        .iter()
        .map(|id| json!({"id": id, "object": "model", "created": CREATED, "owned_by": "sim"}))
        .collect();
    json!({"object": "list", "data": data})
}
