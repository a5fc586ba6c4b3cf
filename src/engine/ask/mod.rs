//! What is asked of a model, in no provider's words.
//!
//! A draft asks with texts alone. A request that `serve` passes on may bring images, tools and
//! [`wishes`] as well, and the caller's own [`raw`] JSON, which a link of the same wire format gets
//! as it was written.

pub mod json;
pub mod raw;
pub mod tools;
pub mod wishes;

use std::sync::Arc;

use self::{
    raw::Raw,
    tools::{Image, ToolCall, ToolResult},
    wishes::Wishes,
};

/// One request to whichever model answers.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Who the model is to be and how to write.
    pub system: String,
    /// The conversation, oldest first; ends with a turn of the user.
    pub turns: Vec<Turn>,
    /// The most tokens it may write.
    pub output_limit: u32,
    /// What a caller wishes beside; a draft wishes nothing.
    pub wishes: Wishes,
    /// The caller's own words, for links that speak its wire format; none for a draft.
    pub raw: Option<Arc<Raw>>,
}

/// One turn of the conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
}

/// One thing that is said in a turn.
#[derive(Clone, PartialEq, Eq)]
pub enum Part {
    /// Words.
    Text(String),
    /// A picture, of a user.
    Image(Image),
    /// The model asks for a tool.
    Call(ToolCall),
    /// What a tool brought, told by the user.
    Result(ToolResult),
}

/// Who speaks in a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The desk, or the customer whose words it passes on.
    User,
    /// The model.
    Assistant,
}

impl Turn {
    /// Makes a turn of words alone.
    pub fn says(role: Role, text: impl Into<String>) -> Self {
        Self {
            role,
            parts: vec![Part::Text(text.into())],
        }
    }

    /// Returns its words, one after the other.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Image(_) | Part::Call(_) | Part::Result(_) => None,
        })
    }

    /// Tells whether it says nothing at all.
    pub fn is_empty(&self) -> bool {
        self.parts
            .iter()
            .all(|part| matches!(part, Part::Text(text) if text.is_empty()))
    }
}

impl Part {
    /// Returns the most input tokens it can be: a token is never shorter than a UTF-8 byte.
    fn tokens_at_most(&self) -> u64 {
        let bytes = |texts: &[&str]| {
            texts
                .iter()
                .fold(0, |sum: u64, text| sum.saturating_add(length(text)))
        };
        match self {
            Self::Text(text) => bytes(&[text]),
            Self::Image(_) => IMAGE_TOKENS,
            Self::Call(call) => bytes(&[&call.id, &call.name, &call.arguments]),
            Self::Result(result) => {
                let pictures = u64::try_from(result.images.len()).unwrap_or(u64::MAX);
                bytes(&[&result.id, &result.name, &result.text])
                    .saturating_add(pictures.saturating_mul(IMAGE_TOKENS))
            }
        }
    }
}

impl std::fmt::Debug for Ask {
    /// Writes sizes only: the words are customers'.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Ask of {} turns, at most {} tokens",
            self.turns.len(),
            self.output_limit
        )
    }
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Turn of {:?}, {} parts", self.role, self.parts.len())
    }
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text of {} bytes", text.len()),
            Self::Image(image) => image.fmt(f),
            Self::Call(call) => call.fmt(f),
            Self::Result(result) => result.fmt(f),
        }
    }
}

/// Tokens a provider's template may add to each turn; none is known to add more than eight.
const TEMPLATE_TOKENS: u64 = 16;

/// The most tokens one picture is counted at. OpenAI's dearest documented picture is 2,048 by 768
/// in tiles of a small model (<https://platform.openai.com/docs/guides/images-vision>: 2,833 base
/// and 5,667 a tile, 8 tiles); Anthropic and Gemini count less.
const IMAGE_TOKENS: u64 = 48_169;

fn length(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

impl Ask {
    /// Returns how many bytes its texts have.
    pub fn bytes(&self) -> u64 {
        let texts = self.turns.iter().flat_map(Turn::texts);
        texts
            .chain([self.system.as_str()])
            .fold(0, |sum: u64, text| sum.saturating_add(length(text)))
    }

    /// Returns how many bytes of its request are pictures.
    pub fn picture_bytes(&self) -> usize {
        let parts = self.turns.iter().flat_map(|turn| &turn.parts);
        parts.fold(0, |sum: usize, part| {
            let images = match part {
                Part::Image(image) => std::slice::from_ref(image),
                Part::Result(result) => result.images.as_slice(),
                Part::Text(_) | Part::Call(_) => &[],
            };
            images.iter().fold(sum, |sum, image| match image {
                Image::Inline { data, .. } => sum.saturating_add(data.len()),
                Image::Url(_) => sum,
            })
        })
    }

    /// Returns the most input tokens it can be.
    pub fn tokens_at_most(&self) -> u64 {
        let turns = self.turns.iter().map(|turn| {
            let parts = turn.parts.iter().map(Part::tokens_at_most);
            parts.fold(TEMPLATE_TOKENS, u64::saturating_add)
        });
        let system = length(&self.system).saturating_add(TEMPLATE_TOKENS);
        turns
            .chain([system, self.wishes.tokens_at_most()])
            .fold(0, u64::saturating_add)
    }
}
