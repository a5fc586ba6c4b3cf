//! Which link is asked when links rest, are open or have no key.

use std::time::Duration;

use deskhand::{
    desk::face::{Phase, Running},
    domain::{Ending, Fault, FaultClass, SkipReason, Timestamp},
    engine::plan::Usable,
};

use super::stage::{GOOD, Scene, Step, fail};

#[tokio::test(start_paused = true)]
async fn without_a_usable_link_the_run_names_each_reason() {
    for (reasons, ending) in [
        (
            [SkipReason::KeyInvalid, SkipReason::KeyInvalid],
            Ending::KeyRefused,
        ),
        ([SkipReason::KeyInvalid, SkipReason::NoKey], Ending::NoLink),
    ] {
        let mut scene = Scene::new(&[("a/x", &[]), ("b/y", &[])]);
        for (link, reason) in scene.plan.links.iter_mut().zip(&reasons) {
            link.usable = Usable::No(reason.clone());
        }

        let seen = scene.play().await;

        assert_eq!(seen.outcome.ending, ending);
        let told: Vec<SkipReason> = seen
            .outcome
            .skipped
            .iter()
            .map(|skipped| skipped.because.clone())
            .collect();
        assert_eq!(told, reasons);
        assert!(scene.book.costs().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_rest_is_waited_for_when_nobody_else_is_left() {
    let limited = |seconds| {
        Step::Fail(Fault {
            status: Some(429),
            wait: Some(Duration::from_secs(seconds)),
            ..Fault::new(FaultClass::RateLimited)
        })
    };
    // The only link, and a first link whose backup is down: both are asked again after 2 s.
    let alone = Scene::new(&[("a/x", &[&[limited(2)], GOOD])]);
    let seen = alone.play().await;
    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(seen.took.as_secs(), 2);
    let waits = |state: &Running| state.phase == Phase::Waiting && state.link.is_some();
    assert!(seen.states.iter().any(waits));

    let gone = Step::Fail(Fault::new(FaultClass::Unreachable));
    let first = Scene::new(&[("a/x", &[&[limited(2)], GOOD]), ("b/y", &[&[gone]])]);
    let seen = first.play().await;
    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(first.asked(), ["a/x", "b/y", "a/x"]);

    let long = Scene::new(&[("a/x", &[&[limited(41)]])]);
    let seen = long.play().await;
    assert_eq!(seen.outcome.ending, Ending::Failed);
    assert_eq!(
        seen.outcome.attempts[0].retry_after,
        Some(Duration::from_secs(41))
    );
}

#[tokio::test(start_paused = true)]
async fn links_that_failed_too_often_are_asked_when_no_other_is_left() {
    let until = Timestamp::UNIX_EPOCH + Duration::from_mins(1);
    let open = |failed| Usable::Open {
        until,
        failed: Timestamp::from_microsecond(failed).ok(),
    };
    let gone = fail(FaultClass::ServerError, 500);
    let mut scene = Scene::new(&[("a/x", &[GOOD]), ("b/y", &[&[gone]])]);
    scene.plan.links[0].usable = open(20);
    scene.plan.links[1].usable = open(10);

    let seen = scene.play().await;

    // The one that failed longest ago comes first.
    assert_eq!(scene.asked(), ["b/y", "a/x"]);
    assert_eq!(seen.outcome.ending, Ending::Answered);

    let mut scene = Scene::new(&[("a/x", &[]), ("b/y", &[GOOD])]);
    scene.plan.links[0].usable = open(20);
    let seen = scene.play().await;
    assert_eq!(scene.asked(), ["b/y"]);
    assert_eq!(seen.outcome.skipped[0].because, SkipReason::Open { until });
}

#[tokio::test(start_paused = true)]
async fn when_all_rest_the_one_due_soon_is_waited_for() {
    for (seconds, ending, calls) in [(2, Ending::Answered, 1), (3, Ending::NoLink, 0)] {
        let mut scene = Scene::new(&[("a/x", &[GOOD]), ("b/y", &[])]);
        let rest = |seconds| Usable::Resting {
            until: Timestamp::UNIX_EPOCH + Duration::from_secs(seconds),
            because: FaultClass::RateLimited,
        };
        scene.plan.links[0].usable = rest(seconds);
        scene.plan.links[1].usable = rest(600);

        let seen = scene.play().await;

        assert_eq!(seen.outcome.ending, ending);
        assert_eq!(scene.asked().len(), calls);
        let last = seen.outcome.skipped.last().unwrap();
        assert_eq!(last.because.words(), "resting: rate limited");
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_failed_too_often_is_asked_when_every_other_has_failed() {
    let until = Timestamp::UNIX_EPOCH + Duration::from_mins(1);
    let down: &[Step] = &[Step::Fail(Fault::new(FaultClass::ServerError))];
    for (backup, asked) in [
        (&[GOOD] as &[&[Step]], &["b/y"] as &[&str]),
        // The last that is well is asked twice, as it always is.
        (&[down, down], &["b/y", "b/y", "a/x"]),
    ] {
        let mut scene = Scene::new(&[("a/x", &[GOOD]), ("b/y", backup)]);
        scene.plan.links[0].usable = Usable::Open {
            until,
            failed: None,
        };

        let seen = scene.play().await;

        assert_eq!(seen.outcome.ending, Ending::Answered);
        assert_eq!(scene.asked(), asked);
        let is_skipped = !asked.contains(&"a/x");
        let told = seen.outcome.skipped.first().map(|it| it.because.clone());
        assert_eq!(told, is_skipped.then_some(SkipReason::Open { until }));
    }
}
