//! Reads what is asked of the answer beside its words.

use super::read::OWN;
use crate::{
    engine::ask::{
        tools::{Tool, ToolChoice},
        wishes::{Format, Wishes},
    },
    serve::dialect::{
        Refusal,
        read::{Talk, schema, texts},
        request::PRIORITY,
        spot::Spot,
    },
};

/// Reads the wishes. Stop sequences do not exist here.
pub(super) fn wishes(root: &Spot<'_>) -> Result<Wishes, Refusal> {
    Ok(Wishes {
        tools: tools(root)?,
        tool_choice: choice(root)?,
        parallel_tools: root.flag_of("parallel_tool_calls")?,
        stop: Vec::new(),
        temperature: root.number_of("temperature")?,
        top_p: root.number_of("top_p")?,
        format: format(root)?,
        // Known with the whole conversation.
        wordless: false,
    })
}

/// Binds what only the Responses API can answer, and refuses what deskhand cannot pass on.
pub(super) fn bounds(root: &Spot<'_>, talk: &mut Talk) -> Result<(), Refusal> {
    if root.flag_of("background")? == Some(true) {
        let said = "`background` leaves an answer to be fetched later, which deskhand does not \
                    do; leave it out.";
        return Err(Refusal::wrong("background", said));
    }
    if root.text_of("service_tier")?.as_deref() == Some("priority") {
        talk.unpriced("`service_tier: priority`", OWN);
        talk.costs(PRIORITY, OWN);
    }
    for name in ["previous_response_id", "conversation", "prompt"] {
        if root.member(name)?.is_some() {
            talk.bind_elsewhere(format!("`{name}`"), OWN);
        }
    }
    // 0 asks for nothing.
    if let Some(number) = root.number_of("top_logprobs")?
        && number.as_u64() != Some(0)
    {
        talk.bind("`top_logprobs`", OWN);
    }
    if let Some(include) = root.member("include")? {
        let all = texts(&include)?;
        if all.iter().any(|what| what.ends_with("logprobs")) {
            talk.bind("log probabilities", OWN);
        }
    }
    if let Some(tools) = root.member("tools")? {
        for tool in tools.items()? {
            match tool.need("type")?.text()? {
                "function" => {}
                // Run by the caller, whoever defines them.
                "custom" | "local_shell" | "apply_patch" => {
                    talk.bind_defined("a tool that OpenAI defines", OWN);
                }
                _ => talk.bind_tool("a tool that OpenAI runs", OWN),
            }
        }
    }
    let choice = root.member("tool_choice")?.filter(Spot::is_object);
    if let Some(choice) = choice
        && choice.need("type")?.text()? != "function"
    {
        talk.bind("a choice among tools", OWN);
    }
    Ok(())
}

fn tools(root: &Spot<'_>) -> Result<Vec<Tool>, Refusal> {
    let mut tools = Vec::new();
    let Some(list) = root.member("tools")? else {
        return Ok(tools);
    };
    for tool in list.items()? {
        if tool.need("type")?.text()? != "function" {
            continue;
        }
        tools.push(Tool {
            name: tool.need("name")?.text()?.to_owned(),
            description: tool.text_of("description")?.unwrap_or_default(),
            schema: schema(tool.member("parameters")?)?,
            strict: tool.flag_of("strict")?,
        });
    }
    Ok(tools)
}

fn choice(root: &Spot<'_>) -> Result<ToolChoice, Refusal> {
    let Some(choice) = root.member("tool_choice")? else {
        return Ok(ToolChoice::Auto);
    };
    if choice.is_object() {
        return match choice.need("type")?.text()? {
            "function" => Ok(ToolChoice::Named(choice.need("name")?.text()?.to_owned())),
            // Bound to the family.
            _ => Ok(ToolChoice::Auto),
        };
    }
    match choice.text()? {
        "auto" => Ok(ToolChoice::Auto),
        "none" => Ok(ToolChoice::None),
        "required" => Ok(ToolChoice::Any),
        _ => Err(choice.unknown("auto, none, required or a function")),
    }
}

fn format(root: &Spot<'_>) -> Result<Format, Refusal> {
    let text = root.member("text")?;
    let format = match &text {
        Some(text) => text.member("format")?,
        None => None,
    };
    let Some(format) = format else {
        return Ok(Format::Text);
    };
    let kind = format.need("type")?;
    match kind.text()? {
        "text" => Ok(Format::Text),
        "json_object" => Ok(Format::Json),
        "json_schema" => Ok(Format::Schema {
            name: format.text_of("name")?.unwrap_or_default(),
            schema: schema(Some(format.need("schema")?))?,
            strict: format.flag_of("strict")?,
        }),
        _ => Err(kind.unknown("text, json_object and json_schema")),
    }
}
