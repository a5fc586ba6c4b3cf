//! What the chapters are played with.

use std::time::Duration;

use deskhand::{
    domain::{
        Attachment, AttachmentId, Attempt, AutoClass, Billed, Body, Cap, Change, Contact, Cost,
        Direction, DraftOrigin, DraftState, Ending, HoldId, LinkName, Message, MessageId,
        MessageKind, Order, Page, Query, Receipt, ReceiptId, RunId, SideCaps, Status, Task, Ticket,
        TicketId, Timestamp, Usage, Usd,
    },
    store::{Filing, HoldAsk, Letter, Original, Place, SaveDraft, Store, StoreUrl},
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{Connection, Row};
use uuid::Uuid;

/// More than any chapter makes.
/// The bytes of a test's letter.
pub(super) const AS_IT_CAME: &[u8] = b"Subject: x\r\n\r\n\xff\0 as it came";

pub(super) const ALL: Page = Page {
    offset: 0,
    limit: 1000,
};

pub(super) async fn fresh_postgres(server: &str) -> StoreUrl {
    let name = format!("story_{}", Uuid::now_v7().simple());
    raw(
        &StoreUrl::Postgres(SecretString::from(server.to_owned())),
        &format!("CREATE DATABASE {name}"),
    )
    .await;
    let (place, _) = server.rsplit_once('/').unwrap();
    StoreUrl::Postgres(SecretString::from(format!("{place}/{name}")))
}

/// Says something to the database behind the store's back and returns the texts that come back.
pub(super) async fn raw(url: &StoreUrl, sql: &str) -> String {
    match url {
        StoreUrl::Sqlite(path) => {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
            let mut connection = sqlx::SqliteConnection::connect_with(&options)
                .await
                .unwrap();
            let rows = sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
                .fetch_all(&mut connection)
                .await
                .unwrap();
            connection.close().await.unwrap();
            rows.iter()
                .filter_map(|row| row.try_get::<String, _>("detail").ok())
                .collect::<Vec<_>>()
                .join("\n")
        }
        StoreUrl::Postgres(url) => {
            let mut connection = sqlx::PgConnection::connect(url.expose_secret())
                .await
                .unwrap();
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
                .execute(&mut connection)
                .await
                .unwrap();
            String::new()
        }
    }
}

pub(super) async fn limited<T>(wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), wait)
        .await
        .expect("nothing was heard in ten seconds")
}

pub(super) async fn find(store: &Store, query: &str) -> Vec<i64> {
    let query = Query::parse(query).unwrap();
    let rows = store.tickets(&query, Order::Number, ALL).await.unwrap();
    rows.iter().map(|row| row.number).collect()
}

pub(super) async fn number(store: &Store, number: i64) -> Ticket {
    store.ticket_by_number(number).await.unwrap().unwrap()
}

pub(super) async fn sums(store: &Store, period: &str) -> (i64, i64, i64) {
    let sums = store.sums(period).await.unwrap();
    let cents = |usd: Usd| usd.nanos() / 10_000_000;
    (
        cents(sums.settled_known),
        cents(sums.settled_at_most),
        cents(sums.held),
    )
}

pub(super) fn usd(cents: i64) -> Usd {
    Usd::from_nanos(cents * 10_000_000)
}

/// Seconds after an evening in 2026.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

pub(super) fn to_status(status: Status) -> Change {
    Change {
        status: Some(status),
        ..Change::default()
    }
}

fn maya() -> Contact {
    Contact {
        name: Some("Maya Öz".into()),
        address: "maya@example.org".into(),
    }
}

pub(super) fn new_ticket(subject: &str) -> Ticket {
    Ticket {
        id: TicketId::new(Uuid::now_v7()),
        number: 0,
        source: "import".into(),
        subject: subject.into(),
        requester: maya(),
        status: Status::New,
        priority: None,
        assignee: None,
        tags: vec!["late".into()],
        quarantined_because: None,
        messages: 0,
        created_at: at(10),
        updated_at: at(10),
        last_customer_message_at: None,
        version: 0,
    }
}

pub(super) fn message(rfc_id: &str, text: &str, sent: i64) -> Message {
    Message {
        id: MessageId::new(Uuid::now_v7()),
        ticket: TicketId::new(Uuid::now_v7()),
        kind: MessageKind::Public,
        direction: Direction::In,
        from: maya(),
        reply_to: None,
        to: vec![Contact {
            name: None,
            address: "desk@example.com".into(),
        }],
        cc: vec![],
        subject: "Re: something".into(),
        body: Body {
            text: format!("{text}\n> quoted"),
            clean: text.into(),
            quoted: Some("> quoted".into()),
            signature: None,
            from_html: true,
        },
        attachments: vec![Attachment {
            id: AttachmentId::new(Uuid::now_v7()),
            name: "bill.pdf".into(),
            media_type: "application/pdf".into(),
            size_bytes: 12,
        }],
        rfc_message_id: rfc_id.into(),
        answers: vec![],
        auto_class: AutoClass::Human,
        sent_at: at(sent),
        raw_sha256: format!("sha-{rfc_id}"),
        thread_reason: "new ticket".into(),
        hints: Vec::new(),
        was_seen: true,
    }
}

pub(super) fn letter(rfc_id: &str, ticket: &Ticket, text: &str, sent: i64) -> Letter {
    Letter {
        message: message(rfc_id, text, sent),
        place: Place::New(Box::new(ticket.clone())),
        reopen: None,
        note_path: Some("/mail/cur/1".into()),
        topic: None,
        is_own_copy: false,
        quarantine: None,
        is_history: false,
        returned: None,
        original: Some(Original::of(AS_IT_CAME).unwrap()),
    }
}

pub(super) fn in_ticket(message: Message, ticket: TicketId) -> Letter {
    Letter {
        message,
        place: Place::In(ticket),
        reopen: None,
        note_path: None,
        topic: None,
        original: None,
        is_own_copy: false,
        quarantine: None,
        is_history: false,
        returned: None,
    }
}

pub(super) fn filing(letters: Vec<Letter>) -> Filing {
    Filing {
        source: "import".into(),
        letters,
        ..Filing::default()
    }
}

pub(super) fn save(ticket: TicketId, text: &str, expected: Option<i64>) -> SaveDraft {
    SaveDraft {
        ticket,
        author: "noor".into(),
        answers: Some(MessageId::new(Uuid::from_u128(7))),
        text: text.into(),
        origin: DraftOrigin::Mixed,
        state: DraftState::Ready,
        receipts: vec![],
        flags: vec!["fallback".into()],
        knew: None,
        expected,
        at: at(300),
    }
}

pub(super) fn hold_ask(period: &str, cap: Cap, ceiling: Usd, floor: Usd) -> HoldAsk {
    HoldAsk {
        id: HoldId::new(Uuid::now_v7()),
        run: RunId::new(Uuid::now_v7()),
        ticket: None,
        attempt: 1,
        link: LinkName::new("anthropic", "big"),
        ceiling,
        floor,
        cap,
        beside: SideCaps::default(),
        period: period.into(),
        owner: "4711@1".into(),
        lease_until: at(10_000),
        at: at(600),
    }
}

/// A run that asked the links in order; only the last one may have answered.
pub(super) fn receipt(
    ticket: TicketId,
    links: &[&LinkName],
    ending: Ending,
    began: i64,
) -> Receipt {
    Receipt {
        id: ReceiptId::new(Uuid::now_v7()),
        run: RunId::new(Uuid::now_v7()),
        ticket: Some(ticket),
        ticket_number: Some(4812),
        task: Task::Reply,
        agent: "noor".into(),
        began: at(began),
        ended: at(began + 1),
        chain: links.iter().map(|link| (*link).clone()).collect(),
        chain_from: "default".into(),
        attempts: (1..)
            .zip(links)
            .map(|(no, link)| attempt(no, link, began))
            .collect(),
        skipped: vec![],
        ending,
        action: "drafted".into(),
        asked_sha256: "00".into(),
        words_sent: 10,
        words_whole: 12,
        redacted: vec![],
        first_choice_cost: None,
        sources: vec!["a@shop".into()],
    }
}

fn attempt(no: u32, link: &LinkName, began: i64) -> Attempt {
    Attempt {
        no,
        link: link.clone(),
        answered_by: None,
        began: at(began),
        status: Some(200),
        class: None,
        said: Some("words of \u{0} a provider".into()),
        request_id: None,
        retry_after: Some(Duration::from_millis(1500)),
        connect: None,
        first_text: None,
        took: Duration::from_micros(1_234_567),
        usage: Usage::default(),
        cost: Cost::Known(usd(1)),
        price: None,
        billed: Billed::Yes,
        moved_on_because: None,
        shown: None,
    }
}
