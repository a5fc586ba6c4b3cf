//! Takes secrets out of text before a model sees it: card numbers, bank accounts, keys.

/// Text without its secrets, and what was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redacted {
    /// The text; a mark like `[card number]` stands where a secret was.
    pub text: String,
    /// What was taken, for people: `1 card number`, `2 API keys`.
    pub taken: Vec<String>,
}

/// What can be taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Secret {
    Card,
    Iban,
    Key,
}

/// The marks that stand where a secret was.
pub const MARKS: [&str; 3] = ["[card number]", "[bank account]", "[API key]"];

const SECRETS: [Secret; 3] = [Secret::Card, Secret::Iban, Secret::Key];

impl Secret {
    const fn mark(self) -> &'static str {
        match self {
            Self::Card => "[card number]",
            Self::Iban => "[bank account]",
            Self::Key => "[API key]",
        }
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Card => ("card number", "card numbers"),
            Self::Iban => ("bank account", "bank accounts"),
            Self::Key => ("API key", "API keys"),
        }
    }
}

/// How keys begin, and how many characters must follow.
const KEY_PREFIXES: [(&str, usize); 16] = [
    ("sk-", 16),
    ("sk_live_", 16),
    ("sk_test_", 16),
    ("rk_live_", 16),
    ("pk_live_", 16),
    ("AKIA", 16),
    ("ASIA", 16),
    ("ghp_", 20),
    ("gho_", 20),
    ("ghs_", 20),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("xoxb-", 16),
    ("xoxp-", 16),
    ("AIza", 30),
    ("hf_", 20),
];

/// Returns `text` with card numbers (checked by Luhn), IBANs (checked by their digits) and API
/// keys replaced by marks.
pub fn redact(text: &str) -> Redacted {
    let mut out = String::with_capacity(text.len());
    let mut counts = [0_usize; 3];
    let mut rest = text;
    let mut before: Option<char> = None;
    while let Some(c) = rest.chars().next() {
        let begins = before.is_none_or(|b| !b.is_alphanumeric());
        let found = if begins && c.is_ascii_alphanumeric() {
            secret_at(rest)
        } else {
            None
        };
        let taken = if let Some((secret, length)) = found {
            out.push_str(secret.mark());
            if let Some((_, count)) = SECRETS.iter().zip(&mut counts).find(|(s, _)| **s == secret) {
                *count += 1;
            }
            before = None;
            length
        } else {
            out.push(c);
            before = Some(c);
            c.len_utf8()
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    let taken = SECRETS
        .iter()
        .zip(counts)
        .filter(|(_, count)| *count > 0)
        .map(|(secret, count)| {
            let (one, many) = secret.words();
            format!("{count} {}", if count == 1 { one } else { many })
        })
        .collect();
    Redacted { text: out, taken }
}

/// Returns the secret that begins here, and its length in bytes.
fn secret_at(rest: &str) -> Option<(Secret, usize)> {
    key_at(rest)
        .map(|length| (Secret::Key, length))
        .or_else(|| iban_at(rest).map(|length| (Secret::Iban, length)))
        .or_else(|| card_at(rest).map(|length| (Secret::Card, length)))
}

fn key_at(rest: &str) -> Option<usize> {
    KEY_PREFIXES.iter().find_map(|(prefix, least)| {
        let tail = rest.strip_prefix(prefix)?;
        let length = tail
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            .count();
        (length >= *least).then_some(prefix.len() + length)
    })
}

/// A country, two check digits, 11 to 30 letters and digits, in groups or not (ISO 13616).
fn iban_at(rest: &str) -> Option<usize> {
    let mut plain = Vec::new();
    let mut best = None;
    let mut bytes = rest.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' => plain.push(byte),
            b' ' if plain.len() >= 4 && plain.len() % 4 == 0 => continue,
            _ => break,
        }
        let fits = match plain.len() {
            1 | 2 => byte.is_ascii_uppercase(),
            3 | 4 => byte.is_ascii_digit(),
            length => length <= 34,
        };
        if !fits {
            break;
        }
        let ends = bytes
            .peek()
            .is_none_or(|(_, next)| !next.is_ascii_alphanumeric());
        if ends && plain.len() >= 15 && is_iban(&plain) {
            best = Some(at + 1);
        }
    }
    best
}

fn is_iban(plain: &[u8]) -> bool {
    let Some((head, tail)) = plain.split_at_checked(4) else {
        return false;
    };
    let sum = tail.iter().chain(head).fold(0_u32, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        _ => (sum * 100 + u32::from(byte.saturating_sub(b'A')) + 10) % 97,
    });
    sum == 1
}

/// 13 to 19 digits, single blanks or dashes between them, right by Luhn.
fn card_at(rest: &str) -> Option<usize> {
    let mut digits = Vec::new();
    let mut end = 0;
    let mut after_gap = true;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'0'..=b'9' => {
                digits.push(byte - b'0');
                end = at + 1;
                after_gap = false;
            }
            b' ' | b'-' if !after_gap => after_gap = true,
            b'a'..=b'z' | b'A'..=b'Z' if !after_gap => return None,
            _ => break,
        }
        if digits.len() > 19 {
            return None;
        }
    }
    let is_card = has_card_length(&digits) && is_luhn(&digits);
    is_card.then_some(end)
}

/// Each brand has its first digits and its lengths (ISO/IEC 7812).
fn has_card_length(digits: &[u8]) -> bool {
    match *digits {
        [3, 4 | 7, ..] => digits.len() == 15,
        [3, 0 | 6 | 8, ..] => digits.len() == 14,
        [4, ..] => matches!(digits.len(), 13 | 16 | 19),
        [3, 5, ..] | [2 | 5, ..] => digits.len() == 16,
        [6, ..] => (16..=19).contains(&digits.len()),
        _ => false,
    }
}

fn is_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| match (place % 2, u32::from(digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_are_taken_and_counted() {
        let redacted = redact(
            "Card 4111 1111 1111 1111 or 5500-0000-0000-0004, IBAN DE89 3704 0044 0532 0130 00, \
             key sk-abcdefghijklmnop1234 and AKIAIOSFODNN7EXAMPLE.",
        );

        assert_eq!(
            redacted.text,
            "Card [card number] or [card number], IBAN [bank account], key [API key] and [API key]."
        );
        assert_eq!(
            redacted.taken,
            ["2 card numbers", "1 bank account", "2 API keys"]
        );
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "Order 4111 1111 1111 1112 of 2026-11-20",
            "call +49 30 901820 or 0800 123 4567",
            "sk-short, task-force, DE89 3704 0044 0532 0131 00",
            "tracking 1Z999AA10123456784",
        ] {
            assert_eq!(
                redact(text),
                Redacted {
                    text: text.to_owned(),
                    taken: Vec::new()
                }
            );
        }
    }

    proptest! {
        #[test]
        fn it_never_panics_and_is_done_at_once(text in "[ -~]{0,80}|\\PC{0,40}|[0-9 -]{0,60}") {
            let once = redact(&text);
            prop_assert_eq!(redact(&once.text).text, once.text);
        }
    }
}
