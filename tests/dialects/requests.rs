//! One conversation, asked in each wire format and spelled in each.

use deskhand::{
    domain::ProviderKind,
    engine::ask::{
        Ask, Part, Role, Turn,
        json::Json,
        tools::{Image, Tool, ToolCall, ToolChoice, ToolResult},
        wishes::{Format, Wishes},
    },
};
use serde_json::{Value, json};

use crate::stage::{DIALECTS, bytes, link, read, spelled};

const SCHEMA: &str = r#"{"type":"object","properties":{"why":{"type":"string"},"answer":{"type":"string"}},"required":["why","answer"],"additionalProperties":false}"#;
const TOOL: &str =
    r#"{"type":"object","properties":{"order":{"type":"integer"}},"required":["order"]}"#;

/// The conversation, in the words of each wire format.
fn asked(kind: ProviderKind) -> String {
    let text = match kind {
        ProviderKind::OpenAi | ProviderKind::OpenAiCompatible => {
            r#"{"model":"asked","max_completion_tokens":300,"temperature":0.5,"top_p":0.9,"stop":["END","HALT"],
            "tools":[{"type":"function","function":{"name":"find","description":"Finds an order.","parameters":TOOL}}],
            "tool_choice":"required","parallel_tool_calls":false,
            "response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":SCHEMA}},
            "messages":[{"role":"system","content":"Be brief."},
              {"role":"user","content":[{"type":"text","text":"Look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}}]},
              {"role":"assistant","content":"I look.","tool_calls":[{"id":"call_a","type":"function","function":{"name":"find","arguments":"{\"order\":7}"}}]},
              {"role":"tool","tool_call_id":"call_a","content":"shipped"},
              {"role":"user","content":"And now?"}]}"#
        }
        ProviderKind::OpenAiResponses => {
            r#"{"model":"asked","max_output_tokens":300,"temperature":0.5,"top_p":0.9,"instructions":"Be brief.",
            "tools":[{"type":"function","name":"find","description":"Finds an order.","parameters":TOOL}],
            "tool_choice":"required","parallel_tool_calls":false,
            "text":{"format":{"type":"json_schema","name":"answer","schema":SCHEMA}},
            "input":[{"role":"user","content":[{"type":"input_text","text":"Look"},{"type":"input_image","image_url":"data:image/png;base64,QUJD"}]},
              {"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"sealed"},
              {"type":"message","role":"assistant","content":[{"type":"output_text","text":"I look.","annotations":[]}]},
              {"type":"function_call","call_id":"call_a","name":"find","arguments":"{\"order\":7}"},
              {"type":"function_call_output","call_id":"call_a","output":"shipped"},
              {"role":"user","content":"And now?"}]}"#
        }
        ProviderKind::Anthropic => {
            r#"{"model":"asked","max_tokens":300,"temperature":0.5,"top_p":0.9,"stop_sequences":["END","HALT"],
            "system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],
            "tools":[{"name":"find","description":"Finds an order.","input_schema":TOOL}],
            "tool_choice":{"type":"any","disable_parallel_tool_use":true},
            "output_config":{"format":{"type":"json_schema","schema":SCHEMA}},
            "messages":[{"role":"user","content":[{"type":"text","text":"Look"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"}}]},
              {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"sealed"},{"type":"text","text":"I look."},{"type":"tool_use","id":"call_a","name":"find","input":{"order":7}}]},
              {"role":"user","content":[{"type":"tool_result","tool_use_id":"call_a","content":[{"type":"text","text":"shipped"}]}]},
              {"role":"user","content":"And now?"}]}"#
        }
        ProviderKind::Gemini => {
            r#"{"systemInstruction":{"parts":[{"text":"Be brief."}]},
            "generationConfig":{"maxOutputTokens":300,"temperature":0.5,"topP":0.9,"stopSequences":["END","HALT"],
              "responseMimeType":"application/json","responseJsonSchema":SCHEMA},
            "tools":[{"functionDeclarations":[{"name":"find","description":"Finds an order.","parametersJsonSchema":TOOL}]}],
            "toolConfig":{"functionCallingConfig":{"mode":"ANY"}},
            "contents":[{"role":"user","parts":[{"text":"Look"},{"inlineData":{"mimeType":"image/png","data":"QUJD"}}]},
              {"role":"model","parts":[{"text":"hm","thought":true},{"text":"I look."},{"functionCall":{"id":"call_a","name":"find","args":{"order":7}},"thoughtSignature":"c2VhbGVk"}]},
              {"role":"user","parts":[{"functionResponse":{"id":"call_a","name":"find","response":{"output":"shipped"}}}]},
              {"role":"user","parts":[{"text":"And now?"}]}]}"#
        }
    };
    text.replace("TOOL", TOOL).replace("SCHEMA", SCHEMA)
}

/// The conversation in no provider's words, as far as a caller of this wire format can say it.
fn meant(kind: ProviderKind) -> Ask {
    let stop = match kind {
        // There are no stop sequences in Responses.
        ProviderKind::OpenAiResponses => Vec::new(),
        _ => vec!["END".to_owned(), "HALT".to_owned()],
    };
    let names_schemas = matches!(kind, ProviderKind::OpenAi | ProviderKind::OpenAiResponses);
    let call = Part::Call(ToolCall {
        id: "call_a".to_owned(),
        name: "find".to_owned(),
        arguments: r#"{"order":7}"#.to_owned(),
    });
    let result = Part::Result(ToolResult {
        id: "call_a".to_owned(),
        name: "find".to_owned(),
        text: "shipped".to_owned(),
        images: Vec::new(),
        is_error: false,
    });
    let image = Part::Image(Image::Inline {
        media_type: "image/png".to_owned(),
        data: "QUJD".to_owned(),
    });
    let text = |text: &str| Part::Text(text.to_owned());
    let turn = |role, parts| Turn { role, parts };
    Ask {
        system: "Be brief.".to_owned(),
        turns: vec![
            turn(Role::User, vec![text("Look"), image]),
            turn(Role::Assistant, vec![text("I look."), call]),
            turn(Role::User, vec![result]),
            turn(Role::User, vec![text("And now?")]),
        ],
        output_limit: 300,
        wishes: Wishes {
            tools: vec![Tool {
                name: "find".to_owned(),
                description: "Finds an order.".to_owned(),
                schema: Json::read(TOOL).unwrap(),
                strict: None,
            }],
            tool_choice: ToolChoice::Any,
            parallel_tools: (kind != ProviderKind::Gemini).then_some(false),
            stop,
            temperature: Some(serde_json::Number::from_f64(0.5).unwrap()),
            top_p: Some(serde_json::Number::from_f64(0.9).unwrap()),
            format: Format::Schema {
                name: if names_schemas { "answer" } else { "" }.to_owned(),
                schema: Json::read(SCHEMA).unwrap(),
                strict: None,
            },
            wordless: false,
        },
        raw: None,
    }
}

/// What the conversation is to each wire format when everything was said.
fn expected(kind: ProviderKind, stream: bool) -> Value {
    let tool: Value = serde_json::from_str(TOOL).unwrap();
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    match kind {
        ProviderKind::OpenAi | ProviderKind::OpenAiCompatible => json!({
            "model": "the-model", "stream": stream, "temperature": 0.5, "top_p": 0.9,
            "stop": ["END", "HALT"], "tool_choice": "required", "parallel_tool_calls": false,
            "tools": [{"type": "function", "function":
                {"name": "find", "description": "Finds an order.", "parameters": tool}}],
            "response_format": {"type": "json_schema",
                "json_schema": {"name": "answer", "schema": schema}},
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "Look"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}]},
                {"role": "assistant", "content": "I look.", "tool_calls": [{"id": "call_a",
                    "type": "function",
                    "function": {"name": "find", "arguments": "{\"order\":7}"}}]},
                {"role": "tool", "tool_call_id": "call_a", "content": "shipped"},
                {"role": "user", "content": "And now?"}]
        }),
        ProviderKind::OpenAiResponses => json!({
            "model": "the-model", "stream": stream, "store": false, "max_output_tokens": 300,
            "temperature": 0.5, "top_p": 0.9, "instructions": "Be brief.",
            "tool_choice": "required", "parallel_tool_calls": false,
            "tools": [{"type": "function", "name": "find", "description": "Finds an order.",
                "parameters": tool, "strict": false}],
            "text": {"format": {"type": "json_schema", "name": "answer", "schema": schema,
                "strict": false}},
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "Look"},
                    {"type": "input_image", "image_url": "data:image/png;base64,QUJD"}]},
                {"role": "assistant", "content": "I look."},
                {"type": "function_call", "call_id": "call_a", "name": "find",
                    "arguments": "{\"order\":7}"},
                {"type": "function_call_output", "call_id": "call_a", "output": "shipped"},
                {"role": "user", "content": "And now?"}]
        }),
        ProviderKind::Anthropic => json!({
            "model": "the-model", "stream": stream, "max_tokens": 300, "temperature": 0.5,
            "top_p": 0.9, "stop_sequences": ["END", "HALT"], "system": "Be brief.",
            "tools": [{"name": "find", "description": "Finds an order.", "input_schema": tool}],
            "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
            "output_config": {"format": {"type": "json_schema", "schema": schema}},
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}}]},
                {"role": "assistant", "content": [{"type": "text", "text": "I look."},
                    {"type": "tool_use", "id": "call_a", "name": "find",
                        "input": {"order": 7}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_a",
                    "content": "shipped"}]},
                {"role": "user", "content": "And now?"}]
        }),
        ProviderKind::Gemini => json!({
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "generationConfig": {"maxOutputTokens": 300, "temperature": 0.5, "topP": 0.9,
                "stopSequences": ["END", "HALT"], "responseMimeType": "application/json",
                "responseJsonSchema": schema},
            "tools": [{"functionDeclarations": [{"name": "find",
                "description": "Finds an order.", "parametersJsonSchema": tool}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
            "contents": [
                {"role": "user", "parts": [{"text": "Look"},
                    {"inlineData": {"mimeType": "image/png", "data": "QUJD"}}]},
                {"role": "model", "parts": [{"text": "I look."},
                    {"functionCall": {"name": "find", "args": {"order": 7}}}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "find",
                    "response": {"output": "shipped"}}}]},
                {"role": "user", "parts": [{"text": "And now?"}]}]
        }),
    }
}

/// Takes away what a caller of one wire format has no way to say.
fn as_far_as(said_in: ProviderKind, mut body: Value) -> Value {
    let object = body.as_object_mut().unwrap();
    if said_in == ProviderKind::OpenAiResponses {
        object.remove("stop");
        object.remove("stop_sequences");
        if let Some(config) = object.get_mut("generationConfig") {
            config.as_object_mut().unwrap().remove("stopSequences");
        }
    }
    if said_in == ProviderKind::Gemini {
        object.remove("parallel_tool_calls");
        if let Some(choice) = object.get_mut("tool_choice").and_then(Value::as_object_mut) {
            choice.remove("disable_parallel_tool_use");
        }
    }
    body
}

#[test]
fn every_wire_format_says_the_same() {
    for kind in DIALECTS {
        let request = read(kind, &asked(kind)).unwrap();

        assert_eq!(request.model, "asked");
        let ask = Ask {
            raw: None,
            ..request.ask
        };
        assert!(
            ask.wishes == meant(kind).wishes,
            "{kind:?}: {:?}",
            ask.wishes
        );
        assert_eq!(ask.turns, meant(kind).turns, "{kind:?}");
        assert!(ask == meant(kind), "{kind:?}");
    }
}

#[test]
fn what_is_said_in_one_wire_format_is_spelled_in_every_other() {
    let limits = ["max_completion_tokens", "max_tokens"];
    for (kind, stream) in DIALECTS
        .into_iter()
        .flat_map(|kind| [(kind, true), (kind, false)])
    {
        let request = read(kind, &asked(kind)).unwrap();
        for to in crate::stage::WIRES {
            let mut wanted = as_far_as(kind, expected(to, stream));
            if matches!(to, ProviderKind::OpenAi | ProviderKind::OpenAiCompatible) {
                let by_openai = to == ProviderKind::OpenAi;
                wanted[limits[usize::from(!by_openai)]] = 300.into();
                if by_openai {
                    wanted["store"] = false.into();
                }
                if stream {
                    wanted["stream_options"] = json!({"include_usage": true});
                }
            }
            if to == ProviderKind::Gemini {
                // The model and the stream are in its path.
                wanted.as_object_mut().unwrap().remove("stream");
            }
            if to == ProviderKind::OpenAiResponses {
                wanted.as_object_mut().unwrap().remove("stop");
            }

            let body = spelled(&request.ask, &link(to, stream));

            assert_eq!(body, wanted, "{kind:?} to {to:?}");
        }
    }
}

/// The order of a schema is what a model writes by.
#[test]
fn the_members_of_a_schema_keep_their_order() {
    for kind in DIALECTS {
        let request = read(kind, &asked(kind)).unwrap();
        for to in crate::stage::WIRES {
            let ask = Ask {
                raw: None,
                ..request.ask.clone()
            };
            let body = bytes(&ask, &link(to, false));
            assert!(body.contains(SCHEMA), "{kind:?} to {to:?}: {body}");
        }
    }
}

#[test]
fn a_picture_at_an_address_and_a_failure_reach_every_model() {
    let address = "https://b.example/p.PNG?x=1";
    let chat = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"{address}"}}}}]}}]}}"#
    );
    let anthropic = r#"{"model":"m","messages":[
        {"role":"user","content":"a"},
        {"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},
        {"role":"user","content":[{"type":"text","text":"So?"},
            {"type":"tool_result","tool_use_id":"t","is_error":true,"content":"no such order"}]}]}"#;
    let picture = read(ProviderKind::OpenAi, &chat).unwrap().ask;
    let failure = read(ProviderKind::Anthropic, anthropic).unwrap().ask;

    for (to, place, wanted) in [
        (
            ProviderKind::OpenAi,
            "/messages/0/content/0/image_url/url",
            json!(address),
        ),
        (
            ProviderKind::OpenAiResponses,
            "/input/0/content/0/image_url",
            json!(address),
        ),
        (
            ProviderKind::Anthropic,
            "/messages/0/content/0/source",
            json!({"type": "url", "url": address}),
        ),
        (
            ProviderKind::Gemini,
            "/contents/0/parts/0/fileData",
            json!({"mimeType": "image/png", "fileUri": address}),
        ),
    ] {
        let body = spelled(&picture, &link(to, false));
        assert_eq!(body.pointer(place), Some(&wanted), "{to:?}: {body}");
    }
    for (to, place, wanted) in [
        (
            ProviderKind::OpenAi,
            "/messages/2",
            json!({"role": "tool", "tool_call_id": "t", "content": "Error: no such order"}),
        ),
        (
            ProviderKind::OpenAiResponses,
            "/input/2",
            json!({"type": "function_call_output", "call_id": "t",
                "output": "Error: no such order"}),
        ),
        (
            ProviderKind::Anthropic,
            "/messages/2/content/0",
            json!({"type": "tool_result", "tool_use_id": "t", "content": "no such order",
                "is_error": true}),
        ),
        (
            ProviderKind::Gemini,
            "/contents/2/parts/0/functionResponse",
            json!({"name": "f", "response": {"error": "no such order"}}),
        ),
    ] {
        let body = spelled(&failure, &link(to, false));
        assert_eq!(body.pointer(place), Some(&wanted), "{to:?}: {body}");
    }
}

#[test]
fn ids_are_kept_where_they_can_be_and_made_again_where_not() {
    let long = "x".repeat(50);
    let chat = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"a"}},
        {{"role":"assistant","tool_calls":[{{"id":"functions.f:0","type":"function","function":{{"name":"f","arguments":"{{}}"}}}},
            {{"id":"{long}","type":"function","function":{{"name":"g","arguments":"{{}}"}}}}]}},
        {{"role":"tool","tool_call_id":"{long}","content":"2"}},
        {{"role":"tool","tool_call_id":"functions.f:0","content":"1"}}]}}"#
    );
    let ask = read(ProviderKind::OpenAi, &chat).unwrap().ask;
    let places = |body: Value, places: [&str; 4]| {
        places.map(|place| body.pointer(place).unwrap().as_str().unwrap().to_owned())
    };

    let claude = places(
        spelled(&ask, &link(ProviderKind::Anthropic, false)),
        [
            "/messages/1/content/0/id",
            "/messages/1/content/1/id",
            "/messages/2/content/0/tool_use_id",
            "/messages/2/content/1/tool_use_id",
        ],
    );
    assert_eq!(claude, ["call_0", &long, &long, "call_0"]);
    let openai = places(
        spelled(&ask, &link(ProviderKind::OpenAi, false)),
        [
            "/messages/1/tool_calls/0/id",
            "/messages/1/tool_calls/1/id",
            "/messages/2/tool_call_id",
            "/messages/3/tool_call_id",
        ],
    );
    assert_eq!(
        openai,
        ["functions.f:0", "call_1", "call_1", "functions.f:0"]
    );
}

/// Gemini's own callers write no ids: the order of the calls counts.
#[test]
fn calls_without_ids_find_their_results() {
    let gemini = r#"{"contents":[{"role":"user","parts":[{"text":"a"}]},
        {"role":"model","parts":[{"functionCall":{"name":"f","args":{"n":1}}},{"functionCall":{"name":"f","args":{"n":2}}}]},
        {"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"1"}}},
            {"functionResponse":{"name":"f","response":{"sum":2}}}]}]}"#;
    let ask = read(ProviderKind::Gemini, gemini).unwrap().ask;

    let body = spelled(&ask, &link(ProviderKind::OpenAi, false));

    let calls = body["messages"][1]["tool_calls"].as_array().unwrap();
    let ids: Vec<&Value> = calls.iter().map(|call| &call["id"]).collect();
    assert_eq!(ids, [&json!("call_0"), &json!("call_1")]);
    assert_eq!(
        body["messages"][2],
        json!({"role": "tool", "tool_call_id": "call_0", "content": "1"})
    );
    assert_eq!(
        body["messages"][3],
        json!({"role": "tool", "tool_call_id": "call_1", "content": "{\"sum\":2}"})
    );
}

#[test]
fn a_document_of_plain_text_is_said_with_its_title_and_context() {
    let messages = r#"{"model":"m","max_tokens":5,"messages":[{"role":"user","content":[
        {"type":"document","title":"Terms","context":"Of 2026.","citations":{"enabled":false},
         "source":{"type":"text","media_type":"text/plain","data":"We ship."}}]}]}"#;
    let request = read(ProviderKind::Anthropic, messages).unwrap();

    let body = spelled(&request.ask, &link(ProviderKind::OpenAi, false));

    assert_eq!(request.bound, []);
    let said = &body["messages"][0]["content"];
    assert_eq!(said, "Terms\n\nOf 2026.\n\nWe ship.");
}

#[test]
fn gemini_3_is_told_that_the_thoughts_were_anothers() {
    let ask = read(ProviderKind::Anthropic, &asked(ProviderKind::Anthropic))
        .unwrap()
        .ask;
    let mut to = link(ProviderKind::Gemini, false);
    let signature =
        |to: &_| spelled(&ask, to)["contents"][1]["parts"][1]["thoughtSignature"].clone();

    assert_eq!(signature(&to), Value::Null);
    to.model.0 = "gemini-3-flash-preview".to_owned();
    assert_eq!(signature(&to), "skip_thought_signature_validator");
    to.model.0 = "models/gemini-2.5-flash".to_owned();
    assert_eq!(signature(&to), Value::Null);
}

#[test]
fn a_temperature_that_anthropic_does_not_know_is_its_highest() {
    for (asked, spelled_as) in [("1.7", json!(1)), ("1", json!(1)), ("0.3", json!(0.3))] {
        let chat = format!(
            r#"{{"model":"m","temperature":{asked},"messages":[{{"role":"user","content":"a"}}]}}"#
        );
        let ask = read(ProviderKind::OpenAi, &chat).unwrap().ask;

        let body = spelled(&ask, &link(ProviderKind::Anthropic, false));

        assert_eq!(body["temperature"], spelled_as);
    }
}
