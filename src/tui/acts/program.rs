//! The program itself: its screens, the cap, and the way out.

use super::super::{
    editor::Editor,
    effect::Effect,
    help::Help,
    keys::KeysScreen,
    model::{Model, Overlay},
    over,
    palette::Palette,
    prompt::{Prompt, PromptKind},
    providers::ProvidersScreen,
    routing::RoutingScreen,
    setup::SetUp,
};
use crate::{config::action::Action, domain::Delivery};

/// Leaves; asks once more where drafts run or something could not be saved.
pub(super) fn leave(model: &mut Model, key: Action) -> Vec<Effect> {
    let unsaved =
        model.editor.as_ref().is_some_and(Editor::is_dirty) || !model.work.strays.is_empty();
    let runs = model.work.runs.len();
    let asked = model
        .work
        .asked_twice
        .is_some_and(|(action, _)| action == Action::Quit);
    let reply = reply_in_outbox(model);
    if (runs > 0 || unsaved || reply.is_some()) && !asked {
        model.work.asked_twice = Some((Action::Quit, None));
        let what = if unsaved {
            "Typed text is not saved yet; leaving stops it"
        } else if runs > 0 {
            "A draft is being written; leaving stops it"
        } else {
            reply.unwrap_or_default()
        };
        let words = format!("{what}. {} again leaves.", model.key(key));
        model.notes.warn(words, model.stage.now);
        return Vec::new();
    }
    model.work.is_leaving = true;
    vec![Effect::Leave]
}

/// Says what becomes of a reply in the outbox when the desk is left.
fn reply_in_outbox(model: &Model) -> Option<&'static str> {
    [
        (
            Delivery::Sending,
            "A reply is being sent; leaving waits up to 20 s if this desk sends it",
        ),
        (
            Delivery::Held,
            "A reply is in the outbox; it stays there and asks before it leaves",
        ),
        (
            Delivery::Unsure,
            "A reply may have left; it stays in the outbox, which asks you",
        ),
    ]
    .into_iter()
    .find_map(|(delivery, words)| model.queue.has_reply(delivery).then_some(words))
}

/// Swaps primary and backup; asks once more, for one slip would change every draft from here on.
fn swap(model: &mut Model) -> Vec<Effect> {
    let asked = Some((Action::SwapProviders, None));
    if model.work.asked_twice == asked {
        model.work.asked_twice = None;
        return vec![Effect::SwapProviders];
    }
    model.work.asked_twice = asked;
    let key = model.key(Action::SwapProviders);
    let words = format!("Swap primary and backup for every draft from here on? {key} again does.");
    model.notes.warn(words, model.stage.now);
    Vec::new()
}

/// Opens the line that asks for a cap; nothing is spent before one is chosen.
pub fn ask_for_cap(model: &mut Model) -> Vec<Effect> {
    let suggested = model.meter.suggested_cap();
    let mut prompt = Prompt::open(PromptKind::Cap, &suggested);
    if model.meter.is_cap_missing() {
        let words = "No monthly cap is chosen yet, and nothing is spent before it is. Enter takes \
                     this many dollars a month; `none` declares that there is no cap.";
        prompt.trouble = Some(words.to_owned());
    }
    model.overlay = Some(Overlay::Prompt(prompt));
    Vec::new()
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller hands over the actions named here and no other"
)]
pub(super) fn program(model: &mut Model, action: Action) -> Vec<Effect> {
    let facts = std::sync::Arc::clone(&model.stage.facts);
    match action {
        Action::Keys => {
            model.overlay = Some(Overlay::Keys(KeysScreen::default()));
            vec![Effect::LoadKeys]
        }
        Action::Routing => {
            model.overlay = Some(Overlay::Routing(RoutingScreen::default()));
            vec![Effect::LoadChains]
        }
        Action::Providers => {
            let (screen, after) = ProvidersScreen::open();
            model.overlay = Some(Overlay::Providers(screen));
            over::providers(model, after)
        }
        Action::Drill => {
            let plan = format!("{}=529", first_provider(model));
            model.overlay = Some(Overlay::Prompt(Prompt::open(PromptKind::Drill, &plan)));
            Vec::new()
        }
        Action::SetUp => {
            model.overlay = Some(Overlay::SetUp(SetUp::default()));
            vec![Effect::LoadKeys, Effect::LoadAccounts]
        }
        Action::Import => {
            model.overlay = Some(Overlay::Prompt(Prompt::open(PromptKind::Import, "")));
            Vec::new()
        }
        Action::SwapProviders => swap(model),
        Action::RaiseCap => ask_for_cap(model),
        Action::TryDemo => {
            let words = "`deskhand demo` in another terminal opens the demo; it is kept apart.";
            model.notes.say(words, model.stage.now);
            Vec::new()
        }
        Action::Palette => {
            model.overlay = Some(Overlay::Palette(Palette::open(
                &facts.keymap,
                facts.is_demo,
            )));
            Vec::new()
        }
        Action::Help => {
            model.overlay = Some(Overlay::Help(Help::default()));
            Vec::new()
        }
        Action::Redraw => vec![Effect::Redraw],
        Action::Suspend => {
            let save = model.editor.as_mut().and_then(Editor::save);
            save.into_iter().chain([Effect::Suspend]).collect()
        }
        _ => leave(model, Action::Quit),
    }
}

/// Returns the provider that was asked first for the ticket under the cursor, else a usual one.
fn first_provider(model: &Model) -> String {
    let view = model.here().and_then(|here| model.talk.view_of(here));
    let receipt = view.and_then(|view| view.receipts.first());
    let first = receipt.and_then(|receipt| receipt.chain.first());
    first.map_or_else(|| "anthropic".to_owned(), |link| link.provider.0.clone())
}
