//! The whole program by keystrokes: a real desk in a temporary folder, real HTTP to the simulator
//! inside, a screen of cells instead of a terminal.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{path::Path, sync::Arc, time::Duration};

use deskhand::{
    config::paths::{Overrides, Paths},
    desk::{Desk, Mode, Opening, Patience},
    domain::{
        AutoClass, Body, Contact, Direction, Message, MessageId, MessageKind, Status, Ticket,
        TicketId, Timestamp,
    },
    store::{Filing, Letter, Place, Store, StoreUrl},
    tui::{Options, Session},
};
use ratatui::{Terminal, backend::TestBackend};
use uuid::Uuid;

/// Every wait ends after this long, as a failure.
const LIMIT: Duration = Duration::from_secs(30);

type Seat = Session<TestBackend>;

fn shown(session: &mut Seat) -> String {
    session.paint_now().unwrap();
    session.terminal().backend().to_string()
}

/// Lets things happen until the words stand on the screen.
async fn wait_for(session: &mut Seat, words: &str) {
    let seen = async {
        while !shown(session).contains(words) {
            let msg = session.wait().await;
            session.take(msg);
        }
    };
    let in_time = tokio::time::timeout(LIMIT, seen).await.is_ok();
    assert!(in_time, "no `{words}` on:\n{}", shown(session));
}

/// Files three tickets, so that the walk does not depend on the demo's own.
async fn file_letters(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    file(folder, (1..=3).map(letter).collect()).await;
}

/// Files one more message into a ticket, as another program would.
async fn writes_again(folder: &Path, number: u8) {
    let mut again = letter(number);
    again.message.id = MessageId::new(Uuid::from_u128(200));
    again.message.rfc_message_id.insert_str(0, "again-");
    again.message.raw_sha256.insert_str(0, "again");
    again.message.sent_at = now();
    again.place = Place::In(again.message.ticket);
    file(folder, vec![again]).await;
}

async fn file(folder: &Path, letters: Vec<Letter>) {
    let url = StoreUrl::Sqlite(folder.join("deskhand.db"));
    let store = Store::open(&url).await.unwrap();
    let filing = Filing {
        source: "demo".to_owned(),
        letters,
        first_number: Some(1001),
        ..Filing::default()
    };
    store.file(&filing, now()).await.unwrap();
    store.close().await;
}

#[expect(clippy::disallowed_methods, reason = "a test is no desk")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn at(hour: u8) -> Timestamp {
    format!("2026-11-20T0{hour}:00:00Z").parse().unwrap()
}

fn letter(number: u8) -> Letter {
    let text = format!("Hello, this is question {number}: where is my order?");
    let from = Contact {
        name: Some("Ada".to_owned()),
        address: "ada@example.com".to_owned(),
    };
    let ticket = Ticket {
        id: TicketId::new(Uuid::from_u128(u128::from(number))),
        number: 0,
        source: "demo".to_owned(),
        subject: format!("Question {number}"),
        requester: from.clone(),
        status: Status::New,
        priority: None,
        assignee: None,
        tags: Vec::new(),
        quarantined_because: None,
        messages: 0,
        created_at: at(number),
        updated_at: at(number),
        last_customer_message_at: Some(at(number)),
        version: 1,
    };
    let message = Message {
        id: MessageId::new(Uuid::from_u128(100 + u128::from(number))),
        ticket: ticket.id,
        kind: MessageKind::Public,
        direction: Direction::In,
        from,
        reply_to: None,
        to: Vec::new(),
        cc: Vec::new(),
        subject: ticket.subject.clone(),
        body: Body {
            text: text.clone(),
            clean: text,
            ..Body::default()
        },
        attachments: Vec::new(),
        rfc_message_id: format!("{number}@example.com"),
        answers: Vec::new(),
        auto_class: AutoClass::Human,
        sent_at: at(number),
        raw_sha256: format!("{number:064}"),
        thread_reason: "new ticket".to_owned(),
        hints: Vec::new(),
        was_seen: false,
    };
    Letter {
        message,
        place: Place::New(Box::new(ticket)),
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

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_works_through_the_demo_by_keys_alone() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let data = tempfile::tempdir().unwrap();
    let overrides = Overrides {
        config: None,
        data: Some(data.path().to_owned()),
    };
    let paths = Paths::find(&overrides).unwrap();
    let folder = paths.demo_dir();
    file_letters(&folder).await;
    let opening = Opening {
        paths,
        mode: Mode::Demo,
        patience: Patience::Command,
    };
    let desk = Box::pin(Desk::open(opening)).await.unwrap();
    let terminal = Terminal::new(TestBackend::new(120, 36)).unwrap();
    let mut session = Session::open(Arc::clone(&desk), &Options::default(), terminal);

    // The first draft meets a rate limit: the backup writes it, the receipt says why.
    wait_for(&mut session, "#1003 Question 3").await;
    session.press("d");
    wait_for(&mut session, "fallback: anthropic 429").await;
    wait_for(&mut session, "ok, by a backup").await;
    wait_for(&mut session, "~ai").await;

    // The next `d` goes on to a ticket without a draft, and the focus stays in the queue.
    session.press("d");
    wait_for(&mut session, "#1002 Question 2").await;
    wait_for(&mut session, "AI draft, not sent v1").await;
    assert!(shown(&mut session).contains("[QUEUE]"));

    // An edit is kept, also when the screen is left without a word.
    session.press("r");
    wait_for(&mut session, "EDIT · PUBLIC REPLY").await;
    for key in "KEPT".chars() {
        session.press(&key.to_string());
    }
    wait_for(&mut session, "saved v").await;
    session.press("esc");
    wait_for(&mut session, "KEPT").await;

    // It is compared with what the model wrote.
    session.press("=");
    wait_for(&mut session, "AI's words, changed by you").await;
    assert!(shown(&mut session).contains("+ "));
    session.press("esc");

    // The customer writes again: the draft is held until it is kept.
    writes_again(&folder, 2).await;
    wait_for(&mut session, "NEW MESSAGE WHILE YOU WERE WRITING").await;
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    session.press("enter");
    wait_for(&mut session, "Kept: the draft answers").await;

    // The reply goes to the outbox, honestly, and comes back.
    session.press("y");
    wait_for(&mut session, "once more sends it").await;
    // A key held down does not count as a second press.
    tokio::time::sleep(Duration::from_millis(700)).await;
    session.press("y");
    wait_for(&mut session, "No account can send yet").await;
    session.press("u");
    wait_for(&mut session, "The reply to #1002").await;

    // A filter, its error, and its end.
    for keys in ["/", "i", "s", ":", "x", "enter"] {
        session.press(keys);
    }
    wait_for(&mut session, "means nothing").await;
    session.press("esc");

    // Leaving settles everything.
    session.press("ctrl+q");
    assert!(session.finish().await, "something did not end in time");
    desk.close().await;
}
