//! The cap, the meter and the alerts.

use std::sync::Arc;

use deskhand::{
    desk::{
        DeskError,
        face::{AskedChain, DeskEvent},
    },
    domain::{Cap, Cost, Ending, SkipReason, Usd},
    sim::{Family, Fault},
};

use crate::bench::{
    Bench, alerts, ask, begin, draft, hear, limited, link, now, price_of, step, until,
};

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

#[tokio::test]
async fn without_a_chosen_cap_nobody_is_asked() {
    let bench = Bench::new().await;
    let mut config = bench.usual();
    config.cap = String::new();
    bench.configure(&config.to_string());
    let (desk, ticket) = bench.desk_and_ticket().await;

    let refused = limited(begin(&desk, ticket).1).await.unwrap();

    assert!(matches!(refused, Err(DeskError::CapNotChosen)));
    assert!(bench.sim.served().is_empty());
    desk.close().await;
}

#[tokio::test]
async fn at_the_cap_nobody_is_asked_and_a_raised_cap_resumes_within_a_second() {
    let bench = Bench::new().await;
    let mut config = bench.usual();
    config.cap = "\"0.0005\"".to_owned();
    bench.configure(&config.to_string());
    let (desk, ticket) = bench.desk_and_ticket().await;
    let mut events = desk.events();
    desk.listen();

    let denied = draft(&desk, ticket).await;

    assert_eq!(denied.receipt.ending, Ending::OverCap);
    assert!(denied.draft.is_none());
    assert!(denied.receipt.attempts.is_empty());
    let skipped: Vec<_> = denied
        .receipt
        .skipped
        .iter()
        .map(|skipped| (skipped.link.clone(), skipped.because.clone()))
        .collect();
    assert_eq!(
        skipped,
        [
            (link("anthropic/house-big"), SkipReason::OverCap),
            (link("openai/house-small"), SkipReason::OverCap)
        ]
    );
    assert!(bench.sim.served().is_empty());
    assert!(desk.spend().await.unwrap().meter.paused);
    assert_eq!(alerts(&mut events), [100], "PAUSED is said aloud");

    config.cap = "20".to_owned();
    bench.configure(&config.to_string());
    hear(&mut events, |event| *event == DeskEvent::Configured).await;

    assert!(!desk.spend().await.unwrap().meter.paused);
    assert_eq!(draft(&desk, ticket).await.receipt.ending, Ending::Answered);
    desk.close().await;
}

#[tokio::test]
async fn a_cap_that_was_chosen_where_no_config_was_resumes_too() {
    let bench = Bench::new().await;
    let text = bench.usual().to_string();
    let mut paths = bench.paths();
    // The folder is not there yet, as on a fresh machine.
    paths.config_file = paths.data_dir.with_file_name("later").join("config.toml");
    paths.missing = deskhand::config::Missing::Fine;
    let desk = bench.desk_at(paths.clone()).await;
    let mut events = desk.events();
    desk.listen();

    std::fs::create_dir(paths.config_file.parent().unwrap()).unwrap();
    std::fs::write(&paths.config_file, text).unwrap();

    limited(async {
        while desk.settings().config.spend.cap == Cap::NotChosen {
            events.recv().await.unwrap();
        }
    })
    .await;
    desk.close().await;
}

#[tokio::test]
async fn a_dearer_link_is_skipped_at_the_cap_and_a_cheaper_one_answers() {
    let bench = Bench::new().await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    // The worst case of the first link is about 2 cents less than that of its shortest answer.
    let store = bench.store().await;
    let period = desk.period().name;
    store
        .book(&period, Cost::Known(usd("19.9975")), "test", now())
        .await
        .unwrap();

    let receipt = draft(&desk, ticket).await.receipt;

    assert_eq!(receipt.ending, Ending::Answered);
    assert_eq!(receipt.skipped[0].link, link("anthropic/house-big"));
    assert_eq!(receipt.skipped[0].because, SkipReason::OverCap);
    assert_eq!(receipt.attempts[0].link, link("openai/house-small"));
    let meter = desk.spend().await.unwrap().meter;
    assert!(meter.settled() <= usd("20"));
    desk.close().await;
}

#[tokio::test]
async fn a_threshold_is_said_once_in_a_month_also_after_opening_again() {
    let bench = Bench::new().await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    let mut events = desk.events();
    let store = bench.store().await;
    let period = desk.period().name;
    let book = async |dollars: &str| {
        store
            .book(&period, Cost::Known(usd(dollars)), "test", now())
            .await
            .unwrap();
    };
    draft(&desk, ticket).await;
    assert_eq!(alerts(&mut events), [] as [u32; 0]);
    book("11").await;
    draft(&desk, ticket).await;
    assert_eq!(alerts(&mut events), [50]);
    desk.close().await;
    drop(desk);

    let desk = bench.desk().await;
    let mut events = desk.events();
    draft(&desk, ticket).await;
    assert_eq!(alerts(&mut events), [] as [u32; 0]);
    book("5").await;
    draft(&desk, ticket).await;
    draft(&desk, ticket).await;
    assert_eq!(alerts(&mut events), [75]);
    book("3.999").await;
    draft(&desk, ticket).await;
    draft(&desk, ticket).await;
    assert_eq!(alerts(&mut events), [100]);
    desk.close().await;
}

#[tokio::test]
async fn the_hundredth_percent_is_said_where_the_desk_does_not_pause() {
    let bench = Bench::new().await;
    let mut config = bench.usual();
    config.cap = "\"0.000001\"\npause_at_cap = false".to_owned();
    bench.configure(&config.to_string());
    let (desk, ticket) = bench.desk_and_ticket().await;
    let mut events = desk.events();

    assert_eq!(draft(&desk, ticket).await.receipt.ending, Ending::Answered);

    assert_eq!(alerts(&mut events), [50, 75, 100]);
    assert!(!desk.spend().await.unwrap().meter.paused);
    desk.close().await;
}

#[tokio::test]
async fn sums_equal_what_was_counted_and_the_receipts_verify() {
    let bench = Bench::new().await;
    let tickets = bench.tickets(6).await;
    let desk = bench.desk().await;
    bench.sim.script([
        step(Family::Anthropic, None),
        step(Family::Anthropic, Some(Fault::Overloaded)),
        step(Family::Anthropic, Some(Fault::Refusal)),
        step(Family::Anthropic, Some(Fault::Truncated)),
        step(Family::Anthropic, Some(Fault::ServerError)),
    ]);

    let mut sum = Usd::ZERO;
    for ticket in tickets {
        sum = sum.plus(draft(&desk, ticket).await.receipt.cost().amount());
    }

    let served = bench.served(8).await;
    let counted = served.iter().map(price_of).fold(Usd::ZERO, Usd::plus);
    let meter = desk.spend().await.unwrap().meter;
    assert_eq!((meter.settled(), meter.held), (counted, Usd::ZERO));
    assert_eq!(sum, counted);
    let verdict = desk.verify_receipts().await.unwrap();
    assert_eq!((verdict.entries, verdict.broken), (6, None));
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_drafts_at_three_desks_never_pass_a_cap_that_pays_for_five() {
    let bench = Bench::at_pace(Some(400)).await;
    let mut config = bench.usual();
    let cap = usd("0.008");
    config.cap = format!("\"{cap}\"");
    config.engine = "parallel_drafts = 8".to_owned();
    config.links = "\"anthropic/house-big\"".to_owned();
    bench.configure(&config.to_string());
    let tickets = bench.tickets(20).await;
    let desks = [bench.desk().await, bench.desk().await, bench.desk().await];
    let store = bench.store().await;
    let period = desks[0].period().name;
    let tasks: Vec<_> = tickets
        .iter()
        .enumerate()
        .map(|(at, ticket)| begin(&desks[at % 3], *ticket).1)
        .collect();

    let mut most = Usd::ZERO;
    limited(async {
        while !tasks.iter().all(tokio::task::JoinHandle::is_finished) {
            let taken = store.sums(&period).await.unwrap().taken();
            most = most.max(taken);
            assert!(taken <= cap, "{taken} is above {cap}");
        }
    })
    .await;

    let mut answered = 0;
    for task in tasks {
        match task.await.unwrap().unwrap().receipt.ending {
            Ending::Answered | Ending::Truncated => answered += 1,
            ending => assert_eq!(ending, Ending::OverCap),
        }
    }
    assert!(
        most > Usd::ZERO && answered >= 3,
        "{answered} answers, at most {most} taken"
    );
    assert!(answered < 20, "the cap was met");
    let sums = store.sums(&period).await.unwrap();
    assert_eq!(sums.held, Usd::ZERO);
    let served = bench.sim.served();
    let counted = served.iter().map(price_of);
    assert_eq!(sums.taken(), counted.fold(Usd::ZERO, Usd::plus));
    let verdict = desks[0].verify_receipts().await.unwrap();
    assert_eq!((verdict.entries, verdict.broken), (20, None));
    for desk in desks {
        desk.close().await;
    }
}

#[tokio::test]
async fn a_draft_that_nobody_waits_for_any_more_is_settled() {
    let bench = Bench::new().await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    bench.first_fails(Fault::Slow(300));
    let (_cancel, task) = begin(&desk, ticket);
    let live = desk.live();
    until(|| live.running().iter().any(|run| run.link.is_some())).await;

    task.abort();

    until(|| live.running().is_empty()).await;
    let view = desk.ticket(ticket).await.unwrap();
    assert_eq!(view.receipts[0].ending, Ending::Cancelled);
    assert_eq!(desk.spend().await.unwrap().meter.held, Usd::ZERO);
    desk.close().await;
}

#[tokio::test]
async fn a_draft_that_waits_for_its_turn_can_be_stopped() {
    let bench = Bench::new().await;
    let mut config = bench.usual();
    config.engine = "parallel_drafts = 1".to_owned();
    bench.configure(&config.to_string());
    let tickets = bench.tickets(2).await;
    let desk = bench.desk().await;
    bench.first_fails(Fault::Hang);
    bench.second_fails(Fault::Hang);
    let (stop_first, first) = begin(&desk, tickets[0]);
    let live = desk.live();
    until(|| live.running().iter().any(|run| run.link.is_some())).await;
    let (stop_second, second) = begin(&desk, tickets[1]);
    until(|| live.running().len() == 2).await;

    stop_second.cancel();
    let stopped = limited(second).await.unwrap().unwrap();

    assert_eq!(stopped.receipt.ending, Ending::Cancelled);
    assert_eq!(stopped.receipt.cost(), Cost::FREE);
    assert!(stopped.receipt.attempts.is_empty());
    assert!(!first.is_finished());
    stop_first.cancel();
    limited(first).await.unwrap().unwrap();
    desk.close().await;
}

#[tokio::test]
async fn a_chain_that_cannot_be_is_refused_before_anyone_is_asked() {
    let bench = Bench::new().await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    let cancel = tokio_util::sync::CancellationToken::new();
    let chained = async |desk: &Arc<deskhand::desk::Desk>, links: &[&str]| {
        let mut ask = ask(ticket);
        let links = links.iter().map(|text| link(text));
        ask.chain = Some(AskedChain::Links(links.collect()));
        desk.draft(&ask, &cancel).await
    };

    let unknown = chained(&desk, &["openai/house-small", "nobody/x"]).await;
    let words = unknown.unwrap_err().to_string();
    assert!(words.contains("no provider is called `nobody`"), "{words}");
    assert!(chained(&desk, &[]).await.is_err());
    assert!(chained(&desk, &["openai/a", "openai/a"]).await.is_err());
    assert!(bench.sim.served().is_empty());

    let drafted = chained(&desk, &["openai/house-small"]).await.unwrap();
    assert_eq!(drafted.receipt.chain_from, "asked for");
    assert_eq!(drafted.receipt.chain, [link("openai/house-small")]);
    desk.close().await;
}

#[tokio::test]
async fn the_cheapest_draft_of_a_thinking_model_has_room_for_its_thoughts() {
    let bench = Bench::new().await;
    let mut config = bench.usual();
    config.links = "\"anthropic/house-big\"".to_owned();
    let plain = config.to_string();
    let thinking = plain.replace(
        "[models.\"anthropic/house-big\"]",
        "[models.\"anthropic/house-big\"]\ntemper = \"reasoning\"",
    );
    let mut needed = Vec::new();
    for text in [plain, thinking] {
        bench.configure(&text);
        let desk = bench.desk().await;
        needed.push(desk.spend().await.unwrap().cheapest_draft.unwrap());
        desk.close().await;
    }

    // 4,000 tokens of prompt and 256 of answer; of thoughts there is room for 768, then the
    // output limit of 1,024 is met.
    assert_eq!(needed[0], usd("0.00528"));
    assert_eq!(needed[1], usd("0.00912"));
}
