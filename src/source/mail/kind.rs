//! What kind of file this is, judged by what is in it: a name says what its sender wants us to
//! believe.

/// Returns the media type of a file by its first bytes; the name decides only between texts.
pub fn media_type(bytes: &[u8], name: &str) -> &'static str {
    let known = infer::get(bytes).map(|kind| kind.mime_type());
    if let Some(kind) = known {
        return kind;
    }
    if std::str::from_utf8(bytes).is_err() || bytes.contains(&0) {
        return "application/octet-stream";
    }
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("csv") => "text/csv",
        Some("json") => "application/json",
        Some("ics") => "text/calendar",
        Some("md") => "text/markdown",
        Some(_) | None => "text/plain",
    }
}

/// Tells whether a file could run, or show something that runs: it is only ever saved.
pub fn is_risky(bytes: &[u8], name: &str) -> bool {
    const ENDINGS: [&str; 38] = [
        "exe", "com", "bat", "cmd", "msi", "scr", "pif", "ps1", "vbs", "vbe", "js", "jse", "mjs",
        "wsf", "hta", "jar", "sh", "bash", "zsh", "fish", "py", "pl", "rb", "php", "desktop",
        "lnk", "url", "webloc", "app", "appimage", "run", "html", "htm", "xhtml", "svg", "reg",
        "scf", "iso",
    ];
    // Some systems pass over dots and spaces at the end of a name.
    let ending = name
        .trim_end_matches(['.', ' '])
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase());
    let named_so = ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()));
    let start: String = String::from_utf8_lossy(bytes.get(..512).unwrap_or(bytes))
        .trim_start()
        .to_ascii_lowercase();
    let begins_so = [
        "#!",
        "<!doctype html",
        "<html",
        "<script",
        "<svg",
        "[desktop entry]",
        "[internetshortcut]",
        "@echo off",
    ]
    .iter()
    .any(|sign| start.starts_with(sign));
    let is_program = bytes.starts_with(b"MZ")
        || bytes.starts_with(b"\x7fELF")
        || bytes.starts_with(b"\xca\xfe\xba\xbe")
        || bytes.starts_with(b"\xcf\xfa\xed\xfe")
        || bytes.starts_with(b"L\0\0\0\x01\x14\x02\0");
    named_so || begins_so || is_program
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_file_decides_not_its_name() {
        assert_eq!(media_type(b"%PDF-1.7\n", "x.txt"), "application/pdf");
        assert_eq!(media_type(b"a;b\n1;2\n", "t.CSV"), "text/csv");
        assert_eq!(
            media_type(b"\xff\xfe\0", "t.txt"),
            "application/octet-stream"
        );
        assert_eq!(media_type(b"hello", "none"), "text/plain");
    }

    #[test]
    fn what_could_run_is_known_by_name_or_by_content() {
        for (bytes, name) in [
            (b"hello".as_slice(), "a.EXE"),
            (b"hello", "a.html. "),
            (b"#!/bin/sh\n", "notes.txt"),
            (b"  <!DOCTYPE html>", "a.pdf"),
            (b"[Desktop Entry]\n", "a"),
            (b"\x7fELF\x02", "photo.png"),
            (b"MZ\x90", "a.pdf"),
        ] {
            assert!(is_risky(bytes, name), "{name}");
        }
        assert!(!is_risky(b"%PDF-1.7", "invoice.pdf"));
        assert!(!is_risky(b"plain words", "readme.txt"));
    }
}
