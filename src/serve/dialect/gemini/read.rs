//! Reads a request. Google's JSON takes every name in two spellings, `systemInstruction` and
//! `system_instruction`.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use super::wishes::{bounds, wishes};
use crate::{
    domain::ProviderKind,
    engine::ask::{
        Part, Role,
        json::Json,
        raw::Raw,
        tools::{Image, ToolCall, ToolResult},
    },
    serve::dialect::{
        PathWords, Refusal, Request,
        read::{Talk, json, names, spoken},
        request::{ProviderWishes, USUAL_LIMIT},
        spot::Spot,
    },
};

/// Who can answer what is Gemini's own.
pub(super) const OWN: &[ProviderKind] = &[ProviderKind::Gemini];

/// Reads a request.
pub(super) fn request(
    body: &str,
    headers: &[(&'static str, String)],
    path: &PathWords,
) -> Result<Request, Refusal> {
    let json = json(body)?;
    let root = Spot::root(&json)?;
    let model = match &path.model {
        Some(model) => model.clone(),
        None => root.need("model")?.text()?.to_owned(),
    };
    let mut reading = Reading::default();
    if let Some(system) = root.either(["systemInstruction", "system_instruction"])? {
        reading.system(&system)?;
    }
    let contents = root.need("contents")?;
    if contents.is_list() {
        for content in contents.items()? {
            reading.take(&content)?;
        }
    } else {
        reading.take(&contents)?;
    }
    let mut talk = reading.talk;
    bounds(&root, &mut talk)?;
    let config = root.either(["generationConfig", "generation_config"])?;
    let output_limit = match &config {
        Some(config) => match config.either(["maxOutputTokens", "max_output_tokens"])? {
            Some(limit) => Some(limit.count()?),
            None => None,
        },
        None => None,
    };
    let wishes = wishes(&root, config.as_ref())?;
    let (mut ask, bound, bill) = talk.into_ask(wishes, output_limit.unwrap_or(USUAL_LIMIT));
    ask.raw = Some(Arc::new(Raw {
        kind: ProviderKind::Gemini,
        body: body.to_owned(),
        headers: headers.to_vec(),
    }));
    let mut wrote = names(&json);
    wrote.extend(
        config
            .map(|config| names(config.value()))
            .unwrap_or_default(),
    );
    let request = Request {
        model,
        framing: path.framing.unwrap_or_default(),
        ask,
        wants_usage: true,
        output_limit,
        provider: ProviderWishes::read(&root)?,
        bound,
        bill,
        wrote,
    };
    spoken(request, "contents")
}

/// A conversation, and the calls in it: they may come without ids, and then their order counts.
#[derive(Default)]
struct Reading {
    talk: Talk,
    /// The ids of the calls that wait for their results, by the names of their tools, in order.
    open: HashMap<String, VecDeque<String>>,
    /// Those that a result named.
    answered: HashSet<String>,
    calls: u32,
}

impl Reading {
    fn system(&mut self, system: &Spot<'_>) -> Result<(), Refusal> {
        if !system.is_object() {
            self.talk.system(system.text()?);
            return Ok(());
        }
        let mut said = Vec::new();
        for part in system.need("parts")?.items()? {
            said.extend(self.part(&part)?);
        }
        self.talk.instruct(said, OWN);
        Ok(())
    }

    fn take(&mut self, content: &Spot<'_>) -> Result<(), Refusal> {
        if !content.is_object() {
            let said = vec![Part::Text(content.text()?.to_owned())];
            self.talk.say(Role::User, said);
            return Ok(());
        }
        let mut said = Vec::new();
        if let Some(parts) = content.member("parts")? {
            if parts.is_list() {
                for part in parts.items()? {
                    said.extend(self.part(&part)?);
                }
            } else {
                said.extend(self.part(&parts)?);
            }
        }
        let role = content.member("role")?;
        match role.as_ref().map(Spot::text).transpose()? {
            None | Some("user" | "function") => self.talk.say(Role::User, said),
            Some("model") => self.talk.answered(said, OWN),
            Some("system") => self.talk.instruct(said, OWN),
            Some(_) => {
                return Err(role.map_or_else(
                    || content.wrong("a content"),
                    |role| role.unknown("user and model"),
                ));
            }
        }
        Ok(())
    }

    /// Reads one part; none comes of thoughts, and of what only Gemini can answer.
    fn part(&mut self, part: &Spot<'_>) -> Result<Option<Part>, Refusal> {
        if part.flag_of("thought")? == Some(true) {
            return Ok(None);
        }
        if let Some(text) = part.text_of("text")? {
            return Ok(Some(Part::Text(text)));
        }
        if let Some(data) = part.either(["inlineData", "inline_data"])? {
            return self.inline(&data);
        }
        if let Some(file) = part.either(["fileData", "file_data"])? {
            return self.file(&file);
        }
        if let Some(call) = part.either(["functionCall", "function_call"])? {
            return self.call(&call).map(Some);
        }
        if let Some(response) = part.either(["functionResponse", "function_response"])? {
            return self.response(&response).map(Some);
        }
        // Code that Gemini ran, or whatever is invented later.
        let name = names(part.value()).into_iter().next().unwrap_or_default();
        if name != "thoughtSignature" && name != "thought_signature" {
            let name: String = name.chars().take(60).collect();
            self.talk.bind(format!("a part of the kind `{name}`"), OWN);
        }
        Ok(None)
    }

    fn inline(&mut self, data: &Spot<'_>) -> Result<Option<Part>, Refusal> {
        let kind = data.either(["mimeType", "mime_type"])?;
        let media_type = match kind {
            Some(kind) => kind.text()?.to_owned(),
            None => data.need("mimeType")?.text()?.to_owned(),
        };
        let data = data.need("data")?.text()?.to_owned();
        if media_type.starts_with("image/") {
            // Both alphabets of base64 are Google's; the others want the usual one.
            let data = data.replace('-', "+").replace('_', "/");
            return Ok(Some(Part::Image(Image::Inline { media_type, data })));
        }
        let what = format!("data of the type {}", tame(&media_type));
        // A page of a PDF is more than its bytes, a second of a film too.
        if media_type == "application/pdf" || media_type.starts_with("text/") {
            self.talk.bind_elsewhere(what, OWN);
        } else {
            self.talk.bind_tool(what, OWN);
        }
        Ok(None)
    }

    fn file(&mut self, file: &Spot<'_>) -> Result<Option<Part>, Refusal> {
        let url = match file.either(["fileUri", "file_uri"])? {
            Some(url) => url.text()?.to_owned(),
            None => file.need("fileUri")?.text()?.to_owned(),
        };
        let kind = file.either(["mimeType", "mime_type"])?;
        let kind = kind.as_ref().map(Spot::text).transpose()?;
        let is_picture = kind.is_none_or(|kind| kind.starts_with("image/"));
        let is_web = url.starts_with("https://") && !url.contains("googleapis.com/");
        if is_picture && is_web && !url.contains("youtube.com/") {
            return Ok(Some(Part::Image(Image::Url(url))));
        }
        self.talk.bind_elsewhere("a file", OWN);
        Ok(None)
    }

    fn call(&mut self, call: &Spot<'_>) -> Result<Part, Refusal> {
        let name = call.need("name")?.text()?.to_owned();
        let id = call
            .text_of("id")?
            .unwrap_or_else(|| format!("call_{}", self.calls));
        self.calls += 1;
        let open = self.open.entry(name.clone()).or_default();
        open.push_back(id.clone());
        let arguments = match call.member("args")? {
            Some(arguments) if arguments.is_object() => arguments.value().to_string(),
            Some(arguments) => return Err(arguments.wrong("an object")),
            None => "{}".to_owned(),
        };
        Ok(Part::Call(ToolCall {
            id,
            name,
            arguments,
        }))
    }

    fn response(&mut self, response: &Spot<'_>) -> Result<Part, Refusal> {
        let name = response.need("name")?.text()?.to_owned();
        let said = response.text_of("id")?;
        let id = if let Some(said) = said {
            self.answered.insert(said.clone());
            Some(said)
        } else {
            let open = self.open.get_mut(&name).into_iter();
            let mut open = open.flat_map(|open| std::iter::from_fn(|| open.pop_front()));
            open.find(|id| !self.answered.contains(id))
        };
        let id = id.unwrap_or_else(|| format!("call_of_{name}"));
        if response.member("parts")?.is_some() {
            self.talk
                .bind_elsewhere("`parts` of a `functionResponse`", OWN);
        }
        let brought = response.member("response")?;
        let (text, is_error) = brought
            .map(|brought| told(brought.value()))
            .unwrap_or_default();
        Ok(Part::Result(ToolResult {
            id,
            name,
            text,
            images: Vec::new(),
            is_error,
        }))
    }
}

/// Returns a type of data as it may be told: whatever stands there, it stays short and plain.
fn tame(media_type: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || "/+-._".contains(*c);
    media_type.chars().filter(is_plain).take(60).collect()
}

/// Returns what a tool brought: the text of `output`, `result` or `error`, else the whole object.
fn told(brought: &Json) -> (String, bool) {
    if let Json::Object(members) = brought
        && let [(name, Json::Text(text))] = members.as_slice()
    {
        match name.as_str() {
            "output" | "result" => return (text.clone(), false),
            "error" => return (text.clone(), true),
            _ => {}
        }
    }
    (brought.to_string(), false)
}
