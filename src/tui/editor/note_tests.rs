//! Internal notes: written like replies, kept like replies, and never on the way out.

use crate::{
    config::action::Scope,
    domain::Mono,
    tui::{
        effect::Effect,
        event::{Done, Msg, Trouble},
        fixture::{self, model, now, press},
        strays::Writing,
        update::update,
    },
};

#[test]
fn a_note_is_saved_as_it_is_typed_and_is_no_reply() {
    let mut model = model();
    press(&mut model, "n h i");
    assert_eq!(model.scope(), Scope::Editor);
    let mut later = now();
    later.mono = Mono(now().mono.0 + 450_000);

    let effects = update(&mut model, Msg::Tick, later);

    let [Effect::Save { typed, .. }] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!((typed.writing, typed.text.as_str()), (Writing::Note, "hi"));
}

#[test]
fn leaving_keeps_a_note_and_the_draft_stays_what_it_was() {
    let mut model = model();
    let here = fixture::row(0).id;
    let before = model.talk.view_of(here).unwrap().draft.clone();

    press(&mut model, "n h i esc");

    let view = model.talk.view_of(here).unwrap();
    assert_eq!(view.note.as_deref(), Some("hi"));
    assert_eq!(view.draft, before);
    press(&mut model, "n");
    assert_eq!(model.editor.as_ref().unwrap().text(), "hi");
}

#[test]
fn ctrl_s_adds_the_note_and_a_failure_loses_no_word() {
    let mut model = model();

    press(&mut model, "n h i");
    let effects = press(&mut model, "ctrl+s");

    let Some(Effect::AddNote(typed)) = effects.into_iter().next() else {
        panic!("nothing is added")
    };
    assert_eq!((typed.writing, typed.text.as_str()), (Writing::Note, "hi"));
    assert!(model.editor.is_none());
    let failed = Done::NoteAdded(typed.clone(), Err(Trouble::new("The disk is full.")));
    update(&mut model, Msg::Done(failed), now());
    press(&mut model, "n");
    assert_eq!(model.editor.as_ref().unwrap().text(), "hi");
    press(&mut model, "esc");
    update(&mut model, Msg::Done(Done::NoteAdded(typed, Ok(()))), now());
    assert!(model.work.strays.is_empty());
    press(&mut model, "n");
    assert!(press(&mut model, "ctrl+s").is_empty(), "an empty note");
}

#[test]
fn a_note_that_cannot_be_saved_is_tried_again_and_saved_over_no_reply() {
    let mut model = model();
    press(&mut model, "n h i");
    let typed = model.editor.as_ref().unwrap().typed();
    press(&mut model, "esc");

    let failed = Done::NoteKept(typed.clone(), Err(Trouble::new("The disk is full.")));
    update(&mut model, Msg::Done(failed), now());
    let mut later = now();
    later.mono = Mono(now().mono.0 + 3_000_000);
    let again = update(&mut model, Msg::Tick, later);

    assert!(
        matches!(again.as_slice(), [Effect::SaveOver(kept)] if *kept == typed),
        "{again:?}"
    );
}
