//! Letters of which it is not sure who wrote them, and letters to tickets that are put away.

use super::{
    ours::Belief,
    tests::{Bench, FIRST, Mail, OURS, REPLIES, answer},
};
use crate::{
    desk::send::{guard::Route, letter},
    domain::{Change, Contact, Envelope, Hint, Status},
};

/// What a server says that vouches for nobody.
const SERVER: &str = "mx.acme.test";

fn beliefs() -> [Belief; 2] {
    [
        Belief::Judged(None),
        Belief::Judged(Some(SERVER.to_owned())),
    ]
}

/// A mail in our name that brings somebody onto a ticket.
fn forged(more: &str) -> Mail<'_> {
    Mail {
        id: "22@evil.test",
        more,
        ..answer(OURS, "Re: Where is my parcel?", "")
    }
}

#[tokio::test]
async fn nobody_becomes_known_by_a_mail_that_only_says_that_it_is_ours() {
    let headers = format!("{REPLIES}Cc: eve@evil.test\r\n");
    let forged = forged(&headers);
    let stranger = answer("eve@evil.test", "Re: Where is my parcel?", REPLIES);
    let all = [&FIRST, &forged, &stranger];
    for belief in beliefs() {
        for batches in [vec![&all[..]], all.chunks(1).collect()] {
            let bench = Bench::new().await;
            let mut importer = bench.importer("imap:a");
            importer.believe(belief.clone());
            for batch in batches {
                bench.file_all(&mut importer, batch).await;
            }

            let (ticket, messages) = bench.ticket(1).await;
            let hints: Vec<&[Hint]> = messages.iter().map(|one| &one.hints[..]).collect();
            let expected = [&[][..], &[Hint::Unverified], &[Hint::NewParticipant]];
            assert_eq!(hints, expected, "{belief:?}");

            let own = [OURS.to_owned()];
            let envelope = letter::envelope(&ticket, &messages[..2], &own);
            let to: Vec<&Contact> = envelope.everybody();
            assert_eq!(to, [&ticket.requester], "{belief:?}");

            let eve = messages[2].from.clone();
            let envelope = Envelope {
                to: vec![eve.clone()],
                ..Envelope::default()
            };
            let route = Route::of(None, envelope, (&ticket, &messages), &own);
            assert_eq!(route.strangers, [eve], "{belief:?}");
        }
    }
}

#[tokio::test]
async fn a_ticket_leaves_quarantine_by_a_mail_that_is_fit_for_the_queue() {
    let spam = format!("X-Spam-Flag: YES\r\n{REPLIES}");
    let posing = forged(REPLIES);
    for (next, stays) in [
        (answer(FIRST.from, "Re: Where is my parcel?", &spam), true),
        (posing, true),
        (
            answer(FIRST.from, "Re: Where is my parcel?", REPLIES),
            false,
        ),
    ] {
        let bench = Bench::new().await;
        let mut importer = bench.importer("imap:a");
        importer.believe(Belief::Judged(Some(SERVER.to_owned())));
        let first = Mail {
            more: "X-Spam-Flag: YES\r\n",
            ..FIRST
        };
        bench.file(&mut importer, &first).await;

        bench.file(&mut importer, &next).await;

        let (ticket, messages) = bench.ticket(1).await;
        assert_eq!(messages.len(), 2);
        let is_kept_out = ticket.quarantined_because.is_some();
        assert_eq!(is_kept_out, stays, "{} {}", next.from, next.more);
    }
}

#[tokio::test]
async fn an_answer_to_a_deleted_ticket_is_a_new_one_in_the_queue() {
    let bench = Bench::new().await;
    bench.file(&mut bench.importer("imap:a"), &FIRST).await;
    let (first, _) = bench.ticket(1).await;
    let delete = Change {
        status: Some(Status::Deleted),
        ..Change::default()
    };
    let deleted = bench.store.change(first.id, &delete, "noor", bench.at);
    deleted.await.unwrap();

    let again = answer(FIRST.from, "Re: Where is my parcel?", REPLIES);
    bench.file(&mut bench.importer("imap:a"), &again).await;

    let (ticket, messages) = bench.ticket(2).await;
    assert_eq!(ticket.status, Status::New);
    assert_eq!(
        messages[0].thread_reason,
        "follow-up of #1, which was deleted"
    );
    assert_eq!(bench.ticket(1).await.0.status, Status::Deleted);
}
