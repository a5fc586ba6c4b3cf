//! Tools, what is asked of them and what they bring; and pictures.

use std::fmt;

use super::json::Json;

/// A tool that the model may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does; empty if nobody said.
    pub description: String,
    /// A JSON schema of its arguments.
    pub schema: Json,
    /// Whether the arguments must follow the schema to the letter; none if nobody said.
    pub strict: Option<bool>,
}

/// Which tool the model is to ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// The model decides.
    #[default]
    Auto,
    /// None.
    None,
    /// Any, but one.
    Any,
    /// This one.
    Named(String),
}

/// The model asks for a tool.
#[derive(Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// What the result will name; unique in the conversation.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments, a JSON object as text.
    pub arguments: String,
}

/// What a tool brought.
#[derive(Clone, PartialEq, Eq)]
pub struct ToolResult {
    /// The call that it answers.
    pub id: String,
    /// The tool, where a wire format names it; else that of the call.
    pub name: String,
    /// What it brought.
    pub text: String,
    /// Pictures that it brought beside.
    pub images: Vec<Image>,
    /// Whether it failed.
    pub is_error: bool,
}

/// A picture.
#[derive(Clone, PartialEq, Eq)]
pub enum Image {
    /// In the request itself.
    Inline {
        /// `image/png` and the like.
        media_type: String,
        /// Base64 without line breaks.
        data: String,
    },
    /// Where the provider fetches it.
    Url(String),
}

impl fmt::Debug for ToolCall {
    /// The arguments may be a customer's words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ToolCall, {} bytes", self.arguments.len())
    }
}

impl fmt::Debug for ToolResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ToolResult, {} bytes", self.text.len())
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline { media_type, data } => {
                write!(f, "Image {media_type}, {} bytes", data.len())
            }
            Self::Url(_) => f.write_str("Image at an address"),
        }
    }
}
