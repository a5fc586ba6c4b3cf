//! Reads what is asked of the answer beside its words.

use super::read::OWN;
use crate::{
    engine::ask::{
        json::Json,
        tools::{Tool, ToolChoice},
        wishes::{Format, Wishes},
    },
    serve::dialect::{
        Refusal,
        read::{Talk, schema, texts},
        spot::Spot,
    },
};

/// Reads the wishes.
pub(super) fn wishes(root: &Spot<'_>) -> Result<Wishes, Refusal> {
    let choice = root.member("tool_choice")?;
    let one_by_one = match &choice {
        Some(choice) => choice.flag_of("disable_parallel_tool_use")?,
        None => None,
    };
    Ok(Wishes {
        tools: tools(root)?,
        tool_choice: choice
            .map(|choice| chosen(&choice))
            .transpose()?
            .unwrap_or_default(),
        parallel_tools: one_by_one.filter(|only_one| *only_one).map(|_| false),
        stop: root
            .member("stop_sequences")?
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

/// What a token costs in fast mode at the most, in percent: six times its price, and twelve times in the
/// longest prompts of the first models that had it.
/// <https://platform.claude.com/docs/en/build-with-claude/fast-mode>, read on 2026-11-26.
const FAST: u32 = 1_200;

/// What a token costs that is computed in the United States alone, in percent.
/// <https://platform.claude.com/docs/en/manage-claude/data-residency>, read on 2026-11-26.
const IN_THE_US: u32 = 110;

/// Binds what only Anthropic can answer.
pub(super) fn bounds(root: &Spot<'_>, talk: &mut Talk) -> Result<(), Refusal> {
    if root.text_of("speed")?.as_deref() == Some("fast") {
        talk.unpriced("`speed: fast`", OWN);
        talk.costs(FAST, OWN);
    }
    match root.text_of("inference_geo")?.as_deref() {
        None | Some("global") => {}
        Some("us") => talk.raises(IN_THE_US, OWN),
        Some(_) => talk.unpriced("this `inference_geo`", OWN),
    }
    for name in ["mcp_servers", "container", "fallbacks"] {
        let given = root.member(name)?;
        if given.is_some_and(|given| *given.value() != Json::List(Vec::new())) {
            talk.bind_tool(format!("`{name}`"), OWN);
        }
    }
    if let Some(tools) = root.member("tools")? {
        for tool in tools.items()? {
            match tool.text_of("type")? {
                Some(kind) if is_run_there(&kind) => {
                    talk.bind_tool("a tool that Anthropic runs", OWN);
                }
                _ if is_own(&tool)? => {}
                _ => talk.bind_defined("a tool that Anthropic defines", OWN),
            }
        }
    }
    Ok(())
}

/// Tells whether Anthropic runs a tool itself, which it bills beside tokens or reads from elsewhere; the
/// others that it defines (a shell, an editor, a computer, memory) are run by the caller.
/// <https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview>
fn is_run_there(kind: &str) -> bool {
    let run_by_callers = ["bash_", "text_editor_", "computer_", "memory_"];
    kind != "custom" && !run_by_callers.iter().any(|tool| kind.starts_with(tool))
}

/// Tells whether a tool is the caller's own.
fn is_own(tool: &Spot<'_>) -> Result<bool, Refusal> {
    let kind = tool.text_of("type")?;
    Ok(kind.is_none_or(|kind| kind == "custom"))
}

fn tools(root: &Spot<'_>) -> Result<Vec<Tool>, Refusal> {
    let mut tools = Vec::new();
    let Some(list) = root.member("tools")? else {
        return Ok(tools);
    };
    for tool in list.items()? {
        if !is_own(&tool)? {
            continue;
        }
        tools.push(Tool {
            name: tool.need("name")?.text()?.to_owned(),
            description: tool.text_of("description")?.unwrap_or_default(),
            schema: schema(Some(tool.need("input_schema")?))?,
            strict: tool.flag_of("strict")?,
        });
    }
    Ok(tools)
}

fn chosen(choice: &Spot<'_>) -> Result<ToolChoice, Refusal> {
    let kind = choice.need("type")?;
    match kind.text()? {
        "auto" => Ok(ToolChoice::Auto),
        "none" => Ok(ToolChoice::None),
        "any" => Ok(ToolChoice::Any),
        "tool" => Ok(ToolChoice::Named(choice.need("name")?.text()?.to_owned())),
        _ => Err(kind.unknown("auto, any, tool and none")),
    }
}

/// Reads `output_config.format`, which was `output_format` while it was tried out.
fn format(root: &Spot<'_>) -> Result<Format, Refusal> {
    let config = root.member("output_config")?;
    let format = match &config {
        Some(config) => config.member("format")?,
        None => root.member("output_format")?,
    };
    let Some(format) = format else {
        return Ok(Format::Text);
    };
    let kind = format.need("type")?;
    match kind.text()? {
        "json_schema" => Ok(Format::Schema {
            name: String::new(),
            schema: schema(Some(format.need("schema")?))?,
            strict: None,
        }),
        _ => Err(kind.unknown("json_schema")),
    }
}
