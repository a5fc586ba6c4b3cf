//! Receipts as CSV: one line each, for a spreadsheet.
//!
//! Names and words come from outside. A field that a spreadsheet would take for a formula gets an
//! apostrophe before it; control and bidi characters become spaces.

use crate::{domain::Receipt, text::clean::clean_line};

const HEAD: [&str; 17] = [
    "id",
    "began",
    "ended",
    "ticket",
    "task",
    "agent",
    "ending",
    "fallback_used",
    "first_tried",
    "answered_by",
    "attempts",
    "failures",
    "tokens_in",
    "tokens_out",
    "cost_usd",
    "cost_at_most",
    "first_choice_cost_usd",
];

/// Returns the line of names.
pub fn head() -> String {
    HEAD.join(",")
}

/// Returns the line of a receipt. What is not known is empty, never 0.
pub fn line(receipt: &Receipt) -> String {
    let answer = receipt.answer();
    let number = |count: Option<u64>| count.map_or_else(String::new, |count| count.to_string());
    let failures: Vec<String> = receipt
        .attempts
        .iter()
        .filter_map(|attempt| Some(format!("{} {}", attempt.link, attempt.class?.word())))
        .collect();
    let fields = [
        receipt.id.to_string(),
        receipt.began.to_string(),
        receipt.ended.to_string(),
        receipt
            .ticket_number
            .map_or_else(String::new, |ticket| ticket.to_string()),
        receipt.task.word().to_owned(),
        receipt.agent.clone(),
        receipt.ending.word().to_owned(),
        receipt.is_fallback().to_string(),
        receipt
            .attempts
            .first()
            .map_or_else(String::new, |first| first.link.to_string()),
        answer.map_or_else(String::new, |answer| answer.link.to_string()),
        receipt.attempts.len().to_string(),
        failures.join("; "),
        number(answer.and_then(|answer| answer.usage.tokens_in)),
        number(answer.and_then(|answer| answer.usage.tokens_out)),
        receipt.cost().amount().to_string(),
        receipt.cost().is_at_most().to_string(),
        receipt
            .first_choice_cost
            .map_or_else(String::new, |usd| usd.to_string()),
    ];
    let fields: Vec<String> = fields.iter().map(|field| safe(field)).collect();
    fields.join(",")
}

/// Writes a field so that it is one field, and text.
fn safe(field: &str) -> String {
    let mut text = clean_line(field);
    if text.starts_with(['=', '+', '-', '@', '\t']) {
        text.insert(0, '\'');
    }
    if text.contains([',', '"', '\n', '\r', ';']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_one_field_and_no_formula() {
        for (field, written) in [
            ("plain", "plain"),
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=cmd|' /C calc'!A0,x", "\"'=cmd|' /C calc'!A0,x\""),
        ] {
            assert_eq!(safe(field), written);
        }
        assert!(!safe("a\u{1b}[31mb\u{202e}").contains(['\u{1b}', '\u{202e}']));
    }
}
