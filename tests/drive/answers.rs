//! What is shown of an answer, and what comes of one that hangs, stalls, breaks off or is stopped.

use std::time::Duration;

use deskhand::{
    desk::face::Running,
    domain::{Cost, Ending, FaultClass, SkipReason, Usd},
    engine::breaker::Weight,
    engine::lesson::Lesson,
    engine::policy::AfterText,
    llm::wire::Stop,
};

use super::stage::{END, GOOD, Scene, Step, WHOLE, cut, name};

#[tokio::test(start_paused = true)]
async fn a_clean_answer_is_shown_counted_and_settled() {
    let scene = Scene::new(&[("a/x", &[GOOD]), ("b/y", &[])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.text.as_deref(), Some("Dear Ada, soon."));
    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(seen.classes(), [None]);
    let attempt = &seen.outcome.attempts[0];
    assert_eq!(attempt.status, Some(200));
    assert_eq!(attempt.request_id.as_deref(), Some("req-1"));
    assert_eq!(attempt.answered_by.as_deref(), Some("as-named-by-itself"));
    assert_eq!(attempt.cost, WHOLE);
    assert_eq!(scene.book.costs(), [WHOLE]);
    assert_eq!(seen.outcome.skipped[0].because, SkipReason::NotNeeded);
    assert_eq!(seen.states.last().unwrap().text, "Dear Ada, soon.");
    assert!(seen.outcome.lessons.contains(&Lesson::Worked {
        link: name("a/x"),
        first_text: attempt.first_text,
        gap_p99: Some(Duration::ZERO),
    }));
}

#[tokio::test(start_paused = true)]
async fn an_answer_at_the_limit_is_kept_and_marked() {
    let steps = &[Step::Say("Dear Ada, so"), Step::End(Stop::Limit)][..];
    let scene = Scene::new(&[("a/x", &[steps])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Truncated);
    assert_eq!(seen.outcome.text.as_deref(), Some("Dear Ada, so"));
    assert_eq!(seen.classes(), [Some(FaultClass::Truncated)]);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_link_is_left_after_its_first_text_clock() {
    let scene = Scene::new(&[("a/x", &[&[Step::Open, Step::Silence]]), ("b/y", &[GOOD])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert!(
        (8_000..8_010).contains(&seen.took.as_millis()),
        "{:?}",
        seen.took
    );
    assert_eq!(seen.classes(), [Some(FaultClass::TimedOut), None]);
    // It may have been billed: the whole hold counts, marked as a bound.
    let held = scene.book.held(0);
    assert_eq!(scene.book.costs(), [Cost::AtMost(held), WHOLE]);
    let first = &seen.outcome.attempts[0];
    assert_eq!(first.said.as_deref(), Some("no first words in time"));
    assert_eq!(
        first.moved_on_because.as_deref(),
        Some("timed out: next link, b/y")
    );
    assert!(seen.outcome.lessons.contains(&Lesson::Failed {
        link: name("a/x"),
        weight: Weight::Two,
        until: None,
    }));
    // The last link has no such clock.
    let calls = scene.cast.calls.lock().unwrap();
    assert_eq!(calls[1].limits.first_text, None);
    assert_eq!(seen.outcome.first_choice_cost, Some(WHOLE.amount()));
}

#[tokio::test(start_paused = true)]
async fn a_stall_and_a_cut_end_in_the_backups_whole_answer() {
    for breaks_off in [Step::Silence, cut()] {
        let first = [Step::Open, Step::Say("Half an ans"), breaks_off];
        let scene = Scene::new(&[
            ("a/x", &[&first]),
            (
                "b/y",
                &[&[
                    Step::Open,
                    Step::Pause(Duration::from_secs(1)),
                    Step::Say("Dear Ada,"),
                    Step::Say(" soon."),
                    END,
                ]],
            ),
        ]);

        let seen = scene.play().await;

        assert_eq!(seen.outcome.text.as_deref(), Some("Dear Ada, soon."));
        let broken = &seen.outcome.attempts[0];
        assert_eq!(broken.shown.as_deref(), Some("Half an ans"));
        // 11 bytes are counted as 11 tokens, the prompt at its bound.
        let at_most = Cost::AtMost(Usd::from_nanos(1_000_000 + 110_000));
        assert_eq!(scene.book.costs(), [at_most, WHOLE]);
        // The words stay, dimmed, until the backup speaks; then they are gone.
        let dimmed = |state: &&Running| state.void.is_some();
        let waiting: Vec<&Running> = seen.states.iter().filter(dimmed).collect();
        assert!(!waiting.is_empty());
        for state in waiting {
            assert_eq!(state.void.as_ref().unwrap().text, "Half an ans");
            assert_eq!(state.void.as_ref().unwrap().link, name("a/x"));
            assert_eq!(state.text, "");
        }
        for state in &seen.states {
            let is_mixed = state.text.contains("Half") && state.text.contains("Dear");
            assert!(!is_mixed, "{}", state.text);
        }
        assert_eq!(seen.states.last().unwrap().void, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_run_settles_and_only_then_ends() {
    let mut scene = Scene::new(&[
        ("a/x", &[&[Step::Open, Step::Say("Dear"), Step::Silence]]),
        ("b/y", &[]),
    ]);
    scene.stop_after = Some(Duration::from_secs(1));

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Cancelled);
    assert_eq!(seen.took, Duration::from_secs(1));
    assert_eq!(seen.outcome.text, None);
    assert_eq!(seen.outcome.attempts[0].shown.as_deref(), Some("Dear"));
    let at_most = Cost::AtMost(Usd::from_nanos(1_000_000 + 40_000));
    assert_eq!(scene.book.costs(), [at_most]);
    assert_eq!(seen.outcome.skipped[0].because, SkipReason::RunEnded);
}

#[tokio::test(start_paused = true)]
async fn a_run_stopped_before_its_call_costs_nothing() {
    let scene = Scene::new(&[("a/x", &[])]);
    scene.cancel.cancel();

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Cancelled);
    assert!(seen.outcome.attempts.is_empty());
    assert_eq!(scene.book.costs(), [Cost::FREE]);
}

#[tokio::test(start_paused = true)]
async fn a_person_may_want_no_second_beginning() {
    let first = [Step::Say("Half an ans"), cut()];
    let mut scene = Scene::new(&[("a/x", &[&first]), ("b/y", &[])]);
    scene.plan.policy.after_text = AfterText::Stop;

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Failed);
    assert_eq!(scene.asked(), ["a/x"]);
    assert_eq!(
        seen.outcome.attempts[0].shown.as_deref(),
        Some("Half an ans")
    );
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_breaks_is_a_failed_call_like_another() {
    let scene = Scene::new(&[("a/x", &[&[Step::Open, Step::Panic]]), ("b/y", &[GOOD])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(seen.classes(), [Some(FaultClass::ServerError), None]);
    assert_eq!(scene.book.costs().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_after_three_minutes_even_if_nobody_watches_the_call() {
    let scene = Scene::new(&[("a/x", &[&[Step::Open, Step::Deaf]])]);

    let seen = scene.play().await;

    assert_eq!(seen.took, Duration::from_mins(3));
    assert_eq!(seen.outcome.ending, Ending::Failed);
    assert_eq!(scene.book.costs(), [Cost::AtMost(scene.book.held(0))]);
}
