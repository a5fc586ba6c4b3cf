//! Connections made ahead.

use deskhand::llm::{Transport, heard::Heard};

use super::{
    KEY, ask, endpoint, hear, limits,
    server::{Act, good_answer, server},
};

fn nothing_there() -> Act {
    Act::Send("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned())
}

#[tokio::test]
async fn a_call_finds_the_connection_that_was_made_ahead_and_the_server_learns_nothing_by_it() {
    let script = vec![
        Act::Read,
        nothing_there(),
        Act::Read,
        Act::Send(good_answer()),
    ];
    let server = server(vec![script]).await;
    let transport = Transport::new();

    transport.warm(&format!("{}/v1", server.url), false).await;
    transport.warm(&server.url, false).await;
    let mut talk = transport.speak(&endpoint(&server.url), &ask(), limits());
    let Heard::Opened(opening) = talk.next().await else {
        panic!("not opened");
    };
    let (text, _) = hear(talk).await;

    assert_eq!((text.as_str(), opening.connect), ("Hello.", None));
    let requests = server.requests.lock().unwrap();
    assert_eq!(
        requests.len(),
        2,
        "a second one at once makes no connection"
    );
    assert!(
        requests[0].starts_with("HEAD / HTTP/1.1\r\n"),
        "{}",
        requests[0]
    );
    assert!(!requests[0].contains(KEY) && !requests[0].contains("authorization"));
}

#[tokio::test]
async fn nobody_there_and_no_address_are_left_for_the_call_to_tell() {
    let transport = Transport::new();

    transport.warm("http://127.0.0.1:1/v1", false).await;
    transport.warm("http://models.example/v1", false).await;
    transport.warm("nothing", false).await;

    let mut talk = transport.speak(&endpoint("http://127.0.0.1:1"), &ask(), limits());
    assert!(matches!(talk.next().await, Heard::Failed(..)));
}
