//! Files that are anything at all: reading them ends, and costs nothing but themselves.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::Value;

use super::{Entry, How, Kind, entries, judge};

/// Names that the readers look for.
const NAMES: [&str; 40] = [
    "tickets",
    "ticket",
    "id",
    "subject",
    "raw_subject",
    "status",
    "priority",
    "requester_id",
    "requester",
    "comments",
    "body",
    "html_body",
    "public",
    "author_id",
    "created_at",
    "attachments",
    "users",
    "data",
    "payload",
    "inbox_id",
    "messages",
    "message_type",
    "content",
    "meta",
    "sender",
    "email",
    "labels",
    "transactions",
    "Type",
    "Creator",
    "Content",
    "ContentType",
    "TransactionId",
    "Requestor",
    "Created",
    "uuid",
    "text",
    "tags",
    "custom_fields",
    "value",
];

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (1_i64..9).prop_map(Value::from),
        select(vec![
            "open",
            "Create",
            "Comment",
            "2024-07-18T22:13:24Z",
            "eA==",
            "a@b.test",
            "5"
        ])
        .prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((select(NAMES.to_vec()), inner), 0..8).prop_map(|fields| {
                let fields = fields.into_iter();
                fields
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()
            }),
        ]
    })
}

/// Reads a file as every kind, and as what it is taken for.
fn read(bytes: &[u8]) -> Vec<Entry> {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("export.json");
    std::fs::write(&path, bytes).expect("a file");
    let kinds = [
        Kind::Jsonl,
        Kind::Csv,
        Kind::Zendesk,
        Kind::Chatwoot,
        Kind::Rt,
        judge(&path),
    ];
    let at = jiff::Timestamp::UNIX_EPOCH;
    let read = kinds.map(|kind| entries(&path, kind, &How::default(), at).collect::<Vec<_>>());
    read.into_iter().flatten().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_json_is_read_to_its_end(values in vec(json(), 1..4)) {
        let lines: Vec<String> = values.iter().map(Value::to_string).collect();

        for entry in read(lines.join("\n").as_bytes()) {
            if let Entry::Ticket(record) = entry {
                prop_assert!(!record.origin.source_id.is_empty());
                prop_assert!(record.ticket.number >= 0);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_to_their_end(
        head in "(ticket_id[,;\t]subject[,;\t]body\r?\n)?",
        rest in vec(prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r'), any::<u8>()], 0..300),
    ) {
        let bytes = [head.into_bytes(), rest].concat();

        for entry in read(&bytes) {
            if let Entry::Reject(reject) = entry {
                prop_assert!(!reject.path.is_empty() && !reject.reason.is_empty());
            }
        }
    }
}
