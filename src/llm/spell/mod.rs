//! How an ask is spelled in each wire format: its conversation, its tools, its wishes.
//!
//! `docs/serve.md` has the table. A caller's own JSON goes on as it is, where the link speaks its
//! wire format ([`raw`]).

pub(super) mod anthropic;
pub(super) mod chat;
pub(super) mod gemini;
pub(super) mod raw;
pub(super) mod responses;

use std::collections::{HashMap, HashSet, VecDeque};

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
    /// The calls of each name that are yet to be answered; at least the last one of it.
    now: HashMap<&'a str, VecDeque<Asked>>,
    /// The number of the next one that is made.
    next: usize,
}

/// A call, under the id that is spelled.
struct Asked {
    own: String,
    is_answered: bool,
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
        let asked = self.now.entry(id).or_default();
        asked.retain(|asked| !asked.is_answered);
        asked.push_back(Asked {
            own: own.clone(),
            is_answered: false,
        });
        own
    }

    /// Returns the id of the call that a result answers: of several with one name the first without
    /// a result.
    fn result(&mut self, id: &'a str) -> String {
        let mut asked = self.now.get_mut(id).into_iter().flatten();
        if let Some(first) = asked.find(|asked| !asked.is_answered) {
            first.is_answered = true;
            return first.own.clone();
        }
        let last = self.now.get(id).and_then(VecDeque::back);
        match last {
            Some(last) => last.own.clone(),
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
    fn results_of_calls_that_share_an_id_answer_them_in_turn() {
        let mut ids = Ids::new(|_| true);
        assert_eq!([ids.call("c"), ids.call("c")], ["c", "call_1"]);

        assert_eq!([ids.result("c"), ids.result("c")], ["c", "call_1"]);
        assert_eq!(ids.result("c"), "call_1", "one too many");
        assert_eq!([ids.call("c"), ids.result("c")], ["call_2", "call_2"]);
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
