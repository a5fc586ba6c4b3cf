//! What cannot be said in another wire format, and what is refused.

use crate::stage::read;
use deskhand::{
    domain::ProviderKind as Kind,
    serve::dialect::{PathWords, Purpose, RefusalKind, dialect},
};

const CHAT: &str = r#""model":"m","messages":[{"role":"user","content":"a"}]"#;
const RESPONSES: &str = r#""model":"m","input":"a""#;
const MESSAGES: &str = r#""model":"m","max_tokens":5,"messages":[{"role":"user","content":"a"}]"#;
const GEMINI: &str = r#""contents":[{"parts":[{"text":"a"}]}]"#;

/// What only the caller's own family can answer.
#[test]
fn what_cannot_be_translated_is_bound_to_its_family() {
    let chats = vec![Kind::OpenAi, Kind::OpenAiCompatible];
    for (kind, start, members) in [
        (Kind::OpenAi, CHAT, r#""n":3"#),
        (Kind::OpenAi, CHAT, r#""logprobs":true"#),
        (Kind::OpenAi, CHAT, r#""logit_bias":{"5":1}"#),
        (Kind::OpenAi, CHAT, r#""modalities":["text","audio"]"#),
        (Kind::OpenAi, CHAT, r#""web_search_options":{}"#),
        (Kind::OpenAi, CHAT, r#""functions":[{"name":"f"}]"#),
        (
            Kind::OpenAi,
            CHAT,
            r#""tools":[{"type":"custom","custom":{"name":"f"}}]"#,
        ),
        (
            Kind::OpenAi,
            CHAT,
            r#""tool_choice":{"type":"allowed_tools"}"#,
        ),
        (
            Kind::OpenAi,
            r#""model":"m""#,
            r#""messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"input_audio","input_audio":{}}]}]"#,
        ),
        (
            Kind::OpenAi,
            r#""model":"m""#,
            r#""messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"file","file":{}}]}]"#,
        ),
        (
            Kind::OpenAiResponses,
            RESPONSES,
            r#""previous_response_id":"resp_1""#,
        ),
        (
            Kind::OpenAiResponses,
            RESPONSES,
            r#""conversation":"conv_1""#,
        ),
        (Kind::OpenAiResponses, RESPONSES, r#""prompt":{"id":"p"}"#),
        (Kind::OpenAiResponses, RESPONSES, r#""top_logprobs":2"#),
        (
            Kind::OpenAiResponses,
            RESPONSES,
            r#""tools":[{"type":"web_search"}]"#,
        ),
        (
            Kind::OpenAiResponses,
            r#""model":"m""#,
            r#""input":[{"role":"user","content":"a"},{"type":"web_search_call","id":"x"}]"#,
        ),
        (
            Kind::OpenAiResponses,
            r#""model":"m""#,
            r#""input":[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_file","file_id":"f"}]}]"#,
        ),
        (
            Kind::Anthropic,
            MESSAGES,
            r#""mcp_servers":[{"type":"url"}]"#,
        ),
        (
            Kind::Anthropic,
            MESSAGES,
            r#""tools":[{"type":"web_search_20250305","name":"web_search"}]"#,
        ),
        (
            Kind::Anthropic,
            r#""model":"m","max_tokens":5"#,
            r#""messages":[{"role":"user","content":"a"},{"role":"assistant","content":"{"}]"#,
        ),
        (
            Kind::Anthropic,
            r#""model":"m","max_tokens":5"#,
            r#""messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"QQ=="}}]}]"#,
        ),
        // Pictures where others have room for words alone.
        (
            Kind::OpenAi,
            r#""model":"m""#,
            r#""messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,QQ=="}}]},{"role":"user","content":"b"}]"#,
        ),
        (
            Kind::OpenAi,
            r#""model":"m""#,
            r#""messages":[{"role":"developer","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"https://x.example/a.png"}}]},{"role":"user","content":"b"}]"#,
        ),
        (
            Kind::OpenAiResponses,
            r#""model":"m""#,
            r#""input":[{"role":"assistant","content":[{"type":"input_image","image_url":"data:image/png;base64,QQ=="}]},{"role":"user","content":"b"}]"#,
        ),
        (
            Kind::OpenAiResponses,
            r#""model":"m""#,
            r#""input":[{"role":"system","content":[{"type":"input_image","image_url":"data:image/png;base64,QQ=="}]},{"role":"user","content":"b"}]"#,
        ),
        (
            Kind::Anthropic,
            r#""model":"m","max_tokens":5"#,
            r#""messages":[{"role":"assistant","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"QQ=="}}]},{"role":"user","content":"b"}]"#,
        ),
        (
            Kind::Anthropic,
            MESSAGES,
            r#""system":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"QQ=="}}]"#,
        ),
        (
            Kind::Gemini,
            r#""model":"m""#,
            r#""contents":[{"role":"model","parts":[{"inlineData":{"mimeType":"image/png","data":"QQ=="}}]},{"parts":[{"text":"b"}]}]"#,
        ),
        (
            Kind::Gemini,
            GEMINI,
            r#""systemInstruction":{"parts":[{"text":"a"},{"inline_data":{"mime_type":"image/png","data":"QQ=="}}]}"#,
        ),
        (
            Kind::Anthropic,
            r#""model":"m","max_tokens":5"#,
            r#""messages":[{"role":"user","content":[{"type":"document","citations":{"enabled":true},"source":{"type":"text","media_type":"text/plain","data":"a"}}]}]"#,
        ),
        (
            Kind::Gemini,
            GEMINI,
            r#""cachedContent":"cachedContents/1""#,
        ),
        (Kind::Gemini, GEMINI, r#""tools":[{"googleSearch":{}}]"#),
        (
            Kind::Gemini,
            GEMINI,
            r#""tool_config":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f","g"]}}"#,
        ),
        (
            Kind::Gemini,
            GEMINI,
            r#""tool_config":{"functionCallingConfig":{"mode":"VALIDATED","allowedFunctionNames":["f"]}}"#,
        ),
        (
            Kind::Gemini,
            GEMINI,
            r#""toolConfig":{"function_calling_config":{"allowed_function_names":["f"]}}"#,
        ),
        (
            Kind::Gemini,
            r#""contents":[{"parts":[{"functionResponse":{"name":"f","parts":[{"fileData":{}}]}}]}]"#,
            r#""safetySettings":[]"#,
        ),
        (
            Kind::Gemini,
            GEMINI,
            r#""generationConfig":{"candidateCount":2}"#,
        ),
        (
            Kind::Gemini,
            GEMINI,
            r#""generation_config":{"response_modalities":["TEXT","IMAGE"]}"#,
        ),
        (
            Kind::Gemini,
            r#""model":"m""#,
            r#""contents":[{"parts":[{"text":"a"},{"inlineData":{"mimeType":"audio/mp3","data":"QQ=="}}]}]"#,
        ),
        (
            Kind::Gemini,
            r#""model":"m""#,
            r#""contents":[{"parts":[{"text":"a"},{"fileData":{"fileUri":"https://generativelanguage.googleapis.com/v1beta/files/x","mimeType":"image/png"}}]}]"#,
        ),
    ] {
        let body = format!("{{{start},{members}}}");
        let request = read(kind, &body).unwrap_or_else(|refusal| panic!("{body}: {refusal:?}"));
        let own = if kind == Kind::OpenAi {
            chats.clone()
        } else {
            vec![kind]
        };
        assert!(!request.bound.is_empty(), "{body}");
        for bound in &request.bound {
            assert_eq!(bound.by, own, "{body}");
        }
    }
}

/// What a caller names stands in receipts and headers.
#[test]
fn a_type_of_data_is_told_in_short() {
    let long = "x".repeat(5_000);
    for (media_type, told) in [
        ("audio/mp3".to_owned(), "audio/mp3".to_owned()),
        ("a\\u001b[2J /b; c=é".to_owned(), "a2J/bc".to_owned()),
        (format!("audio/{long}"), format!("audio/{}", &long[..54])),
    ] {
        let body = format!(
            r#"{{"contents":[{{"parts":[{{"inlineData":{{"mimeType":"{media_type}","data":"QQ=="}}}}]}}]}}"#
        );
        let request = read(Kind::Gemini, &body).unwrap();
        assert_eq!(request.bound[0].what, format!("data of the type {told}"));
    }
}

/// What makes no difference to what the answer is does not bind.
#[test]
fn what_does_no_harm_is_let_go() {
    for (kind, start, members) in [
        (
            Kind::OpenAi,
            CHAT,
            r#""n":1,"logprobs":false,"user":"u","metadata":{},"seed":1,"service_tier":"auto","reasoning_effort":"low","functions":[]"#,
        ),
        (
            Kind::OpenAiResponses,
            RESPONSES,
            r#""store":true,"truncation":"auto","reasoning":{"effort":"low"},"include":["reasoning.encrypted_content"],"background":false,"top_logprobs":0"#,
        ),
        (
            Kind::Anthropic,
            MESSAGES,
            r#""metadata":{"user_id":"u"},"top_k":4,"thinking":{"type":"disabled"},"mcp_servers":[]"#,
        ),
        (
            Kind::Gemini,
            GEMINI,
            r#""toolConfig":{"functionCallingConfig":{"mode":"any","allowedFunctionNames":["f"]}}"#,
        ),
        (
            Kind::Gemini,
            GEMINI,
            r#""toolConfig":{"functionCallingConfig":{"mode":"NONE","allowedFunctionNames":["f","g"]}}"#,
        ),
        (
            Kind::Gemini,
            GEMINI,
            r#""safetySettings":[],"generationConfig":{"candidateCount":1,"thinkingConfig":{},"responseModalities":["TEXT"]}"#,
        ),
    ] {
        let request = read(kind, &format!("{{{start},{members}}}")).unwrap();
        assert_eq!(request.bound, [], "{kind:?}");
    }
}

/// What a family has no way to say, whoever asks.
#[test]
fn some_families_have_no_word_for_a_wish() {
    use Kind::{Anthropic, Gemini, OpenAi, OpenAiCompatible, OpenAiResponses};
    let tools = r#""tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"auto","disable_parallel_tool_use":true}"#;
    for (kind, start, members, by) in [
        (
            Anthropic,
            MESSAGES,
            r#""stop_sequences":["a"]"#,
            vec![Anthropic, OpenAiCompatible, Gemini, OpenAi],
        ),
        (
            Anthropic,
            MESSAGES,
            r#""stop_sequences":["a","b","c","d","e"]"#,
            vec![Anthropic, OpenAiCompatible, Gemini],
        ),
        (
            Anthropic,
            MESSAGES,
            r#""stop_sequences":["a","b","c","d","e","f"]"#,
            vec![Anthropic, OpenAiCompatible],
        ),
        (
            OpenAiResponses,
            RESPONSES,
            r#""text":{"format":{"type":"json_object"}}"#,
            vec![OpenAi, OpenAiCompatible, OpenAiResponses, Gemini],
        ),
        (
            Anthropic,
            MESSAGES,
            tools,
            vec![OpenAi, OpenAiCompatible, OpenAiResponses, Anthropic],
        ),
    ] {
        let request = read(kind, &format!("{{{start},{members}}}")).unwrap();
        assert_eq!(request.bound.len(), 1, "{members}");
        assert_eq!(request.bound[0].by, by, "{members}");
    }
}

#[test]
fn a_member_of_the_wrong_kind_is_named_in_every_wire_format() {
    for (kind, body, param) in [
        (Kind::OpenAiResponses, r#"{"model":"m"}"#, "input"),
        (
            Kind::OpenAiResponses,
            r#"{"model":"m","input":[{"role":"user"}]}"#,
            "input[0].content",
        ),
        (
            Kind::OpenAiResponses,
            r#"{"model":"m","input":"a","background":true}"#,
            "background",
        ),
        (Kind::Anthropic, r#"{"max_tokens":5}"#, "model"),
        (
            Kind::Anthropic,
            r#"{"model":"m","max_tokens":5,"messages":"a"}"#,
            "messages",
        ),
        (
            Kind::Anthropic,
            r#"{"model":"m","max_tokens":5,"messages":[{"role":"user","content":[{"type":"text"}]}]}"#,
            "messages[0].content[0].text",
        ),
        (
            Kind::Anthropic,
            r#"{"model":"m","max_tokens":5,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","data":""}}]}]}"#,
            "messages[0].content[0].source.media_type",
        ),
        (
            Kind::Gemini,
            r#"{"contents":[{"parts":[{"text":1}]}]}"#,
            "contents[0].parts[0].text",
        ),
        (Kind::Gemini, r#"{"contents":[]}"#, "contents"),
        (
            Kind::Gemini,
            r#"{"contents":[{"parts":[{"text":"a"}]}],
                "generationConfig":{"maxOutputTokens":1,"max_output_tokens":9}}"#,
            "generationConfig.max_output_tokens",
        ),
        (
            Kind::Gemini,
            r#"{"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"maxOutputTokens":"x"}}"#,
            "generationConfig.maxOutputTokens",
        ),
        (
            Kind::OpenAi,
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"ftp://x"}}]}]}"#,
            "messages[0].content[0].image_url.url",
        ),
        (
            Kind::OpenAi,
            r#"{"model":"m","messages":[{"role":"robot","content":"a"}]}"#,
            "messages[0].role",
        ),
    ] {
        let Err(refusal) = read(kind, body) else {
            panic!("{body} was taken");
        };
        assert_eq!(refusal.param.as_deref(), Some(param), "{body}");
        assert_eq!(refusal.kind, RefusalKind::BadInput);
        assert!(refusal.message.contains(param), "{}", refusal.message);
    }
}

/// The recipe's `curl` names no limit; the kits, which speak the whole wire format, must.
#[test]
fn anthropics_limit_is_wanted_of_those_who_speak_its_version() {
    let body = r#"{"model": "gpt-4", "messages": [{"role": "user", "content": "Say OK"}]}"#;
    let version = [("anthropic-version", "2023-06-01".to_owned())];
    let count = PathWords {
        purpose: Purpose::Count,
        ..PathWords::default()
    };
    let read =
        |headers: &[_], path: &PathWords| dialect(Kind::Anthropic).request(body, headers, path);

    let request = read(&[], &PathWords::default()).unwrap();
    assert_eq!(
        (request.output_limit, request.ask.output_limit),
        (None, 4_096)
    );
    let refusal = read(&version, &PathWords::default()).unwrap_err();
    assert_eq!(refusal.param.as_deref(), Some("max_tokens"));
    assert!(read(&version, &count).is_ok());
}

/// What is held for a picture is not enough for a text of as many bytes.
#[test]
fn only_a_picture_is_one() {
    for (kind, start, content) in [
        (
            Kind::OpenAi,
            r#""model":"m","messages":"#,
            r#"{"type":"image_url","image_url":{"url":"data:text/plain;base64,QUJD"}}"#,
        ),
        (
            Kind::OpenAiResponses,
            r#""model":"m","input":"#,
            r#"{"type":"input_image","image_url":"data:application/pdf;base64,QUJD"}"#,
        ),
        (
            Kind::Anthropic,
            r#""model":"m","max_tokens":5,"messages":"#,
            r#"{"type":"image","source":{"type":"base64","media_type":"audio/wav","data":"QUJD"}}"#,
        ),
    ] {
        let body =
            |content: &str| format!("{{{start}[{{\"role\":\"user\",\"content\":[{content}]}}]}}");
        let refused = read(kind, &body(content)).unwrap_err();
        assert_eq!(refused.kind, RefusalKind::BadInput, "{}", refused.message);
        assert!(refused.message.contains("picture"), "{}", refused.message);
        let picture = content
            .replace("text/plain", "image/png")
            .replace("application/pdf", "IMAGE/PNG")
            .replace("audio/wav", "image/png");
        assert!(read(kind, &body(&picture)).is_ok(), "{picture}");
    }
}
