//! Tokens from a service on loopback: with a code, in the browser, renewed, refused.
#![expect(clippy::expect_used, clippy::string_slice, reason = "a test may panic")]

#[path = "common/service.rs"]
mod service;

use deskhand::{
    domain::sign_in::{Service as Of, SignIn, Way},
    source::mail::oauth::{Asking, Browser, OAuthError, device, renew},
};
use secrecy::{ExposeSecret as _, SecretString};

use service::{CLIENT, Service, get, say_yes};

fn sign_in(service: &Service, way: Way) -> SignIn {
    SignIn {
        service: Of::Own,
        way,
        token: service.url("token"),
        scope: "mail offline".to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret: None,
    }
}

fn by_code(service: &Service) -> SignIn {
    sign_in(service, Way::Device(service.url("device")))
}

const fn asking<'a>(sign_in: &'a SignIn, secret: Option<&'a SecretString>) -> Asking<'a> {
    Asking {
        sign_in,
        secret,
        address: "support@acme.test",
        ca: None,
    }
}

#[tokio::test]
async fn a_code_that_somebody_approves_brings_tokens() {
    let service = Service::start();
    let sign_in = by_code(&service);
    let asking = asking(&sign_in, None);

    let waiting = device(asking, &service.url("device")).await.unwrap();
    assert_eq!(waiting.code, "ABCD-EFGH");
    assert_eq!(waiting.url, "http://127.0.0.1/activate");
    service.with(|memory| memory.approved = true);
    let tokens = waiting.tokens(asking).await.unwrap();

    assert_eq!(tokens.access.expose_secret(), "access-1");
    assert_eq!(tokens.refresh.unwrap().expose_secret(), "refresh-1");
    assert_eq!(tokens.lasts.as_secs(), 3_600);
}

#[tokio::test]
async fn the_browser_comes_back_with_a_code_that_only_we_can_use() {
    let service = Service::start();
    service.with(|memory| memory.secret = Some("hush".to_owned()));
    let sign_in = sign_in(&service, Way::Browser(service.url("authorize")));
    let secret = SecretString::from("hush");
    let asking = asking(&sign_in, Some(&secret));
    let browser = Browser::open(asking, &service.url("authorize"))
        .await
        .unwrap();
    let page = browser.url.clone();
    assert!(page.contains("login_hint=support%40acme.test"), "{page}");

    let person = tokio::task::spawn_blocking(move || {
        let back = say_yes(&page);
        let stranger = back.replace("state=", "state=x");
        assert!(get(&stranger).starts_with("HTTP/1.1 404"));
        get(&back)
    });
    let (tokens, seen) = tokio::join!(browser.tokens(asking), person);

    assert_eq!(tokens.unwrap().access.expose_secret(), "access-1");
    assert!(seen.unwrap().contains("You can close this page"));
}

#[tokio::test]
async fn a_renewed_token_turns_the_old_one_over_and_a_refusal_is_told() {
    let service = Service::start();
    service.with(|memory| assert!(memory.refresh.insert("refresh-0".to_owned())));
    let sign_in = by_code(&service);
    let asking = asking(&sign_in, None);
    let old = SecretString::from("refresh-0");

    let tokens = renew(asking, &old).await.unwrap();
    let again = renew(asking, &old).await.unwrap_err();
    service.with(|memory| memory.is_away = true);
    let away = renew(asking, &tokens.refresh.unwrap()).await.unwrap_err();

    assert_eq!(
        again.to_string(),
        "127.0.0.1 refused it: invalid_grant: says the test"
    );
    assert!(matches!(away, OAuthError::Unreachable { .. }), "{away}");
    for told in [again, away] {
        assert!(!format!("{told:?}").contains("refresh-"), "{told:?}");
    }
}

#[tokio::test]
async fn what_says_no_or_makes_no_sense_is_told_apart() {
    let service = Service::start();
    let mut stranger = by_code(&service);
    stranger.client_id = "somebody-else".to_owned();
    let mut nowhere = by_code(&service);
    nowhere.token = service.url("introspect");
    let refresh = SecretString::from("refresh-0");

    let refused = device(asking(&stranger, None), &service.url("device")).await;
    let odd = renew(asking(&nowhere, None), &refresh).await.unwrap_err();

    let refused = refused.err().unwrap().to_string();
    assert_eq!(refused, "127.0.0.1 refused it: invalid_client");
    assert!(matches!(odd, OAuthError::Odd { .. }), "{odd}");
}
