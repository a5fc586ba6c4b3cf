//! Keeps the walls of the house: imports go down only, and each crate with a strong taste has one
//! home. The picture and the reasons are in `docs/architecture.md`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, path::Path};

/// A room and the rooms it may use: `crate::NAME` of any other is a fault.
const MAY_USE: [(&str, &str); 14] = [
    ("domain", "domain"),
    ("text", "text"),
    ("sim", "sim"),
    ("engine", "engine domain text"),
    ("store", "store domain"),
    ("secrets", "secrets domain"),
    ("source", "source domain text"),
    ("config", "config domain engine"),
    ("llm", "llm domain engine"),
    (
        "desk",
        "desk domain text engine store secrets source config llm sim",
    ),
    ("tui", "tui domain text engine config desk"),
    ("serve", "serve domain engine config desk"),
    (
        "cli",
        "cli domain text engine store secrets source config llm sim desk tui serve",
    ),
    ("lib.rs", ""),
];

/// A name, and the beginnings of the files in which it may stand.
const HOMES: [(&str, &str); 24] = [
    ("sqlx::", "store/"),
    ("reqwest::", "llm/http source/"),
    ("hyper_util::client::", "llm/http llm/served"),
    ("async_imap::", "source/mail/imap"),
    ("imap_proto::", "source/mail/imap"),
    ("tokio_rustls::", "source/mail/tls"),
    ("hickory_resolver::", "source/mail/discover/dns"),
    ("roxmltree::", "source/mail/discover/xml"),
    ("psl::", "source/mail/discover/choose"),
    ("lettre::", "source/mail/smtp"),
    // Elsewhere only tests take mail apart, and only mail of their own.
    (
        "MessageParser::",
        "source/mail/mime source/mail/compose desk/demo_mail",
    ),
    ("mail_builder::", "source/mail/compose"),
    ("ratatui::", "tui/"),
    ("crossterm::", "tui/"),
    ("ratatui_textarea::", "tui/editor/"),
    ("keyring::", "secrets/"),
    ("keyring_core::", "secrets/"),
    ("clap::", "cli/ main.rs"),
    ("anyhow::", "cli/ main.rs"),
    ("toml_edit::", "config/"),
    ("println!", "cli/out.rs tui/screens.rs"),
    ("print!", "cli/out.rs"),
    ("eprintln!", "cli/out.rs"),
    ("eprint!", "cli/out.rs"),
];

/// Returns what follows each `name` that begins a word.
fn after<'a>(code: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let goes_on =
        |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c));
    let ends = code
        .match_indices(name)
        .filter(move |(at, _)| !goes_on(&code[..*at]));
    ends.map(|(at, name)| &code[at + name.len()..])
}

/// Returns the rooms of one path: `{a::{x, y}, b}` names a and b.
fn rooms(path: &str) -> Vec<&str> {
    let (mut depth, mut names) = (0, Vec::new());
    for word in path.split_inclusive([',', '{', '}', ';', '(', ' ', '\n']) {
        let name = word
            .split(|c: char| c != '_' && !c.is_alphanumeric())
            .next()
            .unwrap();
        let is_room = depth == i32::from(path.starts_with('{')) && !name.is_empty();
        names.extend(is_room.then_some(name));
        depth += i32::from(word.ends_with('{')) - i32::from(word.ends_with('}'));
        if depth == 0 {
            break;
        }
    }
    names
}

fn faults(file: &str, text: &str) -> Vec<String> {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let room = file.split('/').next().unwrap();
    let uses = MAY_USE
        .iter()
        .find(|(name, _)| *name == room)
        .map_or("cli", |(_, uses)| *uses);
    let inner = after(&code, "crate::")
        .chain(after(&code, "deskhand::"))
        .flat_map(rooms);
    let upward = inner
        .filter(|name| uses.split(' ').all(|may| may != *name))
        .map(str::to_owned);
    let away = |homes: &str| homes.split(' ').all(|home| !file.starts_with(home));
    let strays = HOMES
        .iter()
        .filter(|(name, homes)| away(homes) && after(&code, name).next().is_some());
    upward
        .chain(strays.map(|(name, _)| (*name).to_owned()))
        .map(|name| format!("{file}: {name}"))
        .collect()
}

#[test]
fn imports_go_down_only_and_crates_stay_at_home() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut files, mut found) = (vec![root.clone()], 0, Vec::new());
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
        {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let name = path.strip_prefix(&root).unwrap().display().to_string();
                found.extend(faults(&name, &fs::read_to_string(&path).unwrap()));
                files += 1;
            }
        }
    }
    assert!(files > 20, "only {files} files were walked");
    assert!(found.is_empty(), "not allowed here:\n{}", found.join("\n"));
}

#[test]
fn a_planted_import_is_found() {
    let planted = "use crate::{\n    domain::{Usd, store},\n    store::Store,\n};\n// crate::tui\n\
        let x = sqlx::query(crate::desk::face);\nprintln!();";
    let expected =
        ["store", "desk", "sqlx::", "println!"].map(|name| format!("engine/run.rs: {name}"));
    assert_eq!(faults("engine/run.rs", planted), expected);
    assert_eq!(faults("main.rs", "deskhand::tui::run()"), ["main.rs: tui"]);
}
