//! Filing letters.

use deskhand::{
    domain::{AutoClass, Direction, Status, Ticket, TicketId},
    store::{Filing, Place, Store, StoreError},
};

use super::props::{at, filing, find, in_ticket, letter, message, new_ticket};

pub(super) async fn letters_are_filed_once(store: &Store) {
    let (first, second) = (
        new_ticket("Where is my parcel?"),
        new_ticket("Größe ändern"),
    );
    let opening = letter("a@shop", &first, "It is late.", 10);
    let mut answer = message("b@shop", "Still NOT here, said Žofie.", 20);
    answer.answers = vec!["a@shop".into(), "lost@shop".into()];
    let answer = in_ticket(answer, first.id);
    let other = letter("c@shop", &second, "Bitte ÄNDERN.", 30);
    let mut filing = filing(vec![opening.clone(), answer.clone(), other.clone()]);
    filing.first_number = Some(4812);

    let filed = store.file(&filing, at(100)).await.unwrap();

    assert_eq!((filed.imported, filed.duplicates), (3, 0));
    assert_eq!((filed.tickets_new, filed.tickets_joined), (2, 0));
    let ticket = store.ticket(first.id).await.unwrap().unwrap();
    assert_eq!(ticket.number, 4812);
    assert_eq!(ticket.messages, 2);
    assert_eq!(ticket.updated_at, at(20));
    assert_eq!(ticket.last_customer_message_at, Some(at(20)));
    assert_eq!(
        store.ticket_by_number(4813).await.unwrap().unwrap().id,
        second.id
    );
    let messages = store.messages(first.id).await.unwrap();
    let mut expected = vec![opening.message.clone(), answer.message.clone()];
    for message in &mut expected {
        message.ticket = first.id;
    }
    assert!(messages == expected, "a message is read as it was written");
    again_changes_nothing(store, &filing, &first).await;
    a_twin_is_kept_and_flagged(store, first.id).await;
    ids_are_known(store, first.id).await;
    a_reply_reopens_and_comes_out_of_quarantine(store).await;
}

pub(super) async fn a_report_stands_below_the_mail_it_is_about(store: &Store) {
    let ticket = new_ticket("Who reads this?");
    let opening = letter("asked@report", &ticket, "Where is it?", 10);
    let report = |id: &str, about: &str, sent| {
        let mut report = message(id, "It was not delivered.", sent);
        report.auto_class = AutoClass::BounceHard;
        report.answers = vec![about.to_owned()];
        in_ticket(report, ticket.id)
    };
    let reply = |id: &str, sent| {
        let mut reply = message(id, "Here.", sent);
        reply.direction = Direction::Out;
        in_ticket(reply, ticket.id)
    };
    let letters = vec![
        opening,
        // By the clock of its server it is older than what it is about.
        report("first-report@report", "first@report", 20),
        reply("first@report", 21),
        reply("second@report", 30),
        report("second-report@report", "second@report", 31),
        report("stray@report", "lost@report", 5),
        // One report is about another, and both came before what they are about.
        report("of-report@report", "third-report@report", 40),
        report("third-report@report", "third@report", 41),
        reply("third@report", 42),
    ];
    store.file(&filing(letters), at(100)).await.unwrap();

    let messages = store.messages(ticket.id).await.unwrap();

    let ids = messages
        .iter()
        .map(|message| message.rfc_message_id.split('@').next().unwrap());
    assert_eq!(
        ids.collect::<Vec<_>>(),
        [
            "stray",
            "asked",
            "first",
            "first-report",
            "second",
            "second-report",
            "third",
            "third-report",
            "of-report"
        ]
    );
}

async fn again_changes_nothing(store: &Store, filing: &Filing, first: &Ticket) {
    // Another program asks for a new ticket for the same letter, and a letter to go with it.
    let twin_ticket = new_ticket("Where is my parcel?");
    let late = in_ticket(message("d@shop", "And now?", 40), twin_ticket.id);
    let mut again = Filing {
        first_number: None,
        ..filing.clone()
    };
    again.letters[0].place = Place::New(Box::new(twin_ticket.clone()));
    again.letters.push(late);

    let filed = store.file(&again, at(101)).await.unwrap();

    assert_eq!((filed.imported, filed.duplicates), (1, 3));
    assert_eq!((filed.tickets_new, filed.joined), (0, vec![first.id]));
    assert_eq!(
        (filed.moved[0].from, filed.moved[0].to),
        (twin_ticket.id, first.id)
    );
    assert_eq!(store.count_all().await.unwrap(), 2);
    let nowhere = in_ticket(message("e@shop", "Lost", 41), twin_ticket.id);
    let refused = store
        .file(&super::props::filing(vec![nowhere]), at(102))
        .await;
    assert!(matches!(
        refused,
        Err(StoreError::NotFound { what: "ticket", .. })
    ));
}

async fn a_twin_is_kept_and_flagged(store: &Store, ticket: TicketId) {
    let mut twin = message("a@shop", "Other bytes, same id.", 50);
    twin.raw_sha256 = "other".into();

    let filed = store
        .file(&filing(vec![in_ticket(twin, ticket)]), at(103))
        .await
        .unwrap();

    assert_eq!((filed.imported, filed.tickets_joined), (1, 1));
    let messages = store.messages(ticket).await.unwrap();
    assert!(
        messages
            .last()
            .unwrap()
            .thread_reason
            .contains("same Message-ID")
    );
}

async fn ids_are_known(store: &Store, ticket: TicketId) {
    let long = "x".repeat(5000);
    let far = new_ticket("A long id\0");
    let mut odd = letter(&long, &far, "NUL \0 in the text", 60);
    odd.message.answers = (0..300).map(|no| format!("{no}{long}")).collect();
    store.file(&filing(vec![odd]), at(104)).await.unwrap();

    let ids = ["b@shop", "lost@shop", "nobody@shop", &long].map(str::to_owned);
    let known = store.known("import", &ids).await.unwrap();

    let seen: Vec<_> = known
        .iter()
        .map(|known| (known.rfc_id.as_str(), known.ticket, known.is_message))
        .collect();
    assert_eq!(
        seen,
        vec![
            ("b@shop", ticket, true),
            (long.as_str(), far.id, true),
            ("lost@shop", ticket, false)
        ]
    );
    assert_eq!(known[0].raw_sha256, "sha-b@shop");
    assert!(store.known("elsewhere", &ids).await.unwrap().is_empty());
}

async fn a_reply_reopens_and_comes_out_of_quarantine(store: &Store) {
    let mut bounced = new_ticket("Undelivered mail");
    bounced.quarantined_because = Some("a bounce".into());
    bounced.status = Status::Solved;
    let mut bounce = letter("bounce@shop", &bounced, "It failed.", 70);
    bounce.message.auto_class = AutoClass::BounceHard;
    store.file(&filing(vec![bounce]), at(105)).await.unwrap();
    let ticket = store.ticket(bounced.id).await.unwrap().unwrap();
    assert_eq!(ticket.last_customer_message_at, None);
    assert_eq!(find(store, "is:system").await, vec![ticket.number]);

    let mut person = in_ticket(message("person@shop", "Did you get that?", 80), bounced.id);
    person.reopen = Some(Status::Open);
    store.file(&filing(vec![person]), at(106)).await.unwrap();

    let ticket = store.ticket(bounced.id).await.unwrap().unwrap();
    assert_eq!(
        (ticket.status, ticket.quarantined_because.as_deref()),
        (Status::Open, None)
    );
    assert_eq!(find(store, "is:system").await, Vec::<i64>::new());
}
