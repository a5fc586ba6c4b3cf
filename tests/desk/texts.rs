//! Text is never lost: neither what a person typed nor what a model was paid for.

use deskhand::{
    desk::face::DeskEvent,
    desk::send::Approval,
    domain::{Change, DraftOrigin, DraftState, Ending, Status, TicketId},
    sim::Fault,
};

use crate::bench::{Bench, alerts, begin, draft, hear, limited, now, until};

#[tokio::test]
async fn what_is_typed_while_a_model_writes_stands_and_the_answer_is_the_revision_before() {
    let bench = Bench::at_pace(Some(60)).await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    let first = desk.save_text(ticket, "One", None).await.unwrap();
    let (_cancel, task) = begin(&desk, ticket);
    let live = desk.live();
    until(|| live.running().iter().any(|run| !run.text.is_empty())).await;

    let typed = desk
        .save_text(ticket, "One, two", Some(first.revision))
        .await
        .unwrap();
    let drafted = limited(task).await.unwrap().unwrap();

    assert_eq!(drafted.receipt.ending, Ending::Answered);
    let saved = desk.ticket(ticket).await.unwrap().draft.unwrap();
    assert_eq!(saved.text, "One, two");
    assert_eq!(saved.origin, DraftOrigin::Human);
    let revisions = bench.store().await.revisions(saved.id).await.unwrap();
    let answer = &revisions[revisions.len() - 2];
    assert_eq!(answer.origin, DraftOrigin::Ai);
    assert!(answer.text.len() > 100, "the answer is there to be taken");

    // Whoever types on knows only of the own save.
    let on = desk
        .save_text(ticket, "One, two, three", Some(typed.revision))
        .await
        .unwrap();
    assert_eq!(on.text, "One, two, three");
    desk.close().await;
}

#[tokio::test]
async fn a_cancelled_run_does_not_take_back_what_a_person_typed_meanwhile() {
    let bench = Bench::at_pace(Some(8)).await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    let (cancel, task) = begin(&desk, ticket);
    let store = bench.store().await;
    let written = limited(async {
        loop {
            if let Some(draft) = store.draft(ticket, "maya").await.unwrap() {
                return draft;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(written.state, DraftState::Writing);
    let refused = desk.queue_reply(&approval(ticket, &written.text)).await;
    assert!(refused.is_err(), "half a reply is not sent");

    let mine = format!("{} and my own end.", written.text);
    desk.save_text(ticket, &mine, Some(written.revision))
        .await
        .unwrap();
    cancel.cancel();
    limited(task).await.unwrap().unwrap();

    let saved = desk.ticket(ticket).await.unwrap().draft.unwrap();
    assert_eq!((saved.text, saved.origin), (mine, DraftOrigin::Mixed));
    desk.close().await;
}

#[tokio::test]
async fn of_two_runs_on_one_ticket_a_cancelled_one_leaves_the_other_alone() {
    let bench = Bench::at_pace(Some(20)).await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    bench.sim.script([
        crate::bench::step(deskhand::sim::Family::Anthropic, None),
        crate::bench::step(deskhand::sim::Family::Anthropic, Some(Fault::Slow(60_000))),
    ]);
    let (_keep, writes) = begin(&desk, ticket);
    bench_writes(&desk).await;
    let (cancel, waits) = begin(&desk, ticket);
    let store = bench.store().await;
    limited(async {
        while store.draft(ticket, "maya").await.unwrap().is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;

    cancel.cancel();
    limited(waits).await.unwrap().unwrap();

    assert!(store.draft(ticket, "maya").await.unwrap().is_some());
    let drafted = limited(writes).await.unwrap().unwrap();
    let saved = store.draft(ticket, "maya").await.unwrap().unwrap();
    assert_eq!(saved.text, drafted.draft.unwrap().text);
    desk.close().await;
}

async fn bench_writes(desk: &std::sync::Arc<deskhand::desk::Desk>) {
    let live = desk.live();
    until(|| live.running().iter().any(|run| !run.text.is_empty())).await;
}

#[tokio::test]
async fn closing_the_desk_stops_its_drafts_and_settles_them() {
    let bench = Bench::at_pace(Some(20)).await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    desk.save_text(ticket, "Mine.", None).await.unwrap();
    let (_cancel, task) = begin(&desk, ticket);
    bench_writes(&desk).await;

    limited(desk.close()).await;

    let drafted = limited(task).await.unwrap().unwrap();
    assert_eq!(drafted.receipt.ending, Ending::Cancelled);
    let again = bench.desk().await;
    let view = again.ticket(ticket).await.unwrap();
    assert_eq!(view.draft.unwrap().text, "Mine.");
    assert_eq!(view.receipts.len(), 1);
    let meter = again.spend().await.unwrap().meter;
    assert_eq!(meter.settled(), drafted.receipt.cost().amount());
    again.close().await;
}

#[tokio::test]
async fn two_desks_on_one_file_hear_of_each_other_within_a_second() {
    let bench = Bench::new().await;
    let (ours, ticket) = bench.desk_and_ticket().await;
    let theirs = bench.desk().await;
    let mut events = ours.events();
    ours.listen();
    // The first look at the config is behind us.
    hear(&mut events, |event| *event == DeskEvent::Configured).await;

    let change = Change {
        add_tags: vec!["urgent".into()],
        ..Change::default()
    };
    // Listening begins in a task of its own: change until it is heard.
    limited(async {
        loop {
            theirs.change(ticket, &change).await.unwrap();
            let heard = hear_soon(&mut events).await;
            if heard {
                return;
            }
        }
    })
    .await;
    assert_eq!(ours.ticket(ticket).await.unwrap().ticket.tags, ["urgent"]);

    let store = bench.store().await;
    let cost = deskhand::domain::Cost::Known("11".parse().unwrap());
    store
        .book(&ours.period().name, cost, "test", now())
        .await
        .unwrap();
    draft(&theirs, ticket).await;
    hear(&mut events, |event| *event == DeskEvent::Alert(50)).await;
    assert_eq!(alerts(&mut ours.events()), [] as [u32; 0]);
    theirs.close().await;
    ours.close().await;
}

async fn hear_soon(events: &mut tokio::sync::broadcast::Receiver<DeskEvent>) -> bool {
    let hearing = async { while events.recv().await.unwrap() != DeskEvent::Changed {} };
    tokio::time::timeout(std::time::Duration::from_millis(300), hearing)
        .await
        .is_ok()
}

#[tokio::test]
async fn what_opening_found_is_told_to_the_first_that_listens() {
    let bench = Bench::new().await;
    let ticket = bench.tickets(1).await[0];
    let store = bench.store().await;
    let hold = deskhand::store::HoldAsk {
        id: deskhand::domain::HoldId::new(uuid::Uuid::now_v7()),
        run: deskhand::domain::RunId::new(uuid::Uuid::now_v7()),
        ticket: Some(ticket),
        attempt: 1,
        link: crate::bench::link("anthropic/house-big"),
        ceiling: "0.01".parse().unwrap(),
        floor: "0.01".parse().unwrap(),
        cap: deskhand::domain::Cap::None,
        beside: deskhand::domain::SideCaps::default(),
        period: "2026-11".into(),
        owner: "another machine's".into(),
        lease_until: now() - std::time::Duration::from_secs(1),
        at: now(),
    };
    store.hold(&hold).await.unwrap();
    let unexpired = deskhand::store::HoldAsk {
        id: deskhand::domain::HoldId::new(uuid::Uuid::now_v7()),
        run: deskhand::domain::RunId::new(uuid::Uuid::now_v7()),
        lease_until: now() + std::time::Duration::from_secs(100),
        ..hold
    };
    store.hold(&unexpired).await.unwrap();

    let desk = bench.desk().await;
    let mut events = desk.events();
    desk.listen();

    hear(&mut events, |event| {
        matches!(event, DeskEvent::Note(words) if words.contains("1 draft was being written"))
    })
    .await;
    let left = store.unfiled_holds().await.unwrap();
    assert_eq!(left.len(), 1, "the other one's lease runs");
    assert_eq!(left[0].id, unexpired.id);
    desk.close().await;
}

#[tokio::test]
async fn a_save_of_the_words_so_far_and_the_settling_never_wait_for_each_other() {
    // The answer is whole after about a second; the words so far are saved at two.
    let bench = Bench::at_pace(Some(90)).await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    let (_cancel, task) = begin(&desk, ticket);
    let live = desk.live();
    limited(async {
        while live.running().iter().all(|run| run.text.is_empty()) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;

    let locked = bench.lock_database().await;
    tokio::time::sleep(std::time::Duration::from_millis(2_800)).await;
    locked.free().await;

    let drafted = limited(task).await.unwrap().unwrap();
    assert_eq!(drafted.receipt.ending, Ending::Answered);
    assert!(drafted.draft.is_some());
    desk.close().await;
}

#[tokio::test]
async fn only_the_text_that_was_on_the_screen_is_queued() {
    let bench = Bench::new().await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    let draft = desk.save_text(ticket, "As approved", None).await.unwrap();
    desk.save_text(ticket, "Changed elsewhere", Some(draft.revision))
        .await
        .unwrap();

    let refused = desk.queue_reply(&approval(ticket, "As approved")).await;

    let said = refused.unwrap_err().to_string();
    assert!(said.contains("Look at it again"), "{said}");
    assert!(desk.waiting_replies().await.unwrap().is_empty());
    let queued = desk
        .queue_reply(&approval(ticket, "Changed elsewhere"))
        .await;
    assert_eq!(queued.unwrap().text, "Changed elsewhere");
    desk.close().await;
}

fn approval(ticket: TicketId, seen: &str) -> Approval {
    Approval {
        ticket,
        then: Status::Solved,
        seen: seen.to_owned(),
        seen_messages: None,
        knows_stale: false,
    }
}
