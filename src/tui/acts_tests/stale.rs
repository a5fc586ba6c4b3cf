//! The customer writes while the agent does: the draft is held, and the agent says what becomes of it.

use super::{
    super::{
        effect::Effect,
        event::{Done, Moment, Msg, Press, Trouble, TroubleKind},
        fixture::{self, at, message, now, press, sized},
        model::{Focus, Model, Overlay},
        screens::shown,
        update::update,
    },
    note,
};
use crate::{
    desk::{comparing::Compared, face::TicketView},
    domain::{CAME_BACK, Direction, DraftOrigin, DraftState, Mono},
    text::compare::compare,
};

/// A ticket whose draft answers the older of its messages; the newest has just come.
fn outrun(origin: DraftOrigin) -> TicketView {
    let mut view = fixture::view(0);
    let answered = view.messages.last().unwrap().id;
    let mut newest = message(0, 3, "Never mind, the bank shows it. Thanks!");
    newest.sent_at = at("2026-11-20T11:59:40Z");
    view.messages.push(newest);
    let draft = view.draft.as_mut().unwrap();
    draft.answers = Some(answered);
    draft.state = DraftState::Stale;
    draft.origin = origin;
    draft.revision = 6;
    view
}

fn take(model: &mut Model, view: TicketView) {
    let id = view.ticket.id;
    let effects = update(
        model,
        Msg::Done(Done::Ticket(id, Ok(Box::new(view)))),
        now(),
    );
    assert!(effects.is_empty(), "{effects:?}");
}

fn stale(wide: u16, high: u16, origin: DraftOrigin) -> Model {
    let mut model = sized(wide, high, false);
    take(&mut model, outrun(origin));
    model
}

/// Presses a key after the screen has been looked at for so long.
fn later(model: &mut Model, millis: u64, key: &str) -> Vec<Effect> {
    let press = Press {
        chord: key.parse().unwrap(),
        is_repeat: false,
    };
    update(model, Msg::Key(press), later_at(millis))
}

fn later_at(millis: u64) -> Moment {
    Moment {
        mono: Mono(now().mono.0 + millis * 1_000),
        ..now()
    }
}

#[test]
fn what_came_while_one_was_writing_stands_above_the_draft() {
    let mut model = stale(120, 36, DraftOrigin::Mixed);
    press(&mut model, "enter");

    insta::assert_snapshot!(shown(&model));
}

#[test]
fn the_footer_says_from_the_queue_too_that_a_stale_reply_is_held() {
    let words = shown(&stale(120, 36, DraftOrigin::Human));

    assert!(words.contains("QUEUE"), "{words}");
    assert!(words.contains("Y held (stale)"), "{words}");
    assert!(!words.contains("Y send"), "{words}");
    assert!(shown(&sized(120, 36, false)).contains("Y send"));
}

#[test]
fn what_came_stands_above_the_draft_in_one_pane() {
    let mut model = stale(80, 24, DraftOrigin::Mixed);
    press(&mut model, "enter");

    insta::assert_snapshot!(shown(&model));
}

#[test]
fn it_stands_above_the_editor_too_whose_frame_says_stale() {
    let mut model = sized(80, 24, false);
    press(&mut model, "enter r x");

    take(&mut model, outrun(DraftOrigin::Mixed));

    assert!(
        note(&model).contains("your draft is held"),
        "{}",
        note(&model)
    );
    let words = shown(&model);
    assert!(
        words.contains("NEW MESSAGE WHILE YOU WERE WRITING"),
        "{words}"
    );
    assert!(words.contains("Never mind, the bank shows it."), "{words}");
    assert!(words.contains("STALE"), "{words}");
    assert!(words.contains("Esc, then: Enter keep"), "{words}");
}

#[test]
fn several_messages_are_counted_and_ours_are_told_from_theirs() {
    let mut model = sized(120, 36, false);
    let mut view = outrun(DraftOrigin::Ai);
    view.messages.push(message(0, 4, "And one more."));
    take(&mut model, view.clone());
    assert!(shown(&model).contains("2 NEW MESSAGES AFTER THE DRAFT"));

    view.messages.truncate(3);
    view.messages.last_mut().unwrap().direction = Direction::Out;
    take(&mut model, view);
    assert!(shown(&model).contains("ANSWERED BY ANOTHER AFTER THE DRAFT"));
}

#[test]
fn a_stale_draft_says_so_and_can_be_kept_also_where_the_new_message_stands_elsewhere() {
    let mut view = outrun(DraftOrigin::Human);
    view.draft.as_mut().unwrap().answers = Some(message(5, 1, "elsewhere").id);
    let mut model = sized(80, 24, false);
    take(&mut model, view.clone());
    press(&mut model, "enter");

    let words = shown(&model);
    assert!(
        words.contains("NEW MESSAGE WHILE YOU WERE WRITING"),
        "{words}"
    );
    assert!(words.contains("answers an older message"), "{words}");
    assert!(
        later(&mut model, 100, "enter").is_empty(),
        "it is to be read"
    );
    let kept = later(&mut model, 2_000, "enter");
    assert!(matches!(kept.as_slice(), [Effect::Keep(_, 3)]), "{kept:?}");

    // Two texts in one draft are told of below it.
    view.draft.as_mut().unwrap().text.push_str(CAME_BACK);
    take(&mut model, view);
    assert!(!shown(&model).contains("NEW MESSAGE"));
}

#[test]
fn the_time_to_read_runs_at_the_ticket_and_for_that_message() {
    let mut model = stale(120, 36, DraftOrigin::Human);
    // The panel stands beside the queue, too; whoever is there may look elsewhere.
    later(&mut model, 5_000, "enter");
    assert!(
        later(&mut model, 5_200, "enter").is_empty(),
        "the same gesture"
    );
    let mut view = outrun(DraftOrigin::Human);
    view.messages.push(message(0, 4, "And one more."));
    let id = view.ticket.id;
    let read = later_at(7_000);
    update(
        &mut model,
        Msg::Done(Done::Ticket(id, Ok(Box::new(view)))),
        read,
    );

    assert!(
        later(&mut model, 7_100, "enter").is_empty(),
        "it is not the one that was read"
    );
    // There are two: more than stands there.
    assert!(later(&mut model, 9_000, "enter").is_empty());
    assert!(
        note(&model).contains("not all of it stands here"),
        "{}",
        note(&model)
    );
    let kept = later(&mut model, 9_800, "enter");
    assert!(matches!(kept.as_slice(), [Effect::Keep(_, 4)]), "{kept:?}");
}

#[test]
fn a_long_message_is_kept_against_with_a_second_press_alone() {
    let mut view = outrun(DraftOrigin::Human);
    view.messages.last_mut().unwrap().body.clean = "Line.\n".repeat(3_000);
    let mut model = sized(60, 16, false);
    take(&mut model, view);
    press(&mut model, "enter");

    assert!(later(&mut model, 3_000, "enter").is_empty());
    assert!(note(&model).contains("once more keeps"), "{}", note(&model));
    let kept = later(&mut model, 4_000, "enter");
    assert!(matches!(kept.as_slice(), [Effect::Keep(_, 3)]), "{kept:?}");
}

#[test]
fn enter_keeps_the_draft_once_the_message_was_on_the_screen() {
    let mut model = stale(120, 36, DraftOrigin::Human);

    let opened = press(&mut model, "enter");
    assert_eq!(model.stage.focus, Focus::Talk);
    assert!(!opened.iter().any(|it| matches!(it, Effect::Keep(..))));
    assert!(later(&mut model, 300, "enter").is_empty());
    assert!(note(&model).contains("read it first"), "{}", note(&model));
    // A key that is held down keeps nothing.
    assert!(later(&mut model, 1_300, "enter").is_empty());

    let kept = later(&mut model, 3_000, "enter");

    let here = fixture::row(0).id;
    assert!(
        matches!(kept.as_slice(), [Effect::Keep(ticket, 3)] if *ticket == here),
        "{kept:?}"
    );
}

#[test]
fn one_press_does_not_send_a_stale_reply() {
    let mut model = stale(120, 36, DraftOrigin::Human);
    press(&mut model, "enter");

    assert!(later(&mut model, 5_000, "Y").is_empty());

    assert!(note(&model).contains("a new message came after it was begun"));
    let sent = later(&mut model, 8_000, "Y");
    let told = |effect: &Effect| matches!(effect, Effect::QueueReply(it) if it.knows_stale);
    assert!(sent.iter().any(told), "{sent:?}");
}

#[test]
fn a_second_press_sends_nothing_when_somebody_wrote_between_the_two() {
    let mut model = sized(120, 36, false);
    press(&mut model, "enter");
    assert!(later(&mut model, 3_000, "Y").is_empty(), "a model wrote it");
    assert!(model.work.asked_twice.is_some());

    let view = outrun(DraftOrigin::Ai);
    let id = view.ticket.id;
    update(
        &mut model,
        Msg::Done(Done::Ticket(id, Ok(Box::new(view)))),
        later_at(4_000),
    );

    assert!(later(&mut model, 5_000, "Y").is_empty());
    assert!(note(&model).contains("a new message came after it was begun"));
}

#[test]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "only the save is looked for"
)]
fn a_first_text_says_what_its_writer_had_read() {
    let mut model = sized(120, 36, false);
    let here = fixture::row(1).id;
    press(&mut model, "j enter r");
    let saved = press(&mut model, "x esc");

    let typed = saved.iter().find_map(|effect| match effect {
        Effect::Save { typed, .. } => Some((typed.ticket, typed.seen)),
        _ => None,
    });
    assert_eq!(typed, Some((here, Some(2))));
}

#[test]
fn a_draft_that_answers_the_newest_message_has_nothing_above_it() {
    let mut view = outrun(DraftOrigin::Human);
    view.draft.as_mut().unwrap().state = DraftState::Ready;
    let mut model = sized(120, 36, false);
    take(&mut model, view);

    assert!(!shown(&model).contains("NEW MESSAGE"));
}

#[test]
fn a_draft_is_compared_with_the_text_before_it() {
    let mut model = stale(80, 24, DraftOrigin::Mixed);
    let here = fixture::row(0).id;
    let effects = press(&mut model, "=");
    assert!(matches!(effects.as_slice(), [Effect::Compare(ticket)] if *ticket == here));
    let old = format!("Hi Maya,\n\nThe refund comes.\n{}", "Line.\n".repeat(40));
    let compared = Compared {
        before: (DraftOrigin::Ai, at("2026-11-20T11:58:02Z")),
        now: (DraftOrigin::Mixed, now().civil),
        parts: compare(&old, &old.replace("refund comes", "refund has come")),
    };

    let done = Done::Compared(here, Ok(Box::new(compared)));
    update(&mut model, Msg::Done(done), now());

    let words = shown(&model);
    assert!(words.contains("- The refund comes."), "{words}");
    assert!(words.contains("+ The refund has come."), "{words}");
    assert!(words.contains("more below"), "{words}");
    for _ in 0..9 {
        press(&mut model, "pagedown");
    }
    assert!(!shown(&model).contains("more below"));
    press(&mut model, "k");
    assert!(
        shown(&model).contains("1 more below"),
        "nothing to scroll back over"
    );
    press(&mut model, "esc");
    assert!(model.overlay.is_none());
}

#[test]
fn what_cannot_be_compared_is_said_and_a_late_answer_opens_nothing() {
    let mut model = sized(120, 36, false);
    let here = fixture::row(0).id;
    let trouble = Trouble {
        said: "There is no other text of this draft to compare it with.".to_owned(),
        advice: None,
        kind: TroubleKind::Other,
    };
    update(
        &mut model,
        Msg::Done(Done::Compared(here, Err(trouble))),
        now(),
    );
    assert!(note(&model).contains("no other text"), "{}", note(&model));

    press(&mut model, "j");
    let compared = Compared {
        before: (DraftOrigin::Ai, now().civil),
        now: (DraftOrigin::Mixed, now().civil),
        parts: compare("a", "b"),
    };
    let done = Done::Compared(here, Ok(Box::new(compared)));
    update(&mut model, Msg::Done(done), now());
    assert!(!matches!(model.overlay, Some(Overlay::Compare(_))));
}
