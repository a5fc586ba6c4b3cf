//! Texts that are typed: saved, met by newer ones, never lost.

use super::{
    super::{
        effect::Effect,
        event::{Done, Msg, Trouble},
        fixture::{self, answer, model, now, press},
        strays::Typed,
        update::update,
    },
    note,
};
use crate::{config::action::Scope, domain::Mono};

#[test]
fn r_edits_in_place_and_leaving_saves() {
    let mut model = model();
    press(&mut model, "r");
    assert_eq!(model.scope(), Scope::Editor);

    let effects = press(&mut model, "x q esc");

    assert!(
        matches!(effects.as_slice(), [Effect::Save { typed, expected: Some(2) }] if typed.text.ends_with("Noorxq")),
        "{effects:?}"
    );
    assert_eq!(model.scope(), Scope::Desk);
}

#[test]
fn typed_text_is_saved_by_time_alone() {
    let mut model = model();
    press(&mut model, "r x");
    let mut later = now();
    later.mono = Mono(now().mono.0 + 450_000);

    let effects = update(&mut model, Msg::Tick, later);

    assert!(
        matches!(effects.as_slice(), [Effect::Save { .. }]),
        "{effects:?}"
    );
}

#[test]
fn a_save_that_meets_a_newer_text_is_made_again_on_top_of_it() {
    let mut model = model();
    press(&mut model, "r x ctrl+l");
    let mut later = now();
    later.mono = Mono(now().mono.0 + 450_000);
    assert_eq!(update(&mut model, Msg::Tick, later).len(), 1);
    let ticket = fixture::row(0).id;
    let mut trouble = Trouble::new("The draft was changed elsewhere.");
    trouble.kind = crate::tui::event::TroubleKind::Conflict;
    let done = Msg::Done(Done::Saved {
        typed: typed(ticket, "Hi"),
        draft: Err(trouble),
    });
    let effects = update(&mut model, done, later);
    answer(&mut model, effects);
    later.mono = Mono(later.mono.0 + 900_000);

    let effects = update(&mut model, Msg::Tick, later);

    assert!(
        matches!(
            effects.as_slice(),
            [Effect::Save {
                expected: Some(2),
                ..
            }]
        ),
        "{effects:?}"
    );
}

fn typed(ticket: crate::domain::TicketId, text: &str) -> Typed {
    Typed {
        writing: crate::tui::strays::Writing::Reply,
        ticket,
        number: 1,
        text: text.to_owned(),
        seen: None,
    }
}

fn full_disk(text: Typed) -> Msg {
    Msg::Done(Done::Saved {
        typed: text,
        draft: Err(Trouble::new("The disk is full.")),
    })
}

#[test]
fn a_text_whose_save_failed_after_its_editor_closed_is_kept_and_tried_again() {
    let mut model = model();
    press(&mut model, "r x esc");
    let ticket = fixture::row(0).id;

    update(&mut model, full_disk(typed(ticket, "Hix")), now());

    assert!(
        note(&model).contains("kept here and tried again"),
        "{}",
        note(&model)
    );
    let asks = press(&mut model, "q");
    assert!(asks.is_empty(), "left without asking: {asks:?}");
    let mut later = now();
    later.mono = Mono(now().mono.0 + 3_000_000);
    let again = update(&mut model, Msg::Tick, later);
    assert!(
        matches!(again.as_slice(), [Effect::SaveOver(kept)] if kept.text == "Hix"),
        "{again:?}"
    );
    let saved = Msg::Done(Done::Saved {
        typed: typed(ticket, "Hix"),
        draft: Ok(Box::new(fixture::draft(1))),
    });
    update(&mut model, saved, later);
    assert!(model.work.strays.is_empty());
}

#[test]
fn an_editor_opened_again_has_the_text_that_could_not_be_saved() {
    let mut model = model();
    let effects = press(&mut model, "r x esc");
    let Some(Effect::Save { typed: kept, .. }) = effects.into_iter().next() else {
        panic!("leaving the editor saves");
    };
    let text = kept.text.clone();
    update(&mut model, full_disk(kept), now());

    press(&mut model, "r");

    let editor = model.editor.as_ref().unwrap();
    assert_eq!(editor.text(), text);
    assert!(editor.is_dirty());
    assert!(model.work.strays.is_empty());
}

#[test]
fn leaving_an_editor_that_met_a_newer_text_saves_on_top_of_it() {
    let mut model = model();
    press(&mut model, "r x ctrl+l");
    let mut trouble = Trouble::new("The draft was changed elsewhere.");
    trouble.kind = crate::tui::event::TroubleKind::Conflict;
    let done = Msg::Done(Done::Saved {
        typed: typed(fixture::row(0).id, "Hi"),
        draft: Err(trouble),
    });
    update(&mut model, done, now());

    let effects = press(&mut model, "esc");

    assert!(
        matches!(effects.first(), Some(Effect::SaveOver(kept)) if kept.text.ends_with('x')),
        "{effects:?}"
    );
}

#[test]
fn a_text_from_the_editor_outside_is_saved_also_when_ours_was_closed() {
    let mut model = model();
    let ticket = fixture::row(0).id;

    let done = Msg::Done(Done::EditedOutside(
        (ticket, crate::tui::strays::Writing::Reply),
        Ok(Some("from vim".to_owned())),
    ));
    let effects = update(&mut model, done, now());

    assert!(
        matches!(effects.as_slice(), [Effect::SaveOver(kept)] if kept.text == "from vim"),
        "{effects:?}"
    );
}

#[test]
fn an_editor_opened_again_while_its_save_is_under_way_has_the_text() {
    let mut model = model();
    press(&mut model, "r x esc");
    press(&mut model, "r");

    let editor = model.editor.as_ref().unwrap();
    assert!(editor.text().ends_with("Noorx"), "{}", editor.text());
}

#[test]
fn a_save_that_lands_while_the_editor_is_open_is_seen_when_it_closes() {
    let mut model = model();
    let row = fixture::row(0).id;
    if let Some(view) = model.talk.view_of_mut(row) {
        view.draft = None;
    }
    press(&mut model, "r H i");
    let mut draft = fixture::draft(1);
    draft.text = "Hi".to_owned();
    let saved = Msg::Done(Done::Saved {
        typed: typed(row, "Hi"),
        draft: Ok(Box::new(draft)),
    });
    update(&mut model, saved, now());

    press(&mut model, "esc");
    press(&mut model, "r");

    assert_eq!(model.editor.as_ref().unwrap().text(), "Hi");
}

#[test]
fn an_editor_shows_no_line_end_but_newline() {
    let mut editor = crate::tui::editor::Editor::open(crate::tui::editor::Start {
        writing: crate::tui::strays::Writing::Reply,
        ticket: fixture::row(0).id,
        number: 1,
        text: "a\u{2028}b\u{202e}c".to_owned(),
        revision: None,
        seen: None,
    });

    assert_eq!(editor.text(), "a\nbc");
    assert!(editor.save().is_none(), "opening changes nothing");
}
