//! Which column holds what? Its name says it, or what stands in it; a person has the last word.

use super::{super::dates, names::usual};
use crate::{
    domain::{Because, Column, Field},
    text::clean::clean_line,
};

/// A text this long on average is what somebody wrote.
const LONG: usize = 40;

/// What a person says of a column: what it holds, or that it is left out.
pub type Said = (String, Option<Field>);

/// Guesses what the columns hold. The error names a column that a person spoke of and that is not
/// there, or a field that two columns were to hold.
pub(super) fn columns(
    head: &[String],
    rows: &[Vec<String>],
    said: &[Said],
) -> Result<Vec<Column>, String> {
    let mut columns: Vec<Column> = head
        .iter()
        .map(|name| Column {
            name: clean_line(name),
            field: None,
            because: Because::Unknown,
        })
        .collect();
    for (name, field) in said {
        say(&mut columns, name, *field)?;
    }
    for place in 0..columns.len() {
        let name = columns.get(place).map(|column| column.name.clone());
        let field = name.as_deref().and_then(usual);
        give(&mut columns, place, field, Because::Name);
    }
    for place in 0..columns.len() {
        let values: Vec<&str> = rows
            .iter()
            .filter_map(|row| row.get(place))
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
            .collect();
        let found = by_content(&values);
        let field = found.into_iter().find(|field| !has(&columns, *field));
        give(&mut columns, place, field, Because::Content);
    }
    Ok(columns)
}

/// Takes a person's word for a column, named or counted as `#3`.
fn say(columns: &mut [Column], name: &str, field: Option<Field>) -> Result<(), String> {
    let place = place(columns, name).ok_or_else(|| {
        let known: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        format!(
            "it has no column `{}`; it has {}",
            clean_line(name),
            known.join(", ")
        )
    })?;
    let twice = columns
        .iter()
        .position(|column| field.is_some() && column.field == field);
    if let (Some(twice), Some(field)) = (twice.filter(|twice| *twice != place), field) {
        let other = columns.get(twice).map_or("", |column| &column.name);
        return Err(format!("both `{other}` and `{name}` were to be {field}"));
    }
    if let Some(column) = columns.get_mut(place) {
        column.field = field;
        column.because = Because::Said;
    }
    Ok(())
}

fn place(columns: &[Column], name: &str) -> Option<usize> {
    let exactly = columns.iter().position(|column| column.name == name);
    let nearly = || {
        let wanted = name.to_lowercase();
        columns
            .iter()
            .position(|column| column.name.to_lowercase() == wanted)
    };
    let counted = || {
        let no: usize = name.strip_prefix('#')?.parse().ok()?;
        no.checked_sub(1).filter(|place| *place < columns.len())
    };
    exactly.or_else(nearly).or_else(counted)
}

/// Gives a field to a column that has none, once.
fn give(columns: &mut [Column], place: usize, field: Option<Field>, because: Because) {
    let Some(field) = field.filter(|field| !has(columns, *field)) else {
        return;
    };
    if let Some(column) = columns.get_mut(place)
        && column.because == Because::Unknown
    {
        column.field = Some(field);
        column.because = because;
    }
}

fn has(columns: &[Column], field: Field) -> bool {
    columns.iter().any(|column| column.field == Some(field))
}

/// Returns the fields that values may be of, the likeliest first.
fn by_content(values: &[&str]) -> Vec<Field> {
    if values.is_empty() {
        return Vec::new();
    }
    let most = |test: &dyn Fn(&str) -> bool| {
        values.iter().filter(|value| test(value)).count() * 5 >= values.len() * 3
    };
    let is_address = |value: &str| {
        let mut parts = value.trim_end_matches('>').rsplitn(2, '@');
        let domain = parts.next().unwrap_or_default();
        parts.next().is_some() && domain.contains('.') && !domain.contains(char::is_whitespace)
    };
    let long = values.iter().map(|value| value.len()).sum::<usize>() / values.len();
    if most(&is_address) && long < LONG * 2 {
        vec![Field::RequesterEmail, Field::AuthorEmail]
    } else if most(&dates::is_date) {
        vec![Field::CreatedAt, Field::SentAt, Field::UpdatedAt]
    } else if long >= LONG {
        vec![Field::Body]
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    fn fields(columns: &[Column]) -> Vec<(&'static str, Because)> {
        columns
            .iter()
            .map(|column| (column.field.map_or("-", Field::word), column.because))
            .collect()
    }

    #[test]
    fn names_and_contents_tell_columns() {
        let head = texts(&["Case Number", "Betreff", "Wer", "Wann", "Was", "Farbe"]);
        let rows = [texts(&[
            "17",
            "Spät",
            "maya@shop.example",
            "18.07.2024 12:30",
            "Mein Paket sollte am Montag kommen und ist noch nicht hier.",
            "blau",
        ])];

        let columns = columns(&head, &rows, &[]).unwrap();

        assert_eq!(
            fields(&columns),
            [
                ("ticket_id", Because::Name),
                ("subject", Because::Name),
                ("requester_email", Because::Content),
                ("created_at", Because::Content),
                ("body", Because::Content),
                ("-", Because::Unknown),
            ]
        );
    }

    #[test]
    fn a_person_has_the_last_word() {
        let head = texts(&["id", "ref", "text"]);
        let said = [
            ("REF".to_owned(), Some(Field::TicketId)),
            ("#3".to_owned(), None),
        ];

        let told = columns(&head, &[], &said).unwrap();

        assert_eq!(
            fields(&told),
            [
                ("-", Because::Unknown),
                ("ticket_id", Because::Said),
                ("-", Because::Said),
            ]
        );
        let unknown = [("colour".to_owned(), None)];
        assert_eq!(
            columns(&head, &[], &unknown).unwrap_err(),
            "it has no column `colour`; it has id, ref, text"
        );
    }
}
