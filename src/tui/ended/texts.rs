//! What follows the save of a text: of a reply, of a note, of an editor outside.

use crate::{
    config::action::Action,
    domain::{Draft, TicketId},
    tui::{
        editor::Editor,
        effect::Effect,
        event::{Trouble, TroubleKind},
        model::Model,
        strays::{Typed, Writing},
    },
};

/// Returns the open editor, if it has the reply of this ticket.
pub(super) fn reply_open(model: &mut Model, ticket: TicketId) -> Option<&mut Editor> {
    let open = model.editor.as_mut();
    open.filter(|open| open.holds(ticket, Writing::Reply))
}

/// What follows the save of a note that is being written.
pub(super) fn note_kept(model: &mut Model, typed: Typed, kept: Result<(), Trouble>) -> Vec<Effect> {
    let now = model.stage.now;
    let (ticket, number) = (typed.ticket, typed.number);
    let open = model.editor.as_mut();
    let open = open.filter(|open| open.holds(ticket, Writing::Note));
    model.work.landed(&typed);
    match kept {
        Ok(()) => {
            if model.work.strays.forget(ticket, Writing::Note).is_some() {
                let words = format!("The note on #{number} is kept now.");
                model.notes.say(words, now);
            }
            if let Some(editor) = open {
                editor.note_kept();
            }
            if let Some(view) = model.talk.view_of_mut(ticket) {
                view.note = Some(typed.text).filter(|text| !text.trim().is_empty());
            }
        }
        Err(trouble) => {
            if let Some(editor) = open {
                editor.not_saved(&trouble.said);
                model.notes.trouble(&trouble, now);
            } else {
                let words = format!(
                    "The note on #{number} is not saved: {} It is kept here and tried again.",
                    trouble.said
                );
                model.notes.warn(words, now);
                model.work.strays.keep(typed, now.mono);
            }
        }
    }
    Vec::new()
}

/// What follows when a note was to be added to its ticket.
pub(super) fn note_added(
    model: &mut Model,
    typed: Typed,
    added: Result<(), Trouble>,
) -> Vec<Effect> {
    let now = model.stage.now;
    model.work.landed(&typed);
    match added {
        Ok(()) => {
            model.work.strays.forget(typed.ticket, Writing::Note);
            if let Some(view) = model.talk.view_of_mut(typed.ticket) {
                view.note = None;
            }
            model.notes.say("The note is added. It stays here.", now);
        }
        Err(trouble) => {
            let words = format!(
                "The note on #{} is not added: {} Its text is kept; {} goes on with it.",
                typed.number,
                trouble.said,
                model.key(Action::Note)
            );
            model.notes.warn(words, now);
            model.work.strays.keep(typed, now.mono);
        }
    }
    Vec::new()
}

pub(super) fn saved(
    model: &mut Model,
    typed: Typed,
    draft: Result<Box<Draft>, Trouble>,
) -> Vec<Effect> {
    let now = model.stage.now;
    let ticket = typed.ticket;
    match draft {
        Ok(draft) => {
            if model.work.strays.forget(ticket, Writing::Reply).is_some() {
                let words = format!("The reply to #{} is saved now.", typed.number);
                model.notes.say(words, now);
            }
            model.work.landed(&typed);
            if let Some(editor) = reply_open(model, ticket) {
                editor.saved(&draft);
            }
            if let Some(view) = model.talk.view_of_mut(ticket) {
                view.draft = Some(*draft);
            }
            Vec::new()
        }
        Err(trouble) => {
            model.work.landed(&typed);
            if let Some(editor) = reply_open(model, ticket) {
                if trouble.kind == TroubleKind::Conflict {
                    editor.collided();
                } else {
                    editor.not_saved(&trouble.said);
                }
                model.notes.trouble(&trouble, now);
                return model.talk.reload(ticket).into_iter().collect();
            }
            let words = format!(
                "The reply to #{} is not saved: {} It is kept here and tried again.",
                typed.number, trouble.said
            );
            model.notes.warn(words, now);
            model.work.strays.keep(typed, now.mono);
            Vec::new()
        }
    }
}

/// What follows the end of an editor outside.
pub(super) fn edited_outside(
    model: &mut Model,
    (ticket, writing): (TicketId, Writing),
    result: Result<Option<String>, Trouble>,
) -> Vec<Effect> {
    let now = model.stage.now;
    let open = model.editor.as_mut();
    let open = open.filter(|open| open.holds(ticket, writing));
    match result {
        Ok(Some(text)) => {
            if let Some(editor) = open {
                editor.replace(&text, now.mono);
                return editor.save().into_iter().collect();
            }
            let number = model.queue.row_of(ticket).map_or(0, |row| row.number);
            return vec![Effect::SaveOver(Typed {
                writing,
                ticket,
                number,
                text,
                seen: None,
            })];
        }
        Ok(None) => model.notes.say("The editor changed nothing.", now),
        Err(trouble) => model.notes.trouble(&trouble, now),
    }
    Vec::new()
}
