//! Server-sent events: bytes to events, split anywhere, with limits.

/// One event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The `event:` field, if there was one.
    pub name: Option<String>,
    /// The `data:` lines, joined by newlines.
    pub data: String,
}
