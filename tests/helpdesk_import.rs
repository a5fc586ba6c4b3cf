//! Tickets of other desks and helpdesks: all of them, each once, as they were told there.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic"
)]

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

#[path = "common/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;

use program::{Home, corpus};

/// Imports a path and returns the summary; it always adds up.
fn import(home: &Home, path: &Path, more: &[&str]) -> Value {
    let path = path.to_str().expect("a path");
    let ran = home.run(&[&["import", "--json", path], more].concat());
    let done = ran
        .lines()
        .pop()
        .unwrap_or_else(|| unreachable!("no summary: {}", ran.stderr));
    let number = |field: &str| done[field].as_u64().expect("a count");
    let rejected = done["rejected"].as_array().expect("a list");
    let sum = number("imported") + number("duplicates") + rejected.len() as u64;
    assert_eq!(number("seen"), sum, "{done}");
    done
}

fn counts(done: &Value) -> [u64; 5] {
    let rejected = done["rejected"].as_array().expect("a list").len() as u64;
    let number = |field: &str| done[field].as_u64().expect("a count");
    [
        number("imported"),
        number("duplicates"),
        rejected,
        number("tickets_new"),
        number("tickets_joined"),
    ]
}

fn export(home: &Home) -> String {
    let ran = home.run(&["export"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stdout
}

fn tickets(home: &Home) -> Vec<Value> {
    home.run(&["tickets", "--json"]).lines()
}

/// Writes a file into the home and returns where it is.
fn file(home: &Home, name: &str, text: &str) -> std::path::PathBuf {
    let path = home.path(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(&path, text).expect("a file");
    path
}

const MAIL: &str = "From maya@shop.example Thu Jul 18 22:13:24 2024\n\
    From: Maya Brand <maya@shop.example>\nTo: help@acme.example\n\
    Message-ID: <one@shop.example>\nDate: Thu, 18 Jul 2024 22:13:24 +0000\n\
    Subject: Where is my parcel?\n\nIt was to come on Monday.\n\n-- \nMaya\n\n\
    From noor@acme.example Fri Jul 19 08:00:00 2024\n\
    From: Noor <noor@acme.example>\nTo: maya@shop.example\n\
    Message-ID: <two@acme.example>\nIn-Reply-To: <one@shop.example>\n\
    Date: Fri, 19 Jul 2024 08:00:00 +0000\nSubject: Re: Where is my parcel?\n\n\
    On Thu Maya wrote:\n> It was to come on Monday.\n\nIt waits at the depot.\n\n\
    From jonas@garden.example Sat Jul 20 08:00:00 2024\n\
    From: Jonas <jonas@garden.example>\nMessage-ID: <three@garden.example>\n\
    Date: Sat, 20 Jul 2024 08:00:00 +0000\nSubject: A kettle, dented\n\n\
    Can you take it back?\n";

#[test]
fn an_export_fills_an_empty_desk_with_the_same_tickets() {
    let (home, other) = (Home::new(), Home::new());
    import(&home, &file(&home, "mail", MAIL), &[]);
    let number = "2";
    let noted = home.run_with(&["note", number, "--text", "-"], "He has sent a picture.");
    assert_eq!(noted.code, 0, "{}", noted.stderr);
    home.run(&[
        "set",
        number,
        "priority=high",
        "assignee=noor",
        "+vip",
        "status=pending",
    ]);

    let written = export(&home);
    let path = home.path("desk.jsonl");
    let to = path.to_str().expect("a path");
    let ran = home.run(&["export", "--output", to, "--json"]);
    assert_eq!(ran.json()["exported"], 2, "{}", ran.stderr);
    assert_eq!(fs::read_to_string(&path).expect("a file"), written);
    let refused = home.run(&["export", "--output", to]);
    assert_ne!(refused.code, 0, "a file that is there is left alone");
    let done = import(&other, &path, &[]);

    assert_eq!(counts(&done), [4, 0, 0, 2, 0], "{done}");
    assert_eq!(export(&other), written);
    let again = import(&other, &path, &[]);
    assert_eq!(counts(&again), [0, 4, 0, 0, 0], "{again}");
    assert_eq!(export(&other), written);
    let show = other.run(&["show", number, "--json"]).json();
    assert_eq!(show["ticket"]["priority"], "high");
    assert_eq!(show["messages"][1]["kind"], "internal");
}

#[test]
fn a_dry_run_says_what_would_come_and_files_nothing() {
    let home = Home::new();
    let text = concat!(
        "{\"id\":4812,\"subject\":\"Late\",\"status\":\"in the fridge\",\"messages\":",
        "[{\"text\":\"Where is it?\"}]}\n",
        "{\"id\":4813,\"messages\":[{}]}\n",
        "oops\n",
    );
    let path = file(&home, "some.jsonl", text);

    let dry = import(&home, &path, &["--dry-run"]);

    assert_eq!(counts(&dry), [1, 0, 2, 2, 0], "{dry}");
    assert_eq!(dry["dry_run"], true);
    let unknown =
        json!([{"what": "status", "word": "in the fridge", "became": "open", "count": 1}]);
    assert_eq!(dry["unmapped"], unknown);
    assert!(tickets(&home).is_empty());
    assert!(!home.data().join("rejects.jsonl").exists());
    let done = import(&home, &path, &[]);
    assert_eq!(counts(&done), counts(&dry));
    assert!(home.data().join("rejects.jsonl").exists());
    let numbers: Vec<_> = tickets(&home)
        .iter()
        .map(|row| row["number"].clone())
        .collect();
    assert_eq!(numbers, [4812, 4813]);
    let mail = file(&home, "mail", MAIL);
    let dry = import(&home, &mail, &["--dry-run"]);
    assert_eq!(counts(&dry), [3, 0, 0, 2, 0], "{dry}");
    assert_eq!(tickets(&home).len(), 2);
}

/// The tickets of the corpus: messages and their digests, by number.
struct Truth {
    tickets: Vec<Value>,
}

impl Truth {
    fn read(corpus: &Path) -> Self {
        let text = fs::read_to_string(corpus.join("tickets/shared/truth.json")).expect("a truth");
        let mut truth: Value = serde_json::from_str(&text).expect("JSON");
        let tickets = truth["tickets"].take();
        Self {
            tickets: tickets.as_array().expect("a list").clone(),
        }
    }

    /// Compares what a desk has with the truth; `digests` are of texts that were not cleaned.
    fn hold(&self, home: &Home, which: impl Fn(&Value) -> bool) -> usize {
        let lines: Vec<Value> = export(home)
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let by_id: BTreeMap<&str, &Value> = lines
            .iter()
            .map(|line| (line["id"].as_str().expect("an id"), line))
            .collect();
        let mut texts = 0;
        for truth in self.tickets.iter().filter(|truth| which(truth)) {
            let id = truth["id"].to_string();
            let line = by_id[id.as_str()];
            assert_eq!(line["number"], truth["id"]);
            assert_eq!(line["subject"], spaced(&truth["subject"]), "#{id}");
            assert_eq!(line["requester"]["address"], truth["requester"], "#{id}");
            assert_eq!(line["created_at"], truth["first"], "#{id}");
            let messages = line["messages"].as_array().expect("messages");
            let digests = truth["text_sha256"].as_array().expect("digests");
            assert_eq!(messages.len(), digests.len(), "#{id}");
            let same = messages.iter().zip(digests).filter(|(message, digest)| {
                let text = message["text"].as_str().expect("a text");
                let digest = digest.as_str().expect("a digest");
                format!("{:x}", Sha256::digest(text)).starts_with(digest)
            });
            texts += same.count();
        }
        texts
    }
}

/// A subject as the desk has it: on one line.
fn spaced(subject: &Value) -> Value {
    let words: Vec<_> = subject
        .as_str()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    words.join(" ").into()
}

#[test]
fn json_lines_of_the_corpus_come_in_whole() {
    let Some(corpus) = corpus() else { return };
    let home = Home::new();
    let path = corpus.join("tickets/shared/tickets.jsonl");

    let done = import(&home, &path, &[]);
    let texts = Truth::read(&corpus).hold(&home, |_| true);

    assert_eq!(counts(&done), [909, 0, 0, 300, 0], "{}", done["rejected"]);
    assert!(
        texts >= 906,
        "{texts} of 909: three hold control characters"
    );
    assert_eq!(counts(&import(&home, &path, &[])), [0, 909, 0, 0, 0]);
    println!("{texts} texts of 909 are the same to the byte");
}
