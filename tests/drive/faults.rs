//! What follows each class of fault.

use deskhand::{
    domain::{Cost, Ending, Fault, FaultClass, ProviderName, SkipReason},
    engine::lesson::Lesson,
    engine::plan::Usable,
    engine::policy::OnAuthError,
};

use super::stage::{GOOD, Scene, Step, fail, name};

#[tokio::test(start_paused = true)]
async fn when_all_fail_the_last_is_asked_once_more() {
    let down = fail(FaultClass::ServerError, 500);
    let busy = fail(FaultClass::Overloaded, 529);
    let scene = Scene::new(&[
        ("a/x", &[&[busy]]),
        (
            "b/y",
            &[std::slice::from_ref(&down), std::slice::from_ref(&down)],
        ),
    ]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Failed);
    assert_eq!(seen.outcome.ending.exit_code(), 4);
    assert_eq!(scene.asked(), ["a/x", "b/y", "b/y"]);
    assert_eq!(scene.book.costs(), [Cost::FREE; 3]);
    let because: Vec<Option<&str>> = seen
        .outcome
        .attempts
        .iter()
        .map(|attempt| attempt.moved_on_because.as_deref())
        .collect();
    assert_eq!(
        because,
        [
            Some("overloaded: next link, b/y"),
            Some("server error: the last link, asked once more"),
            None
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_stops_this_run_and_is_remembered() {
    let refused = Step::Fail(Fault {
        status: Some(401),
        said: Some("invalid x-api-key".to_owned()),
        ..Fault::new(FaultClass::KeyRefused)
    });
    let scene = Scene::new(&[("a/x", &[std::slice::from_ref(&refused)]), ("b/y", &[])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::KeyRefused);
    assert_eq!(seen.outcome.ending.exit_code(), 5);
    assert_eq!(scene.asked(), ["a/x"]);
    assert_eq!(seen.outcome.skipped[0].because, SkipReason::RunEnded);
    assert_eq!(
        seen.outcome.lessons,
        [Lesson::KeyRefused {
            provider: ProviderName("a".to_owned()),
            said: Some("invalid x-api-key".to_owned()),
        }]
    );

    // The next run starts at the backup.
    let mut next = Scene::new(&[("a/x", &[]), ("b/y", &[GOOD])]);
    next.plan.links[0].usable = Usable::No(SkipReason::KeyInvalid);
    let seen = next.play().await;
    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(seen.outcome.skipped[0].because, SkipReason::KeyInvalid);

    // Under `failover` the same run goes on, past every link of that key.
    let mut on = Scene::new(&[("a/x", &[&[refused]]), ("a/z", &[]), ("b/y", &[GOOD])]);
    on.plan.policy.on_auth_error = OnAuthError::Failover;
    let seen = on.play().await;
    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(on.asked(), ["a/x", "b/y"]);
    assert_eq!(seen.outcome.skipped[0].because, SkipReason::KeyInvalid);
}

#[tokio::test(start_paused = true)]
async fn under_stop_a_refused_key_forbids_every_draft() {
    let mut scene = Scene::new(&[("a/x", &[]), ("b/y", &[])]);
    scene.plan.policy.on_auth_error = OnAuthError::Stop;
    scene.plan.links[1].usable = Usable::No(SkipReason::KeyInvalid);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::KeyRefused);
    assert!(scene.asked().is_empty());
    assert_eq!(seen.outcome.skipped.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn nobody_reachable_is_offline() {
    let gone = Step::Fail(Fault::new(FaultClass::Unreachable));
    let scene = Scene::new(&[
        ("a/x", &[std::slice::from_ref(&gone)]),
        ("b/y", &[std::slice::from_ref(&gone)]),
    ]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Offline);
}

#[tokio::test(start_paused = true)]
async fn too_long_goes_only_to_a_larger_window() {
    let long = fail(FaultClass::TooLong, 400);
    let mut scene = Scene::new(&[
        ("a/x", &[std::slice::from_ref(&long)]),
        ("b/small", &[]),
        ("c/large", &[GOOD]),
    ]);
    scene.plan.links[0].link.window = Some(8_000);
    scene.plan.links[1].link.window = Some(8_000);
    scene.plan.links[2].link.window = Some(200_000);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(scene.asked(), ["a/x", "c/large"]);
    assert_eq!(seen.outcome.skipped[0].because, SkipReason::TooSmall);

    let scene = Scene::new(&[("a/x", &[&[long]]), ("b/y", &[])]);
    let seen = scene.play().await;
    assert_eq!(seen.outcome.ending, Ending::TooLong);
}

#[tokio::test(start_paused = true)]
async fn a_parameter_of_ours_is_dropped_and_remembered() {
    let picky = Step::Fail(Fault {
        status: Some(400),
        parameter: Some("max_tokens".to_owned()),
        ..Fault::new(FaultClass::BadInput)
    });
    let scene = Scene::new(&[("a/x", &[&[picky], GOOD]), ("b/y", &[])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(scene.asked(), ["a/x", "a/x"]);
    assert_eq!(scene.cast.calls.lock().unwrap()[1].without, ["max_tokens"]);
    assert!(seen.outcome.lessons.contains(&Lesson::Quirk {
        link: name("a/x"),
        parameter: "max_tokens".to_owned(),
    }));
}

#[tokio::test(start_paused = true)]
async fn spent_credit_passes_over_every_link_of_that_key() {
    let spent = fail(FaultClass::OutOfCredit, 402);
    let scene = Scene::new(&[("a/x", &[&[spent]]), ("a/z", &[]), ("b/y", &[GOOD])]);

    let seen = scene.play().await;

    assert_eq!(scene.asked(), ["a/x", "b/y"]);
    assert_eq!(
        seen.outcome.skipped[0].because.words(),
        "resting: out of credit"
    );
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fall_back_stops_before_the_backup() {
    for (class, ending) in [
        (FaultClass::Refused, Ending::Refused),
        (FaultClass::BadInput, Ending::BadInput),
        (FaultClass::KeyRefused, Ending::KeyRefused),
    ] {
        let scene = Scene::new(&[("a/x", &[&[fail(class, 400)]]), ("b/y", &[])]);

        let seen = scene.play().await;

        assert_eq!(seen.outcome.ending, ending);
        assert_eq!(seen.outcome.ending.exit_code(), 5);
        assert_eq!(scene.asked(), ["a/x"]);
    }
}
