//! Marks that a mail bears and that a desk may know again as its own: in the addresses it came
//! to, in its body, on its headers. Whether one is ours only the desk can tell.

use mail_parser::Message;

use crate::domain::Contact;

/// More than this no honest mail bears.
const MOST: usize = 20;

/// What a mail bears.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnMarks {
    /// The marks of addresses such as `support+dh-4812-...@acme.test`.
    pub in_addresses: Vec<String>,
    /// The marks of lines such as `Ref: dh-4812-...`.
    pub in_body: Vec<String>,
    /// The number of the last token in the subject, such as `[Acme #4812]`.
    pub in_subject: Option<i64>,
    /// The mark by which a desk knows mail that it sent itself.
    pub loop_mark: Option<String>,
    /// Whether its writer wants no automatic answer (`X-Auto-Response-Suppress`).
    pub wants_no_answer: bool,
    /// Whether the mail server took it for spam.
    pub is_spam: bool,
}

impl OwnMarks {
    pub(super) fn read(message: &Message<'_>, people: &[&[Contact]], body: &str) -> Self {
        let mut in_addresses: Vec<String> = people
            .iter()
            .flat_map(|people| people.iter())
            .filter_map(|person| of_address(&person.address))
            .collect();
        for header in ["Delivered-To", "X-Original-To"] {
            let value = message.header_raw(header).map(str::trim);
            in_addresses.extend(value.and_then(of_address));
        }
        in_addresses.truncate(MOST);
        Self {
            in_addresses,
            in_body: of_body(body),
            in_subject: of_subject(message.subject().unwrap_or_default()),
            loop_mark: message
                .header_raw("X-Deskhand-Loop")
                .map(|mark| mark.trim().to_owned()),
            wants_no_answer: message.header_raw("X-Auto-Response-Suppress").is_some(),
            is_spam: message
                .header_raw("X-Spam-Flag")
                .is_some_and(|flag| flag.trim().eq_ignore_ascii_case("yes")),
        }
    }
}

fn of_address(address: &str) -> Option<String> {
    let (local, _) = address.split_once('@')?;
    let (_, tag) = local.split_once('+')?;
    tag.starts_with("dh-").then(|| tag.to_owned())
}

fn of_body(body: &str) -> Vec<String> {
    let marks = body.lines().filter_map(|line| {
        let line = line.trim_start_matches(['>', ' ', '\t']);
        let mark = line.strip_prefix("Ref: ")?.trim();
        mark.starts_with("dh-").then(|| mark.to_owned())
    });
    marks.take(MOST).collect()
}

/// Finds the number of the last `[... #4812]`.
fn of_subject(subject: &str) -> Option<i64> {
    let mut found = None;
    for piece in subject.split('[').skip(1) {
        let Some((inside, _)) = piece.split_once(']') else {
            continue;
        };
        let number = inside.rsplit_once('#').map(|(_, number)| number);
        if let Some(number) = number.and_then(|number| number.parse().ok()) {
            found = Some(number);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_subjects_and_marks_of_bodies_are_found() {
        assert_eq!(of_subject("Re: [Acme #4811] x [Acme #4812]"), Some(4812));
        assert_eq!(of_subject("Re: [urgent] #4812"), None);
        assert_eq!(of_subject("[#x]"), None);
        assert_eq!(of_body("Hi\n> > Ref: dh-7-ab\nRef: other"), ["dh-7-ab"]);
        assert_eq!(
            of_address("support+dh-7-ab@acme.test").as_deref(),
            Some("dh-7-ab")
        );
        assert_eq!(of_address("support+news@acme.test"), None);
    }
}
