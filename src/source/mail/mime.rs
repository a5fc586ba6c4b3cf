//! The one place where mail is taken apart.
//!
//! The library keeps a message within a message as a value within a value, and lets go of them by
//! calling itself: a mail of thousands of them would end the program. So what could nest is counted
//! first, and of a mail with too much of it only the header is read.

use std::borrow::Cow;

use mail_parser::{Message, MessageParser};

/// More messages in one mail no person sends. The library fails from some thousands on.
const MOST_MESSAGES: usize = 200;
/// More parts with parts no person sends. For each the whole mail may be searched.
const MOST_MULTIPARTS: usize = 500;
/// The words of an encoding.
const ENCODINGS: [&[u8]; 2] = [b"base64", b"quoted-printable"];

/// A mail that may be taken apart.
pub(super) struct Mime<'m> {
    bytes: Cow<'m, [u8]>,
    is_too_deep: bool,
}

impl<'m> Mime<'m> {
    /// Looks how deep a mail may be nested.
    pub(super) fn of(mail: &'m [u8]) -> Self {
        let count = |word| places(mail, word).count();
        let digests = count(b"digest");
        // Each such word is counted wherever it stands: never less than the library finds.
        let messages = count(b"rfc822") + count(b"global").min(count(b"message")) + digests;
        let is_too_deep = messages > MOST_MESSAGES || count(b"boundary") > MOST_MULTIPARTS;
        let is_plain = is_too_deep || messages == 0 || !has_one(mail, &ENCODINGS);
        Self {
            bytes: if is_plain {
                Cow::Borrowed(mail)
            } else {
                Cow::Owned(without_hidden_messages(mail))
            },
            is_too_deep,
        }
    }

    /// Takes the mail apart; of one that is nested too deeply there is one part with its header.
    /// None: it has no header.
    pub(super) fn message(&self) -> Option<Message<'_>> {
        let parser = MessageParser::default();
        if self.is_too_deep {
            parser.parse_headers(&self.bytes)
        } else {
            parser.parse(&self.bytes)
        }
    }

    /// Tells whether it is nested too deeply to be read.
    pub(super) const fn is_too_deep(&self) -> bool {
        self.is_too_deep
    }
}

/// Makes files of messages that stand in an encoding, which RFC 2046 forbids (5.2.1): what is in
/// them was not counted. Only the name of their kind is another one then.
fn without_hidden_messages(mail: &[u8]) -> Vec<u8> {
    let mut tamed = mail.to_vec();
    let mut start = 0;
    for end in ends_of_paragraphs(mail) {
        // A header lies within one paragraph.
        let paragraph = tamed.get_mut(start..end).unwrap_or_default();
        start = end;
        if has_one(paragraph, &[b"multipart"]) {
            // Its parts are messages without saying so.
            rename(paragraph, *b"digest", *b"mixed ");
        }
        if has_one(paragraph, &[b"message"]) && has_one(paragraph, &ENCODINGS) {
            rename(paragraph, *b"rfc822", *b"x-mail");
            rename(paragraph, *b"global", *b"x-mail");
        }
    }
    tamed
}

/// Returns where paragraphs end: behind each empty line, and at the end.
fn ends_of_paragraphs(mail: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let lines = mail.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let empty = lines.filter_map(|(at, _)| match mail.get(at + 1..) {
        Some([b'\n', ..]) => Some(at + 2),
        Some([b'\r', b'\n', ..]) => Some(at + 3),
        Some(_) | None => None,
    });
    empty.chain([mail.len()])
}

/// Puts a word of the same length in the place of another that ends there.
fn rename(paragraph: &mut [u8], word: [u8; 6], other: [u8; 6]) {
    let found: Vec<usize> = places(paragraph, &word).collect();
    for at in found {
        let goes_on = paragraph
            .get(at + word.len())
            .is_some_and(|next| next.is_ascii_alphanumeric() || *next == b'-');
        if !goes_on && let Some(place) = paragraph.get_mut(at..at + word.len()) {
            place.copy_from_slice(&other);
        }
    }
}

fn has_one(text: &[u8], words: &[&[u8]]) -> bool {
    words.iter().any(|word| places(text, word).next().is_some())
}

/// Returns where a word stands, in whatever case.
fn places<'t>(text: &'t [u8], word: &'t [u8]) -> impl Iterator<Item = usize> + 't {
    let first = word.first().copied().unwrap_or_default();
    text.iter()
        .enumerate()
        .filter(move |(_, byte)| byte.eq_ignore_ascii_case(&first))
        .filter(move |(at, _)| {
            let found = text.get(*at..at + word.len());
            found.is_some_and(|found| found.eq_ignore_ascii_case(word))
        })
        .map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use std::{fmt::Write as _, thread};

    use crate::source::mail::{files::files_of, parse::parse};

    const LEVELS: usize = 20_000;

    /// Returns whether each is too deep, read on a thread as small as those that read mail.
    fn too_deep(mails: Vec<String>) -> Vec<bool> {
        let small = thread::Builder::new().stack_size(2 << 20);
        let reading = small.spawn(move || {
            let read = |mail: &String| {
                let parsed = parse(mail.as_bytes(), jiff::Timestamp::UNIX_EPOCH).unwrap();
                assert!(files_of(mail.as_bytes()).len() < 2);
                assert_eq!(parsed.subject, "Deep");
                parsed.body.text.contains("nested too deeply")
            };
            mails.iter().map(read).collect()
        });
        reading.unwrap().join().unwrap()
    }

    fn in_base64(text: &str) -> String {
        const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let groups = text.as_bytes().chunks_exact(3);
        assert!(groups.remainder().is_empty());
        groups
            .flat_map(|group| {
                let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
                [18, 12, 6, 0].map(|by| char::from(SIGNS[(bits >> by) as usize & 63]))
            })
            .collect()
    }

    #[test]
    fn a_mail_of_thousands_of_levels_is_read_by_its_header() {
        let messages = "Content-Type:message/rfc822\n\n".repeat(LEVELS);
        let folded = "Content-Type:\n Message (x) / (y) GLOBAL\n\n".repeat(LEVELS);
        let (mut parts, mut open) = (String::new(), String::new());
        for level in 0..LEVELS {
            write!(
                parts,
                "Content-Type: multipart/digest; boundary=b{level}\n\n--b{level}\n\n"
            )
            .unwrap();
            write!(
                open,
                "--q\nContent-Type: multipart/mixed; boundary=b{level}\n\n"
            )
            .unwrap();
        }
        let open = format!("Content-Type: multipart/mixed; boundary=q\n\n{open}");

        let mails = [messages, folded, parts, open];
        let mails = mails.map(|mail| format!("Subject: Deep\n{mail}\nhi"));

        assert_eq!(too_deep(mails.into()), [true; 4]);
    }

    #[test]
    fn a_mail_that_hides_its_levels_in_an_encoding_is_read() {
        let level = "Content-Type: message/rfc822\n\n";
        let hidden = in_base64(&level.repeat(LEVELS));
        let quoted = level.repeat(LEVELS).replace("rfc822", "rfc=3822");
        let encoded = |encoding: &str| format!("Content-Transfer-Encoding: {encoding}\n");
        let (base64, printable) = (encoded("base64"), encoded("QUOTED-printable"));
        let digest = "Content-Type: multipart/digest; boundary=b\n\n--b\n";

        let mails = [
            format!("Content-Type: message/rfc822\n{base64}\n{hidden}"),
            format!("{printable}Content-Type: Message/Global\n\n{quoted}"),
            format!("{digest}{base64}\n{hidden}\n--b--"),
        ];
        let mails = mails.map(|mail| format!("Subject: Deep\n{mail}\n"));

        assert_eq!(too_deep(mails.into()), [false; 3]);
    }

    #[test]
    fn a_message_in_an_encoding_is_a_file_as_it_was() {
        let inner = "Subject: Inner\n\nHello\n";
        let mail = format!(
            "Subject: Deep\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\
             Content-Type: message/rfc822; name=inner.eml\nContent-Transfer-Encoding: base64\n\n\
             {}\n--b--\n",
            in_base64(&format!("{inner}\n\n"))
        );

        let files = files_of(mail.as_bytes());

        assert_eq!(files.len(), 1);
        assert_eq!(files[0].name, "inner.eml");
        assert_eq!(files[0].bytes, format!("{inner}\n\n").as_bytes());
    }
}
