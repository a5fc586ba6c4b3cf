//! `generateContent`: <https://ai.google.dev/api/generate-content>.

use super::{Parts, Words, arguments, told};
use crate::{
    engine::ask::{
        Ask, Role,
        json::Json,
        tools::{Image, Tool, ToolChoice, ToolResult},
        wishes::{Format, Wishes},
    },
    llm::{body::takes, wire::Endpoint},
};

/// Stands for the signature of a thought that another model had: Gemini 3 refuses a call without
/// one. <https://ai.google.dev/gemini-api/docs/thought-signatures>
const NO_THOUGHT: &str = "skip_thought_signature_validator";

/// Spells the conversation.
pub(in crate::llm) fn contents(ask: &Ask, to: &Endpoint) -> Vec<Json> {
    let wants_thoughts = wants_thoughts(&to.model.0);
    let turns = told(ask).map(|turn| {
        let role = match turn.role {
            Role::User => "user",
            Role::Assistant => "model",
        };
        let said = parts(&Parts::of(turn), wants_thoughts);
        Json::object([("parts", said.into()), ("role", role.into())])
    });
    turns.collect()
}

/// Tells whether a model is one of those that want their thoughts back.
fn wants_thoughts(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let version = name
        .strip_prefix("gemini-")
        .and_then(|rest| rest.chars().next());
    version.is_some_and(|digit| digit.is_ascii_digit() && !matches!(digit, '1' | '2'))
}

fn parts(parts: &Parts<'_>, wants_thoughts: bool) -> Vec<Json> {
    let mut out = Vec::new();
    for result in &parts.results {
        out.push(response(result));
        out.extend(result.images.iter().map(picture));
    }
    out.extend(parts.words.iter().map(|words| match words {
        Words::Text(text) => Json::object([("text", (*text).into())]),
        Words::Image(image) => picture(image),
    }));
    for (at, call) in parts.calls.iter().enumerate() {
        let function = Json::object([
            ("name", call.name.as_str().into()),
            ("args", arguments(call)),
        ]);
        let mut part = Json::object([("functionCall", function)]);
        // Only the first call of several bears one.
        if wants_thoughts && at == 0 {
            part.put("thoughtSignature", NO_THOUGHT);
        }
        out.push(part);
    }
    out
}

fn response(result: &ToolResult) -> Json {
    let name = if result.is_error { "error" } else { "output" };
    let brought = Json::object([(name, result.text.as_str().into())]);
    let function = Json::object([("name", result.name.as_str().into()), ("response", brought)]);
    Json::object([("functionResponse", function)])
}

fn picture(image: &Image) -> Json {
    match image {
        Image::Inline { media_type, data } => Json::object([(
            "inlineData",
            Json::object([
                ("mimeType", media_type.as_str().into()),
                ("data", data.as_str().into()),
            ]),
        )]),
        Image::Url(url) => Json::object([(
            "fileData",
            Json::object([
                ("mimeType", media_type(url).into()),
                ("fileUri", url.as_str().into()),
            ]),
        )]),
    }
}

/// Guesses what kind of picture an address leads to: Google wants to be told.
fn media_type(url: &str) -> &'static str {
    let path = url
        .split(['?', '#'])
        .next()
        .unwrap_or(url)
        .to_ascii_lowercase();
    let ends = |end: &str| path.ends_with(end);
    match () {
        () if ends(".png") => "image/png",
        () if ends(".webp") => "image/webp",
        () if ends(".gif") => "image/gif",
        () if ends(".heic") => "image/heic",
        () => "image/jpeg",
    }
}

/// Spells the tools and the choice among them.
pub(in crate::llm) fn tools(wishes: &Wishes) -> Option<(Json, Option<Json>)> {
    if wishes.tools.is_empty() {
        return None;
    }
    let all: Vec<Json> = wishes.tools.iter().map(tool).collect();
    let tools = Json::List(vec![Json::object([("functionDeclarations", all.into())])]);
    let (mode, name) = match &wishes.tool_choice {
        ToolChoice::Auto => return Some((tools, None)),
        ToolChoice::None => ("NONE", None),
        ToolChoice::Any => ("ANY", None),
        ToolChoice::Named(name) => ("ANY", Some(name.as_str())),
    };
    let mut config = Json::object([("mode", mode.into())]);
    config.put_some(
        "allowedFunctionNames",
        name.map(|name| Json::List(vec![name.into()])),
    );
    let config = Json::object([("functionCallingConfig", config)]);
    Some((tools, Some(config)))
}

fn tool(tool: &Tool) -> Json {
    let mut out = Json::object([("name", tool.name.as_str().into())]);
    if !tool.description.is_empty() {
        out.put("description", tool.description.as_str());
    }
    // `parameters` takes a part of JSON schema only.
    out.put("parametersJsonSchema", tool.schema.clone());
    out
}

/// Spells the limit and what else is wished.
pub(in crate::llm) fn config(ask: &Ask, to: &Endpoint) -> Json {
    let wishes = &ask.wishes;
    let mut out = Json::object([("maxOutputTokens", ask.output_limit.into())]);
    if !wishes.stop.is_empty() {
        let stop = wishes.stop.iter().map(|words| words.as_str().into());
        out.put("stopSequences", Json::List(stop.collect()));
    }
    if takes(to, "temperature") {
        out.put_some("temperature", wishes.temperature.clone());
    }
    out.put_some("topP", wishes.top_p.clone());
    match &wishes.format {
        Format::Text => {}
        Format::Json => out.put("responseMimeType", "application/json"),
        Format::Schema { schema, .. } => {
            out.put("responseMimeType", "application/json");
            out.put("responseJsonSchema", schema.clone());
        }
    }
    out
}
