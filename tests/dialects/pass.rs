//! A caller's own words, at a model that speaks its wire format: the same bytes, but for what must
//! differ.

use deskhand::{
    domain::{FaultClass, ProviderKind},
    engine::{answer::Verbatim, ask::Ask},
    llm::{
        self,
        sse::{Event, Frame, Parser},
    },
    serve::dialect::{Framing, PathWords, dialect},
};
use secrecy::ExposeSecret as _;

use crate::{
    corpus::recorded,
    stage::{DIALECTS, bytes, head, hear, link, read},
};

/// The request as the caller wrote it, unknown members and odd spacing included, and what a link
/// gets of it.
#[test]
fn only_what_must_differ_differs() {
    let chat = "{ \"model\":\"asked\",\n\"messages\":[{\"role\":\"user\",\"content\":\"a\",\"x\":1.50}], \"max_tokens\": 9,\"seed\":7 ,\"brand_new\":{\"b\":[1,  2]}, \"stream\" :false,\"store\":true}";
    for (kind, to, asked, wanted) in [
        (
            ProviderKind::OpenAi,
            ProviderKind::OpenAi,
            chat.to_owned(),
            chat.replace("asked", "the-model"),
        ),
        (
            ProviderKind::OpenAi,
            ProviderKind::OpenAiCompatible,
            chat.to_owned(),
            chat.replace("asked", "the-model"),
        ),
        (
            ProviderKind::OpenAiResponses,
            ProviderKind::OpenAiResponses,
            "{\"input\":\"a\",  \"model\":\"asked\",\"max_output_tokens\":9,\"include\":[\"reasoning.encrypted_content\"],\"store\":false}".to_owned(),
            "{\"input\":\"a\",  \"model\":\"the-model\",\"max_output_tokens\":9,\"include\":[\"reasoning.encrypted_content\"],\"store\":false}".to_owned(),
        ),
        (
            ProviderKind::Anthropic,
            ProviderKind::Anthropic,
            "{\"model\":\"asked\",\"max_tokens\":9,\"top_k\":3,\"thinking\":{\"type\":\"adaptive\"},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{\"type\":\"ephemeral\"}}]}]}".to_owned(),
            "{\"model\":\"the-model\",\"max_tokens\":9,\"top_k\":3,\"thinking\":{\"type\":\"adaptive\"},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{\"type\":\"ephemeral\"}}]}]}".to_owned(),
        ),
        (
            ProviderKind::Gemini,
            ProviderKind::Gemini,
            "{\"contents\": [{\"parts\":[{\"text\":\"a\"}]}], \"safetySettings\":[],\"generation_config\":{\"max_output_tokens\":9, \"topK\":4}}".to_owned(),
            "{\"contents\": [{\"parts\":[{\"text\":\"a\"}]}], \"safetySettings\":[],\"generation_config\":{\"max_output_tokens\":9, \"topK\":4}}".to_owned(),
        ),
    ] {
        let request = read(kind, &asked).unwrap();

        assert_eq!(bytes(&request.ask, &link(to, false)), wanted, "{kind:?} to {to:?}");
    }
}

#[test]
fn what_the_link_and_the_cap_need_is_put() {
    let chat = r#"{"model":"asked","max_tokens":900,"messages":[{"role":"user","content":"a"}],"provider":{"fallback":["b/c"]},"models":["x"],"stream":true,"stream_options":{"x":1}}"#;
    let request = read(ProviderKind::OpenAi, chat).unwrap();
    let lowered = Ask {
        output_limit: 300,
        ..request.ask
    };

    assert_eq!(
        bytes(&lowered, &link(ProviderKind::OpenAi, true)),
        r#"{"model":"the-model","max_tokens":300,"messages":[{"role":"user","content":"a"}],"stream":true,"stream_options":{"x":1,"include_usage":true},"store":false}"#
    );
    let gemini = r#"{"contents":[{"parts":[{"text":"a"}]}]}"#;
    let request = read(ProviderKind::Gemini, gemini).unwrap();
    assert_eq!(
        bytes(&request.ask, &link(ProviderKind::Gemini, true)),
        r#"{"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"maxOutputTokens":4096}}"#
    );
    let claude = r#"{"model":"gpt-4","messages":[{"role":"user","content":"a"}]}"#;
    let request = read(ProviderKind::Anthropic, claude).unwrap();
    assert_eq!(
        bytes(&request.ask, &link(ProviderKind::Anthropic, false)),
        r#"{"model":"the-model","messages":[{"role":"user","content":"a"}],"max_tokens":4096}"#
    );
}

/// Messages refuses a thinking budget that is not below the output limit.
#[test]
fn a_lowered_limit_lowers_what_the_model_may_think() {
    let asked = |budget: u32, kind: &str| {
        format!(
            r#"{{"model":"the-model","thinking":{{"type":"{kind}", "budget_tokens":{budget}}},"messages":[{{"role":"user","content":"a"}}],"max_tokens":4000}}"#
        )
    };
    let spelled = |body: &str, output_limit: u32| {
        let request = read(ProviderKind::Anthropic, body).unwrap();
        let lowered = Ask {
            output_limit,
            ..request.ask
        };
        bytes(&lowered, &link(ProviderKind::Anthropic, false))
    };
    let put = |body: &str, limit: u32, budget: u32, to: u32| {
        let body = body.replace("4000", &limit.to_string());
        body.replace(&format!(":{budget}}}"), &format!(":{to}}}"))
    };
    let ours = asked(3_000, "enabled");

    assert_eq!(spelled(&ours, 4_000), ours, "nothing is lowered");
    assert_eq!(spelled(&ours, 3_001), put(&ours, 3_001, 3_000, 3_000));
    assert_eq!(spelled(&ours, 2_000), put(&ours, 2_000, 3_000, 1_744));
    assert_eq!(spelled(&ours, 1_100), put(&ours, 1_100, 3_000, 1_024));
    let wrong = asked(5_000, "enabled");
    assert_eq!(spelled(&wrong, 2_000), put(&wrong, 2_000, 5_000, 5_000));
    let off = asked(3_000, "disabled");
    assert_eq!(spelled(&off, 2_000), put(&off, 2_000, 3_000, 3_000));
}

/// Some compatible servers know one name of the limit only.
#[test]
fn a_name_that_the_link_does_not_take_becomes_the_other() {
    let chat = r#"{"model":"the-model","max_completion_tokens":900,"messages":[{"role":"user","content":"a"}],"stream":true,"stream_options":{"include_usage":true}}"#;
    let request = read(ProviderKind::OpenAi, chat).unwrap();
    let mut to = link(ProviderKind::OpenAiCompatible, true);
    to.manner.habits.without = &["stream_options", "max_completion_tokens"];

    assert_eq!(
        bytes(&request.ask, &to),
        r#"{"model":"the-model","messages":[{"role":"user","content":"a"}],"stream":true,"max_tokens":900}"#
    );
}

/// Nothing is said by a member that is null.
#[test]
fn a_limit_that_is_null_is_not_said_twice() {
    let chat = r#"{"model":"the-model","max_tokens":null,"store":null,"messages":[{"role":"user","content":"a"}]}"#;
    let request = read(ProviderKind::OpenAi, chat).unwrap();
    let sent = bytes(&request.ask, &link(ProviderKind::OpenAi, false));
    let sent: serde_json::Value = serde_json::from_str(&sent).unwrap();
    assert!(sent["max_tokens"].is_null(), "{sent}");
    assert!(sent["max_completion_tokens"].is_u64(), "{sent}");
    assert_eq!(sent["store"], false, "{sent}");
}

/// Google's JSON knows each member by two names; a null in the one says nothing beside the other.
#[test]
fn a_limit_beside_a_null_in_the_other_spelling_is_said_once() {
    let start = r#""contents":[{"parts":[{"text":"a"}]}]"#;
    for (members, wanted) in [
        (
            r#""generationConfig":{"maxOutputTokens":null,"max_output_tokens":9}"#,
            r#""generationConfig":{"max_output_tokens":9}"#,
        ),
        (
            r#""generationConfig":{"max_output_tokens":null,"maxOutputTokens":9000}"#,
            r#""generationConfig":{"maxOutputTokens":9000}"#,
        ),
        (
            r#""generationConfig":null,"generation_config":{"maxOutputTokens":9}"#,
            r#""generation_config":{"maxOutputTokens":9}"#,
        ),
        (
            r#""generation_config":{"maxOutputTokens":9},"generationConfig":null"#,
            r#""generation_config":{"maxOutputTokens":9}"#,
        ),
        (
            r#""generation_config":null"#,
            r#""generation_config":{"maxOutputTokens":4096}"#,
        ),
        (
            r#""generation_config":null,"generationConfig":null"#,
            r#""generationConfig":{"maxOutputTokens":4096}"#,
        ),
    ] {
        let asked = format!("{{{start},{members}}}");
        let request = read(ProviderKind::Gemini, &asked).unwrap();
        let sent = bytes(&request.ask, &link(ProviderKind::Gemini, false));
        assert_eq!(sent, format!("{{{start},{wanted}}}"), "{members}");
    }
}

/// The caller's kit takes an end mark for an end: behind a cut there must be none.
#[test]
fn the_end_mark_of_a_cut_is_not_passed_on() {
    let words = r#"data: {"choices":[{"index":0,"delta":{"content":"It is"}}]}"#;
    let begun =
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"m\"}}";
    for (kind, stream) in [
        (ProviderKind::OpenAi, format!("{words}\n\ndata: [DONE]\n\n")),
        (
            ProviderKind::Anthropic,
            format!("{begun}\n\nevent: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n"),
        ),
    ] {
        let told = hear(kind, true, stream.as_bytes(), usize::MAX);

        assert!(matches!(&told.end, Some(Err(fault)) if fault.class == FaultClass::Cut));
        assert_eq!(told.verbatim.len(), 1, "{kind:?}: {:?}", told.verbatim);
    }
    let refused = r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"content_filter"}]}"#;
    let stream = format!("{words}\n\n{refused}\n\ndata: [DONE]\n\n");
    let told = hear(ProviderKind::OpenAi, true, stream.as_bytes(), usize::MAX);
    assert!(matches!(&told.end, Some(Err(fault)) if fault.class == FaultClass::Refused));
    assert_eq!(told.verbatim.len(), 3);
}

/// A `provider` without deskhand's members is the provider's own business.
#[test]
fn a_provider_member_of_others_goes_on() {
    let chat = r#"{"model":"the-model","max_tokens":4,"messages":[{"role":"user","content":"a"}],"provider":{"order":["x"]}}"#;
    let request = read(ProviderKind::OpenAi, chat).unwrap();

    assert_eq!(
        bytes(&request.ask, &link(ProviderKind::OpenAiCompatible, false)),
        chat
    );
}

#[test]
fn the_headers_of_a_caller_are_its_own() {
    let body = r#"{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"a"}]}"#;
    let headers = [
        ("anthropic-version", "2023-01-01".to_owned()),
        ("anthropic-beta", "new-2026".to_owned()),
    ];
    let claude = dialect(ProviderKind::Anthropic);
    assert_eq!(claude.headers(), headers.each_ref().map(|(name, _)| *name));
    let request = claude
        .request(body, &headers, &PathWords::default())
        .unwrap();
    let headers_to = |kind: ProviderKind| {
        let call = llm::wire(kind).call(&request.ask, &link(kind, false));
        let headers = call
            .headers
            .iter()
            .filter(|(name, _)| name.starts_with("anthropic"));
        headers
            .map(|(name, value)| format!("{name}: {}", value.expose_secret()))
            .collect::<Vec<_>>()
    };

    assert_eq!(
        headers_to(ProviderKind::Anthropic),
        ["anthropic-version: 2023-01-01", "anthropic-beta: new-2026"]
    );
    assert_eq!(headers_to(ProviderKind::OpenAi), [""; 0]);
}

fn events(bytes: &[u8]) -> Vec<Event> {
    let mut parser = Parser::default();
    let mut frames = parser.push(bytes).unwrap();
    frames.extend(parser.finish().map(Frame::Event));
    let events = frames.into_iter().filter_map(|frame| match frame {
        Frame::Event(event) => Some(event),
        Frame::Comment => None,
    });
    events.collect()
}

/// What a provider wrote is what its own caller reads: every event of a stream, every byte of a
/// body.
#[test]
fn every_recorded_answer_is_passed_on_as_it_was_written() {
    let answers = recorded();
    let mut passed = 0;
    for answer in &answers {
        let given = hear(answer.kind, answer.is_stream, &answer.body, 7);
        if !matches!(given.end, Some(Ok(_))) {
            continue;
        }
        let mut encoder = dialect(answer.kind).encoder(head(Framing::Events));
        let mut out = Vec::new();
        for event in &given.verbatim {
            out.extend(encoder.verbatim(event));
        }
        out.extend(encoder.passed_on());
        match given.verbatim.first() {
            Some(Verbatim::Body(_)) => assert_eq!(out, answer.body, "{}", answer.id),
            _ => assert_eq!(events(&out), events(&answer.body), "{}", answer.id),
        }
        passed += 1;
    }
    assert!(answers.is_empty() || passed > 150, "{passed}");
}

/// Nothing is kept of what was written where the wire formats differ.
#[test]
fn a_body_goes_to_its_own_family_alone() {
    for kind in DIALECTS {
        let body = match kind {
            ProviderKind::Gemini => r#"{"contents":[{"parts":[{"text":"a"}]}],"odd":1}"#,
            ProviderKind::OpenAiResponses => r#"{"model":"m","input":"a","odd":1}"#,
            _ => r#"{"model":"m","messages":[{"role":"user","content":"a"}],"odd":1}"#,
        };
        let request = read(kind, body).unwrap();
        for to in DIALECTS {
            let is_there = bytes(&request.ask, &link(to, false)).contains("odd");
            assert_eq!(is_there, kind == to, "{kind:?} to {to:?}");
        }
    }
}
