//! Streams: split anywhere they say the same, and a fault never passes for an end.

use deskhand::{
    domain::{FaultClass, ProviderKind, Usage},
    engine::answer::CallPiece,
    serve::dialect::{Framing, PathWords, Refusal, RefusalKind, Stopped, dialect},
};
use proptest::{prelude::*, sample::Index};

use crate::stage::{DIALECTS, add, head, hear};

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Call(u32, String),
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let text = "[a-zé€\u{1f388}\"\\\\\n ]{1,9}".prop_map(Piece::Text);
    let call = (
        0_u32..3,
        prop_oneof![Just(""), Just("\"x\""), Just("1,"), Just("é")],
    )
        .prop_map(|(index, piece)| Piece::Call(index, piece.to_owned()));
    proptest::collection::vec(prop_oneof![3 => text, 1 => call], 1..20)
}

/// Tells the pieces; a call of a number begins in order, with its id and its name.
fn told(kind: ProviderKind, pieces: &[Piece]) -> (Vec<u8>, String, Vec<CallPiece>) {
    let mut encoder = dialect(kind).encoder(head(Framing::Events));
    let (mut out, mut text, mut calls) = (encoder.begin(), String::new(), Vec::new());
    let mut begun = 0;
    for piece in pieces {
        match piece {
            Piece::Text(piece) => {
                text.push_str(piece);
                out.extend(encoder.text(piece));
            }
            Piece::Call(index, arguments) => {
                let index = (*index).min(begun);
                let is_new = index == begun;
                begun += u32::from(is_new);
                let piece = CallPiece {
                    index,
                    id: is_new.then(|| format!("id-{index}")),
                    name: is_new.then(|| format!("tool{index}")),
                    arguments: arguments.clone(),
                };
                out.extend(encoder.call(&piece));
                calls.push(piece);
            }
        }
        if text.len().is_multiple_of(3) {
            out.extend_from_slice(encoder.comment());
        }
    }
    let stop = if begun > 0 {
        Stopped::Calls
    } else {
        Stopped::End
    };
    out.extend(encoder.end(&stop, &Usage::default()));
    (out, text, calls)
}

proptest! {
    #[test]
    fn any_split_of_a_stream_says_the_same(pieces in pieces(), at in any::<Index>(), size in 1_usize..40) {
        for kind in DIALECTS {
            let (bytes, text, pieces) = told(kind, &pieces);
            let mut calls = Vec::new();
            for piece in &pieces {
                add(&mut calls, piece);
            }

            let whole = hear(kind, true, &bytes, usize::MAX);
            let split = hear(kind, true, &bytes, size);

            prop_assert_eq!(&whole.text, &text);
            prop_assert_eq!(&split.deltas, &whole.deltas);
            prop_assert!(matches!(whole.end, Some(Ok(_))), "{:?}", whole.end);
            // Anthropic writes nothing for no arguments: there it means an object of none.
            if kind == ProviderKind::Anthropic {
                for call in calls.iter_mut().filter(|call| call.arguments.is_empty()) {
                    "{}".clone_into(&mut call.arguments);
                }
            }
            // Gemini and a whole object: what is no JSON object is none there.
            if kind != ProviderKind::Gemini {
                prop_assert!(whole.calls == calls, "{:?}", kind);
            }
            let cut = hear(kind, true, &bytes[..at.index(bytes.len())], usize::MAX);
            let is_whole = matches!(cut.end, Some(Ok(_)));
            prop_assert!(!is_whole || cut.text == text, "{:?} passed a cut off as whole", kind);
        }
    }
}

#[test]
fn a_fault_in_mid_answer_is_read_as_one() {
    for kind in DIALECTS {
        let mut encoder = dialect(kind).encoder(head(Framing::Events));
        let mut out = encoder.begin();
        out.extend(encoder.text("It is on"));
        out.extend(encoder.fault(&Refusal::new(
            RefusalKind::Overloaded,
            "anthropic stalled after 12 tokens.",
        )));

        let back = hear(kind, true, &out, usize::MAX);

        assert_eq!(back.text, "It is on", "{kind:?}");
        let Some(Err(fault)) = back.end else {
            panic!("{kind:?}: {:?}", back.end);
        };
        assert_eq!(fault.class, FaultClass::Overloaded, "{kind:?}");
        assert_eq!(
            fault.said.as_deref(),
            Some("anthropic stalled after 12 tokens.")
        );
    }
}

#[test]
fn a_stream_without_its_end_is_a_cut() {
    for kind in DIALECTS {
        let mut encoder = dialect(kind).encoder(head(Framing::Events));
        let mut out = encoder.begin();
        out.extend(encoder.text("It is on"));

        let Some(Err(fault)) = hear(kind, true, &out, usize::MAX).end else {
            panic!("{kind:?}: passed off as whole");
        };
        assert_eq!(fault.class, FaultClass::Cut, "{kind:?}");
    }
}

/// The order of events that OpenAI's kits keep count by.
#[test]
fn a_stream_of_responses_has_every_event_in_order() {
    let mut encoder = dialect(ProviderKind::OpenAiResponses).encoder(head(Framing::Events));
    let mut out = encoder.begin();
    out.extend(encoder.text("a"));
    out.extend(encoder.text("b"));
    let piece = CallPiece {
        index: 0,
        id: Some("call_9".to_owned()),
        name: Some("find".to_owned()),
        arguments: "{}".to_owned(),
    };
    out.extend(encoder.call(&piece));
    out.extend(encoder.end(&Stopped::Calls, &Usage::default()));

    let text = String::from_utf8(out).unwrap();
    let events: Vec<serde_json::Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect();

    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(names, kinds);
    assert_eq!(
        kinds,
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    let last = &events[13]["response"];
    assert_eq!(last["output"][0]["content"][0]["text"], "ab");
    assert_eq!(last["output"][1]["call_id"], "call_9");
    assert_eq!(last["output"][0]["id"], events[4]["item_id"]);
    assert_eq!(last["output"][1]["id"], events[10]["item_id"]);
}

#[test]
fn anthropics_events_come_in_its_order() {
    let mut encoder = dialect(ProviderKind::Anthropic).encoder(head(Framing::Events));
    let mut out = encoder.begin();
    out.extend(encoder.text("a"));
    out.extend(encoder.call(&CallPiece {
        index: 0,
        id: Some("call_9".to_owned()),
        name: Some("find".to_owned()),
        arguments: "{}".to_owned(),
    }));
    out.extend(encoder.end(&Stopped::Calls, &Usage::default()));

    let text = String::from_utf8(out).unwrap();
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect();
    assert_eq!(
        names,
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
}

/// Anthropic writes an empty object only in an answer of one piece.
#[test]
fn a_call_without_arguments_has_an_object_of_none() {
    let events = [
        r#"{"type":"message_start","message":{"model":"m","usage":{"input_tokens":3,"output_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"now","input":{}}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":""}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"b","name":"find","input":{}}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"n\":1}"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9,"iterations":[{"type":"message","input_tokens":3,"output_tokens":9},{"type":"compaction","input_tokens":180,"output_tokens":35}]}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    let stream: String = events.map(|event| format!("data: {event}\n\n")).concat();
    let whole = r#"{"model":"m","content":[{"type":"tool_use","id":"a","name":"now","input":{}},
        {"type":"tool_use","id":"b","name":"find","input":{"n":1}}],"stop_reason":"tool_use",
        "usage":{"input_tokens":3,"output_tokens":9}}"#;
    for (streams, body) in [(true, stream.as_str()), (false, whole)] {
        let told = hear(
            ProviderKind::Anthropic,
            streams,
            body.as_bytes(),
            usize::MAX,
        );
        let arguments: Vec<&str> = told
            .calls
            .iter()
            .map(|call| call.arguments.as_str())
            .collect();
        assert_eq!(arguments, ["{}", r#"{"n":1}"#], "{streams}");
        let usage = &told.finish().usage;
        let expected = if streams {
            (Some(183), Some(44))
        } else {
            (Some(3), Some(9))
        };
        assert_eq!((usage.tokens_in, usage.tokens_out), expected, "{streams}");
    }
}

/// Ways of telling calls that some servers have.
#[test]
fn calls_are_told_apart_whatever_their_numbers() {
    let call = |id: &str, name: &str| {
        format!(
            r#"data: {{"choices":[{{"index":0,"delta":{{"tool_calls":[{{"index":0,"id":"{id}","function":{{"name":"{name}","arguments":"{{}}"}}}}]}}}}]}}"#
        )
    };
    let end = r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let stream = format!(
        "{}\n\n{}\n\n{end}\n\ndata: [DONE]\n\n",
        call("a", "f"),
        call("b", "g")
    );
    let told = hear(
        ProviderKind::OpenAiCompatible,
        true,
        stream.as_bytes(),
        usize::MAX,
    );
    let names: Vec<&str> = told.calls.iter().map(|call| call.name.as_str()).collect();
    assert_eq!(names, ["f", "g"]);
    // It stopped, and means the calls.
    assert_eq!(told.finish().stop, deskhand::llm::wire::Stop::Calls);

    let added = r#"data: {"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","call_id":"c","name":"f","arguments":""}}"#;
    let done = r#"data: {"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","call_id":"c","name":"f","arguments":"{\"n\":1}"}}"#;
    let over = r#"data: {"type":"response.completed","response":{"status":"completed","output":[{"type":"function_call","call_id":"c","name":"f","arguments":"{\"n\":1}"}]}}"#;
    let stream = format!("{added}\n\n{done}\n\n{over}\n\n");
    let told = hear(
        ProviderKind::OpenAiResponses,
        true,
        stream.as_bytes(),
        usize::MAX,
    );
    assert_eq!(told.calls.len(), 1);
    assert_eq!(told.calls[0].arguments, r#"{"n":1}"#);
}

/// Gemini's stream without `alt=sse` is one list.
#[test]
fn a_stream_as_a_list_is_one_json_list() {
    let path = PathWords {
        model: Some("m".to_owned()),
        framing: Some(Framing::List),
        ..PathWords::default()
    };
    let body = r#"{"contents":[{"parts":[{"text":"a"}]}]}"#;
    let request = dialect(ProviderKind::Gemini)
        .request(body, &[], &path)
        .unwrap();
    let mut encoder = dialect(ProviderKind::Gemini).encoder(head(request.framing));
    let mut out = encoder.begin();
    out.extend(encoder.text("a"));
    out.extend_from_slice(encoder.comment());
    out.extend(encoder.text("b"));
    out.extend(encoder.end(&Stopped::End, &Usage::default()));

    let list: Vec<serde_json::Value> = serde_json::from_slice(&out).unwrap();
    assert_eq!(list.len(), 3);
    assert_eq!(
        hear(ProviderKind::Gemini, false, &out, usize::MAX).text,
        "ab"
    );
}
