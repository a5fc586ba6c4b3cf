//! Numbers, amounts and times as a file writes them.

use std::time::Duration;

use toml::de::DeValue;

use super::reader::Value;
use crate::domain::Usd;

/// Returns a whole number that is not negative.
pub(super) fn whole(value: &Value<'_>) -> Option<u64> {
    let integer = value.get_ref().as_integer()?;
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// Returns an amount exactly as it was written, without a detour over binary fractions.
pub(super) fn amount(value: &Value<'_>) -> Option<Usd> {
    let written = match value.get_ref() {
        DeValue::String(text) => text.as_ref().to_owned(),
        DeValue::Float(float) => float.as_str().to_owned(),
        DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str().to_owned(),
        DeValue::Integer(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => return None,
    };
    written.trim_start_matches('+').parse().ok()
}

/// Returns a time: `"1.5s"`, `"300ms"`, `"2m"`, or a number of seconds.
pub(super) fn duration(value: &Value<'_>) -> Option<Duration> {
    let written = match value.get_ref() {
        DeValue::String(text) => text.trim().to_owned(),
        DeValue::Float(float) => format!("{}s", float.as_str()),
        DeValue::Integer(integer) => format!("{}s", integer.as_str()),
        DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
            return None;
        }
    };
    let at = written.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = written.split_at_checked(at)?;
    let micros_per_unit: u64 = match unit {
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" | "min" => 60_000_000,
        _ => return None,
    };
    let (whole, part) = number
        .trim()
        .split_once('.')
        .unwrap_or((number.trim(), "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(part) || part.len() > 6 {
        return None;
    }
    let millionths: u64 = format!("{part:0<6}").parse().ok()?;
    let micros = whole
        .parse::<u64>()
        .ok()?
        .checked_mul(micros_per_unit)?
        .checked_add(millionths.checked_mul(micros_per_unit)? / 1_000_000)?;
    Some(Duration::from_micros(micros))
}
