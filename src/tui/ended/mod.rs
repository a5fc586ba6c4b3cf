//! What follows when something that was begun has ended.

mod drafts;
mod joining;
mod mailbox;
mod tables;
mod texts;

use self::{
    drafts::{drafted, edit_if_asked, spend_came, waiting},
    mailbox::mailbox,
    texts::{edited_outside, note_added, note_kept, reply_open, saved},
};
use super::{
    compare::ComparePage,
    effect::{Effect, ReceiptAsk},
    event::{Done, Trouble},
    model::{Model, Overlay},
    over,
    paint::safe,
    receipts,
    talk::news::is_outrun,
    work::Undo,
};
use crate::{
    config::action::Action,
    desk::{
        comparing::Compared,
        face::{QueuePage, ReceiptPage, RoutingView, TicketView},
        send::guard::Route,
    },
    domain::{Change, Draft, OutboxRow, Status, Ticket, TicketId},
};

/// Takes the end of something.
#[expect(
    clippy::too_many_lines,
    reason = "the list of all ends, a few lines each"
)]
pub fn took(model: &mut Model, done: Done) -> Vec<Effect> {
    match done {
        Done::Page { turn, page } => page_came(model, turn, page),
        Done::Ticket(ticket, Ok(view)) => {
            ticket_came(model, ticket, view);
            Vec::new()
        }
        Done::Compared(ticket, compared) => {
            compared_came(model, ticket, compared);
            Vec::new()
        }
        Done::Spend(Ok(spend)) => {
            spend_came(model, spend);
            Vec::new()
        }
        Done::Banners(banners, hint) => {
            model.notes.set_banners(banners);
            model.notes.set_hint(hint);
            Vec::new()
        }
        Done::Keys(cards) => keys_came(model, cards),
        end @ (Done::Accounts(_)
        | Done::Servers(..)
        | Done::KnownAccount(_)
        | Done::AccountAdded(_)) => mailbox(model, end),
        Done::Chains(view) => chains_came(model, view),
        Done::ChainSaved(result) => chain_saved(model, result),
        Done::Providers(links) => {
            if let Some(Overlay::Providers(screen)) = &mut model.overlay {
                match links {
                    Ok(links) => screen.took(links),
                    Err(trouble) => screen.failed(trouble.line()),
                }
            }
            Vec::new()
        }
        Done::LinkDone(result) => link_done(model, result),
        Done::Drilled(result) => {
            match (&mut model.overlay, result) {
                (Some(Overlay::Drill(page)), Ok(drilled)) => page.drilled = Some(drilled),
                (Some(Overlay::Drill(_)), Err(trouble)) => {
                    model.overlay = None;
                    model.notes.trouble(&trouble, model.stage.now);
                }
                _ => {}
            }
            Vec::new()
        }
        Done::Overview(days, view) => {
            let now = model.stage.now.mono;
            if let Some(Overlay::Overview(screen)) = &mut model.overlay {
                match view {
                    Ok(view) => screen.took(days, view, now),
                    Err(trouble) => screen.failed(trouble.line()),
                }
                let after = screen.go_on(now);
                return over::overview(model, after);
            }
            Vec::new()
        }
        Done::Receipts(ask, page) => receipts_came(model, &ask, page),
        Done::Exported(Ok(count)) => {
            let words = format!("{count} receipts are written.");
            model.notes.say(words, model.stage.now);
            Vec::new()
        }
        Done::CatchUp(Ok(list)) => {
            if let Some(Overlay::CatchUp(screen)) = &mut model.overlay {
                screen.took(list);
            }
            Vec::new()
        }
        Done::MissedDropped(Ok(())) => vec![Effect::LoadCatchUp, Effect::LoadSpend],
        Done::Outbox(Ok(rows)) => {
            if let Some(Overlay::Outbox(outbox)) = &mut model.overlay {
                outbox.took(rows);
            }
            Vec::new()
        }
        Done::Table(path, Ok(look)) => tables::came(model, path, *look),
        Done::TableTried(tried) => tables::tried(model, tried),
        Done::Imported(Ok(words)) => {
            model.notes.say(words, model.stage.now);
            let mut effects = vec![model.queue.reload()];
            if matches!(model.overlay, Some(Overlay::SetUp(_))) {
                effects.push(Effect::LoadAccounts);
            }
            effects
        }
        Done::Drafted(ticket, result) => drafted(model, ticket, result),
        Done::Saved { typed, draft } => saved(model, typed, draft),
        Done::Changed(Ok((ticket, undo))) => changed(model, &ticket, undo),
        Done::Queued(Ok(row), then) => queued(model, &row, then),
        Done::Withdrawn(Ok((draft, ticket))) => withdrawn(model, &draft, &ticket),
        Done::Sending(Ok(words)) => {
            model.notes.say(words, model.stage.now);
            let mut effects = vec![model.queue.reload()];
            effects.extend(model.here().and_then(|here| model.talk.reload(here)));
            if matches!(model.overlay, Some(Overlay::Outbox(_))) {
                effects.push(Effect::LoadOutbox);
            }
            effects
        }
        Done::MergeSeen(ticket, typed, seen) => joining::seen(model, (ticket, typed), seen),
        Done::Merged(ticket, Ok(into)) => joining::merged(model, ticket, into),
        Done::Files(ticket, Ok(files)) => {
            if let Some(Overlay::Files(screen)) = &mut model.overlay
                && screen.ticket == ticket
            {
                screen.files = Some(files);
            }
            Vec::new()
        }
        Done::FileDone(done) => {
            let words = match done {
                Ok(words) => words,
                Err(trouble) => trouble.line(),
            };
            if let Some(Overlay::Files(screen)) = &mut model.overlay {
                screen.said = Some(words);
            } else {
                model.notes.say(words, model.stage.now);
            }
            Vec::new()
        }
        Done::MadeTicket(Ok(number)) => {
            let words = format!(
                "Ticket #{number} is there. {} writes its first message.",
                model.key(Action::Edit)
            );
            model.notes.say(words, model.stage.now);
            // Another view or a filter may hide it: the next text must not go to whom it shows.
            model.work.go_to = Some(number);
            crate::tui::acts::act(model, Action::GoQueue)
        }
        Done::Discarded(ticket, Ok(draft)) => {
            model.work.remember(Undo::Discard(ticket, draft));
            let words = format!(
                "Draft discarded. {} brings it back.",
                model.key(Action::Undo)
            );
            model.notes.say(words, model.stage.now);
            reload(model, ticket)
        }
        Done::Restored(ticket, Ok(())) => {
            model.notes.say("The draft is back.", model.stage.now);
            reload(model, ticket)
        }
        Done::CapSet(Ok(spend)) => {
            let words = match model.meter.took(spend) {
                Some(_) => format!("The cap is set; AI work goes on.{}", waiting(model)),
                None => "The cap is set.".to_owned(),
            };
            model.notes.say(words, model.stage.now);
            Vec::new()
        }
        Done::KeyDone(_, result) => key_done(model, result),
        Done::EditedOutside(whose, result) => edited_outside(model, whose, result),
        Done::NoteKept(typed, kept) => note_kept(model, typed, kept),
        Done::NoteAdded(typed, added) => note_added(model, typed, added),
        Done::Stopped(_) => Vec::new(),
        Done::Ticket(_, Err(trouble))
        | Done::Spend(Err(trouble))
        | Done::Exported(Err(trouble))
        | Done::Outbox(Err(trouble))
        | Done::CatchUp(Err(trouble))
        | Done::MissedDropped(Err(trouble))
        | Done::Imported(Err(trouble))
        | Done::Table(_, Err(trouble))
        | Done::Changed(Err(trouble))
        | Done::Queued(Err(trouble), _)
        | Done::Withdrawn(Err(trouble))
        | Done::Sending(Err(trouble))
        | Done::Merged(_, Err(trouble))
        | Done::MadeTicket(Err(trouble))
        | Done::Files(_, Err(trouble))
        | Done::Discarded(_, Err(trouble))
        | Done::Restored(_, Err(trouble))
        | Done::CapSet(Err(trouble)) => {
            model.notes.trouble(&trouble, model.stage.now);
            Vec::new()
        }
    }
}

/// Says how a change or a try of a link went, and shows how it is now.
fn link_done(model: &mut Model, result: Result<String, Trouble>) -> Vec<Effect> {
    match result {
        Ok(words) => model.notes.say(safe(&words), model.stage.now),
        Err(trouble) => model.notes.trouble(&trouble, model.stage.now),
    }
    match &mut model.overlay {
        Some(Overlay::Providers(screen)) => {
            screen.tried();
            let after = screen.look_again();
            over::providers(model, after)
        }
        _ => Vec::new(),
    }
}

/// Takes a ticket, and says so where people wrote after its draft was begun.
fn ticket_came(model: &mut Model, ticket: TicketId, view: Box<TicketView>) {
    let now = model.stage.now.mono;
    if let Some(editor) = reply_open(model, ticket) {
        let revision = view.draft.as_ref().map(|draft| draft.revision);
        editor.rebase(revision, now);
    }
    if let Some(before) = model.talk.view_of(ticket) {
        let draft = |view: &TicketView| {
            let draft = view.draft.as_ref();
            draft.map(|draft| (draft.id, draft.revision, draft.state))
        };
        let is_longer = before.messages.len() < view.messages.len();
        let is_other = is_longer || draft(before) != draft(&view);
        let is_news =
            before.draft.is_some() && is_outrun(&view) && (is_longer || !is_outrun(before));
        let asked = model
            .work
            .asked_twice
            .is_some_and(|(_, of)| of == Some(ticket));
        if is_other && asked {
            // What was asked was asked of another draft.
            model.work.asked_twice = None;
        }
        if is_news {
            let words = "Somebody wrote again: your draft is held. Nothing was sent.";
            model.notes.warn(words, model.stage.now);
        }
    }
    model.talk.took(view);
    if model.work.run(ticket).is_none() {
        edit_if_asked(model, ticket);
    }
}

/// Shows a draft beside the text before it, unless the person has gone on.
fn compared_came(model: &mut Model, ticket: TicketId, compared: Result<Box<Compared>, Trouble>) {
    match compared {
        Ok(compared) => {
            let is_here = model.here() == Some(ticket) && model.editor.is_none();
            if is_here && model.overlay.is_none() {
                model.overlay = Some(Overlay::Compare(ComparePage::of(compared)));
            }
        }
        Err(trouble) => model.notes.trouble(&trouble, model.stage.now),
    }
}

fn receipts_came(
    model: &mut Model,
    ask: &ReceiptAsk,
    page: Result<Box<ReceiptPage>, Trouble>,
) -> Vec<Effect> {
    let room = receipts::view::room(model.layout().body);
    let Some(Overlay::Receipts(screen)) = &mut model.overlay else {
        return Vec::new();
    };
    match page {
        Ok(page) => {
            let after = screen.took(ask, *page, room);
            receipts::follow(model, after)
        }
        Err(trouble) => {
            screen.failed(ask, trouble.line());
            Vec::new()
        }
    }
}

fn page_came(model: &mut Model, turn: u64, page: Result<QueuePage, Trouble>) -> Vec<Effect> {
    match page {
        Ok(page) => {
            let is_first = !model.queue.is_loaded();
            let is_newest = model.queue.took(turn, page);
            if let Some(number) = model.work.go_to.take_if(|_| is_newest)
                && !model.queue.seek(|row| row.number == number)
            {
                let words = format!("Ticket #{number} is not on this page; filter for it.");
                model.notes.warn(words, model.stage.now);
            }
            // The tour opens on a ticket whose draft the backup wrote, its receipt beside it.
            if is_first && is_newest && model.stage.facts.is_demo {
                let by_backup = |row: &crate::domain::QueueRow| {
                    row.draft.as_ref().is_some_and(|draft| draft.is_fallback)
                };
                if !model.queue.row_here().is_some_and(by_backup) {
                    model.queue.seek(by_backup);
                }
            }
        }
        Err(trouble) => {
            model.queue.failed(turn);
            model.notes.trouble(&trouble, model.stage.now);
        }
    }
    Vec::new()
}

fn chains_came(model: &mut Model, view: Result<RoutingView, Trouble>) -> Vec<Effect> {
    match (view, &mut model.overlay) {
        (Ok(view), Some(Overlay::Routing(room))) => room.took(view),
        (Ok(_), _) => {}
        (Err(trouble), _) => model.notes.trouble(&trouble, model.stage.now),
    }
    Vec::new()
}

fn chain_saved(model: &mut Model, result: Result<String, Trouble>) -> Vec<Effect> {
    match &result {
        Ok(words) => model.notes.say(safe(words), model.stage.now),
        Err(trouble) => model.notes.trouble(trouble, model.stage.now),
    }
    if let Some(Overlay::Routing(room)) = &mut model.overlay
        && room.saved(result.map_err(|trouble| trouble.said))
    {
        model.overlay = None;
    }
    Vec::new()
}

fn keys_came(
    model: &mut Model,
    cards: Result<Vec<crate::desk::face::KeyCard>, Trouble>,
) -> Vec<Effect> {
    match (cards, &mut model.overlay) {
        (Ok(cards), Some(Overlay::Keys(screen))) => screen.took(cards),
        (Ok(cards), Some(Overlay::SetUp(setup))) => setup.cards = Some(cards),
        (Ok(_), _) => {}
        (Err(trouble), _) => model.notes.trouble(&trouble, model.stage.now),
    }
    Vec::new()
}

fn reload(model: &mut Model, ticket: TicketId) -> Vec<Effect> {
    let mut effects = vec![model.queue.reload()];
    effects.extend(model.talk.reload(ticket));
    effects
}

fn changed(model: &mut Model, ticket: &Ticket, undo: Change) -> Vec<Effect> {
    let key = model.key(Action::Undo);
    let words = if undo == Change::default() {
        format!("#{} is as it was before.", ticket.number)
    } else {
        let what = describe(ticket, &undo);
        model.work.remember(Undo::Change(ticket.id, undo));
        format!("#{} {what}. {key} takes it back.", ticket.number)
    };
    model.notes.say(words, model.stage.now);
    reload(model, ticket.id)
}

fn describe(ticket: &Ticket, undo: &Change) -> String {
    let mut parts = Vec::new();
    if undo.status.is_some() {
        parts.push(format!("is {} now", ticket.status));
    }
    if undo.priority.is_some() {
        let word = ticket
            .priority
            .map_or("none", crate::domain::Priority::word);
        parts.push(format!("has priority {word} now"));
    }
    if undo.assignee.is_some() {
        let to = ticket
            .assignee
            .as_deref()
            .map_or_else(|| "nobody".to_owned(), safe);
        parts.push(format!("belongs to {to} now"));
    }
    if parts.is_empty() {
        parts.push(format!("has the tags {} now", safe(&ticket.tags.join(" "))));
    }
    parts.join(", ")
}

fn queued(model: &mut Model, row: &OutboxRow, then: Status) -> Vec<Effect> {
    model.work.remember(Undo::Queued(row.ticket, row.id));
    let number = model.queue.row_of(row.ticket).map_or(0, |row| row.number);
    let undo = model.key(Action::Undo);
    let to = row.post.as_ref().map_or_else(String::new, |post| {
        format!(" to {}", safe(&Route::to_words(&post.letter.envelope)))
    });
    let words = match row.progress.held_until {
        Some(until) => {
            let left = until.duration_since(row.queued_at).as_secs();
            format!("Reply to #{number}{to} leaves in {left} s, then {then}. {undo} takes it back.")
        }
        None => format!(
            "Reply to #{number} is in the outbox. No account can send yet, so it waits there and \
             nothing has left; {then} follows when it has. {undo} brings it back."
        ),
    };
    model.notes.say(words, model.stage.now);
    let effects = reload(model, row.ticket);
    if model.here() == Some(row.ticket) {
        model.queue.move_by(1);
    }
    effects
}

/// Says whose reply came back, and goes to its ticket: the draft is to be seen.
fn withdrawn(model: &mut Model, draft: &Draft, ticket: &Ticket) -> Vec<Effect> {
    model.work.forget_queued(ticket.id);
    let is_in_outbox = matches!(model.overlay, Some(Overlay::Outbox(_)));
    let mut effects = Vec::new();
    let is_writing = model.editor.is_some();
    if !is_writing && !model.queue.seek(|row| row.id == ticket.id) && !is_in_outbox {
        // Another view or a filter hides it.
        model.work.go_to = Some(ticket.number);
        effects.extend(crate::tui::acts::act(model, Action::GoQueue));
    }
    effects.extend(reload(model, ticket.id));
    if is_in_outbox {
        effects.push(Effect::LoadOutbox);
    }
    let subject = crate::tui::words::subject(&ticket.subject);
    let reply = format!("The reply to #{} {subject} is back", ticket.number);
    let now = model.stage.now;
    if draft.may_have_left() {
        let look = "it may have left already: look before you send it again.";
        model.notes.warn(format!("{reply}; {look}"), now);
    } else {
        let words = format!("{reply}: it is the draft again.");
        model.notes.say(words, now);
    }
    effects
}

fn key_done(model: &mut Model, result: Result<String, Trouble>) -> Vec<Effect> {
    if let Some(Overlay::Keys(screen)) = &mut model.overlay {
        screen.waits = match &result {
            Ok(words) => Some(safe(words)),
            Err(trouble) => Some(safe(&trouble.line())),
        };
    }
    match result {
        Ok(words) => model.notes.say(safe(&words), model.stage.now),
        Err(trouble) => model.notes.trouble(&trouble, model.stage.now),
    }
    vec![Effect::LoadKeys, Effect::LoadBanners]
}
