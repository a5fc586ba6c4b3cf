//! Keys in the list of drafts that wait, and how it looks.

use ratatui::{Terminal, backend::TestBackend};

use super::CatchUpScreen;
use crate::{
    config::{action::Action, theme::ThemeName},
    desk::face::{CatchUp, CatchUpRow},
    domain::{Ending, Missed, Usd},
    tui::{
        acts,
        effect::Effect,
        event::{Done, Msg, Press},
        fixture::{self, at, now, sized},
        model::{Model, Overlay},
        update::update,
        view::view,
    },
};

fn row(number: i64, subject: &str, because: Ending) -> CatchUpRow {
    let mut ticket = fixture::view(number).ticket;
    ticket.subject = subject.to_owned();
    CatchUpRow {
        missed: Missed {
            ticket,
            because,
            at: at("2026-11-20T08:51:00Z"),
        },
        likely: Some(Usd::from_nanos(4_000_000)),
        at_most: Some(Usd::from_nanos(21_000_000)),
    }
}

fn list(in_the_way: Option<&str>) -> CatchUp {
    CatchUp {
        rows: vec![
            row(4, "Refund not received", Ending::OverCap),
            row(5, "Locked out of admin \u{202e}\u{1b}[31m", Ending::Failed),
            row(
                6,
                "CSV import cuts the last row of every file",
                Ending::Offline,
            ),
            row(3, "Invoice VAT number", Ending::KeyRefused),
        ],
        in_the_way: in_the_way.map(str::to_owned),
    }
}

fn open(wide: u16, high: u16, list: CatchUp) -> Model {
    let mut model = sized(wide, high, false);
    let effects = acts::act(&mut model, Action::CatchUp);
    assert!(matches!(effects.as_slice(), [Effect::LoadCatchUp]));
    update(&mut model, Msg::Done(Done::CatchUp(Ok(list))), now());
    model
}

fn screen(model: &Model) -> &CatchUpScreen {
    match &model.overlay {
        Some(Overlay::CatchUp(screen)) => screen,
        other => panic!("{other:?}"),
    }
}

fn keys(model: &mut Model, keys: &[&str]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys {
        let press = Press {
            chord: key.parse().unwrap(),
            is_repeat: false,
        };
        effects = update(model, Msg::Key(press), now());
    }
    effects
}

fn drafted(effects: &[Effect]) -> usize {
    let is_draft = |effect: &&Effect| matches!(effect, Effect::Draft(_));
    effects.iter().filter(is_draft).count()
}

fn shown(model: &Model) -> String {
    let size = model.stage.size;
    let mut terminal = Terminal::new(TestBackend::new(size.width, size.height)).unwrap();
    let theme = ThemeName::Mono.theme();
    terminal.draw(|frame| view(model, &theme, frame)).unwrap();
    terminal.backend().to_string()
}

#[test]
fn all_are_drafted_only_when_asked_twice_and_three_at_a_time() {
    let mut model = open(120, 36, list(None));

    assert_eq!(drafted(&keys(&mut model, &["a"])), 0);
    assert!(shown(&model).contains("Make 4 drafts for ~$0.0160, at most $0.0840? a again does."));
    assert_eq!(drafted(&keys(&mut model, &["j", "a"])), 0);
    let effects = keys(&mut model, &["a"]);

    assert_eq!((drafted(&effects), model.work.wanted.len()), (3, 1));
}

#[test]
fn one_is_drafted_whatever_stands_in_the_way_all_are_not() {
    let mut model = open(80, 24, list(Some("providers down")));

    assert_eq!(drafted(&keys(&mut model, &["a", "a"])), 0);
    assert_eq!(drafted(&keys(&mut model, &["j", "enter"])), 1);
    let effects = keys(&mut model, &["x"]);
    let second = screen(&model).rows()[1].missed.ticket.id;
    assert!(matches!(effects.as_slice(), [Effect::DropMissed(ticket)] if *ticket == second));
    keys(&mut model, &["esc"]);
    assert!(model.overlay.is_none());
}

#[test]
fn the_cursor_stays_on_its_ticket_when_others_are_gone() {
    let mut model = open(80, 24, list(None));
    keys(&mut model, &["j", "j"]);
    let mut fewer = list(None);
    fewer.rows.remove(0);

    update(&mut model, Msg::Done(Done::CatchUp(Ok(fewer))), now());

    assert_eq!(screen(&model).here().unwrap().missed.ticket.number, 4806);
}

#[test]
fn the_list_of_drafts_that_wait() {
    insta::assert_snapshot!(shown(&open(120, 36, list(None))));
}

#[test]
fn the_list_in_the_smallest_terminal_while_providers_are_down() {
    insta::assert_snapshot!(shown(&open(60, 20, list(Some("providers down")))));
}

#[test]
fn an_empty_list_says_so() {
    let list = CatchUp {
        rows: Vec::new(),
        in_the_way: None,
    };
    assert!(shown(&open(80, 24, list)).contains("No draft waits"));
}
