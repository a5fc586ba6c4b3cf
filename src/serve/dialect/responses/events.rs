//! Spells a streamed answer: <https://platform.openai.com/docs/api-reference/responses-streaming>.

use super::answer::{State, declined, function, item_id, message, response, words};
use crate::{
    domain::Usage,
    engine::{
        answer::CallPiece,
        ask::{json::Json, tools::ToolCall},
    },
    serve::dialect::{
        Encoder, Head, Refusal, Stopped,
        answer::{event_of, quoted},
        chat,
    },
};

/// Spells a stream of events. At its end all is said once more: the whole text, the whole calls.
pub(super) struct Events {
    head: Head,
    number: u64,
    /// The item of words that is open, by its place, and what it says.
    words: Option<(u32, String)>,
    /// The calls, each with its number at the provider and its place among the items.
    calls: Vec<(u32, u32, ToolCall)>,
    /// The items that are over, by their place.
    over: Vec<(u32, Json)>,
    items: u32,
}

impl Events {
    pub(super) const fn new(head: Head) -> Self {
        Self {
            head,
            number: 0,
            words: None,
            calls: Vec::new(),
            over: Vec::new(),
            items: 0,
        }
    }

    /// Spells an event: its type, its number, and what it holds.
    fn event<const N: usize>(&mut self, kind: &str, members: [(&str, Json); N]) -> Vec<u8> {
        let mut data = Json::object([
            ("type", kind.into()),
            ("sequence_number", self.number.into()),
        ]);
        self.number += 1;
        for (name, member) in members {
            data.put(name, member);
        }
        event_of(Some(kind), &data.to_string())
    }

    fn next_item(&mut self) -> u32 {
        let at = self.items;
        self.items += 1;
        at
    }

    fn begin_words(&mut self, out: &mut Vec<u8>) -> u32 {
        let at = self.next_item();
        let item = message(&self.head, at, State::Begun, Vec::new());
        let added = [("output_index", at.into()), ("item", item)];
        out.extend(self.event("response.output_item.added", added));
        let part = self.part(at, words(""));
        out.extend(self.event("response.content_part.added", part));
        self.words = Some((at, String::new()));
        at
    }

    /// Returns the members that say which part is meant, and the part.
    fn part(&self, at: u32, part: Json) -> [(&'static str, Json); 4] {
        let [item, index, content] = self.place(at);
        [item, index, content, ("part", part)]
    }

    fn place(&self, at: u32) -> [(&'static str, Json); 3] {
        [
            ("item_id", item_id(&self.head, "msg", at).into()),
            ("output_index", at.into()),
            ("content_index", 0_u32.into()),
        ]
    }

    fn end_words(&mut self, stop: &Stopped, out: &mut Vec<u8>) {
        let Some((at, text)) = self.words.take() else {
            return;
        };
        let [item, index, content] = self.place(at);
        let done = [
            item,
            index,
            content,
            ("text", text.as_str().into()),
            ("logprobs", Json::List(Vec::new())),
        ];
        out.extend(self.event("response.output_text.done", done));
        let part = self.part(at, words(&text));
        out.extend(self.event("response.content_part.done", part));
        let item = message(&self.head, at, State::Over(stop), vec![words(&text)]);
        self.end_item(at, item, out);
    }

    fn end_item(&mut self, at: u32, item: Json, out: &mut Vec<u8>) {
        let done = [("output_index", at.into()), ("item", item.clone())];
        out.extend(self.event("response.output_item.done", done));
        self.over.push((at, item));
    }

    fn end_calls(&mut self, out: &mut Vec<u8>) {
        for (_, at, call) in std::mem::take(&mut self.calls) {
            let id = item_id(&self.head, "fc", at);
            let done = [
                ("item_id", id.as_str().into()),
                ("output_index", at.into()),
                ("name", call.name.as_str().into()),
                ("arguments", call.arguments.as_str().into()),
            ];
            out.extend(self.event("response.function_call_arguments.done", done));
            self.end_item(at, function(&id, "completed", &call), out);
        }
    }

    /// Spells a refusal as an item of its own.
    fn decline(&mut self, why: &str, stop: &Stopped, out: &mut Vec<u8>) {
        let at = self.next_item();
        let item = message(&self.head, at, State::Begun, Vec::new());
        let added = [("output_index", at.into()), ("item", item)];
        out.extend(self.event("response.output_item.added", added));
        let part = self.part(at, declined(""));
        out.extend(self.event("response.content_part.added", part));
        let [item, index, content] = self.place(at);
        let delta = [item, index, content, ("delta", why.into())];
        out.extend(self.event("response.refusal.delta", delta));
        let [item, index, content] = self.place(at);
        let done = [item, index, content, ("refusal", why.into())];
        out.extend(self.event("response.refusal.done", done));
        let part = self.part(at, declined(why));
        out.extend(self.event("response.content_part.done", part));
        let item = message(&self.head, at, State::Over(stop), vec![declined(why)]);
        self.end_item(at, item, out);
    }
}

impl Encoder for Events {
    fn begin(&mut self) -> Vec<u8> {
        let none = Usage::default();
        let begun = response(&self.head, State::Begun, Vec::new(), &none);
        let mut out = self.event("response.created", [("response", begun.clone())]);
        out.extend(self.event("response.in_progress", [("response", begun)]));
        out
    }

    fn text(&mut self, piece: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let at = match &self.words {
            Some((at, _)) => *at,
            None => self.begin_words(&mut out),
        };
        if let Some((_, text)) = &mut self.words {
            text.push_str(piece);
        }
        let (number, id) = (self.number, item_id(&self.head, "msg", at));
        self.number += 1;
        let data = format!(
            "event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\
             \"sequence_number\":{number},\"item_id\":{},\"output_index\":{at},\
             \"content_index\":0,\"delta\":{},\"logprobs\":[]}}\n\n",
            quoted(&id),
            quoted(piece),
        );
        out.extend_from_slice(data.as_bytes());
        out
    }

    fn call(&mut self, piece: &CallPiece) -> Vec<u8> {
        let mut out = Vec::new();
        let is_it = |(index, _, _): &(u32, u32, ToolCall)| *index == piece.index;
        if !self.calls.iter().any(is_it) {
            self.end_words(&Stopped::Calls, &mut out);
            let at = self.next_item();
            let id = piece.id.clone();
            let call = ToolCall {
                id: id.unwrap_or_else(|| format!("call_{}", piece.index)),
                name: piece.name.clone().unwrap_or_default(),
                arguments: String::new(),
            };
            let item = function(&item_id(&self.head, "fc", at), "in_progress", &call);
            let added = [("output_index", at.into()), ("item", item)];
            out.extend(self.event("response.output_item.added", added));
            self.calls.push((piece.index, at, call));
        }
        let Some((_, at, call)) = self.calls.iter_mut().find(|call| is_it(call)) else {
            return out;
        };
        if !piece.arguments.is_empty() {
            call.arguments.push_str(&piece.arguments);
            let at = *at;
            let delta = [
                ("item_id", item_id(&self.head, "fc", at).into()),
                ("output_index", at.into()),
                ("delta", piece.arguments.as_str().into()),
            ];
            out.extend(self.event("response.function_call_arguments.delta", delta));
        }
        out
    }

    fn end(&mut self, stop: &Stopped, usage: &Usage) -> Vec<u8> {
        let mut out = Vec::new();
        self.end_words(stop, &mut out);
        self.end_calls(&mut out);
        if let Stopped::Refused(why) = stop {
            self.decline(why, stop, &mut out);
        }
        let mut items = std::mem::take(&mut self.over);
        items.sort_by_key(|(at, _)| *at);
        let items = items.into_iter().map(|(_, item)| item).collect();
        let over = response(&self.head, State::Over(stop), items, usage);
        let kind = match stop {
            Stopped::End | Stopped::Calls | Stopped::Sequence(_) => "response.completed",
            Stopped::Limit | Stopped::Refused(_) => "response.incomplete",
        };
        out.extend(self.event(kind, [("response", over)]));
        out
    }

    /// Says it flat, as the reference has it, and in an `error` of its own, as the kits look for it.
    fn fault(&mut self, refusal: &Refusal) -> Vec<u8> {
        let error = chat::error(refusal);
        let error = error.get("error").cloned().unwrap_or_default();
        let of = |name: &str| error.get(name).cloned().unwrap_or_default();
        let members = [
            ("code", of("code")),
            ("message", of("message")),
            ("param", of("param")),
            ("error", error.clone()),
        ];
        self.event("error", members)
    }
}
