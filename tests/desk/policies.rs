//! What a person may choose: whether a fault stops the draft, the drafts after it, or nothing; and
//! whether a slow model gets company.

use deskhand::{
    domain::{Cost, Ending, FaultClass},
    sim::Fault,
};

use crate::bench::{Bench, Config, classes, draft};

/// Drafts twice after a fault at the first provider, and returns how both ended and how often the
/// first and the second provider were asked.
async fn two_drafts(choice: &str, fault: Fault) -> ([Ending; 2], [usize; 2]) {
    let bench = Bench::new().await;
    let config = Config {
        engine: choice.to_owned(),
        ..bench.usual()
    };
    bench.configure(&config.to_string());
    let (desk, ticket) = bench.desk_and_ticket().await;
    bench.first_fails(fault);

    let first = draft(&desk, ticket).await.receipt.ending;
    let second = draft(&desk, ticket).await.receipt.ending;

    desk.close().await;
    let served = bench.sim.served();
    let asked = |model: &str| served.iter().filter(|call| call.model == model).count();
    ([first, second], [asked("house-big"), asked("house-small")])
}

#[tokio::test]
async fn each_policy_does_what_it_says() {
    use Ending::{Answered, Failed, KeyRefused, NoLink, Refused};
    for (choice, fault, endings, asked) in [
        ("", Fault::WrongKey, [KeyRefused, Answered], [1, 1]),
        (
            "on_auth_error = \"bench\"",
            Fault::WrongKey,
            [KeyRefused, Answered],
            [1, 1],
        ),
        (
            "on_auth_error = \"failover\"",
            Fault::WrongKey,
            [Answered, Answered],
            [1, 2],
        ),
        (
            "on_auth_error = \"stop\"",
            Fault::WrongKey,
            [KeyRefused, KeyRefused],
            [1, 0],
        ),
        ("", Fault::Quota, [Answered, Answered], [1, 2]),
        (
            "on_no_credit = \"stop\"",
            Fault::Quota,
            [Failed, NoLink],
            [1, 0],
        ),
        ("", Fault::NoModel, [Answered, Answered], [1, 2]),
        (
            "on_model_gone = \"stop\"",
            Fault::NoModel,
            [Failed, NoLink],
            [1, 0],
        ),
        ("", Fault::Refusal, [Refused, Answered], [2, 0]),
        (
            "on_refusal = \"failover\"",
            Fault::Refusal,
            [Answered, Answered],
            [2, 1],
        ),
    ] {
        let seen = two_drafts(choice, fault).await;

        assert_eq!(seen, (endings, asked), "{choice:?} {fault:?}");
    }
}

#[tokio::test]
async fn a_slow_model_gets_company_where_that_is_wanted() {
    let bench = Bench::new().await;
    let config = Config {
        engine: "hedge = true".to_owned(),
        clocks: String::new(),
        ..bench.usual()
    };
    bench.configure(&config.to_string());
    let (desk, ticket) = bench.desk_and_ticket().await;
    // Quick answers make a history: after 0.4 s the first is slow.
    for _ in 0..5 {
        draft(&desk, ticket).await;
    }
    bench.first_fails(Fault::Hang);
    let before = desk.spend().await.unwrap().meter;

    let receipt = draft(&desk, ticket).await.receipt;

    assert_eq!(receipt.ending, Ending::Answered);
    assert_eq!(
        classes(&receipt.attempts),
        [Some(FaultClass::Cancelled), None]
    );
    assert!(receipt.is_fallback());
    let because = receipt.attempts[0].moved_on_because.as_deref();
    assert_eq!(
        because,
        Some("slow: openai/house-small was asked too and answered first")
    );
    // Both are in the ledger, the one that was dropped at its hold.
    let meter = desk.spend().await.unwrap().meter;
    assert_eq!(meter.held, deskhand::domain::Usd::ZERO);
    let Cost::AtMost(lost) = receipt.attempts[0].cost else {
        panic!("{:?}", receipt.attempts[0].cost);
    };
    assert_eq!(meter.settled_at_most, lost);
    assert!(meter.settled_known > before.settled_known);
    desk.close().await;
    let served = bench.served(7).await;
    let hung = served.iter().filter(|call| call.client_closed);
    assert_eq!(hung.count(), 1, "the call that lost was closed");
}
