//! Breakers and standings, second by second.

use std::time::Duration;

use super::{standing::since, *};
use crate::{
    domain::{Billed, Fault, FaultClass, fault::ClockName},
    engine::lesson::of_fault,
};

/// Neither shorter nor longer.
const EVEN: Luck = Luck(128);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

fn open_until(standing: &Standing, now: i64) -> i64 {
    match standing.judge(at(now)) {
        Judgement::Open { until } => until.as_second() - 1_790_000_000,
        other @ (Judgement::Closed | Judgement::HalfOpen | Judgement::Rested { .. }) => {
            panic!("{other:?}")
        }
    }
}

#[test]
fn three_failures_within_thirty_seconds_open_it() {
    let mut standing = Standing::default();
    for second in [0, 20, 40] {
        standing.failed(Weight::One, at(second), EVEN);
        assert_eq!(standing.judge(at(second)), Judgement::Closed);
    }

    standing.failed(Weight::One, at(45), EVEN);

    assert_eq!(open_until(&standing, 45), 50);
    assert_eq!(standing.judge(at(50)), Judgement::HalfOpen);
}

#[test]
fn half_of_ten_calls_in_a_minute_open_it() {
    let mut standing = Standing::default();
    // A failure each 16 s never makes three in 30 s.
    for second in [0, 16, 32, 48] {
        standing.failed(Weight::One, at(second), EVEN);
        standing.worked(at(second + 1));
        assert_eq!(
            standing.judge(at(second + 1)),
            Judgement::Closed,
            "{second}"
        );
    }
    standing.worked(at(50));
    assert_eq!(standing.judge(at(50)), Judgement::Closed, "nine calls");

    standing.failed(Weight::One, at(60), EVEN);

    assert_eq!(open_until(&standing, 60), 65);
}

#[test]
fn a_timeout_counts_twice_and_a_refused_connection_opens_at_once() {
    let hang = Fault {
        clock: Some(ClockName::FirstText),
        ..Fault::new(FaultClass::TimedOut)
    };
    let mut slow = Standing::default();
    slow.failed(weight(&hang), at(0), EVEN);
    assert_eq!(slow.judge(at(0)), Judgement::Closed);
    slow.failed(weight(&Fault::new(FaultClass::ServerError)), at(1), EVEN);
    assert_eq!(open_until(&slow, 1), 6);

    let mut gone = Standing::default();
    gone.failed(weight(&Fault::new(FaultClass::Unreachable)), at(0), EVEN);
    assert_eq!(open_until(&gone, 0), 5);

    let torn = Fault {
        billed: Billed::Maybe,
        ..Fault::new(FaultClass::Unreachable)
    };
    assert_eq!(weight(&torn), Weight::One);
}

#[test]
fn it_stays_open_twice_as_long_each_time_up_to_five_minutes() {
    let mut standing = Standing::default();
    let mut now = 0;
    let mut lasted = Vec::new();
    for _ in 0..8 {
        standing.failed(Weight::Opens, at(now), EVEN);
        let until = open_until(&standing, now);
        lasted.push(until - now);
        now = until + 1;
    }

    assert_eq!(lasted, [5, 10, 20, 40, 80, 160, 300, 300]);
}

#[test]
fn chance_spreads_the_time_by_a_fifth_either_way() {
    for (luck, millis) in [(0, 4_000), (255, 6_000)] {
        let mut standing = Standing::default();
        standing.failed(Weight::Opens, at(0), Luck(luck));

        let Judgement::Open { until } = standing.judge(at(0)) else {
            panic!("not open");
        };
        assert_eq!(since(at(0), until).as_millis(), millis);
    }
}

#[test]
fn three_good_probes_close_it_and_one_is_under_way_at_a_time() {
    let mut breakers = Breakers::default();
    let link = LinkName::new("a", "x");
    breakers.failed(&link, Weight::Opens, at(0), EVEN);
    let sibling = LinkName::new("a", "y");
    assert!(matches!(
        breakers.judge(&sibling, at(0)),
        Judgement::Open { .. }
    ));

    for second in [6, 7, 8] {
        assert_eq!(breakers.judge(&link, at(second)), Judgement::HalfOpen);
        assert!(breakers.claim(&link, at(second), at(100)));
        assert!(!breakers.claim(&link, at(second), at(100)), "one at a time");
        breakers.worked(&link, at(second));
    }

    assert_eq!(breakers.judge(&link, at(8)), Judgement::Closed);
    assert!(breakers.kept(at(8)).is_empty());
}

#[test]
fn a_claim_that_is_never_answered_runs_out() {
    let mut standing = Standing::default();
    standing.failed(Weight::Opens, at(0), EVEN);
    assert!(standing.claim(at(6), at(10)));

    assert_eq!(open_until(&standing, 6), 10);
    assert_eq!(standing.judge(at(10)), Judgement::HalfOpen);
}

#[test]
fn a_claim_given_back_lets_the_next_one_probe_at_once() {
    let mut breakers = Breakers::default();
    let link = LinkName::new("a", "x");
    breakers.failed(&link, Weight::Opens, at(0), EVEN);
    assert!(breakers.claim(&link, at(7), at(100)));
    assert!(!breakers.claim(&link, at(7), at(100)));

    breakers.release(&link);

    assert_eq!(breakers.judge(&link, at(7)), Judgement::HalfOpen);
    assert!(breakers.claim(&link, at(7), at(100)));
}

#[test]
fn a_person_s_word_goes_first_and_waking_forgets_it_all() {
    let mut breakers = Breakers::default();
    let link = LinkName::new("a", "x");
    breakers.rest(&link.provider, None, at(600));
    assert_eq!(
        breakers.judge(&link, at(1)),
        Judgement::Rested { until: at(600) }
    );
    breakers.failed(&link, Weight::Opens, at(1), EVEN);

    breakers.wake(&link.provider, Some(&link));

    assert_eq!(breakers.judge(&link, at(1)), Judgement::Closed);
}

#[test]
fn what_is_remembered_is_read_back() {
    let mut breakers = Breakers::default();
    let link = LinkName::new("a", "x/y");
    breakers.failed(&link, Weight::Opens, at(0), EVEN);
    let kept = breakers.kept(at(0));
    let mut again = Breakers::default();
    for (name, standing) in &kept {
        let json = serde_json::to_string(standing).unwrap();
        again.put(name, serde_json::from_str(&json).unwrap());
    }

    assert_eq!(again, breakers);
}

#[test]
fn a_clock_put_back_keeps_nothing_open_for_ever() {
    let mut standing = Standing::default();
    standing.failed(Weight::Opens, at(1_000_000), EVEN);

    assert_eq!(open_until(&standing, 0), 600);
}

#[test]
fn the_callers_own_faults_never_count() {
    let mut standing = Standing::default();
    for second in 0..10 {
        for class in [
            FaultClass::BadInput,
            FaultClass::Refused,
            FaultClass::TooLong,
            FaultClass::RateLimited,
        ] {
            standing.failed(weight(&Fault::new(class)), at(second), EVEN);
        }
    }

    assert_eq!(standing, Standing::default());
}

#[test]
fn each_undecided_probe_rests_it_twice_as_long() {
    let mut standing = Standing::default();
    standing.failed(Weight::Opens, at(0), EVEN);

    standing.undecided(at(5), EVEN);
    assert_eq!(open_until(&standing, 6), 15);
    standing.undecided(at(15), EVEN);
    assert_eq!(open_until(&standing, 16), 35);
}

#[test]
fn who_is_only_slower_than_others_gets_a_turn_of_its_own() {
    let link = LinkName::new("a", "x");
    let mut breakers = Breakers::default();
    breakers.failed(&link, Weight::Opens, at(0), EVEN);
    breakers.undecided(&link, at(5), EVEN);
    assert!(!breakers.wants_a_turn(&link), "once may be chance");
    breakers.undecided(&link, at(15), EVEN);
    assert!(breakers.wants_a_turn(&link));

    let mut failing = breakers.clone();
    failing.failed(&link, Weight::One, at(35), EVEN);
    assert!(!failing.wants_a_turn(&link), "a probe costs nobody time");

    for second in 35..38 {
        assert!(breakers.wants_a_turn(&link));
        assert!(breakers.claim(&link, at(second), at(second + 60)));
        breakers.worked(&link, at(second));
    }
    assert_eq!(breakers.judge(&link, at(38)), Judgement::Closed);
}

#[test]
fn a_time_the_provider_names_is_waited_for_where_it_is_later() {
    let link = LinkName::new("a", "x");
    let failing = |wait: u64| Fault {
        wait: Some(Duration::from_secs(wait)),
        ..Fault::new(FaultClass::Overloaded)
    };
    for (wait, until) in [(2, 7), (60, 62), (86_400, 602)] {
        let mut breakers = Breakers::default();
        for second in 0..3 {
            let lessons = of_fault(&link, &failing(wait), at(second));
            breakers.learn(&lessons, at(second), EVEN);
        }

        let open = breakers.judge(&link, at(3));
        assert_eq!(open, Judgement::Open { until: at(until) }, "{wait} s");
    }
}
