//! Keys on the Providers screen, and how it looks.

use std::{collections::BTreeMap, time::Duration};

use ratatui::{Terminal, backend::TestBackend};

use super::ProvidersScreen;
use crate::{
    config::{action::Action, theme::ThemeName},
    desk::{
        drill::Drilled,
        face::{DeskEvent, KeyCard, KeyOrigin},
        health::LinkHealth,
    },
    domain::{FaultClass, KeyState, LinkName, ProviderKind, RateLeft, SkipReason},
    engine::{figures::FirstText, plan::Usable},
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

fn health(link: (&str, &str), place: Option<usize>, usable: Usable) -> LinkHealth {
    let link = LinkName::new(link.0, link.1);
    let state = match link.provider.0.as_str() {
        "anthropic" => Some(KeyState::Verified),
        "openai" => Some(KeyState::Invalid),
        _ => None,
    };
    LinkHealth {
        card: Some(KeyCard {
            provider: link.provider.clone(),
            kind: ProviderKind::OpenAi,
            origin: if link.provider.0 == "ollama" {
                KeyOrigin::NotNeeded
            } else {
                KeyOrigin::Keyring
            },
            masked: None,
            state,
            since: state.map(|_| at("2026-11-18T09:12:00Z")),
            said: (state == Some(KeyState::Invalid))
                .then(|| "Incorrect \u{1b}[31mAPI key\u{202e} provided".to_owned()),
            default_model: None,
            models: Vec::new(),
            place,
        }),
        place,
        usable,
        first_text: None,
        failures: BTreeMap::new(),
        failures_hour: BTreeMap::new(),
        left: None,
        chains: vec!["default".to_owned()],
        estimate: None,
        price: Some("$3 in, $15 out per million tokens".to_owned()),
        link,
    }
}

fn healths() -> Vec<LinkHealth> {
    let mut first = health(
        ("anthropic", "claude-sonnet-4-5"),
        Some(1),
        Usable::Open {
            until: at("2026-11-20T09:00:41Z"),
            failed: None,
        },
    );
    first.first_text = Some(FirstText {
        count: 212,
        p50: Duration::from_millis(840),
        p95: Duration::from_millis(2_310),
    });
    first.failures = BTreeMap::from([(FaultClass::Overloaded, 14), (FaultClass::TimedOut, 2)]);
    first.failures_hour = BTreeMap::from([(FaultClass::Overloaded, 9)]);
    let left = RateLeft {
        requests: Some(49),
        requests_limit: Some(50),
        tokens: Some(31_000),
        tokens_limit: None,
    };
    first.left = Some((left, at("2026-11-20T08:58:00Z")));
    vec![
        first,
        health(
            ("openai", "gpt-4o-mini"),
            Some(2),
            Usable::No(SkipReason::KeyInvalid),
        ),
        health(("anthropic", "claude-haiku-4-5"), None, Usable::Yes),
        health(("ollama", "llama3.1:8b"), Some(3), Usable::HalfOpen),
    ]
}

fn opened(wide: u16, high: u16) -> Model {
    let mut model = sized(wide, high, false);
    let effects = acts::act(&mut model, Action::Providers);
    assert!(matches!(effects.as_slice(), [Effect::LoadProviders]));
    update(&mut model, Msg::Done(Done::Providers(Ok(healths()))), now());
    model
}

fn screen(model: &Model) -> &ProvidersScreen {
    match &model.overlay {
        Some(Overlay::Providers(screen)) => screen,
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
fn a_link_or_a_provider_is_left_alone_for_as_long_as_is_chosen() {
    for (key, whom) in [
        ("r", "anthropic/claude-haiku-4-5"),
        ("shift+r", "anthropic"),
    ] {
        let mut model = opened(120, 36);
        keys(&mut model, "j");
        assert!(matches!(&model.overlay, Some(Overlay::Providers(_))));
        keys(&mut model, key);

        let effects = keys(&mut model, "1");

        let is_rest = |effect: &Effect| matches!(effect, Effect::Rest(of, time) if of == whom && time.as_secs() == 3_600);
        assert!(effects.iter().any(is_rest), "{effects:?}");
        assert!(matches!(&model.overlay, Some(Overlay::Providers(_))));
    }
}

#[test]
fn a_link_is_woken_and_tried_once_at_a_time() {
    let mut model = opened(80, 24);

    let effects = keys(&mut model, "w");
    assert!(matches!(effects.as_slice(), [Effect::Wake(whom)] if whom.starts_with("anthropic/")));
    let effects = keys(&mut model, "p");
    assert!(matches!(effects.as_slice(), [Effect::Probe(_)]));
    assert!(keys(&mut model, "p").is_empty());
    assert!(shown(&model).contains("Being tried …"));
    let words = "it answers, in 0.80 s for $0.0001.".to_owned();
    let effects = update(&mut model, Msg::Done(Done::LinkDone(Ok(words))), now());
    assert!(matches!(effects.as_slice(), [Effect::LoadProviders]));
    assert!(shown(&model).contains("it answers, in 0.80 s"));
}

#[test]
fn the_ticket_under_the_cursor_is_drafted_with_a_link_whatever_speaks_against_it() {
    let mut model = opened(120, 36);
    let here = model.here().unwrap();

    // It has a draft already: nothing a person may have changed is redrafted by one slip.
    assert!(keys(&mut model, "f").is_empty());
    assert!(shown(&model).contains("f again redrafts it, and the old text is kept"));
    let effects = keys(&mut model, "f");

    let [Effect::Draft(ask)] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    let link = LinkName::new("anthropic", "claude-sonnet-4-5");
    assert_eq!((ask.ticket, &ask.force), (here, &Some(link)));
    assert!(model.overlay.is_none());
}

#[test]
fn what_changes_elsewhere_is_read_and_the_cursor_stays_on_its_link() {
    let mut model = opened(120, 36);
    keys(&mut model, "j j j");
    let here = screen(&model).here().unwrap().link.clone();

    let effects = update(&mut model, Msg::Desk(DeskEvent::Configured), now());

    let loads = |effects: &[Effect]| {
        let is_load = |effect: &&Effect| matches!(effect, Effect::LoadProviders);
        effects.iter().filter(is_load).count()
    };
    assert_eq!(loads(&effects), 1);
    let effects = update(&mut model, Msg::Desk(DeskEvent::Spent), now());
    assert_eq!(loads(&effects), 0, "they are being read");
    let fewer = healths().split_off(1);
    update(&mut model, Msg::Done(Done::Providers(Ok(fewer))), now());
    assert_eq!(screen(&model).here().unwrap().link, here);
}

#[test]
fn a_drill_shows_what_would_happen_and_that_it_was_one() {
    let mut model = sized(120, 36, false);
    acts::act(&mut model, Action::Drill);
    let effects = keys(&mut model, "enter");
    assert!(
        matches!(effects.as_slice(), [Effect::Drill(_, Some(_))]),
        "{effects:?}"
    );
    let drilled = Drilled {
        text: Some("Dear Maya, soon.".to_owned()),
        receipt: fixture::receipt(1),
    };

    update(
        &mut model,
        Msg::Done(Done::Drilled(Ok(Box::new(drilled)))),
        now(),
    );

    let text = shown(&model);
    for words in [
        "If anthropic=529:",
        "no money spent",
        "Dear Maya, soon.",
        "rate limited",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    keys(&mut model, "esc");
    assert!(model.overlay.is_none());
}

#[test]
fn a_drill_that_means_nothing_says_what_there_is() {
    let mut model = sized(80, 24, false);
    acts::act(&mut model, Action::Drill);

    keys(&mut model, "ctrl+u x = y enter");

    assert!(shown(&model).contains("there is no fault `y`"));
}

#[test]
fn the_providers_in_a_wide_terminal() {
    insta::assert_snapshot!(shown(&opened(120, 36)));
}

#[test]
fn the_providers_in_a_usual_terminal() {
    insta::assert_snapshot!(shown(&opened(80, 24)));
}

#[test]
fn the_providers_in_the_smallest_terminal() {
    insta::assert_snapshot!(shown(&opened(60, 20)));
}
