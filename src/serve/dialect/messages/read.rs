//! Reads a request.

use std::sync::Arc;

use super::wishes::{bounds, wishes};
use crate::{
    domain::ProviderKind,
    engine::ask::{
        Part, Role,
        raw::Raw,
        tools::{Image, ToolCall},
    },
    serve::dialect::{
        Refusal, Request,
        read::{Talk, image, inline, json, names, result, spoken},
        request::{Framing, ProviderWishes, Purpose, USUAL_LIMIT, is_cached},
        spot::Spot,
    },
};

/// Who can answer what is Anthropic's own.
pub(super) const OWN: &[ProviderKind] = &[ProviderKind::Anthropic];

/// Reads a request.
pub(super) fn request(
    body: &str,
    headers: &[(&'static str, String)],
    purpose: Purpose,
) -> Result<Request, Refusal> {
    let json = json(body)?;
    let root = Spot::root(&json)?;
    let model = root.need("model")?.text()?.to_owned();
    let mut talk = Talk::default();
    if let Some(system) = root.member("system")? {
        let said = blocks(&system, &mut talk)?;
        talk.instruct(said, OWN);
    }
    for message in root.need("messages")?.items()? {
        take(&message, &mut talk)?;
    }
    if talk.ends_with(Role::Assistant) {
        talk.bind("a beginning of the answer to go on from", OWN);
    }
    bounds(&root, &mut talk)?;
    let output_limit = root.count_of("max_tokens")?;
    // Who speaks the whole wire format is told what it wants; `curl` with three lines is served.
    let is_strict = headers.iter().any(|(name, _)| *name == "anthropic-version");
    if output_limit.is_none() && is_strict && purpose == Purpose::Answer {
        root.need("max_tokens")?;
    }
    let (mut ask, bound, mut bill) =
        talk.into_ask(wishes(&root)?, output_limit.unwrap_or(USUAL_LIMIT));
    bill.is_cached = is_cached(body);
    ask.raw = Some(Arc::new(Raw {
        kind: ProviderKind::Anthropic,
        body: body.to_owned(),
        headers: headers.to_vec(),
    }));
    let mut wrote = names(&json);
    // It has to be there: another family that does not take it is not the caller's fault.
    wrote.retain(|name| name != "max_tokens");
    let request = Request {
        model,
        framing: Framing::of(root.flag_of("stream")?.unwrap_or(false)),
        ask,
        wants_usage: true,
        output_limit,
        provider: ProviderWishes::read(&root)?,
        bound,
        bill,
        wrote,
    };
    spoken(request, "messages")
}

/// Reads one message.
fn take(message: &Spot<'_>, talk: &mut Talk) -> Result<(), Refusal> {
    let role = message.need("role")?;
    let content = message.need("content")?;
    match role.text()? {
        "user" => {
            let said = blocks(&content, talk)?;
            talk.say(Role::User, said);
        }
        "assistant" => {
            let said = blocks(&content, talk)?;
            talk.answered(said, OWN);
        }
        "system" | "developer" => {
            let said = blocks(&content, talk)?;
            talk.instruct(said, OWN);
        }
        _ => return Err(role.unknown("user, assistant and system")),
    }
    Ok(())
}

/// Reads content: a text, or blocks.
fn blocks(content: &Spot<'_>, talk: &mut Talk) -> Result<Vec<Part>, Refusal> {
    if !content.is_list() {
        return Ok(vec![Part::Text(content.text()?.to_owned())]);
    }
    let mut said = Vec::new();
    for block in content.items()? {
        said.extend(one(&block, talk)?);
    }
    Ok(said)
}

/// Reads one block; none comes of what only Anthropic can answer, and of thoughts: they are signed
/// for the model that had them.
fn one(block: &Spot<'_>, talk: &mut Talk) -> Result<Option<Part>, Refusal> {
    Ok(match block.need("type")?.text()? {
        "text" => Some(Part::Text(block.need("text")?.text()?.to_owned())),
        "image" => picture(&block.need("source")?, talk)?.map(Part::Image),
        "document" => document(block, talk)?.map(Part::Text),
        "tool_use" => {
            let input = block.need("input")?;
            if !input.is_object() {
                return Err(input.wrong("an object"));
            }
            Some(Part::Call(ToolCall {
                id: block.need("id")?.text()?.to_owned(),
                name: block.need("name")?.text()?.to_owned(),
                arguments: input.value().to_string(),
            }))
        }
        "tool_result" => {
            let id = block.need("tool_use_id")?.text()?.to_owned();
            let parts = match block.member("content")? {
                Some(content) => blocks(&content, talk)?,
                None => Vec::new(),
            };
            let mut told = result(id, parts);
            told.is_error = block.flag_of("is_error")?.unwrap_or(false);
            Some(Part::Result(told))
        }
        "thinking" | "redacted_thinking" => None,
        other => {
            let other: String = other.chars().take(60).collect();
            talk.bind(format!("a block of the type `{other}`"), OWN);
            None
        }
    })
}

fn picture(source: &Spot<'_>, talk: &mut Talk) -> Result<Option<Image>, Refusal> {
    Ok(match source.need("type")?.text()? {
        "base64" => {
            let kind = source.need("media_type")?;
            let picture = inline(kind.text()?, source.need("data")?.text()?);
            Some(picture.ok_or_else(|| kind.wrong("a type of picture, such as image/png"))?)
        }
        "url" => Some(image(&source.need("url")?)?),
        _ => {
            talk.bind_elsewhere("a picture that is a file of Anthropic's", OWN);
            None
        }
    })
}

/// Reads a document; one of plain text is text, behind its title and what is said of it.
fn document(block: &Spot<'_>, talk: &mut Talk) -> Result<Option<String>, Refusal> {
    let source = block.need("source")?;
    if source.need("type")?.text()? != "text" {
        talk.bind_elsewhere("a document", OWN);
        return Ok(None);
    }
    if let Some(citations) = block.member("citations")?
        && citations.flag_of("enabled")? == Some(true)
    {
        talk.bind("`citations` of a document", OWN);
    }
    let before = [block.text_of("title")?, block.text_of("context")?];
    let mut said: Vec<String> = before.into_iter().flatten().collect();
    said.push(source.need("data")?.text()?.to_owned());
    Ok(Some(said.join("\n\n")))
}
