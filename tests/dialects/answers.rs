//! Answers of every provider, told in every caller's words and read back by that wire format's own
//! reader: the text, the calls, the stop and the counts are the same.

use deskhand::{
    domain::{ProviderKind, Usage, usage::Counting},
    engine::ask::tools::ToolCall,
    llm::wire::{Finish, Stop},
    serve::dialect::{Answer, Framing, Stopped, dialect},
};
use serde_json::Value;

use crate::{
    corpus::{Recorded, recorded},
    stage::{DIALECTS, Told, head, hear, sides, streamed},
};

/// Calls by what they mean: members in any order, no arguments as an empty object.
fn meaning(calls: &[ToolCall]) -> Vec<(String, String, Value)> {
    let calls = calls.iter();
    let told = calls.map(|call| {
        let read: Option<Value> = serde_json::from_str(&call.arguments).ok();
        let arguments = read
            .filter(Value::is_object)
            .unwrap_or(Value::Object(serde_json::Map::new()));
        (call.id.clone(), call.name.clone(), arguments)
    });
    told.collect()
}

/// What of a stop a wire format can say.
fn stop_in(kind: ProviderKind, stop: Stop, has_calls: bool) -> Stop {
    match (stop, kind) {
        (Stop::Limit, _) => Stop::Limit,
        (Stop::Sequence, ProviderKind::Anthropic) => Stop::Sequence,
        (Stop::Calls, ProviderKind::Anthropic | ProviderKind::OpenAi) => Stop::Calls,
        // It has a word for each: recordings of several turns end without calls.
        (Stop::End, ProviderKind::Anthropic) => Stop::End,
        (Stop::End | Stop::Sequence | Stop::Calls, _) if has_calls => Stop::Calls,
        (Stop::End | Stop::Sequence | Stop::Calls, _) => Stop::End,
    }
}

fn wrongs(what: &str, kind: ProviderKind, given: &Told, back: &Told) -> Vec<String> {
    let mut wrongs = Vec::new();
    let mut differ = |name: &str, is_same: bool| {
        if !is_same {
            wrongs.push(format!("{what}: {name} differs, told to {kind:?}"));
        }
    };
    let finish = given.finish();
    let Some(Ok(again)) = &back.end else {
        return vec![format!("{what} told to {kind:?}: {:?}", back.end)];
    };
    let has_calls = !given.calls.is_empty();
    differ("the text", back.text == given.text);
    differ("a call", meaning(&back.calls) == meaning(&given.calls));
    differ(
        "the stop",
        again.stop == stop_in(kind, finish.stop, has_calls),
    );
    if kind == ProviderKind::Anthropic {
        differ("the stop sequence", again.sequence == finish.sequence);
    }
    let (wanted, got) = (counts(kind, finish), counts(kind, again));
    differ("a count", wanted.is_none() || wanted == got);
    wrongs
}

/// All counts that a wire format tells, once both sides are known.
fn counts(kind: ProviderKind, finish: &Finish) -> Option<(u64, u64, Option<u64>, Option<u64>)> {
    let usage = &finish.usage;
    let (all_in, all_out) = sides(usage)?;
    // Anthropic says nothing of thinking where none was counted.
    let thinking = usage
        .tokens_thinking
        .filter(|_| kind != ProviderKind::Anthropic);
    Some((all_in, all_out, usage.tokens_cached, thinking))
}

fn check(recorded: &Recorded) -> Vec<String> {
    let given = hear(
        recorded.kind,
        recorded.is_stream,
        &recorded.body,
        usize::MAX,
    );
    // Answers without words and calls of the caller's own are empty here.
    if !matches!(given.end, Some(Ok(_))) {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    for kind in DIALECTS {
        let stream = streamed(kind, &given);
        for piece in [usize::MAX, 7] {
            let back = hear(kind, true, &stream, piece);
            let what = format!("{} as a stream", recorded.id);
            wrong.extend(wrongs(&what, kind, &given, &back));
        }
        let body = dialect(kind).whole(&head(Framing::Whole), &given.answer());
        let back = hear(kind, false, &body, usize::MAX);
        let what = format!("{} in one piece", recorded.id);
        wrong.extend(wrongs(&what, kind, &given, &back));
    }
    wrong
}

#[test]
fn every_recorded_answer_is_told_in_every_wire_format() {
    let (mut wrong, mut with_calls, mut all) = (Vec::new(), 0, 0);
    let answers = recorded();

    for answer in &answers {
        wrong.extend(check(answer));
        let told = hear(answer.kind, answer.is_stream, &answer.body, usize::MAX);
        with_calls += u32::from(!told.calls.is_empty());
        all += u32::from(matches!(told.end, Some(Ok(_))));
    }

    println!("{all} answers, {with_calls} of them with calls");
    assert!(
        wrong.is_empty(),
        "{} wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        answers.is_empty() || (all > 150 && with_calls > 30),
        "{all} {with_calls}"
    );
}

fn answer(stop: Stopped) -> Answer {
    Answer {
        text: "It is \"on\" its way.\n".to_owned(),
        calls: Vec::new(),
        stop,
        usage: Usage {
            tokens_in: Some(40),
            tokens_out: Some(12),
            tokens_cached: Some(30),
            tokens_thinking: Some(5),
            cached: Counting::Inside,
            thinking: Counting::Inside,
            ..Usage::default()
        },
    }
}

fn whole(kind: ProviderKind, answer: &Answer) -> Value {
    let body = dialect(kind).whole(&head(Framing::Whole), answer);
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn each_wire_format_counts_in_its_own_way() {
    let usage = |kind, member: &str| whole(kind, &answer(Stopped::End))[member].clone();

    assert_eq!(
        usage(ProviderKind::OpenAi, "usage"),
        serde_json::json!({"prompt_tokens": 40, "completion_tokens": 12, "total_tokens": 52,
            "prompt_tokens_details": {"cached_tokens": 30},
            "completion_tokens_details": {"reasoning_tokens": 5}})
    );
    assert_eq!(
        usage(ProviderKind::OpenAiResponses, "usage"),
        serde_json::json!({"input_tokens": 40, "output_tokens": 12, "total_tokens": 52,
            "input_tokens_details": {"cached_tokens": 30},
            "output_tokens_details": {"reasoning_tokens": 5}})
    );
    assert_eq!(
        usage(ProviderKind::Anthropic, "usage"),
        serde_json::json!({"input_tokens": 10, "cache_read_input_tokens": 30, "output_tokens": 12})
    );
    assert_eq!(
        usage(ProviderKind::Gemini, "usageMetadata"),
        serde_json::json!({"promptTokenCount": 40, "candidatesTokenCount": 7,
            "totalTokenCount": 52, "cachedContentTokenCount": 30, "thoughtsTokenCount": 5})
    );
}

#[test]
fn an_unknown_count_is_never_made_up() {
    let mut unknown = answer(Stopped::End);
    unknown.usage = Usage::default();

    for (kind, member) in [
        (ProviderKind::OpenAi, "usage"),
        (ProviderKind::OpenAiResponses, "usage"),
        (ProviderKind::Gemini, "usageMetadata"),
    ] {
        assert_eq!(whole(kind, &unknown)[member], Value::Null, "{kind:?}");
    }
}

#[test]
fn each_wire_format_has_its_word_for_a_stop() {
    let sequence = || Stopped::Sequence(Some("END".to_owned()));
    let refused = || Stopped::Refused("No.".to_owned());
    for (kind, place, words) in [
        (
            ProviderKind::OpenAi,
            "/choices/0/finish_reason",
            ["stop", "length", "stop", "content_filter"],
        ),
        (
            ProviderKind::OpenAiResponses,
            "/status",
            ["completed", "incomplete", "completed", "incomplete"],
        ),
        (
            ProviderKind::Anthropic,
            "/stop_reason",
            ["end_turn", "max_tokens", "stop_sequence", "refusal"],
        ),
        (
            ProviderKind::Gemini,
            "/candidates/0/finishReason",
            ["STOP", "MAX_TOKENS", "STOP", "SAFETY"],
        ),
    ] {
        let stops = [Stopped::End, Stopped::Limit, sequence(), refused()];
        let told = stops.map(|stop| whole(kind, &answer(stop)).pointer(place).cloned());
        assert_eq!(told, words.map(|word| Some(word.into())), "{kind:?}");
    }
    let body = whole(ProviderKind::Anthropic, &answer(sequence()));
    assert_eq!(body["stop_sequence"], "END");
}

/// A refusal is read as one by each wire format's own reader, streamed or not.
#[test]
fn a_refusal_stays_one() {
    let refused = answer(Stopped::Refused("I would rather not.".to_owned()));
    for kind in DIALECTS {
        let body = dialect(kind).whole(&head(Framing::Whole), &refused);
        let mut encoder = dialect(kind).encoder(head(Framing::Events));
        let mut stream = encoder.begin();
        stream.extend(encoder.end(&refused.stop, &refused.usage));

        for (is_stream, body) in [(false, body), (true, stream)] {
            let end = hear(kind, is_stream, &body, usize::MAX).end;
            let Some(Err(fault)) = end else {
                panic!("{kind:?}: {end:?}");
            };
            assert_eq!(
                fault.class,
                deskhand::domain::FaultClass::Refused,
                "{kind:?}"
            );
            assert_eq!(
                fault.said.as_deref(),
                Some("I would rather not."),
                "{kind:?}"
            );
        }
    }
}
