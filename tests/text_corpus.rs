//! Every hostile string of the corpus through the whole text room: quick, whole and tame.

#![expect(
    clippy::disallowed_methods,
    reason = "a test may panic and look at the clock"
)]

use std::{
    fs,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use deskhand::text::{
    clean::{clean, clean_line, is_forbidden},
    html::to_text,
    quote::split,
    redact::redact,
    wrap::wrap,
};

/// Unoptimised and beside other work; optimised it is a hundredth of it.
const LIMIT: Duration = Duration::from_secs(10);

#[test]
fn every_hostile_string_is_tamed_in_time() {
    let root = std::env::var_os("DESKHAND_CORPUS").map_or_else(
        || Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus")).to_owned(),
        Into::into,
    );
    let Ok(file) = fs::read(root.join("hostile/shared/hostile_strings.json")) else {
        drop(writeln!(
            std::io::stderr(),
            "corpus absent: 1 tests not run"
        ));
        return;
    };
    let all: serde_json::Value = serde_json::from_slice(&file).unwrap();
    let items = all["items"].as_array().unwrap();
    assert!(items.len() > 200);

    for item in items {
        let mail = format!(
            "Content-Transfer-Encoding: base64\n\n{}",
            item["bytes_b64"].as_str().unwrap()
        );
        let parsed = mail_parser::MessageParser::default()
            .parse(mail.as_bytes())
            .unwrap();
        let bytes = parsed.part(0).unwrap().contents();
        let latin: String = bytes.iter().map(|&b| char::from(b)).collect();
        for text in [String::from_utf8_lossy(bytes).into_owned(), latin] {
            hold(&text, &item["id"].to_string());
        }
    }
}

fn hold(text: &str, id: &str) {
    let tame = |text: &str| !text.chars().any(is_forbidden);
    let timed = |what: &str, act: &dyn Fn()| {
        let began = Instant::now();
        act();
        assert!(
            began.elapsed() < LIMIT,
            "{id}: {what} took {:?}",
            began.elapsed()
        );
    };
    let once = clean(text);

    timed("clean", &|| assert_eq!(clean(&once), once, "{id}"));
    timed("clean_line", &|| assert!(tame(&clean_line(text)), "{id}"));
    timed("html", &|| assert!(tame(&to_text(text)), "{id}"));
    timed("wrap", &|| {
        assert!(wrap(&once, 7).iter().all(|line| tame(line)), "{id}");
    });
    timed("split", &|| assert!(tame(&split(&once).clean), "{id}"));
    timed("redact", &|| assert!(tame(&redact(&once).text), "{id}"));
    assert!(tame(&once), "{id}");
}
