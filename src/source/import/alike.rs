//! What a message is known by whose system gives it no name: what the export states of it, and
//! which of several that state the same it is. The time of the import is never part of it.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::case::Said;
use crate::domain::{Direction, MessageKind};

/// Counts messages of one reading that nothing tells apart: each of them is one.
#[derive(Default)]
pub(super) struct Alike {
    seen: HashMap<[u8; 32], u32>,
    rows: HashMap<[u8; 32], u32>,
}

impl Alike {
    /// Returns the digest of a message of the ticket that `source` calls `ticket`; `text` is what
    /// it says, cleaned.
    pub(super) fn digest(
        &mut self,
        (source, ticket): (&str, &str),
        said: &Said,
        text: &str,
    ) -> String {
        let kind = match said.kind {
            MessageKind::Public => "public",
            MessageKind::Internal => "internal",
            MessageKind::System => "system",
        };
        let direction = match said.direction {
            Direction::In => "in",
            Direction::Out => "out",
        };
        let author = author(said);
        let sent_at = said.sent_at.map(|at| at.as_microsecond().to_string());
        let sent_at = sent_at.unwrap_or_default();
        // What the system calls it, and what it says: two tickets never share a message.
        let digest = of_parts([
            source, ticket, &said.id, kind, direction, &author, &sent_at, text,
        ]);
        // What has a name is that, however often it is told.
        if said.id.is_empty() && said.message_id.is_none() {
            return counted(&mut self.seen, digest);
        }
        format!("{:x}", digest.finalize())
    }

    /// Returns the digest of a row of a table about such a ticket: of what stands there, in whichever
    /// way it is read.
    pub(super) fn row(&mut self, (source, ticket): (&str, &str), cells: &[String]) -> String {
        let cells = cells.iter().map(String::as_str);
        let digest = of_parts([source, ticket].into_iter().chain(cells));
        counted(&mut self.rows, digest)
    }
}

/// Begins a digest of parts, of which none can pass for two.
fn of_parts<'a>(parts: impl IntoIterator<Item = &'a str>) -> Sha256 {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    digest
}

/// Ends a digest with which of those it is that are alike.
fn counted(seen: &mut HashMap<[u8; 32], u32>, mut digest: Sha256) -> String {
    let so_far: [u8; 32] = digest.clone().finalize().into();
    let seen = seen.entry(so_far).or_default();
    digest.update(seen.to_be_bytes());
    *seen += 1;
    format!("{:x}", digest.finalize())
}

/// Who wrote it: the address, as people change how they are called; else the name.
fn author(said: &Said) -> String {
    let address = said.from.address.trim().to_lowercase();
    if address.is_empty() {
        said.from.name.clone().unwrap_or_default()
    } else {
        address
    }
}
