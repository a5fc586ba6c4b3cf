//! Drafts: begun, stopped, shown.

use super::{
    super::{
        effect::Effect,
        event::{Done, Msg},
        fixture::{self, answer, model, now, press, sized},
        model::{Focus, Overlay},
        update::update,
    },
    note,
};
use crate::{
    desk::face::{DraftAsk, Drafted},
    domain::{Cap, Usd},
};

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
