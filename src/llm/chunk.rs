//! The chunk that nearly every event of a chat stream is: a piece of the text and nothing else.
//!
//! It is read without a tree of values, which costs a fifth of what the tree does. Whatever holds
//! more, or holds it in another shape, is no plain chunk and is read as a tree.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};

/// A chunk with a piece of the text. Empty names are none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plain<'a> {
    pub(super) model: Option<&'a str>,
    pub(super) id: Option<&'a str>,
    pub(super) text: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    model: Option<&'a str>,
    #[serde(borrow)]
    id: Option<&'a str>,
    #[serde(borrow)]
    choices: (Choice<'a>,),
    error: Option<IgnoredAny>,
    usage: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    index: Option<u64>,
    #[serde(borrow)]
    delta: Said<'a>,
    error: Option<IgnoredAny>,
    finish_reason: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
    refusal: Option<IgnoredAny>,
    tool_calls: Option<IgnoredAny>,
    reasoning: Option<IgnoredAny>,
    reasoning_content: Option<IgnoredAny>,
}

/// Reads a chunk; none if it is not plain.
pub(super) fn plain(data: &str) -> Option<Plain<'_>> {
    let chunk: Chunk<'_> = serde_json::from_str(data).ok()?;
    let (choice,) = chunk.choices;
    let said = choice.delta;
    let more = [
        chunk.error,
        chunk.usage,
        choice.error,
        choice.finish_reason,
        said.refusal,
        said.tool_calls,
        said.reasoning,
        said.reasoning_content,
    ];
    let is_plain = choice.index.unwrap_or(0) == 0 && more.iter().all(Option::is_none);
    is_plain.then_some(Plain {
        model: chunk.model.filter(|name| !name.is_empty()),
        id: chunk.id.filter(|id| !id.is_empty()),
        text: said.content,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(beside: &str, delta: &str) -> String {
        format!(
            r#"{{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{{{delta}}},"finish_reason":null{beside}}}],"usage":null}}"#
        )
    }

    #[test]
    fn a_piece_of_text_is_read_with_its_names() {
        for (delta, text) in [
            (r#""content":"Hi""#, "Hi"),
            (
                r#""role":"assistant","content":"\u00e9\n\"x\"","refusal":null"#,
                "é\n\"x\"",
            ),
            (r#""content":"""#, ""),
        ] {
            let data = with(r#","logprobs":null"#, delta);
            let wanted = Plain {
                model: Some("m"),
                id: Some("c1"),
                text: text.into(),
            };
            assert_eq!(plain(&data), Some(wanted), "{data}");
        }
        let nameless = r#"{"model":"","choices":[{"delta":{"content":"x"}}]}"#;
        assert_eq!(plain(nameless).unwrap().model, None);
    }

    #[test]
    fn what_holds_more_is_not_plain() {
        let text = r#""content":"Hi""#;
        for data in [
            with(r#","error":{"message":"no"}"#, text),
            with("", r#""content":null,"tool_calls":[]"#),
            with("", r#""content":"Hi","tool_calls":[]"#),
            with("", r#""content":"Hi","reasoning":"so""#),
            with("", r#""content":"Hi","reasoning_content":"so""#),
            with("", r#""content":"Hi","refusal":"no""#),
            with("", r#""content":[{"type":"text","text":"Hi"}]"#),
            with("", ""),
            with("", text).replace("\"finish_reason\":null", "\"finish_reason\":\"stop\""),
            with("", text).replace("\"index\":0", "\"index\":1"),
            with("", text).replace("\"usage\":null", "\"usage\":{}"),
            with("", text).replace("\"usage\":null", "\"error\":{}"),
            // The last of two members counts: only the tree knows it.
            with("", r#""content":"Hi","content":"Ho""#),
            r#"{"choices":[]}"#.to_owned(),
            r#"{"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"}}]}"#.to_owned(),
            "[DONE]".to_owned(),
            String::new(),
        ] {
            assert_eq!(plain(&data), None, "{data}");
        }
    }
}
