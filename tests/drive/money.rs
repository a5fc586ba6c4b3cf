//! What is held and settled, and what follows when money or the ledger is missing.

use std::{sync::atomic::Ordering, time::Duration};

use deskhand::{
    desk::face::Phase,
    domain::{Billed, Cost, Ending, Fault, FaultClass, SkipReason, Usd},
    engine::chain::Temper,
    engine::plan::UnknownPrices,
    engine::price::Basis,
};
use tokio::time::Instant;

use super::stage::{Book, GOOD, Scene, Step, WHOLE, name};

#[tokio::test(start_paused = true)]
async fn without_money_no_call_is_made() {
    let mut scene = Scene::new(&[("a/x", &[]), ("b/y", &[])]);
    scene.book = Book::with(Usd::from_nanos(3_559_999));

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::OverCap);
    assert_eq!(seen.outcome.ending.exit_code(), 3);
    assert!(scene.asked().is_empty());
    let reasons: Vec<&SkipReason> = seen.outcome.skipped.iter().map(|s| &s.because).collect();
    assert_eq!(reasons, [&SkipReason::OverCap, &SkipReason::OverCap]);
}

#[tokio::test(start_paused = true)]
async fn a_small_rest_buys_a_shorter_answer() {
    let mut scene = Scene::new(&[("a/x", &[GOOD])]);
    scene.book = Book::with(Usd::from_nanos(6_000_000));

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(scene.cast.calls.lock().unwrap()[0].output_limit, 500);
    assert_eq!(scene.book.held(0), Usd::from_nanos(6_000_000));
}

#[tokio::test(start_paused = true)]
async fn money_that_other_drafts_hold_is_waited_for_but_not_for_ever() {
    for (back_after, ending) in [(12, Ending::Answered), (40, Ending::OverCap)] {
        let mut scene = Scene::new(&[("a/x", &[GOOD])]);
        scene.book = Book::with(Usd::ZERO);
        let until = Instant::now() + Duration::from_secs(back_after);
        scene.book.others = (Usd::from_dollars(1), Some(until));

        let seen = scene.play().await;

        assert_eq!(seen.outcome.ending, ending);
        let seconds = seen.took.as_secs();
        assert_eq!(seconds, back_after.min(30));
        assert_eq!(seen.states[0].phase, Phase::Waiting);
        assert_eq!(seen.states[0].link, Some(name("a/x")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_settlement_is_tried_again_and_reported_when_it_cannot_be_written() {
    let scene = Scene::new(&[("a/x", &[GOOD])]);
    scene.book.broken_settles.store(2, Ordering::SeqCst);
    let seen = scene.play().await;
    assert_eq!(scene.book.costs(), [WHOLE]);
    assert!(seen.outcome.unsettled.is_empty());

    let scene = Scene::new(&[("a/x", &[GOOD])]);
    scene.book.broken_settles.store(9, Ordering::SeqCst);
    let seen = scene.play().await;
    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(seen.outcome.text.as_deref(), Some("Dear Ada, soon."));
    assert_eq!(seen.outcome.unsettled.len(), 1);
    assert_eq!(seen.outcome.unsettled[0].cost, WHOLE);
}

#[tokio::test(start_paused = true)]
async fn without_a_ledger_no_call_is_made() {
    let mut scene = Scene::new(&[("a/x", &[]), ("b/y", &[])]);
    scene.book.can_hold = false;

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Failed);
    assert!(scene.asked().is_empty());
    let why = seen.outcome.skipped[0].because.words();
    assert!(why.contains("the disk is full"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_dear_link_is_skipped_for_a_cheaper_one() {
    let mut scene = Scene::new(&[("a/dear", &[]), ("b/cheap", &[GOOD])]);
    scene.book = Book::with(Usd::from_nanos(20_000_000));
    let dear = scene.plan.links[0].price.as_mut().unwrap();
    dear.row.base.output = Usd::from_dollars(1_000);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(seen.outcome.skipped[0].because, SkipReason::OverCap);
    assert_eq!(seen.outcome.attempts[0].no, 1);
}

#[tokio::test(start_paused = true)]
async fn a_model_without_a_price_is_asked_only_where_that_is_allowed() {
    let mut scene = Scene::new(&[("a/new", &[GOOD]), ("b/y", &[GOOD])]);
    scene.plan.links[0].price.as_mut().unwrap().basis = Basis::StandIn;
    let seen = scene.play().await;
    assert_eq!(scene.asked(), ["b/y"]);
    assert_eq!(seen.outcome.skipped[0].because, SkipReason::NoPrice);

    scene.plan.unknown_prices = UnknownPrices::Allowed;
    let seen = scene.play().await;
    assert_eq!(scene.asked(), ["b/y", "a/new"]);
    assert_eq!(seen.outcome.attempts[0].cost, Cost::AtMost(WHOLE.amount()));
}

/// Plays a first link that speaks and then fails so, and returns what that cost.
async fn cost_of_broken_words(fault: Fault, temper: Temper) -> (Cost, Billed) {
    let first = [Step::Say("Half an ans"), Step::Fail(fault)];
    let mut scene = Scene::new(&[("a/x", &[&first]), ("b/y", &[GOOD])]);
    scene.plan.links[0].link.temper = temper;
    let seen = scene.play().await;
    let first = &seen.outcome.attempts[0];
    (first.cost, first.billed)
}

#[tokio::test(start_paused = true)]
async fn words_that_came_are_never_free_for_certain() {
    // A limit that is said in the middle of a stream: the tokens until then are on the bill.
    let fault = Fault::new(FaultClass::RateLimited);

    let (cost, billed) = cost_of_broken_words(fault, Temper::Plain).await;

    assert!(cost.is_at_most() && cost.amount() > Usd::ZERO, "{cost:?}");
    assert_eq!(billed, Billed::Maybe);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_may_have_thought_is_counted_at_its_hold() {
    let broken = || Fault {
        billed: Billed::Maybe,
        ..Fault::new(FaultClass::Cut)
    };

    let (plain, _) = cost_of_broken_words(broken(), Temper::Plain).await;
    let (silent, _) = cost_of_broken_words(broken(), Temper::Silent).await;

    // What it thought nobody counted: 11 bytes of text are not the whole.
    assert!(plain.is_at_most() && silent.is_at_most());
    assert!(silent.amount() > plain.amount(), "{silent:?} {plain:?}");
}
