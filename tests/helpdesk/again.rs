//! The same export once more, and a later one: nothing twice, nothing lost.

use serde_json::json;

use super::{Value, counts, file, import, program::Home, tickets};

/// Returns what the messages of a ticket say, oldest first.
fn texts(home: &Home, number: u64) -> Vec<String> {
    let show = home.run(&["show", &number.to_string(), "--json"]).json();
    let messages = show["messages"].as_array().expect("messages");
    let text = |message: &Value| message["text"].as_str().unwrap_or_default().to_owned();
    messages.iter().map(text).collect()
}

#[test]
fn what_has_neither_date_nor_name_comes_once() {
    let home = Home::new();
    let lines = concat!(
        "{\"id\":41,\"messages\":[{\"text\":\"Where is it?\"},{\"text\":\"Here.\"}]}\n",
        "{\"id\":42,\"created_at\":\"2024-07-18T12:30:00Z\",\"messages\":[{\"text\":\"Late\"}]}\n",
    );
    let lines = file(&home, "some.jsonl", lines);
    let table = "ticket_id,subject,body,requester_email\n\
        51,Late,Where is it?,maya@shop.example\n\
        52,Dent,It drips.,jonas@garden.example\n";
    let table = file(&home, "table.csv", table);

    assert_eq!(counts(&import(&home, &lines, &[])), [3, 0, 0, 2, 0]);
    assert_eq!(counts(&import(&home, &table, &[])), [2, 0, 0, 2, 0]);

    assert_eq!(counts(&import(&home, &lines, &[])), [0, 3, 0, 0, 0]);
    assert_eq!(counts(&import(&home, &table, &[])), [0, 2, 0, 0, 0]);
    assert_eq!(texts(&home, 41), ["Where is it?", "Here."]);
}

#[test]
fn messages_that_say_the_same_are_as_many_as_they_were() {
    let home = Home::new();
    // A day has no time; who wrote, which way and for whom tells them apart, and their number.
    let table = "ticket_id,subject,sent_at,author_email,direction,kind,body\n\
        7,Swap,2024-07-18,maya@shop.example,in,public,Yes\n\
        7,Swap,2024-07-18,noor@acme.example,out,public,Yes\n\
        7,Swap,2024-07-18,noor@acme.example,out,note,Yes\n\
        7,Swap,2024-07-18,maya@shop.example,in,public,Yes\n\
        8,Dent,2024-07-18,jonas@garden.example,in,public,Yes\n\
        7,Swap,2024-07-18,maya@shop.example,in,public,Yes\n";
    let path = file(&home, "table.csv", table);
    let line = json!({"id": 9, "messages": [
        {"text": "Yes", "direction": "in"}, {"text": "Yes", "direction": "out"},
        {"text": "Yes", "public": false}, {"text": "Yes", "direction": "in"},
    ]});
    let lines = file(&home, "some.jsonl", &line.to_string());

    assert_eq!(counts(&import(&home, &path, &[])), [6, 0, 0, 2, 0]);
    assert_eq!(counts(&import(&home, &lines, &[])), [4, 0, 0, 1, 0]);

    assert_eq!(texts(&home, 7), ["Yes"; 5]);
    assert_eq!(texts(&home, 9), ["Yes"; 4]);
    assert_eq!(counts(&import(&home, &path, &[])), [0, 6, 0, 0, 0]);
    assert_eq!(counts(&import(&home, &lines, &[])), [0, 4, 0, 0, 0]);
    let one_more = format!("{table}7,Swap,2024-07-18,maya@shop.example,in,public,Yes\n");
    let path = file(&home, "table.csv", &one_more);
    assert_eq!(counts(&import(&home, &path, &[])), [1, 6, 0, 0, 1]);
}

#[test]
fn a_description_and_the_first_comment_are_one_message() {
    let (home, other) = (Home::new(), Home::new());
    let ticket = |comments: Value| {
        json!({"tickets": [{"id": 4813, "created_at": "2024-07-19T10:00:00Z", "subject": "A hum",
            "status": "open", "requester_id": 5, "description": "It hums at night.\r\n\r\nMaya",
            "requester": {"name": "Maya", "email": "maya@shop.example"}, "comments": comments}]})
        .to_string()
    };
    let bare = ticket(json!([]));
    let whole = ticket(json!([
        {"id": 1, "author_id": 5, "html_body": "<p>It hums at night.</p><p>Maya</p>",
         "public": true, "created_at": "2024-07-19T10:00:00Z",
         "metadata": {"system": {"message_id": "<hum@shop.example>"}}},
        {"id": 2, "author_id": 6, "body": "Which lamp is it?", "public": true,
         "created_at": "2024-07-19T11:00:00Z"},
        {"id": 3, "author_id": 5, "body": "It hums at night.\n\nMaya", "public": true,
         "created_at": "2024-07-19T12:00:00Z"},
    ]));
    let bare = file(&home, "bare/tickets.json", &bare);
    let whole = file(&home, "whole/tickets.json", &whole);

    assert_eq!(counts(&import(&home, &bare, &[])), [1, 0, 0, 1, 0]);
    assert_eq!(counts(&import(&home, &whole, &[])), [2, 1, 0, 0, 1]);
    assert_eq!(counts(&import(&home, &whole, &[])), [0, 3, 0, 0, 0]);
    assert_eq!(texts(&home, 4813).len(), 3);

    assert_eq!(counts(&import(&other, &whole, &[])), [3, 0, 0, 1, 0]);
    assert_eq!(counts(&import(&other, &bare, &[])), [0, 1, 0, 0, 0]);
    assert_eq!(counts(&import(&other, &whole, &[])), [0, 3, 0, 0, 0]);
}

#[test]
fn a_long_id_is_no_number() {
    let home = Home::new();
    let text = "{\"id\":9999999}\n{\"id\":10000000}\n{\"id\":360012345678}\n";
    let path = file(&home, "some.jsonl", text);

    assert_eq!(counts(&import(&home, &path, &[])), [0, 0, 0, 3, 0]);

    let mut numbers: Vec<_> = tickets(&home)
        .iter()
        .filter_map(|row| row["number"].as_i64())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [9_999_999, 10_000_000, 10_000_001]);
    let show = home.run(&["show", "10000001", "--json"]).json();
    assert_eq!(show["ticket"]["source_id"], "360012345678");
    assert_eq!(counts(&import(&home, &path, &[])), [0, 0, 0, 0, 0]);
}

#[test]
fn dates_that_could_be_two_days_are_warned_of_and_an_option_settles_them() {
    let home = Home::new();
    let text = "Ticket;Betreff;Kunde;Erstellt am;Nachricht\n\
                1;Spät;maya@shop.example;01/02/2024;Wo ist es?\n\
                2;Blau;jonas@garden.example;03/04/2024;Zu blau.\n";
    let table = file(&home, "table.csv", text);
    let path = table.to_str().expect("a path");

    let open = import(&home, &table, &[]);
    let dry = home.run(&["import", "--dry-run", path]).stdout;
    let said = import(&home, &table, &["--dates", "day-first"]);

    assert_eq!(counts(&open), [0, 0, 2, 0, 0], "{open}");
    let warning = &open["warnings"][0];
    assert_eq!(
        (&warning["kind"], &warning["column"], &warning["sample"]),
        (
            &json!("two_days"),
            &json!("Erstellt am"),
            &json!("01/02/2024")
        )
    );
    for words in [
        "Warning: `01/02/2024` in Erstellt am",
        "--dates day-first",
        "Erstellt am = created_at",
    ] {
        assert!(dry.contains(words), "{words}: {dry}");
    }
    assert_eq!(counts(&said), [2, 0, 0, 2, 0], "{said}");
    assert_eq!(said["warnings"], Value::Null);
    let shown = home.run(&["show", "1", "--json"]).json();
    assert_eq!(
        shown["messages"][0]["sent_at"], "2024-02-01T00:00:00Z",
        "{shown}"
    );
}

#[test]
fn a_table_that_is_read_in_another_way_files_nothing_twice() {
    let table = "Vorgang;Status;Wer;Von;Wann;Was\n\
        1;open;maya@shop.example;maya@shop.example;01/02/2024;Yes\n\
        1;open;maya@shop.example;noor@acme.example;01/02/2024;Yes\n\
        1;open;maya@shop.example;maya@shop.example;02/01/2024;Yes\n\
        1;open;maya@shop.example;maya@shop.example;02/01/2024;Yes\n\
        2;open;jonas@garden.example;jonas@garden.example;;Too blue.\n";
    let fields = ["Was=body", "Wann=created_at", "Wer=requester_email"];
    let [day, month] = [["--dates", "day-first"], ["--dates", "month-first"]];
    let mapped = |more: &[&'static str]| -> Vec<&'static str> {
        let maps = fields.iter().flat_map(|field| ["--map", field]);
        maps.chain(more.iter().copied()).collect()
    };
    let by_author = mapped(&["--map", "Von=author_email", "--dates", "day-first"]);
    let ways: [Vec<&str>; 4] = [
        mapped(&day),
        mapped(&month),
        by_author,
        vec!["--map", "Was=body", "--map", "Wann=ignore"],
    ];
    for first in &ways {
        let home = Home::new();
        let path = file(&home, "table.csv", table);
        assert_eq!(counts(&import(&home, &path, first)), [5, 0, 0, 2, 0]);
        for again in &ways {
            let done = import(&home, &path, again);
            assert_eq!(counts(&done), [0, 5, 0, 0, 0], "{first:?} {again:?}");
        }
        // A later export: what may change has changed, and one more says the same.
        let later = table.replace(";open;", ";solved;");
        let later = format!("{later}1;solved;maya@shop.example;maya@shop.example;02/01/2024;Yes\n");
        let path = file(&home, "table.csv", &later);
        for (again, new) in ways.iter().rev().zip([1, 0, 0, 0]) {
            let done = counts(&import(&home, &path, again));
            assert_eq!(done[..2], [new, 6 - new], "{first:?} {again:?}");
        }
        assert_eq!(texts(&home, 1), ["Yes"; 5]);
    }
}

#[test]
fn a_slice_of_a_table_with_the_same_words_brings_them() {
    let home = Home::new();
    let head = "ticket,nr,subject,who,body\n";
    let one = format!("{head}7,1,Swap,maya@shop.example,Yes\n");
    let two = format!("{head}7,2,Swap,maya@shop.example,Yes\n");
    let how = ["--map", "nr=message_no", "--map", "who=requester_email"];
    for text in [one, two] {
        let path = file(&home, "table.csv", &text);
        assert_eq!(counts(&import(&home, &path, &how))[..2], [1, 0]);
        assert_eq!(counts(&import(&home, &path, &how))[..2], [0, 1]);
    }
}

#[test]
fn a_row_is_not_refused_for_a_date_that_only_looked_like_one() {
    let home = Home::new();
    let table = "ticket_id,subject,created_at,updated_at,due,body\n\
        1,Late,2024-07-18,07/08/2024,2024-07-19,Where is it?\n\
        2,Dent,2024-07-18,soon,2024-07-20,It drips.\n\
        3,Hum,2024-07-18,2024-07-19,when it rains,It hums.\n";
    let table = file(&home, "table.csv", table);

    let done = import(&home, &table, &[]);

    assert_eq!(counts(&done), [3, 0, 0, 3, 0], "{done}");
    assert_eq!(counts(&import(&home, &table, &[])), [0, 3, 0, 0, 0]);
}

#[test]
fn a_table_without_dates_is_warned_of() {
    let home = Home::new();
    let table = file(
        &home,
        "table.csv",
        "Ticket;Betreff;Nachricht\n1;Spät;Wo ist es?\n",
    );

    let done = import(&home, &table, &[]);

    assert_eq!(counts(&done), [1, 0, 0, 1, 0]);
    let says = done["warnings"][0]["says"].as_str().expect("words");
    assert!(says.contains("--map COLUMN=created_at"), "{says}");
}
