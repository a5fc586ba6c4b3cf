//! What each action means at the desk and in the editor, by what it is about.

mod finding;
mod mail;
mod moving;
mod program;
mod ticket;
mod writing;

pub use program::ask_for_cap;
pub use ticket::change;
pub use writing::{begin, begin_wanted, leave_editor, open_editor};

use std::time::Duration;

use super::{effect::Effect, model::Model};
use crate::config::action::Action;

/// Presses of one key closer than this are a key held down; for acts that send or destroy.
const HELD_DOWN: Duration = Duration::from_millis(600);

/// Tells whether an act that sends or destroys comes from a key that is held down.
pub fn is_held_down(model: &mut Model, action: Action, is_repeat: bool) -> bool {
    if !action.is_once_per_press() || action == Action::Quit {
        return false;
    }
    let now = model.stage.now.mono;
    let last = model.stage.last_once.replace((action, now));
    let is_close = last.is_some_and(|(was, at)| was == action && now.since(at) < HELD_DOWN);
    is_repeat || is_close
}

/// Does an action.
#[expect(
    clippy::too_many_lines,
    reason = "the list of actions by what they are about"
)]
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let mut effects = Vec::new();
    let stays = matches!(
        action,
        Action::Redraw | Action::Suspend | Action::Palette | Action::Help | Action::ExternalEditor
    );
    let writes_note = model
        .editor
        .as_ref()
        .is_some_and(|editor| editor.writing() == super::strays::Writing::Note);
    if writes_note && action == Action::Save {
        return writing::add_note(model);
    }
    if model.editor.is_some() && !stays {
        effects.extend(leave_editor(model));
        if matches!(action, Action::Cancel | Action::Save | Action::Back) {
            return effects;
        }
    }
    effects.extend(match action {
        Action::Down
        | Action::Up
        | Action::Top
        | Action::Bottom
        | Action::PageDown
        | Action::PageUp
        | Action::NextTicket
        | Action::PreviousTicket => moving::travel(model, action),
        Action::NextPane
        | Action::PreviousPane
        | Action::Open
        | Action::Back
        | Action::Cancel
        | Action::PartTalk
        | Action::PartDraft
        | Action::PartReceipt
        | Action::PartCustomer => moving::focus(model, action),
        Action::Draft
        | Action::Redraft
        | Action::Edit
        | Action::ExternalEditor
        | Action::Save
        | Action::Discard
        | Action::SendSolve
        | Action::SendPending
        | Action::Keep
        | Action::Compare
        | Action::Undo => writing::writing(model, action),
        Action::Status
        | Action::Tags
        | Action::Priority
        | Action::AssignMe
        | Action::AssignNobody
        | Action::Assign
        | Action::Spam => ticket::ticket(model, action),
        Action::Note
        | Action::Recipients
        | Action::Attach
        | Action::Forward
        | Action::NewTicket
        | Action::Release
        | Action::Merge
        | Action::Split
        | Action::Fetch
        | Action::Detach
        | Action::Files
        | Action::Links => mail::mail(model, action),
        Action::Filter
        | Action::GoQueue
        | Action::GoMine
        | Action::GoAll
        | Action::GoFallback
        | Action::GoSystem
        | Action::GoOutbox
        | Action::GoReceipts
        | Action::CatchUp
        | Action::Overview
        | Action::Quoted => finding::finding(model, action),
        Action::Keys
        | Action::Routing
        | Action::Providers
        | Action::Drill
        | Action::SwapProviders
        | Action::RaiseCap
        | Action::SetUp
        | Action::Import
        | Action::TryDemo
        | Action::Palette
        | Action::Help
        | Action::Redraw
        | Action::Suspend
        | Action::Quit => program::program(model, action),
    });
    effects
}
