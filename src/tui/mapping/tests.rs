//! Keys in the Mapping screen, and how it looks.

use std::path::PathBuf;

use ratatui::{Terminal, backend::TestBackend};

use super::MappingScreen;
use crate::{
    config::{action::Action, theme::ThemeName},
    desk::{import::Imported, tables::TableAsk},
    domain::{Because, Column, DayOrder, Days, Field, TableLook, TableWarning},
    tui::{
        acts,
        effect::Effect,
        event::{Done, Msg, Press},
        fixture::{now, sized},
        model::{Model, Overlay},
        update::update,
        view::view,
    },
};

fn look() -> TableLook {
    let column = |name: &str, field, because| Column {
        name: name.to_owned(),
        field,
        because,
    };
    let texts = |texts: [&str; 4]| texts.map(str::to_owned).to_vec();
    TableLook {
        path: "/tmp/table.csv".to_owned(),
        encoding: "windows-1252".to_owned(),
        is_encoding_said: false,
        sample: Some("1001;Größe \u{202e}ändern".to_owned()),
        separator: ';',
        columns: vec![
            column("Betreff", Some(Field::Subject), Because::Name),
            column(
                "Wer \u{1b}[31m",
                Some(Field::RequesterEmail),
                Because::Content,
            ),
            column("Nr", None, Because::Unknown),
            column("Text", Some(Field::Body), Because::Name),
        ],
        days: Days::default(),
        warnings: Vec::new(),
        rows: vec![
            texts(["Größe ändern", "maya@shop.example", "1001", "Bitte in 42."]),
            texts(["Spät", "jonas@garden.example", "1002", "Wo ist es?"]),
        ],
    }
}

fn open(wide: u16, high: u16) -> Model {
    let mut model = sized(wide, high, false);
    let done = Done::Table(PathBuf::from("/tmp/table.csv"), Ok(Box::new(look())));
    update(&mut model, Msg::Done(done), now());
    model
}

fn screen(model: &Model) -> &MappingScreen {
    match &model.overlay {
        Some(Overlay::Mapping(screen)) => screen,
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

fn shown(model: &Model) -> String {
    let size = model.stage.size;
    let mut terminal = Terminal::new(TestBackend::new(size.width, size.height)).unwrap();
    let theme = ThemeName::Mono.theme();
    terminal.draw(|frame| view(model, &theme, frame)).unwrap();
    terminal.backend().to_string()
}

fn imported(effects: &[Effect]) -> Option<&TableAsk> {
    effects.iter().find_map(|effect| {
        if let Effect::ImportTable(ask) = effect {
            return Some(ask.as_ref());
        }
        None
    })
}

#[test]
fn nothing_is_filed_before_a_column_holds_the_id() {
    let mut model = open(120, 36);

    assert!(imported(&keys(&mut model, &["i"])).is_none());
    assert!(shown(&model).contains("which column holds the ticket's id"));
    keys(&mut model, &["j", "j", "enter", "j", "enter"]);
    assert_eq!(screen(&model).look.columns[2].field, Some(Field::TicketId));
    let effects = keys(&mut model, &["i"]);

    let ask = imported(&effects).unwrap();
    assert_eq!(ask.columns, [(2, Some(Field::TicketId))]);
    assert_eq!((ask.encoding.as_deref(), ask.separator), (None, None));
    assert!(model.overlay.is_none());
}

#[test]
fn a_field_is_one_columns_only() {
    let mut model = open(120, 36);

    // The list begins at what the column holds: body is the last field.
    keys(&mut model, &["j", "enter"]);
    let choices = MappingScreen::choices();
    let place = choices
        .iter()
        .position(|choice| *choice == Some(Field::Subject));
    if let Some(Overlay::Mapping(screen)) = &mut model.overlay {
        screen.choosing = place;
    }
    keys(&mut model, &["enter"]);

    let fields: Vec<_> = screen(&model)
        .look
        .columns
        .iter()
        .map(|column| column.field)
        .collect();
    assert_eq!(
        fields,
        [None, Some(Field::Subject), None, Some(Field::Body)]
    );
}

#[test]
fn another_encoding_and_a_dry_run_are_asked_of_the_desk() {
    let mut model = open(120, 36);

    let effects = keys(&mut model, &["e"]);
    let Some(Effect::LookAtTable(ask)) = effects.first() else {
        panic!("{effects:?}");
    };
    assert_eq!(ask.encoding.as_deref(), Some("ISO-8859-15"));
    let done = Done::Table(PathBuf::from("/tmp/table.csv"), Ok(Box::new(look())));
    update(&mut model, Msg::Done(done), now());
    keys(&mut model, &["j", "j", "enter", "j", "enter"]);
    let effects = keys(&mut model, &["d"]);
    assert!(
        matches!(effects.as_slice(), [Effect::TryTable(_)]),
        "{effects:?}"
    );
    let tried = Imported {
        imported: 2,
        tickets_new: 2,
        is_dry: true,
        ..Imported::default()
    };
    update(
        &mut model,
        Msg::Done(Done::TableTried(Ok(Box::new(tried)))),
        now(),
    );

    let words = "It would be 2 new messages and 2 new tickets; 0 are here already.";
    assert!(shown(&model).contains(words), "{}", shown(&model));
    keys(&mut model, &["esc"]);
    assert!(model.overlay.is_none());
}

#[test]
fn dates_that_could_be_two_days_are_warned_of_until_o_says_which() {
    let mut model = open(80, 24);
    let mut open_dates = look();
    open_dates.warnings = vec![TableWarning::TwoDays {
        column: "Erstellt am".to_owned(),
        sample: "01/02/2024".to_owned(),
    }];
    let done = Done::Table(PathBuf::from("/tmp/table.csv"), Ok(Box::new(open_dates)));
    update(&mut model, Msg::Done(done), now());
    let words = "01/02/2024 in Erstellt am could be two days: o says which, else refused.";
    assert!(shown(&model).contains(words), "{}", shown(&model));

    for order in [DayOrder::DayFirst, DayOrder::MonthFirst] {
        let effects = keys(&mut model, &["o"]);
        let Some(Effect::LookAtTable(ask)) = effects.first() else {
            panic!("{effects:?}");
        };
        assert_eq!(ask.dates, Some(order));
    }
    let mut settled = look();
    settled.days = Days {
        order: Some(DayOrder::MonthFirst),
        is_said: true,
    };
    let done = Done::Table(PathBuf::from("/tmp/table.csv"), Ok(Box::new(settled)));
    update(&mut model, Msg::Done(done), now());
    assert!(
        shown(&model).contains("dates month-first"),
        "{}",
        shown(&model)
    );
}

#[test]
fn the_palette_leads_to_a_path_and_the_path_to_the_screen() {
    let mut model = sized(80, 24, false);

    acts::act(&mut model, Action::Import);
    let effects = keys(&mut model, &["/", "t", "enter"]);

    assert!(
        matches!(effects.as_slice(), [Effect::Import(_)]),
        "{effects:?}"
    );
}

#[test]
fn the_mapping_of_a_table() {
    insta::assert_snapshot!(shown(&open(120, 36)));
}

#[test]
fn the_mapping_of_a_table_while_a_field_is_chosen() {
    let mut model = open(80, 24);
    keys(&mut model, &["j", "j", "enter"]);
    insta::assert_snapshot!(shown(&model));
}

#[test]
fn the_mapping_of_a_table_on_the_smallest_terminal() {
    insta::assert_snapshot!(shown(&open(60, 20)));
}
