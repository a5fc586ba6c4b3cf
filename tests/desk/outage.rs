//! Every provider down: seen as such, looked at while a desk is open, over when one answers; the
//! drafts that could not be made wait for a person.

use std::time::Duration;

use deskhand::{
    desk::face::DeskEvent,
    domain::{Ending, Task},
    sim::Fault,
};

use crate::bench::{Bench, Config, draft, hear, limited, link};

/// An address where nobody listens.
const NOBODY: &str = "http://127.0.0.1:9";

#[tokio::test]
async fn an_outage_is_seen_looked_at_and_over_when_one_answers() {
    let bench = Bench::new().await;
    let up = bench.usual();
    let down = Config {
        first: NOBODY.to_owned(),
        second: NOBODY.to_owned(),
        ..up.clone()
    };
    bench.configure(&down.to_string());
    let tickets = bench.tickets(2).await;
    let desk = bench.desk().await;
    assert_eq!(desk.outage().await.unwrap(), None);

    let first = draft(&desk, tickets[0]).await;

    assert_eq!(first.receipt.ending, Ending::Offline);
    let outage = desk.spend().await.unwrap().outage.unwrap();
    assert_eq!(outage.failing.len(), 2);
    assert_eq!(outage.short(), "providers down");
    // A person's own wish is tried all the same.
    let second = draft(&desk, tickets[1]).await;
    assert!(!second.receipt.attempts.is_empty());
    let waiting = desk.catch_up().await.unwrap();
    assert_eq!(waiting.in_the_way.as_deref(), Some("providers down"));
    let order: Vec<_> = waiting
        .rows
        .iter()
        .map(|row| row.missed.ticket.id)
        .collect();
    assert_eq!(order, tickets);
    assert!(waiting.at_most().is_some() && waiting.likely().is_none());

    // Another start of the program knows it too, and finds the line mended.
    desk.close().await;
    bench.configure(&up.to_string());
    let desk = bench.desk().await;
    assert!(desk.outage().await.unwrap().is_some());
    let mut events = desk.events();
    desk.listen();
    limited(async {
        while desk.outage().await.unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let receipts = desk.newest_receipts(crate::bench::page(50)).await.unwrap();
    let probes = receipts.iter().filter(|(_, it)| it.task == Task::Probe);
    let probes: Vec<_> = probes.map(|(_, it)| it.ending).collect();
    assert_eq!(probes.last(), Some(&Ending::Answered));
    assert!(bench.sim.served().len() == 1, "one call looks for life");
    hear(&mut events, |event| *event == DeskEvent::Spent).await;

    // Nothing was drafted behind the person's back; now they ask.
    let waiting = desk.catch_up().await.unwrap();
    assert_eq!((waiting.rows.len(), waiting.in_the_way), (2, None));
    let made = draft(&desk, tickets[0]).await;
    assert_eq!(made.receipt.ending, Ending::Answered);
    let waiting = desk.catch_up().await.unwrap();
    assert_eq!(waiting.rows.len(), 1);
    assert!(waiting.likely().is_some());
    assert!(desk.drop_missed(tickets[1]).await.unwrap());
    assert!(!desk.drop_missed(tickets[1]).await.unwrap());
    assert_eq!(desk.spend().await.unwrap().missed, 0);
    desk.close().await;
}

#[tokio::test]
async fn refused_keys_are_an_outage_that_names_them_and_nobody_is_asked_in_vain() {
    let bench = Bench::new().await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    desk.listen();
    for refuse in [Bench::first_fails, Bench::second_fails] {
        refuse(&bench, Fault::WrongKey);
        draft(&desk, ticket).await;
    }

    let outage = desk.outage().await.unwrap().unwrap();

    assert_eq!(outage.short(), "anthropic, openai refused their keys");
    assert_eq!((outage.due, outage.next_look), (None, None));
    let served = bench.sim.served().len();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(bench.sim.served().len(), served);
    desk.close().await;
}

#[tokio::test]
async fn a_draft_that_the_cap_denied_waits_until_a_text_stands_there() {
    let bench = Bench::new().await;
    let poor = Config {
        cap: "0.0000001".to_owned(),
        ..bench.usual()
    };
    bench.configure(&poor.to_string());
    let (desk, ticket) = bench.desk_and_ticket().await;

    let denied = draft(&desk, ticket).await;

    assert_eq!(denied.receipt.ending, Ending::OverCap);
    let waiting = desk.catch_up().await.unwrap();
    assert_eq!(waiting.rows[0].missed.because, Ending::OverCap);
    assert!(waiting.in_the_way.unwrap().contains("is reached"));
    desk.save_text(ticket, "I write it myself.", None)
        .await
        .unwrap();
    assert!(desk.catch_up().await.unwrap().rows.is_empty());
    desk.close().await;
}

#[tokio::test]
async fn the_first_choice_is_said_to_be_back_once() {
    let bench = Bench::new().await;
    let tickets = bench.tickets(5).await;
    let desk = bench.desk().await;
    for ticket in &tickets[..2] {
        bench.first_fails(Fault::Overloaded);
        let made = draft(&desk, *ticket).await;
        assert!(made.receipt.is_fallback());
    }
    let mut events = desk.events();

    for ticket in &tickets[2..] {
        let made = draft(&desk, *ticket).await;
        assert_eq!(
            made.receipt.answer().unwrap().link,
            link("anthropic/house-big")
        );
    }

    let mut said = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let DeskEvent::Back {
            provider,
            drafts,
            by,
        } = event
        {
            said.push((provider.0, drafts, by.len()));
        }
    }
    assert_eq!(said, [("anthropic".to_owned(), 2, 1)]);
    desk.close().await;
}
