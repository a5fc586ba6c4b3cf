//! Keys on the Overview screen, and how it looks.

use std::time::Duration;

use jiff::tz::TimeZone;
use ratatui::{Terminal, backend::TestBackend};

use super::{OverviewScreen, bars::Row};
use crate::{
    config::{action::Action, theme::ThemeName},
    desk::face::{DeskEvent, OverviewView},
    domain::{FaultClass, Receipt, ReceiptQuery, Usd},
    engine::figures::Figures,
    tui::{
        acts,
        effect::Effect,
        event::{Done, Moment, Msg, Press},
        fixture::{self, at, now, sized},
        model::{Model, Overlay},
        update::update,
        view::view,
    },
};

/// Receipts of three days with one between on which nothing happened: few backups, none, many.
fn receipts() -> Vec<Receipt> {
    let mut all = Vec::new();
    for (day, drafts, backups) in [(16, 120_usize, 1), (17, 60, 0), (19, 40, 4), (20, 30, 2)] {
        for place in 0..drafts {
            let mut receipt = fixture::receipt(1);
            receipt.began = at(&format!("2026-11-{day}T09:{:02}:00Z", place % 60));
            receipt.ended = receipt.began;
            if place >= backups {
                let mut answer = receipt.attempts.remove(0);
                receipt.attempts.clear();
                answer.class = None;
                answer.first_text = Some(Duration::from_millis(400 + 10 * place as u64));
                receipt.attempts.push(answer);
            } else if place == 0 {
                receipt.attempts[0].class = Some(FaultClass::TimedOut);
            }
            all.push(receipt);
        }
    }
    all
}

fn overview(receipts: &[Receipt]) -> Box<OverviewView> {
    let mut figures = Figures::new(TimeZone::UTC);
    for receipt in receipts {
        figures.add(receipt);
    }
    Box::new(OverviewView {
        since: at("2026-10-22T00:00:00Z"),
        today: "2026-11-20".parse().unwrap(),
        week: figures.clone(),
        figures,
        forecast: Some(Usd::from_nanos(7_360_000_000)),
        spend: fixture::spend(184, 500),
    })
}

fn opened(wide: u16, high: u16, receipts: &[Receipt]) -> Model {
    let mut model = sized(wide, high, false);
    let effects = acts::act(&mut model, Action::Overview);
    assert!(matches!(effects.as_slice(), [Effect::LoadOverview(30)]));
    came(&mut model, 30, receipts);
    model
}

fn came(model: &mut Model, days: u16, receipts: &[Receipt]) {
    let done = Done::Overview(days, Ok(overview(receipts)));
    update(model, Msg::Done(done), now());
}

fn screen(model: &Model) -> &OverviewScreen {
    match &model.overlay {
        Some(Overlay::Overview(screen)) => screen,
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

/// Every bar's count is that of the receipts it leads to.
#[test]
fn a_bar_leads_to_the_very_receipts_it_counts() {
    let receipts = receipts();
    let model = opened(120, 36, &receipts);
    let found = |query: &str| {
        let query = ReceiptQuery::parse(query, now().civil).unwrap();
        let count = receipts.iter().filter(|it| query.matches(it)).count();
        u64::try_from(count).unwrap()
    };

    let mut checked = 0;
    let mut head = "";
    for row in &screen(&model).rows {
        let bar = match row {
            Row::Head(name, _) => {
                head = name;
                continue;
            }
            Row::Bar(bar) => bar,
            Row::Note(_) | Row::Blank => continue,
        };
        let number =
            |word: usize| -> Option<u64> { bar.figure.split_whitespace().nth(word)?.parse().ok() };
        let counted = match head {
            "FALLBACK BY DAY" => number(2),
            "FAILED CALLS" => number(0),
            "SPEND BY MODEL" | "SPEND BY TASK" => number(1),
            _ => continue,
        };
        assert_eq!(Some(found(&bar.query)), counted, "{head} {bar:?}");
        checked += 1;
    }
    assert!(checked >= 9, "{checked}");
}

#[test]
fn enter_opens_the_feed_and_tab_goes_from_part_to_part() {
    let mut model = opened(120, 36, &receipts());

    keys(&mut model, "tab");
    let effects = keys(&mut model, "enter");

    let Some(Overlay::Receipts(_)) = &model.overlay else {
        panic!("{:?}", model.overlay);
    };
    assert!(matches!(effects.as_slice(), [Effect::LoadReceipts(_)]));
    keys(&mut model, "esc");
    assert!(!screen(&model).rows.is_empty(), "back at the figures");
}

#[test]
fn other_days_are_read_and_an_older_answer_is_dropped() {
    let mut model = opened(120, 36, &receipts());

    let effects = keys(&mut model, "]");
    assert!(matches!(effects.as_slice(), [Effect::LoadOverview(90)]));
    came(&mut model, 30, &[]);
    assert!(!screen(&model).rows.is_empty());
    assert!(keys(&mut model, "]").is_empty());
    let effects = keys(&mut model, "[ [");
    assert!(matches!(effects.as_slice(), [Effect::LoadOverview(7)]));
}

#[test]
fn figures_come_anew_with_a_receipt() {
    let mut model = opened(120, 36, &receipts());
    let loads = |effects: &[Effect]| {
        let is_load = |effect: &&Effect| matches!(effect, Effect::LoadOverview(_));
        effects.iter().filter(is_load).count()
    };

    let effects = update(&mut model, Msg::Desk(DeskEvent::Spent), now());
    assert_eq!(loads(&effects), 1);
    let effects = update(&mut model, Msg::Desk(DeskEvent::Spent), now());
    assert_eq!(loads(&effects), 0, "they are being read");
    assert_eq!(model.figures_due(), None, "their reading is waited for");
    // It took two seconds: the receipt that came meanwhile is read of when they have rested.
    let later = |tenths: u64| Moment {
        mono: now().mono.after(Duration::from_millis(tenths * 100)),
        ..now()
    };
    let done = Done::Overview(30, Ok(overview(&receipts())));
    let effects = update(&mut model, Msg::Done(done), later(20));
    assert_eq!(loads(&effects), 0);
    assert_eq!(
        model.figures_due(),
        Some(later(25).mono),
        "it wakes by itself"
    );
    let effects = update(&mut model, Msg::Tick, later(24));
    assert_eq!(loads(&effects), 0);
    let effects = update(&mut model, Msg::Tick, later(25));
    assert_eq!(loads(&effects), 1);
    assert_eq!(model.figures_due(), None);
    let effects = update(&mut model, Msg::Tick, later(60));
    assert_eq!(loads(&effects), 0, "nothing came since");
}

#[test]
fn nothing_yet_says_so() {
    assert!(shown(&opened(80, 24, &[])).contains("No drafts yet. d on a ticket makes the first."));
}

#[test]
fn weeks_are_one_key_away() {
    let mut model = opened(80, 24, &receipts());

    keys(&mut model, "w");

    let text = shown(&model);
    assert!(
        text.contains("FALLBACK BY WEEK") && text.contains("week of 16 Nov"),
        "{text}"
    );
}

#[test]
fn the_overview_in_a_wide_terminal() {
    insta::assert_snapshot!(shown(&opened(120, 36, &receipts())));
}

#[test]
fn the_overview_in_a_usual_terminal_further_down() {
    let mut model = opened(80, 24, &receipts());
    keys(&mut model, "tab tab tab tab tab");
    insta::assert_snapshot!(shown(&model));
}

#[test]
fn the_overview_in_the_smallest_terminal() {
    insta::assert_snapshot!(shown(&opened(60, 20, &receipts())));
}

#[test]
fn one_goes_on_from_screen_to_screen() {
    let mut model = opened(120, 36, &receipts());
    keys(&mut model, "g");
    assert!(shown(&model).contains("go receipts"), "{}", shown(&model));
    keys(&mut model, "r");
    assert!(matches!(model.overlay, Some(Overlay::Receipts(_))));
    keys(&mut model, "g v");
    assert!(matches!(model.overlay, Some(Overlay::Overview(_))));
    keys(&mut model, "?");
    assert!(matches!(model.overlay, Some(Overlay::Help(_))));
    // Typed into a line, they are letters.
    let mut model = opened(120, 36, &receipts());
    keys(&mut model, "g r / g v");
    assert!(matches!(model.overlay, Some(Overlay::Receipts(_))));
}
