//! The one place where mail is taken apart.
//!
//! The library keeps a message within a message as a value within a value, and lets go of them by
//! calling itself: a mail of thousands of them would end the program. So what could nest is counted
//! first, in the fields that say what a part is, and what is nested beyond a limit stays closed: it
//! is a file then. The rest of such a mail is read as any other.

use std::{borrow::Cow, ops::Range};

use mail_parser::{Message, MessageParser};

/// More messages in one mail no person sends. The library fails from some thousands on.
const MOST_MESSAGES: usize = 200;
/// More parts with parts no person sends. For each the whole mail may be searched.
const MOST_MULTIPARTS: usize = 500;
/// The words of an encoding.
const ENCODINGS: [&[u8]; 2] = [b"base64", b"quoted-printable"];
/// The field that says what a part is.
const KIND: &[u8] = b"content-type";
/// And the one that says how it is encoded.
const ENCODING: &[u8] = b"content-transfer-encoding";
/// What makes a part one with parts, and a word of that length that does not.
const BOUNDARY: ([u8; 8], [u8; 8]) = (*b"boundary", *b"x-border");

/// A mail that may be taken apart.
pub(super) struct Mime<'m> {
    bytes: Cow<'m, [u8]>,
    has_closed: bool,
}

impl<'m> Mime<'m> {
    /// Looks how deep a mail is nested, and closes what is too deep.
    pub(super) fn of(mail: &'m [u8]) -> Self {
        let kinds = kinds(mail);
        let mut tamed = Tamed(Cow::Borrowed(mail));
        let has_closed = close_the_excess(&mut tamed, &kinds);
        close_hidden_messages(&mut tamed, &kinds);
        Self {
            bytes: tamed.0,
            has_closed,
        }
    }

    /// Takes the mail apart. None: it has no header.
    pub(super) fn message(&self) -> Option<Message<'_>> {
        MessageParser::default().parse(&self.bytes)
    }

    /// Tells whether something in it is nested so deep that it stayed closed.
    pub(super) const fn has_closed(&self) -> bool {
        self.has_closed
    }
}

/// A field that says what a part is, wherever the library could find one.
struct Kind {
    /// Where its value stands, over all its lines.
    value: Range<usize>,
    /// The paragraph in which it stands: a header lies within one.
    paragraph: Range<usize>,
    is_message: bool,
    is_digest: bool,
    is_multipart: bool,
}

impl Kind {
    const fn is_nesting(&self) -> bool {
        self.is_message || self.is_digest
    }
}

/// A mail of which some words are replaced by others of the same length.
struct Tamed<'m>(Cow<'m, [u8]>);

impl Tamed<'_> {
    /// Puts a word in the place of another in a field.
    fn rename<const N: usize>(&mut self, kind: &Kind, (word, other): ([u8; N], [u8; N])) {
        let field = self.0.get(kind.value.clone()).unwrap_or_default();
        let found: Vec<usize> = whole(field, &word).collect();
        for at in found {
            let start = kind.value.start + at;
            if let Some(place) = self.0.to_mut().get_mut(start..start + N) {
                place.copy_from_slice(&other);
            }
        }
    }

    /// Makes a part that is a message a file, and the parts of a digest what they say they are.
    fn close_message(&mut self, kind: &Kind) {
        if kind.is_message {
            self.rename(kind, (*b"rfc822", *b"x-mail"));
            self.rename(kind, (*b"global", *b"x-mail"));
        }
        if kind.is_digest {
            self.rename(kind, (*b"digest", *b"mixed "));
        }
    }
}

/// Closes what is nested beyond the limits; tells whether there is any.
fn close_the_excess(tamed: &mut Tamed<'_>, kinds: &[Kind]) -> bool {
    let (mut messages, mut multiparts) = (0, 0);
    let mut has_closed = false;
    for kind in kinds {
        messages += usize::from(kind.is_nesting());
        multiparts += usize::from(kind.is_multipart);
        if kind.is_nesting() && messages > MOST_MESSAGES {
            tamed.close_message(kind);
            has_closed = true;
        }
        if kind.is_multipart && multiparts > MOST_MULTIPARTS {
            tamed.rename(kind, BOUNDARY);
            has_closed = true;
        }
    }
    has_closed
}

/// Makes files of messages that stand in an encoding, which RFC 2046 forbids (5.2.1): what is in
/// them was not counted. Parts of a digest are messages without saying so.
fn close_hidden_messages(tamed: &mut Tamed<'_>, kinds: &[Kind]) {
    let is_coded = kinds.iter().any(|kind| kind.is_digest) && is_encoded(&tamed.0);
    // A paragraph may have many of them.
    let mut last: Option<(usize, bool)> = None;
    for kind in kinds.iter().filter(|kind| kind.is_nesting()) {
        let known = last.filter(|(start, _)| *start == kind.paragraph.start);
        let has_encoding = known.map_or_else(
            || is_encoded(tamed.0.get(kind.paragraph.clone()).unwrap_or_default()),
            |(_, is)| is,
        );
        last = Some((kind.paragraph.start, has_encoding));
        if has_encoding || (kind.is_digest && is_coded) {
            tamed.close_message(kind);
        }
    }
}

/// Tells whether a header may say that its part is encoded: in plain words or in signs.
fn is_encoded(header: &[u8]) -> bool {
    has_one(header, &ENCODINGS)
        || has_one(header, &[b"=?"])
            && fields(header, ENCODING, 0)
                .into_iter()
                .any(|(field, _)| has_one(header.get(field).unwrap_or_default(), &[b"=?"]))
}

/// Finds the fields that say what a part is. The library takes one wherever a header may begin: at
/// the start, behind a boundary, which stands behind two dashes anywhere in a line, and in the
/// paragraph behind the header of a message. What stands elsewhere is somebody's text.
fn kinds(mail: &[u8]) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    let mut is_anywhere = false;
    let (mut start, mut opens) = (0, true);
    for end in ends_of_paragraphs(mail) {
        let paragraph = mail.get(start..end).unwrap_or_default();
        let first = if opens || is_anywhere {
            Some(0)
        } else {
            places(paragraph, b"--").next()
        };
        let found = first.map_or_else(Vec::new, |first| fields(paragraph, KIND, first));
        opens = false;
        for (field, is_joined) in found {
            let text = paragraph.get(field.clone()).unwrap_or_default();
            let kind = Kind {
                value: start + field.start..start + field.end,
                paragraph: start..end,
                is_message: has_one(text, &[b"rfc822", b"global"])
                    && (is_joined || has_one(text, &[b"message"])),
                is_digest: has_one(text, &[b"digest"]),
                is_multipart: has_one(text, &[b"boundary"]),
            };
            opens |= kind.is_message;
            // A boundary that is written in signs may hold an empty line.
            let is_odd = is_joined || has_one(text, &[b"*", b"=?"]);
            is_anywhere |= kind.is_digest || (kind.is_multipart && is_odd);
            kinds.push(kind);
        }
        start = end;
    }
    kinds
}

/// Finds the values of fields of a name that stand behind a place. Where such a name stands within
/// the value of another, either may be a field: each value ends at the next, and they are joined.
fn fields(paragraph: &[u8], name: &[u8], first: usize) -> Vec<(Range<usize>, bool)> {
    let mut found: Vec<(Range<usize>, bool)> = Vec::new();
    for colon in places(paragraph, b":") {
        if colon < first || !ends_with_name(paragraph.get(..colon), name) {
            continue;
        }
        if let Some((last, is_joined)) = found.last_mut()
            && colon < last.end
        {
            let end = std::mem::replace(&mut last.end, colon);
            *is_joined = true;
            found.push((colon..end, true));
        } else {
            let rest = paragraph.get(colon..).unwrap_or_default();
            found.push((colon..colon + end_of_field(rest), false));
        }
    }
    found
}

/// Tells whether a text ends with the name of a field. The library passes over blanks within.
fn ends_with_name(text: Option<&[u8]>, name: &[u8]) -> bool {
    let text = text.unwrap_or_default().iter().rev();
    let mut signs = text
        .take_while(|byte| **byte != b'\n')
        .filter(|byte| !byte.is_ascii_whitespace());
    name.iter().rev().all(|sign| {
        signs
            .next()
            .is_some_and(|byte| byte.eq_ignore_ascii_case(sign))
    })
}

/// Returns where a field ends: with its last line, which no folded one follows.
fn end_of_field(text: &[u8]) -> usize {
    places(text, b"\n")
        .find(|at| !matches!(text.get(at + 1), Some(b' ' | b'\t')))
        .unwrap_or(text.len())
}

/// Returns where paragraphs end: behind each empty line, and at the end.
fn ends_of_paragraphs(mail: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let empty = places(mail, b"\n").filter_map(|at| match mail.get(at + 1..) {
        Some([b'\n', ..]) => Some(at + 2),
        Some([b'\r', b'\n', ..]) => Some(at + 3),
        Some(_) | None => None,
    });
    empty.chain([mail.len()])
}

/// Returns where a word stands that ends there: `rfc822-headers` is another one.
fn whole<'t>(text: &'t [u8], word: &'t [u8]) -> impl Iterator<Item = usize> + 't {
    places(text, word).filter(|at| {
        let next = text.get(at + word.len());
        !next.is_some_and(|next| next.is_ascii_alphanumeric() || *next == b'-')
    })
}

fn has_one(text: &[u8], words: &[&[u8]]) -> bool {
    words.iter().any(|word| places(text, word).next().is_some())
}

/// Returns where a word stands, in whatever case.
fn places<'t>(text: &'t [u8], word: &'t [u8]) -> impl Iterator<Item = usize> + 't {
    let first = word.first().copied().unwrap_or_default();
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    memchr::memchr2_iter(lower, upper, text).filter(move |at| {
        let found = text.get(*at..at + word.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(word))
    })
}

#[cfg(test)]
mod tests {
    use std::{fmt::Write as _, thread};

    use crate::source::mail::{files::files_of, parse::parse};

    const LEVELS: usize = 20_000;

    /// Returns in which of them something stays closed, read on a thread as small as those that read
    /// mail.
    fn with_closed(mails: Vec<String>) -> Vec<bool> {
        let small = thread::Builder::new().stack_size(2 << 20);
        let reading = small.spawn(move || {
            let read = |mail: &String| {
                let parsed = parse(mail.as_bytes(), jiff::Timestamp::UNIX_EPOCH).unwrap();
                drop(files_of(mail.as_bytes()));
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
    fn of_a_mail_of_thousands_of_levels_the_deep_ones_stay_closed() {
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

        assert_eq!(with_closed(mails.into()), [true; 4]);
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

        assert_eq!(with_closed(mails.into()), [false; 3]);
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

    #[test]
    fn words_of_a_text_are_none_of_a_header() {
        let words = "digest boundary message/rfc822 base64\n".repeat(1_000);
        let header = "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n";
        let text = format!("Hello\n{words}\n{header}\nBye");
        let mail = format!(
            "Subject: Deep\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n{text}\n--b\n\
             Content-Type: text/plain\nContent-Disposition: attachment; filename=a.log\n\n{text}\n\
             --b\nContent-Type: message/rfc822\n\nSubject: Inner\n\nhi\n--b--\n"
        );

        let parsed = parse(mail.as_bytes(), jiff::Timestamp::UNIX_EPOCH).unwrap();

        assert_eq!(parsed.body.text.trim_end(), text);
        assert_eq!(files_of(mail.as_bytes())[0].bytes, text.as_bytes());
    }

    #[test]
    fn beside_what_stays_closed_the_text_is_read_and_the_rest_is_a_file() {
        let message = "Content-Type: message/rfc822\n\nSubject: Inner\n\nhi\n--b\n";
        let mail = format!(
            "Subject: Deep\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nHello\n--b\n\
             {}\nBye\n--b--\n",
            message.repeat(300)
        );

        let parsed = parse(mail.as_bytes(), jiff::Timestamp::UNIX_EPOCH).unwrap();

        let text = &parsed.body.text;
        assert!(text.starts_with("Hello") && text.contains("Bye"), "{text}");
        assert!(parsed.body.clean.contains("nested too deeply"), "{text}");
        let files = files_of(mail.as_bytes());
        assert_eq!(files.len(), 300);
        assert!(
            files
                .iter()
                .all(|file| file.bytes.ends_with(b"Subject: Inner\n\nhi"))
        );
    }
}
