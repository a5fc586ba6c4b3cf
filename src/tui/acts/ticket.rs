//! What is noted of a ticket: status, priority, tags, who has it.

use super::super::{
    effect::Effect,
    menu::Menu,
    model::{Model, Overlay},
    prompt::{Prompt, PromptKind},
};
use crate::{
    config::action::Action,
    domain::{Change, Status, TicketId},
};

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller hands over the actions named here and no other"
)]
pub(super) fn ticket(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(row) = model.queue.row_here().cloned() else {
        return Vec::new();
    };
    let agent = model.stage.facts.agent.clone();
    let assign = |to: Option<String>| Change {
        assignee: Some(to),
        ..Change::default()
    };
    match action {
        Action::Status => model.overlay = Some(Overlay::Menu(Menu::statuses(row.id, row.status))),
        Action::Priority => model.overlay = Some(Overlay::Menu(Menu::priorities(row.id))),
        Action::Tags => {
            model.overlay = Some(Overlay::Prompt(Prompt::open(PromptKind::Tags(row.id), "")));
        }
        Action::Assign => {
            model.overlay = Some(Overlay::Prompt(Prompt::open(
                PromptKind::Assign(row.id),
                "",
            )));
        }
        Action::AssignMe => return change(model, row.id, assign(Some(agent))),
        Action::AssignNobody => return change(model, row.id, assign(None)),
        _ => {
            let asked = Some((action, Some(row.id)));
            if model.work.asked_twice != asked {
                model.work.asked_twice = asked;
                let words = format!("#{} becomes spam and leaves the queue.", row.number);
                let end = format!("{} once more does it.", model.key(action));
                model.notes.warn_before(&words, end, model.stage.now);
                return Vec::new();
            }
            model.work.asked_twice = None;
            let spam = Change {
                status: Some(Status::Spam),
                ..Change::default()
            };
            return change(model, row.id, spam);
        }
    }
    Vec::new()
}

/// Changes a ticket and says what would take it back.
pub fn change(model: &mut Model, ticket: TicketId, change: Change) -> Vec<Effect> {
    let Some(row) = model.queue.row_of(ticket) else {
        return Vec::new();
    };
    let undo = Change {
        status: change.status.map(|_| row.status),
        priority: change.priority.map(|_| row.priority),
        assignee: change.assignee.as_ref().map(|_| row.assignee.clone()),
        add_tags: change
            .remove_tags
            .iter()
            .filter(|tag| row.tags.contains(tag))
            .cloned()
            .collect(),
        remove_tags: change
            .add_tags
            .iter()
            .filter(|tag| !row.tags.contains(tag))
            .cloned()
            .collect(),
        release: false,
    };
    vec![Effect::Change {
        ticket,
        change,
        undo,
    }]
}
