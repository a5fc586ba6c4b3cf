//! The simulator against what providers really sent: status, headers and shape of every answer it
//! gives, and what each fault does on the socket. Its client is a plain socket, so that neither
//! the program's codecs nor a library can smooth anything over.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

#[path = "sim/client.rs"]
mod client;
#[path = "sim/recorded.rs"]
mod recorded;

use std::time::Duration;

use deskhand::sim::{Family, Fault, Served, Sim, SimOptions, Step, fault};
use serde_json::{Value, json};

use self::{
    client::{Answer, Ended, Sent, ask, get, post, send},
    recorded::{Recorded, corpus, missing, shape},
};

const FAMILIES: [Family; 4] = [
    Family::Anthropic,
    Family::OpenAi,
    Family::OpenAiResponses,
    Family::Gemini,
];

async fn sim() -> Sim {
    Sim::start(SimOptions::default()).await.unwrap()
}

/// Asks with a fault by header.
async fn faulty(sim: &Sim, family: Family, streamed: bool, fault: &str) -> Answer {
    let headers = [("x-sim-fault", fault)];
    send(sim, &ask(family, streamed), &headers).await
}

/// The last request in the log, once it is there.
async fn last_served(sim: &Sim) -> Served {
    for _ in 0..100 {
        if let Some(served) = sim.served().pop() {
            return served;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("nothing was noted")
}

#[tokio::test]
async fn every_answer_has_the_shape_of_a_recorded_one() {
    if corpus().is_none() {
        println!("corpus absent: 1 tests not run");
        return;
    }
    let sim = sim().await;
    let mut wrong = Vec::new();
    let mut proven = 0;
    let mut names: Vec<&str> = fault::names().collect();
    names.push("none");
    for family in FAMILIES {
        for name in &names {
            for streamed in [false, true] {
                if matches!(*name, "hang" | "overloaded" | "rate-limit") {
                    continue;
                }
                let place = format!("{} {name} streamed={streamed}", family.word());
                let Some(recorded) = Recorded::find(family, name, streamed) else {
                    println!("unproven: {place}");
                    continue;
                };
                let name = if *name == "slow" { "slow=1" } else { name };
                let answer = faulty(&sim, family, streamed, name).await;
                proven += 1;
                for difference in recorded.differences(&answer) {
                    wrong.push(format!("{place} ({}): {difference}", recorded.file));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(proven >= 80, "only {proven} answers were compared");
}

#[test]
fn a_difference_in_shape_is_seen() {
    let one = shape(&json!({"a": [{"b": 1}], "c": null}));
    let other = shape(&json!({"a": [{"b": "1"}], "d": null}));

    assert_eq!(missing(&one, &other), ["a[].b number", "c null"]);
    assert!(missing(&one, &one).is_empty());
}

#[tokio::test]
async fn faults_on_the_socket_do_what_they_say() {
    let sim = sim().await;
    for family in FAMILIES {
        for streamed in [false, true] {
            let place = format!("{} streamed={streamed}", family.word());
            let (hang, stall, cut, reset) = tokio::join!(
                faulty(&sim, family, streamed, "hang"),
                faulty(&sim, family, streamed, "stall=3"),
                faulty(&sim, family, streamed, "cut=3"),
                faulty(&sim, family, streamed, "reset=3"),
            );
            assert_eq!(
                (hang.ended, hang.bytes.len()),
                (Ended::Silent, 0),
                "{place}"
            );
            assert_eq!((stall.ended, stall.status), (Ended::Silent, 200), "{place}");
            assert_eq!((cut.ended, cut.status), (Ended::Fin, 200), "{place}");
            assert_eq!(reset.ended, Ended::Reset, "{place}");
            assert!(!stall.body.is_empty() && !cut.body.is_empty(), "{place}");
            let began = tokio::time::Instant::now();
            let slow = faulty(&sim, family, streamed, "slow=120").await;
            assert!(began.elapsed() >= Duration::from_millis(120), "{place}");
            assert_eq!((slow.ended, slow.status), (Ended::Whole, 200), "{place}");
        }
    }
}

#[tokio::test]
async fn a_stream_breaks_off_after_as_many_words_as_were_wished() {
    let sim = sim().await;
    for family in FAMILIES {
        let whole = send(&sim, &ask(family, true), &[]).await;
        for fault in ["cut=3", "stall=3", "error-event=3", "malformed=3"] {
            let broken = faulty(&sim, family, true, fault).await;
            let words = broken.text(family);
            assert_eq!(words.matches(' ').count(), 3, "{family:?} {fault}");
            assert!(whole.text(family).starts_with(&words), "{family:?} {fault}");
        }
        let malformed = faulty(&sim, family, true, "malformed=3").await;
        let broken =
            |data: &&&str| **data != "[DONE]" && serde_json::from_str::<Value>(data).is_err();
        assert_eq!(
            malformed.data().iter().filter(broken).count(),
            1,
            "{family:?}"
        );
        let body = faulty(&sim, family, false, "malformed").await;
        assert!(
            serde_json::from_slice::<Value>(&body.body).is_err(),
            "{family:?}"
        );
        assert!(
            faulty(&sim, family, true, "empty")
                .await
                .text(family)
                .is_empty()
        );
    }
}

#[tokio::test]
async fn usage_in_the_answer_is_what_the_log_counted() {
    for family in FAMILIES {
        for streamed in [false, true] {
            for fault in ["none", "truncated", "refusal", "empty"] {
                let sim = sim().await;
                let answer = faulty(&sim, family, streamed, fault).await;
                let served = last_served(&sim).await;
                let place = format!("{} {fault} streamed={streamed}", family.word());
                let (tokens_in, tokens_out) = answer.usage(family);
                assert_eq!(tokens_in, Some(served.tokens_in), "{place}");
                assert_eq!(tokens_out.unwrap_or(0), served.tokens_out, "{place}");
                assert!(served.tokens_in > 0, "{place}");
                assert_eq!(
                    served.tokens_out > 0,
                    !answer.text(family).is_empty(),
                    "{place}"
                );
                assert_eq!(served.bytes_sent, u64::try_from(answer.body.len()).unwrap());
                assert_eq!(served.streamed, streamed, "{place}");
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_key_and_a_wrong_path_are_refused() {
    let sim = sim().await;
    for (family, header, status) in [
        (Family::Anthropic, "x-api-key", 401),
        (Family::OpenAi, "authorization", 401),
        (Family::OpenAiResponses, "authorization", 401),
        // Gemini really says 400 for a key.
        (Family::Gemini, "x-goog-api-key", 400),
    ] {
        let answer = send(&sim, &ask(family, true), &[(header, "a-wrong-key")]).await;
        assert_eq!(answer.status, status, "{family:?}");
        let mut elsewhere = ask(family, true);
        elsewhere.path = format!("/{}/v9/nothing", family.word());
        assert_eq!(send(&sim, &elsewhere, &[]).await.status, 404, "{family:?}");
    }
}

#[tokio::test]
async fn faults_come_by_model_by_script_and_by_the_control_endpoint() {
    let sim = sim().await;
    let mut named = ask(Family::OpenAi, false);
    named.body["model"] = json!("sim-429-7");
    let answer = send(&sim, &named, &[]).await;
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (429, Some("7"))
    );

    let step = |fault| Step {
        family: Family::Anthropic,
        fault,
    };
    sim.script([
        step(Some(Fault::Overloaded)),
        step(None),
        step(Some(Fault::ServerError)),
    ]);
    let plain = ask(Family::Anthropic, false);
    let other = send(&sim, &ask(Family::Gemini, false), &[]).await.status;
    let mut statuses = vec![other];
    for _ in 0..4 {
        statuses.push(send(&sim, &plain, &[]).await.status);
    }
    assert_eq!(statuses, [200, 529, 200, 500, 200]);

    let set = json!({"family": "anthropic", "fault": "503", "times": 2});
    let told = post(&sim, "/control/faults", &set).await;
    assert_eq!(told.json(), json!({"queued": 2}));
    sim.clear_script();
    assert_eq!(send(&sim, &plain, &[]).await.status, 200);
    post(&sim, "/control/faults", &set).await;
    assert_eq!(send(&sim, &plain, &[]).await.status, 503);
    let log = get(&sim, "/control/log").await.json();
    let last = log["served"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["fault"], &last["status"]),
        (&json!("503"), &json!(503))
    );
    let nonsense = json!({"family": "anthropic", "fault": "nonsense"});
    assert_eq!(post(&sim, "/control/faults", &nonsense).await.status, 400);
    post(&sim, "/control/reset", &json!({})).await;
    assert!(sim.served().is_empty());
    assert_eq!(send(&sim, &plain, &[]).await.status, 200);
}

#[tokio::test]
async fn nobody_listens_at_the_refused_address() {
    let sim = sim().await;
    let address = sim.addresses().refused;
    let address = address.strip_prefix("http://").unwrap();

    let refused = tokio::net::TcpStream::connect(address).await.unwrap_err();

    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_request_without_a_length_is_refused_and_many_share_a_connection() {
    let sim = sim().await;
    let mut chunked = ask(Family::OpenAi, false);
    chunked.framing = Sent::Chunked;
    assert_eq!(send(&sim, &chunked, &[]).await.status, 411);

    let mut twice = ask(Family::OpenAi, true);
    twice.framing = Sent::Twice;
    assert_eq!(send(&sim, &twice, &[]).await.status, 200);
    assert_eq!(sim.served().len(), 2);
}
