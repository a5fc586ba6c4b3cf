//! The four dialects, from a caller's side: how each asks, and where it finds what.

use serde_json::{Value, json};

use super::http::{Answer, Request};

/// A dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    Chat,
    Responses,
    Messages,
    Gemini,
}

pub(crate) const ALL: [Words; 4] = [
    Words::Chat,
    Words::Responses,
    Words::Messages,
    Words::Gemini,
];

/// Whether an answer is to be streamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Whole,
    Streamed,
}

pub(crate) const FORMS: [Form; 2] = [Form::Whole, Form::Streamed];

impl Words {
    /// Asks a model something.
    pub(crate) fn ask(self, model: &str, text: &str, form: Form) -> Request {
        let stream = form == Form::Streamed;
        let said = json!([{"role": "user", "content": text}]);
        match self {
            Self::Chat => Request::post(
                "/v1/chat/completions",
                &json!({"model": model, "messages": said, "stream": stream}),
            ),
            Self::Responses => Request::post(
                "/v1/responses",
                &json!({"model": model, "input": text, "stream": stream}),
            ),
            Self::Messages => Request::post(
                "/v1/messages",
                &json!({"model": model, "max_tokens": 900, "messages": said, "stream": stream}),
            ),
            Self::Gemini => {
                let verb = match form {
                    Form::Whole => "generateContent",
                    Form::Streamed => "streamGenerateContent?alt=sse",
                };
                Request::post(
                    &format!("/v1beta/models/{model}:{verb}"),
                    &json!({"contents": [{"role": "user", "parts": [{"text": text}]}]}),
                )
            }
        }
    }

    /// Returns the text of an answer.
    pub(crate) fn text(self, answer: &Answer, form: Form) -> String {
        match form {
            Form::Whole => self.whole_text(&answer.json()),
            Form::Streamed => {
                let events = answer.events();
                events.iter().map(|event| self.piece_text(event)).collect()
            }
        }
    }

    fn whole_text(self, body: &Value) -> String {
        let text = match self {
            Self::Chat => &body["choices"][0]["message"]["content"],
            Self::Responses => {
                let outputs = body["output"].as_array().expect("output");
                let message = outputs.iter().find(|item| item["type"] == "message");
                &message.expect("a message")["content"][0]["text"]
            }
            Self::Messages => &body["content"][0]["text"],
            Self::Gemini => &body["candidates"][0]["content"]["parts"][0]["text"],
        };
        let text = text.as_str();
        text.unwrap_or_else(|| panic!("no text: {body}")).to_owned()
    }

    fn piece_text(self, event: &Value) -> String {
        let text = match self {
            Self::Chat => &event["choices"][0]["delta"]["content"],
            Self::Responses if event["type"] == "response.output_text.delta" => &event["delta"],
            Self::Responses => &Value::Null,
            Self::Messages => &event["delta"]["text"],
            Self::Gemini => &event["candidates"][0]["content"]["parts"][0]["text"],
        };
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Tells whether a stream says that the answer is over.
    pub(crate) fn has_end(self, answer: &Answer) -> bool {
        let text = answer.text();
        answer.events().iter().any(|event| match self {
            Self::Chat => event["choices"][0]["finish_reason"].is_string(),
            Self::Responses => {
                event["type"] == "response.completed" || event["type"] == "response.incomplete"
            }
            Self::Messages => {
                event["type"] == "message_stop" || event["delta"]["stop_reason"].is_string()
            }
            Self::Gemini => event["candidates"][0]["finishReason"].is_string(),
        }) || text.contains("[DONE]")
    }

    /// Returns the error in a stream, if there is one.
    pub(crate) fn fault(self, answer: &Answer) -> Option<Value> {
        answer.events().into_iter().find(|event| match self {
            Self::Chat | Self::Gemini => event["error"].is_object(),
            Self::Responses => event["type"] == "error" || event["type"] == "response.failed",
            Self::Messages => event["type"] == "error",
        })
    }

    /// Returns the type of an error that is a whole answer, and its words.
    pub(crate) fn error(self, answer: &Answer) -> (String, String) {
        let body = answer.json();
        if self == Self::Messages {
            assert_eq!(body["type"], "error", "{body}");
        }
        let error = &body["error"];
        let kind = match self {
            Self::Chat | Self::Responses | Self::Messages => &error["type"],
            Self::Gemini => &error["status"],
        };
        let word = |value: &Value| {
            let word = value.as_str();
            word.unwrap_or_else(|| panic!("no error: {body}"))
                .to_owned()
        };
        (word(kind), word(&error["message"]))
    }

    /// Returns which model says that it answered.
    pub(crate) fn model(self, body: &Value) -> String {
        let member = match self {
            Self::Chat | Self::Responses | Self::Messages => "model",
            Self::Gemini => "modelVersion",
        };
        body[member].as_str().unwrap_or_default().to_owned()
    }
}
