//! Moving: the cursor, the focus, the parts of a ticket, and the way back.

use super::{
    super::{
        effect::Effect,
        layout::Shape,
        model::{Focus, Model, Part},
        panel, talk,
    },
    program::leave,
    writing::keep,
};
use crate::{config::action::Action, domain::Direction};

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller hands over the actions named here and no other"
)]
pub(super) fn travel(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::NextTicket => model.queue.move_by(1),
        Action::PreviousTicket => model.queue.move_by(-1),
        _ => match model.stage.focus {
            Focus::Queue => match action {
                Action::Down => model.queue.move_by(1),
                Action::Up => model.queue.move_by(-1),
                Action::PageDown => model.queue.move_by_pages(1),
                Action::PageUp => model.queue.move_by_pages(-1),
                Action::Top => model.queue.to_top(),
                _ => model.queue.to_bottom(),
            },
            Focus::Talk => scroll_talk(model, lines(action)),
            Focus::Side => {
                let last = panel::view::last_top(model);
                model.panel.scroll(lines(action), last);
            }
        },
    }
    Vec::new()
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller hands over the actions named here and no other"
)]
const fn lines(action: Action) -> isize {
    match action {
        Action::Down => 1,
        Action::Up => -1,
        Action::PageDown => 10,
        Action::PageUp => -10,
        Action::Top => -100_000,
        _ => 100_000,
    }
}

fn scroll_talk(model: &mut Model, lines: isize) {
    if model.stage.part == Part::Draft {
        let last = talk::view::draft_overhang(model);
        let top = model
            .talk
            .draft_top
            .unwrap_or(0)
            .saturating_add_signed(lines)
            .min(last);
        model.talk.draft_top = Some(top);
    } else if lines.abs() == 10 {
        model.talk.scroll_pages(lines.signum());
    } else {
        model.talk.scroll(lines);
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller hands over the actions named here and no other"
)]
pub(super) fn focus(model: &mut Model, action: Action) -> Vec<Effect> {
    let stage = &mut model.stage;
    match action {
        Action::Open => {
            let here = model.queue.here();
            if let Some(here) = here.filter(|_| stage.focus == Focus::Talk)
                && talk::news::news(model, here).is_some()
            {
                return keep(model, here);
            }
            let stage = &mut model.stage;
            if stage.focus == Focus::Queue {
                stage.focus = Focus::Talk;
                if matches!(stage.part, Part::Receipt | Part::Customer) {
                    stage.part = Part::Talk;
                }
            }
            return saw(model);
        }
        Action::PartTalk => (stage.focus, stage.part) = (Focus::Talk, Part::Talk),
        Action::PartDraft => (stage.focus, stage.part) = (Focus::Talk, Part::Draft),
        Action::PartReceipt => (stage.focus, stage.part) = (Focus::Side, Part::Receipt),
        Action::PartCustomer => (stage.focus, stage.part) = (Focus::Side, Part::Customer),
        Action::NextPane => step_pane(model, 1),
        Action::PreviousPane => step_pane(model, 3),
        Action::Cancel => return cancel(model),
        _ => return back(model),
    }
    model.panel.top = 0;
    Vec::new()
}

/// Notes that the ticket under the cursor is read, where something of it was not.
pub(super) fn saw(model: &mut Model) -> Vec<Effect> {
    let here = model.here();
    let view = here.and_then(|here| model.talk.view_of_mut(here));
    let Some(view) = view else {
        return Vec::new();
    };
    let mut read = Vec::new();
    for message in &mut view.messages {
        if message.direction == Direction::In && !message.was_seen {
            message.was_seen = true;
            read.push(message.id);
        }
    }
    if read.is_empty() {
        return Vec::new();
    }
    vec![Effect::Saw(view.ticket.id, read)]
}

/// Tab goes queue, conversation, draft, side, and round.
fn step_pane(model: &mut Model, steps: usize) {
    let stage = &mut model.stage;
    let now = match (stage.focus, stage.part) {
        (Focus::Queue, _) => 0,
        (Focus::Talk, Part::Draft) => 2,
        (Focus::Talk, _) => 1,
        (Focus::Side, _) => 3,
    };
    (stage.focus, stage.part) = match (now + steps) % 4 {
        0 => (Focus::Queue, Part::Talk),
        1 => (Focus::Talk, Part::Talk),
        2 => (Focus::Talk, Part::Draft),
        _ => (Focus::Side, Part::Receipt),
    };
}

/// Esc: the draft that is shown stops; then the filter goes; then one goes back.
pub(super) fn cancel(model: &mut Model) -> Vec<Effect> {
    if let Some(here) = model.here()
        && let Some(run) = model.work.runs.iter_mut().find(|run| run.ticket == here)
    {
        run.is_stopping = true;
        return vec![Effect::Stop(here)];
    }
    model.notes.clear();
    model.work.asked_twice = None;
    if model.stage.focus == Focus::Queue {
        if !model.queue.filter().is_empty() {
            return model.queue.set_filter("").into_iter().collect();
        }
        return Vec::new();
    }
    step_back(model);
    Vec::new()
}

fn step_back(model: &mut Model) {
    let is_one = model.layout().shape == Shape::One;
    model.stage.focus = match model.stage.focus {
        Focus::Side if is_one => Focus::Talk,
        Focus::Side | Focus::Talk | Focus::Queue => Focus::Queue,
    };
    model.stage.part = Part::Talk;
}

fn back(model: &mut Model) -> Vec<Effect> {
    if model.stage.focus == Focus::Queue {
        return leave(model, Action::Back);
    }
    step_back(model);
    Vec::new()
}
