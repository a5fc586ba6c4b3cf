//! Letters that have to do with replies of this desk: copies of them, and what only says so.

use uuid::Uuid;

use super::{
    ours::Belief,
    tests::{Bench, FIRST, Mail, OURS, stamp},
};
use crate::{
    domain::{
        AutoClass, Contact, Direction, DraftId, DraftOrigin, DraftState, Envelope, Hint, Message,
        MessageId, OutboxId, OutboxKind, OutboxRow, Post, PostLetter, Progress, Status, TicketId,
        Timestamp,
    },
    source::mail::parse::parse,
    store::{Claim, Claimed, Outcome, QueuedFrom, Queueing, SaveDraft, Sent},
};

/// The mailbox from which the replies leave.
const MAILBOX: &str = "imap:support@acme.test";
const TEXT: &str = "It is on its way to you.";

fn contact(address: &str) -> Contact {
    Contact {
        name: None,
        address: address.to_owned(),
    }
}

fn mail<'a>(id: &'a str, text: &'a str, more: &'a str) -> Mail<'a> {
    Mail {
        id,
        from: OURS,
        subject: "Re: Where is my parcel? [Acme #1]",
        more,
        text,
    }
}

fn later(at: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(at.as_second() + seconds).unwrap()
}

fn reply(ticket: TicketId, at: Timestamp, to: &[&str]) -> OutboxRow {
    let id = OutboxId::new(Uuid::now_v7());
    OutboxRow {
        id,
        kind: OutboxKind::Reply,
        ticket,
        draft: DraftId::new(Uuid::now_v7()),
        text: TEXT.to_owned(),
        then: Status::Pending,
        approved_by: "noor".to_owned(),
        queued_at: at,
        post: Some(Post {
            account: OURS.to_owned(),
            rfc_message_id: stamp().message_id(1, id, OURS),
            letter: PostLetter {
                envelope: Envelope {
                    to: to.iter().map(|address| contact(address)).collect(),
                    ..Envelope::default()
                },
                ..PostLetter::default()
            },
        }),
        progress: Progress::held(Some(at)),
    }
}

impl Bench {
    /// Files Maya's question and puts a reply to it into the outbox.
    async fn queued(&self, to: &[&str]) -> (OutboxRow, String) {
        self.file(&mut self.importer(MAILBOX), &FIRST).await;
        let (ticket, _) = self.ticket(1).await;
        self.queue(ticket.id, to).await
    }

    /// Puts a reply to a ticket into the outbox.
    pub(super) async fn queue(&self, ticket: TicketId, to: &[&str]) -> (OutboxRow, String) {
        let row = reply(ticket, self.at, to);
        let id = id_of(&row);
        let mime = format!(
            "From: {OURS}\r\nTo: {}\r\nSubject: Re: x\r\nMessage-ID: <{id}>\r\n\r\n{TEXT}\r\n",
            FIRST.from
        );
        let save = SaveDraft {
            ticket,
            author: "noor".to_owned(),
            answers: None,
            text: TEXT.to_owned(),
            origin: DraftOrigin::Human,
            state: DraftState::Ready,
            receipts: Vec::new(),
            flags: Vec::new(),
            knew: None,
            expected: None,
            at: self.at,
        };
        let queueing = Queueing {
            row: &row,
            mime: Some(mime.as_bytes()),
            from: QueuedFrom::Nowhere(&save),
            seen_messages: None,
        };
        self.store.queue_reply(&queueing).await.unwrap();
        (row, mime)
    }

    /// Files Maya's question and sends a reply to it; returns the reply's Message-ID.
    async fn replied(&self, to: &[&str]) -> String {
        let (row, mime) = self.queued(to).await;
        let claim = Claim {
            owner: "us",
            at: later(self.at, 1),
            lease_until: later(self.at, 60),
            only_due_after: None,
        };
        self.store
            .claim_reply(row.id, claim)
            .await
            .unwrap()
            .unwrap();
        let parsed = parse(mime.as_bytes(), self.at).unwrap();
        let message = Message {
            id: MessageId::new(row.id.to_string().parse().unwrap()),
            direction: Direction::Out,
            rfc_message_id: parsed.rfc_message_id,
            raw_sha256: parsed.raw_sha256,
            body: parsed.body,
            from: parsed.from,
            to: parsed.to,
            auto_class: AutoClass::Human,
            ..self.ticket(1).await.1[0].clone()
        };
        let outcome = Outcome::Sent(Sent {
            message: &message,
            mime: mime.as_bytes(),
            wants_copy: false,
        });
        let claimed = Claimed {
            id: row.id,
            owner: "us",
            attempt: 1,
        };
        let noted = self
            .store
            .conclude(claimed, (outcome, None), later(self.at, 2));
        assert!(noted.await.unwrap());
        assert_eq!(self.ticket(1).await.0.status, Status::Pending);
        id_of(&row)
    }

    /// Files a report about a mail: what it says of each recipient.
    async fn report(&self, about: &str, recipients: &[(&str, &str, &str)]) {
        let blocks: Vec<String> = recipients
            .iter()
            .map(|(address, action, status)| {
                format!(
                    "Final-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: {status}\r\n\r\n"
                )
            })
            .collect();
        let text = format!(
            "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n{}\
             --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{about}>\r\n\r\n--b--\r\n",
            blocks.concat()
        );
        let report = Mail {
            id: &format!("{}@mx.test", Uuid::now_v7()),
            from: "mailer-daemon@mx.test",
            subject: "Undelivered",
            more: "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
            text: &text,
        };
        let mut importer = self.importer(MAILBOX);
        importer.believe(Belief::Judged(None));
        self.file(&mut importer, &report).await;
    }

    async fn is_suppressed(&self, address: &str) -> bool {
        self.store.suppressed(address).await.unwrap().is_some()
    }

    /// Returns how Maya's ticket stands, and what the draft on it says of its reply.
    async fn after_report(&self) -> (Status, Option<Vec<String>>) {
        let (ticket, _) = self.ticket(1).await;
        let draft = self.store.draft(ticket.id, "noor").await.unwrap();
        (ticket.status, draft.map(|draft| draft.flags))
    }
}

fn id_of(row: &OutboxRow) -> String {
    row.post.as_ref().unwrap().rfc_message_id.clone()
}

#[tokio::test]
async fn an_id_copied_from_a_reply_proves_nothing_under_another_domain() {
    let bench = Bench::new().await;
    let id = bench.replied(&[FIRST.from]).await;
    let (local, _) = id.split_once('@').unwrap();
    let forged = format!("{local}@evil.test");
    let failed = "Authentication-Results: mx.acme.test; dmarc=fail header.from=acme.test\r\n";
    let mut importer = bench.importer(MAILBOX);
    importer.believe(Belief::Judged(Some("mx.acme.test".to_owned())));

    bench
        .file(&mut importer, &mail(&forged, TEXT, failed))
        .await;

    let (ticket, messages) = bench.ticket(1).await;
    assert_eq!((ticket.status, messages.len()), (Status::Pending, 2));
    let (_, apart) = bench.ticket(2).await;
    assert_eq!(apart[0].direction, Direction::In);
    assert_eq!(apart[0].hints, [Hint::Unverified]);
}

#[tokio::test]
async fn a_reply_that_comes_back_is_known_and_other_words_under_its_id_are_not_ours() {
    for server in [None, Some("mx.acme.test".to_owned())] {
        let bench = Bench::new().await;
        let id = bench.replied(&[FIRST.from]).await;
        for source in [MAILBOX, "imap:b"] {
            let mut importer = bench.importer(source);
            importer.believe(Belief::Judged(server.clone()));
            bench.file(&mut importer, &mail(&id, TEXT, "")).await;
            assert_eq!(importer.into_done().duplicates, 1, "{source}");
        }
        assert_eq!(bench.ticket(1).await.1.len(), 2);
        assert!(!bench.has(2).await);

        let mut importer = bench.importer(MAILBOX);
        importer.believe(Belief::Judged(server));
        let other = mail(&id, "Send the money to another account.", "");
        bench.file(&mut importer, &other).await;

        let (ticket, messages) = bench.ticket(1).await;
        let last = messages.iter().find(|one| one.body.text.contains("money"));
        let last = last.unwrap();
        assert_eq!(last.direction, Direction::In);
        assert_eq!(last.hints, [Hint::Unverified]);
        assert_ne!(ticket.status, Status::Solved);
    }
}

#[tokio::test]
async fn a_report_counts_only_for_a_reply_that_left_and_for_whom_it_was_written_to() {
    let bench = Bench::new().await;
    let (held, _) = bench.queued(&[FIRST.from]).await;
    let nobody = |whom| [(whom, "failed", "5.1.1")];
    bench.report(&id_of(&held), &nobody(FIRST.from)).await;
    assert!(!bench.is_suppressed(FIRST.from).await);
    assert_eq!(bench.after_report().await, (Status::New, None));

    let bench = Bench::new().await;
    let id = bench.replied(&[FIRST.from]).await;
    bench.report(&id, &nobody("victim@other.test")).await;
    assert!(!bench.is_suppressed("victim@other.test").await);
    assert_eq!(bench.after_report().await, (Status::Pending, None));
    let (_, messages) = bench.ticket(1).await;
    let hints: Vec<&Hint> = messages.iter().flat_map(|one| &one.hints).collect();
    assert_eq!(
        hints,
        [&Hint::UncheckedReport],
        "it may have been passed on"
    );

    bench.report(&id, &nobody("Maya@maya.test")).await;
    assert!(bench.is_suppressed(FIRST.from).await);
    let said = format!("not delivered to {}: 5.1.1 ", FIRST.from);
    let after = (Status::Open, Some(vec![said]));
    assert_eq!(bench.after_report().await, after);
}

#[tokio::test]
async fn a_report_of_several_recipients_names_all_who_did_not_get_it() {
    let (maya, sam) = (FIRST.from, "sam@maya.test");
    let one = vec![
        format!("not delivered to {sam}: 5.1.1 "),
        format!("{maya} may have it already"),
    ];
    let both = vec![format!("not delivered to {maya}: 5.1.1 ; {sam}: 5.1.1 ")];
    for (first, flags) in [("delivered", one), ("failed", both)] {
        let bench = Bench::new().await;
        let id = bench.replied(&[maya, sam]).await;

        let recipients = [(maya, first, "5.1.1"), (sam, "failed", "5.1.1")];
        bench.report(&id, &recipients).await;

        let after = (Status::Open, Some(flags));
        assert_eq!(bench.after_report().await, after, "{first}");
        assert_eq!(bench.is_suppressed(maya).await, first == "failed");
        assert!(bench.is_suppressed(sam).await);
    }
}
