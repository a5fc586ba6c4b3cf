//! Which chain is asked when a person names one.

use deskhand::{
    desk::{
        DeskError,
        face::{AskedChain, DraftAsk},
    },
    domain::LinkName,
};
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, draft, limited, link};

/// A second chain, its links the other way round.
const STRONG: &str = "[chains.strong]\nlinks = [\"anthropic/house-big\", \
                      \"openai/house-small\"]\nrouting = \"cost\"\n";

#[tokio::test]
async fn a_chain_is_asked_for_by_its_name_or_by_its_links() {
    let bench = Bench::new().await;
    bench.configure(&format!("{}{STRONG}", bench.usual()));
    let (desk, ticket) = bench.desk_and_ticket().await;

    for (asked, from, links) in [
        (
            "strong",
            "asked for: chain strong, cheapest first",
            vec!["openai/house-small", "anthropic/house-big"],
        ),
        (
            "openai/house-small",
            "asked for",
            vec!["openai/house-small"],
        ),
    ] {
        let asked: AskedChain = asked.parse().unwrap();
        let told = desk.explain(Some(ticket), Some(&asked)).await.unwrap();
        assert_eq!(told.chosen.from, from);
        let wanted: Vec<LinkName> = links.into_iter().map(link).collect();
        assert_eq!(told.chosen.links, wanted);
    }
    let weak = AskedChain::Named("weak".to_owned());
    let unknown = desk.explain(None, Some(&weak)).await.unwrap_err();
    assert!(matches!(&unknown, DeskError::NoChain { known, .. } if known == "default, strong"));
    assert!(bench.sim.served().is_empty(), "nobody is asked");
    desk.close().await;
}

#[tokio::test]
async fn another_provider_is_asked_first_and_the_usual_chain_stands_behind_it() {
    let bench = Bench::new().await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    let usual = draft(&desk, ticket).await.receipt;
    assert_eq!(usual.answer().unwrap().link, link("anthropic/house-big"));

    let other = DraftAsk {
        ticket,
        chain: Some(AskedChain::First(link("openai/house-small"))),
        force: None,
        hint: None,
    };
    let drafted = limited(desk.draft(&other, &CancellationToken::new()))
        .await
        .unwrap();

    let receipt = drafted.receipt;
    assert_eq!(receipt.answer().unwrap().link, link("openai/house-small"));
    assert_eq!(
        receipt.chain,
        [link("openai/house-small"), link("anthropic/house-big")]
    );
    assert_eq!(receipt.chain_from, "asked for first, then default chain");
    assert!(!receipt.is_fallback());
    desk.close().await;
}
