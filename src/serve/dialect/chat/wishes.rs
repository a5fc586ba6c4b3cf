//! Reads what is asked of the answer beside its words.

use crate::{
    engine::ask::{
        json::Json,
        tools::{Tool, ToolChoice},
        wishes::{Format, Wishes},
    },
    serve::dialect::{
        Refusal,
        read::{Talk, schema, texts},
        request::{CHATS, PRIORITY},
        spot::Spot,
    },
};

/// Reads the wishes.
pub(super) fn wishes(root: &Spot<'_>) -> Result<Wishes, Refusal> {
    Ok(Wishes {
        tools: tools(root)?,
        tool_choice: choice(root)?,
        parallel_tools: root.flag_of("parallel_tool_calls")?,
        stop: root
            .member("stop")?
            .map(|stop| texts(&stop))
            .transpose()?
            .unwrap_or_default(),
        temperature: root.number_of("temperature")?,
        top_p: root.number_of("top_p")?,
        format: format(root)?,
        // Known with the whole conversation.
        wordless: false,
    })
}

/// What a token of sound costs beside one of text, at the most, in percent: $20 a million where that is $0.60
/// (gpt-4o-mini-audio-preview). <https://platform.openai.com/docs/pricing>
pub(super) const AUDIO: u32 = 3_400;

/// Binds what only OpenAI's chat, and those like it, can answer.
pub(super) fn bounds(root: &Spot<'_>, talk: &mut Talk) -> Result<(), Refusal> {
    if let Some(n) = root.count_of("n")?.filter(|n| *n > 1) {
        talk.bill.choices = Some(n);
        talk.bind("`n` above 1", CHATS);
    }
    if root.text_of("service_tier")?.as_deref() == Some("priority") {
        talk.unpriced("`service_tier: priority`", CHATS);
        talk.costs(PRIORITY, CHATS);
    }
    if root.flag_of("logprobs")? == Some(true) {
        talk.bind("`logprobs`", CHATS);
    }
    // Members whose mere presence changes what the answer is.
    for name in ["top_logprobs", "function_call"] {
        if root.member(name)?.is_some() {
            talk.bind(format!("`{name}`"), CHATS);
        }
    }
    for name in ["audio", "web_search_options"] {
        if root.member(name)?.is_some() {
            talk.bind_tool(format!("`{name}`"), CHATS);
        }
    }
    for name in ["logit_bias", "functions"] {
        let empty = [Json::Object(Vec::new()), Json::List(Vec::new())];
        let given = root.member(name)?;
        if given.is_some_and(|given| !empty.contains(given.value())) {
            talk.bind(format!("`{name}`"), CHATS);
        }
    }
    if let Some(modalities) = root.member("modalities")?
        && texts(&modalities)?.iter().any(|word| word != "text")
    {
        talk.bind_unpriced("`modalities` beside text", CHATS);
        talk.costs(AUDIO, CHATS);
    }
    if let Some(tools) = root.member("tools")? {
        for tool in tools.items()? {
            match tool.need("type")?.text()? {
                "function" => {}
                "custom" => talk.bind_defined("a tool that is no function", CHATS),
                _ => talk.bind_tool("a tool that its provider runs", CHATS),
            }
        }
    }
    let choice = root.member("tool_choice")?.filter(Spot::is_object);
    if let Some(choice) = choice
        && choice.need("type")?.text()? != "function"
    {
        talk.bind("a choice among tools", CHATS);
    }
    Ok(())
}

fn tools(root: &Spot<'_>) -> Result<Vec<Tool>, Refusal> {
    let mut tools = Vec::new();
    let Some(list) = root.member("tools")? else {
        return Ok(tools);
    };
    for tool in list.items()? {
        // A tool of another type is bound to the family.
        let Some(function) = tool.member("function")? else {
            continue;
        };
        tools.push(Tool {
            name: function.need("name")?.text()?.to_owned(),
            description: function.text_of("description")?.unwrap_or_default(),
            schema: schema(function.member("parameters")?)?,
            strict: function.flag_of("strict")?,
        });
    }
    Ok(tools)
}

fn choice(root: &Spot<'_>) -> Result<ToolChoice, Refusal> {
    let Some(choice) = root.member("tool_choice")? else {
        return Ok(ToolChoice::Auto);
    };
    if choice.is_object() {
        return Ok(match choice.member("function")? {
            Some(function) => ToolChoice::Named(function.need("name")?.text()?.to_owned()),
            // Bound to the family.
            None => ToolChoice::Auto,
        });
    }
    match choice.text()? {
        "auto" => Ok(ToolChoice::Auto),
        "none" => Ok(ToolChoice::None),
        "required" => Ok(ToolChoice::Any),
        _ => Err(choice.unknown("auto, none, required or a function")),
    }
}

fn format(root: &Spot<'_>) -> Result<Format, Refusal> {
    let Some(format) = root.member("response_format")? else {
        return Ok(Format::Text);
    };
    let kind = format.need("type")?;
    match kind.text()? {
        "text" => Ok(Format::Text),
        "json_object" => Ok(Format::Json),
        "json_schema" => {
            let holder = format.need("json_schema")?;
            Ok(Format::Schema {
                name: holder.text_of("name")?.unwrap_or_default(),
                schema: schema(holder.member("schema")?)?,
                strict: holder.flag_of("strict")?,
            })
        }
        _ => Err(kind.unknown("text, json_object and json_schema")),
    }
}
