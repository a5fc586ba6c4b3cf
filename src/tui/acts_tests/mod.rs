//! Keys and what follows from them, without a terminal and without a desk.

mod drafting;
mod editing;
mod sending;
mod stale;

use super::{
    effect::Effect,
    event::Msg,
    fixture::{model, now, press, sized},
    model::{Focus, Overlay, Part},
    update::update,
};
use crate::{
    desk::face::DeskEvent,
    domain::{Change, Status},
};

fn note(model: &super::model::Model) -> String {
    model
        .notes
        .current()
        .map(|note| note.words.clone())
        .unwrap_or_default()
}

#[test]
fn a_wrong_filter_says_why_and_stays_open() {
    let mut model = model();

    press(&mut model, "/ i s : n i c e enter");

    let Some(Overlay::Prompt(prompt)) = &model.overlay else {
        panic!("the prompt is closed")
    };
    assert!(
        prompt
            .trouble
            .as_deref()
            .is_some_and(|why| why.contains("is:fallback"))
    );
}

#[test]
fn tags_and_statuses_change_a_ticket_and_say_what_undoes_it() {
    let mut model = model();

    let effects = press(&mut model, "t v i p space - b i l l i n g enter");
    let Some(Effect::Change { change, undo, .. }) = effects.first() else {
        panic!("{effects:?}")
    };
    assert_eq!(
        (change.add_tags.as_slice(), undo.add_tags.as_slice()),
        (&["vip".to_owned()][..], &["billing".to_owned()][..])
    );

    let effects = press(&mut model, "S s");
    let expected = Change {
        status: Some(Status::Solved),
        ..Change::default()
    };
    assert!(
        matches!(effects.first(), Some(Effect::Change { change, undo, .. })
        if *change == expected && undo.status == Some(Status::Open)),
        "{effects:?}"
    );
}

#[test]
fn a_paste_outside_an_input_is_dropped_with_a_note() {
    let mut model = model();

    let effects = update(&mut model, Msg::Paste("dddYYY".to_owned()), now());

    assert!(effects.is_empty());
    assert!(note(&model).contains("Ignored a paste of 6 characters"));
}

#[test]
fn quitting_asks_again_while_a_draft_runs() {
    let mut model = model();
    press(&mut model, "j d");

    assert!(press(&mut model, "q").is_empty());
    assert!(matches!(press(&mut model, "q").as_slice(), [Effect::Leave]));
}

#[test]
fn panes_and_parts_are_reached_by_tab_and_digits() {
    let mut model = model();
    press(&mut model, "tab tab");
    assert_eq!(
        (model.stage.focus, model.stage.part),
        (Focus::Talk, Part::Draft)
    );
    press(&mut model, "3");
    assert_eq!(
        (model.stage.focus, model.stage.part),
        (Focus::Side, Part::Receipt)
    );
    press(&mut model, "q");
    assert_eq!(model.stage.focus, Focus::Queue);
}

#[test]
fn an_alert_is_said_and_news_are_read() {
    let mut model = model();
    let effects = update(&mut model, Msg::Desk(DeskEvent::Alert(75)), now());
    assert!(matches!(effects.as_slice(), [Effect::LoadSpend]));
    assert!(note(&model).contains("75 %"), "{}", note(&model));
    let effects = update(&mut model, Msg::Missed, now());
    assert!(effects.len() >= 4, "{effects:?}");
}

#[test]
fn the_steps_of_the_demo_open_the_own_desk_and_those_of_the_desk_come_back() {
    let mut demo = sized(120, 36, true);
    press(&mut demo, "ctrl+k enter");
    let effects = press(&mut demo, "enter");
    assert!(
        matches!(effects.as_slice(), [Effect::OwnDesk]),
        "{effects:?}"
    );

    let mut own = model();
    super::acts::act(&mut own, crate::config::action::Action::SetUp);
    press(&mut own, "j j j enter");
    assert!(matches!(own.overlay, Some(Overlay::Prompt(_))));
    let effects = press(&mut own, "/ t m p enter");
    assert!(matches!(&own.overlay, Some(Overlay::SetUp(steps)) if steps.cursor == 3));
    let reads =
        |effect: &Effect| matches!(effect, Effect::Import(path) if path.as_os_str() == "/tmp");
    assert!(effects.iter().any(reads), "{effects:?}");
    press(&mut own, "esc");
    assert!(own.overlay.is_none());
}

#[test]
fn each_key_of_the_mail_asks_for_its_own() {
    for (key, title) in [("f", "PASS IT ON"), ("C", "NEW TICKET"), ("A", "ATTACH")] {
        let mut model = model();
        press(&mut model, key);
        let Some(Overlay::Prompt(prompt)) = &model.overlay else {
            panic!("{key}: {:?}", model.overlay)
        };
        assert!(prompt.title().contains(title), "{key}: {}", prompt.title());
    }
}
