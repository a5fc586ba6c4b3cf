//! Tables: one row is one message of a ticket, or one ticket. How letters are written, what stands
//! between fields and which column holds what is guessed; a person may say otherwise.

mod cells;
mod charset;
mod days;
mod guess;
mod names;
mod rows;

use std::{
    io::{self, Read as _},
    path::Path,
};

use jiff::Timestamp;

use self::{
    cells::{Cells, lasting},
    charset::Charset,
    rows::{Row, Rows, separator},
};
use super::{
    alike::Alike,
    case::Case,
    entry::{Entry, Sieve, rejected},
    kind::regular,
};
use crate::{
    domain::{Because, Column, DayOrder, Field, TableLook},
    text::clean::clean_line,
};

pub use guess::Said;

/// Where tickets of a table come from, if nobody says it.
const SOURCE: &str = "csv";
/// Larger tables are to be split.
const LARGEST: u64 = 2 << 30;
/// So many rows are shown, and so many more are looked at to tell columns.
const SHOWN: usize = 5;
const LOOKED_AT: usize = 50;
/// Messages of a ticket that follow one another are filed together up to this many.
const TOGETHER: usize = 200;
/// A cell of the preview is not longer.
const CELL: usize = 200;

/// What a person says of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// What columns hold, by their names.
    pub columns: Vec<Said>,
    /// How its letters are written: a label such as `latin1`.
    pub encoding: Option<String>,
    /// What stands between fields.
    pub separator: Option<char>,
    /// Which number comes first in dates such as `01/02/2024`.
    pub dates: Option<DayOrder>,
}

/// Tells whether the beginning of a file is that of a table: its first row names columns that
/// tickets have.
pub(super) fn is_table(beginning: &[u8]) -> bool {
    let text = Charset::guess(beginning).to_utf8(beginning);
    let separator = separator(&text);
    let Some(Ok(head)) = Rows::new(&*text, separator).next().map(|row| row.fields) else {
        return false;
    };
    let names: Vec<String> = head.into_iter().map(lossy).collect();
    let known: Vec<Field> = names.iter().filter_map(|name| names::usual(name)).collect();
    let is_short = |name: &String| name.len() <= 60 && !name.contains('\n');
    names.len() > 1
        && names.iter().all(is_short)
        && known.len() > 1
        && known.iter().any(|field| {
            matches!(
                field,
                Field::TicketId | Field::Subject | Field::Body | Field::RequesterEmail
            )
        })
}

/// A table that was opened: its text, and what is in it.
struct Opened {
    text: Vec<u8>,
    head_line: u64,
    look: TableLook,
}

/// Looks at a table without taking anything: the columns, the encoding, and the first rows.
pub fn look(path: &Path, said: &Table) -> Result<TableLook, String> {
    open(path, said).map(|opened| opened.look)
}

fn open(path: &Path, said: &Table) -> Result<Opened, String> {
    let bytes = read(path).map_err(|why| super::walk::error_words(&why))?;
    let charset = match &said.encoding {
        Some(label) => Charset::named(label, &bytes)
            .ok_or_else(|| format!("there is no encoding `{}`", clean_line(label)))?,
        None => Charset::guess(&bytes),
    };
    let text = charset.to_utf8(&bytes).into_owned();
    let between = match said.separator {
        Some(separator) => u8::try_from(separator)
            .ok()
            .filter(u8::is_ascii)
            .ok_or("a separator must be one ASCII character")?,
        None => separator(&text),
    };
    let mut rows = Rows::new(&*text, between);
    let head = rows.next().ok_or("it is empty")?;
    let names: Vec<String> = head.fields?.into_iter().map(lossy).collect();
    let looked_at: Vec<Vec<String>> = rows
        .take(LOOKED_AT)
        .filter_map(|row| row.fields.ok())
        .map(|fields| fields.into_iter().map(lossy).collect())
        .collect();
    let columns = guess::columns(&names, &looked_at, &said.columns)?;
    let all = Rows::new(&*text, between).skip(1);
    let (days, warnings) = days::days(&columns, all, said.dates);
    let short = |cell: String| clean_line(&cell).chars().take(CELL).collect();
    let shown = looked_at
        .into_iter()
        .take(SHOWN)
        .map(|row| row.into_iter().map(short).collect());
    let look = TableLook {
        path: path.display().to_string(),
        encoding: charset.name().to_owned(),
        is_encoding_said: said.encoding.is_some(),
        sample: charset::sample(&text).as_deref().map(clean_line),
        separator: char::from(between),
        rows: shown.collect(),
        columns,
        days,
        warnings,
    };
    Ok(Opened {
        head_line: head.line,
        text,
        look,
    })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = regular(path)?;
    if file.metadata()?.len() > LARGEST {
        let why = "it is larger than 2 GiB; split it into several";
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns what the rows of a table hold, one ticket after the other.
pub(super) fn entries(
    path: &Path,
    said: &Table,
    source: Option<&str>,
    at: Timestamp,
) -> Box<dyn Iterator<Item = Entry> + Send> {
    let name = path.display().to_string();
    let refuse = |reason| {
        Box::new(std::iter::once(rejected(
            path.display().to_string(),
            reason,
        )))
    };
    let opened = match open(path, said) {
        Ok(opened) => opened,
        Err(reason) => return refuse(reason),
    };
    let columns = opened.look.columns;
    if !columns
        .iter()
        .any(|column| column.field == Some(Field::TicketId))
    {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        return refuse(format!(
            "no column is known to hold the ticket's id; say which with --map COLUMN=ticket_id. \
             Its columns: {}",
            names.join(", ")
        ));
    }
    let warnings = opened.look.warnings.into_iter().map(Entry::Warning);
    let notes: Vec<Entry> = warnings.chain(left_out(&columns)).collect();
    let separator = u8::try_from(opened.look.separator).unwrap_or(b',');
    let reader = Reader {
        rows: Rows::new(opened.text, separator),
        name,
        head_line: opened.head_line,
        lasting: lasting(&columns),
        columns,
        days: opened.look.days.order,
        source: source.unwrap_or(SOURCE).to_owned(),
        at,
        waiting: None,
        alike: Alike::default(),
    };
    Box::new(notes.into_iter().chain(reader.flatten()))
}

/// Says which columns have no place here.
fn left_out(columns: &[Column]) -> Vec<Entry> {
    let mut sieve = Sieve::new("");
    for column in columns {
        if column.because == Because::Unknown {
            sieve.unmapped("column", &column.name, "left out");
        }
    }
    sieve.into_entries()
}

/// Reads rows; those of one ticket that follow one another come as one.
struct Reader {
    rows: Rows<Vec<u8>>,
    name: String,
    head_line: u64,
    columns: Vec<Column>,
    /// Which of them tell rows apart.
    lasting: Vec<bool>,
    days: Option<DayOrder>,
    source: String,
    at: Timestamp,
    /// The ticket that goes on, and the line it began on.
    waiting: Option<(Case, u64)>,
    alike: Alike,
}

impl Iterator for Reader {
    type Item = Vec<Entry>;

    fn next(&mut self) -> Option<Vec<Entry>> {
        let Some(row) = self.rows.next() else {
            let (case, line) = self.waiting.take()?;
            return Some(self.done(case, line));
        };
        if row.line == self.head_line {
            return Some(Vec::new());
        }
        let mut sieve = Sieve::new(&self.place(row.line));
        let line = row.line;
        let case = match self.case(row, &mut sieve) {
            Ok(case) => case,
            Err(reason) => {
                sieve.reject("", reason);
                return Some(sieve.into_entries());
            }
        };
        let mut entries = sieve.into_entries();
        match &mut self.waiting {
            Some((waiting, _)) if waiting.id == case.id && waiting.said.len() < TOGETHER => {
                waiting.said.extend(case.said);
                waiting.updated_at = waiting.updated_at.max(case.updated_at);
            }
            waiting => {
                let before = waiting.replace((case, line));
                if let Some((case, line)) = before {
                    entries.extend(self.done(case, line));
                }
            }
        }
        Some(entries)
    }
}

impl Reader {
    fn place(&self, line: u64) -> String {
        format!("{}#{line}", self.name)
    }

    fn done(&mut self, case: Case, line: u64) -> Vec<Entry> {
        let mut sieve = Sieve::new(&self.place(line));
        match case.into_record_among(&mut self.alike, self.at) {
            Ok(record) => sieve.ticket(record),
            Err(reason) => sieve.reject("", reason),
        }
        sieve.into_entries()
    }

    fn case(&self, row: Row, sieve: &mut Sieve) -> Result<Case, String> {
        let fields = row.fields?;
        let (has, wants) = (fields.len(), self.columns.len());
        if has != wants {
            return Err(format!(
                "it has {has} fields, and the first row has {wants}"
            ));
        }
        let texts: Result<Vec<String>, _> = fields.into_iter().map(String::from_utf8).collect();
        let texts = texts.map_err(|_| {
            "it holds bytes that are no UTF-8, as the rest of the file is".to_owned()
        })?;
        let cells = Cells {
            columns: &self.columns,
            lasting: &self.lasting,
            days: self.days,
            texts,
        };
        cells.case(&self.source, sieve)
    }
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
