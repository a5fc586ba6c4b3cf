//! What follows the end of a draft, and the state of the money after it.

use super::reload;
use crate::tui::{
    acts,
    effect::Effect,
    event::{Trouble, TroubleKind},
    meter::Resumed,
    model::{Model, Overlay},
    notes::Tone,
    paint::safe,
    talk::{draft::ending_words, hops::fallback_line},
};
use crate::{
    config::action::Action,
    desk::face::{Drafted, SpendView},
    domain::TicketId,
};

pub(super) fn drafted(
    model: &mut Model,
    ticket: TicketId,
    result: Result<Box<Drafted>, Trouble>,
) -> Vec<Effect> {
    let now = model.stage.now;
    let number = model.work.run(ticket).map_or(0, |run| run.number);
    model.work.end(ticket);
    match result {
        Ok(drafted) => {
            say_how_it_went(model, number, &drafted);
            if let Some(view) = model.talk.view_of_mut(ticket) {
                if drafted.draft.is_some() {
                    view.draft.clone_from(&drafted.draft);
                }
                view.receipts.insert(0, drafted.receipt);
            }
        }
        Err(trouble) if trouble.kind == TroubleKind::CapNotChosen => {
            acts::ask_for_cap(model);
        }
        Err(trouble) => model.notes.trouble(&trouble, now),
    }
    edit_if_asked(model, ticket);
    let mut effects = reload(model, ticket);
    effects.extend([Effect::LoadSpend, Effect::LoadBanners]);
    if matches!(model.overlay, Some(Overlay::CatchUp(_))) {
        effects.push(Effect::LoadCatchUp);
    }
    effects.extend(acts::begin_wanted(model));
    effects
}

/// Takes the newest state of the meter, and says when AI work stops or goes on.
pub(super) fn spend_came(model: &mut Model, spend: SpendView) {
    let was_down = model.meter.outage().is_some();
    let resumed = model.meter.took(spend);
    if model.meter.is_paused() || model.meter.outage().is_some() {
        model.work.wanted.clear();
    }
    // What went wrong last is told already, and more of it.
    let is_told = model
        .notes
        .current()
        .is_some_and(|it| it.tone != Tone::Plain);
    if let Some(outage) = model.meter.outage().filter(|_| !was_down && !is_told) {
        let words = format!(
            "AI paused: {}. Nothing is lost: read, write, search, set as before. {} tries once \
             all the same.",
            outage.short(),
            model.key(Action::Draft)
        );
        model.notes.warn(safe(&words), model.stage.now);
    }
    let words = match resumed {
        Some(Resumed::Cap) => "AI work goes on: the cap leaves room again.",
        Some(Resumed::Providers) => "A provider answers again: AI work goes on.",
        None => return,
    };
    let words = format!("{words}{}", waiting(model));
    model.notes.say(words, model.stage.now);
}

/// Offers the drafts that were missed, after a sentence that says that the way is free.
pub(super) fn waiting(model: &Model) -> String {
    match model.meter.missed() {
        0 => String::new(),
        1 => format!(" 1 draft waits ({}).", model.key(Action::CatchUp)),
        many => format!(" {many} drafts wait ({}).", model.key(Action::CatchUp)),
    }
}

/// Opens the editor where the person has asked for it and it had to wait.
pub(super) fn edit_if_asked(model: &mut Model, ticket: TicketId) {
    if model.work.edit_after != Some(ticket) {
        return;
    }
    model.work.edit_after = None;
    if model.here() == Some(ticket) && model.overlay.is_none() && model.editor.is_none() {
        acts::open_editor(model, ticket);
    }
}

pub(super) fn say_how_it_went(model: &mut Model, number: i64, drafted: &Drafted) {
    let now = model.stage.now;
    let receipt = &drafted.receipt;
    let cost = receipt.cost().for_people();
    if !receipt.ending.has_text() {
        let words = format!("#{number}: {}", ending_words(receipt, model));
        return model.notes.warn(words, now);
    }
    let by = receipt
        .answer()
        .map_or_else(String::new, |answer| safe(&answer.link.to_string()));
    let words = match fallback_line(receipt) {
        Some(line) => format!("#{number} {line}"),
        None => format!("#{number} drafted by {by} for {cost}."),
    };
    model.notes.say(words, now);
}
