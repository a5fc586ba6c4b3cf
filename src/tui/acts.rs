//! What each action means at the desk and in the editor.

use std::time::Duration;

use super::{
    editor::{Editor, Start},
    effect::Effect,
    help::Help,
    keys::KeysScreen,
    layout::Shape,
    menu::Menu,
    model::{Focus, Model, Overlay, Part},
    palette::Palette,
    panel::{self, Feed},
    prompt::{Prompt, PromptKind},
    queue::View,
    setup::SetUp,
    talk::{self, draft::Sight},
    work::{RUNS_AT_ONCE, Undo},
};
use crate::{
    config::action::Action,
    desk::face::DraftAsk,
    domain::{Change, LinkName, QueueRow, Status, TicketId},
};

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
        | Action::PreviousTicket => travel(model, action),
        Action::NextPane
        | Action::PreviousPane
        | Action::Open
        | Action::Back
        | Action::Cancel
        | Action::PartTalk
        | Action::PartDraft
        | Action::PartReceipt
        | Action::PartCustomer => focus(model, action),
        Action::Draft
        | Action::Redraft
        | Action::Edit
        | Action::ExternalEditor
        | Action::Save
        | Action::Discard
        | Action::SendSolve
        | Action::SendPending
        | Action::Undo => writing(model, action),
        Action::Status
        | Action::Tags
        | Action::Priority
        | Action::AssignMe
        | Action::AssignNobody
        | Action::Assign
        | Action::Spam => ticket(model, action),
        Action::Filter
        | Action::GoQueue
        | Action::GoMine
        | Action::GoAll
        | Action::GoFallback
        | Action::GoSystem
        | Action::GoOutbox
        | Action::GoReceipts
        | Action::Quoted => finding(model, action),
        Action::Keys
        | Action::SwapProviders
        | Action::RaiseCap
        | Action::SetUp
        | Action::TryDemo
        | Action::Palette
        | Action::Help
        | Action::Redraw
        | Action::Suspend
        | Action::Quit => program(model, action),
    });
    effects
}

/// Saves what is typed and closes the editor.
pub fn leave_editor(model: &mut Model) -> Vec<Effect> {
    let Some(mut editor) = model.editor.take() else {
        return Vec::new();
    };
    if let Some(view) = model.talk.view_of_mut(editor.ticket())
        && let Some(draft) = &mut view.draft
    {
        draft.text = editor.text();
    }
    let mut effects: Vec<Effect> = editor.save().into_iter().collect();
    effects.push(model.queue.reload());
    effects
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller hands over the actions named here and no other"
)]
fn travel(model: &mut Model, action: Action) -> Vec<Effect> {
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
fn focus(model: &mut Model, action: Action) -> Vec<Effect> {
    let stage = &mut model.stage;
    match action {
        Action::Open => {
            if stage.focus == Focus::Queue {
                stage.focus = Focus::Talk;
                if matches!(stage.part, Part::Receipt | Part::Customer) {
                    stage.part = Part::Talk;
                }
            }
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
fn cancel(model: &mut Model) -> Vec<Effect> {
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

/// Leaves; asks once more where drafts run or something could not be saved.
fn leave(model: &mut Model, key: Action) -> Vec<Effect> {
    let unsaved = model.editor.as_ref().is_some_and(Editor::is_dirty);
    let runs = model.work.runs.len();
    let asked = model
        .work
        .asked_twice
        .is_some_and(|(action, _)| action == Action::Quit);
    if (runs > 0 || unsaved) && !asked {
        model.work.asked_twice = Some((Action::Quit, None));
        let what = if unsaved {
            "Typed text is not saved yet"
        } else {
            "A draft is being written"
        };
        let words = format!("{what}; leaving stops it. {} again leaves.", model.key(key));
        model.notes.warn(words, model.stage.now);
        return Vec::new();
    }
    model.work.is_leaving = true;
    vec![Effect::Leave]
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller hands over the actions named here and no other"
)]
fn writing(model: &mut Model, action: Action) -> Vec<Effect> {
    let now = model.stage.now;
    if action == Action::Undo {
        return undo(model);
    }
    let Some(here) = model.here() else {
        model.notes.say("No ticket is under the cursor.", now);
        return Vec::new();
    };
    match action {
        Action::Draft => draft(model, here),
        Action::Redraft => redraft(model, here),
        Action::Edit => edit(model, here),
        Action::ExternalEditor => edit_outside(model, here),
        Action::Discard => discard(model, here),
        Action::SendSolve => send(model, here, (action, Status::Solved)),
        Action::SendPending => send(model, here, (action, Status::Pending)),
        _ => Vec::new(),
    }
}

fn draft(model: &mut Model, here: TicketId) -> Vec<Effect> {
    let now = model.stage.now;
    let is_free = |model: &Model, row: &QueueRow| {
        row.draft.is_none() && !row.has_held_reply && model.work.run(row.id).is_none()
    };
    let is_running = model.work.run(here).is_some();
    let has_draft = matches!(
        talk::draft::sight(model, here),
        Sight::Draft(_) | Sight::Held(_)
    ) || model
        .queue
        .row_of(here)
        .is_some_and(|row| row.draft.is_some() || row.has_held_reply);
    if !is_running && !has_draft {
        return begin(
            model,
            DraftAsk {
                ticket: here,
                chain: None,
                hint: None,
            },
        );
    }
    if model.stage.facts.is_demo {
        let busy: Vec<TicketId> = model.work.runs.iter().map(|run| run.ticket).collect();
        let is_next =
            |row: &QueueRow| row.draft.is_none() && !row.has_held_reply && !busy.contains(&row.id);
        let free = model
            .queue
            .row_here()
            .is_some_and(|row| is_free(model, row));
        if !free && model.queue.seek(is_next) {
            let next = model.queue.here().unwrap_or(here);
            return begin(
                model,
                DraftAsk {
                    ticket: next,
                    chain: None,
                    hint: None,
                },
            );
        }
    }
    let redraft = model.key(Action::Redraft);
    let words = if is_running {
        format!(
            "A draft is being written here; {} stops it.",
            model.key(Action::Cancel)
        )
    } else {
        format!("This ticket has a draft. `{redraft}` redrafts; the old text is kept.")
    };
    model.notes.say(words, now);
    Vec::new()
}

/// Starts a draft, unless as many run already as may.
pub fn begin(model: &mut Model, ask: DraftAsk) -> Vec<Effect> {
    let now = model.stage.now;
    if model.work.run(ask.ticket).is_some() {
        return Vec::new();
    }
    if model.work.runs.len() >= RUNS_AT_ONCE {
        model.notes.warn(
            "Three drafts are being written: wait for one, or stop one with Esc.",
            now,
        );
        return Vec::new();
    }
    if model.meter.is_cap_missing() && !model.stage.facts.is_demo {
        return ask_for_cap(model);
    }
    let number = model.queue.row_of(ask.ticket).map_or(0, |row| row.number);
    model.work.begin(ask.ticket, number, now);
    model.talk.draft_top = None;
    model.notes.clear();
    vec![Effect::Draft(ask)]
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

fn redraft(model: &mut Model, here: TicketId) -> Vec<Effect> {
    if model.work.run(here).is_some() {
        let words = format!(
            "A draft is being written here; {} stops it.",
            model.key(Action::Cancel)
        );
        model.notes.say(words, model.stage.now);
        return Vec::new();
    }
    let other = model.talk.view_of(here).and_then(|view| {
        let receipt = view
            .receipts
            .first()
            .filter(|receipt| receipt.chain.len() > 1)?;
        let answered = &receipt.answer()?.link;
        let place = receipt.chain.iter().position(|link| link == answered)?;
        let mut chain: Vec<LinkName> = receipt.chain.clone();
        chain.rotate_left(place + 1);
        Some(chain)
    });
    model.overlay = Some(Overlay::Menu(Menu::redraft(here, other)));
    Vec::new()
}

fn edit(model: &mut Model, here: TicketId) -> Vec<Effect> {
    if model.work.run(here).is_some() {
        model.work.edit_after = Some(here);
        return cancel(model);
    }
    open_editor(model, here);
    Vec::new()
}

/// Opens the reply of the ticket under the cursor, the draft as its start.
pub fn open_editor(model: &mut Model, here: TicketId) {
    let Some(view) = model.talk.view_of(here) else {
        return;
    };
    let draft = view.draft.as_ref();
    let start = Start {
        ticket: here,
        number: view.ticket.number,
        text: draft.map(|draft| draft.text.clone()).unwrap_or_default(),
        revision: draft.map(|draft| draft.revision),
    };
    model.stage.focus = Focus::Talk;
    model.stage.part = Part::Draft;
    model.editor = Some(Editor::open(start));
}

fn edit_outside(model: &mut Model, here: TicketId) -> Vec<Effect> {
    if model.editor.is_none() {
        if model.work.run(here).is_some() {
            return edit(model, here);
        }
        open_editor(model, here);
    }
    let Some(editor) = &mut model.editor else {
        return Vec::new();
    };
    let edit = Effect::EditOutside {
        ticket: editor.ticket(),
        number: editor.number(),
        text: editor.text(),
    };
    editor.save().into_iter().chain([edit]).collect()
}

fn discard(model: &mut Model, here: TicketId) -> Vec<Effect> {
    let draft = model
        .talk
        .view_of(here)
        .and_then(|view| view.draft.as_ref())
        .map(|draft| draft.id);
    let Some(id) = draft else {
        model
            .notes
            .say("There is no draft to discard.", model.stage.now);
        return Vec::new();
    };
    vec![Effect::Discard(here, id)]
}

fn send(model: &mut Model, here: TicketId, (action, then): (Action, Status)) -> Vec<Effect> {
    let now = model.stage.now;
    let Sight::Draft(draft) = talk::draft::sight(model, here) else {
        let words = format!(
            "There is no reply to send here. {} drafts one, {} writes one.",
            model.key(Action::Draft),
            model.key(Action::Edit)
        );
        model.notes.say(words, now);
        return Vec::new();
    };
    let flags = talk::draft::flags(draft);
    let asked = model.work.asked_twice == Some((action, Some(here)));
    if let Some(flags) = flags.filter(|_| !asked) {
        model.work.asked_twice = Some((action, Some(here)));
        let words = format!(
            "Look again: {flags}. {} once more puts it into the outbox.",
            model.key(action)
        );
        model.notes.warn(words, now);
        return Vec::new();
    }
    model.work.asked_twice = None;
    vec![Effect::QueueReply(here, then)]
}

fn undo(model: &mut Model) -> Vec<Effect> {
    match model.work.take_back() {
        Some(Undo::Change(ticket, change)) => {
            vec![Effect::Change {
                ticket,
                change,
                undo: Change::default(),
            }]
        }
        Some(Undo::Discard(ticket, draft)) => vec![Effect::Restore(ticket, draft)],
        Some(Undo::Queued(_, row)) => vec![Effect::Withdraw(row)],
        None => {
            let held = model
                .here()
                .and_then(|here| match talk::draft::sight(model, here) {
                    Sight::Held(row) => Some(Effect::Withdraw(row.id)),
                    Sight::Running(_) | Sight::Draft(_) | Sight::Nothing => None,
                });
            if held.is_none() {
                model
                    .notes
                    .say("There is nothing to undo.", model.stage.now);
            }
            held.into_iter().collect()
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller hands over the actions named here and no other"
)]
fn ticket(model: &mut Model, action: Action) -> Vec<Effect> {
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
    };
    vec![Effect::Change {
        ticket,
        change,
        undo,
    }]
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller hands over the actions named here and no other"
)]
fn finding(model: &mut Model, action: Action) -> Vec<Effect> {
    let view = match action {
        Action::Filter => {
            let filter = model.queue.filter().to_owned();
            model.overlay = Some(Overlay::Prompt(Prompt::open(PromptKind::Filter, &filter)));
            return Vec::new();
        }
        Action::GoReceipts => {
            model.overlay = Some(Overlay::Feed(Feed::default()));
            return vec![Effect::LoadReceipts];
        }
        Action::Quoted => {
            model.talk.shows_quoted = !model.talk.shows_quoted;
            return Vec::new();
        }
        Action::GoMine => View::Mine,
        Action::GoAll => View::All,
        Action::GoFallback => View::Fallback,
        Action::GoSystem => View::System,
        Action::GoOutbox => {
            let held = |row: &QueueRow| row.has_held_reply;
            if !model.queue.seek(held) {
                model.notes.say(
                    "No reply waits in the outbox of the tickets shown here.",
                    model.stage.now,
                );
            }
            return Vec::new();
        }
        _ => View::Unsolved,
    };
    model.stage.focus = Focus::Queue;
    model.stage.part = Part::Talk;
    vec![model.queue.go(view)]
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller hands over the actions named here and no other"
)]
fn program(model: &mut Model, action: Action) -> Vec<Effect> {
    let facts = std::sync::Arc::clone(&model.stage.facts);
    match action {
        Action::Keys => {
            model.overlay = Some(Overlay::Keys(KeysScreen::default()));
            vec![Effect::LoadKeys]
        }
        Action::SetUp => {
            model.overlay = Some(Overlay::SetUp(SetUp::default()));
            vec![Effect::LoadKeys]
        }
        Action::SwapProviders => vec![Effect::SwapProviders],
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
