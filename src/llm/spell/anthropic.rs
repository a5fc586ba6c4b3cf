//! Messages: <https://platform.claude.com/docs/en/api/messages>.

use serde_json::Number;

use super::{Ids, Parts, Words, arguments, content, told};
use crate::{
    engine::ask::{
        Ask, Role,
        json::Json,
        tools::{Image, Tool, ToolChoice, ToolResult},
        wishes::{Format, Wishes},
    },
    llm::body::Builder,
};

/// At Vertex AI the version stands in the body and the model in the URL:
/// <https://platform.claude.com/docs/en/api/claude-on-vertex-ai>.
pub(in crate::llm) const AT_VERTEX: &str = "vertex-2023-10-16";

/// Spells the conversation.
pub(in crate::llm) fn messages(ask: &Ask) -> Vec<Json> {
    let mut ids = Ids::new(|id| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        !id.is_empty() && id.chars().all(is_plain)
    });
    let turns = told(ask).map(|turn| {
        let role = match turn.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let said = blocks(&Parts::of(turn), &mut ids);
        Json::object([("content", said), ("role", role.into())])
    });
    turns.collect()
}

/// Spells what a turn says. Results come first: the API refuses them behind words.
fn blocks<'a>(parts: &Parts<'a>, ids: &mut Ids<'a>) -> Json {
    let is_plain = parts.results.is_empty() && parts.calls.is_empty();
    let words = content(&parts.words, block);
    let words = match words {
        words if is_plain => return words,
        Json::List(words) => words,
        Json::Text(text) => vec![block(Words::Text(&text))],
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => Vec::new(),
    };
    let mut all: Vec<Json> = Vec::new();
    for result in &parts.results {
        all.push(told_result(result, ids.result(&result.id)));
    }
    all.extend(words);
    for call in &parts.calls {
        all.push(Json::object([
            ("type", "tool_use".into()),
            ("id", ids.call(&call.id).into()),
            ("name", call.name.as_str().into()),
            ("input", arguments(call)),
        ]));
    }
    Json::List(all)
}

fn told_result(result: &ToolResult, id: String) -> Json {
    let mut words = Vec::new();
    if !result.text.is_empty() {
        words.push(Words::Text(&result.text));
    }
    words.extend(result.images.iter().map(Words::Image));
    let mut out = Json::object([("type", "tool_result".into()), ("tool_use_id", id.into())]);
    if !words.is_empty() {
        out.put("content", content(&words, block));
    }
    if result.is_error {
        out.put("is_error", true);
    }
    out
}

fn block(words: Words<'_>) -> Json {
    match words {
        Words::Text(text) => Json::object([("type", "text".into()), ("text", text.into())]),
        Words::Image(image) => Json::object([("type", "image".into()), ("source", source(image))]),
    }
}

fn source(image: &Image) -> Json {
    match image {
        Image::Inline { media_type, data } => Json::object([
            ("type", "base64".into()),
            ("media_type", media_type.as_str().into()),
            ("data", data.as_str().into()),
        ]),
        Image::Url(url) => Json::object([("type", "url".into()), ("url", url.as_str().into())]),
    }
}

/// Spells the wishes. JSON without a schema does not exist here.
pub(in crate::llm) fn wishes(wishes: &Wishes, body: &mut Builder<'_>) {
    if !wishes.tools.is_empty() {
        let tools: Vec<Json> = wishes.tools.iter().map(tool).collect();
        body.put("tools", tools);
        body.put_some("tool_choice", choice(wishes));
    }
    if !wishes.stop.is_empty() {
        let stop = wishes.stop.iter().map(|words| words.as_str().into());
        body.put("stop_sequences", Json::List(stop.collect()));
    }
    body.put_some("temperature", wishes.temperature.clone().map(cooled));
    body.put_some("top_p", wishes.top_p.clone());
    // https://platform.claude.com/docs/en/build-with-claude/structured-outputs
    if let Format::Schema { schema, .. } = &wishes.format {
        let format = Json::object([("type", "json_schema".into()), ("schema", schema.clone())]);
        body.put("output_config", Json::object([("format", format)]));
    }
}

/// Others go up to 2; Anthropic ends at 1.
fn cooled(temperature: Number) -> Number {
    if temperature.as_f64().is_some_and(|degrees| degrees > 1.0) {
        1.into()
    } else {
        temperature
    }
}

fn tool(tool: &Tool) -> Json {
    let mut out = Json::object([("name", tool.name.as_str().into())]);
    if !tool.description.is_empty() {
        out.put("description", tool.description.as_str());
    }
    out.put("input_schema", tool.schema.clone());
    if tool.strict == Some(true) {
        out.put("strict", true);
    }
    out
}

fn choice(wishes: &Wishes) -> Option<Json> {
    let one_by_one = wishes.parallel_tools == Some(false);
    let (kind, name) = match &wishes.tool_choice {
        ToolChoice::Auto if !one_by_one => return None,
        ToolChoice::Auto => ("auto", None),
        ToolChoice::None => ("none", None),
        ToolChoice::Any => ("any", None),
        ToolChoice::Named(name) => ("tool", Some(name.as_str())),
    };
    let mut out = Json::object([("type", kind.into())]);
    out.put_some("name", name);
    if one_by_one && kind != "none" {
        out.put("disable_parallel_tool_use", true);
    }
    Some(out)
}
