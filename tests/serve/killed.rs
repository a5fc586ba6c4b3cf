//! Killed in the middle of its work: the cap holds, and the next start says what was lost.

use std::{thread, time::Duration};

use deskhand::{
    domain::Usd,
    sim::{Family, Fault},
};

use super::{
    bench::{Bench, Config, until},
    http::Line,
    ledger::{Books, bill},
    soak::{CALLERS, ask_many, count, script},
    words::{ALL, FORMS, Form, Words},
};

#[test]
fn after_a_kill_the_next_start_says_what_was_lost() {
    let bench = Bench::with(&Config {
        cap: "1",
        clocks: "gap = \"20s\"\nfirst_text = \"20s\"",
        ..Config::default()
    });
    let cap: Usd = "1".parse().expect("an amount");
    let serve = bench.serve();
    for _ in 0..5 {
        serve.ask(Words::Chat.ask("auto", "Where is my parcel?", Form::Whole));
    }
    bench.served(5);
    let books = Books::of(&bench);
    until(|| books.sums().settled_known == bill(&bench.sim.served()));
    let lines: Vec<_> = ALL
        .iter()
        .map(|words| {
            bench.fails(Family::OpenAi, Fault::Stall(30));
            let mut line = serve.send(words.ask("auto", "Where is my parcel?", Form::Streamed));
            line.head().expect("it has begun");
            line
        })
        .collect();
    let before = books.sums();
    assert!(before.held > Usd::ZERO);

    serve.signal("KILL");
    drop((serve, lines));

    let served = bench.served(9);
    let again = bench.serve();
    until(|| again.said().contains("ended in the middle of its work"));
    let lost = bench
        .cli(&["receipts", "list", "--json", "ending:lost"])
        .json();
    assert_eq!(lost["task"], "request", "{lost}");
    let said = again.said();
    let cost: Usd = lost["cost_usd"]
        .as_str()
        .expect("a cost")
        .parse()
        .expect("an amount");
    assert!(said.contains(&cost.for_people()), "{said}");
    let after = books.sums();
    // The block may have grown after it was looked at.
    assert!(after.settled_at_most >= before.held, "what was held counts");
    assert_eq!(after.settled_at_most, cost, "and the receipt says so");
    assert_eq!(after.settled_known, before.settled_known);
    assert!(after.settled().amount() >= bill(&served), "never below");
    assert!(after.taken() <= cap);
    assert!(bench.verified() >= 6);
    let answer = again.ask(Words::Chat.ask("auto", "And now?", Form::Whole));
    assert_eq!(answer.status, 200, "it serves on: {}", answer.text());
    again.stop();
    assert_eq!(books.sums().held, Usd::ZERO);
}

#[test]
#[ignore = "asks thousands of times"]
fn killed_in_the_middle_it_knows_afterwards_what_it_may_have_lost() {
    let bench = Bench::with(&Config {
        cap: "5",
        ..Config::default()
    });
    let cap: Usd = "5".parse().expect("an amount");
    let serve = bench.serve();
    let half = (count() / 10).min(2_000);
    script(&bench, half * 4);
    ask_many(&serve, half);

    // The second half is under way when it ends.
    let (token, at) = (serve.token.clone(), serve.at);
    let books = Books::of(&bench);
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            let token = &token;
            scope.spawn(move || {
                for place in caller.. {
                    let words = ALL[place % ALL.len()];
                    let request = words.ask("auto", "Where is my parcel?", FORMS[place % 2]);
                    let asked = Line::send(at, &request.bearing(token));
                    if asked.and_then(|mut line| line.answer()).is_err() {
                        return;
                    }
                }
            });
        }
        thread::sleep(Duration::from_millis(400));
        serve.signal("KILL");
    });
    drop(serve);
    let before = books.sums();
    assert!(before.taken() <= cap, "{before:?}");
    assert!(before.held > Usd::ZERO, "{before:?}");

    let again = bench.serve();

    let after = books.sums();
    let billed = bill(&bench.sim.served());
    assert!(
        after.settled().amount() >= billed,
        "{after:?}, billed {billed}"
    );
    assert!(after.taken() <= cap, "{after:?}");
    // Nobody writes any more: what was held before the start is what it counts.
    assert_eq!(
        after.settled_at_most,
        before.settled_at_most.plus(before.held)
    );
    assert!(bench.verified() >= half as u64);
    bench.sim.clear_script();
    assert_eq!(ask_many(&again, 100), 100);
    again.stop();
    assert_eq!(books.sums().held, Usd::ZERO);
}
