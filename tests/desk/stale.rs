//! A customer who writes again while the reply is being made: no reply leaves as if nothing had come.

use std::sync::Arc;

use deskhand::{
    desk::{
        Desk, DeskError,
        send::{Approval, letter::messages_of_people},
    },
    domain::{DraftOrigin, DraftState, Status, TicketId},
    store::{Filing, Place},
    text::compare::Side,
};

use crate::bench::{Bench, begin, draft, letter, limited, now, until};

/// Lets the customer write once more.
async fn writes_again(bench: &Bench, ticket: TicketId, at: usize) {
    let mut again = letter(at);
    again.message.ticket = ticket;
    again.message.sent_at = now();
    again.place = Place::In(ticket);
    let filing = Filing {
        letters: vec![again],
        ..Filing::default()
    };
    bench.store().await.file(&filing, now()).await.unwrap();
}

async fn seen(desk: &Arc<Desk>, ticket: TicketId) -> u64 {
    messages_of_people(&desk.ticket(ticket).await.unwrap().messages)
}

#[tokio::test]
async fn typing_on_does_not_make_a_stale_draft_answer_the_new_message() {
    let bench = Bench::new().await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    let begun = desk.save_text(ticket, "Dear Ada", None).await.unwrap();
    let looked = seen(&desk, ticket).await;
    assert_eq!(begun.state, DraftState::Ready);
    let nothing = desk.keep_draft(ticket, looked).await.unwrap_err();
    assert!(nothing.to_string().contains("nothing to keep"), "{nothing}");

    writes_again(&bench, ticket, 7).await;
    let on = desk.save_text(ticket, "Dear Ada, yes.", Some(begun.revision));
    let on = on.await.unwrap();

    assert_eq!((on.state, on.answers), (DraftState::Stale, begun.answers));
    let unread = desk.keep_draft(ticket, looked).await;
    let why = unread.unwrap_err().to_string();
    assert!(why.contains("Another message came"), "{why}");
    let kept = desk.keep_draft(ticket, looked + 1).await.unwrap();
    let messages = desk.ticket(ticket).await.unwrap().messages;
    assert_eq!(kept.state, DraftState::Ready);
    assert_eq!(kept.answers, messages.last().map(|newest| newest.id));
    desk.close().await;
}

#[tokio::test]
async fn a_model_that_did_not_know_of_a_message_leaves_a_stale_draft() {
    let bench = Bench::at_pace(Some(60)).await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    let (_cancel, task) = begin(&desk, ticket);
    let live = desk.live();
    until(|| live.running().iter().any(|run| !run.text.is_empty())).await;

    writes_again(&bench, ticket, 7).await;
    let drafted = limited(task).await.unwrap().unwrap().draft.unwrap();

    assert_eq!(drafted.state, DraftState::Stale);
    let anew = draft(&desk, ticket).await.draft.unwrap();
    assert_eq!(anew.state, DraftState::Ready, "a redraft answers all of it");
    desk.close().await;
}

#[tokio::test]
async fn a_changed_draft_is_compared_with_the_models_words() {
    let bench = Bench::new().await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    assert!(desk.compare(ticket).await.is_err());
    let written = draft(&desk, ticket).await.draft.unwrap();
    assert!(
        desk.compare(ticket).await.is_err(),
        "there is one text alone"
    );

    let changed = format!("{}\n\nAnd one line of mine.", written.text.trim_end());
    let saved = desk.save_text(ticket, &changed, Some(written.revision));
    assert_eq!(saved.await.unwrap().origin, DraftOrigin::Mixed);
    let compared = desk.compare(ticket).await.unwrap();

    let came: Vec<&str> = compared
        .parts
        .iter()
        .filter(|part| part.side == Side::New)
        .map(|part| part.text.as_str())
        .collect();
    assert_eq!(came, ["", "And one line of mine."]);
    assert!(compared.parts.iter().all(|part| part.side != Side::Old));
    assert_eq!(compared.before.0, DraftOrigin::Ai);
    desk.close().await;
}

#[tokio::test]
async fn a_text_that_was_begun_before_a_message_came_is_stale_from_its_first_save() {
    let bench = Bench::new().await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    let looked = seen(&desk, ticket).await;
    let answered = desk.ticket(ticket).await.unwrap().messages[0].id;
    writes_again(&bench, ticket, 7).await;

    let saved = desk.save_typed(ticket, ("Dear Ada", Some(looked)), None);
    let saved = saved.await.unwrap();

    assert_eq!(
        (saved.state, saved.answers),
        (DraftState::Stale, Some(answered))
    );
    let refused = desk.queue_reply(&approval(ticket, false)).await;
    assert!(matches!(refused, Err(DeskError::Stale)), "{refused:?}");
    let queued = desk.queue_reply(&approval(ticket, true)).await;
    assert_eq!(queued.unwrap().text, "Dear Ada");
    desk.close().await;
}

fn approval(ticket: TicketId, knows_stale: bool) -> Approval {
    Approval {
        ticket,
        then: Status::Pending,
        seen: "Dear Ada".to_owned(),
        seen_messages: None,
        knows_stale,
    }
}

#[tokio::test]
async fn a_cancelled_redraft_leaves_a_stale_draft_as_it_was() {
    let bench = Bench::at_pace(Some(8)).await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    let begun = desk.save_text(ticket, "Dear Ada", None).await.unwrap();
    writes_again(&bench, ticket, 7).await;
    let (cancel, task) = begin(&desk, ticket);
    let store = bench.store().await;
    limited(async {
        while store.draft(ticket, "maya").await.unwrap().unwrap().state != DraftState::Writing {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;

    cancel.cancel();
    limited(task).await.unwrap().unwrap();

    let back = desk.ticket(ticket).await.unwrap().draft.unwrap();
    assert_eq!(
        (back.state, back.answers, back.text.as_str()),
        (DraftState::Stale, begun.answers, "Dear Ada")
    );
    desk.close().await;
}

#[tokio::test]
async fn what_came_while_a_draft_was_away_makes_it_stale() {
    let bench = Bench::new().await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    let begun = desk.save_text(ticket, "Dear Ada", None).await.unwrap();
    desk.discard(begun.id).await.unwrap();
    writes_again(&bench, ticket, 7).await;

    desk.restore(begun.id).await.unwrap();

    let back = desk.ticket(ticket).await.unwrap().draft.unwrap();
    assert_eq!(back.state, DraftState::Stale);
    desk.close().await;
}
