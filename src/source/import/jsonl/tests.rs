use std::io::Cursor;

use proptest::{collection::vec, option, prelude::*, sample::select};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::*;
use crate::{
    domain::{
        Attachment, AttachmentId, AutoClass, Body, Contact, Direction, Message, MessageId,
        MessageKind, Origin, Priority, Record, RecordMessage, SameWhen, Status, Ticket, TicketId,
    },
    source::import::Reject,
    text::clean::{clean, clean_line},
};

const THEN: Timestamp = Timestamp::UNIX_EPOCH;

fn read_all(text: &str) -> Vec<Entry> {
    let reader = Cursor::new(text.as_bytes().to_vec());
    entries(reader, Path::new("t.jsonl"), None, THEN).collect()
}

fn tickets(text: &str) -> Vec<Record> {
    read_all(text)
        .into_iter()
        .map(|entry| match entry {
            Entry::Ticket(record) => *record,
            Entry::Reject(_) | Entry::Unmapped(_) | Entry::Warning(_) => panic!("{entry:?}"),
        })
        .collect()
}

fn rejects(text: &str) -> Vec<Reject> {
    let rejects = read_all(text).into_iter().filter_map(|entry| match entry {
        Entry::Reject(reject) => Some(reject),
        Entry::Ticket(_) | Entry::Unmapped(_) | Entry::Warning(_) => None,
    });
    rejects.collect()
}

#[test]
fn an_id_and_a_text_are_enough() {
    let line = r#"{"id": 7, "requester": "Maya Brand <maya@shop.example>", "status": "resolved",
        "messages": [{"author_email": "maya@shop.example", "text": "Where is it?"},
                     {"author": "Noor", "html": "<p>On its <b>way</b></p>"},
                     {"public": false, "text": "Asked the carrier."}]}"#
        .replace('\n', " ");

    let read = tickets(&line);

    let record = &read[0];
    assert_eq!(record.origin.source_id, "7");
    assert_eq!(record.origin.source_status.as_deref(), Some("resolved"));
    assert_eq!(
        (record.ticket.number, record.ticket.status),
        (7, Status::Solved)
    );
    let told: Vec<_> = record
        .messages
        .iter()
        .map(|told| (told.message.direction, told.message.kind))
        .collect();
    assert_eq!(
        told,
        [
            (Direction::In, MessageKind::Public),
            (Direction::Out, MessageKind::Public),
            (Direction::Out, MessageKind::Internal),
        ]
    );
}

#[test]
fn a_bad_line_or_message_is_named_and_costs_nothing_else() {
    let text = concat!(
        "{\"id\": 1, \"messages\": [{\"text\": \"fine\"}, {\"text\": 5}]}\n",
        "\n",
        "{\"id\": 2, \"created_at\": \"yesterday\"}\n",
        "{\"schema\": \"deskhand/9\", \"id\": 3}\n",
        "{\"id\": \"\"}\n",
        "no json\n",
        "{\"id\": 6, \"status\": \"in the fridge\"}\n",
    );

    let paths: Vec<String> = rejects(text)
        .into_iter()
        .map(|reject| reject.path)
        .collect();
    let unmapped = read_all(text)
        .into_iter()
        .filter(|entry| matches!(entry, Entry::Unmapped(_)))
        .count();

    assert_eq!(
        paths,
        [
            "t.jsonl#1 message 2",
            "t.jsonl#3",
            "t.jsonl#4",
            "t.jsonl#5",
            "t.jsonl#6"
        ]
    );
    assert_eq!(unmapped, 1);
}

#[test]
fn a_merged_ticket_that_does_not_say_where_it_went_on_is_closed() {
    let into = Uuid::now_v7();
    for (line, status) in [
        (
            r#"{"id": 1, "status": "merged"}"#.to_owned(),
            Status::Closed,
        ),
        (
            format!("{{\"id\": 1, \"status\": \"merged\", \"merged_into\": \"{into}\"}}"),
            Status::Merged,
        ),
    ] {
        let found = read_all(&line).into_iter().find_map(|entry| match entry {
            Entry::Ticket(record) => Some(record.ticket.status),
            Entry::Reject(_) | Entry::Unmapped(_) | Entry::Warning(_) => None,
        });
        assert_eq!(found, Some(status), "{line}");
    }
}

#[test]
fn an_original_must_have_the_digest_it_says() {
    let uuid = Uuid::now_v7();
    let sha256 = "0".repeat(64);
    let line = format!(
        "{{\"id\":1,\"uuid\":\"{uuid}\",\"messages\":[{{\"text\":\"x\",\"sha256\":\"{sha256}\",\
         \"original\":\"eA==\"}}]}}"
    );

    assert_eq!(
        rejects(&line)[0].reason,
        "its original does not have the digest it says"
    );
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0_i64..4_000_000_000_000_000)
        .prop_map(|micros| Timestamp::from_microsecond(micros).expect("a time"))
}

fn line() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| clean_line(&text))
}

fn contact() -> impl Strategy<Value = Contact> {
    (option::of(line()), line()).prop_map(|(name, address)| Contact {
        name: name.filter(|name| !name.is_empty()),
        address,
    })
}

fn body() -> impl Strategy<Value = Body> {
    let words = "(?s)([a-z >.\n-]{0,40}(On Mon Maya wrote:\n> )?){0,3}";
    let text = prop_oneof![any::<String>(), words.prop_map(String::from)];
    (text, any::<bool>(), option::of(line()), any::<bool>()).prop_map(
        |(text, from_html, quoted, is_split)| {
            let text = clean(&text);
            let mut body = super::super::case::body(
                super::super::case::Words::Text(text.clone()),
                MessageKind::Public,
            );
            if !is_split {
                body.clean = text;
                body.quoted = quoted;
            }
            body.from_html = from_html;
            body
        },
    )
}

fn attachments() -> impl Strategy<Value = Vec<Attachment>> {
    let one = ("[a-z]{1,9}\\.pdf", 0_i64..9_000).prop_map(|(name, size_bytes)| Attachment {
        id: AttachmentId::new(Uuid::now_v7()),
        name,
        media_type: "application/pdf".to_owned(),
        size_bytes,
    });
    vec(one, 0..3)
}

#[expect(clippy::too_many_lines, reason = "one value for every field")]
fn message() -> impl Strategy<Value = RecordMessage> {
    let kinds = select(vec![
        MessageKind::Public,
        MessageKind::Internal,
        MessageKind::System,
    ]);
    let ways = select(vec![Direction::In, Direction::Out]);
    let classes = select(vec![
        AutoClass::Human,
        AutoClass::Ooo,
        AutoClass::List,
        AutoClass::BounceHard,
    ]);
    let people = (
        contact(),
        option::of(contact()),
        vec(contact(), 0..3),
        vec(contact(), 0..2),
    );
    let facts = (
        kinds,
        ways,
        classes,
        any::<bool>(),
        vec("[a-z0-9]{1,9}@[a-z]{1,9}", 0..3),
    );
    let kept = (
        option::of("imap:[a-z]{1,5}"),
        option::of(time()),
        option::of(vec(any::<u8>(), 0..60)),
    );
    (people, facts, kept, (line(), body(), attachments(), time())).prop_map(
        |((from, reply_to, to, cc), facts, (source, filed_at, original), said)| {
            let (kind, direction, auto_class, was_seen, answers) = facts;
            let (subject, body, attachments, sent_at) = said;
            let id = Uuid::now_v7();
            let bytes = original.clone().unwrap_or_else(|| id.as_bytes().to_vec());
            RecordMessage {
                message: Message {
                    id: MessageId::new(id),
                    ticket: TicketId::new(Uuid::nil()),
                    kind,
                    direction,
                    from,
                    reply_to,
                    to,
                    cc,
                    subject,
                    body,
                    attachments,
                    rfc_message_id: format!("{id}@x.test"),
                    answers,
                    auto_class,
                    sent_at,
                    raw_sha256: format!("{:x}", Sha256::digest(bytes)),
                    thread_reason: "new ticket".to_owned(),
                    hints: Vec::new(),
                    was_seen,
                },
                source,
                filed_at,
                stand_in: None,
                original,
            }
        },
    )
}

#[expect(clippy::too_many_lines, reason = "one value for every field")]
fn record() -> impl Strategy<Value = Record> {
    let statuses = select(crate::domain::ticket::STATUSES.to_vec());
    let priorities = option::of(select(vec![
        Priority::Low,
        Priority::Normal,
        Priority::High,
        Priority::Urgent,
    ]));
    let origin = ("[a-z]{1,8}", "[A-Z0-9-]{1,12}", option::of("[a-z ]{1,9}"));
    let origin = origin.prop_map(|(source, source_id, status)| Origin {
        source,
        source_id,
        source_status: status.map(|word| clean_line(&word)),
    });
    let facts = (
        line(),
        contact(),
        option::of(line()),
        vec("[a-z-]{1,8}", 0..3),
        option::of(line()),
    );
    let times = (time(), time(), option::of(time()));
    let status = (
        statuses.clone(),
        option::of(statuses),
        priorities,
        any::<bool>(),
    );
    (
        origin,
        facts,
        times,
        status,
        (1_i64..999_999_999_999, vec(message(), 0..5)),
    )
        .prop_map(|(origin, facts, times, status, (number, mut messages))| {
            let (subject, requester, assignee, tags, quarantined_because) = facts;
            let (created_at, updated_at, last_customer_message_at) = times;
            let (status, status_before, priority, is_merged) = status;
            messages.sort_by_key(|told| told.message.sent_at);
            Record {
                ticket: Ticket {
                    id: TicketId::new(Uuid::now_v7()),
                    number,
                    source: origin.source.clone(),
                    subject,
                    requester,
                    status,
                    priority,
                    assignee,
                    tags,
                    quarantined_because,
                    messages: 0,
                    created_at,
                    updated_at,
                    last_customer_message_at,
                    version: 1,
                },
                origin,
                status_before,
                merged_into: is_merged.then(|| TicketId::new(Uuid::now_v7())),
                same_when: SameWhen::BytesAgree,
                messages,
            }
        })
}

proptest! {
    #[test]
    fn a_ticket_that_was_written_is_read_equal(records in vec(record(), 1..4)) {
        let lines: Vec<String> = records
            .iter()
            .map(|record| crate::text::json::escaped(&write(record).expect("a line")))
            .collect();

        let read = tickets(&lines.join("\n"));

        for (read, written) in read.iter().zip(&records) {
            let whole = |record: &Record| write(record).expect("a line");
            prop_assert!(read == written, "{}\n{}", whole(read), whole(written));
        }
        prop_assert_eq!(read.len(), records.len());
    }
}
