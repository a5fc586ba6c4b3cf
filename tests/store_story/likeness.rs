//! Messages that are like one another.

use deskhand::store::Store;

use super::props::{at, filing, letter, new_ticket};

pub(super) async fn conversations_and_double_words_are_found(store: &Store) {
    let ticket = new_ticket("A conversation");
    let mut first = letter("topic-1@shop", &ticket, "Said once, said well.", 500);
    first.topic = Some("thread-index:00".to_owned());
    "twice@likeness.test".clone_into(&mut first.message.from.address);
    let filed = store.file(&filing(vec![first]), at(501)).await.unwrap();
    let source = filing(Vec::new()).source;

    let found = store.tickets_of_topic(&source, "thread-index:00").await;
    assert_eq!(found.unwrap(), filed.new);
    let none = store.tickets_of_topic(&source, "thread-index:01").await;
    assert_eq!(none.unwrap(), []);

    let said = store.said_by("twice@likeness.test", at(400)).await.unwrap();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].text, "Said once, said well.");
    let later = store.said_by("twice@likeness.test", at(502)).await.unwrap();
    assert!(later.is_empty());
}
