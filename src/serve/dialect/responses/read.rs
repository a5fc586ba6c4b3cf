//! Reads a request.

use std::sync::Arc;

use super::wishes::{bounds, wishes};
use crate::{
    domain::ProviderKind,
    engine::ask::{Part, Role, raw::Raw, tools::ToolCall},
    serve::dialect::{
        Refusal, Request,
        read::{Talk, image, json, names, result, spoken},
        request::{Framing, ProviderWishes, USUAL_LIMIT},
        spot::Spot,
    },
};

/// Who can answer what is the Responses API's own.
pub(super) const OWN: &[ProviderKind] = &[ProviderKind::OpenAiResponses];

/// Reads a request.
pub(super) fn request(body: &str, headers: &[(&'static str, String)]) -> Result<Request, Refusal> {
    let json = json(body)?;
    let root = Spot::root(&json)?;
    let model = root.need("model")?.text()?.to_owned();
    let mut talk = Talk::default();
    if let Some(instructions) = root.text_of("instructions")? {
        talk.system(instructions);
    }
    bounds(&root, &mut talk)?;
    // What is kept at the provider may be all that is said.
    let is_kept = !talk.bound.is_empty();
    match root.member("input")? {
        Some(input) => conversation(&input, &mut talk)?,
        None if is_kept => {}
        None => {
            root.need("input")?;
        }
    }
    let output_limit = root.count_of("max_output_tokens")?;
    let (mut ask, bound, bill) = talk.into_ask(wishes(&root)?, output_limit.unwrap_or(USUAL_LIMIT));
    ask.raw = Some(Arc::new(Raw {
        kind: ProviderKind::OpenAiResponses,
        body: body.to_owned(),
        headers: headers.to_vec(),
    }));
    let request = Request {
        model,
        framing: Framing::of(root.flag_of("stream")?.unwrap_or(false)),
        ask,
        wants_usage: true,
        output_limit,
        provider: ProviderWishes::read(&root)?,
        bound,
        bill,
        wrote: names(&json),
    };
    if is_kept {
        return Ok(request);
    }
    spoken(request, "input")
}

/// Reads the conversation: a text, or items.
fn conversation(input: &Spot<'_>, talk: &mut Talk) -> Result<(), Refusal> {
    if !input.is_list() {
        talk.say(Role::User, vec![Part::Text(input.text()?.to_owned())]);
        return Ok(());
    }
    for item in input.items()? {
        take(&item, talk)?;
    }
    Ok(())
}

/// Reads one item; one with a role needs no type. Thoughts are left out: they are sealed for the
/// provider that had them.
fn take(item: &Spot<'_>, talk: &mut Talk) -> Result<(), Refusal> {
    let kind = item.text_of("type")?;
    match kind.as_deref() {
        None | Some("message") => message(item, talk)?,
        Some("function_call") => {
            let call = ToolCall {
                id: item.need("call_id")?.text()?.to_owned(),
                name: item.need("name")?.text()?.to_owned(),
                arguments: item.need("arguments")?.text()?.to_owned(),
            };
            talk.say(Role::Assistant, vec![Part::Call(call)]);
        }
        Some("function_call_output") => {
            let id = item.need("call_id")?.text()?.to_owned();
            let told = result(id, parts(&item.need("output")?, talk)?);
            talk.say(Role::User, vec![Part::Result(told)]);
        }
        Some("reasoning") => {}
        Some(other) => {
            let other: String = other.chars().take(60).collect();
            talk.bind_elsewhere(format!("an item of the type `{other}`"), OWN);
        }
    }
    Ok(())
}

fn message(item: &Spot<'_>, talk: &mut Talk) -> Result<(), Refusal> {
    let role = item.need("role")?;
    let said = parts(&item.need("content")?, talk)?;
    match role.text()? {
        "user" => talk.say(Role::User, said),
        "assistant" => talk.answered(said, OWN),
        "system" | "developer" => talk.instruct(said, OWN),
        _ => return Err(role.unknown("system, developer, user and assistant")),
    }
    Ok(())
}

/// Reads content: a text, or parts.
fn parts(content: &Spot<'_>, talk: &mut Talk) -> Result<Vec<Part>, Refusal> {
    if !content.is_list() {
        return Ok(vec![Part::Text(content.text()?.to_owned())]);
    }
    let mut said = Vec::new();
    for part in content.items()? {
        match part.need("type")?.text()? {
            "input_text" | "output_text" | "text" => {
                said.push(Part::Text(part.need("text")?.text()?.to_owned()));
            }
            "refusal" => said.push(Part::Text(part.need("refusal")?.text()?.to_owned())),
            "input_image" => match part.member("image_url")? {
                Some(url) => said.push(Part::Image(image(&url)?)),
                None => talk.bind_elsewhere("a picture that is a file of OpenAI's", OWN),
            },
            other => {
                let other: String = other.chars().take(60).collect();
                talk.bind_elsewhere(format!("a part of the type `{other}`"), OWN);
            }
        }
    }
    Ok(said)
}
