//! From what happened to what changes: routes each message to its room. Pure.

use super::{
    acts,
    burst::Guarded,
    effect::Effect,
    ended,
    event::{Moment, Msg, Press},
    layout,
    model::{Focus, Model, Overlay},
    over, queue,
    talk::{self, draft::Sight},
};
use crate::{
    config::{
        action::{Action, Scope},
        chord::Chord,
        keymap::Meaning,
    },
    desk::face::DeskEvent,
};

/// Takes a message; returns what is to be done outside.
pub fn update(model: &mut Model, msg: Msg, now: Moment) -> Vec<Effect> {
    model.stage.now = now;
    let mut effects = match msg {
        Msg::Key(press) => key(model, press),
        Msg::Paste(text) => paste(model, &text),
        Msg::Resize(size) => {
            model.stage.size = size;
            Vec::new()
        }
        Msg::Desk(event) => news(model, event),
        Msg::Missed => everything(model),
        Msg::Live(running) => {
            model.work.took(running);
            Vec::new()
        }
        Msg::Done(done) => ended::took(model, done),
        Msg::Tick => tick(model),
        Msg::Broke => {
            let words =
                "Something in the background broke; the log has the place. The desk goes on.";
            model.notes.warn(words, now);
            Vec::new()
        }
    };
    effects.extend(settle(model));
    effects
}

/// Returns what a fresh screen asks for.
pub fn start(model: &mut Model) -> Vec<Effect> {
    let facts = std::sync::Arc::clone(&model.stage.facts);
    model.queue.serve(&facts.agent);
    let mut effects: Vec<Effect> = settle(model);
    effects.extend([model.queue.reload(), Effect::LoadSpend, Effect::LoadBanners]);
    effects
}

/// Fits every room to the size of the screen and asks for what came into sight.
fn settle(model: &mut Model) -> Vec<Effect> {
    let layout = layout::layout(model);
    let mut effects = Vec::new();
    let high = queue::view::rows_high(&layout);
    if high > 0 {
        effects.extend(model.queue.settle(high));
    }
    effects.extend(model.talk.want(model.queue.here()));
    if let Some(area) = layout.talk {
        let areas = talk::view::areas(area, model);
        let wide = usize::from(area.width.saturating_sub(2));
        let facts = std::sync::Arc::clone(&model.stage.facts);
        let time = (model.stage.now.civil, &facts.zone);
        model.talk.lay(wide, usize::from(areas.talk.height), time);
        note_what_is_read(model);
        note_what_came(model, areas.news.height);
    }
    effects
}

/// Notes what stands above a stale draft while a person is at the ticket, in the editor too: it is
/// read while one types. Something that lies over it for a moment changes nothing.
fn note_what_came(model: &mut Model, high: u16) {
    if model.overlay.is_some() {
        return;
    }
    let is_shown = high > 2 && (model.editor.is_some() || model.stage.focus == Focus::Talk);
    let here = model.here().filter(|_| is_shown);
    let news = here.and_then(|here| talk::news::news(model, here));
    let newest = news.and_then(|news| Some(news.newest?.id));
    let now = model.stage.now.mono;
    model.talk.shows_news(newest, now);
}

/// Notes a draft whose last line is on the screen now.
fn note_what_is_read(model: &mut Model) {
    if model.overlay.is_some() || model.editor.is_some() {
        return;
    }
    let Some(here) = model.here() else { return };
    let Sight::Draft(draft) = talk::draft::sight(model, here) else {
        return;
    };
    let shown = (draft.id, draft.revision);
    if talk::view::draft_overhang(model) <= model.talk.draft_top.unwrap_or(0) {
        let now = model.stage.now.mono;
        model.talk.shows_end_of(shown, now);
    }
}

fn key(model: &mut Model, press: Press) -> Vec<Effect> {
    let scope = model.scope();
    model.stage.pressed.push(press.chord);
    let pressed: &[Chord] = &model.stage.pressed;
    let keymap = &model.stage.facts.keymap;
    let mut meaning = keymap.meaning(scope, pressed);
    if meaning == Meaning::Nothing && over::leads_on(model) {
        let there = keymap.meaning_among(Scope::Desk, pressed, over::is_way);
        meaning = match there {
            // A single letter is the screen's own, but for the one that asks for help.
            Meaning::Act(action) if pressed.len() > 1 || action == Action::Help => {
                model.stage.pressed.clear();
                model.overlay = None;
                return act(model, Scope::Desk, action);
            }
            Meaning::Act(_) => Meaning::Nothing,
            Meaning::Prefix | Meaning::Nothing => there,
        };
    }
    match meaning {
        Meaning::Prefix => Vec::new(),
        Meaning::Act(action) => {
            model.stage.pressed.clear();
            if acts::is_held_down(model, action, press.is_repeat) || is_burst(model, scope, action)
            {
                Vec::new()
            } else {
                act(model, scope, action)
            }
        }
        Meaning::Nothing => {
            let is_first = model.stage.pressed.len() == 1;
            model.stage.pressed.clear();
            if is_first {
                text(model, scope, press.chord)
            } else {
                Vec::new()
            }
        }
    }
}

/// Tells whether keys come faster than a hand presses them; outside of inputs they then do nothing
/// for a moment. Moving about is free: a held arrow is no danger.
fn is_burst(model: &mut Model, scope: Scope, action: Action) -> bool {
    let moves = matches!(
        action,
        Action::Down
            | Action::Up
            | Action::PageDown
            | Action::PageUp
            | Action::NextTicket
            | Action::PreviousTicket
            | Action::Quit
            | Action::Redraw
    );
    if scope != Scope::Desk || moves {
        return false;
    }
    let now = model.stage.now;
    match model.stage.burst.judge(now.mono) {
        Guarded::Taken => false,
        Guarded::First => {
            let words = "Keys came faster than a hand presses them, and the rest is left out. Wait \
                         a second, then go on.";
            model.notes.warn(words, now);
            true
        }
        Guarded::LeftOut => true,
    }
}

fn act(model: &mut Model, scope: Scope, action: Action) -> Vec<Effect> {
    if action != Action::Quit && action != Action::Back {
        let keeps = model
            .work
            .asked_twice
            .is_some_and(|(asked, _)| asked == action);
        if !keeps {
            model.work.asked_twice = None;
        }
    }
    match scope {
        Scope::Picker => over::act(model, action),
        Scope::Editor | Scope::Desk => acts::act(model, action),
    }
}

fn text(model: &mut Model, scope: Scope, chord: Chord) -> Vec<Effect> {
    match scope {
        Scope::Picker => over::text(model, chord),
        Scope::Editor => {
            let now = model.stage.now.mono;
            if let Some(editor) = &mut model.editor {
                editor.press(chord, now);
            }
            Vec::new()
        }
        Scope::Desk => Vec::new(),
    }
}

fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    let now = model.stage.now;
    match (&mut model.overlay, &mut model.editor) {
        (Some(Overlay::Prompt(prompt)), _) => prompt.paste(text),
        (Some(Overlay::Palette(palette)), _) => palette.paste(text),
        (Some(Overlay::Help(help)), _) => help.line.insert(text),
        (Some(Overlay::Mailbox(screen)), _) => screen.paste(text),
        (Some(Overlay::Receipts(screen)), _) if screen.is_typing() => screen.paste(text),
        (None, Some(editor)) => {
            if !editor.paste(text, now.mono) {
                let words = format!(
                    "The paste is too long to edit here. {} opens your $EDITOR.",
                    model.key(Action::ExternalEditor)
                );
                model.notes.warn(words, now);
            }
        }
        (
            Some(
                Overlay::Menu(_)
                | Overlay::Keys(_)
                | Overlay::Routing(_)
                | Overlay::Receipts(_)
                | Overlay::Overview(_)
                | Overlay::Providers(_)
                | Overlay::Drill(_)
                | Overlay::Compare(_)
                | Overlay::CatchUp(_)
                | Overlay::Outbox(_)
                | Overlay::Files(_)
                | Overlay::Mapping(_)
                | Overlay::SetUp(_),
            ),
            _,
        )
        | (None, None) => {
            let words = format!(
                "Ignored a paste of {} characters; {} opens a reply to paste into.",
                text.chars().count(),
                model.key(Action::Edit)
            );
            model.notes.warn(words, now);
        }
    }
    Vec::new()
}

fn news(model: &mut Model, event: DeskEvent) -> Vec<Effect> {
    match event {
        DeskEvent::Grew(_) => Vec::new(),
        DeskEvent::Changed => reading(model),
        DeskEvent::TicketChanged(ticket) => {
            let mut effects = vec![model.queue.reload()];
            effects.extend(model.talk.reload(ticket));
            if matches!(model.overlay, Some(Overlay::Outbox(_))) {
                effects.push(Effect::LoadOutbox);
            }
            effects
        }
        DeskEvent::DraftSaved(_) => {
            if model.editor.is_some() {
                Vec::new()
            } else {
                reading(model)
            }
        }
        DeskEvent::Spent => spent(model),
        DeskEvent::Back {
            provider,
            drafts,
            by,
        } => {
            let by: Vec<&str> = by.iter().map(|name| name.0.as_str()).collect();
            let words = format!(
                "{provider} is back, {} used {} ({}).",
                super::words::count(usize::try_from(drafts).unwrap_or(usize::MAX), "draft"),
                by.join(", "),
                model.key(Action::GoReceipts)
            );
            model.notes.say(super::paint::safe(&words), model.stage.now);
            Vec::new()
        }
        DeskEvent::Alert(percent) => {
            let words = model.meter.alert_words(percent, model);
            model.notes.warn(words, model.stage.now);
            vec![Effect::LoadSpend]
        }
        DeskEvent::Configured => configured(model),
        DeskEvent::KeyRefused(_) => vec![Effect::LoadBanners],
        DeskEvent::SignIn { url, code } => {
            if let Some(Overlay::Mailbox(screen)) = &mut model.overlay {
                screen.must_do(url, code);
            }
            Vec::new()
        }
        DeskEvent::Note(words) => {
            model.notes.say(super::paint::safe(&words), model.stage.now);
            Vec::new()
        }
    }
}

/// Reads what depends on settings again, as far as it is on the screen.
fn configured(model: &mut Model) -> Vec<Effect> {
    let mut effects = vec![Effect::LoadSpend, Effect::LoadBanners];
    if matches!(model.overlay, Some(Overlay::Keys(_) | Overlay::SetUp(_))) {
        effects.extend([Effect::LoadKeys, Effect::LoadAccounts]);
    }
    effects.extend(providers_again(model));
    if matches!(model.overlay, Some(Overlay::Routing(_))) {
        effects.push(Effect::LoadChains);
    }
    effects
}

/// Reads how the links are again, where that is on the screen.
fn providers_again(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Providers(screen)) = &mut model.overlay else {
        return Vec::new();
    };
    let after = screen.look_again();
    over::providers(model, after)
}

/// The ledger changed, and with it what is shown of receipts.
fn spent(model: &mut Model) -> Vec<Effect> {
    let mut effects = vec![Effect::LoadSpend];
    if matches!(model.overlay, Some(Overlay::CatchUp(_))) {
        effects.push(Effect::LoadCatchUp);
    }
    effects.extend(providers_again(model));
    effects.extend(super::receipts::look_again(model));
    if let Some(Overlay::Overview(screen)) = &mut model.overlay {
        let after = screen.look_again(model.stage.now.mono);
        effects.extend(over::overview(model, after));
    }
    effects
}

/// Reads the rows and the ticket in sight anew.
fn reading(model: &mut Model) -> Vec<Effect> {
    let mut effects = vec![model.queue.reload()];
    effects.extend(model.here().and_then(|here| model.talk.reload(here)));
    effects
}

fn everything(model: &mut Model) -> Vec<Effect> {
    let mut effects = reading(model);
    effects.extend([Effect::LoadSpend, Effect::LoadBanners]);
    effects
}

fn tick(model: &mut Model) -> Vec<Effect> {
    let now = model.stage.now;
    model.notes.fade(now);
    let mut effects = model.work.strays.saves_when_due(now.mono);
    let editor = model.editor.as_mut();
    effects.extend(editor.and_then(|editor| editor.save_when_due(now.mono)));
    if let Some(Overlay::Overview(screen)) = &mut model.overlay {
        let after = screen.go_on(now.mono);
        effects.extend(over::overview(model, after));
    }
    effects
}
