//! JSON of other systems: whole documents, lists, or one object per line; read without trusting
//! any of it to have the right shape.

use std::{
    io::{self, BufReader, Read as _},
    path::Path,
};

use jiff::Timestamp;
use serde_json::Value;

use super::{dates, jsonl::Lines, kind::regular, walk::error_words};

/// Larger documents are to be exported in parts, or one object per line.
const LARGEST: u64 = 1 << 30;

/// One object of an export, or why it is none; and its place in the file.
pub(super) type Item = (usize, Result<Value, String>);

/// Reads a whole document.
pub(super) fn document(path: &Path) -> Result<Value, String> {
    let mut file = regular(path).map_err(|why| error_words(&why))?;
    let length = file.metadata().map_err(|why| error_words(&why))?.len();
    if length > LARGEST {
        return Err("it is larger than 1 GiB; export it in parts".to_owned());
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .map_err(|why| error_words(&why))?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    serde_json::from_slice(text).map_err(|why| format!("it is no JSON: {why}"))
}

/// Returns the objects of a file: those of the list under one of the keys, those of a list, or
/// those that stand one on each line.
pub(super) fn items(
    path: &Path,
    keys: &'static [&'static str],
) -> Result<Box<dyn Iterator<Item = Item> + Send>, String> {
    if is_lines(path, keys).map_err(|why| error_words(&why))? {
        let file = regular(path).map_err(|why| error_words(&why))?;
        let lines = Lines::new(BufReader::with_capacity(1 << 16, file));
        let read = lines.filter_map(|(no, line)| {
            let value = match line {
                Ok(line) if line.trim().is_empty() => return None,
                Ok(line) => serde_json::from_str(line.trim_start_matches('\u{feff}'))
                    .map_err(|why| format!("it is no JSON: {why}")),
                Err(reason) => Err(reason),
            };
            Some((usize::try_from(no).unwrap_or(usize::MAX), value))
        });
        return Ok(Box::new(read));
    }
    let all = list(document(path)?, keys);
    let all = all.into_iter().enumerate();
    Ok(Box::new(all.map(|(place, value)| (place + 1, Ok(value)))))
}

/// Tells whether the first line of a file is an object of its own.
fn is_lines(path: &Path, keys: &[&str]) -> io::Result<bool> {
    let mut lines = Lines::new(BufReader::new(regular(path)?));
    let (Some((_, Ok(first))), Some(_)) = (lines.next(), lines.next()) else {
        return Ok(false);
    };
    let value = serde_json::from_str::<Value>(first.trim_start_matches('\u{feff}'));
    Ok(value
        .is_ok_and(|value| value.is_object() && keys.iter().all(|key| value.get(key).is_none())))
}

/// Returns the list under one of the keys, however deep the keys stand in one another.
pub(super) fn list(value: Value, keys: &[&str]) -> Vec<Value> {
    match value {
        Value::Array(all) => all,
        Value::Object(mut fields) => {
            let found = keys.iter().find_map(|key| fields.remove(*key));
            match found {
                Some(inner) => list(inner, keys),
                None => vec![Value::Object(fields)],
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// Returns a text, or a number as text; nothing for what is empty.
pub(super) fn text(value: &Value, path: &str) -> Option<String> {
    match value.pointer(path)? {
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Returns the elements of a list; none where there is none.
pub(super) fn each<'v>(value: &'v Value, path: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    let list = value.pointer(path).and_then(Value::as_array);
    list.into_iter().flatten()
}

/// Returns the texts of a list.
pub(super) fn texts(value: &Value, path: &str) -> Vec<String> {
    each(value, path)
        .filter_map(|value| text(value, ""))
        .collect()
}

/// Reads a date; none where there is none, and words where it is no date.
pub(super) fn date(value: &Value, path: &str) -> Result<Option<Timestamp>, String> {
    let Some(text) = text(value, path) else {
        return Ok(None);
    };
    let whole = text.split('.').next().unwrap_or_default();
    let read = dates::date(&text, None).or_else(|| dates::date(whole, None));
    let short: String = text.chars().take(40).collect();
    let name = path.trim_start_matches('/');
    read.map(Some)
        .ok_or_else(|| format!("its {name} `{short}` is no date"))
}

/// Tells whether something stands there that says anything.
pub(super) fn is_said(value: &Value, path: &str) -> bool {
    match value.pointer(path) {
        None | Some(Value::Null | Value::Bool(_)) => false,
        Some(Value::String(text)) => !text.trim().is_empty(),
        Some(Value::Array(all)) => !all.is_empty(),
        Some(Value::Object(fields)) => !fields.is_empty(),
        Some(Value::Number(_)) => true,
    }
}
