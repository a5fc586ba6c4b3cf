//! How an ask is spelled in each wire format: its conversation, its tools, its wishes.
//!
//! `docs/serve.md` has the table. A caller's own JSON goes on as it is, where the link speaks its
//! wire format ([`raw`]).

pub(super) mod anthropic;
pub(super) mod chat;
pub(super) mod gemini;
pub(super) mod raw;
pub(super) mod responses;

use std::collections::{HashMap, HashSet};

use crate::engine::ask::{
    Ask, Part, Turn,
    json::Json,
    tools::{Image, ToolCall, ToolResult},
};

/// The parts of a turn, by what they are; empty texts are left out.
#[derive(Default)]
struct Parts<'a> {
    results: Vec<&'a ToolResult>,
    /// Texts and pictures, in order.
    words: Vec<Words<'a>>,
    calls: Vec<&'a ToolCall>,
}

/// Something to read or to look at.
#[derive(Clone, Copy)]
enum Words<'a> {
    Text(&'a str),
    Image(&'a Image),
}

impl<'a> Parts<'a> {
    fn of(turn: &'a Turn) -> Self {
        let mut parts = Self::default();
        for part in &turn.parts {
            match part {
                Part::Text(text) if text.is_empty() => {}
                Part::Text(text) => parts.words.push(Words::Text(text)),
                Part::Image(image) => parts.words.push(Words::Image(image)),
                Part::Call(call) => parts.calls.push(call),
                Part::Result(result) => parts.results.push(result),
            }
        }
        parts
    }

    /// Returns the words of a model, in one piece: it says no pictures.
    fn text(&self) -> String {
        let texts = self.words.iter().filter_map(|words| match words {
            Words::Text(text) => Some(*text),
            Words::Image(_) => None,
        });
        texts.collect()
    }
}

/// Spells words: one text alone as it is, else a list of parts, each by `spell`.
fn content(words: &[Words<'_>], spell: impl Fn(Words<'_>) -> Json) -> Json {
    match words {
        [Words::Text(text)] => (*text).into(),
        _ => Json::List(words.iter().map(|words| spell(*words)).collect()),
    }
}

/// Returns the turns that say something.
fn told(ask: &Ask) -> impl Iterator<Item = &Turn> {
    ask.turns.iter().filter(|turn| !turn.is_empty())
}

/// Returns the address of a picture; one that is here is its own address.
fn address(image: &Image) -> String {
    match image {
        Image::Inline { media_type, data } => format!("data:{media_type};base64,{data}"),
        Image::Url(url) => url.clone(),
    }
}

/// Returns what a tool brought, for a wire format that has no mark for a failure.
fn outcome(result: &ToolResult) -> String {
    if result.is_error {
        format!("Error: {}", result.text)
    } else {
        result.text.clone()
    }
}

/// Returns the arguments of a call as an object. What is none is kept in one: models write such
/// things, and the conversation must be able to go on.
fn arguments(call: &ToolCall) -> Json {
    if call.arguments.trim().is_empty() {
        return Json::Object(Vec::new());
    }
    match Json::read(&call.arguments) {
        Ok(object) if object.is_object() => object,
        Ok(_) | Err(_) => Json::object([("arguments", call.arguments.as_str().into())]),
    }
}

/// The ids of tool calls, in the order of the conversation. Kept where the wire format takes them;
/// made anew, for the call and for its result, where it does not, or where two calls share one.
struct Ids<'a> {
    fits: fn(&str) -> bool,
    used: HashSet<String>,
    now: HashMap<&'a str, String>,
    /// The number of the next one that is made.
    next: usize,
}

impl<'a> Ids<'a> {
    fn new(fits: fn(&str) -> bool) -> Self {
        Self {
            fits,
            used: HashSet::new(),
            now: HashMap::new(),
            next: 0,
        }
    }

    /// Returns the id of a call.
    fn call(&mut self, id: &'a str) -> String {
        let own = if (self.fits)(id) && !self.used.contains(id) {
            id.to_owned()
        } else {
            self.fresh()
        };
        self.used.insert(own.clone());
        self.now.insert(id, own.clone());
        own
    }

    /// Returns the id of the call that a result answers: the last one of that name.
    fn result(&mut self, id: &'a str) -> String {
        match self.now.get(id) {
            Some(own) => own.clone(),
            None => self.call(id),
        }
    }

    fn fresh(&mut self) -> String {
        // It never goes back: a long conversation is read once.
        self.next = self.next.max(self.used.len());
        loop {
            let id = format!("call_{}", self.next);
            self.next += 1;
            if !self.used.contains(&id) {
                return id;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_kept_where_they_fit_and_are_never_used_twice() {
        let fits = |id: &str| !id.contains(':');
        let mut ids = Ids::new(fits);

        assert_eq!(ids.call("a"), "a");
        assert_eq!(ids.call("f:0"), "call_1");
        assert_eq!(ids.result("f:0"), "call_1");
        assert_eq!(ids.result("a"), "a");
        assert_eq!(ids.call("a"), "call_2");
        assert_eq!(ids.result("a"), "call_2");
        assert_eq!(ids.call("call_3"), "call_3");
        assert_eq!(ids.call("x:y"), "call_4");
        assert_eq!(ids.result("nobody:asked"), "call_5");
    }

    #[test]
    fn arguments_are_an_object_whatever_the_model_wrote() {
        let spelled = |arguments: &str| {
            let call = ToolCall {
                id: String::new(),
                name: String::new(),
                arguments: arguments.to_owned(),
            };
            super::arguments(&call).to_string()
        };

        assert_eq!(spelled(r#"{"b":1,"a":2}"#), r#"{"b":1,"a":2}"#);
        assert_eq!(spelled(""), "{}");
        assert_eq!(spelled("[1"), r#"{"arguments":"[1"}"#);
    }
}
