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

#[path = "helpdesk/again.rs"]
mod again;
#[path = "helpdesk/systems.rs"]
mod systems;

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

const TABLE: &str = "Vorgang;Betreff;Zustand;Wer;Wann;Was;Farbe\r\n\
    T-17;Spät;in Arbeit;Maya Brand <maya@shop.example>;18.07.2024 12:30;\"Mein Paket; es \
    sollte am \"\"Montag\"\" kommen.\";blau\r\n\
    T-17;Spät;in Arbeit;Maya Brand <maya@shop.example>;19.07.2024 08:00;Es ist heute \
    angekommen, vielen Dank für die schnelle Hilfe!;blau\r\n\
    T-18;Delle;open;jonas@garden.example;07/08/2024;Der Kessel hat eine Delle und tropft \
    außerdem ein wenig.;grün\r\n\
    T-19;Zu kurz\r\n\
    T-20;\"Offen;open;jonas@garden.example;18.07.2024;Nie geschlossen.;rot\r\n";

#[test]
fn a_table_is_guessed_shown_and_taken_row_by_row() {
    let home = Home::new();
    let path = file(&home, "table.csv", TABLE);

    let dry = import(&home, &path, &["--dry-run"]);

    let look = &dry["tables"][0];
    assert_eq!(look["encoding"], "UTF-8");
    assert_eq!(look["separator"], ";");
    let columns: Vec<_> = look["columns"]
        .as_array()
        .expect("columns")
        .iter()
        .collect();
    let fields: Vec<_> = columns.iter().map(|column| &column["field"]).collect();
    let expected = [
        "ticket_id",
        "subject",
        "status",
        "requester_email",
        "created_at",
        "body",
    ];
    assert_eq!(fields[..6], expected);
    assert!(fields[6].is_null());
    assert!(look["rows"].as_array().expect("rows").len() >= 3);
    let said = home.run(&["import", "--dry-run", path.to_str().expect("a path")]);
    for words in [
        "Spät",
        "Farbe = left out",
        "Wer = requester_email, by what stands in it",
    ] {
        assert!(said.stdout.contains(words), "{}", said.stdout);
    }
    let done = import(&home, &path, &["--map", "Farbe=tags"]);
    assert_eq!(counts(&done), [2, 0, 3, 1, 0], "{done}");
    let reasons: Vec<_> = done["rejected"]
        .as_array()
        .expect("a list")
        .iter()
        .collect();
    let paths: Vec<_> = reasons
        .iter()
        .filter_map(|reject| reject["path"].as_str()?.split_once('#'))
        .map(|(_, line)| line)
        .collect();
    assert_eq!(paths, ["4", "5", "6"], "{done}");
    assert_eq!(done["unmapped"][0]["word"], "in Arbeit");
    let row = &tickets(&home)[0];
    assert_eq!(row["tags"], json!(["blau"]));
    assert_eq!(row["number"], 1, "T-17 is a name, not a number");
    let show = home.run(&["show", "1", "--json"]).json();
    assert_eq!(show["ticket"]["source_status"], "in Arbeit");
    assert_eq!(
        show["messages"][0]["text"],
        "Mein Paket; es sollte am \"Montag\" kommen."
    );
    assert_eq!(counts(&import(&home, &path, &[])), [0, 2, 3, 0, 0]);
}

#[test]
fn a_table_without_an_id_says_which_columns_it_has() {
    let home = Home::new();
    let path = file(
        &home,
        "table.csv",
        "Foo,Subject,Body\n1,Late,Where is it?\n",
    );
    let format = ["--format", "csv"];

    let done = import(&home, &path, &format);

    let reason = done["rejected"][0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("--map COLUMN=ticket_id"), "{reason}");
    assert!(reason.contains("Foo, Subject, Body"), "{reason}");
    let done = import(&home, &path, &["--map", "foo=ticket_id"]);
    assert_eq!(counts(&done), [1, 0, 0, 1, 0], "{done}");
    let wrong = home.run(&["import", "table.csv", "--map", "foo=colour"]);
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.stderr.contains("there is no field `colour`"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn tables_of_the_corpus_come_in_whole() {
    let Some(corpus) = corpus() else { return };
    let folder = corpus.join("tickets/shared");
    let truth = Truth::read(&corpus);
    for (name, encoding, messages, tickets) in [
        ("tickets.csv", "UTF-8", 909, 300),
        ("tickets_all_quoted.csv", "UTF-8", 200, 68),
        ("tickets_bom_lf.csv", "UTF-8", 200, 68),
        ("tickets_semicolon_cp1252.csv", "windows-1252", 200, 68),
        ("tickets_utf16le_tab.csv", "UTF-16LE", 200, 68),
    ] {
        let home = Home::new();

        let dry = import(&home, &folder.join(name), &["--dry-run"]);
        let done = import(&home, &folder.join(name), &[]);

        assert_eq!(dry["tables"][0]["encoding"], encoding, "{name}");
        let expected = [messages, 0, 0, tickets, 0];
        assert_eq!(counts(&done), expected, "{name}: {}", done["rejected"]);
        assert_eq!(counts(&dry), expected, "{name}");
        // The last ticket of a shorter table is cut off.
        let whole = truth.hold(&home, |truth| {
            tickets == 300 || truth["id"].as_u64().is_some_and(|id| id < 1_068)
        });
        println!("{name}: {whole} texts are the same to the byte");
        assert!(whole as u64 + 8 > messages.min(900), "{name}: {whole}");
    }
}

#[test]
fn a_broken_table_of_the_corpus_loses_its_broken_rows_only() {
    let Some(corpus) = corpus() else { return };
    let home = Home::new();

    let done = import(
        &home,
        &corpus.join("tickets/shared/tickets_broken.csv"),
        &[],
    );

    assert_eq!(counts(&done), [20, 0, 6, 2, 0], "{done}");
    println!("{}", done["rejected"]);
}
