//! The overview's figures against sums made by hand.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeMap, time::Duration};

use deskhand::{
    domain::{
        Attempt, Billed, Cost, Ending, FaultClass, LinkName, ProviderName, Receipt, ReceiptId,
        ReceiptQuery, RunId, Task, Timestamp, Usage, Usd,
    },
    engine::figures::{Calls, Figures, FirstText, Tally, forecast},
};
use jiff::{civil::date, tz::TimeZone};
use uuid::Uuid;

const PRIMARY: (&str, &str) = ("anthropic", "big");
const BACKUP: (&str, &str) = ("openai", "small");

fn attempt(link: (&str, &str), class: Option<FaultClass>, nanos: i64, first_ms: u64) -> Attempt {
    Attempt {
        no: 1,
        link: LinkName::new(link.0, link.1),
        answered_by: class.is_none().then(|| link.1.to_owned()),
        began: Timestamp::UNIX_EPOCH,
        status: Some(if class.is_some() { 529 } else { 200 }),
        class,
        said: class.map(|_| "Overloaded, sorry".to_owned()),
        request_id: None,
        retry_after: None,
        connect: None,
        first_text: class.is_none().then(|| Duration::from_millis(first_ms)),
        took: Duration::from_millis(first_ms + 100),
        usage: Usage::default(),
        cost: Cost::Known(Usd::from_nanos(nanos)),
        price: None,
        billed: Billed::Yes,
        moved_on_because: None,
        shown: None,
    }
}

fn receipt(at: &str, attempts: Vec<Attempt>, ending: Ending, first: Option<i64>) -> Receipt {
    let began: Timestamp = at.parse().unwrap();
    Receipt {
        id: ReceiptId::new(Uuid::from_u128(1)),
        run: RunId::new(Uuid::from_u128(2)),
        ticket: None,
        ticket_number: Some(12),
        task: Task::Reply,
        agent: "noor".to_owned(),
        began,
        ended: began + Duration::from_secs(2),
        chain: [PRIMARY, BACKUP]
            .map(|(provider, model)| LinkName::new(provider, model))
            .to_vec(),
        chain_from: "default chain".to_owned(),
        attempts,
        skipped: Vec::new(),
        ending,
        action: "drafted".to_owned(),
        asked_sha256: String::new(),
        words_sent: 1,
        words_whole: 1,
        redacted: Vec::new(),
        first_choice_cost: first.map(Usd::from_nanos),
        sources: Vec::new(),
    }
}

fn clean(at: &str, nanos: i64, first_ms: u64) -> Receipt {
    let attempts = vec![attempt(PRIMARY, None, nanos, first_ms)];
    receipt(at, attempts, Ending::Answered, None)
}

fn fallback(at: &str, nanos: i64, first: Option<i64>) -> Receipt {
    let attempts = vec![
        attempt(PRIMARY, Some(FaultClass::Overloaded), 0, 0),
        attempt(BACKUP, None, nanos, 300),
    ];
    receipt(at, attempts, Ending::Answered, first)
}

fn figures(receipts: &[Receipt]) -> Figures {
    let mut figures = Figures::new(TimeZone::get("Europe/Berlin").unwrap());
    for receipt in receipts {
        figures.add(receipt);
    }
    figures
}

#[test]
fn days_and_weeks_are_those_of_the_zone() {
    // 23:30 UTC on Sunday is Monday in Berlin.
    let figures = figures(&[
        clean("2026-11-22T12:00:00Z", 1_000, 100),
        clean("2026-11-22T23:30:00Z", 2_000, 200),
        fallback("2026-11-24T09:00:00Z", 500, Some(800)),
        receipt(
            "2026-11-24T10:00:00Z",
            vec![attempt(PRIMARY, Some(FaultClass::TimedOut), 70, 0)],
            Ending::Failed,
            None,
        ),
    ]);
    let day = |asked, answered, fallback, nanos| Tally {
        asked,
        answered,
        fallback,
        cost: Cost::Known(Usd::from_nanos(nanos)),
    };

    let days: Vec<_> = figures.days().map(|(on, tally)| (on, *tally)).collect();
    assert_eq!(
        days,
        [
            (date(2026, 11, 22), day(1, 1, 0, 1_000)),
            (date(2026, 11, 23), day(1, 1, 0, 2_000)),
            (date(2026, 11, 24), day(2, 1, 1, 570)),
        ]
    );
    let weeks = BTreeMap::from([
        (date(2026, 11, 16), day(1, 1, 0, 1_000)),
        (date(2026, 11, 23), day(3, 2, 1, 2_570)),
    ]);
    assert_eq!(figures.weeks(), weeks);
    assert_eq!(figures.whole(), day(4, 3, 1, 3_570));
    assert_eq!(figures.whole().rate(), Some(3_333));
    assert_eq!(Tally::default().rate(), None);
}

#[test]
fn failures_models_and_times_are_counted_by_name() {
    let mut receipts: Vec<Receipt> = (1..=20)
        .map(|at| clean("2026-11-24T09:00:00Z", 1_000, at * 10))
        .collect();
    receipts.push(fallback("2026-11-24T09:00:00Z", 500, None));
    let figures = figures(&receipts);
    let (primary, backup) = (
        LinkName::new(PRIMARY.0, PRIMARY.1),
        LinkName::new(BACKUP.0, BACKUP.1),
    );

    let overloaded = (ProviderName("anthropic".to_owned()), FaultClass::Overloaded);
    assert_eq!(*figures.failures(), BTreeMap::from([(overloaded, 1)]));
    let calls = |calls, nanos| Calls {
        calls,
        cost: Cost::Known(Usd::from_nanos(nanos)),
    };
    let models = BTreeMap::from([
        (primary.clone(), calls(21, 20_000)),
        (backup.clone(), calls(1, 500)),
    ]);
    assert_eq!(*figures.models(), models);
    assert_eq!(
        *figures.tasks(),
        BTreeMap::from([("reply", calls(21, 20_500))])
    );
    let time = |count, p50, p95| FirstText {
        count,
        p50: Duration::from_millis(p50),
        p95: Duration::from_millis(p95),
    };
    let times = BTreeMap::from([(primary, time(20, 100, 190)), (backup, time(1, 300, 300))]);
    assert_eq!(figures.first_texts(), times);
}

#[test]
fn what_fallback_added_and_saved_stands_apart() {
    let figures = figures(&[
        fallback("2026-11-24T09:00:00Z", 500, Some(800)),
        fallback("2026-11-24T09:00:00Z", 900, Some(800)),
        fallback("2026-11-24T09:00:00Z", 900, None),
    ]);

    let difference = figures.difference();

    assert_eq!(difference.saved, Usd::from_nanos(300));
    assert_eq!(difference.added, Usd::from_nanos(100));
    assert_eq!(difference.unknown, 1);
}

#[test]
fn the_lines_of_one_and_two_percent_are_spoken_of_when_there_is_enough_to_say() {
    let today = date(2026, 11, 24);
    let week = |cleans: usize, fallbacks: usize| {
        let mut all = vec![clean("2026-11-24T09:00:00Z", 1_000, 100); cleans];
        all.extend(vec![fallback("2026-11-24T09:00:00Z", 500, None); fallbacks]);
        figures(&all)
    };

    assert_eq!(week(99, 1).sentence(today), None, "1 % is not above 1 %");
    let above = week(197, 3);
    assert!(above.sentence(today).unwrap().starts_with("1.50 % of"));
    assert_eq!(above.advice(today), None);
    let swap = week(97, 3).advice(today).unwrap();
    assert_eq!((swap.rate, swap.week), (300, (100, 3)));
    assert!(
        swap.words()
            .contains("openai/small instead of anthropic/big")
    );
    assert_eq!(week(10, 10).advice(today), None, "too few to say");
    assert_eq!(week(97, 3).sentence(date(2026, 12, 24)), None, "long ago");
}

#[test]
fn a_forecast_goes_on_as_the_month_began() {
    let (day, usd) = (Duration::from_hours(24), Usd::from_nanos);

    assert_eq!(forecast(usd(600), day * 6, day * 30), Some(usd(3_000)));
    assert_eq!(forecast(usd(600), Duration::ZERO, day * 30), None);
}

#[test]
fn a_query_means_the_receipts_it_says() {
    let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
    let fallback = fallback("2026-11-24T09:00:00Z", 500, None);
    for (query, is_meant) in [
        ("", true),
        ("sorry", true),
        ("-sorry", false),
        ("is:fallback first:anthropic model:small", true),
        ("class:overloaded -class:timed_out", true),
        ("provider:gemini", false),
        ("agent:NOOR task:reply ending:answered ticket:12", true),
        ("since:2d until:1h", true),
        ("since:1h", false),
        ("tag:anything", true),
    ] {
        let query = ReceiptQuery::parse(query, now).unwrap();
        assert_eq!(query.matches(&fallback), is_meant, "{query:?}");
    }
}

#[test]
fn the_pair_to_swap_is_the_one_of_the_week() {
    let long_ago = receipt(
        "2026-10-01T09:00:00Z",
        vec![
            attempt(PRIMARY, Some(FaultClass::Overloaded), 0, 0),
            attempt(("elsewhere", "old"), None, 500, 300),
        ],
        Ending::Answered,
        None,
    );
    let mut all = vec![clean("2026-11-24T09:00:00Z", 1_000, 100); 95];
    all.extend(vec![fallback("2026-11-24T10:00:00Z", 500, None); 5]);
    all.extend(vec![long_ago; 100]);

    let advice = figures(&all).advice(date(2026, 11, 24)).unwrap();

    assert_eq!(advice.backup, LinkName::new(BACKUP.0, BACKUP.1));
    assert_eq!(advice.week, (100, 5));
}

#[test]
fn of_more_times_than_are_kept_the_newest_count() {
    let mut newest_first = vec![clean("2026-11-24T09:00:00Z", 1_000, 100); 4_096];
    newest_first.extend(vec![clean("2026-11-23T09:00:00Z", 1_000, 900); 4_096]);

    let times = figures(&newest_first).first_texts();

    let of = &times[&LinkName::new(PRIMARY.0, PRIMARY.1)];
    assert_eq!((of.count, of.p95), (4_096, Duration::from_millis(100)));
}
