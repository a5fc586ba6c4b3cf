//! Keys while something lies over the panes.

mod answers;
mod screens;

pub(in crate::tui) use screens::mailbox;
pub use screens::{overview, providers};

use self::{
    answers::{answer, chosen},
    screens::{
        bring_back, catch_up, file_act, keys, mapping, mapping_letter, routing, run, send_now,
        set_up, was_sent,
    },
};
use super::{
    acts, compare,
    effect::Effect,
    files::FileAct,
    help::Help,
    mailbox::Stage,
    model::{Model, Overlay},
    prompt::{Prompt, PromptKind},
    receipts,
    routing::After,
    setup::SetUp,
};
use crate::{
    config::{
        action::Action,
        chord::{Chord, Key},
    },
    desk::face::{KeyCard, KeyOrigin},
};

/// Does what a key of pickers means.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let was_steps = matches!(model.overlay, Some(Overlay::SetUp(_)));
    let mut effects = picker(model, action);
    effects.extend(after(model, was_steps));
    effects
}

/// The list of steps comes back when what was gone to from it is closed.
fn after(model: &mut Model, was_steps: bool) -> Vec<Effect> {
    if model.overlay.is_some() || model.work.is_leaving {
        return Vec::new();
    }
    let Some(step) = model.stage.setting_up.take().filter(|_| !was_steps) else {
        return Vec::new();
    };
    model.stage.setting_up = Some(step);
    model.overlay = Some(Overlay::SetUp(SetUp::at(step)));
    vec![Effect::LoadKeys, Effect::LoadAccounts]
}

/// Tells whether what lies over the panes is a screen of its own, from which one goes on to another.
pub const fn leads_on(model: &Model) -> bool {
    match &model.overlay {
        Some(Overlay::Receipts(screen)) => !screen.is_typing(),
        Some(
            Overlay::Overview(_) | Overlay::Providers(_) | Overlay::CatchUp(_) | Overlay::Outbox(_),
        ) => true,
        _ => false,
    }
}

/// Tells whether an action goes somewhere from there too.
pub const fn is_way(action: Action) -> bool {
    matches!(
        action,
        Action::GoQueue
            | Action::GoMine
            | Action::GoAll
            | Action::GoFallback
            | Action::GoSystem
            | Action::GoOutbox
            | Action::GoReceipts
            | Action::Overview
            | Action::Providers
            | Action::Help
    )
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "most actions mean nothing over an overlay"
)]
fn picker(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Cancel => return close(model),
        Action::Open => return choose(model),
        Action::NextPane | Action::PreviousPane
            if let Some(Overlay::Overview(screen)) = &mut model.overlay =>
        {
            screen.part(if action == Action::NextPane { 1 } else { -1 });
        }
        Action::NextPane if matches!(model.overlay, Some(Overlay::Prompt(_))) => {
            answers::complete(model);
        }
        Action::Down | Action::NextPane => return step(model, 1),
        Action::Up | Action::PreviousPane => return step(model, -1),
        Action::PageDown => return step(model, 10),
        Action::PageUp => return step(model, -10),
        Action::Quit => {
            model.overlay = None;
            return acts::act(model, Action::Quit);
        }
        _ => {}
    }
    Vec::new()
}

/// Takes a key as text, or as one of the letters that an overlay offers.
pub fn text(model: &mut Model, chord: Chord) -> Vec<Effect> {
    let was_steps = matches!(model.overlay, Some(Overlay::SetUp(_)));
    let mut effects = typed(model, chord);
    effects.extend(after(model, was_steps));
    effects
}

fn typed(model: &mut Model, chord: Chord) -> Vec<Effect> {
    let now = model.stage.now.civil;
    let letter = letter(chord);
    match &mut model.overlay {
        Some(Overlay::Palette(palette)) => {
            palette.press(chord);
        }
        Some(Overlay::Help(help)) => {
            help.line.press(chord);
            help.top = 0;
        }
        Some(Overlay::Prompt(prompt)) => {
            prompt.press(chord);
        }
        Some(Overlay::Menu(menu)) => {
            if let Some(choice) = letter.and_then(|letter| menu.by_letter(letter)) {
                return chosen(model, choice);
            }
            plain_moves(model, letter);
        }
        Some(Overlay::Keys(_)) => return keys(model, letter),
        Some(Overlay::Routing(_)) => return routing(model, chord, letter),
        Some(Overlay::Providers(screen)) => {
            let after = letter.map(|letter| screen.letter(letter));
            return after.map_or_else(Vec::new, |after| providers(model, after));
        }
        Some(Overlay::Overview(screen)) => {
            let now = model.stage.now.mono;
            let after = letter.map(|letter| screen.letter(letter, now));
            return after.map_or_else(Vec::new, |after| overview(model, after));
        }
        Some(Overlay::Mapping(_)) => return mapping_letter(model, letter),
        Some(Overlay::CatchUp(screen)) => {
            let after = letter.map(|letter| screen.letter(letter));
            return after.map_or_else(Vec::new, |after| catch_up(model, after));
        }
        Some(Overlay::Outbox(outbox)) if matches!(letter, Some('u' | 's')) => {
            return match letter {
                Some('s') => was_sent(outbox),
                Some(_) | None => bring_back(outbox),
            };
        }
        Some(Overlay::Files(screen)) if matches!(letter, Some('s' | 'o')) => {
            let act = letter.map_or(FileAct::Nothing, |letter| screen.letter(letter));
            return file_act(screen, act);
        }
        Some(Overlay::Receipts(screen)) => {
            let after = screen.press(chord, now);
            return receipts::follow(model, after);
        }
        Some(Overlay::Mailbox(screen)) => screen.press(chord),
        Some(
            Overlay::Outbox(_)
            | Overlay::Files(_)
            | Overlay::SetUp(_)
            | Overlay::Drill(_)
            | Overlay::Compare(_),
        ) => plain_moves(model, letter),
        None => {}
    }
    Vec::new()
}

/// Returns the letter of a key that is one.
const fn letter(chord: Chord) -> Option<char> {
    match (chord.key, chord.ctrl, chord.alt) {
        (Key::Char(c), false, false) => Some(c),
        _ => None,
    }
}

/// Where letters are not text, `j`, `k` and `q` are what they are everywhere.
fn plain_moves(model: &mut Model, letter: Option<char>) {
    match letter {
        Some('j') => drop(step(model, 1)),
        Some('k') => drop(step(model, -1)),
        Some('q') => drop(close(model)),
        Some(_) | None => {}
    }
}

fn close(model: &mut Model) -> Vec<Effect> {
    match &mut model.overlay {
        Some(Overlay::Receipts(screen)) => {
            let after = screen.escape();
            return receipts::follow(model, after);
        }
        Some(Overlay::Prompt(Prompt {
            kind: PromptKind::Export(query),
            ..
        })) => {
            let query = query.clone();
            return receipts::open(model, &query);
        }
        Some(Overlay::Help(Help { line, .. })) if !line.text().is_empty() => {
            line.take();
        }
        Some(Overlay::Mapping(screen)) => {
            let after = screen.escape();
            return mapping(model, after);
        }
        Some(Overlay::Mailbox(screen)) => {
            let waits = screen.stage == Stage::Signing;
            model.overlay = None;
            return waits.then_some(Effect::StopSignIn).into_iter().collect();
        }
        Some(Overlay::Routing(room)) => {
            if room.escape() == After::Close {
                model.overlay = None;
            }
        }
        _ => model.overlay = None,
    }
    Vec::new()
}

fn step(model: &mut Model, rows: isize) -> Vec<Effect> {
    match &mut model.overlay {
        Some(Overlay::Palette(palette)) => palette.move_by(rows),
        Some(Overlay::Help(help)) => help.move_by(rows),
        Some(Overlay::Menu(menu)) => menu.move_by(rows),
        Some(Overlay::Keys(keys)) => keys.move_by(rows),
        Some(Overlay::Routing(room)) => room.move_by(rows),
        Some(Overlay::Receipts(screen)) => {
            let after = screen.move_by(rows);
            return receipts::follow(model, after);
        }
        Some(Overlay::Providers(screen)) => screen.move_by(rows),
        Some(Overlay::Drill(page)) => page.move_by(rows),
        Some(Overlay::Compare(_)) => {
            let last = compare::last_top(model);
            if let Some(Overlay::Compare(page)) = &mut model.overlay {
                page.move_by(rows, last);
            }
        }
        Some(Overlay::Overview(screen)) => screen.move_by(rows),
        Some(Overlay::CatchUp(screen)) => screen.move_by(rows),
        Some(Overlay::Mapping(screen)) => screen.move_by(rows),
        Some(Overlay::Outbox(outbox)) => outbox.move_by(rows),
        Some(Overlay::Files(screen)) => screen.move_by(rows),
        Some(Overlay::SetUp(setup)) => setup.move_by(rows),
        Some(Overlay::Prompt(_) | Overlay::Mailbox(_)) | None => {}
    }
    Vec::new()
}

fn choose(model: &mut Model) -> Vec<Effect> {
    match &mut model.overlay {
        Some(Overlay::Palette(palette)) => run(palette.chosen(), model),
        Some(Overlay::Menu(menu)) => match menu.chosen() {
            Some(choice) => chosen(model, choice),
            None => Vec::new(),
        },
        Some(Overlay::Prompt(_)) => answer(model),
        Some(Overlay::Routing(room)) => {
            room.enter();
            Vec::new()
        }
        Some(Overlay::Keys(screen)) => {
            let has_none = |card: &KeyCard| card.origin == KeyOrigin::Missing;
            let letter = if screen.here().is_some_and(has_none) {
                'a'
            } else {
                'm'
            };
            keys(model, Some(letter))
        }
        Some(Overlay::Receipts(screen)) => {
            let after = screen.enter(model.stage.now.civil);
            receipts::follow(model, after)
        }
        Some(Overlay::Overview(screen)) => {
            let after = screen.enter();
            overview(model, after)
        }
        Some(Overlay::Mapping(screen)) => {
            screen.enter();
            Vec::new()
        }
        Some(Overlay::CatchUp(screen)) => {
            let after = screen.enter();
            catch_up(model, after)
        }
        Some(Overlay::Outbox(_)) => send_now(model),
        Some(Overlay::Files(screen)) => {
            let act = screen.letter('s');
            file_act(screen, act)
        }
        Some(Overlay::Mailbox(screen)) => {
            let after = screen.enter();
            mailbox(after)
        }
        Some(Overlay::SetUp(setup)) => {
            let (step, place) = (setup.chosen(), setup.cursor);
            set_up(model, step, place)
        }
        Some(
            Overlay::Help(_) | Overlay::Providers(_) | Overlay::Drill(_) | Overlay::Compare(_),
        )
        | None => Vec::new(),
    }
}
