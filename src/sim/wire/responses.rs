//! OpenAI Responses.

use serde_json::{Value, json};

use super::{Asked, End, Frames, named, tokens};

fn message(asked: &Asked, text: &str, status: &str) -> Value {
    json!({
        "id": format!("msg_sim{:08}", asked.no),
        "type": "message",
        "status": status,
        "content": [{"type": "output_text", "annotations": [], "logprobs": [], "text": text}],
        "role": "assistant",
    })
}

#[expect(clippy::too_many_lines, reason = "one object with all its fields")]
fn response(asked: &Asked, text: &str, end: Option<End>) -> Value {
    let (status, reason) = match end {
        None => ("in_progress", Value::Null),
        Some(End::Done) => ("completed", Value::Null),
        Some(End::AtLimit) => ("incomplete", json!({"reason": "max_output_tokens"})),
        Some(End::Refused) => ("incomplete", json!({"reason": "content_filter"})),
    };
    let output = if end.is_some() && !text.is_empty() {
        json!([message(
            asked,
            text,
            if end == Some(End::Done) {
                "completed"
            } else {
                "incomplete"
            }
        )])
    } else {
        json!([])
    };
    let tokens_out = tokens(text.len());
    let usage = match end {
        None => Value::Null,
        Some(_) => json!({
            "input_tokens": asked.tokens_in(),
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": tokens_out,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": asked.tokens_in() + tokens_out,
        }),
    };
    json!({
        "id": format!("resp_sim{:08}", asked.no),
        "object": "response",
        "created_at": asked.at,
        "status": status,
        "background": false,
        "completed_at": end.map(|_| asked.at),
        "frequency_penalty": 0,
        "presence_penalty": 0,
        "max_tool_calls": null,
        "prompt_cache_key": null,
        "prompt_cache_retention": null,
        "safety_identifier": null,
        "top_logprobs": 0,
        "error": null,
        "incomplete_details": reason,
        "instructions": null,
        "max_output_tokens": null,
        "model": asked.model,
        "output": output,
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null},
        "service_tier": "default",
        "store": false,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage,
        "user": null,
        "metadata": {},
    })
}

pub(super) fn whole(asked: &Asked, text: &str, end: End) -> Value {
    let mut body = response(asked, text, Some(end));
    // Only an answer in one piece says who pays.
    if let Some(fields) = body.as_object_mut() {
        fields.insert("billing".to_owned(), json!({"payer": "developer"}));
    }
    body
}

#[expect(
    clippy::too_many_lines,
    reason = "one story, told in the order of its events"
)]
pub(super) fn frames(asked: &Asked, pieces: &[&str], end: End) -> Frames {
    let text = pieces.concat();
    let item = format!("msg_sim{:08}", asked.no);
    let mut sequence = 0_u64;
    let mut event = |kind: &str, mut data: Value| {
        if let Some(fields) = data.as_object_mut() {
            fields.insert("type".to_owned(), json!(kind));
            fields.insert("sequence_number".to_owned(), json!(sequence));
        }
        sequence += 1;
        named(kind, &data)
    };
    let opening = response(asked, "", None);
    let mut before = vec![
        event("response.created", json!({"response": opening})),
        event("response.in_progress", json!({"response": opening})),
    ];
    let place = json!({"item_id": item, "output_index": 0, "content_index": 0});
    let at_place = |more: Value| {
        let mut data = place.clone();
        if let (Some(fields), Value::Object(more)) = (data.as_object_mut(), more) {
            fields.extend(more);
        }
        data
    };
    let mut shown = Vec::new();
    let mut after = Vec::new();
    if !pieces.is_empty() {
        let empty = json!({
            "id": item, "type": "message", "status": "in_progress", "content": [], "role": "assistant",
        });
        before.push(event(
            "response.output_item.added",
            json!({"output_index": 0, "item": empty}),
        ));
        let part = json!({"type": "output_text", "annotations": [], "logprobs": [], "text": ""});
        before.push(event(
            "response.content_part.added",
            at_place(json!({"part": part})),
        ));
        for piece in pieces {
            let delta = json!({"delta": piece, "logprobs": [], "obfuscation": "sim"});
            shown.push(event("response.output_text.delta", at_place(delta)));
        }
        let done = json!({"text": text, "logprobs": []});
        after.push(event("response.output_text.done", at_place(done)));
        let part = json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text});
        after.push(event(
            "response.content_part.done",
            at_place(json!({"part": part})),
        ));
        let whole = message(asked, &text, "completed");
        after.push(event(
            "response.output_item.done",
            json!({"output_index": 0, "item": whole}),
        ));
    }
    let last = if end == End::Done {
        "response.completed"
    } else {
        "response.incomplete"
    };
    after.push(event(
        last,
        json!({"response": response(asked, &text, Some(end))}),
    ));
    Frames {
        before,
        pieces: shown,
        after,
    }
}

pub(super) fn error_event(sequence: usize) -> String {
    named(
        "error",
        &json!({
            "type": "error",
            "sequence_number": sequence,
            "error": {
                "type": "server_error",
                "code": "server_error",
                "message": "The server had an error while processing your request. Sorry about that!",
                "param": null,
            },
        }),
    )
}
