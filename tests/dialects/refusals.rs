//! How a refusal is said in each wire format.

use std::time::Duration;

use deskhand::{
    domain::ProviderKind as Kind,
    serve::dialect::{Refusal, RefusalKind, dialect},
};
use serde_json::{Value, json};

#[test]
fn a_refusal_has_each_wire_formats_shape() {
    let refusal = Refusal {
        code: None,
        retry_after: Some(Duration::from_millis(1_200)),
        ..Refusal::wrong("messages[0]", "`messages[0]` is missing.")
    };
    let spelled = |kind| -> Value {
        serde_json::from_slice(&dialect(kind).error(&refusal, "req-1")).unwrap()
    };
    let openai = json!({"error": {"message": "`messages[0]` is missing.",
        "type": "invalid_request_error", "param": "messages[0]", "code": null}});

    assert_eq!(spelled(Kind::OpenAi), openai);
    assert_eq!(spelled(Kind::OpenAiResponses), openai);
    assert_eq!(
        spelled(Kind::Anthropic),
        json!({"type": "error", "request_id": "req-1", "error":
            {"type": "invalid_request_error", "message": "`messages[0]` is missing."}})
    );
    assert_eq!(
        spelled(Kind::Gemini),
        json!({"error": {"code": 400, "status": "INVALID_ARGUMENT",
            "message": "`messages[0]` is missing.",
            "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": "2s"}]}})
    );
}

/// The kits choose their exceptions by status, and programs by type and code.
#[test]
fn each_kind_of_refusal_has_its_status_and_its_word() {
    for (kind, status, openai, anthropic, gemini) in [
        (
            RefusalKind::Auth,
            401,
            "invalid_api_key",
            "authentication_error",
            "UNAUTHENTICATED",
        ),
        (
            RefusalKind::OverCap,
            402,
            "spend_cap_reached",
            "billing_error",
            "RESOURCE_EXHAUSTED",
        ),
        (
            RefusalKind::Forbidden,
            403,
            "forbidden",
            "permission_error",
            "PERMISSION_DENIED",
        ),
        (
            RefusalKind::UnknownModel,
            404,
            "model_not_found",
            "not_found_error",
            "NOT_FOUND",
        ),
        (
            RefusalKind::RateLimited,
            429,
            "rate_limit_exceeded",
            "rate_limit_error",
            "RESOURCE_EXHAUSTED",
        ),
        (
            RefusalKind::Overloaded,
            503,
            "server_is_overloaded",
            "overloaded_error",
            "UNAVAILABLE",
        ),
        (
            RefusalKind::TimedOut,
            504,
            "timeout",
            "timeout_error",
            "DEADLINE_EXCEEDED",
        ),
        (
            RefusalKind::TooLong,
            400,
            "context_length_exceeded",
            "invalid_request_error",
            "INVALID_ARGUMENT",
        ),
    ] {
        let refusal = Refusal::new(kind, "No.");
        let spelled = |kind: Kind, place: &str| -> Value {
            let body: Value = serde_json::from_slice(&dialect(kind).error(&refusal, "")).unwrap();
            body.pointer(place).unwrap().clone()
        };
        assert_eq!(dialect(Kind::OpenAi).status(&refusal), status);
        assert_eq!(spelled(Kind::OpenAi, "/error/code"), openai);
        assert_eq!(spelled(Kind::Anthropic, "/error/type"), anthropic);
        assert_eq!(spelled(Kind::Gemini, "/error/status"), gemini);
    }
    let overloaded = Refusal::new(RefusalKind::Overloaded, "No.");
    assert_eq!(dialect(Kind::Anthropic).status(&overloaded), 529);
}
