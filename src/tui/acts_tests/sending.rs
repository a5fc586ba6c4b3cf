//! Replies: put into the outbox with a second press where one is due, and brought back.

use super::{
    super::{
        effect::Effect,
        event::{Done, Msg, Press},
        fixture::{self, answer, model, now, press},
        update::update,
    },
    note,
};
use crate::{
    desk::face::QueuePage,
    domain::{
        Contact, Delivery, DraftOrigin, MAY_HAVE_LEFT, Mono, OutboxId, OutboxKind, OutboxRow,
        Progress, Status,
    },
};

#[test]
fn sending_waits_in_the_outbox_and_undo_brings_it_back() {
    let mut model = model();
    if let Some(view) = model.talk.view_of_mut(fixture::row(0).id)
        && let Some(draft) = &mut view.draft
    {
        draft.origin = DraftOrigin::Mixed;
        view.route.dropped.clear();
    }
    press(&mut model, "2");
    let mut later = now();
    later.mono = Mono(now().mono.0 + 2_000_000);
    let key = Press {
        chord: "Y".parse().unwrap(),
        is_repeat: false,
    };
    let effects = update(&mut model, Msg::Key(key), later);
    assert!(
        matches!(
            effects.as_slice(),
            [Effect::QueueReply(approval)] if approval.then == Status::Solved
        ),
        "{effects:?}"
    );
    let row = waiting_reply();

    let done = Msg::Done(Done::Queued(Ok(Box::new(row)), Status::Solved));
    let effects = update(&mut model, done, now());
    answer(&mut model, effects);

    assert!(
        note(&model).contains("No account can send yet"),
        "{}",
        note(&model)
    );
    assert_eq!(model.here(), Some(fixture::row(1).id));
    assert!(matches!(
        press(&mut model, "u").as_slice(),
        [Effect::Withdraw(_)]
    ));

    let back = (
        Box::new(fixture::draft(0)),
        Box::new(fixture::view(0).ticket),
    );
    let effects = update(&mut model, Msg::Done(Done::Withdrawn(Ok(back))), now());
    answer(&mut model, effects);
    assert_eq!(
        note(&model),
        "The reply to #4800 Refund not received is back: it is the draft again."
    );
    assert_eq!(model.here(), Some(fixture::row(0).id));
}

#[test]
fn a_reply_taken_back_that_may_have_left_says_so_and_asks_twice() {
    let mut model = model();
    let mut draft = fixture::draft(0);
    draft.flags.push(MAY_HAVE_LEFT.to_owned());
    let view = model.talk.view_of_mut(fixture::row(0).id).unwrap();
    view.draft = Some(draft.clone());

    let back = (Box::new(draft), Box::new(fixture::view(0).ticket));
    let _effects = update(&mut model, Msg::Done(Done::Withdrawn(Ok(back))), now());

    let said = note(&model);
    assert!(said.contains("it may have left already"), "{said}");
    assert!(press(&mut model, "y").is_empty());
    let said = note(&model);
    assert!(said.contains("the customer may get it twice"), "{said}");
}

#[test]
fn who_leaves_hears_how_far_a_reply_in_the_outbox_has_come() {
    for (delivery, words) in [
        (Delivery::Held, "stays there and asks before it leaves"),
        (Delivery::Sending, "is being sent; leaving waits up to 20 s"),
        (Delivery::Unsure, "may have left"),
    ] {
        let mut model = model();
        let Effect::LoadPage { turn, offset, .. } = model.queue.reload() else {
            panic!("no question")
        };
        let mut rows: Vec<_> = (0..12).map(fixture::row).collect();
        rows[2].open_reply = Some(delivery);
        let page = QueuePage {
            offset,
            rows,
            total: 12,
            hidden: 0,
        };
        let page = Done::Page {
            turn,
            page: Ok(page),
        };
        let _none = update(&mut model, Msg::Done(page), now());

        assert!(press(&mut model, "q").is_empty());

        assert!(note(&model).contains(words), "{}", note(&model));
    }
}

#[test]
fn a_flagged_draft_asks_twice_and_a_key_held_down_does_not_count() {
    let mut model = model();
    if let Some(view) = model.talk.view_of_mut(fixture::row(0).id)
        && let Some(draft) = &mut view.draft
    {
        draft.text.push_str(" {{name}}");
    }

    assert!(
        press(&mut model, "Y Y Y").is_empty(),
        "a held key sent a flagged draft"
    );
    let mut later = now();
    later.mono = Mono(now().mono.0 + 2_000_000);
    let key = Press {
        chord: "Y".parse().unwrap(),
        is_repeat: false,
    };
    let effects = update(&mut model, Msg::Key(key), later);

    assert!(
        matches!(effects.as_slice(), [Effect::QueueReply(_)]),
        "{effects:?}"
    );
}

#[test]
fn ai_words_that_nobody_changed_need_a_second_press_that_names_the_recipients() {
    let mut model = model();

    assert!(press(&mut model, "Y").is_empty(), "one press sent it");

    let said = note(&model);
    assert!(
        said.contains("AI wrote it and nobody has changed it"),
        "{said}"
    );
    assert!(said.starts_with("To "), "{said}");
}

#[test]
fn one_was_not_there_and_several_were_not() {
    let said = |strangers: &[&str], dropped: &[&str]| {
        let mut model = model();
        let people = |names: &[&str]| {
            let person = |name: &&str| Contact {
                name: None,
                address: format!("{name}@x.test"),
            };
            names.iter().map(person).collect()
        };
        let view = model.talk.view_of_mut(fixture::row(0).id).unwrap();
        view.route.strangers = people(strangers);
        view.route.dropped = people(dropped);
        press(&mut model, "Y");
        note(&model)
    };

    let one = said(&["a"], &["b"]);
    assert!(
        one.contains("a@x.test was not on this ticket before"),
        "{one}"
    );
    assert!(
        one.contains("b@x.test was on the last message and does not get it"),
        "{one}"
    );
    let many = said(&["a", "b", "c"], &["d", "e"]);
    let who = "a@x.test, b@x.test and c@x.test were not on this ticket before";
    assert!(many.contains(who), "{many}");
    let who = "d@x.test and e@x.test were on the last message and do not get it";
    assert!(many.contains(who), "{many}");
}

fn waiting_reply() -> OutboxRow {
    OutboxRow {
        id: OutboxId::new(uuid::Uuid::from_u128(7)),
        kind: OutboxKind::Reply,
        ticket: fixture::row(0).id,
        draft: fixture::draft(0).id,
        text: "Hi".to_owned(),
        then: Status::Solved,
        approved_by: "noor".to_owned(),
        queued_at: now().civil,
        post: None,
        progress: Progress::held(None),
    }
}

#[test]
fn the_outbox_lists_waiting_replies_and_brings_one_back() {
    let mut model = model();

    let asked = press(&mut model, "g o");
    assert!(
        matches!(asked.as_slice(), [Effect::LoadOutbox]),
        "{asked:?}"
    );
    let reply = waiting_reply();
    let ticket = fixture::view(0).ticket;
    let came = Done::Outbox(Ok(vec![(reply.clone(), ticket)]));
    update(&mut model, Msg::Done(came), now());
    let effects = press(&mut model, "u");

    assert!(
        matches!(effects.as_slice(), [Effect::Withdraw(id)] if *id == reply.id),
        "{effects:?}"
    );
}
