//! Chat Completions: <https://platform.openai.com/docs/api-reference/chat/create>.

use super::{Ids, Parts, Words, address, content, outcome, told};
use crate::{
    engine::ask::{
        Ask, Role,
        json::Json,
        tools::{Tool, ToolChoice},
        wishes::{Format, Wishes},
    },
    llm::body::Builder,
};

/// Spells the conversation.
pub(in crate::llm) fn messages(ask: &Ask) -> Vec<Json> {
    // OpenAI refuses an id of more than 40 characters.
    let mut ids = Ids::new(|id| !id.is_empty() && id.len() <= 40);
    let mut out = Vec::with_capacity(ask.turns.len() + 1);
    if !ask.system.is_empty() {
        out.push(message("system", ask.system.as_str().into()));
    }
    for turn in told(ask) {
        let mut parts = Parts::of(turn);
        match turn.role {
            Role::Assistant => out.push(assistant(&parts, &mut ids)),
            Role::User => {
                for result in &parts.results {
                    let mut told = message("tool", outcome(result).into());
                    told.put("tool_call_id", ids.result(&result.id));
                    out.push(told);
                }
                // A message of a tool holds no pictures: the user shows them.
                let pictures = parts.results.iter().flat_map(|result| &result.images);
                parts.words.extend(pictures.map(Words::Image));
                if !parts.words.is_empty() {
                    out.push(message("user", content(&parts.words, part)));
                }
            }
        }
    }
    out
}

fn message(role: &str, content: Json) -> Json {
    Json::object([("content", content), ("role", role.into())])
}

fn assistant<'a>(parts: &Parts<'a>, ids: &mut Ids<'a>) -> Json {
    let text = parts.text();
    if parts.calls.is_empty() {
        return message("assistant", text.into());
    }
    let said = if text.is_empty() {
        Json::Null
    } else {
        text.into()
    };
    let mut out = message("assistant", said);
    let calls = parts.calls.iter().map(|call| {
        Json::object([
            ("id", ids.call(&call.id).into()),
            ("type", "function".into()),
            (
                "function",
                Json::object([
                    ("name", call.name.as_str().into()),
                    ("arguments", call.arguments.as_str().into()),
                ]),
            ),
        ])
    });
    out.put("tool_calls", calls.collect::<Vec<_>>());
    out
}

fn part(words: Words<'_>) -> Json {
    match words {
        Words::Text(text) => Json::object([("type", "text".into()), ("text", text.into())]),
        Words::Image(image) => Json::object([
            ("type", "image_url".into()),
            ("image_url", Json::object([("url", address(image).into())])),
        ]),
    }
}

/// Spells the wishes.
pub(in crate::llm) fn wishes(wishes: &Wishes, body: &mut Builder<'_>) {
    if !wishes.tools.is_empty() {
        let tools: Vec<Json> = wishes.tools.iter().map(tool).collect();
        body.put("tools", tools);
        let choice = match &wishes.tool_choice {
            ToolChoice::Auto => None,
            ToolChoice::None => Some("none".into()),
            ToolChoice::Any => Some("required".into()),
            ToolChoice::Named(name) => Some(Json::object([
                ("type", "function".into()),
                ("function", Json::object([("name", name.as_str().into())])),
            ])),
        };
        body.put_some("tool_choice", choice);
        body.put_some("parallel_tool_calls", wishes.parallel_tools);
    }
    if !wishes.stop.is_empty() {
        let stop = wishes.stop.iter().map(|words| words.as_str().into());
        body.put("stop", Json::List(stop.collect()));
    }
    body.put_some("temperature", wishes.temperature.clone());
    body.put_some("top_p", wishes.top_p.clone());
    match &wishes.format {
        Format::Text => {}
        Format::Json => body.put(
            "response_format",
            Json::object([("type", "json_object".into())]),
        ),
        Format::Schema {
            name,
            schema,
            strict,
        } => {
            let mut holder =
                Json::object([("name", named(name).into()), ("schema", schema.clone())]);
            holder.put_some("strict", *strict);
            let format = [("type", "json_schema".into()), ("json_schema", holder)];
            body.put("response_format", Json::object(format));
        }
    }
}

fn tool(tool: &Tool) -> Json {
    let mut function = Json::object([("name", tool.name.as_str().into())]);
    if !tool.description.is_empty() {
        function.put("description", tool.description.as_str());
    }
    function.put("parameters", tool.schema.clone());
    function.put_some("strict", tool.strict);
    Json::object([("type", "function".into()), ("function", function)])
}

/// Returns a schema's name: OpenAI wants one.
pub(super) const fn named(name: &str) -> &str {
    if name.is_empty() { "answer" } else { name }
}
