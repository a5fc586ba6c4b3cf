//! Reads what is asked of the answer beside its words.

use super::{read::OWN, schema::json_schema};
use crate::{
    engine::ask::{
        json::Json,
        tools::{Tool, ToolChoice},
        wishes::{Format, Wishes},
    },
    serve::dialect::{
        Refusal,
        read::{Talk, names, schema, texts},
        spot::Spot,
    },
};

/// Reads the wishes.
pub(super) fn wishes(root: &Spot<'_>, config: Option<&Spot<'_>>) -> Result<Wishes, Refusal> {
    let mut wishes = Wishes {
        tools: tools(root)?,
        tool_choice: choice(root)?,
        ..Wishes::default()
    };
    if let Some(config) = config {
        let stop = config.either(["stopSequences", "stop_sequences"])?;
        wishes.stop = stop
            .map(|stop| texts(&stop))
            .transpose()?
            .unwrap_or_default();
        wishes.temperature = config.number_of("temperature")?;
        let top_p = config.either(["topP", "top_p"])?;
        wishes.top_p = top_p.map(|top_p| top_p.number()).transpose()?;
        wishes.format = format(config)?;
    }
    Ok(wishes)
}

/// What a token of a picture costs beside one of text, at the most, in percent: $30 a million where that is $2.50
/// (gemini-2.5-flash-image). <https://ai.google.dev/gemini-api/docs/pricing>
const PICTURE: u32 = 1_200;

/// Binds what only Gemini can answer.
pub(super) fn bounds(root: &Spot<'_>, talk: &mut Talk) -> Result<(), Refusal> {
    if root.either(["cachedContent", "cached_content"])?.is_some() {
        talk.bind_elsewhere("`cachedContent`", OWN);
    }
    if let Some(tools) = root.member("tools")? {
        for tool in tools.items()? {
            for name in names(tool.value()) {
                if !matches!(
                    name.as_str(),
                    "functionDeclarations" | "function_declarations"
                ) {
                    let name: String = name.chars().take(60).collect();
                    talk.bind_tool(format!("the tool `{name}`"), OWN);
                }
            }
        }
    }
    if let Some(allowed) = allowed(root)?.filter(|allowed| !allowed.is_empty()) {
        let mode = mode(root)?.unwrap_or_default();
        let is_said_elsewhere = mode == "NONE" || (mode == "ANY" && allowed.len() == 1);
        if !is_said_elsewhere {
            talk.bind("`allowedFunctionNames`", OWN);
        }
    }
    let Some(config) = root.either(["generationConfig", "generation_config"])? else {
        return Ok(());
    };
    let count = config.either(["candidateCount", "candidate_count"])?;
    let count = count.map(|count| count.count()).transpose()?;
    if let Some(count) = count.filter(|count| *count > 1) {
        talk.bill.choices = Some(count);
        talk.bind("`candidateCount` above 1", OWN);
    }
    let modalities = config.either(["responseModalities", "response_modalities"])?;
    if let Some(modalities) = modalities
        && texts(&modalities)?
            .iter()
            .any(|word| !word.eq_ignore_ascii_case("text"))
    {
        talk.bind_unpriced("`responseModalities` beside text", OWN);
        talk.costs(PICTURE, OWN);
    }
    for names in [
        ["responseLogprobs", "response_logprobs"],
        ["speechConfig", "speech_config"],
    ] {
        let given = config.either(names)?;
        if given.is_some_and(|given| *given.value() != Json::Bool(false)) {
            let [name, _] = names;
            talk.bind(format!("`{name}`"), OWN);
        }
    }
    Ok(())
}

fn tools(root: &Spot<'_>) -> Result<Vec<Tool>, Refusal> {
    let mut tools = Vec::new();
    let Some(list) = root.member("tools")? else {
        return Ok(tools);
    };
    for tool in list.items()? {
        let functions = tool.either(["functionDeclarations", "function_declarations"])?;
        let Some(functions) = functions else {
            continue;
        };
        for function in functions.items()? {
            tools.push(Tool {
                name: function.need("name")?.text()?.to_owned(),
                description: function.text_of("description")?.unwrap_or_default(),
                schema: parameters(&function)?,
                strict: None,
            });
        }
    }
    Ok(tools)
}

/// Reads the schema of a function: of JSON, or of Google's own.
fn parameters(function: &Spot<'_>) -> Result<Json, Refusal> {
    let names = ["parametersJsonSchema", "parameters_json_schema"];
    if let Some(own) = function.either(names)? {
        return schema(Some(own));
    }
    let own = schema(function.member("parameters")?)?;
    Ok(json_schema(&own))
}

/// How the table is called that says which functions may be called.
const CALLING: [&str; 2] = ["functionCallingConfig", "function_calling_config"];

/// Returns the functions among which the model is to choose, where they are named.
fn allowed(root: &Spot<'_>) -> Result<Option<Vec<String>>, Refusal> {
    let tools = root.either(["toolConfig", "tool_config"])?;
    let calling = tools.as_ref().map(|tools| tools.either(CALLING));
    let Some(config) = calling.transpose()?.flatten() else {
        return Ok(None);
    };
    let names = config.either(["allowedFunctionNames", "allowed_function_names"])?;
    names.map(|names| texts(&names)).transpose()
}

/// Returns the word for how functions are called, in capital letters.
fn mode(root: &Spot<'_>) -> Result<Option<String>, Refusal> {
    let tools = root.either(["toolConfig", "tool_config"])?;
    let calling = tools.as_ref().map(|tools| tools.either(CALLING));
    let Some(config) = calling.transpose()?.flatten() else {
        return Ok(None);
    };
    let mode = config.text_of("mode")?;
    Ok(mode.map(|mode| mode.to_ascii_uppercase()))
}

fn choice(root: &Spot<'_>) -> Result<ToolChoice, Refusal> {
    let tools = root.either(["toolConfig", "tool_config"])?;
    let calling = tools.as_ref().map(|tools| tools.either(CALLING));
    let Some(config) = calling.transpose()?.flatten() else {
        return Ok(ToolChoice::Auto);
    };
    let Some(mode) = config.member("mode")? else {
        return Ok(ToolChoice::Auto);
    };
    match mode.text()?.to_ascii_uppercase().as_str() {
        "NONE" => Ok(ToolChoice::None),
        "ANY" => {
            let chosen = allowed(root)?.unwrap_or_default();
            Ok(match chosen.as_slice() {
                [one] => ToolChoice::Named(one.clone()),
                _ => ToolChoice::Any,
            })
        }
        "AUTO" | "VALIDATED" | "MODE_UNSPECIFIED" => Ok(ToolChoice::Auto),
        _ => Err(mode.unknown("AUTO, ANY, NONE and VALIDATED")),
    }
}

fn format(config: &Spot<'_>) -> Result<Format, Refusal> {
    let json = match config.either(["responseJsonSchema", "response_json_schema"])? {
        Some(schema) => Some(schema),
        None => config.member("_responseJsonSchema")?,
    };
    let found = match json {
        Some(own) => Some(schema(Some(own))?),
        None => match config.either(["responseSchema", "response_schema"])? {
            Some(own) => Some(json_schema(&schema(Some(own))?)),
            None => None,
        },
    };
    if let Some(schema) = found {
        return Ok(Format::Schema {
            name: String::new(),
            schema,
            strict: None,
        });
    }
    let kind = config.either(["responseMimeType", "response_mime_type"])?;
    match kind.as_ref().map(Spot::text).transpose()? {
        Some("application/json") => Ok(Format::Json),
        Some(_) | None => Ok(Format::Text),
    }
}
