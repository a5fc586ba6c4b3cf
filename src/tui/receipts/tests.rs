//! Keys on the Receipts screen, and how it looks.

use ratatui::{Terminal, backend::TestBackend};

use super::{ReceiptsScreen, open};
use crate::{
    config::theme::ThemeName,
    desk::face::{DeskEvent, ReceiptPage},
    domain::{Ending, FaultClass, Receipt},
    tui::{
        effect::{Effect, ReceiptAsk, ReceiptSpan},
        event::{Done, Msg, Press, Trouble},
        fixture::{self, at, now, sized},
        model::{Model, Overlay},
        update::update,
        view::view,
    },
};

/// Receipts with entries from 100 downwards: answered first, by a backup, not at all, in turns.
fn receipts(count: i64) -> Vec<(i64, Receipt)> {
    (0..count)
        .map(|place| {
            let mut receipt = fixture::receipt(place % 12);
            receipt.began = at("2026-11-20T08:51:00Z");
            receipt.ended = at("2026-11-20T08:51:02Z");
            match place % 3 {
                0 => {
                    receipt.attempts.remove(0);
                }
                1 => {}
                _ => {
                    receipt.ending = Ending::Failed;
                    for attempt in &mut receipt.attempts {
                        attempt.class = Some(FaultClass::Overloaded);
                        attempt.said = Some("over\u{1b}[31mloaded \u{202e}now".to_owned());
                    }
                }
            }
            (100 - place, receipt)
        })
        .collect()
}

fn page(rows: Vec<(i64, Receipt)>, is_last: bool) -> ReceiptPage {
    ReceiptPage {
        newest: rows.first().map(|(entry, _)| *entry),
        before: rows.last().map(|(entry, _)| *entry),
        searched_to: rows.last().map(|(_, it)| it.began),
        rows,
        is_last,
    }
}

/// Answers what the screen asked for; returns what it asks for next.
fn came(model: &mut Model, effects: &[Effect], page: ReceiptPage) -> Vec<Effect> {
    let ask = asked(effects);
    update(
        model,
        Msg::Done(Done::Receipts(ask, Ok(Box::new(page)))),
        now(),
    )
}

fn asked(effects: &[Effect]) -> ReceiptAsk {
    match effects {
        [Effect::LoadReceipts(ask)] => ask.clone(),
        other => panic!("{other:?}"),
    }
}

fn opened(wide: u16, high: u16, query: &str) -> Model {
    let mut model = sized(wide, high, false);
    let effects = open(&mut model, query);
    came(&mut model, &effects, page(receipts(12), true));
    model
}

fn screen(model: &Model) -> &ReceiptsScreen {
    match &model.overlay {
        Some(Overlay::Receipts(screen)) => screen,
        other => panic!("{other:?}"),
    }
}

fn keys(model: &mut Model, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys.split_whitespace() {
        let press = Press {
            chord: key.parse().unwrap(),
            is_repeat: false,
        };
        effects = update(model, Msg::Key(press), now());
    }
    effects
}

fn shown(model: &Model) -> String {
    let size = model.stage.size;
    let mut terminal = Terminal::new(TestBackend::new(size.width, size.height)).unwrap();
    let theme = ThemeName::Mono.theme();
    terminal.draw(|frame| view(model, &theme, frame)).unwrap();
    terminal.backend().to_string()
}

#[test]
fn letters_narrow_the_list_and_widen_it_again() {
    let mut model = opened(120, 36, "");

    for (letter, query) in [
        ("f", "is:fallback"),
        ("e", "is:fallback -ending:answered"),
        ("f", "-ending:answered"),
        ("c", ""),
    ] {
        let effects = keys(&mut model, letter);
        assert_eq!(screen(&model).query, query);
        assert_eq!(asked(&effects).span, ReceiptSpan::Newest);
        came(&mut model, &effects, page(receipts(12), true));
    }
    keys(&mut model, "j");
    let number = screen(&model).here().unwrap().1.ticket_number.unwrap();
    keys(&mut model, "t");
    assert_eq!(screen(&model).query, format!("ticket:{number}"));
}

#[test]
fn a_query_is_typed_and_a_wrong_one_says_what_there_is() {
    let mut model = opened(80, 24, "");

    keys(&mut model, "/ c l a s s : s l o w enter");
    assert!(shown(&model).contains("`class:slow` means nothing"));
    assert_eq!(screen(&model).rows.len(), 12, "what was there stays");
    keys(&mut model, "backspace backspace backspace backspace");
    let effects = keys(&mut model, "c u t enter");
    assert_eq!(screen(&model).query, "class:cut");
    came(&mut model, &effects, page(Vec::new(), true));
    assert!(shown(&model).contains("No receipt matches class:cut. c shows all."));

    keys(&mut model, "/ x esc");
    assert_eq!(screen(&model).query, "class:cut");
    keys(&mut model, "esc");
    assert!(model.overlay.is_none());
}

#[test]
fn an_older_answer_is_dropped() {
    let mut model = sized(80, 24, false);
    let first = open(&mut model, "");
    let second = keys(&mut model, "f");

    came(&mut model, &first, page(receipts(3), true));
    assert!(screen(&model).rows.is_empty());
    came(&mut model, &second, page(receipts(2), true));
    assert_eq!(screen(&model).rows.len(), 2);
}

#[test]
fn older_ones_are_read_when_the_cursor_nears_the_end_and_a_search_goes_on() {
    let mut model = sized(80, 24, false);
    let effects = open(&mut model, "class:cut");
    let nothing = ReceiptPage {
        before: Some(5_000),
        searched_to: Some(at("2026-11-12T10:00:00Z")),
        ..ReceiptPage::default()
    };

    let next = came(&mut model, &effects, nothing);

    assert_eq!(asked(&next).span, ReceiptSpan::Before(5_000));
    assert!(shown(&model).contains("Nothing so far; searched back to 12 Nov 10:00."));
    assert!(came(&mut model, &next, page(receipts(60), false)).is_empty());
    keys(&mut model, "pagedown pagedown pagedown");
    let effects = keys(&mut model, "pagedown");
    assert_eq!(asked(&effects).span, ReceiptSpan::Before(41));
    assert!(keys(&mut model, "pagedown").is_empty(), "asked for already");
}

#[test]
fn new_ones_come_on_top_and_the_cursor_stays_on_its_own() {
    let mut model = opened(80, 24, "");
    keys(&mut model, "j j");
    let entry = screen(&model).here().unwrap().0;

    let effects = update(&mut model, Msg::Desk(DeskEvent::Spent), now());
    let effects: Vec<Effect> = effects
        .into_iter()
        .filter(|effect| matches!(effect, Effect::LoadReceipts(_)))
        .collect();
    assert_eq!(asked(&effects).span, ReceiptSpan::After(100));
    let newer = (101, fixture::receipt(3));
    came(&mut model, &effects, page(vec![newer], true));

    assert_eq!(screen(&model).rows[0].0, 101);
    assert_eq!(screen(&model).here().unwrap().0, entry);
}

#[test]
fn one_is_opened_and_leads_to_its_ticket() {
    let mut model = opened(80, 24, "");

    keys(&mut model, "j j enter");
    let text = shown(&model);
    assert!(
        text.contains("entry #98") && text.contains("overloaded"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    keys(&mut model, "esc");
    assert!(!screen(&model).is_open);
    keys(&mut model, "o");
    assert!(model.overlay.is_none());
}

#[test]
fn a_question_of_an_earlier_opening_is_not_answered_in_the_next() {
    let mut model = sized(80, 24, false);
    let first = open(&mut model, "");
    keys(&mut model, "esc");
    let second = open(&mut model, "");

    came(&mut model, &first, page(receipts(3), true));
    came(&mut model, &second, page(receipts(3), true));

    assert_eq!(screen(&model).rows.len(), 3);
}

#[test]
fn a_query_that_finds_nothing_looks_only_at_what_is_new() {
    let mut model = sized(80, 24, false);
    let effects = open(&mut model, "class:cut");
    let nothing = ReceiptPage {
        newest: Some(900),
        before: Some(1),
        is_last: true,
        ..ReceiptPage::default()
    };
    came(&mut model, &effects, nothing);

    let effects = super::look_again(&mut model);

    assert_eq!(asked(&effects).span, ReceiptSpan::After(900));
    // Many were added, none of them is meant, and the one that is open stays.
    let more = ReceiptPage {
        newest: Some(4_000),
        is_last: true,
        ..ReceiptPage::default()
    };
    came(&mut model, &effects, more);
    let effects = super::look_again(&mut model);
    assert_eq!(asked(&effects).span, ReceiptSpan::After(4_000));
}

#[test]
fn a_page_that_cannot_be_read_says_so_and_claims_nothing() {
    let mut model = sized(80, 24, false);
    let effects = open(&mut model, "");
    let trouble = Trouble::new("The database is busy.");
    let done = Done::Receipts(asked(&effects), Err(trouble));

    update(&mut model, Msg::Done(done), now());

    let text = shown(&model);
    assert!(
        text.contains("The database is busy.") && !text.contains("All 0"),
        "{text}"
    );
}

#[test]
fn the_way_back_leads_to_where_one_came_from() {
    let mut model = opened(80, 24, "is:fallback");
    keys(&mut model, "x esc");
    assert_eq!(screen(&model).query, "is:fallback");
    keys(&mut model, "esc");
    assert!(model.overlay.is_none());
}

#[test]
fn what_is_listed_can_be_exported() {
    let mut model = opened(80, 24, "is:fallback");

    keys(&mut model, "x");
    let effects = keys(&mut model, "enter");

    let is_export = |effect: &Effect| {
        matches!(effect, Effect::ExportReceipts(query, file)
            if query == "is:fallback" && file.ends_with("receipts.csv"))
    };
    assert!(effects.iter().any(is_export), "{effects:?}");
    assert_eq!(screen(&model).query, "is:fallback");
}

#[test]
fn the_receipts_in_a_wide_terminal() {
    insta::assert_snapshot!(shown(&opened(120, 36, "is:fallback since:7d")));
}

#[test]
fn the_receipts_in_a_usual_terminal_without_colour() {
    insta::assert_snapshot!(shown(&opened(80, 24, "")));
}

#[test]
fn the_receipts_in_the_smallest_terminal_with_the_query_open() {
    let mut model = opened(60, 20, "");
    keys(&mut model, "/ i s :");
    insta::assert_snapshot!(shown(&model));
}
