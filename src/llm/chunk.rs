//! What nearly every event of a chat stream and every answer in one piece is: text and nothing else.
//!
//! It is read without a tree of values: of an answer in one piece that is half the work. Whatever
//! holds more, or holds it in another shape, is not plain and is read as a tree.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

/// A piece of the text, or all of it. Empty names are none.
#[derive(Debug, PartialEq)]
pub(super) struct Plain<'a> {
    pub(super) model: Option<&'a str>,
    pub(super) id: Option<&'a str>,
    pub(super) text: Cow<'a, str>,
    /// Why the model stopped; an answer in one piece may say so and still be plain.
    pub(super) stop: Option<&'a str>,
    /// What the provider counted, in an answer in one piece.
    pub(super) usage: Option<Value>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    model: Option<&'a str>,
    #[serde(borrow)]
    id: Option<&'a str>,
    #[serde(borrow)]
    choices: (Choice<'a>,),
    error: Option<IgnoredAny>,
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    index: Option<u64>,
    #[serde(borrow)]
    delta: Option<Said<'a>>,
    #[serde(borrow)]
    message: Option<Said<'a>>,
    error: Option<IgnoredAny>,
    #[serde(borrow)]
    finish_reason: Option<&'a str>,
    stop_reason: Option<IgnoredAny>,
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

/// Reads a chunk of a stream; none if it is not plain.
pub(super) fn piece(data: &str) -> Option<Plain<'_>> {
    // A list would be taken for its members.
    data.starts_with('{').then_some(())?;
    let answer: Answer<'_> = serde_json::from_str(data).ok()?;
    let plain = answer.plain(|choice| (choice.delta.take(), choice.message.take()))?;
    (plain.stop.is_none() && plain.usage.is_none()).then_some(plain)
}

/// Reads an answer in one piece; none if it is not plain.
pub(super) fn whole(body: &[u8]) -> Option<Plain<'_>> {
    body.trim_ascii_start().starts_with(b"{").then_some(())?;
    let answer: Answer<'_> = serde_json::from_slice(body).ok()?;
    answer.plain(|choice| (choice.message.take(), choice.delta.take()))
}

impl<'a> Answer<'a> {
    /// Takes the text from where it is to be, and nothing may stand where it may be besides.
    fn plain(
        self,
        places: impl FnOnce(&mut Choice<'a>) -> (Option<Said<'a>>, Option<Said<'a>>),
    ) -> Option<Plain<'a>> {
        let (mut choice,) = self.choices;
        let (Some(said), None) = places(&mut choice) else {
            return None;
        };
        let more = [
            self.error,
            choice.error,
            choice.stop_reason,
            said.refusal,
            said.tool_calls,
            said.reasoning,
            said.reasoning_content,
        ];
        let is_plain = choice.index.unwrap_or(0) == 0 && more.iter().all(Option::is_none);
        is_plain.then_some(Plain {
            model: self.model.filter(|name| !name.is_empty()),
            id: self.id.filter(|id| !id.is_empty()),
            text: said.content,
            stop: choice.finish_reason.filter(|stop| !stop.is_empty()),
            usage: self.usage.filter(Value::is_object),
        })
    }
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
                stop: None,
                usage: None,
            };
            assert_eq!(piece(&data), Some(wanted), "{data}");
        }
        let nameless = r#"{"model":"","choices":[{"delta":{"content":"x"}}]}"#;
        assert_eq!(piece(nameless).unwrap().model, None);
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
            assert_eq!(piece(&data), None, "{data}");
        }
    }

    #[test]
    fn an_answer_in_one_piece_says_why_it_ended_and_what_it_cost() {
        let message = with("", r#""role":"assistant","content":"Hi""#)
            .replace("\"delta\"", "\"message\"")
            .replace("\"finish_reason\":null", "\"finish_reason\":\"stop\"")
            .replace("\"usage\":null", "\"usage\":{\"total_tokens\":3}");

        let plain = whole(message.as_bytes()).unwrap();

        assert_eq!((plain.text.as_ref(), plain.stop), ("Hi", Some("stop")));
        assert_eq!(plain.usage.unwrap()["total_tokens"], 3);
        assert_eq!(piece(&message), None);
        for data in [
            with("", r#""content":"Hi""#),
            message.replace("\"Hi\"", "\"Hi\",\"tool_calls\":[{}]"),
            message.replace("\"stop\"", "\"stop\",\"stop_reason\":\"END\""),
            message.replace("\"Hi\"", "null"),
        ] {
            assert_eq!(whole(data.as_bytes()), None, "{data}");
        }
    }
}
