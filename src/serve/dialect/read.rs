//! What the dialects share in reading a conversation.

use std::collections::HashMap;

use super::{Bill, Bound, Refusal, request::Request, spot::Spot};
use crate::{
    domain::ProviderKind,
    engine::ask::{
        Ask, Part, Role, Turn,
        json::Json,
        tools::{Image, ToolResult},
        wishes::{Format, Wishes},
    },
};

/// So many things that only some families can answer are named; what binds is the first of them.
const BOUNDS: usize = 64;

/// A conversation as it is read.
#[derive(Default)]
pub(super) struct Talk {
    system: Vec<String>,
    turns: Vec<Turn>,
    /// Whether the last turn has nothing but results.
    ends_in_results: bool,
    /// The tools that calls asked for, by the ids of the calls; of two with one id the later.
    called: HashMap<String, String>,
    /// What only some families can answer.
    pub(super) bound: Vec<Bound>,
    /// What it may cost beyond its own words.
    pub(super) bill: Bill,
}

impl Talk {
    /// Takes words of the system: wherever they stand, they come first.
    pub(super) fn system(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.system.push(text);
        }
    }

    /// Takes what somebody says. Calls join the words before them, and results one another:
    /// a wire format that has them in one turn wants all of them in one.
    pub(super) fn say(&mut self, role: Role, mut parts: Vec<Part>) {
        for part in &mut parts {
            if let Part::Result(result) = part
                && result.name.is_empty()
            {
                result.name = self.name_of(&result.id).unwrap_or_default();
            }
            if let Part::Call(call) = part {
                self.called.insert(call.id.clone(), call.name.clone());
            }
        }
        let is_call = |part: &Part| matches!(part, Part::Call(_));
        let is_result = |part: &Part| matches!(part, Part::Result(_));
        let are_results = parts.iter().all(is_result);
        let joins = self.turns.last().is_some_and(|last| {
            let results = are_results && self.ends_in_results;
            last.role == role && (results || parts.iter().all(is_call))
        });
        match self.turns.last_mut().filter(|_| joins) {
            Some(last) => {
                self.ends_in_results &= are_results;
                last.parts.extend(parts);
            }
            None if parts.is_empty() => {}
            None => {
                self.ends_in_results = are_results;
                self.turns.push(Turn { role, parts });
            }
        }
    }

    /// Takes parts of what the system says. Other families have room for words alone there.
    pub(super) fn instruct(&mut self, parts: Vec<Part>, by: &'static [ProviderKind]) {
        for part in parts {
            match part {
                Part::Text(text) => self.system(text),
                Part::Image(_) => self.bind_elsewhere("a picture among the system's words", by),
                Part::Call(_) | Part::Result(_) => {
                    self.bind_elsewhere("a tool among the system's words", by);
                }
            }
        }
    }

    /// Takes what the model said before. Other families have no room for its pictures.
    pub(super) fn answered(&mut self, parts: Vec<Part>, by: &'static [ProviderKind]) {
        if parts.iter().any(|part| matches!(part, Part::Image(_))) {
            self.bind("a picture that the model showed", by);
        }
        self.say(Role::Assistant, parts);
    }

    /// Says that only some families can answer.
    pub(super) fn bind(&mut self, what: impl Into<String>, by: &[ProviderKind]) {
        let bound = Bound::to(what, by);
        // A family that is bound to twice is bound; a body of a million odd parts is read on.
        let is_told =
            self.bound.len() >= BOUNDS && self.bound.iter().any(|told| told.by == bound.by);
        if !is_told && !self.bound.contains(&bound) {
            self.bound.push(bound);
        }
    }

    /// The same of what is read at the provider, as long as it may be there.
    pub(super) fn bind_elsewhere(&mut self, what: impl Into<String>, by: &'static [ProviderKind]) {
        self.bill.is_elsewhere = true;
        self.bill.to = by;
        self.bind(what, by);
    }

    /// The same of a tool that the provider runs: it costs a fee, and brings what it found.
    pub(super) fn bind_tool(&mut self, what: impl Into<String>, by: &'static [ProviderKind]) {
        self.bill.is_elsewhere = true;
        self.bind_unpriced(what, by);
    }

    /// The same of a tool that the provider defines and the caller runs: its model is told there what it
    /// is, at more length than here.
    pub(super) fn bind_defined(&mut self, what: impl Into<String>, by: &'static [ProviderKind]) {
        self.bill.tools = self.bill.tools.saturating_add(1);
        self.bill.to = by;
        self.bind(what, by);
    }

    /// The same of what has another price than tokens.
    pub(super) fn bind_unpriced(&mut self, what: impl Into<String>, by: &'static [ProviderKind]) {
        let what = what.into();
        self.unpriced(&what, by);
        self.bind(what, by);
    }

    /// Notes that something has another price than tokens where it is said.
    pub(super) fn unpriced(&mut self, what: &str, to: &'static [ProviderKind]) {
        self.bill.to = to;
        self.bill.unpriced.get_or_insert_with(|| what.to_owned());
    }

    /// Notes that a token may cost so many percent of its usual price, where it is said.
    pub(super) fn costs(&mut self, percent: u32, to: &'static [ProviderKind]) {
        self.bill.to = to;
        self.bill.percent = self.bill.percent.max(Some(percent));
    }

    /// Notes that whatever a token costs by what was noted until now is raised to so many percent.
    pub(super) fn raises(&mut self, percent: u32, to: &'static [ProviderKind]) {
        let before = self.bill.percent.unwrap_or(100);
        let raised = before.saturating_mul(percent).div_ceil(100);
        self.costs(raised, to);
    }

    /// Tells who spoke last.
    pub(super) fn ends_with(&self, role: Role) -> bool {
        self.turns.last().is_some_and(|turn| turn.role == role)
    }

    /// Returns the name of the tool that a call asked for; of two calls with one id the later.
    pub(super) fn name_of(&self, id: &str) -> Option<String> {
        self.called.get(id).cloned()
    }

    /// Puts all together.
    pub(super) fn into_ask(self, mut wishes: Wishes, output_limit: u32) -> (Ask, Vec<Bound>, Bill) {
        let after_tool = self.turns.last().is_some_and(|turn| {
            let mut parts = turn.parts.iter();
            parts.any(|part| matches!(part, Part::Result(_)))
        });
        // What only one family answers may be a picture or sound; after a tool there may be nothing
        // to say.
        wishes.wordless = after_tool || !self.bound.is_empty();
        let ask = Ask {
            system: self.system.join("\n\n"),
            turns: self.turns,
            output_limit,
            wishes,
            raw: None,
        };
        let mut bound = self.bound;
        bound.extend(limits_of(&ask));
        (ask, bound, self.bill)
    }
}

/// Returns what in an ask a family has no way to say, whoever the caller is.
fn limits_of(ask: &Ask) -> Vec<Bound> {
    use ProviderKind::{Anthropic, Gemini, OpenAi, OpenAiCompatible, OpenAiResponses};
    let mut bound = Vec::new();
    let wishes = &ask.wishes;
    if !wishes.stop.is_empty() {
        // The Responses API has no stop sequences; OpenAI takes four, Gemini five.
        let mut by = vec![Anthropic, OpenAiCompatible];
        if wishes.stop.len() <= 5 {
            by.push(Gemini);
        }
        if wishes.stop.len() <= 4 {
            by.push(OpenAi);
        }
        let what = match wishes.stop.len() {
            1 => "a stop sequence".to_owned(),
            many => format!("a request with {many} stop sequences"),
        };
        bound.push(Bound::to(what, &by));
    }
    if wishes.format == Format::Json {
        let by = [OpenAi, OpenAiCompatible, OpenAiResponses, Gemini];
        bound.push(Bound::to("JSON output without a schema", &by));
    }
    if wishes.parallel_tools == Some(false) && !wishes.tools.is_empty() {
        let by = [OpenAi, OpenAiCompatible, OpenAiResponses, Anthropic];
        bound.push(Bound::to("one tool call at a time", &by));
    }
    bound
}

/// Reads an address of a picture: `data:image/png;base64,...` is the picture itself.
pub(super) fn image(spot: &Spot<'_>) -> Result<Image, Refusal> {
    let url = spot.text()?;
    if let Some(rest) = url.strip_prefix("data:") {
        let inline = rest
            .split_once(";base64,")
            .and_then(|(media_type, data)| inline(media_type, data));
        return inline
            .ok_or_else(|| spot.wrong("a picture in base64, as in data:image/png;base64,"));
    }
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    if is_web {
        return Ok(Image::Url(url.to_owned()));
    }
    Err(spot.wrong("an https: or data: address"))
}

/// Makes a picture of what is stated to be one; nothing else is held and priced as a picture.
pub(super) fn inline(media_type: &str, data: &str) -> Option<Image> {
    let media_type = media_type.to_ascii_lowercase();
    media_type.starts_with("image/").then(|| Image::Inline {
        media_type,
        data: data.to_owned(),
    })
}

/// Makes a result of the parts that a tool brought.
pub(super) fn result(id: String, parts: Vec<Part>) -> ToolResult {
    let mut result = ToolResult {
        id,
        name: String::new(),
        text: String::new(),
        images: Vec::new(),
        is_error: false,
    };
    for part in parts {
        match part {
            Part::Text(text) => result.text.push_str(&text),
            Part::Image(image) => result.images.push(image),
            Part::Call(_) | Part::Result(_) => {}
        }
    }
    result
}

/// Reads a schema; none is one of no arguments.
pub(super) fn schema(spot: Option<Spot<'_>>) -> Result<Json, Refusal> {
    match spot {
        Some(spot) if spot.is_object() => Ok(spot.value().clone()),
        Some(spot) => Err(spot.wrong("a JSON schema")),
        None => Ok(Json::object([
            ("type", "object".into()),
            ("properties", Json::Object(Vec::new())),
        ])),
    }
}

/// Returns a text, or the texts of a list of them.
pub(super) fn texts(spot: &Spot<'_>) -> Result<Vec<String>, Refusal> {
    if !spot.is_list() {
        return Ok(vec![spot.text()?.to_owned()]);
    }
    let mut all = Vec::new();
    for item in spot.items()? {
        all.push(item.text()?.to_owned());
    }
    Ok(all)
}

/// Reads the body; what is no JSON is refused with where it goes wrong.
pub(super) fn json(body: &str) -> Result<Json, Refusal> {
    Json::read(body).map_err(|error| {
        let said = format!("The body is no JSON: {error}. Send one JSON object.");
        Refusal::new(super::RefusalKind::BadInput, said)
    })
}

/// Returns the names of the members of the body.
pub(super) fn names(body: &Json) -> Vec<String> {
    match body {
        Json::Object(members) => members.iter().map(|(name, _)| name.clone()).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => Vec::new(),
    }
}

/// Refuses a conversation in which nothing is said; what only the caller's own family reads, a file
/// alone say, is not nothing, and the provider judges it.
pub(super) fn spoken(request: Request, member: &str) -> Result<Request, Refusal> {
    let is_read_elsewhere = request.ask.wishes.wordless;
    if request.ask.turns.iter().all(Turn::is_empty) && !is_read_elsewhere {
        let said = format!("`{member}` says nothing; it needs at least one message of the user.");
        return Err(Refusal::wrong(member, said));
    }
    Ok(request)
}
