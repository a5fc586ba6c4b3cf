//! Zendesk, Chatwoot and Request Tracker: our own small exports, and the corpus' large ones.

use std::{collections::HashMap, fs};

use serde_json::{Value, json};

use super::{Truth, corpus, counts, export, file, import, program::Home, tickets};

fn write(home: &Home, name: &str, value: &Value) -> std::path::PathBuf {
    file(home, name, &value.to_string())
}

/// Returns a ticket as `show` tells it.
fn show(home: &Home, number: u64) -> Value {
    home.run(&["show", &number.to_string(), "--json"]).json()
}

/// Returns who may read each message, which way it went, and what it says.
fn said(ticket: &Value) -> Vec<[String; 3]> {
    let messages = ticket["messages"].as_array().expect("messages");
    let words = |message: &Value| {
        ["kind", "direction", "text"]
            .map(|field| message[field].as_str().unwrap_or_default().to_owned())
    };
    messages.iter().map(words).collect()
}

fn zendesk(home: &Home, last: &str) -> std::path::PathBuf {
    let users = json!({"users": [
        {"id": 5, "name": "Maya Brand", "email": "maya@shop.example", "role": "end-user"},
        {"id": 6, "name": "Noor", "email": "noor@acme.example", "role": "agent"},
    ]});
    write(home, "zendesk/users.json", &users);
    let tickets = json!({"tickets": [
        {"id": 4812, "created_at": "2024-07-18T22:13:24Z", "updated_at": "2024-07-20T08:00:00Z",
         "subject": "Where is my parcel?", "status": last, "priority": "urgent",
         "requester_id": 5, "assignee_id": 6, "tags": ["parcel", "late"], "type": "problem",
         "custom_fields": [{"id": 77, "value": "depot 3"}, {"id": 78, "value": null}]},
        {"id": 4813, "created_at": "2024-07-19T10:00:00Z", "subject": "No comments",
         "status": "hold", "requester_id": 9, "description": "It hums at night."},
        {"id": 4814, "created_at": "soon", "subject": "Bad date", "status": "new"},
    ], "count": 3});
    write(home, "zendesk/tickets.json", &tickets);
    let comments = json!({"comments": [
        {"id": 1, "author_id": 5, "body": "It was to come on Monday.", "public": true,
         "created_at": "2024-07-18T22:13:24Z", "attachments": [
            {"file_name": "../../slip.pdf", "content_type": "application/pdf", "size": 12}]},
        {"id": 2, "author_id": 6, "body": "Asked the carrier.", "public": false,
         "created_at": "2024-07-19T07:00:00Z"},
        {"id": 3, "author_id": 6, "html_body": "<p>It waits at the <b>depot</b>.</p>",
         "public": true, "created_at": "2024-07-20T08:00:00Z"},
        {"id": 4, "author_id": 6, "public": true, "created_at": "2024-07-20T08:00:00Z"},
    ]});
    write(home, "zendesk/comments/4812.json", &comments);
    home.path("zendesk")
}

#[test]
fn a_zendesk_export_keeps_numbers_notes_and_words() {
    let home = Home::new();
    let path = zendesk(&home, "pending");

    let done = import(&home, &path, &[]);

    assert_eq!(counts(&done), [4, 0, 2, 2, 0], "{done}");
    let rejects: Vec<_> = done["rejected"]
        .as_array()
        .expect("a list")
        .iter()
        .collect();
    assert!(
        rejects[0]["path"]
            .as_str()
            .expect("a path")
            .ends_with("#4812 comment 4")
    );
    assert_eq!(rejects[1]["reason"], "its created_at `soon` is no date");
    let unmapped: Vec<_> = done["unmapped"]
        .as_array()
        .expect("a list")
        .iter()
        .collect();
    let words: Vec<_> = unmapped.iter().map(|one| &one["word"]).collect();
    assert_eq!(words, ["77", "type", "9"], "{unmapped:?}");
    let ticket = show(&home, 4812);
    assert_eq!(
        said(&ticket),
        [
            ["public", "in", "It was to come on Monday."],
            ["internal", "out", "Asked the carrier."],
            ["public", "out", "It waits at the depot."],
        ]
    );
    let facts = &ticket["ticket"];
    assert_eq!(facts["status"], "pending");
    assert_eq!(
        (&facts["source"], &facts["source_id"]),
        (&json!("zendesk"), &json!("4812"))
    );
    assert_eq!(
        (&facts["priority"], &facts["assignee"]),
        (&json!("urgent"), &json!("Noor"))
    );
    assert_eq!(facts["tags"], json!(["late", "parcel"]));
    assert_eq!(facts["requester"]["address"], "maya@shop.example");
    assert_eq!(facts["created_at"], "2024-07-18T22:13:24Z");
    let other = show(&home, 4813);
    assert_eq!(other["ticket"]["status"], "hold");
    assert_eq!(other["messages"][0]["text"], "It hums at night.");
    assert_eq!(other["draft"], Value::Null, "an import makes no draft");
    assert_eq!(other["outbox"], json!([]), "and no mail");
}

#[test]
fn a_later_export_adds_what_is_new_and_moves_what_nobody_moved() {
    let home = Home::new();
    import(&home, &zendesk(&home, "pending"), &[]);
    home.run(&["set", "4813", "status=open"]);

    let again = import(&home, &zendesk(&home, "solved"), &[]);

    assert_eq!(counts(&again), [0, 4, 2, 0, 1], "{again}");
    let facts = &show(&home, 4812)["ticket"];
    assert_eq!(facts["status"], "solved");
    assert_eq!(facts["source_status"], "solved");
    assert_eq!(show(&home, 4813)["ticket"]["status"], "open");
}

#[test]
fn ndjson_of_a_whole_account_is_read_line_by_line() {
    let home = Home::new();
    let line = |id: u64| {
        json!({"id": id, "subject": "Late", "status": "new", "raw_subject": "Late",
            "requester_id": 5, "requester": {"name": "Maya", "email": "maya@shop.example"},
            "created_at": "2024-07-18T22:13:24Z",
            "comments": [{"id": id * 10, "author_id": 5, "body": "Where is it?", "public": true,
                "created_at": "2024-07-18T22:13:24Z"}]})
        .to_string()
    };
    let text = format!("{}\n{{oops\n{}\n", line(1), line(2));
    let path = file(&home, "account.ndjson", &text);

    let done = import(&home, &path, &[]);

    assert_eq!(counts(&done), [2, 0, 1, 2, 0], "{done}");
    assert_eq!(show(&home, 2)["messages"][0]["direction"], "in");
}

#[test]
fn chatwoot_conversations_come_with_notes_and_without_its_bot() {
    let home = Home::new();
    let sender = json!({"id": 5, "name": "Maya", "email": "maya@shop.example", "type": "contact"});
    let conversations = json!({"data": {"meta": {}, "payload": [
        {"id": 7, "inbox_id": 1, "status": "open", "priority": null, "labels": ["vip"],
         "created_at": 1_721_340_804, "last_activity_at": 1_721_350_000,
         "additional_attributes": {"mail_subject": "Where is it?"},
         "meta": {"sender": sender, "assignee": {"name": "Noor"}}, "messages": []},
        {"id": 8, "inbox_id": 1, "status": "pending", "created_at": 1_721_340_804,
         "meta": {"sender": sender}, "messages": [
            {"id": 80, "message_type": 0, "content": "Hello?", "created_at": 1_721_340_804,
             "sender": sender}]},
    ]}});
    write(&home, "chatwoot/conversations.json", &conversations);
    let messages = json!({"payload": [
        {"id": 70, "message_type": 0, "content": "Late!", "created_at": 1_721_340_804,
         "source_id": "<one@shop.example>", "sender": sender},
        {"id": 71, "message_type": 2, "content": "Noor took it", "created_at": 1_721_341_000},
        {"id": 72, "message_type": 1, "private": true, "content": "Ask the depot",
         "created_at": 1_721_342_000, "sender": {"name": "Noor", "type": "user"}},
        {"id": 73, "message_type": 1, "content": "It comes today.", "private": false,
         "created_at": 1_721_343_000, "sender": {"name": "Noor", "type": "user"}},
        {"id": 74, "message_type": 9, "content": "?", "created_at": 1_721_343_000},
    ]});
    write(&home, "chatwoot/messages/7.json", &messages);

    let done = import(&home, &home.path("chatwoot"), &[]);

    assert_eq!(counts(&done), [5, 0, 1, 2, 0], "{done}");
    assert_eq!(
        said(&show(&home, 7)),
        [
            ["public", "in", "Late!"],
            ["system", "out", "Noor took it"],
            ["internal", "out", "Ask the depot"],
            ["public", "out", "It comes today."],
        ]
    );
    assert_eq!(
        show(&home, 7)["messages"][0]["message_id"],
        "one@shop.example"
    );
    assert_eq!(show(&home, 7)["ticket"]["status"], "open");
    let with_a_bot = &show(&home, 8)["ticket"];
    assert_eq!(with_a_bot["status"], "new");
    assert_eq!(with_a_bot["source_status"], "pending");
    assert_eq!(done["unmapped"][0]["word"], "pending");
    let again = import(&home, &home.path("chatwoot"), &[]);
    assert_eq!(counts(&again), [0, 5, 1, 0, 0]);
}

#[test]
fn rt_tickets_come_with_comments_and_files() {
    let home = Home::new();
    let part = |transaction: &str, kind: &str, name: Option<&str>, base64: &str| {
        json!({"TransactionId": {"id": transaction}, "ContentType": kind, "Filename": name,
            "Content": base64})
    };
    let transaction = |id: &str, kind: &str, by: &str, at: &str| json!({"id": id, "Type": kind, "Created": at, "Creator": {"id": by}});
    let ticket = json!({
        "ticket": {"id": 31, "Subject": "Printer hums", "Status": "stalled",
            "Owner": {"id": "noor"}, "Requestor": [{"id": "maya@shop.example"}],
            "Queue": {"id": "1", "Name": "Hardware"}, "Priority": "0",
            "Created": "2024-07-18T22:13:24Z", "LastUpdated": "2024-07-20T08:00:00Z"},
        "transactions": [
            transaction("1", "Create", "maya@shop.example", "2024-07-18T22:13:24Z"),
            transaction("2", "Status", "noor", "2024-07-19T07:00:00Z"),
            transaction("3", "Comment", "noor", "2024-07-19T08:00:00Z"),
            transaction("4", "Correspond", "noor", "2024-07-20T08:00:00Z"),
            transaction("5", "Correspond", "noor", "2024-07-20T09:00:00Z")],
        "attachments": [
            part("1", "text/plain", None, "SXQgaHVtcw=="),
            part("1", "image/png", Some("hum.png"), "AAEC"),
            part("3", "text/plain", None, "TG91ZA=="),
            part("4", "text/html", None, "PHA+VHVybiBpdCBvZmY8L3A+"),
            part("5", "text/plain", None, "***")],
    });
    write(&home, "rt/31.json", &ticket);

    let done = import(&home, &home.path("rt"), &[]);

    assert_eq!(counts(&done), [3, 0, 1, 1, 0], "{done}");
    let shown = show(&home, 31);
    assert_eq!(
        said(&shown),
        [
            ["public", "in", "It hums"],
            ["internal", "out", "Loud"],
            ["public", "out", "Turn it off"],
        ]
    );
    let file = &shown["messages"][0]["attachments"][0];
    assert_eq!(
        (&file["name"], &file["size_bytes"]),
        (&json!("hum.png"), &json!(3))
    );
    let facts = &shown["ticket"];
    assert_eq!(
        (&facts["status"], &facts["source_status"]),
        (&json!("pending"), &json!("stalled"))
    );
    assert_eq!(
        (&facts["assignee"], &facts["tags"]),
        (&json!("noor"), &json!(["hardware"]))
    );
    assert_eq!(done["unmapped"][0]["word"], "Status");
}

/// Which way the messages of a ticket went, by its number, as the corpus' own lines say.
fn ways(text: &str) -> HashMap<String, Vec<Value>> {
    text.lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).expect("JSON");
            let messages = line["messages"].as_array().expect("messages");
            let ways = messages.iter().map(|message| message["direction"].clone());
            (
                line["number"].as_i64().or(line["id"].as_i64()),
                ways.collect(),
            )
        })
        .map(|(number, ways)| (format!("{number:?}"), ways))
        .collect()
}

#[test]
fn helpdesks_of_the_corpus_come_in_whole() {
    let Some(corpus) = corpus() else { return };
    let folder = corpus.join("tickets/shared");
    let truth = Truth::read(&corpus);
    let text = fs::read_to_string(folder.join("tickets.jsonl")).expect("lines");
    let told = ways(&text);
    for (name, count, messages) in [
        ("zendesk", 300, 909),
        ("chatwoot", 300, 909),
        ("rt", 40, 130),
    ] {
        let home = Home::new();

        let dry = import(&home, &folder.join(name), &["--dry-run"]);
        let done = import(&home, &folder.join(name), &[]);

        let expected = [messages, 0, 0, count, 0];
        assert_eq!(counts(&done), expected, "{name}: {}", done["rejected"]);
        assert_eq!(counts(&dry), expected, "{name}");
        let last = 1_000 + count;
        let texts = truth.hold(&home, |truth| {
            truth["id"].as_u64().is_some_and(|id| id <= last)
        });
        println!(
            "{name}: {texts} texts of {messages} are the same to the byte; {}",
            done["unmapped"]
        );
        assert!(texts as u64 + 3 >= messages, "{name}: {texts}");
        let here = ways(&export(&home));
        let same = here.iter().filter(|(number, ways)| told[*number] == **ways);
        println!(
            "{name}: {} tickets of {count} went the same way",
            same.count()
        );
        let again = import(&home, &folder.join(name), &[]);
        assert_eq!(counts(&again), [0, messages, 0, 0, 0], "{name}");
        assert_eq!(tickets(&home).len() as u64, count);
    }
}
