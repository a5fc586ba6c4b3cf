//! What comes of a draft, and what it costs.

use std::time::Duration;

use deskhand::{
    desk::send::ReplyAsk,
    domain::{CAME_BACK, Cost, DraftState, Ending, FaultClass, SkipReason, Usd},
    sim::Fault,
};

use crate::bench::{Bench, begin, classes, draft, limited, link, price_of, until};

#[tokio::test]
async fn a_clean_draft_is_saved_with_its_receipt_and_settled_at_what_was_counted() {
    let bench = Bench::new().await;
    let (desk, ticket) = bench.desk_and_ticket().await;

    let drafted = draft(&desk, ticket).await;

    let served = bench.served(1).await;
    assert_eq!(served.len(), 1);
    let cost = price_of(&served[0]);
    assert!(cost > Usd::ZERO);
    let receipt = &drafted.receipt;
    assert_eq!(receipt.ending, Ending::Answered);
    assert_eq!(receipt.cost(), Cost::Known(cost));
    assert_eq!(
        receipt.attempts[0].usage.tokens_in,
        Some(served[0].tokens_in)
    );
    assert_eq!(
        receipt.attempts[0].answered_by.as_deref(),
        Some("house-big")
    );
    assert!(receipt.attempts[0].request_id.is_some());
    assert_eq!(receipt.agent, "maya");
    assert_eq!(receipt.chain_from, "default chain");
    let view = desk.ticket(ticket).await.unwrap();
    let saved = view.draft.unwrap();
    let returned = drafted.draft.unwrap();
    assert_eq!((saved.id, &saved.text), (returned.id, &returned.text));
    assert_eq!(saved.state, DraftState::Ready);
    assert_eq!(saved.receipts, vec![receipt.id]);
    assert!(saved.flags.is_empty());
    assert_eq!(view.receipts, vec![receipt.clone()]);
    let meter = desk.spend().await.unwrap().meter;
    assert_eq!(meter.settled_known, cost);
    assert_eq!((meter.settled_at_most, meter.held), (Usd::ZERO, Usd::ZERO));
    desk.close().await;
}

#[tokio::test]
async fn a_new_draft_keeps_it_that_the_words_before_may_have_left() {
    let bench = Bench::new().await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    draft(&desk, ticket).await;
    bench
        .execute(
            "UPDATE drafts SET
                 flags = '[\"it may have left already: the customer may get it twice\"]'",
        )
        .await;

    let again = draft(&desk, ticket).await.draft.unwrap();

    assert!(again.may_have_left(), "{:?}", again.flags);
    desk.close().await;
}

#[tokio::test]
async fn every_fault_ends_in_the_backups_whole_answer_and_the_receipt_says_why() {
    let whole = {
        let bench = Bench::new().await;
        let (desk, ticket) = bench.desk_and_ticket().await;
        draft(&desk, ticket).await.draft.unwrap().text
    };
    for (fault, class) in [
        (Fault::RateLimit(30), FaultClass::RateLimited),
        (Fault::Overloaded, FaultClass::Overloaded),
        (Fault::ServerError, FaultClass::ServerError),
        (Fault::BadGateway, FaultClass::ServerError),
        (Fault::Quota, FaultClass::OutOfCredit),
        (Fault::NoModel, FaultClass::ModelGone),
        (Fault::Empty, FaultClass::Empty),
        (Fault::Cut(5), FaultClass::Cut),
        (Fault::Reset(5), FaultClass::Cut),
        (Fault::Stall(5), FaultClass::TimedOut),
        (Fault::Hang, FaultClass::TimedOut),
    ] {
        let bench = Bench::new().await;
        let (desk, ticket) = bench.desk_and_ticket().await;
        bench.first_fails(fault);

        let drafted = draft(&desk, ticket).await;

        let receipt = &drafted.receipt;
        assert_eq!(receipt.ending, Ending::Answered, "{fault:?}");
        assert_eq!(classes(&receipt.attempts), [Some(class), None], "{fault:?}");
        let moved_on = receipt.attempts[1].moved_on_because.clone();
        let before = receipt.attempts[0].moved_on_because.clone();
        let because = before.or(moved_on).unwrap();
        assert!(because.contains(class.words()), "{fault:?}: {because}");
        let saved = drafted.draft.unwrap();
        assert_eq!(saved.text, whole, "{fault:?}");
        assert_eq!(saved.flags, ["fallback"], "{fault:?}");
        assert_eq!(receipt.attempts[1].link, link("openai/house-small"));
        assert!(receipt.first_choice_cost.is_some(), "{fault:?}");
        let meter = desk.spend().await.unwrap().meter;
        assert_eq!(meter.held, Usd::ZERO, "{fault:?}");
        assert_eq!(meter.settled(), receipt.cost().amount(), "{fault:?}");
        let served = bench.served(2).await;
        let counted = served.iter().map(price_of).fold(Usd::ZERO, Usd::plus);
        assert!(
            meter.settled() >= counted,
            "{fault:?}: never below what was used"
        );
        desk.close().await;
    }
}

#[tokio::test]
async fn a_provider_that_nobody_reaches_costs_nothing() {
    let bench = Bench::new().await;
    let mut config = bench.usual();
    config.first = bench.sim.addresses().refused;
    bench.configure(&config.to_string());
    let (desk, ticket) = bench.desk_and_ticket().await;

    let receipt = draft(&desk, ticket).await.receipt;

    assert_eq!(
        classes(&receipt.attempts),
        [Some(FaultClass::Unreachable), None]
    );
    assert_eq!(receipt.attempts[0].cost, Cost::FREE);
    assert_eq!(
        receipt.cost(),
        Cost::Known(price_of(&bench.served(1).await[0]))
    );
    desk.close().await;
}

#[tokio::test]
async fn a_refusal_stops_the_run_and_is_counted() {
    let bench = Bench::new().await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    bench.first_fails(Fault::Refusal);

    let drafted = draft(&desk, ticket).await;

    assert_eq!(drafted.receipt.ending, Ending::Refused);
    assert!(drafted.draft.is_none());
    let served = bench.served(1).await;
    assert_eq!(served.len(), 1, "nobody else is asked");
    assert_eq!(drafted.receipt.cost().amount(), price_of(&served[0]));
    assert_eq!(
        desk.spend().await.unwrap().meter.settled(),
        price_of(&served[0])
    );
    assert_eq!(drafted.receipt.skipped[0].because, SkipReason::RunEnded);
    desk.close().await;
}

#[tokio::test]
async fn a_redraft_keeps_the_old_text_as_a_revision() {
    let bench = Bench::new().await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    desk.save_text(ticket, "My own words.", None).await.unwrap();

    let drafted = draft(&desk, ticket).await;
    let again = draft(&desk, ticket).await.draft.unwrap();

    let saved = drafted.draft.unwrap();
    assert_eq!(again.id, saved.id);
    assert_eq!(again.receipts.len(), 2);
    let texts: Vec<String> = bench
        .store()
        .await
        .revisions(saved.id)
        .await
        .unwrap()
        .into_iter()
        .map(|revision| revision.text)
        .collect();
    assert_eq!(texts, ["My own words.", &saved.text, &again.text]);
    desk.close().await;
}

#[tokio::test]
async fn a_cancelled_draft_says_what_it_cost_and_the_old_text_comes_back() {
    let bench = Bench::at_pace(Some(8)).await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    desk.save_text(ticket, "What stood before.", None)
        .await
        .unwrap();
    let (cancel, task) = begin(&desk, ticket);
    // The words so far are saved every two seconds: wait until they stand in the draft's place.
    let store = bench.store().await;
    limited(async {
        while store.draft(ticket, "maya").await.unwrap().unwrap().state != DraftState::Writing {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;

    cancel.cancel();
    let drafted = limited(task).await.unwrap().unwrap();

    assert_eq!(drafted.receipt.ending, Ending::Cancelled);
    let cost = drafted.receipt.cost();
    assert!(cost.is_at_most() && cost.amount() > Usd::ZERO);
    assert_eq!(drafted.draft.unwrap().text, "What stood before.");
    let saved = desk.ticket(ticket).await.unwrap().draft.unwrap();
    assert_eq!(saved.text, "What stood before.");
    assert_eq!(saved.state, DraftState::Ready);
    let meter = desk.spend().await.unwrap().meter;
    assert_eq!(
        (meter.settled_at_most, meter.held),
        (cost.amount(), Usd::ZERO)
    );
    let served = bench.served(1).await;
    assert!(served[0].client_closed, "the socket is closed");
    assert!(cost.amount() >= price_of(&served[0]));
    desk.close().await;
}

#[tokio::test]
async fn three_drafts_run_at_once_and_a_fourth_waits() {
    let bench = Bench::at_pace(Some(40)).await;
    let tickets = bench.tickets(4).await;
    let desk = bench.desk().await;
    let tasks: Vec<_> = tickets.iter().map(|id| begin(&desk, *id).1).collect();
    let live = desk.live();
    until(|| live.running().len() == 4).await;
    let mut most = 0;
    until(|| {
        let running = live.running();
        let asked = running.iter().filter(|run| run.link.is_some()).count();
        most = most.max(asked);
        running.is_empty()
    })
    .await;

    for task in tasks {
        let drafted = limited(task).await.unwrap().unwrap();
        assert_eq!(drafted.receipt.ending, Ending::Answered);
    }
    assert_eq!(most, 3);
    desk.close().await;
}

#[tokio::test]
async fn a_reply_that_comes_back_while_a_model_writes_is_kept_below_the_answer() {
    let bench = Bench::at_pace(Some(20)).await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    let reply = ReplyAsk {
        ticket,
        text: "It left on Monday.".to_owned(),
        to: None,
        cc: Vec::new(),
        bcc: Vec::new(),
        files: Vec::new(),
        then: None,
        hold: None,
        account: None,
    };
    let queued = desk.reply(reply).await.unwrap();
    let (_cancel, task) = begin(&desk, ticket);
    let store = bench.store().await;
    limited(async {
        while store.draft(ticket, "maya").await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;

    desk.withdraw(queued.id).await.unwrap();
    let drafted = limited(task).await.unwrap().unwrap();

    assert_eq!(drafted.receipt.ending, Ending::Answered);
    let draft = desk.ticket(ticket).await.unwrap().draft.unwrap();
    let (answer, back) = draft.text.split_once(CAME_BACK).unwrap();
    assert_eq!(back.trim(), "It left on Monday.");
    let revisions = store.revisions(draft.id).await.unwrap();
    let whole = &revisions[revisions.len() - 2].text;
    assert_eq!(answer.trim_end(), whole.trim_end(), "the whole answer");
    assert_eq!(draft.state, DraftState::Stale);
    desk.close().await;
}
