//! Two attempts side by side: a link that is half open is asked beside one that is well, and a slow
//! one gets company. Who speaks first is shown; the other is dropped and counted.

use std::{sync::atomic::Ordering, time::Duration};

use deskhand::{
    domain::{Billed, Cost, Ending, FaultClass, SkipReason, Usd},
    engine::{lesson::Lesson, plan::Usable, policy::Hedging},
};

use super::stage::{Book, END, GOOD, Scene, Seen, Step, WHOLE, cut, fail, name};

const AFTER_A_SECOND: &[Step] = &[
    Step::Open,
    Step::Pause(Duration::from_secs(1)),
    Step::Say("Dear Ada,"),
    Step::Say(" soon."),
    END,
];
const HANGS: &[Step] = &[Step::Open, Step::Deaf];

/// A first link that is half open, and one behind it that is well.
fn half_open(scripts: &[(&str, &[&[Step]])]) -> Scene {
    let mut scene = Scene::new(scripts);
    scene.plan.links[0].usable = Usable::HalfOpen;
    scene
}

fn hedged(scripts: &[(&str, &[&[Step]])]) -> Scene {
    let mut scene = Scene::new(scripts);
    scene.plan.policy.hedge = Hedging::On;
    scene
}

/// Returns who was asked, what became of it and why it was left.
fn told(seen: &Seen) -> Vec<(String, Option<FaultClass>, Option<&str>)> {
    let attempts = seen.outcome.attempts.iter();
    attempts
        .map(|attempt| {
            let because = attempt.moved_on_because.as_deref();
            (attempt.link.to_string(), attempt.class, because)
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_speaks_first_is_shown() {
    let scene = half_open(&[("a/x", &[GOOD]), ("b/y", &[AFTER_A_SECOND])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert!(seen.took < Duration::from_millis(100), "{:?}", seen.took);
    let because = "a/x was tried again beside it and answered first";
    assert_eq!(
        told(&seen),
        [
            ("b/y".to_owned(), Some(FaultClass::Cancelled), Some(because)),
            ("a/x".to_owned(), None, None),
        ]
    );
    // Who lost may have been billed: its whole hold counts, marked as a bound.
    let costs = scene.book.costs();
    assert_eq!(costs.len(), 2);
    assert!(costs.contains(&WHOLE) && costs.contains(&Cost::AtMost(scene.book.held(0))));
    assert_eq!(seen.outcome.attempts[0].billed, Billed::Maybe);
    let works =
        |lesson: &Lesson| matches!(lesson, Lesson::Worked { link, .. } if *link == name("a/x"));
    assert!(seen.outcome.lessons.iter().any(works));
    // Nobody hears of the one that lost.
    assert_eq!(seen.states.last().unwrap().link, Some(name("a/x")));
    assert!(seen.states.iter().all(|state| state.void.is_none()));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_costs_nobody_time() {
    let scene = half_open(&[("a/x", &[HANGS]), ("b/y", &[AFTER_A_SECOND])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.text.as_deref(), Some("Dear Ada, soon."));
    assert_eq!(seen.took.as_millis() / 100, 10, "{:?}", seen.took);
    assert_eq!(
        told(&seen),
        [
            ("b/y".to_owned(), None, None),
            (
                "a/x".to_owned(),
                Some(FaultClass::Cancelled),
                Some("probe: b/y answered first")
            ),
        ]
    );
    let said = seen.outcome.attempts[1].said.as_deref();
    assert_eq!(said, Some("not needed: b/y answered first"));
    assert_eq!(seen.outcome.first_choice_cost, Some(WHOLE.amount()));
    let [answer, probe] = &seen.outcome.attempts[..] else {
        panic!("two attempts");
    };
    assert_eq!((answer.outcome(), probe.outcome()), ("ok", "slower"));
    assert_eq!(probe.delayed(answer), Duration::ZERO);
    // It proved nothing, and is left alone for a while.
    let link = name("a/x");
    let undecided = Lesson::Undecided { link };
    assert!(seen.outcome.lessons.contains(&undecided));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_only_slower_proves_its_link_unseen() {
    let after_half_a_second: &[Step] = &[
        Step::Open,
        Step::Pause(Duration::from_millis(500)),
        Step::Say("Dear Bo,"),
        Step::Deaf,
    ];
    let writes_long: &[Step] = &[
        Step::Open,
        Step::Say("Dear Ada,"),
        Step::Pause(Duration::from_secs(3)),
        Step::Say(" soon."),
        END,
    ];
    let scene = half_open(&[("a/x", &[after_half_a_second]), ("b/y", &[writes_long])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.text.as_deref(), Some("Dear Ada, soon."));
    assert_eq!(seen.took.as_secs(), 3, "{:?}", seen.took);
    assert_eq!(
        told(&seen)[1],
        (
            "a/x".to_owned(),
            Some(FaultClass::Cancelled),
            Some("probe: it answers; b/y answered first")
        )
    );
    let first_text = Some(Duration::from_millis(500));
    assert_eq!(seen.outcome.attempts[1].first_text, first_text);
    assert!(seen.outcome.lessons.contains(&Lesson::Worked {
        link: name("a/x"),
        first_text,
        gap_p99: None,
    }));
    let undecided = |lesson: &Lesson| matches!(lesson, Lesson::Undecided { .. });
    assert!(!seen.outcome.lessons.iter().any(undecided));
    // No word of it was ever shown, and its hold is settled.
    assert!(seen.states.iter().all(|state| !state.text.contains("Bo")));
    assert_eq!(scene.book.costs().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_probe_takes_over_when_the_one_that_was_shown_breaks_off() {
    let after_two_seconds: &[Step] = &[
        Step::Open,
        Step::Pause(Duration::from_secs(2)),
        Step::Say("Dear Bo, now."),
        END,
    ];
    let scene = half_open(&[
        ("a/x", &[after_two_seconds]),
        ("b/y", &[&[Step::Open, Step::Say("Dear Ada,"), cut()]]),
    ]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.text.as_deref(), Some("Dear Bo, now."));
    assert_eq!(scene.asked(), ["b/y", "a/x"]);
    assert_eq!(seen.outcome.attempts[0].class, Some(FaultClass::Cut));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_changes_nothing() {
    for class in [
        FaultClass::ServerError,
        FaultClass::KeyRefused,
        FaultClass::BadInput,
        FaultClass::Refused,
    ] {
        let down: &[Step] = &[fail(class, 500)];
        let scene = half_open(&[("a/x", &[down]), ("b/y", &[AFTER_A_SECOND])]);

        let seen = scene.play().await;

        assert_eq!(seen.outcome.ending, Ending::Answered, "{class:?}");
        assert_eq!(scene.asked(), ["b/y", "a/x"]);
        assert_eq!(seen.took.as_millis() / 100, 10, "{:?}", seen.took);
        let because = format!("{}: a probe beside b/y", class.words());
        let probe = &seen.outcome.attempts[1];
        assert_eq!(probe.class, Some(class));
        assert_eq!(probe.moved_on_because.as_deref(), Some(because.as_str()));
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_backup_fails_the_next_link_is_asked_beside_the_probe() {
    let down: &[Step] = &[fail(FaultClass::ServerError, 500)];
    let scene = half_open(&[("a/x", &[HANGS]), ("b/y", &[down]), ("c/z", &[GOOD])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(scene.asked(), ["b/y", "a/x", "c/z"]);
    assert_eq!(told(&seen)[0].2, Some("server error: next link, c/z"));
    assert_eq!(seen.took.as_secs(), 0, "{:?}", seen.took);
}

#[tokio::test(start_paused = true)]
async fn when_the_only_backup_fails_the_probe_goes_on() {
    let down: &[Step] = &[fail(FaultClass::ServerError, 500)];
    let scene = half_open(&[("a/x", &[AFTER_A_SECOND]), ("b/y", &[down])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(scene.asked(), ["b/y", "a/x"]);
    assert_eq!(
        told(&seen)[0].2,
        Some("server error: a/x had been asked beside it")
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_beside_another_is_the_last_word_when_the_other_fails() {
    let refuses: &[Step] = &[fail(FaultClass::Refused, 200)];
    let down: &[Step] = &[
        Step::Pause(Duration::from_secs(1)),
        fail(FaultClass::ServerError, 500),
    ];
    let scene = half_open(&[("a/x", &[refuses]), ("b/y", &[down]), ("c/z", &[])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Refused);
    assert_eq!(scene.asked(), ["b/y", "a/x"]);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_half_open_is_asked_alone_where_no_other_is_well() {
    let scene = half_open(&[("a/x", &[GOOD])]);
    let seen = scene.play().await;
    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(scene.book.costs(), [WHOLE]);

    // Two of them: one after the other.
    let down: &[Step] = &[fail(FaultClass::ServerError, 500)];
    let mut both = half_open(&[("a/x", &[down]), ("b/y", &[GOOD])]);
    both.plan.links[1].usable = Usable::HalfOpen;
    let seen = both.play().await;
    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(both.asked(), ["a/x", "b/y"]);
}

#[tokio::test(start_paused = true)]
async fn without_money_for_two_only_the_one_that_is_well_is_asked() {
    let mut scene = half_open(&[("a/x", &[]), ("b/y", &[GOOD])]);
    scene.book = Book::with(Usd::from_nanos(15_000_000));

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(scene.asked(), ["b/y"]);
    assert_eq!(scene.book.costs(), [WHOLE]);
    assert_eq!(seen.outcome.skipped[0].because, SkipReason::NotNeeded);
}

#[tokio::test(start_paused = true)]
async fn a_slow_link_gets_company_that_may_win() {
    let scene = hedged(&[("a/x", &[HANGS]), ("b/y", &[GOOD])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert!(seen.outcome.hedged);
    assert_eq!(seen.took.as_millis() / 10, 150, "{:?}", seen.took);
    assert_eq!(
        told(&seen),
        [
            (
                "a/x".to_owned(),
                Some(FaultClass::Cancelled),
                Some("slow: b/y was asked too and answered first")
            ),
            ("b/y".to_owned(), None, None),
        ]
    );
    let [slow, answer] = &seen.outcome.attempts[..] else {
        panic!("two attempts");
    };
    assert_eq!(slow.delayed(answer).as_millis() / 10, 150);
    assert_eq!(
        scene.book.costs().len(),
        2,
        "both were held for, and both settled"
    );
}

#[tokio::test(start_paused = true)]
async fn company_that_is_slower_still_is_dropped() {
    let slow: &[Step] = &[
        Step::Open,
        Step::Pause(Duration::from_secs(2)),
        Step::Say("Dear Ada,"),
        Step::Pause(Duration::from_secs(3)),
        Step::Say(" soon."),
        END,
    ];
    // It would fail after the first has spoken: that is not heard any more.
    let late: &[Step] = &[Step::Open, Step::Pause(Duration::from_secs(1)), cut()];
    let scene = hedged(&[("a/x", &[slow]), ("b/y", &[late]), ("c/z", &[])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.text.as_deref(), Some("Dear Ada, soon."));
    assert_eq!(scene.asked(), ["a/x", "b/y"]);
    let loser = &told(&seen)[1];
    assert_eq!(
        (loser.1, loser.2),
        (
            Some(FaultClass::Cancelled),
            Some("asked beside a/x, which answered first")
        )
    );
    assert_eq!(seen.outcome.lessons.len(), 3, "{:?}", seen.outcome.lessons);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_beside_a_model_that_thinks_or_speaks_or_for_want_of_money() {
    let quick: &[Step] = &[
        Step::Say("Dear Ada,"),
        Step::Pause(Duration::from_secs(4)),
        Step::Say(" soon."),
        END,
    ];
    let thinks: &[Step] = &[
        Step::Think,
        Step::Pause(Duration::from_secs(4)),
        Step::Say("Dear Ada, soon."),
        END,
    ];
    for steps in [quick, thinks] {
        let scene = hedged(&[("a/x", &[steps]), ("b/y", &[])]);
        let seen = scene.play().await;
        assert_eq!(seen.outcome.ending, Ending::Answered);
        assert!(!seen.outcome.hedged);
    }

    let mut scene = hedged(&[("a/x", &[AFTER_TWO_SECONDS]), ("b/y", &[])]);
    scene.book = Book::with(Usd::from_nanos(15_000_000));
    let seen = scene.play().await;
    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(scene.asked(), ["a/x"]);
}

const AFTER_TWO_SECONDS: &[Step] = &[
    Step::Open,
    Step::Pause(Duration::from_secs(2)),
    Step::Say("Dear Ada, soon."),
    END,
];

#[tokio::test(start_paused = true)]
async fn a_stop_drops_and_settles_both() {
    let mut scene = half_open(&[("a/x", &[HANGS]), ("b/y", &[HANGS])]);
    scene.stop_after = Some(Duration::from_secs(1));

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Cancelled);
    assert_eq!(seen.took, Duration::from_secs(1));
    let held = [0, 1].map(|place| Cost::AtMost(scene.book.held(place)));
    assert_eq!(scene.book.costs(), held);
}

#[tokio::test(start_paused = true)]
async fn the_backup_is_warmed_while_the_first_is_silent() {
    let scene = Scene::new(&[("a/x", &[HANGS]), ("b/y", &[])]);
    let mut soon = Scene::new(&[("a/x", &[AFTER_TWO_SECONDS]), ("b/y", &[])]);
    soon.plan.links[1].usable = Usable::Yes;
    let mut stopped = scene;
    stopped.stop_after = Some(Duration::from_secs(5));

    stopped.play().await;
    soon.play().await;

    // 40 % of 8 s are over after 3.2 s.
    assert_eq!(*stopped.cast.warmed.lock().unwrap(), [name("b/y")]);
    assert_eq!(*soon.cast.warmed.lock().unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_switch_is_one_act_of_the_ledger() {
    let down: &[Step] = &[fail(FaultClass::ServerError, 500)];
    let scene = Scene::new(&[("a/x", &[down]), ("b/y", &[GOOD])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(scene.book.exchanges.load(Ordering::SeqCst), 1);
    assert_eq!(scene.book.costs(), [Cost::FREE, WHOLE]);
}

#[tokio::test(start_paused = true)]
async fn the_whole_answer_is_shown_before_it_is_settled() {
    let mut scene = Scene::new(&[("a/x", &[GOOD])]);
    scene.book.settles_after = Duration::from_secs(2);

    let seen = scene.play().await;

    assert!(seen.took >= Duration::from_secs(2));
    let whole = seen
        .states
        .iter()
        .find(|state| state.text == "Dear Ada, soon.");
    let shown_after = whole.unwrap().elapsed;
    assert!(shown_after < Duration::from_millis(50), "{shown_after:?}");
}

#[tokio::test(start_paused = true)]
async fn what_stops_a_run_stops_the_probe_too() {
    let refuses: &[Step] = &[fail(FaultClass::Refused, 200)];
    let scene = half_open(&[("a/x", &[HANGS]), ("b/y", &[refuses]), ("c/z", &[])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Refused);
    assert_eq!(
        told(&seen)[1],
        ("a/x".to_owned(), Some(FaultClass::Cancelled), None)
    );
    assert_eq!(scene.book.costs().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn words_that_break_off_are_replaced_by_a_new_pair() {
    let breaks: &[Step] = &[Step::Say("Half an ans"), cut()];
    let mut scene = half_open(&[
        ("a/x", &[breaks]),
        ("b/y", &[AFTER_A_SECOND]),
        ("c/v", &[HANGS]),
        ("d/z", &[GOOD]),
    ]);
    scene.plan.links[2].usable = Usable::HalfOpen;

    let seen = scene.play().await;

    // The probe spoke, so the backup was dropped; after the break the next pair is asked.
    assert_eq!(scene.asked(), ["b/y", "a/x", "d/z", "c/v"]);
    assert_eq!(seen.outcome.text.as_deref(), Some("Dear Ada, soon."));
    assert_eq!(scene.book.costs().len(), 4);
    let mixed = |text: &str| text.contains("Half") && text.contains("Dear");
    assert!(seen.states.iter().all(|state| !mixed(&state.text)));
}
