//! A reply as the bytes that leave: headers that every mail program threads by, text that every
//! one shows. Nothing here knows of internal notes: they cannot get here.

use mail_builder::{
    MessageBuilder,
    headers::{address::Address, message_id::MessageId, raw::Raw, text::Text},
};

use crate::domain::{Contact, Timestamp};

/// A longer id no honest program makes, and in one line with its field it would pass what a line of
/// mail may have (RFC 5322: 998 octets).
const LONGEST_ID: usize = 250;
/// References longer than this are cut in the middle (FreeScout#5542: servers refuse long ones).
const REFERENCES_BYTES: usize = 1500;

/// A mail to write.
#[derive(Clone, Debug)]
pub struct Outgoing<'a> {
    /// Who sends it.
    pub from: &'a Contact,
    /// Where answers go, where that is another address.
    pub reply_to: Option<&'a str>,
    /// To whom.
    pub to: &'a [Contact],
    /// Who gets a copy. Those who get one unseen are not here: they stand on no letter.
    pub cc: &'a [Contact],
    /// The subject.
    pub subject: &'a str,
    /// Its Message-ID, without brackets.
    pub message_id: &'a str,
    /// The ids it answers, nearest parent first.
    pub answers: &'a [String],
    /// When it is written.
    pub date: Timestamp,
    /// The text.
    pub text: &'a str,
    /// The same as HTML, if there is to be an alternative.
    pub html: Option<&'a str>,
    /// Files: name, media type, bytes.
    pub files: &'a [(String, String, Vec<u8>)],
    /// What our own mail is known by when it comes back.
    pub loop_mark: &'a str,
    /// Whether a person wrote it.
    pub author: Author,
}

/// Who wrote a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// A person, who reads what comes back.
    Person,
    /// The desk itself: nobody's program may answer it (RFC 3834).
    Machine,
}

/// Writes the bytes.
pub fn compose(mail: &Outgoing<'_>) -> Vec<u8> {
    let mut message = MessageBuilder::new()
        .from(address(mail.from))
        .to(addresses(mail.to))
        .subject(mail.subject.to_owned())
        .date(mail.date.as_second())
        .message_id(mail.message_id.to_owned())
        .header("X-Deskhand-Loop", Text::new(mail.loop_mark.to_owned()))
        .text_body(lines(mail.text));
    if !mail.cc.is_empty() {
        message = message.cc(addresses(mail.cc));
    }
    if let Some(address) = mail.reply_to {
        message = message.reply_to(address.to_owned());
    }
    let answers = fit(mail.answers);
    if let Some(parent) = answers.first() {
        message = message
            .in_reply_to(parent.clone())
            .references(MessageId::new_list(references(&answers).into_iter()));
    }
    if mail.author == Author::Machine {
        message = message
            .header("Auto-Submitted", Raw::new("auto-replied"))
            .header("X-Auto-Response-Suppress", Raw::new("All"))
            .header("Precedence", Raw::new("bulk"));
    }
    if let Some(html) = mail.html {
        message = message.html_body(html.to_owned());
    }
    for (name, kind, bytes) in mail.files {
        message = message.attachment(kind.clone(), name.clone(), bytes.clone());
    }
    let mut bytes = Vec::new();
    message.serialize(&mut bytes);
    bytes
}

fn addresses(people: &[Contact]) -> Address<'static> {
    Address::new_list(people.iter().map(address).collect())
}

fn address(person: &Contact) -> Address<'static> {
    let name = person.name.clone().filter(|name| !name.trim().is_empty());
    Address::new_address(name, person.address.clone())
}

/// Mail has lines that end in CR LF.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

/// Returns the ids that can stand in a header: others chose them.
fn fit(ids: &[String]) -> Vec<String> {
    let is_fit = |id: &&String| {
        (1..=LONGEST_ID).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"<>".contains(&byte))
    };
    ids.iter().filter(is_fit).cloned().collect()
}

/// Returns the references, oldest first: the first of all, as many of the newest as fit, and the
/// parent last.
fn references(answers: &[String]) -> Vec<String> {
    let mut chain: Vec<&String> = Vec::new();
    for id in answers.iter().rev() {
        if !chain.contains(&id) {
            chain.push(id);
        }
    }
    // The parent may stand in the references too; it belongs at the end.
    if let Some(parent) = answers.first() {
        chain.retain(|id| *id != parent);
        chain.push(parent);
    }
    let Some((first, rest)) = chain.split_first() else {
        return Vec::new();
    };
    let mut room = REFERENCES_BYTES.saturating_sub(first.len() + 3);
    let mut kept: Vec<String> = Vec::new();
    for id in rest.iter().rev() {
        let size = id.len() + 3;
        if size > room && !kept.is_empty() {
            break;
        }
        room = room.saturating_sub(size);
        kept.push((*id).clone());
    }
    kept.push((*first).clone());
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use mail_parser::{MessageParser, MimeHeaders as _};

    use super::*;

    fn contact(name: &str, address: &str) -> Contact {
        Contact {
            name: (!name.is_empty()).then(|| name.to_owned()),
            address: address.to_owned(),
        }
    }

    fn written(change: impl FnOnce(&mut Outgoing<'_>)) -> Vec<u8> {
        let from = contact("Acme Support", "help@acme.test");
        let to = [contact("Maya Chen", "maya@northbend.test")];
        let cc = [contact("", "ops@northbend.test")];
        let answers = ["p@x".to_owned(), "root@x".to_owned()];
        let files = [(
            "a b.bin".to_owned(),
            "application/octet-stream".to_owned(),
            vec![0_u8, 13, 10, 46, 255],
        )];
        let mut mail = Outgoing {
            from: &from,
            reply_to: None,
            to: &to,
            cc: &cc,
            subject: "Re: Café",
            message_id: "dh.1.x.mac@acme.test",
            answers: &answers,
            date: Timestamp::UNIX_EPOCH,
            text: "Hello\n.\nFrom here\n",
            html: None,
            files: &files,
            loop_mark: "mark",
            author: Author::Person,
        };
        change(&mut mail);
        compose(&mail)
    }

    #[test]
    fn a_reply_threads_and_carries_its_files_byte_for_byte() {
        let bytes = written(|_| ());
        let mail = MessageParser::default().parse(&bytes).unwrap();

        assert_eq!(mail.message_id(), Some("dh.1.x.mac@acme.test"));
        assert_eq!(mail.in_reply_to().as_text(), Some("p@x"));
        assert_eq!(mail.references().as_text_list().unwrap(), ["root@x", "p@x"]);
        assert_eq!(mail.subject(), Some("Re: Café"));
        assert_eq!(
            mail.body_text(0).unwrap().trim_end(),
            "Hello\r\n.\r\nFrom here"
        );
        let file = mail.attachment(0).unwrap();
        assert_eq!(file.attachment_name(), Some("a b.bin"));
        assert_eq!(file.contents(), [0, 13, 10, 46, 255]);
        assert!(mail.header_raw("Auto-Submitted").is_none());
        assert!(mail.header_raw("Bcc").is_none());
    }

    #[test]
    fn no_line_is_longer_than_mail_allows() {
        let long = "wort ".repeat(2_000);
        for text in [long.clone(), "ü".repeat(3_000), long.replace(' ', "x")] {
            let bytes = written(|mail| mail.text = Box::leak(text.clone().into_boxed_str()));

            let longest = bytes.split(|byte| *byte == b'\n').map(<[u8]>::len).max();
            assert!(longest.unwrap_or(0) <= 998, "{longest:?}");
            let mail = MessageParser::default().parse(&bytes).unwrap();
            assert_eq!(mail.body_text(0).unwrap().trim_end(), text.trim_end());
        }
    }

    #[test]
    fn an_id_that_fits_no_header_is_left_out() {
        let answers = [
            format!("{}@evil.test", "x".repeat(2_000)),
            "parent\r\nBcc: eve@evil.test".to_owned(),
            "bl ank@evil.test".to_owned(),
            "a> <b@evil.test".to_owned(),
            "ü@evil.test".to_owned(),
            String::new(),
            format!("{}@x.test", "p".repeat(243)),
            "root@x.test".to_owned(),
        ];
        let bytes = written(|mail| mail.answers = Box::leak(Box::new(answers.clone())));
        let mail = MessageParser::default().parse(&bytes).unwrap();

        assert_eq!(mail.in_reply_to().as_text(), Some(answers[6].as_str()));
        let references = mail.references().as_text_list().unwrap();
        assert_eq!(references, [answers[7].as_str(), &answers[6]]);
        let longest = bytes.split(|byte| *byte == b'\n').map(<[u8]>::len).max();
        assert!(longest.unwrap_or(0) <= 998, "{longest:?}");
        assert!(mail.bcc().is_none());

        let bytes = written(|mail| mail.answers = Box::leak(Box::new([answers[0].clone()])));
        let mail = MessageParser::default().parse(&bytes).unwrap();
        assert!(mail.header_raw("In-Reply-To").is_none());
    }

    #[test]
    fn a_subject_cannot_smuggle_a_header_in() {
        let bytes = written(|mail| mail.subject = "Hi\r\nBcc: eve@evil.test");
        let mail = MessageParser::default().parse(&bytes).unwrap();

        assert!(mail.bcc().is_none());
    }

    #[test]
    fn many_references_keep_the_first_and_the_newest() {
        let mut answers: Vec<String> = (0..200).map(|n| format!("id-{n}@example.test")).collect();
        answers.reverse();

        let kept = references(&answers);

        assert_eq!(kept.first().unwrap(), "id-0@example.test");
        assert_eq!(kept.last().unwrap(), "id-199@example.test");
        let bytes: usize = kept.iter().map(|id| id.len() + 3).sum();
        assert!(bytes <= REFERENCES_BYTES, "{bytes}");
        assert!(kept.len() > 50);
    }
}
