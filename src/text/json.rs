//! JSON made safe to show: what JSON would let through to a terminal becomes an escape.

/// Escapes control and direction characters, line and paragraph separators, the byte order mark
/// and tags in serialized JSON: they stand in strings only, where `\u` may.
pub fn escaped(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unsafe(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let escape = format!("\\u{unit:04x}");
                safe.push_str(&escape);
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

const fn is_unsafe(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn json_lets_no_control_or_bidi_character_through() {
        let foreign = "a\u{1b}[31m\u{9b}b\u{202e}c\u{2028}d\u{7f}\u{feff}\u{e0041}\né";

        let json = escaped(&Value::from(foreign).to_string());

        assert!(json.chars().all(|c| !is_unsafe(c)), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), foreign);
    }
}
