//! Reads a request.

use std::sync::Arc;

use super::wishes::{AUDIO, bounds, wishes};
use crate::{
    domain::ProviderKind,
    engine::ask::{Part, Role, raw::Raw, tools::ToolCall},
    serve::dialect::{
        Refusal, Request,
        read::{Talk, image, json, names, result, spoken},
        request::{CHATS, Framing, ProviderWishes, USUAL_LIMIT},
        spot::Spot,
    },
};

/// Reads a request.
pub(super) fn request(body: &str, headers: &[(&'static str, String)]) -> Result<Request, Refusal> {
    let json = json(body)?;
    let root = Spot::root(&json)?;
    let model = root.need("model")?.text()?.to_owned();
    let mut talk = Talk::default();
    for message in root.need("messages")?.items()? {
        take(&message, &mut talk)?;
    }
    bounds(&root, &mut talk)?;
    let output_limit = match root.count_of("max_completion_tokens")? {
        Some(limit) => Some(limit),
        None => root.count_of("max_tokens")?,
    };
    let wants_usage = match root.member("stream_options")? {
        Some(options) => options.flag_of("include_usage")?.unwrap_or(false),
        None => false,
    };
    let (mut ask, bound, bill) = talk.into_ask(wishes(&root)?, output_limit.unwrap_or(USUAL_LIMIT));
    ask.raw = Some(Arc::new(Raw {
        kind: ProviderKind::OpenAi,
        body: body.to_owned(),
        headers: headers.to_vec(),
    }));
    let request = Request {
        model,
        framing: Framing::of(root.flag_of("stream")?.unwrap_or(false)),
        ask,
        wants_usage,
        output_limit,
        provider: ProviderWishes::read(&root)?,
        bound,
        bill,
        wrote: names(&json),
    };
    spoken(request, "messages")
}

/// Reads one message.
fn take(message: &Spot<'_>, talk: &mut Talk) -> Result<(), Refusal> {
    let role = message.need("role")?;
    match role.text()? {
        "system" | "developer" => {
            let said = parts(&message.need("content")?, talk)?;
            talk.instruct(said, CHATS);
        }
        "user" => {
            let parts = parts(&message.need("content")?, talk)?;
            talk.say(Role::User, parts);
        }
        "assistant" => assistant(message, talk)?,
        "tool" => {
            let id = message.need("tool_call_id")?.text()?.to_owned();
            let result = result(id, parts(&message.need("content")?, talk)?);
            talk.say(Role::User, vec![Part::Result(result)]);
        }
        // The way of 2023: an answer in today's words would not be understood.
        "function" => {
            let name = message.need("name")?.text()?.to_owned();
            let parts = parts(&message.need("content")?, talk)?;
            talk.bind("a message of the role `function`", CHATS);
            talk.say(Role::User, vec![Part::Result(result(name, parts))]);
        }
        _ => return Err(role.unknown("system, developer, user, assistant and tool")),
    }
    Ok(())
}

fn assistant(message: &Spot<'_>, talk: &mut Talk) -> Result<(), Refusal> {
    let mut said = match message.member("content")? {
        Some(content) => parts(&content, talk)?,
        None => Vec::new(),
    };
    if let Some(refusal) = message.text_of("refusal")? {
        said.push(Part::Text(refusal));
    }
    if message.member("audio")?.is_some() {
        talk.bind_tool("an answer in audio", CHATS);
        talk.costs(AUDIO, CHATS);
    }
    if message.member("function_call")?.is_some() {
        talk.bind("`function_call`", CHATS);
    }
    if let Some(calls) = message.member("tool_calls")? {
        for call in calls.items()? {
            match call.member("function")? {
                Some(function) => said.push(Part::Call(ToolCall {
                    id: call.need("id")?.text()?.to_owned(),
                    name: function.need("name")?.text()?.to_owned(),
                    arguments: function.text_of("arguments")?.unwrap_or_default(),
                })),
                None => talk.bind("a call of a custom tool", CHATS),
            }
        }
    }
    talk.answered(said, CHATS);
    Ok(())
}

/// Reads content: a text, or parts.
fn parts(content: &Spot<'_>, talk: &mut Talk) -> Result<Vec<Part>, Refusal> {
    if !content.is_list() {
        return Ok(vec![Part::Text(content.text()?.to_owned())]);
    }
    let mut said = Vec::new();
    for part in content.items()? {
        let kind = part.need("type")?;
        match kind.text()? {
            "text" => said.push(Part::Text(part.need("text")?.text()?.to_owned())),
            "refusal" => said.push(Part::Text(part.need("refusal")?.text()?.to_owned())),
            "image_url" => {
                let holder = part.need("image_url")?;
                let picture = if holder.is_object() {
                    image(&holder.need("url")?)?
                } else {
                    image(&holder)?
                };
                said.push(Part::Image(picture));
            }
            "input_audio" => talk.bind_unpriced("audio", CHATS),
            "file" => talk.bind_elsewhere("a file", CHATS),
            other => {
                let other: String = other.chars().take(60).collect();
                talk.bind_elsewhere(format!("a part of the type `{other}`"), CHATS);
            }
        }
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ask::{
        Turn,
        tools::{Image, ToolResult},
    };

    fn read(body: &str) -> Result<Request, Refusal> {
        request(body, &[])
    }

    fn whats(request: &Request) -> Vec<&str> {
        let bound = request.bound.iter();
        bound.map(|bound| bound.what.as_str()).collect()
    }

    #[test]
    fn a_conversation_with_tools_and_pictures_is_read() {
        let request = read(
            r#"{"model":"gpt-4","stream":true,"max_tokens":50,"messages":[
            {"role":"user","content":[{"type":"text","text":"Look"},
                {"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD","detail":"low"}}]},
            {"role":"developer","content":"Be brief."},
            {"role":"assistant","content":null,"tool_calls":[
                {"id":"a","type":"function","function":{"name":"find","arguments":"{}"}},
                {"id":"b","type":"function","function":{"name":"count","arguments":"{\"n\":1}"}}]},
            {"role":"tool","tool_call_id":"a","content":"x"},
            {"role":"tool","tool_call_id":"b","content":[{"type":"text","text":"y"}]}]}"#,
        )
        .unwrap();

        let call = |id: &str, name: &str, arguments: &str| {
            Part::Call(ToolCall {
                id: id.to_owned(),
                name: name.to_owned(),
                arguments: arguments.to_owned(),
            })
        };
        let result = |id: &str, name: &str, text: &str| {
            Part::Result(ToolResult {
                id: id.to_owned(),
                name: name.to_owned(),
                text: text.to_owned(),
                images: Vec::new(),
                is_error: false,
            })
        };
        let image = Image::Inline {
            media_type: "image/png".to_owned(),
            data: "QUJD".to_owned(),
        };
        let turn = |role, parts| Turn { role, parts };
        assert_eq!(request.ask.system, "Be brief.");
        assert_eq!(
            request.ask.turns,
            [
                turn(
                    Role::User,
                    vec![Part::Text("Look".to_owned()), Part::Image(image)]
                ),
                turn(
                    Role::Assistant,
                    vec![call("a", "find", "{}"), call("b", "count", "{\"n\":1}")]
                ),
                turn(
                    Role::User,
                    vec![result("a", "find", "x"), result("b", "count", "y")]
                ),
            ]
        );
        assert_eq!(request.framing, Framing::Events);
        assert_eq!(
            (request.ask.output_limit, request.output_limit),
            (50, Some(50))
        );
        assert_eq!(request.bound, []);
    }

    #[test]
    fn a_wrong_member_is_named() {
        let one = r#"{"model":"m","messages":[{"role":"user","content":"a"}]"#;
        for (body, param) in [
            (r#"{"messages":[]}"#.to_owned(), Some("model")),
            (r#"{"model":"m"}"#.to_owned(), Some("messages")),
            (r#"{"model":"m","messages":[]}"#.to_owned(), Some("messages")),
            (format!("{one},\"temperature\":\"hot\"}}"), Some("temperature")),
            (format!("{one},\"max_tokens\":0}}"), Some("max_tokens")),
            (
                format!("{one},\"tools\":[{{\"type\":\"function\",\"function\":{{}}}}]}}"),
                Some("tools[0].function.name"),
            ),
            (
                r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":5}]}]}"#
                    .to_owned(),
                Some("messages[0].content[0].text"),
            ),
            (r#"{"model": "x", "#.to_owned(), None),
        ] {
            let refusal = read(&body).unwrap_err();
            assert_eq!(refusal.param.as_deref(), param, "{body}");
            assert_eq!(refusal.status, 400, "{body}");
        }
    }

    #[test]
    fn what_others_cannot_answer_is_bound() {
        use ProviderKind as K;
        let one = r#"{"model":"m","messages":[{"role":"user","content":"a"}]"#;
        for (members, what, by) in [
            (r#""n":2"#, "`n` above 1", CHATS),
            (r#""logprobs":true"#, "`logprobs`", CHATS),
            (
                r#""stop":["a","b"]"#,
                "a request with 2 stop sequences",
                &[K::Anthropic, K::OpenAiCompatible, K::Gemini, K::OpenAi],
            ),
            (
                r#""response_format":{"type":"json_object"}"#,
                "JSON output without a schema",
                &[
                    K::OpenAi,
                    K::OpenAiCompatible,
                    K::OpenAiResponses,
                    K::Gemini,
                ],
            ),
        ] {
            let request = read(&format!("{one},{members}}}")).unwrap();
            assert_eq!(whats(&request), [what]);
            assert_eq!(request.bound[0].by, by, "{what}");
        }
        let harmless = format!("{one},\"n\":1,\"logprobs\":false,\"logit_bias\":{{}},\"seed\":7}}");
        assert_eq!(read(&harmless).unwrap().bound, []);
    }

    #[test]
    fn the_models_to_ask_are_the_callers() {
        let one = r#"{"model":"auto","messages":[{"role":"user","content":"a"}]"#;
        let of = |members: &str| read(&format!("{one}{members}}}")).unwrap().provider;

        let wishes = of(r#","provider":{"fallback":["a/b"],"routing":"latency"}"#);
        assert_eq!(wishes.fallback, Some(vec!["a/b".to_owned()]));
        assert_eq!(wishes.routing.as_deref(), Some("latency"));
        assert_eq!(of(r#","provider":{"fallback":[]}"#).fallback, Some(vec![]));
        assert_eq!(of("").fallback, None);
        let wishes = of(r#","model_routing_config":{"models":["x","y"],"preference":"cost"}"#);
        assert_eq!(wishes.among, ["x", "y"]);
        assert_eq!(wishes.routing.as_deref(), Some("cost"));
        let wishes = of(r#","model_routing_config":{"preference":"speed"}"#);
        assert_eq!(wishes.routing.as_deref(), Some("latency"));
        let none = read(&format!(
            r#"{one},"model_routing_config":{{"models":[]}}}}"#
        ));
        let member = "model_routing_config.models";
        assert_eq!(none.unwrap_err().param.as_deref(), Some(member));
    }
}
