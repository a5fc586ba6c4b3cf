//! Keys on the Routing screen, and how it looks.

use ratatui::{Terminal, backend::TestBackend};

use super::RoutingScreen;
use crate::{
    config::{action::Action, theme::ThemeName},
    desk::face::{ChainCard, RoutingView},
    domain::{LinkName, ProviderName, Usd},
    engine::{chain::LinkFacts, routing::Routing},
    tui::{
        acts,
        effect::Effect,
        event::{Done, Msg, Trouble, TroubleKind},
        fixture::{now, press, sized},
        model::{Model, Overlay},
        update::update,
        view::view,
    },
};

fn link(text: &str) -> LinkName {
    text.parse().unwrap()
}

fn routing_view() -> RoutingView {
    let known = |text: &str, cents: i64, window: u64| LinkFacts {
        link: link(text),
        estimate: Some(Usd::from_nanos(cents * 10_000_000)),
        window: Some(window),
    };
    let chain = |name: &str, links: &[&str], rules: &[&str]| ChainCard {
        name: name.to_owned(),
        links: links.iter().map(|text| link(text)).collect(),
        routing: Routing::Priority,
        rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
    };
    RoutingView {
        chains: vec![
            chain("default", &["anthropic/haiku", "openai/mini"], &[]),
            chain("strong", &["openai/big", "anthropic/haiku"], &["tag:vip"]),
        ],
        known: vec![
            known("anthropic/haiku", 2, 200_000),
            known("openai/mini", 1, 128_000),
            known("openai/big", 9, 400_000),
            known("gemini/flash", 1, 1_000_000),
        ],
        providers: ["anthropic", "openai", "gemini"]
            .map(|name| ProviderName(name.to_owned()))
            .to_vec(),
        keyless: vec![ProviderName("gemini".to_owned())],
    }
}

/// The screen, open and read.
fn open(wide: u16, high: u16) -> Model {
    let mut model = sized(wide, high, false);
    let effects = acts::act(&mut model, Action::Routing);
    assert!(matches!(effects.as_slice(), [Effect::LoadChains]));
    came(&mut model, Done::Chains(Ok(routing_view())));
    model
}

fn came(model: &mut Model, done: Done) -> Vec<Effect> {
    update(model, Msg::Done(done), now())
}

fn screen(model: &Model) -> &RoutingScreen {
    match &model.overlay {
        Some(Overlay::Routing(screen)) => screen,
        other => panic!("{other:?}"),
    }
}

fn shown(model: &Model) -> String {
    let size = model.stage.size;
    let mut terminal = Terminal::new(TestBackend::new(size.width, size.height)).unwrap();
    let theme = ThemeName::Mono.theme();
    terminal.draw(|frame| view(model, &theme, frame)).unwrap();
    terminal.backend().to_string()
}

fn links(model: &Model) -> String {
    let card = screen(model).shown().unwrap();
    let links = card.links.iter().map(ToString::to_string);
    links.collect::<Vec<_>>().join(" ")
}

#[test]
fn links_are_ordered_added_and_removed_and_only_saving_writes() {
    let mut model = open(120, 36);

    assert!(press(&mut model, "J").is_empty());
    assert_eq!(links(&model), "openai/mini anthropic/haiku");
    assert!(press(&mut model, "a g e m enter").is_empty());
    assert_eq!(links(&model), "openai/mini anthropic/haiku gemini/flash");
    assert!(press(&mut model, "r k k x").is_empty());
    assert_eq!(links(&model), "anthropic/haiku gemini/flash");

    let effects = press(&mut model, "s");

    let [Effect::SaveChain(card)] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(card.name, "default");
    assert_eq!(card.routing, Routing::Cost);
    assert_eq!(card.links, [link("anthropic/haiku"), link("gemini/flash")]);
    came(&mut model, Done::ChainSaved(Ok("Saved.".to_owned())));
    assert!(!screen(&model).is_changed());
    assert_eq!(links(&model), "anthropic/haiku gemini/flash");
}

#[test]
fn what_is_wrong_or_could_be_better_is_said_at_once() {
    let mut model = open(120, 36);
    assert!(shown(&model).contains("smaller") || shown(&model).contains("128000"));

    press(&mut model, "j x");
    assert!(shown(&model).contains("The chain has only anthropic/haiku"));
    press(&mut model, "a f l a s h enter");
    assert!(shown(&model).contains("gemini has no key"));
    press(&mut model, "x k x");
    assert!(shown(&model).contains("x A chain needs at least one link."));
    assert!(press(&mut model, "s").is_empty(), "nothing wrong is saved");
    assert!(shown(&model).contains("Not saved."));
    press(&mut model, "u");
    assert_eq!(links(&model), "anthropic/haiku openai/mini");
}

#[test]
fn changes_that_are_not_saved_are_asked_about() {
    let mut model = open(120, 36);
    press(&mut model, "J esc");
    assert!(shown(&model).contains("changes that are not saved"));
    press(&mut model, "esc");
    assert_eq!(links(&model), "openai/mini anthropic/haiku");
    press(&mut model, "l");
    assert_eq!(screen(&model).shown().unwrap().name, "default");

    assert!(matches!(
        press(&mut model, "esc s").as_slice(),
        [Effect::SaveChain(_)]
    ));
    came(&mut model, Done::ChainSaved(Ok("Saved.".to_owned())));
    assert!(model.overlay.is_none());

    let mut model = open(120, 36);
    assert!(press(&mut model, "J esc d").is_empty());
    assert!(model.overlay.is_none());
}

#[test]
fn a_config_that_cannot_be_written_leaves_the_changes_and_shows_the_lines() {
    let mut model = open(120, 36);
    press(&mut model, "J s");
    let trouble = Trouble {
        said: "config.toml cannot be written: read-only. Put this into it by hand:\n\
               [chains.default]\nlinks = [\"openai/mini\"]"
            .to_owned(),
        advice: None,
        kind: TroubleKind::Other,
    };

    came(&mut model, Done::ChainSaved(Err(trouble)));

    assert!(screen(&model).is_changed());
    let shown = shown(&model);
    assert!(shown.contains("cannot be written"), "{shown}");
    assert!(shown.contains("[chains.default]"), "{shown}");
    assert!(shown.contains("links = [\"openai/mini\"]"), "{shown}");
}

#[test]
fn news_of_the_config_does_not_take_changes_away() {
    let mut model = open(120, 36);
    press(&mut model, "J");
    came(&mut model, Done::Chains(Ok(routing_view())));
    assert_eq!(links(&model), "openai/mini anthropic/haiku");
}

#[test]
fn the_routing_screen_in_a_wide_terminal() {
    let mut model = open(120, 36);
    press(&mut model, "l j");
    insta::assert_snapshot!(shown(&model));
}

#[test]
fn the_routing_screen_in_a_small_terminal_with_its_picker() {
    let mut model = open(80, 24);
    press(&mut model, "J a");
    insta::assert_snapshot!(shown(&model));
}
