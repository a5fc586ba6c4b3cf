//! Invented tickets for the tests of this room.

use jiff::tz::TimeZone;
use ratatui::layout::Size;
use uuid::Uuid;

use super::{
    effect::Effect,
    event::{Done, Moment, Msg, Press},
    model::{Facts, Model},
    update::{start, update},
};
use crate::{
    config::{Glyphs, keymap::Keymap},
    desk::face::{QueuePage, SpendView, TicketView},
    desk::send::guard::Route,
    domain::{
        Attachment, AttachmentId, Attempt, AutoClass, Billed, Body, Cap, Contact, Cost, Direction,
        Draft, DraftId, DraftMark, DraftOrigin, DraftState, Ending, Envelope, FaultClass, LinkName,
        Message, MessageId, MessageKind, Meter, Mono, Period, Priority, QueueRow, Receipt,
        ReceiptId, RunId, SkipReason, Skipped, Status, Task, Ticket, TicketId, Timestamp, Usage,
        Usd,
    },
};

pub(crate) fn now() -> Moment {
    Moment {
        civil: at("2026-11-20T12:00:00Z"),
        mono: Mono(1_000_000_000),
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn id(kind: u128, number: i64) -> Uuid {
    Uuid::from_u128(kind << 64 | u128::try_from(number).unwrap())
}

const SUBJECTS: [&str; 6] = [
    "Refund not received",
    "Locked out of admin",
    "CSV import cuts the last row",
    "¿Cómo cambio el plan?",
    "请问发票在哪里下载",
    "Feature: dark mode",
];
const PEOPLE: [(&str, &str); 6] = [
    ("Maya Chen", "maya@northbend.example"),
    ("IT @ Vetterly", "it@vetterly.example"),
    ("j.osei", "j.osei@osei.example"),
    ("Lucía Moreno", "lucia@moreno.example"),
    ("王小明", "wang@xiaoming.example"),
    ("petra k.", "petra@k.example"),
];

pub(crate) fn row(number: i64) -> QueueRow {
    let place = usize::try_from(number).unwrap() % SUBJECTS.len();
    let (name, address) = PEOPLE[place];
    let mark = |origin, is_fallback| {
        Some(DraftMark {
            state: DraftState::Ready,
            origin,
            is_fallback,
            saved_at: now().civil,
        })
    };
    QueueRow {
        id: TicketId::new(id(1, number)),
        number: 4800 + number,
        status: [Status::Open, Status::New, Status::Pending][place % 3],
        priority: [Some(Priority::High), Some(Priority::Urgent), None][place % 3],
        subject: SUBJECTS[place].to_owned(),
        requester: Contact {
            name: Some(name.to_owned()),
            address: address.to_owned(),
        },
        assignee: (place == 0).then(|| "noor".to_owned()),
        tags: if place == 0 {
            vec!["billing".to_owned()]
        } else {
            Vec::new()
        },
        quarantined_because: None,
        messages: 2,
        created_at: at("2026-11-18T09:12:00Z"),
        updated_at: at("2026-11-20T08:51:00Z"),
        asked_at: at("2026-11-20T08:51:00Z"),
        draft: match place {
            0 => mark(DraftOrigin::Ai, true),
            3 => mark(DraftOrigin::Human, false),
            _ => None,
        },
        open_reply: None,
    }
}

pub(crate) fn message(ticket: i64, place: i64, text: &str) -> Message {
    let row = row(ticket);
    Message {
        id: MessageId::new(id(2, ticket * 100 + place)),
        ticket: row.id,
        kind: MessageKind::Public,
        direction: Direction::In,
        from: row.requester,
        reply_to: None,
        to: vec![Contact {
            name: None,
            address: "help@acme.example".to_owned(),
        }],
        cc: Vec::new(),
        subject: row.subject,
        body: Body {
            text: text.to_owned(),
            clean: text.to_owned(),
            ..Body::default()
        },
        attachments: Vec::new(),
        rfc_message_id: format!("{ticket}.{place}@example"),
        answers: Vec::new(),
        auto_class: AutoClass::Human,
        sent_at: at("2026-11-18T09:12:00Z"),
        raw_sha256: String::new(),
        thread_reason: "new ticket".to_owned(),
        hints: Vec::new(),
        was_seen: true,
    }
}

pub(crate) fn draft(ticket: i64) -> Draft {
    Draft {
        id: DraftId::new(id(3, ticket)),
        ticket: row(ticket).id,
        author: "noor".to_owned(),
        answers: None,
        text: "Hi Maya,\n\nI am sorry this took two messages. Our warehouse received your return \
               on 12 November, so I have approved the refund of €64.00 today. It reaches your \
               card in 5 to 7 working days.\n\nBest regards, Noor"
            .to_owned(),
        revision: 2,
        origin: DraftOrigin::Ai,
        state: DraftState::Ready,
        envelope: None,
        receipts: vec![ReceiptId::new(id(4, ticket))],
        flags: vec!["fallback".to_owned()],
        saved_at: now().civil,
    }
}

pub(crate) fn attempt(no: u32, link: (&str, &str), class: Option<FaultClass>) -> Attempt {
    let millis = if class.is_some() { 380 } else { 1_920 };
    Attempt {
        no,
        link: LinkName::new(link.0, link.1),
        answered_by: None,
        began: now().civil,
        status: Some(if class.is_some() { 429 } else { 200 }),
        class,
        said: class.map(|_| "Number of requests has exceeded your rate limit".to_owned()),
        request_id: Some(format!("req_01{no}")),
        retry_after: class.map(|_| std::time::Duration::from_secs(41)),
        connect: None,
        first_text: None,
        took: std::time::Duration::from_millis(millis),
        usage: Usage {
            tokens_in: class.is_none().then_some(812),
            tokens_out: class.is_none().then_some(164),
            ..Usage::default()
        },
        cost: if class.is_some() {
            Cost::FREE
        } else {
            Cost::Known(Usd::from_nanos(700_000))
        },
        price: None,
        billed: if class.is_some() {
            Billed::No
        } else {
            Billed::Yes
        },
        moved_on_because: class.map(|_| "rate limited: the next link is asked".to_owned()),
        shown: None,
    }
}

pub(crate) fn receipt(ticket: i64) -> Receipt {
    let row = row(ticket);
    let (first, second, third) = (
        ("anthropic", "claude-sonnet-4-5"),
        ("openai", "gpt-4o-mini"),
        ("ollama", "llama3.1:8b"),
    );
    Receipt {
        id: ReceiptId::new(id(4, ticket)),
        run: RunId::new(id(5, ticket)),
        ticket: Some(row.id),
        ticket_number: Some(row.number),
        task: Task::Reply,
        agent: "noor".to_owned(),
        began: at("2026-11-20T11:58:00Z"),
        ended: at("2026-11-20T11:58:02.3Z"),
        chain: [first, second, third]
            .map(|(provider, model)| LinkName::new(provider, model))
            .to_vec(),
        chain_from: "default".to_owned(),
        attempts: vec![
            attempt(1, first, Some(FaultClass::RateLimited)),
            attempt(2, second, None),
        ],
        skipped: vec![Skipped {
            link: LinkName::new(third.0, third.1),
            because: SkipReason::NotNeeded,
        }],
        ending: Ending::Answered,
        action: "drafted".to_owned(),
        asked_sha256: String::new(),
        words_sent: 412,
        words_whole: 1_960,
        redacted: vec!["1 card number".to_owned()],
        first_choice_cost: Some(Usd::from_nanos(4_100_000)),
        sources: Vec::new(),
    }
}

pub(crate) fn view(number: i64) -> TicketView {
    let row = row(number);
    let mut first = message(
        number,
        1,
        "Hello,\n\nI returned order 88213 on the 3rd, tracking says delivered, still no refund. \
         Second time I write.",
    );
    first.attachments.push(Attachment {
        id: AttachmentId::new(id(6, number)),
        name: "label.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        size_bytes: 86_016,
    });
    let mut second = message(number, 2, "Any news? I will have to dispute the charge.");
    second.sent_at = at("2026-11-20T08:51:00Z");
    second.body.quoted =
        Some("On Monday I wrote:\n> I returned order 88213\n> and more".to_owned());
    let has_draft = row.draft.is_some();
    TicketView {
        ticket: Ticket {
            id: row.id,
            number: row.number,
            source: "import".to_owned(),
            subject: row.subject.clone(),
            requester: row.requester.clone(),
            status: row.status,
            priority: row.priority,
            assignee: row.assignee.clone(),
            tags: row.tags.clone(),
            quarantined_because: None,
            messages: 2,
            created_at: row.created_at,
            updated_at: row.updated_at,
            last_customer_message_at: Some(row.updated_at),
            version: 1,
        },
        messages: vec![first, second],
        draft: has_draft.then(|| draft(number)),
        note: None,
        receipts: if has_draft {
            vec![receipt(number)]
        } else {
            Vec::new()
        },
        outbox: Vec::new(),
        origin: None,
        route: Route {
            account: None,
            envelope: Envelope {
                to: vec![row.requester],
                ..Envelope::default()
            },
            ..Route::default()
        },
    }
}

pub(crate) fn spend(cents: i64, cap: i64) -> SpendView {
    let usd = |cents: i64| Usd::from_nanos(cents * 10_000_000);
    SpendView {
        meter: Meter {
            period: Period {
                name: "2026-11".to_owned(),
                ends: at("2026-12-01T00:00:00Z"),
            },
            cap: Cap::Month(usd(cap)),
            settled_known: usd(cents),
            settled_at_most: Usd::ZERO,
            held: Usd::ZERO,
            paused: cents >= cap || cents == 1_996,
        },
        cap_because: "config".to_owned(),
        cheapest_draft: None,
        cheap_first: false,
        caps: Vec::new(),
        paused_by: None,
        outage: None,
        missed: 0,
    }
}

pub(crate) fn facts(is_demo: bool) -> Facts {
    Facts {
        agent: "noor".to_owned(),
        is_demo,
        keymap: Keymap::default(),
        glyphs: Glyphs::Plain,
        zone: TimeZone::UTC,
    }
}

pub(crate) fn empty() -> Model {
    Model::new(
        facts(false),
        Size {
            width: 120,
            height: 36,
        },
        now(),
    )
}

/// A desk with twelve tickets, the first of them open, at 120x36.
pub(crate) fn model() -> Model {
    sized(120, 36, false)
}

pub(crate) fn sized(width: u16, height: u16, is_demo: bool) -> Model {
    let mut model = Model::new(facts(is_demo), Size { width, height }, now());
    let effects = start(&mut model);
    answer(&mut model, effects);
    let _rest = update(
        &mut model,
        Msg::Done(Done::Spend(Ok(spend(184, 500)))),
        now(),
    );
    model
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "all but reading is handed back"
)]
/// Answers every question for rows and tickets until none is left; returns the other effects.
pub(crate) fn answer(model: &mut Model, effects: Vec<Effect>) -> Vec<Effect> {
    let mut others = Vec::new();
    let mut waiting = effects;
    while let Some(effect) = waiting.pop() {
        let msg = match effect {
            Effect::LoadPage { turn, offset, .. } => {
                let rows = (0..12)
                    .map(row)
                    .skip(usize::try_from(offset).unwrap())
                    .collect();
                let page = QueuePage {
                    offset,
                    rows,
                    total: 12,
                    hidden: 3,
                };
                Msg::Done(Done::Page {
                    turn,
                    page: Ok(page),
                })
            }
            Effect::LoadTicket(ticket) => {
                let number = (0..12).find(|&number| row(number).id == ticket).unwrap();
                Msg::Done(Done::Ticket(ticket, Ok(Box::new(view(number)))))
            }
            other => {
                others.push(other);
                continue;
            }
        };
        waiting.extend(update(model, msg, now()));
    }
    others.reverse();
    others
}

/// Presses keys one after the other; returns what is to be done besides reading.
pub(crate) fn press(model: &mut Model, keys: &str) -> Vec<Effect> {
    let mut others = Vec::new();
    for key in keys.split_whitespace() {
        let press = Press {
            chord: key.parse().unwrap(),
            is_repeat: false,
        };
        let effects = update(model, Msg::Key(press), now());
        others.extend(answer(model, effects));
    }
    others
}
