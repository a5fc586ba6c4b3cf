//! Tickets from the command line: filed, listed, changed, merged.

use serde_json::{Value, json};

use crate::program::Home;

#[test]
fn tickets_are_listed_shown_and_changed() {
    let home = Home::new();
    let first = home.file("Refund not received", "Maya", "Where is it?");
    home.file("Broken zip", "Ben", "It tore.");

    let rows = home.run(&["tickets", "--json"]).lines();
    let set = home.run(&[
        "set",
        &first.to_string(),
        "status=open",
        "+VIP",
        "+late",
        "--json",
    ]);
    let untagged = home.run(&[
        "set",
        &first.to_string(),
        "-late",
        "priority=high",
        "--json",
    ]);
    let found = home.run(&[
        "tickets",
        "tag:vip",
        "-status:closed",
        "--json",
        "--limit",
        "5",
    ]);
    let shown = home.run(&["show", &first.to_string(), "--json"]).json();

    assert_eq!(rows.len(), 2);
    for field in [
        "number",
        "subject",
        "status",
        "priority",
        "requester",
        "assignee",
        "tags",
        "messages",
        "created_at",
        "updated_at",
        "draft",
    ] {
        assert!(rows[0].get(field).is_some(), "{field}");
    }
    assert_eq!(set.json()["tags"], json!(["late", "vip"]), "{}", set.stderr);
    assert_eq!(untagged.json()["tags"], json!(["vip"]));
    assert_eq!(found.json()["number"], first);
    assert_eq!(
        (&shown["ticket"]["status"], &shown["ticket"]["priority"]),
        (&json!("open"), &json!("high"))
    );
    assert_eq!(shown["messages"][0]["text"], "Where is it?");
}

#[test]
fn mail_is_filed_once_whatever_its_file_is_called() {
    let home = Home::new();
    let folder = home.path("mail");
    std::fs::create_dir(&folder).expect("a folder");
    let letter = |id: &str, more: &str, text: &str| {
        format!(
            "From: Maya <maya@example.com>\r\nTo: help@example.com\r\nSubject: Order 1182\r\n\
             Date: Mon, 2 Nov 2026 09:30:00 +0000\r\nMessage-ID: <{id}@example.com>\r\n{more}\r\n{text}\r\n"
        )
    };
    let answer = "In-Reply-To: <first@example.com>\r\n";
    for (name, text) in [
        ("a.bin", letter("first", "", "Where is it?")),
        ("b", letter("second", answer, "Hello again?")),
        ("c.eml", "\u{0}\u{1}\u{2} no mail at all".to_owned()),
    ] {
        std::fs::write(folder.join(name), text).expect("a file");
    }
    let folder = folder.display().to_string();

    let once = home.run(&["import", &folder, "--json"]).json();
    let twice = home.run(&["import", &folder, "--json"]).json();

    let count = |answer: &Value, field: &str| answer[field].as_u64().expect("a count");
    for (answer, imported, new) in [(&once, 2, 1), (&twice, 0, 0)] {
        let rejected = answer["rejected"].as_array().expect("a list");
        assert_eq!(rejected.len(), 1, "{answer}");
        assert!(rejected[0]["reason"].is_string() && rejected[0]["path"].is_string());
        assert_eq!(
            (count(answer, "imported"), count(answer, "tickets_new")),
            (imported, new),
            "{answer}"
        );
        assert_eq!(
            count(answer, "seen"),
            imported + count(answer, "duplicates") + 1,
            "{answer}"
        );
    }
    let row = home.run(&["tickets", "--json"]).json();
    assert_eq!(
        (&row["subject"], &row["messages"]),
        (&json!("Order 1182"), &json!(2))
    );
    assert_eq!(home.run(&["import", "/nowhere/at/all", "--json"]).code, 1);
}

#[test]
fn a_merge_is_undone_whole() {
    let home = Home::new();
    let first = home.file("Parcel", "Maya", "Where is it?").to_string();
    let second = home
        .file("Parcel again", "Maya", "Still nothing.")
        .to_string();
    home.run(&["set", &first, "status=hold"]);
    let texts = |number: &str| {
        let shown = home.run(&["show", number, "--json"]).json();
        let messages = shown["messages"].as_array().expect("messages").clone();
        let status = shown["ticket"]["status"].clone();
        (status, messages.len())
    };

    let itself = home.run(&["merge", &first, "--into", &first]);
    let merged = home.run(&["merge", &first, "--into", &second, "--json"]);
    let between = (texts(&first), texts(&second));
    let undone = home.run(&["merge", &first, "--undo", "--json"]);
    let again = home.run(&["merge", &first, "--undo"]);

    assert_eq!(itself.code, 1);
    assert!(itself.stderr.contains("into itself"), "{}", itself.stderr);
    assert_eq!(merged.json()["into"].to_string(), second);
    assert_eq!(between, ((json!("merged"), 0), (json!("new"), 2)));
    let expected = json!({
        "unmerged": first.parse::<i64>().expect("a number"),
        "from": second.parse::<i64>().expect("a number"),
        "status": "hold",
    });
    assert_eq!(undone.json(), expected, "{}", undone.stderr);
    assert_eq!(
        (texts(&first), texts(&second)),
        ((json!("hold"), 1), (json!("new"), 1))
    );
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("no merge of"), "{}", again.stderr);
}

#[test]
fn a_file_saved_where_the_program_was_started_is_named_plainly() {
    let home = Home::new();
    let mail = "From: Maya <maya@northbend.test>\r\nSubject: Parcel\r\nMessage-ID: <1@x>\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
        Content-Type: text/plain\r\n\r\nSee there.\r\n--b\r\n\
        Content-Disposition: attachment; filename=\"../.bashrc\"\r\n\r\nls\r\n--b--\r\n";
    let folder = home.path("downloads");
    std::fs::create_dir(&folder).expect("a folder");
    let file = home.path("mail.eml");
    std::fs::write(&file, mail).expect("a file");
    let imported = home.run(&["import", file.to_str().expect("a path")]);
    assert_eq!(imported.code, 0, "{}", imported.stderr);

    let mut command = home.command();
    let saved = command
        .current_dir(&folder)
        .args(["files", "1", "--save", "1"]);
    let saved = saved.output().expect("it runs");

    assert_eq!(String::from_utf8_lossy(&saved.stdout), "Saved as bashrc.\n");
    assert!(folder.join("bashrc").is_file());
}
