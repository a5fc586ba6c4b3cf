//! Messages that are like one another, and notes that are being written.

use deskhand::{
    domain::MessageId,
    store::{Filing, NoteBegun, Store},
};
use uuid::Uuid;

use super::props::{at, filing, in_ticket, letter, message, new_ticket};

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

pub(super) async fn a_note_that_is_written_outlives_a_crash(store: &Store) {
    let ticket = new_ticket("A note is begun");
    let first = letter("note-begun@shop", &ticket, "Hello.", 510);
    store.file(&filing(vec![first]), at(511)).await.unwrap();
    let note = |id: u128, text: &str| NoteBegun {
        id: MessageId::new(Uuid::from_u128(id)),
        text: text.to_owned(),
    };
    let whose = (ticket.id, "noor");

    store
        .keep_note(whose, &note(1, "Half a th"), at(512))
        .await
        .unwrap();
    store
        .keep_note(whose, &note(2, "Half a thought"), at(513))
        .await
        .unwrap();

    let begun = store.note_begun(ticket.id, "noor").await.unwrap();
    assert_eq!(begun, Some(note(1, "Half a thought")), "its identity stays");
    assert_eq!(store.note_begun(ticket.id, "sam").await.unwrap(), None);
    let added = Filing {
        note_by: Some("noor".to_owned()),
        ..filing(vec![in_ticket(
            message("note-1@desk", "Half a thought", 513),
            ticket.id,
        )])
    };
    store.file(&added, at(513)).await.unwrap();
    let begun = store.note_begun(ticket.id, "noor").await.unwrap();
    assert_eq!(begun, None, "what is added is begun no more");
    store
        .keep_note(whose, &note(2, "Another"), at(513))
        .await
        .unwrap();
    store
        .keep_note(whose, &note(3, " "), at(514))
        .await
        .unwrap();
    assert_eq!(store.note_begun(ticket.id, "noor").await.unwrap(), None);
}
