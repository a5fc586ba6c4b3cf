//! A table's text to its rows (RFC 4180, with any separator). What breaks the rules costs its own
//! row: reading goes on at the next line.

/// Separators that are tried: those first that stand less often in names.
const SEPARATORS: [u8; 4] = [b'\t', b';', b'|', b','];
/// So many rows say which separator it is.
const LOOK_ROWS: usize = 10;

/// One row: the line it begins on, and its fields or why it has none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) fields: Result<Vec<Vec<u8>>, &'static str>,
}

/// The rows of a table.
pub(super) struct Rows<T> {
    text: T,
    at: usize,
    line: u64,
    separator: u8,
}

impl<T: AsRef<[u8]>> Rows<T> {
    pub(super) const fn new(text: T, separator: u8) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
            separator,
        }
    }

    /// Goes on at another place, and counts the lines between.
    fn go_to(&mut self, to: usize) {
        let text = self.text.as_ref();
        let passed = text.get(self.at..to).unwrap_or_default();
        let mut lines = 0;
        let mut before = 0;
        for byte in passed {
            lines += u64::from(*byte == b'\n' && before != b'\r' || *byte == b'\r');
            before = *byte;
        }
        self.line += lines;
        self.at = to;
    }
}

impl<T: AsRef<[u8]>> Iterator for Rows<T> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        loop {
            let text = self.text.as_ref();
            let rest = text.get(self.at..).filter(|rest| !rest.is_empty())?;
            let blank = rest
                .iter()
                .take_while(|byte| matches!(byte, b'\r' | b'\n'))
                .count();
            if blank == 0 {
                break;
            }
            self.go_to(self.at + blank);
        }
        let line = self.line;
        let (fields, end) = match row(self.text.as_ref(), self.at, self.separator) {
            Ok((fields, end)) => (Ok(fields), end),
            Err(reason) => (Err(reason), line_end(self.text.as_ref(), self.at)),
        };
        self.go_to(end);
        Some(Row { line, fields })
    }
}

type Fields = (Vec<Vec<u8>>, usize);

/// Reads the row that begins at a place; returns where the next one begins.
fn row(text: &[u8], from: usize, separator: u8) -> Result<Fields, &'static str> {
    let mut fields = Vec::new();
    let mut at = from;
    loop {
        let (field, end) = if text.get(at) == Some(&b'"') {
            quoted(text, at + 1)?
        } else {
            let rest = text.get(at..).unwrap_or_default();
            let ends = |byte: &u8| *byte == separator || matches!(byte, b'\r' | b'\n');
            let length = rest.iter().position(ends).unwrap_or(rest.len());
            (rest.get(..length).unwrap_or_default().to_vec(), at + length)
        };
        fields.push(field);
        match text.get(end) {
            Some(byte) if *byte == separator => at = end + 1,
            Some(b'\r') if text.get(end + 1) == Some(&b'\n') => return Ok((fields, end + 2)),
            Some(b'\r' | b'\n') => return Ok((fields, end + 1)),
            Some(_) => return Err("text follows a closing quote in it"),
            None => return Ok((fields, end)),
        }
    }
}

/// Reads a quoted field behind its first quote; two quotes are one.
fn quoted(text: &[u8], from: usize) -> Result<(Vec<u8>, usize), &'static str> {
    let mut field = Vec::new();
    let mut at = from;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|byte| *byte == b'"')
            .ok_or("a quote in it is never closed")?;
        field.extend_from_slice(rest.get(..length).unwrap_or_default());
        at += length + 1;
        if text.get(at) != Some(&b'"') {
            return Ok((field, at));
        }
        field.push(b'"');
        at += 1;
    }
}

fn line_end(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let length = rest.iter().position(|byte| *byte == b'\n');
    length.map_or(text.len(), |length| from + length + 1)
}

/// Guesses what stands between fields: that which makes the most columns of the same number.
pub(super) fn separator(text: &[u8]) -> u8 {
    let columns = |separator: u8| {
        let rows: Vec<usize> = Rows::new(text, separator)
            .take(LOOK_ROWS)
            .filter_map(|row| row.fields.ok())
            .map(|fields| fields.len())
            .collect();
        let head = rows.first().copied().unwrap_or(0);
        let alike = rows.iter().filter(|count| **count == head).count();
        if head > 1 && alike * 2 > rows.len() {
            head
        } else {
            0
        }
    };
    let mut best = (0, b',');
    for separator in SEPARATORS {
        let found = columns(separator);
        if found > best.0 {
            best = (found, separator);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, Result<Vec<String>, &'static str>)> {
        let words = |fields: Vec<Vec<u8>>| -> Vec<String> {
            fields
                .into_iter()
                .map(|field| String::from_utf8(field).unwrap())
                .collect()
        };
        Rows::new(text.as_bytes(), b',')
            .map(|row| (row.line, row.fields.map(words)))
            .collect()
    }

    fn fields(fields: &[&str]) -> Vec<String> {
        fields.iter().map(|&field| field.to_owned()).collect()
    }

    #[test]
    fn fields_may_hold_separators_quotes_and_lines() {
        let text = "id,body\r\n1,\"a, \"\"b\"\"\nc\"\r\n\r\n2,x=\"y\"\n3,\"\"";

        assert_eq!(
            read(text),
            [
                (1, Ok(fields(&["id", "body"]))),
                (2, Ok(fields(&["1", "a, \"b\"\nc"]))),
                (5, Ok(fields(&["2", "x=\"y\""]))),
                (6, Ok(fields(&["3", ""]))),
            ]
        );
    }

    #[test]
    fn a_broken_row_costs_itself_only() {
        let text = "1,\"a\" b\n2,fine\n3,\"open\n4,fine\n";

        assert_eq!(
            read(text),
            [
                (1, Err("text follows a closing quote in it")),
                (2, Ok(fields(&["2", "fine"]))),
                (3, Err("a quote in it is never closed")),
                (4, Ok(fields(&["4", "fine"]))),
            ]
        );
    }

    #[test]
    fn the_separator_is_that_which_makes_columns() {
        for (text, expected) in [
            ("id,body\n1,a;b\n", b','),
            ("id;body;x\n1;a,b;c\n", b';'),
            ("id\tbody, or more\n1\tx, y\n", b'\t'),
            ("just one\ncolumn\n", b','),
        ] {
            assert_eq!(separator(text.as_bytes()), expected, "{text}");
        }
    }
}
