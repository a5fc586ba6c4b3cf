//! What a caller wishes of the answer beside its words.

use serde_json::Number;

use super::{
    json::Json,
    length,
    tools::{Tool, ToolChoice},
};

/// What a caller wishes. Where nothing is said, the provider's own default holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The tools it offers.
    pub tools: Vec<Tool>,
    /// Which of them is to be asked for.
    pub tool_choice: ToolChoice,
    /// Whether several tools may be asked for at once.
    pub parallel_tools: Option<bool>,
    /// Words before which the model stops.
    pub stop: Vec<String>,
    /// As the caller wrote it.
    pub temperature: Option<Number>,
    /// As the caller wrote it.
    pub top_p: Option<Number>,
    /// What form the answer is to have.
    pub format: Format,
    /// Whether an answer without words or calls is one too: a picture, sound, nothing left to say
    /// after a tool.
    pub wordless: bool,
}

/// What form an answer is to have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Any.
    #[default]
    Text,
    /// One JSON object.
    Json,
    /// JSON that follows a schema.
    Schema {
        /// The schema's name, where the caller gave one.
        name: String,
        /// The JSON schema.
        schema: Json,
        /// Whether it must be followed to the letter; none if nobody said.
        strict: Option<bool>,
    },
}

/// What a provider's template may add for the first tool; Anthropic's adds up to 530 tokens.
/// <https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview>
const TOOLS_TOKENS: u64 = 600;

impl Wishes {
    /// Returns the most input tokens that its tools and its schema can be.
    pub(super) fn tokens_at_most(&self) -> u64 {
        let json = |value: &Json| length(&value.to_string());
        let tools = self.tools.iter().fold(0, |sum: u64, tool| {
            sum.saturating_add(length(&tool.name))
                .saturating_add(length(&tool.description))
                .saturating_add(json(&tool.schema))
                .saturating_add(super::TEMPLATE_TOKENS)
        });
        let preamble = if self.tools.is_empty() {
            0
        } else {
            TOOLS_TOKENS
        };
        let format = match &self.format {
            Format::Text | Format::Json => 0,
            Format::Schema { name, schema, .. } => length(name).saturating_add(json(schema)),
        };
        tools.saturating_add(preamble).saturating_add(format)
    }
}
