//! Keys and what follows from them, without a terminal and without a desk.

use super::{
    effect::Effect,
    event::{Done, Msg, Press, Trouble},
    fixture::{self, answer, model, now, press, sized},
    model::{Focus, Overlay, Part},
    strays::Typed,
    update::update,
};
use crate::{
    config::action::Scope,
    desk::face::{DeskEvent, DraftAsk, Drafted},
    domain::{
        Cap, Change, DraftOrigin, Mono, OutboxId, OutboxKind, OutboxRow, Progress, Status, Usd,
    },
};

fn note(model: &super::model::Model) -> String {
    model
        .notes
        .current()
        .map(|note| note.words.clone())
        .unwrap_or_default()
}

#[test]
fn d_drafts_for_the_ticket_under_the_cursor_and_leaves_the_focus() {
    let mut model = model();

    let effects = press(&mut model, "j d");

    let ask = DraftAsk {
        ticket: fixture::row(1).id,
        chain: None,
        hint: None,
        force: None,
    };
    assert!(
        matches!(effects.as_slice(), [Effect::Draft(asked)] if *asked == ask),
        "{effects:?}"
    );
    assert_eq!(model.stage.focus, Focus::Queue);
}

#[test]
fn d_where_a_draft_is_shows_it_and_names_redraft() {
    let mut model = model();

    assert!(press(&mut model, "d").is_empty());

    assert!(note(&model).contains("`R` redrafts"), "{}", note(&model));
}

#[test]
#[expect(clippy::wildcard_enum_match_arm, reason = "only drafts are looked for")]
fn d_in_the_demo_goes_on_to_the_next_ticket_without_a_draft() {
    let mut model = sized(120, 36, true);

    let effects = press(&mut model, "d d");

    let asked: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Draft(ask) => Some(ask.ticket),
            _ => None,
        })
        .collect();
    assert_eq!(asked, [fixture::row(1).id, fixture::row(2).id]);
    assert_eq!(model.here(), Some(fixture::row(2).id));
}

#[test]
fn three_drafts_may_run_at_once_and_no_more() {
    let mut model = model();

    let effects = press(&mut model, "j d j d j j d j d");

    assert_eq!(effects.len(), 3, "{effects:?}");
    assert!(note(&model).contains("Three drafts"));
}

#[test]
fn esc_stops_the_draft_shown_and_its_cost_is_said() {
    let mut model = model();
    press(&mut model, "j d");

    let effects = press(&mut model, "esc");

    let ticket = fixture::row(1).id;
    assert!(matches!(effects.as_slice(), [Effect::Stop(stopped)] if *stopped == ticket));
    let mut receipt = fixture::receipt(1);
    receipt.ending = crate::domain::Ending::Cancelled;
    let drafted = Drafted {
        draft: None,
        receipt,
    };
    let effects = update(
        &mut model,
        Msg::Done(Done::Drafted(ticket, Ok(Box::new(drafted)))),
        now(),
    );
    answer(&mut model, effects);
    assert!(
        note(&model).contains("Cancelled; it cost $0.0007"),
        "{}",
        note(&model)
    );
    assert!(model.work.runs.is_empty());
}

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
fn plus_raises_the_cap() {
    let mut model = model();

    let effects = press(&mut model, "+ ctrl+u 2 0 enter");

    assert!(
        matches!(effects.as_slice(), [Effect::SetCap(Cap::Month(cap))] if *cap == Usd::from_dollars(20))
    );
    press(&mut model, "+ ctrl+u x enter");
    assert!(matches!(&model.overlay, Some(Overlay::Prompt(prompt)) if prompt.trouble.is_some()));
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
fn a_save_that_meets_a_newer_text_is_made_again_on_top_of_it() {
    let mut model = model();
    press(&mut model, "r x ctrl+l");
    let mut later = now();
    later.mono = Mono(now().mono.0 + 450_000);
    assert_eq!(update(&mut model, Msg::Tick, later).len(), 1);
    let ticket = fixture::row(0).id;
    let mut trouble = Trouble::new("The draft was changed elsewhere.");
    trouble.kind = super::event::TroubleKind::Conflict;
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
        writing: super::strays::Writing::Reply,
        ticket,
        number: 1,
        text: text.to_owned(),
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
    trouble.kind = super::event::TroubleKind::Conflict;
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
        (ticket, super::strays::Writing::Reply),
        Ok(Some("from vim".to_owned())),
    ));
    let effects = update(&mut model, done, now());

    assert!(
        matches!(effects.as_slice(), [Effect::SaveOver(kept)] if kept.text == "from vim"),
        "{effects:?}"
    );
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
fn one_slip_swaps_no_providers() {
    let mut model = model();

    assert!(press(&mut model, "W").is_empty());
    assert!(press(&mut model, "j").is_empty());
    assert!(press(&mut model, "W").is_empty(), "moving on forgets it");
    let effects = press(&mut model, "W");

    assert!(
        matches!(effects.as_slice(), [Effect::SwapProviders]),
        "{effects:?}"
    );
}

#[test]
fn an_editor_shows_no_line_end_but_newline() {
    let mut editor = super::editor::Editor::open(super::editor::Start {
        writing: super::strays::Writing::Reply,
        ticket: fixture::row(0).id,
        number: 1,
        text: "a\u{2028}b\u{202e}c".to_owned(),
        revision: None,
    });

    assert_eq!(editor.text(), "a\nbc");
    assert!(editor.save().is_none(), "opening changes nothing");
}

#[test]
fn a_suggested_cap_gives_way_to_what_is_typed() {
    let mut model = model();

    press(&mut model, "+");
    let effects = press(&mut model, "5 0 enter");

    let fifty = Cap::Month(Usd::from_dollars(50));
    assert!(
        matches!(effects.as_slice(), [Effect::SetCap(cap)] if *cap == fifty),
        "{effects:?}"
    );
}

#[test]
fn another_provider_is_chosen_from_the_links_of_the_chain_and_asked_first() {
    let mut model = model();

    assert!(press(&mut model, "R p").is_empty());
    let effects = press(&mut model, "1");

    let [Effect::Draft(ask)] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    let view = model.talk.view_of(ask.ticket).unwrap();
    let receipt = &view.receipts[0];
    let wrote = &receipt.answer().unwrap().link;
    let Some(first) = &ask.force else {
        panic!("{ask:?}");
    };
    assert!(receipt.chain.contains(first) && first != wrote, "{first}");
}
