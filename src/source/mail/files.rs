//! The files that came with a mail: read out of its bytes when they are wanted.

use mail_parser::MimeHeaders as _;

use super::{kind::media_type, mime::Mime};
use crate::text::clean::clean_line;

/// A file that came with a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The name its sender gave it: foreign text, never a path.
    pub name: String,
    /// Its media type, judged by what is in it.
    pub kind: &'static str,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Returns the files of a mail, in its order. A message in it that is nested too deep to be opened
/// is one of them.
pub fn files_of(mail: &[u8]) -> Vec<File> {
    let mime = Mime::of(mail);
    let Some(message) = mime.message() else {
        return Vec::new();
    };
    message
        .attachments()
        .map(|part| {
            let name = part.attachment_name().map(clean_line).unwrap_or_default();
            let bytes = part.contents().to_vec();
            File {
                kind: media_type(&bytes, &name),
                name: if name.trim().is_empty() {
                    "unnamed".to_owned()
                } else {
                    name
                },
                bytes,
            }
        })
        .collect()
}

/// Makes a name under which a file may be saved: only its last part, without signs that mean
/// something to a shell or a file system, no dot or dash in front, and not too long.
pub fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let cleaned: String = clean_line(last)
        .chars()
        .map(|c| match c {
            ':' | '*' | '?' | '"' | '<' | '>' | '|' | '\0'..='\u{1f}' | '\u{7f}' => '_',
            other => other,
        })
        .collect();
    let cleaned = cleaned
        .trim()
        .trim_start_matches(['.', '-', ' ', '~'])
        .trim_end_matches(['.', ' ']);
    if cleaned.is_empty() {
        return "file".to_owned();
    }
    shortened(cleaned)
}

/// Most file systems take 255 bytes; the ending is kept.
fn shortened(name: &str) -> String {
    const MOST: usize = 180;
    if name.len() <= MOST {
        return name.to_owned();
    }
    let ending = name
        .rsplit_once('.')
        .map(|(_, ending)| ending)
        .filter(|ending| ending.len() <= 10)
        .map_or_else(String::new, |ending| format!(".{ending}"));
    let mut cut = MOST - ending.len();
    while !name.is_char_boundary(cut) {
        cut -= 1;
    }
    format!("{}{ending}", name.get(..cut).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_name_becomes_a_tame_one() {
        for (foreign, tame) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\Windows\\a.txt", "a.txt"),
            (".bashrc", "bashrc"),
            ("-rf", "rf"),
            ("...", "file"),
            ("", "file"),
            ("inv\u{202e}fdp.exe", "invfdp.exe"),
            ("a\u{1b}[31m.txt", "a.txt"),
            ("what?.pdf", "what_.pdf"),
            ("Rechnung März.pdf", "Rechnung März.pdf"),
        ] {
            assert_eq!(safe_name(foreign), tame, "{foreign:?}");
        }
        let long = safe_name(&format!("{}.pdf", "ü".repeat(300)));
        assert_eq!(
            (long.len() <= 180, long.get(long.len() - 4..)),
            (true, Some(".pdf"))
        );
    }
}
