//! The screens as people see them, kept as pictures of letters; and no foreign sign on any.

use ratatui::{Terminal, backend::TestBackend, layout::Size};

use super::{
    effect::Effect,
    event::{Done, Msg},
    fixture::{self, now, press, sized},
    model::Model,
    paint::is_harmless,
    update::update,
    view::view,
};
use crate::{
    config::theme::{Theme, ThemeName},
    desk::face::{Phase, QueuePage, Running, VoidText},
    domain::{Contact, Enclosed, FaultClass, LinkName, QueueRow, RunId, Status},
};

fn painted(model: &Model, theme: &Theme) -> Terminal<TestBackend> {
    let Size { width, height } = model.stage.size;
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view(model, theme, frame)).unwrap();
    terminal
}

pub(super) fn shown(model: &Model) -> String {
    painted(model, &ThemeName::Default.theme())
        .backend()
        .to_string()
}

fn running(ticket: i64) -> Running {
    Running {
        run: RunId::new(uuid::Uuid::from_u128(9)),
        ticket: fixture::row(ticket).id,
        phase: Phase::Writing,
        link: Some(LinkName::new("openai", "gpt-4o-mini")),
        text: String::new(),
        void: Some(VoidText {
            text: "Hello, thank you for the report. We have".to_owned(),
            link: LinkName::new("anthropic", "claude-sonnet-4-5"),
            because: FaultClass::Cut,
        }),
        attempts: Vec::new(),
        elapsed: std::time::Duration::from_secs(1),
    }
}

#[test]
fn three_panes_with_a_draft_of_the_backup() {
    insta::assert_snapshot!(shown(&sized(120, 36, false)));
}

#[test]
fn three_panes_of_the_demo() {
    insta::assert_snapshot!(shown(&sized(120, 36, true)));
}

#[test]
fn one_pane_with_a_peek_strip() {
    insta::assert_snapshot!(shown(&sized(80, 24, false)));
}

#[test]
fn one_pane_with_a_ticket() {
    let mut model = sized(80, 24, false);
    press(&mut model, "enter");
    insta::assert_snapshot!(shown(&model));
}

#[test]
fn one_pane_with_a_receipt_without_colour() {
    let mut model = sized(80, 24, false);
    press(&mut model, "3");
    let terminal = painted(&model, &ThemeName::Mono.theme());
    insta::assert_snapshot!(terminal.backend());
    let colours = terminal.backend().buffer().content.iter().filter(|cell| {
        cell.fg != ratatui::style::Color::Reset || cell.bg != ratatui::style::Color::Reset
    });
    assert_eq!(colours.count(), 0);
}

#[test]
fn the_smallest_terminal_with_a_queue() {
    insta::assert_snapshot!(shown(&sized(60, 20, false)));
}

#[test]
fn the_smallest_terminal_with_a_ticket() {
    let mut model = sized(60, 20, false);
    press(&mut model, "enter");
    insta::assert_snapshot!(shown(&model));
}

#[test]
fn two_panes_with_the_side_over_the_ticket() {
    let mut model = sized(100, 30, false);
    press(&mut model, "3");
    insta::assert_snapshot!(shown(&model));
}

#[test]
fn a_terminal_made_too_small_says_so() {
    let mut model = sized(120, 36, false);
    let size = Size {
        width: 52,
        height: 14,
    };
    let _none = update(&mut model, Msg::Resize(size), now());
    assert!(shown(&model).starts_with("\"deskhand needs 60x16, this is 52x14"));
}

/// A ticket whose reply goes to many, some of whom nobody knows, and asks for a second press.
fn asked_twice(width: u16, height: u16) -> String {
    let mut model = sized(width, height, false);
    press(&mut model, "enter");
    let person = |name: &str| Contact {
        name: None,
        address: format!("{name}@northbend.example"),
    };
    let view = model.talk.view_of_mut(fixture::row(0).id).unwrap();
    let strangers = ["auditor", "lawyer", "broker"].map(person);
    let known = (1..12).map(|number| person(&format!("colleague.number.{number}")));
    view.route.envelope.cc = known.chain(strangers.clone()).collect();
    view.route.strangers = strangers.to_vec();
    view.route.dropped = vec![person("chief"), person("deputy")];
    let draft = view.draft.as_mut().unwrap();
    draft.text.push_str(" {{name}} See the file attached.");
    draft
        .flags
        .push("not sent: 552 5.2.3 Message size exceeds the fixed maximum size".to_owned());
    press(&mut model, "Y");
    shown(&model)
}

#[test]
fn what_a_second_press_would_do_is_there_whole_in_one_pane() {
    insta::assert_snapshot!(asked_twice(80, 24));
}

#[test]
fn what_a_second_press_would_do_is_there_whole_in_three_panes() {
    insta::assert_snapshot!(asked_twice(120, 36));
}

#[test]
fn the_key_of_a_second_press_is_the_last_to_give_way() {
    for (width, height) in [
        (60, 16),
        (60, 20),
        (80, 24),
        (100, 30),
        (120, 36),
        (200, 50),
    ] {
        let screen = asked_twice(width, height);
        assert!(screen.contains("Y once more sends it."), "{screen}");
        for stranger in ["auditor@", "lawyer@", "broker@"] {
            assert!(screen.contains(stranger), "{screen}");
        }
    }
}

#[test]
fn the_files_of_a_reply_are_named_however_little_room_there_is() {
    for (width, height) in [(60, 16), (80, 24), (120, 36)] {
        let mut model = sized(width, height, false);
        press(&mut model, "enter");
        let view = model.talk.view_of_mut(fixture::row(0).id).unwrap();
        view.route.envelope.files.push(Enclosed {
            name: "invoice.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            size_bytes: 12_288,
            sha256: String::new(),
        });
        let draft = view.draft.as_mut().unwrap();
        draft
            .flags
            .push("not sent: 550 no, and a long reason why ".repeat(9));
        let screen = shown(&model);
        assert!(screen.contains("[att] invoice.pdf 12K"), "{screen}");
    }
}

/// The first ticket of the queue as one that was held back, or is spam.
fn out_of_the_queue(width: u16, height: u16, keys: &str, change: impl Fn(&mut QueueRow)) -> String {
    let mut model = sized(width, height, false);
    press(&mut model, keys);
    let Effect::LoadPage { turn, offset, .. } = model.queue.reload() else {
        panic!("no question")
    };
    let mut rows: Vec<QueueRow> = (0..12).map(fixture::row).collect();
    change(&mut rows[0]);
    let view = model.talk.view_of_mut(rows[0].id).unwrap();
    view.ticket.status = rows[0].status;
    view.ticket
        .quarantined_because
        .clone_from(&rows[0].quarantined_because);
    let page = QueuePage {
        offset,
        rows,
        total: 12,
        hidden: 0,
    };
    let page = Done::Page {
        turn,
        page: Ok(page),
    };
    let _none = update(&mut model, Msg::Done(page), now());
    shown(&model)
}

#[test]
fn a_ticket_that_is_held_back_says_why_and_what_releases_it() {
    let flood = |row: &mut QueueRow| {
        let why = "flood: more than 20 mails from maya@northbend.example within 10 minutes";
        row.quarantined_because = Some(why.to_owned());
    };
    for (width, height, keys) in [
        (60, 20, "enter"),
        (80, 24, "down up"),
        (80, 24, "enter"),
        (100, 30, "down up"),
        (120, 36, "down up"),
    ] {
        let screen = out_of_the_queue(width, height, keys, flood);
        assert!(screen.contains("held back: flood: more than"), "{screen}");
        assert!(screen.contains(" - U releases "), "{screen}");
    }
    let spam = |row: &mut QueueRow| row.status = Status::Spam;
    let screen = out_of_the_queue(80, 24, "enter", spam);
    assert!(
        screen.contains("it is spam") && screen.contains("S takes it out"),
        "{screen}"
    );
}

#[test]
fn mail_that_came_in_above_the_list_is_told_at_its_top() {
    for (width, height) in [(80, 24), (120, 36)] {
        let mut model = sized(width, height, false);
        press(&mut model, "j");
        let Effect::LoadPage { turn, offset, .. } = model.queue.reload() else {
            panic!("no question")
        };
        let mut rows: Vec<QueueRow> = (0..40).map(fixture::row).collect();
        let mut new = fixture::row(50);
        new.asked_at = now().civil;
        rows.insert(0, new);
        let page = QueuePage {
            offset,
            rows,
            total: 41,
            hidden: 0,
        };
        let page = Done::Page {
            turn,
            page: Ok(page),
        };
        let _none = update(&mut model, Msg::Done(page), now());
        let screen = shown(&model);
        assert!(screen.contains("1 new above"), "{screen}");
        assert_eq!(model.here(), Some(fixture::row(1).id));
        model.queue.to_top();
        let screen = shown(&model);
        assert!(!screen.contains("new above"), "{screen}");
    }
}

#[test]
fn the_editor_in_its_double_frame() {
    let mut model = sized(80, 24, false);
    press(&mut model, "r");
    insta::assert_snapshot!(shown(&model));
}

#[test]
fn a_note_in_its_dotted_frame() {
    let mut model = sized(80, 24, false);
    press(&mut model, "n h i");
    insta::assert_snapshot!(shown(&model));
}

#[test]
fn the_palette_shows_keys() {
    let mut model = sized(120, 36, true);
    press(&mut model, "ctrl+k s t a");
    insta::assert_snapshot!(shown(&model));
}

#[test]
fn words_that_broke_off_stay_until_the_backup_speaks() {
    let mut model = sized(120, 36, false);
    press(&mut model, "j d");
    let _none = update(&mut model, Msg::Live(vec![running(1)]), now());

    let screen = shown(&model);

    assert!(
        screen.contains("Hello, thank you for the report. We have"),
        "{screen}"
    );
    assert!(
        screen.contains("switched: anthropic cut off → openai/gpt-4o-mini"),
        "{screen}"
    );
    let mut next = running(1);
    next.text = "Dear team,".to_owned();
    let _none = update(&mut model, Msg::Live(vec![next]), now());
    let screen = shown(&model);
    assert!(
        screen.contains("Dear team,") && !screen.contains("We have"),
        "{screen}"
    );
    assert!(screen.contains("switched: anthropic cut off"), "{screen}");
}

#[test]
fn the_peek_strip_shows_the_stream_and_the_switch() {
    let mut model = sized(80, 24, false);
    press(&mut model, "j d");
    let mut state = running(1);
    state.text = "Dear team, your SSO certificate has run out.".to_owned();
    let _none = update(&mut model, Msg::Live(vec![state]), now());
    insta::assert_snapshot!(shown(&model));
}

#[test]
fn the_cap_is_reached() {
    let mut model = sized(120, 36, false);
    let spend = fixture::spend(500, 500);
    let _none = update(&mut model, Msg::Done(Done::Spend(Ok(spend))), now());
    let alert = Msg::Desk(crate::desk::face::DeskEvent::Alert(100));
    let _load = update(&mut model, alert, now());
    insta::assert_snapshot!(shown(&model));
}

#[test]
fn a_plain_console_gets_ascii_alone() {
    let mut model = sized(120, 36, false);
    std::sync::Arc::get_mut(&mut model.stage.facts)
        .unwrap()
        .glyphs = crate::config::Glyphs::Ascii;
    model.queue.to_top();
    let text = shown(&model);
    let frame: String = text
        .lines()
        .take(3)
        .chain(text.lines().rev().take(3))
        .collect();
    assert!(frame.is_ascii(), "{frame}");
    assert!(text.contains("AI [######------------]"), "{text}");
}

#[test]
fn nothing_breaks_at_any_size_in_any_state() {
    for keys in [
        "", "enter", "r", "3", "4", "?", "ctrl+k", "/", "S", "g k", "R", "+", "g r", "d",
    ] {
        let mut model = sized(120, 36, false);
        press(&mut model, keys);
        for (width, height) in [
            (1, 1),
            (10, 3),
            (60, 16),
            (61, 17),
            (99, 23),
            (100, 16),
            (200, 60),
        ] {
            let _none = update(&mut model, Msg::Resize(Size { width, height }), now());
            painted(&model, &ThemeName::Mono.theme());
        }
    }
}

#[test]
fn a_resize_keeps_row_part_and_focus() {
    let mut model = sized(120, 36, false);
    press(&mut model, "j j j enter 2");
    let before = (model.here(), model.stage.part, model.stage.focus);

    for (width, height) in [(80, 24), (60, 16), (40, 10), (200, 50), (120, 36)] {
        let _none = update(&mut model, Msg::Resize(Size { width, height }), now());
    }

    assert_eq!((model.here(), model.stage.part, model.stage.focus), before);
}

#[test]
#[expect(clippy::print_stdout, reason = "says that the corpus is absent")]
fn no_hostile_string_reaches_the_screen() {
    let folder = option_env!("DESKHAND_CORPUS")
        .unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus"));
    let file = std::path::Path::new(folder).join("hostile/shared/hostile_strings.json");
    let Ok(text) = std::fs::read_to_string(&file) else {
        println!("corpus absent: 1 tests not run");
        return;
    };
    let corpus: serde_json::Value = serde_json::from_str(&text).unwrap();
    let items = corpus["items"].as_array().unwrap();
    assert!(items.len() > 100);
    for item in items {
        let Some(hostile) = item["utf8"].as_str() else {
            continue;
        };
        for (width, height, keys) in [(120, 36, ""), (80, 24, "enter"), (80, 24, "4")] {
            let model = infested(hostile, (width, height), keys);
            let terminal = painted(&model, &ThemeName::Default.theme());
            for cell in &terminal.backend().buffer().content {
                let is_clean = cell.symbol().chars().all(is_harmless);
                assert!(is_clean, "{} shows {:?}", item["id"], cell.symbol());
            }
        }
    }
}

/// A desk where one string stands in every place that strangers fill.
fn infested(hostile: &str, (width, height): (u16, u16), keys: &str) -> Model {
    let mut model = sized(width, height, false);
    let ticket = fixture::row(0).id;
    let dirty = |text: &mut String| hostile.clone_into(text);
    if let Some(view) = model.talk.view_of_mut(ticket) {
        dirty(&mut view.ticket.subject);
        view.ticket.requester.name = Some(hostile.to_owned());
        dirty(&mut view.ticket.requester.address);
        view.ticket.tags = vec![hostile.to_owned()];
        for message in &mut view.messages {
            message.from.name = Some(hostile.to_owned());
            dirty(&mut message.body.clean);
            for attachment in &mut message.attachments {
                dirty(&mut attachment.name);
            }
        }
        if let Some(draft) = &mut view.draft {
            draft.text = format!("Before {hostile} after");
        }
        for receipt in &mut view.receipts {
            for attempt in &mut receipt.attempts {
                attempt.said = Some(hostile.to_owned());
                attempt.answered_by = Some(hostile.to_owned());
                attempt.request_id = Some(hostile.to_owned());
            }
        }
    }
    let view = model.talk.view_of(ticket).cloned().unwrap();
    model.talk.took(Box::new(view));
    let mut row = fixture::row(0);
    dirty(&mut row.subject);
    row.requester.name = Some(hostile.to_owned());
    row.tags = vec![hostile.to_owned()];
    let page = QueuePage {
        offset: 0,
        rows: vec![row],
        total: 1,
        hidden: 0,
    };
    if let Effect::LoadPage { turn, .. } = model.queue.reload() {
        let _more = update(
            &mut model,
            Msg::Done(Done::Page {
                turn,
                page: Ok(page),
            }),
            now(),
        );
    }
    model.notes.set_banners(vec![hostile.to_owned()]);
    model.notes.warn(hostile, now());
    press(&mut model, keys);
    model
}
