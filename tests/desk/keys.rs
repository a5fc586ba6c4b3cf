//! What a refused key leaves behind, and what ends it.

use deskhand::{
    desk::face::DeskEvent,
    domain::{Ending, FaultClass, KeyState, SkipReason},
    sim::{Family, Fault},
};

use crate::bench::{Bench, classes, draft, hear, link};

/// The simulator refuses every key that holds the word.
fn key(word: &str) -> String {
    format!("api_key_command = [\"printf\", \"{word}\"]")
}

#[tokio::test]
async fn a_refused_key_benches_its_provider_until_there_is_another_key() {
    let bench = Bench::new().await;
    let mut config = bench.usual();
    config.key = key("wrong-key-1");
    bench.configure(&config.to_string());
    let (desk, ticket) = bench.desk_and_ticket().await;
    let mut events = desk.events();

    let stopped = draft(&desk, ticket).await;

    assert_eq!(stopped.receipt.ending, Ending::KeyRefused);
    assert_eq!(
        classes(&stopped.receipt.attempts),
        [Some(FaultClass::KeyRefused)]
    );
    assert!(stopped.draft.is_none());
    hear(
        &mut events,
        |event| matches!(event, DeskEvent::KeyRefused(name) if name.0 == "anthropic"),
    )
    .await;
    desk.close().await;
    drop(desk);

    let desk = bench.desk().await;
    assert_eq!(desk.refused_keys().await.unwrap()[0].0.0, "anthropic");
    let benched = draft(&desk, ticket).await.receipt;
    assert_eq!(benched.ending, Ending::Answered);
    assert_eq!(benched.attempts[0].link, link("openai/house-small"));
    assert_eq!(benched.skipped[0].because, SkipReason::KeyInvalid);
    let asked = bench.sim.served();
    let refused = asked.iter().filter(|served| served.status == 401);
    assert_eq!(refused.count(), 1, "a refused key is not tried again");

    desk.listen();
    let mut events = desk.events();
    config.key = key("good-key-2");
    bench.configure(&config.to_string());
    hear(&mut events, |event| *event == DeskEvent::Configured).await;
    // The first look at the file is one more event of the kind.
    bench.until_key_is(&desk, "good-key-2").await;

    let fresh = draft(&desk, ticket).await.receipt;
    assert_eq!(fresh.attempts[0].link, link("anthropic/house-big"));
    assert_eq!(fresh.ending, Ending::Answered);
    assert!(desk.refused_keys().await.unwrap().is_empty());
    let cards = desk.keys().await.unwrap();
    let card = cards.iter().find(|card| card.provider.0 == "anthropic");
    assert_eq!(card.unwrap().state, Some(KeyState::Verified));
    desk.close().await;
}

#[tokio::test]
async fn with_every_key_refused_nobody_is_asked_and_each_is_named() {
    let bench = Bench::new().await;
    let mut config = bench.usual();
    config.key = key("wrong-key-1");
    config.links = "\"anthropic/house-big\"".to_owned();
    bench.configure(&config.to_string());
    let (desk, ticket) = bench.desk_and_ticket().await;
    draft(&desk, ticket).await;
    let asked = bench.sim.served().len();

    let receipt = draft(&desk, ticket).await.receipt;

    assert_eq!(receipt.ending, Ending::KeyRefused);
    assert_eq!(receipt.skipped[0].because, SkipReason::KeyInvalid);
    assert_eq!(bench.sim.served().len(), asked);
    desk.close().await;
}

#[tokio::test]
async fn spent_credit_rests_every_link_of_the_key_and_is_on_its_card() {
    let bench = Bench::new().await;
    let small = "\n[chains.small]\nlinks = [\"anthropic/house-small\"]\n";
    bench.configure(&(bench.usual().to_string() + small));
    let (desk, ticket) = bench.desk_and_ticket().await;
    bench.first_fails(Fault::Quota);
    draft(&desk, ticket).await;

    let receipt = draft(&desk, ticket).await.receipt;

    assert_eq!(receipt.attempts[0].link, link("openai/house-small"));
    assert!(matches!(
        receipt.skipped[0].because,
        SkipReason::Resting {
            because: FaultClass::OutOfCredit,
            ..
        }
    ));
    let anthropic = bench.sim.served();
    let asked = anthropic
        .iter()
        .filter(|served| served.family == Family::Anthropic);
    assert_eq!(asked.count(), 1);
    let cards = desk.keys().await.unwrap();
    let card = cards.iter().find(|card| card.provider.0 == "anthropic");
    assert_eq!(card.unwrap().state, Some(KeyState::NoCredit));
    // Also the links of other chains.
    let small = link("anthropic/house-small");
    let state = async || {
        let healths = desk.link_healths().await.unwrap();
        let health = healths.iter().find(|health| health.link == small);
        health.unwrap().state_words()
    };
    assert_eq!(state().await, "resting: out of credit");
    // That the key is accepted says nothing of its credit.
    let provider = deskhand::domain::ProviderName("anthropic".to_owned());
    assert!(desk.test_key(&provider).await.unwrap().is_verified);
    assert_eq!(state().await, "resting: out of credit");
    let whom = desk.whom("anthropic").unwrap();
    desk.wake_by_hand(&whom).await.unwrap();
    assert_eq!(state().await, "ready");
    desk.close().await;
}

#[tokio::test]
async fn a_model_that_is_gone_is_asked_again_once_the_config_has_changed() {
    let bench = Bench::new().await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    bench.first_fails(Fault::NoModel);
    draft(&desk, ticket).await;
    let resting = draft(&desk, ticket).await.receipt;
    assert_eq!(resting.attempts[0].link, link("openai/house-small"));
    desk.close().await;

    // Changed while no desk is open.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    bench.configure(&format!("# changed\n{}", bench.usual()));
    let desk = bench.desk().await;

    let receipt = draft(&desk, ticket).await.receipt;
    assert_eq!(receipt.attempts[0].link, link("anthropic/house-big"));
    desk.close().await;
}
