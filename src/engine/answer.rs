//! What an answer may bring beside its words.

use std::fmt;

/// A piece of a tool call, as a model writes it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CallPiece {
    /// Which of the answer's calls it belongs to, from 0, in order.
    pub index: u32,
    /// The call's id, in its first piece, where the provider gives one.
    pub id: Option<String>,
    /// The tool's name, in its first piece.
    pub name: Option<String>,
    /// The next characters of the arguments (JSON), maybe none.
    pub arguments: String,
}

/// One event of a stream, or a whole body, as the provider wrote it.
#[derive(Clone, PartialEq, Eq)]
pub enum Verbatim {
    /// An event of a stream.
    Event {
        /// The event's name, where it has one.
        name: Option<String>,
        /// Its data.
        data: String,
    },
    /// An answer in one piece.
    Body(Vec<u8>),
}

impl fmt::Debug for CallPiece {
    /// The arguments may be a customer's words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "CallPiece {}, {} bytes",
            self.index,
            self.arguments.len()
        )
    }
}

impl fmt::Debug for Verbatim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event { data, .. } => write!(f, "an event of {} bytes", data.len()),
            Self::Body(body) => write!(f, "a body of {} bytes", body.len()),
        }
    }
}
