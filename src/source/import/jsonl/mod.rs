//! Tickets in JSON Lines, the desk's own schema: what `deskhand export` writes.

mod line;
mod read;
mod write;

use std::{
    io::{self, BufRead},
    path::Path,
};

use jiff::Timestamp;

use super::entry::{Entry, rejected};

pub use write::write;

/// A line may be this long: a ticket with all its mail.
const LONGEST_LINE: u64 = 1 << 30;

/// Returns what the lines of a file hold, one after the other.
pub(super) fn entries<R: BufRead + Send + 'static>(
    reader: R,
    path: &Path,
    source: Option<String>,
    at: Timestamp,
) -> impl Iterator<Item = Entry> + Send + use<R> {
    let name = path.display().to_string();
    Lines::new(reader).flat_map(move |(no, line)| {
        let place = format!("{name}#{no}");
        match line {
            Ok(line) if line.trim().is_empty() => Vec::new(),
            Ok(line) => read::read(
                line.trim_start_matches('\u{feff}'),
                &place,
                source.as_deref(),
                at,
            ),
            Err(reason) => vec![rejected(place, reason)],
        }
    })
}

/// Lines with their numbers; one that is too long or no UTF-8 is passed over.
pub(super) struct Lines<R> {
    reader: R,
    no: u64,
    is_over: bool,
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = (u64, Result<String, String>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        self.no += 1;
        let mut bytes = Vec::new();
        let line = match self.read(&mut bytes) {
            Ok(0) => return None,
            Ok(length) if length > LONGEST_LINE => {
                self.is_over = self.skip().is_err();
                Err("its line is longer than 1 GiB".to_owned())
            }
            Ok(_) => String::from_utf8(bytes).map_err(|_| "it is no UTF-8".to_owned()),
            Err(error) => {
                self.is_over = true;
                Err(format!("it cannot be read: {error}"))
            }
        };
        Some((self.no, line))
    }
}

impl<R: BufRead> Lines<R> {
    pub(super) const fn new(reader: R) -> Self {
        Self {
            reader,
            no: 0,
            is_over: false,
        }
    }

    fn read(&mut self, bytes: &mut Vec<u8>) -> io::Result<u64> {
        let mut limited = io::Read::take(&mut self.reader, LONGEST_LINE + 1);
        let length = limited.read_until(b'\n', bytes)?;
        Ok(u64::try_from(length).unwrap_or(u64::MAX))
    }

    /// Passes over the rest of a line.
    fn skip(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Ok(());
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(buffer.len(), |end| end + 1);
            self.reader.consume(length);
            if end.is_some() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests;
