//! How are the letters of a file written? Guessed from its bytes, and always to be overruled.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// So much is looked at for zeros, which only UTF-16 has.
const LOOK: usize = 4_096;
/// So much is shown around a letter that tells encodings apart.
const AROUND: usize = 24;

/// A guess, or what a person said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Charset {
    encoding: &'static Encoding,
    /// The mark at the beginning that is no text.
    bom: usize,
}

impl Charset {
    /// Guesses: by the mark at the beginning, by zeros, and by whether it reads as UTF-8.
    pub(super) fn guess(bytes: &[u8]) -> Self {
        if let Some((encoding, bom)) = Encoding::for_bom(bytes) {
            return Self { encoding, bom };
        }
        let encoding = utf16(bytes).unwrap_or_else(|| {
            if is_rather_utf8(bytes) {
                UTF_8
            } else {
                WINDOWS_1252
            }
        });
        Self { encoding, bom: 0 }
    }

    /// Takes a person's word for it: any label of the WHATWG list, such as `latin1`.
    pub(super) fn named(label: &str, bytes: &[u8]) -> Option<Self> {
        let encoding = Encoding::for_label(label.trim().as_bytes())?;
        let bom = Encoding::for_bom(bytes).filter(|(found, _)| *found == encoding);
        Some(Self {
            encoding,
            bom: bom.map_or(0, |(_, length)| length),
        })
    }

    /// Returns its name.
    pub(super) fn name(self) -> &'static str {
        self.encoding.name()
    }

    /// Returns the text as UTF-8. What is UTF-8 already is not checked: bad rows are named later.
    pub(super) fn to_utf8(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        let text = bytes.get(self.bom..).unwrap_or_default();
        if self.encoding == UTF_8 {
            return Cow::Borrowed(text);
        }
        match self.encoding.decode_without_bom_handling(text).0 {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        }
    }
}

/// Returns a place at which a wrong encoding would be seen, with what stands around it.
pub(super) fn sample(text: &[u8]) -> Option<String> {
    let place = text.iter().position(|byte| !byte.is_ascii())?;
    let from = place.saturating_sub(AROUND);
    let around = text.get(from..text.len().min(place + AROUND))?;
    let line = String::from_utf8_lossy(around);
    // Letters cut in half at both ends are no sign of a wrong encoding.
    let whole = line.trim_start_matches('\u{fffd}');
    Some(whole.trim_end_matches('\u{fffd}').trim().to_owned())
}

/// In UTF-16 every other byte of Western text is zero.
fn utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    let beginning = bytes.get(..bytes.len().min(LOOK))?;
    let zeros = |first: usize| {
        let bytes = beginning.iter().skip(first).step_by(2);
        bytes.filter(|byte| **byte == 0).count()
    };
    let half = beginning.len() / 2;
    let (even, odd) = (zeros(0), zeros(1));
    if half < 4 {
        None
    } else if odd * 2 > half && even * 10 < half {
        Some(UTF_16LE)
    } else if even * 2 > half && odd * 10 < half {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// A file with a few bad bytes among many good letters is UTF-8 with bad rows; one without any
/// good letter beyond ASCII is older than UTF-8.
fn is_rather_utf8(bytes: &[u8]) -> bool {
    let (mut good, mut bad) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    // The beginning of a file may end within a letter.
    bad == 0 || good > bad || (good == 0 && bad == 1 && ends_within_a_letter(bytes))
}

fn ends_within_a_letter(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_say_how_their_letters_are_written() {
        let text = "id;body\n1;Größe für Žofie, bitte\n";
        let wide = |big: bool| -> Vec<u8> {
            text.encode_utf16()
                .flat_map(|unit| {
                    if big {
                        unit.to_be_bytes()
                    } else {
                        unit.to_le_bytes()
                    }
                })
                .collect()
        };
        let latin = b"id;body\n1;Gr\xf6\xdfe f\xfcr Zoe\n".to_vec();
        let mixed = [text.as_bytes(), b"2;caf\xe9\n"].concat();
        for (bytes, name) in [
            (text.as_bytes().to_vec(), "UTF-8"),
            (b"id;body\n1;plain\n".to_vec(), "UTF-8"),
            ([b"\xff\xfe".to_vec(), wide(false)].concat(), "UTF-16LE"),
            (wide(false), "UTF-16LE"),
            (wide(true), "UTF-16BE"),
            (latin, "windows-1252"),
            (mixed, "UTF-8"),
        ] {
            let charset = Charset::guess(&bytes);

            assert_eq!(charset.name(), name);
        }
    }

    #[test]
    fn a_sample_shows_a_letter_that_tells() {
        let latin = b"id;body\n1;Gr\xf6\xdfe, bitte\n";

        let text = Charset::guess(latin).to_utf8(latin);

        assert_eq!(sample(&text).unwrap(), "id;body\n1;Größe, bitte");
        assert_eq!(sample(b"only plain letters"), None);
    }
}
