//! Gemini `generateContent` and `streamGenerateContent`.

use serde_json::{Value, json};

use super::{super::fault::not_refused, Asked, End, Error, Fault, Frames, bare, tokens};

const fn finish(end: End) -> &'static str {
    match end {
        End::Done => "STOP",
        End::AtLimit => "MAX_TOKENS",
        End::Refused => "SAFETY",
    }
}

fn answer(asked: &Asked, text: &str, written: usize, end: Option<End>) -> Value {
    if end == Some(End::Refused) {
        return blocked(asked);
    }
    let content = json!({"parts": [{"text": text}], "role": "model"});
    let candidate = match end {
        None => json!({"content": content, "index": 0}),
        Some(end) => json!({"content": content, "finishReason": finish(end), "index": 0}),
    };
    let out = tokens(written);
    json!({
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": asked.tokens_in(),
            "candidatesTokenCount": out,
            "totalTokenCount": asked.tokens_in() + out,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": asked.tokens_in()}],
        },
        "modelVersion": asked.model,
        "responseId": format!("sim{:08}", asked.no),
    })
}

/// A blocked answer has no content and counts no output.
fn blocked(asked: &Asked) -> Value {
    let rating = json!({
        "category": "HARM_CATEGORY_HARASSMENT", "probability": "HIGH", "blocked": true,
    });
    json!({
        "candidates": [{
            "finishReason": finish(End::Refused), "index": 0, "safetyRatings": [rating],
        }],
        "usageMetadata": {
            "promptTokenCount": asked.tokens_in(),
            "totalTokenCount": asked.tokens_in(),
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": asked.tokens_in()}],
        },
        "modelVersion": asked.model,
        "responseId": format!("sim{:08}", asked.no),
    })
}

pub(super) fn whole(asked: &Asked, text: &str, end: End) -> Value {
    answer(asked, text, text.len(), Some(end))
}

pub(super) fn frames(asked: &Asked, pieces: &[&str], end: End) -> Frames {
    let mut written = 0;
    let shown = pieces.iter().map(|piece| {
        written += piece.len();
        answer(asked, piece, written, None)
    });
    let mut all: Vec<Value> = shown.collect();
    all.push(answer(asked, "", written, Some(end)));
    let mut texts: Vec<String> = if asked.is_sse {
        all.iter().map(bare).collect()
    } else {
        let last = all.len().saturating_sub(1);
        let join = |(at, value): (usize, &Value)| {
            let open = if at == 0 { "[" } else { "" };
            let close = if at == last { "]" } else { ",\r\n" };
            format!("{open}{value}{close}")
        };
        all.iter().enumerate().map(join).collect()
    };
    let after = texts.pop().into_iter().collect();
    Frames {
        before: Vec::new(),
        pieces: texts,
        after,
    }
}

#[expect(clippy::too_many_lines, reason = "one table, a row per fault")]
pub(super) fn error(asked: &Asked, fault: Fault) -> Option<Error> {
    let make = |status: u16, word: &str, said: &str, details: Value| {
        let mut error = json!({"code": status, "message": said, "status": word});
        if let (Some(fields), false) = (error.as_object_mut(), details.is_null()) {
            fields.insert("details".to_owned(), details);
        }
        Error::new(status, json!({"error": error}))
    };
    let google = "type.googleapis.com/google.rpc";
    let violation = |quota: &str| json!({"@type": format!("{google}.QuotaFailure"), "violations": [{"quotaId": quota}]});
    let used_up = "You exceeded your current quota, please check your plan and billing details.";
    let minute = "GenerateRequestsPerMinutePerProjectPerModel";
    let exhausted = "RESOURCE_EXHAUSTED";
    Some(match fault {
        Fault::RateLimit(seconds) => {
            let retry = json!({
                "@type": format!("{google}.RetryInfo"),
                "retryDelay": format!("{seconds}s"),
            });
            make(429, exhausted, used_up, json!([violation(minute), retry]))
        }
        Fault::RateLimitBare => make(429, exhausted, used_up, json!([violation(minute)])),
        Fault::Quota => {
            let day = json!({
                "@type": format!("{google}.QuotaFailure"),
                "violations": [{
                    "quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
                    "quotaValue": "250",
                }],
            });
            let retry = json!({"@type": format!("{google}.RetryInfo"), "retryDelay": "43s"});
            make(429, exhausted, used_up, json!([day, retry]))
        }
        Fault::ServerError => make(
            500,
            "INTERNAL",
            "An internal error has occurred.",
            Value::Null,
        ),
        Fault::Unavailable | Fault::Overloaded => make(
            503,
            "UNAVAILABLE",
            "The model is overloaded. Please try again later.",
            Value::Null,
        ),
        Fault::WrongKey => {
            let info = json!({
                "@type": format!("{google}.ErrorInfo"),
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
            });
            make(
                400,
                "INVALID_ARGUMENT",
                "API key not valid. Please pass a valid API key.",
                json!([info]),
            )
        }
        Fault::Forbidden => make(
            403,
            "PERMISSION_DENIED",
            "The caller does not have permission",
            Value::Null,
        ),
        Fault::NoModel => {
            let said = format!(
                "models/{} is not found for API version v1beta.",
                asked.model
            );
            make(404, "NOT_FOUND", &said, Value::Null)
        }
        Fault::BadRequest => make(
            400,
            "INVALID_ARGUMENT",
            "contents is not specified",
            Value::Null,
        ),
        Fault::TooLong => make(
            400,
            "INVALID_ARGUMENT",
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            Value::Null,
        ),
        not_refused!() => return None,
    })
}

/// Makes the error after so many pieces; a list that is not SSE ends with it.
pub(super) fn error_event(asked: &Asked, pieces: usize) -> String {
    let error = json!({
        "error": {
            "code": 503,
            "message": "The model is overloaded. Please try again later.",
            "status": "UNAVAILABLE",
        }
    });
    if asked.is_sse {
        return bare(&error);
    }
    let open = if pieces == 0 { "[" } else { "" };
    format!("{open}{error}]")
}

pub(super) fn models(models: &[&str]) -> Value {
    let list: Vec<Value> = models
        .iter()
        .map(|id| {
            json!({
                "name": format!("models/{id}"),
                "displayName": id,
                "inputTokenLimit": 1_048_576,
                "outputTokenLimit": 65_536,
                "supportedGenerationMethods": ["generateContent", "streamGenerateContent"],
            })
        })
        .collect();
    json!({"models": list})
}
