//! Spells an answer in one piece, and the parts that its stream is made of too.

use crate::{
    domain::Usage,
    engine::ask::{json::Json, tools::ToolCall},
    serve::dialect::{
        Answer, Head, Stopped,
        answer::{tokens_in, tokens_out},
    },
};

/// Spells an answer in one piece.
pub(super) fn whole(head: &Head, answer: &Answer) -> Vec<u8> {
    let mut output = Vec::new();
    let mut said = Vec::new();
    if !answer.text.is_empty() {
        said.push(words(&answer.text));
    }
    if let Stopped::Refused(why) = &answer.stop {
        said.push(declined(why));
    }
    if !said.is_empty() {
        output.push(message(head, 0, State::Over(&answer.stop), said));
    }
    let first = u32::from(!output.is_empty());
    for (at, call) in (first..).zip(&answer.calls) {
        output.push(function(&item_id(head, "fc", at), "completed", call));
    }
    let body = response(head, State::Over(&answer.stop), output, &answer.usage);
    body.to_string().into_bytes()
}

/// How far an answer is.
#[derive(Clone, Copy)]
pub(super) enum State<'a> {
    Begun,
    Over(&'a Stopped),
}

impl State<'_> {
    const fn word(self) -> &'static str {
        match self {
            Self::Begun => "in_progress",
            Self::Over(Stopped::End | Stopped::Calls | Stopped::Sequence(_)) => "completed",
            Self::Over(Stopped::Limit | Stopped::Refused(_)) => "incomplete",
        }
    }

    /// Returns why it is incomplete.
    const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Over(Stopped::Limit) => Some("max_output_tokens"),
            Self::Over(Stopped::Refused(_)) => Some("content_filter"),
            Self::Begun | Self::Over(Stopped::End | Stopped::Calls | Stopped::Sequence(_)) => None,
        }
    }
}

/// Spells the answer around its items. The kits of OpenAI take every one of these members for
/// granted; what the caller asked for is not said again.
pub(super) fn response(head: &Head, state: State<'_>, output: Vec<Json>, counted: &Usage) -> Json {
    let reason = state.reason().map_or(Json::Null, |reason| {
        Json::object([("reason", reason.into())])
    });
    let text = Json::object([("format", Json::object([("type", "text".into())]))]);
    Json::object([
        ("id", format!("resp_{}", head.id).into()),
        ("object", "response".into()),
        ("created_at", head.created.into()),
        ("status", state.word().into()),
        ("background", false.into()),
        ("error", Json::Null),
        ("incomplete_details", reason),
        ("instructions", Json::Null),
        ("max_output_tokens", Json::Null),
        ("model", head.model.as_str().into()),
        ("output", output.into()),
        ("parallel_tool_calls", true.into()),
        ("previous_response_id", Json::Null),
        ("reasoning", Json::Null),
        ("store", false.into()),
        ("temperature", Json::Null),
        ("text", text),
        ("tool_choice", "auto".into()),
        ("tools", Json::List(Vec::new())),
        ("top_p", Json::Null),
        ("truncation", "disabled".into()),
        ("usage", usage(counted)),
        ("metadata", Json::Object(Vec::new())),
    ])
}

/// Spells the counts: cached tokens are part of the input, thinking is part of the output.
fn usage(usage: &Usage) -> Json {
    let Some((tokens_in, tokens_out)) = tokens_in(usage).zip(tokens_out(usage)) else {
        return Json::Null;
    };
    let known = |count: Option<u64>| count.map_or(Json::Null, Json::from);
    let cached = [("cached_tokens", known(usage.tokens_cached))];
    let thinking = [("reasoning_tokens", known(usage.tokens_thinking))];
    Json::object([
        ("input_tokens", tokens_in.into()),
        ("input_tokens_details", Json::object(cached)),
        ("output_tokens", tokens_out.into()),
        ("output_tokens_details", Json::object(thinking)),
        ("total_tokens", tokens_in.saturating_add(tokens_out).into()),
    ])
}

/// Returns the id of an item.
pub(super) fn item_id(head: &Head, kind: &str, at: u32) -> String {
    format!("{kind}_{}_{at}", head.id)
}

/// Spells the item of the words.
pub(super) fn message(head: &Head, at: u32, state: State<'_>, said: Vec<Json>) -> Json {
    Json::object([
        ("id", item_id(head, "msg", at).into()),
        ("type", "message".into()),
        ("status", state.word().into()),
        ("role", "assistant".into()),
        ("content", said.into()),
    ])
}

/// Spells words as a part.
pub(super) fn words(text: &str) -> Json {
    Json::object([
        ("type", "output_text".into()),
        ("text", text.into()),
        ("annotations", Json::List(Vec::new())),
        ("logprobs", Json::List(Vec::new())),
    ])
}

/// Spells a refusal as a part.
pub(super) fn declined(why: &str) -> Json {
    Json::object([("type", "refusal".into()), ("refusal", why.into())])
}

/// Spells the item of a call.
pub(super) fn function(id: &str, status: &str, call: &ToolCall) -> Json {
    Json::object([
        ("id", id.into()),
        ("type", "function_call".into()),
        ("status", status.into()),
        ("call_id", call.id.as_str().into()),
        ("name", call.name.as_str().into()),
        ("arguments", call.arguments.as_str().into()),
    ])
}
