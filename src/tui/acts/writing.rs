//! Drafts and replies: made, edited, thrown away, put into the outbox, brought back.

use super::{
    super::{
        editor::{Editor, Start},
        effect::Effect,
        menu::Menu,
        model::{Focus, Model, Overlay, Part},
        paint,
        strays::Writing,
        talk::{self, draft::Sight},
        work::{RUNS_AT_ONCE, Undo},
    },
    moving::{cancel, saw},
    program::ask_for_cap,
};
use crate::{
    config::action::Action,
    desk::{
        face::DraftAsk,
        send::{Approval, guard::unread_ai, letter::messages_of_people},
    },
    domain::{Change, Draft, DraftState, QueueRow, Status, TicketId},
};

/// Saves what is typed and closes the editor; a text that could not be saved stays open.
pub fn leave_editor(model: &mut Model) -> Vec<Effect> {
    let Some(mut editor) = model.editor.take() else {
        return Vec::new();
    };
    if editor.has_failed() {
        // The text is here and nowhere else: it stays open until it is on disk.
        let save = editor.save();
        model.editor = Some(editor);
        model
            .notes
            .warn("The text is not saved; trying again.", model.stage.now);
        return save.into_iter().collect();
    }
    if let Some(view) = model.talk.view_of_mut(editor.ticket()) {
        match (editor.writing(), &mut view.draft) {
            (Writing::Reply, Some(draft)) => draft.text = editor.text(),
            (Writing::Reply, None) => {}
            (Writing::Note, _) => {
                let text = editor.text();
                if !text.trim().is_empty() {
                    let words = "The note is kept, and not added yet.";
                    model.notes.say(words, model.stage.now);
                }
                view.note = Some(text).filter(|text| !text.trim().is_empty());
            }
        }
    }
    if editor.is_dirty() {
        model.work.closed_on(editor.typed());
    }
    let mut effects: Vec<Effect> = if editor.has_collided() {
        // What was in the way is kept as a revision; the text must not wait for its reading.
        vec![Effect::SaveOver(editor.typed())]
    } else {
        editor.save().into_iter().collect()
    };
    effects.push(model.queue.reload());
    effects
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller hands over the actions named here and no other"
)]
pub(super) fn writing(model: &mut Model, action: Action) -> Vec<Effect> {
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
        Action::Keep => keep(model, here),
        Action::Compare => vec![Effect::Compare(here)],
        Action::SendSolve => send(model, here, (action, Status::Solved)),
        Action::SendPending => send(model, here, (action, Status::Pending)),
        _ => Vec::new(),
    }
}

fn draft(model: &mut Model, here: TicketId) -> Vec<Effect> {
    let now = model.stage.now;
    let is_free = |model: &Model, row: &QueueRow| {
        row.draft.is_none() && row.open_reply.is_none() && model.work.run(row.id).is_none()
    };
    let is_running = model.work.run(here).is_some();
    let has_draft = matches!(
        talk::draft::sight(model, here),
        Sight::Draft(_) | Sight::Held(_)
    ) || model
        .queue
        .row_of(here)
        .is_some_and(|row| row.draft.is_some() || row.open_reply.is_some());
    if !is_running && !has_draft {
        return begin(
            model,
            DraftAsk {
                ticket: here,
                chain: None,
                hint: None,
                force: None,
            },
        );
    }
    if model.stage.facts.is_demo {
        let busy: Vec<TicketId> = model.work.runs.iter().map(|run| run.ticket).collect();
        let is_next = |row: &QueueRow| {
            row.draft.is_none() && row.open_reply.is_none() && !busy.contains(&row.id)
        };
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
                    force: None,
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

/// Starts drafts that were asked for together, as many as may run at once.
pub fn begin_wanted(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    while model.work.runs.len() < RUNS_AT_ONCE
        && let Some(ask) = model.work.wanted.pop_front()
    {
        effects.extend(begin(model, ask));
    }
    effects
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
    let last = model
        .talk
        .view_of(here)
        .and_then(|view| view.receipts.first());
    let others = last.map_or_else(Vec::new, |receipt| {
        let wrote = receipt.answer().map(|answer| &answer.link);
        let links = receipt.chain.iter().filter(|link| Some(*link) != wrote);
        links.cloned().collect()
    });
    model.overlay = Some(Overlay::Menu(Menu::redraft(here, others)));
    Vec::new()
}

fn edit(model: &mut Model, here: TicketId) -> Vec<Effect> {
    if model.work.run(here).is_some() {
        model.work.edit_after = Some(here);
        return cancel(model);
    }
    open_editor(model, here);
    saw(model)
}

/// Opens the reply of the ticket under the cursor, the draft as its start.
pub fn open_editor(model: &mut Model, here: TicketId) {
    let Some(view) = model.talk.view_of(here) else {
        // Still being read: the editor opens as soon as it has come.
        model.work.edit_after = Some(here);
        return;
    };
    let draft = view.draft.as_ref();
    let stray = model.work.newest_typed(here, Writing::Reply);
    let is_stray = stray.is_some();
    let start = Start {
        writing: Writing::Reply,
        ticket: here,
        number: view.ticket.number,
        seen: match &stray {
            Some(typed) => typed.seen,
            None => Some(messages_of_people(&view.messages)),
        },
        text: stray
            .map(|typed| typed.text)
            .or_else(|| draft.map(|draft| draft.text.clone()))
            .unwrap_or_default(),
        revision: draft.map(|draft| draft.revision),
    };
    let mut editor = Editor::open(start);
    if is_stray {
        editor.not_on_disk(model.stage.now.mono);
    }
    model.stage.focus = Focus::Talk;
    model.stage.part = Part::Draft;
    model.editor = Some(editor);
}

/// Opens the note of the ticket under the cursor: the one that was begun, else a new one.
pub(super) fn open_note(model: &mut Model, here: TicketId) {
    let Some(view) = model.talk.view_of(here) else {
        let words = "The ticket is still being read; once more in a moment.";
        return model.notes.say(words, model.stage.now);
    };
    let (number, begun) = (view.ticket.number, view.note.clone());
    let stray = model.work.newest_typed(here, Writing::Note);
    let is_stray = stray.is_some();
    let mut editor = Editor::open(Start {
        writing: Writing::Note,
        ticket: here,
        number,
        text: stray.map(|typed| typed.text).or(begun).unwrap_or_default(),
        revision: None,
        seen: None,
    });
    if is_stray {
        editor.not_on_disk(model.stage.now.mono);
    }
    model.stage.focus = Focus::Talk;
    model.stage.part = Part::Draft;
    model.editor = Some(editor);
}

/// Adds the note that is being written to its ticket.
pub(super) fn add_note(model: &mut Model) -> Vec<Effect> {
    let Some(editor) = model.editor.take() else {
        return Vec::new();
    };
    let typed = editor.typed();
    if typed.text.trim().is_empty() {
        model.notes.say("The note has no words.", model.stage.now);
        model.editor = Some(editor);
        return Vec::new();
    }
    model.work.closed_on(typed.clone());
    vec![Effect::AddNote(typed)]
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
    let edit = Effect::EditOutside(editor.typed());
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

/// Keeps a draft that a new message made stale, once that could be read. Who presses too early, or
/// holds the key down, has to look anew.
pub(super) fn keep(model: &mut Model, here: TicketId) -> Vec<Effect> {
    let now = model.stage.now;
    let newest = talk::news::news(model, here).and_then(|news| Some(news.newest?.id));
    if let Some(newest) = newest
        && !model.talk.was_news_read(newest, now.mono)
    {
        model.talk.shows_news(None, now.mono);
        let words = "A new message came: read it first, then keep the draft.";
        model.notes.say(words, now);
        return Vec::new();
    }
    let asked = Some((Action::Open, Some(here)));
    if !stands_whole(model, here) && model.work.asked_twice != asked {
        model.work.asked_twice = asked;
        let words = "Something new came, and not all of it stands here: read it above.";
        let end = format!("{} once more keeps the draft.", model.key(Action::Open));
        model.notes.warn_before(words, end, now);
        return Vec::new();
    }
    model.work.asked_twice = None;
    let view = model.talk.view_of(here);
    let Some(seen) = view.map(|view| messages_of_people(&view.messages)) else {
        return Vec::new();
    };
    let mut effects = saw(model);
    effects.push(Effect::Keep(here, seen));
    effects
}

/// Tells whether all that came after the draft stands above it.
fn stands_whole(model: &Model, here: TicketId) -> bool {
    let Some(news) = talk::news::news(model, here) else {
        return true;
    };
    let place = model.layout().talk;
    place.is_some_and(|area| {
        let area = talk::view::areas(area, model).news;
        talk::news::is_whole(&news, model, area)
    })
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
    let seen = draft.text.clone();
    let knows_stale = draft.state == DraftState::Stale;
    let flags = look_again(model, here, draft);
    let asked = model.work.asked_twice == Some((action, Some(here)));
    if let Some(flags) = flags.filter(|_| !asked) {
        model.work.asked_twice = Some((action, Some(here)));
        let end = format!("{} once more sends it.", model.key(action));
        model.notes.warn_before(&format!("{flags}."), end, now);
        return Vec::new();
    }
    model.work.asked_twice = None;
    let seen_messages = model
        .talk
        .view_of(here)
        .map(|view| messages_of_people(&view.messages));
    vec![Effect::QueueReply(Approval {
        ticket: here,
        then,
        seen,
        seen_messages,
        knows_stale,
    })]
}

/// Returns to whom the reply goes and why it is to be looked at again; none where one key is
/// enough.
fn look_again(model: &Model, here: TicketId, draft: &Draft) -> Option<String> {
    let view = model.talk.view_of(here)?;
    let ai = unread_ai(draft).map(str::to_owned);
    let mut reasons: Vec<String> = talk::draft::flags(view, draft)
        .into_iter()
        .chain(ai)
        .collect();
    if !model.talk.was_read(draft, model.stage.now.mono) {
        reasons.push("its last line was not on the screen for a second".to_owned());
    }
    let to = paint::safe(&view.route.words_in_short());
    (!reasons.is_empty()).then(|| format!("To {to}. Look again: {}", reasons.join("; ")))
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
        Some(Undo::Merged(ticket)) => vec![Effect::Unmerge(ticket)],
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
