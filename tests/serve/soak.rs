//! Thousands of requests with faults among them: nothing grows, nothing stays open, and the ledger
//! knows what was spent.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use deskhand::{
    domain::Usd,
    sim::{Family, Fault, Served, Step},
};

use super::{
    bench::{Bench, Config, Serve},
    http::{Line, Request},
    ledger::{Books, bill},
    words::{ALL, FORMS, Form},
};

pub(crate) const CALLERS: usize = 16;
const BATCHES: usize = 10;
/// One request in so many fails.
const ONE_IN: usize = 10;

/// Faults that cost nothing or of which nobody can know what they cost.
const FAULTS: [Fault; 6] = [
    Fault::ServerError,
    Fault::Cut(5),
    Fault::Overloaded,
    Fault::Reset(5),
    Fault::Malformed(5),
    Fault::Cut(30),
];

pub(crate) fn count() -> usize {
    if std::env::var_os("DESKHAND_LONG").is_some() {
        200_000
    } else {
        5_000
    }
}

/// Says what goes wrong with the next requests of both families.
pub(crate) fn script(bench: &Bench, requests: usize) {
    let mut faults = FAULTS.iter().cycle();
    for family in [Family::OpenAi, Family::Anthropic] {
        let steps = (0..requests).map(|place| Step {
            family,
            fault: (place % ONE_IN == ONE_IN / 2)
                .then(|| faults.next().copied())
                .flatten(),
        });
        bench.sim.script(steps);
    }
}

/// Asks so many times from every caller at once; returns how many were answered well.
pub(crate) fn ask_many(serve: &Serve, requests: usize) -> usize {
    let (next, good) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                let mut line = None;
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    if place >= requests {
                        return;
                    }
                    if is_answered(serve, &mut line, place) {
                        good.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    good.into_inner()
}

/// Asks once, on the connection of before where it is still good.
fn is_answered(serve: &Serve, kept: &mut Option<Line>, place: usize) -> bool {
    let (words, form) = (
        ALL[place % ALL.len()],
        FORMS[place / ALL.len() % FORMS.len()],
    );
    let request = words.ask("auto", "Where is my parcel?", form);
    let request = request.bearing(&serve.token);
    let mut line = match kept.take() {
        Some(line) => line,
        None => Line::open(serve.at).expect("a connection"),
    };
    line.ask(serve.at, &request).expect("it is sent");
    let answer = line.answer().expect("an answer");
    assert!(answer.is_whole, "{words:?} {form:?}: {}", answer.text());
    *kept = Some(line);
    if answer.status != 200 {
        let (kind, said) = words.error(&answer);
        assert!(!kind.is_empty() && !said.is_empty());
        return false;
    }
    let is_good = form == Form::Whole || words.has_end(&answer);
    if !is_good {
        assert!(words.fault(&answer).is_some(), "a cut: {}", answer.text());
    }
    is_good
}

fn rss_kib(serve: &Serve) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", serve.pid())).expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    kib.expect("a figure").parse().expect("a number")
}

/// How many sockets are open, and how many files and the like.
fn descriptors(serve: &Serve) -> (usize, usize) {
    let open = fs::read_dir(format!("/proc/{}/fd", serve.pid())).expect("a list");
    let targets = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let (sockets, others): (Vec<_>, Vec<_>) =
        targets.partition(|target| target.to_string_lossy().starts_with("socket:"));
    (sockets.len(), others.len())
}

/// Waits until everything that was asked is written down.
fn until_written(serve: &Serve) {
    super::bench::until(|| {
        let figures = serve.ask(Request::get("/metrics")).text();
        figures.contains("deskhand_requests_in_flight 0\n")
    });
    thread::sleep(Duration::from_millis(200));
}

fn is_known(served: &Served) -> bool {
    served.fault.is_none()
}

#[test]
#[ignore = "asks thousands of times"]
fn nothing_grows_and_the_ledger_is_right_after_thousands_of_requests() {
    let bench = Bench::with(&Config {
        cap: "1000",
        clocks: "first_text = \"5s\"\ngap = \"5s\"",
        ..Config::default()
    });
    let serve = bench.serve();
    let idle = descriptors(&serve);
    let (batch, began) = (count() / BATCHES, Instant::now());
    let (mut known, mut at_most, mut memory, mut good) = (Usd::ZERO, Usd::ZERO, Vec::new(), 0);
    for _ in 0..BATCHES {
        script(&bench, batch * 2);
        good += ask_many(&serve, batch);
        until_written(&serve);
        memory.push(rss_kib(&serve));
        let served = bench.sim.served();
        let (sure, unsure): (Vec<Served>, Vec<Served>) = served.into_iter().partition(is_known);
        known = known.plus(bill(&sure));
        at_most = at_most.plus(bill(&unsure));
        bench.forget();
    }
    let asked = batch * BATCHES;
    println!(
        "{asked} requests, {good} answered, {:?}; RSS in KiB after each tenth: {memory:?}",
        began.elapsed()
    );

    assert!(good * 100 >= asked * 97, "{good} of {asked} were answered");
    let (early, last) = (memory[BATCHES / 5 - 1], memory[BATCHES - 1]);
    assert!(last <= early + early / 10 + 2_048, "it grows: {memory:?}");
    let sums = Books::of(&bench).sums();
    assert_eq!(sums.settled_known, known, "what providers counted");
    assert!(
        sums.settled_at_most >= at_most,
        "never below: {sums:?} {at_most}"
    );
    bench.runtime.block_on(bench.sim.stop());
    super::bench::until(|| descriptors(&serve).0 <= idle.0);
    let files = descriptors(&serve).1;
    // The database opens a few connections more under load, of two files each.
    assert!(files <= idle.1 + 16, "{files} open, {} when idle", idle.1);
    serve.stop();
    assert_eq!(bench.verified(), asked as u64, "a receipt for each");
    assert_eq!(Books::of(&bench).sums().held, Usd::ZERO);
}
