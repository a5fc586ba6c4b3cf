//! Responses: <https://platform.openai.com/docs/api-reference/responses/create>.

use super::{Ids, Parts, Words, address, chat::named, content, outcome, told};
use crate::{
    engine::ask::{
        Ask, Role,
        json::Json,
        tools::{Tool, ToolChoice, ToolResult},
        wishes::{Format, Wishes},
    },
    llm::body::Builder,
};

/// Spells the conversation.
pub(in crate::llm) fn input(ask: &Ask) -> Vec<Json> {
    let mut ids = Ids::new(|id| !id.is_empty() && id.len() <= 64);
    let mut out = Vec::with_capacity(ask.turns.len());
    for turn in told(ask) {
        let parts = Parts::of(turn);
        for result in &parts.results {
            out.push(Json::object([
                ("type", "function_call_output".into()),
                ("call_id", ids.result(&result.id).into()),
                ("output", output(result)),
            ]));
        }
        match turn.role {
            Role::User if parts.words.is_empty() => {}
            Role::User => out.push(message("user", content(&parts.words, part))),
            Role::Assistant => {
                let text = parts.text();
                if !text.is_empty() {
                    out.push(message("assistant", text.into()));
                }
            }
        }
        for call in &parts.calls {
            out.push(Json::object([
                ("type", "function_call".into()),
                ("call_id", ids.call(&call.id).into()),
                ("name", call.name.as_str().into()),
                ("arguments", call.arguments.as_str().into()),
            ]));
        }
    }
    out
}

fn message(role: &str, content: Json) -> Json {
    Json::object([("content", content), ("role", role.into())])
}

fn part(words: Words<'_>) -> Json {
    match words {
        Words::Text(text) => Json::object([("type", "input_text".into()), ("text", text.into())]),
        Words::Image(image) => Json::object([
            ("type", "input_image".into()),
            ("image_url", address(image).into()),
        ]),
    }
}

fn output(result: &ToolResult) -> Json {
    let text = outcome(result);
    let mut words = vec![Words::Text(&text)];
    words.extend(result.images.iter().map(Words::Image));
    content(&words, part)
}

/// Spells the wishes. Stop sequences do not exist here.
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
                ("name", name.as_str().into()),
            ])),
        };
        body.put_some("tool_choice", choice);
        body.put_some("parallel_tool_calls", wishes.parallel_tools);
    }
    body.put_some("temperature", wishes.temperature.clone());
    body.put_some("top_p", wishes.top_p.clone());
    let format = match &wishes.format {
        Format::Text => return,
        Format::Json => Json::object([("type", "json_object".into())]),
        Format::Schema {
            name,
            schema,
            strict,
        } => Json::object([
            ("type", "json_schema".into()),
            ("name", named(name).into()),
            ("schema", schema.clone()),
            // Here strict is the default, elsewhere it is not.
            ("strict", strict.unwrap_or(false).into()),
        ]),
    };
    body.put("text", Json::object([("format", format)]));
}

fn tool(tool: &Tool) -> Json {
    let mut out = Json::object([
        ("type", "function".into()),
        ("name", tool.name.as_str().into()),
    ]);
    if !tool.description.is_empty() {
        out.put("description", tool.description.as_str());
    }
    out.put("parameters", tool.schema.clone());
    out.put("strict", tool.strict.unwrap_or(false));
    out
}
