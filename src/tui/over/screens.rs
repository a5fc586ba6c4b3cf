//! What follows a key of one of the screens that lie over the panes.

use super::plain_moves;
use crate::tui::{
    acts, catch_up,
    effect::Effect,
    files::{FileAct, FilesScreen},
    mailbox::{self, MailboxScreen},
    mapping,
    menu::Menu,
    model::{Model, Overlay},
    outbox::Outbox,
    overview,
    prompt::{Prompt, PromptKind},
    providers, receipts,
    routing::After,
    setup::Step,
};
use crate::{
    config::{action::Action, chord::Chord},
    desk::face::DraftAsk,
    domain::{Delivery, LinkName, TicketId},
};

pub(super) fn routing(model: &mut Model, chord: Chord, letter: Option<char>) -> Vec<Effect> {
    let Some(Overlay::Routing(room)) = &mut model.overlay else {
        return Vec::new();
    };
    if let Some(line) = room.line() {
        line.press(chord);
        return Vec::new();
    }
    match letter.map_or(After::Stay, |letter| room.letter(letter)) {
        After::Stay => Vec::new(),
        After::Close => {
            model.overlay = None;
            Vec::new()
        }
        After::Save(card) => vec![Effect::SaveChain(card)],
    }
}

/// Does what follows a key of the Providers screen.
pub fn providers(model: &mut Model, after: providers::After) -> Vec<Effect> {
    use providers::After;
    match after {
        After::Stay => Vec::new(),
        After::Close => {
            model.overlay = None;
            Vec::new()
        }
        After::Load => vec![Effect::LoadProviders],
        After::AskRest(whom) => {
            model.overlay = Some(Overlay::Menu(Menu::rest(&whom)));
            Vec::new()
        }
        After::Wake(whom) => vec![Effect::Wake(whom)],
        After::Probe(link) => vec![Effect::Probe(link)],
        After::Force(link) => {
            if let Some(ticket) = model.here() {
                if has_draft(model, ticket) && !is_asked_again(model, ticket) {
                    return Vec::new();
                }
                model.overlay = None;
                return acts::begin(model, forced(ticket, link));
            }
            let words = "No ticket is under the cursor of the queue.";
            model.notes.say(words, model.stage.now);
            Vec::new()
        }
        After::Keys => acts::act(model, Action::Keys),
    }
}

/// Asks for a draft that a link is asked for first, whatever speaks against it.
pub(super) const fn forced(ticket: TicketId, link: LinkName) -> DraftAsk {
    DraftAsk {
        ticket,
        chain: None,
        hint: None,
        force: Some(link),
    }
}

/// Does what follows a key of the Overview screen.
pub fn overview(model: &mut Model, after: overview::After) -> Vec<Effect> {
    match after {
        overview::After::Stay => Vec::new(),
        overview::After::Close => {
            model.overlay = None;
            Vec::new()
        }
        overview::After::Load(days) => vec![Effect::LoadOverview(days)],
        overview::After::Swap => acts::act(model, Action::SwapProviders),
        overview::After::Receipts(query) => receipts::open_from(model, &query),
    }
}

pub(super) fn catch_up(model: &mut Model, after: catch_up::After) -> Vec<Effect> {
    match after {
        catch_up::After::Stay => Vec::new(),
        catch_up::After::Close => {
            model.overlay = None;
            Vec::new()
        }
        catch_up::After::Drop(ticket) => vec![Effect::DropMissed(ticket)],
        catch_up::After::Draft(asks) => {
            model.work.wanted.extend(asks);
            acts::begin_wanted(model)
        }
    }
}

/// Does what a letter means on the Mapping screen.
pub(super) fn mapping_letter(model: &mut Model, letter: Option<char>) -> Vec<Effect> {
    let (Some(Overlay::Mapping(screen)), Some(letter)) = (&mut model.overlay, letter) else {
        return Vec::new();
    };
    let after = screen.letter(letter);
    mapping(model, after)
}

/// Does what follows a key of the Mapping screen.
pub(super) fn mapping(model: &mut Model, after: mapping::After) -> Vec<Effect> {
    match after {
        mapping::After::Stay => Vec::new(),
        mapping::After::Close => {
            model.overlay = None;
            Vec::new()
        }
        mapping::After::Look(ask) => vec![Effect::LookAtTable(Box::new(ask))],
        mapping::After::Try(ask) => vec![Effect::TryTable(Box::new(ask))],
        mapping::After::Import(ask) => {
            model.overlay = None;
            model.notes.say("Filing the table …", model.stage.now);
            vec![Effect::ImportTable(Box::new(ask))]
        }
    }
}

pub(super) fn keys(model: &mut Model, letter: Option<char>) -> Vec<Effect> {
    let Some(Overlay::Keys(screen)) = &mut model.overlay else {
        return Vec::new();
    };
    let Some(card) = screen.here().cloned() else {
        plain_moves(model, letter);
        return Vec::new();
    };
    match letter {
        Some('m') if card.models.is_empty() => {
            let words = "No model of it is known; name one in the config as default_model.";
            model.notes.say(words, model.stage.now);
        }
        Some('m') => {
            let menu = Menu::models(&card.provider, &card.models, card.default_model.as_deref());
            model.overlay = Some(Overlay::Menu(menu));
        }
        Some('a' | 'x') if model.stage.facts.is_demo => {
            let words = "The demo's providers are simulated and take no key; t asks one again. \
                         `Set up my desk` leads to your own.";
            model.notes.say(words, model.stage.now);
        }
        Some('a') => {
            let prompt = Prompt::open(PromptKind::Key(card.provider), "");
            model.overlay = Some(Overlay::Prompt(prompt));
        }
        Some('t') => {
            screen.waits = Some(format!("asking {} …", card.provider));
            return vec![Effect::TestKey(card.provider)];
        }
        Some('x') => model.overlay = Some(Overlay::Menu(Menu::remove_key(&card.provider))),
        Some('w' | 'W') => return vec![Effect::SwapProviders],
        other => plain_moves(model, other),
    }
    Vec::new()
}

/// Lets the reply under the cursor leave; of one that may have left it is asked twice.
pub(super) fn send_now(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Outbox(outbox)) = &model.overlay else {
        return Vec::new();
    };
    let Some(row) = outbox.here() else {
        return Vec::new();
    };
    let (id, ticket, delivery) = (row.id, row.ticket, row.progress.delivery);
    let asked = Some((Action::GoOutbox, Some(ticket)));
    if delivery == Delivery::Unsure && model.work.asked_twice != asked {
        model.work.asked_twice = asked;
        let words =
            "It may have left already: the customer may get it twice. Enter again sends it.";
        model.notes.warn(words, model.stage.now);
        return Vec::new();
    }
    model.work.asked_twice = None;
    vec![Effect::Release(id)]
}

/// Notes that the reply under the cursor, of which nobody knew, has left.
pub(super) fn was_sent(outbox: &Outbox) -> Vec<Effect> {
    let unsure = outbox
        .here()
        .filter(|row| row.progress.delivery == Delivery::Unsure);
    unsure
        .map(|row| Effect::WasSent(row.id))
        .into_iter()
        .collect()
}

/// Does something with a received file.
pub(super) fn file_act(screen: &FilesScreen, act: FileAct) -> Vec<Effect> {
    match act {
        FileAct::Save(place) => vec![Effect::SaveFile(screen.ticket, place)],
        FileAct::Open(place) => vec![Effect::OpenFile(screen.ticket, place)],
        FileAct::Nothing => Vec::new(),
    }
}

pub(super) fn bring_back(outbox: &Outbox) -> Vec<Effect> {
    let row = outbox.here().map(|row| row.id);
    row.map(Effect::Withdraw).into_iter().collect()
}

pub(super) fn set_up(model: &mut Model, step: Step, place: usize) -> Vec<Effect> {
    if model.stage.facts.is_demo {
        model.work.is_leaving = true;
        return vec![Effect::OwnDesk];
    }
    model.stage.setting_up = Some(place);
    match step {
        Step::Mailbox => {
            model.overlay = Some(Overlay::Mailbox(Box::new(MailboxScreen::open())));
            Vec::new()
        }
        Step::Key => acts::act(model, Action::Keys),
        Step::Cap => acts::ask_for_cap(model),
        Step::Import => {
            model.overlay = Some(Overlay::Prompt(Prompt::open(PromptKind::Import, "")));
            Vec::new()
        }
    }
}

/// Does what follows a key of the setting up of a mailbox.
pub(in crate::tui) fn mailbox(after: mailbox::After) -> Vec<Effect> {
    use mailbox::After;
    match after {
        After::Stay => Vec::new(),
        After::Find(address) => vec![Effect::FindServers(address)],
        After::Add(account, password) => vec![Effect::AddAccount(account, password)],
        After::SignIn(account) => vec![Effect::SignIn(account)],
    }
}

pub(super) fn run(action: Option<Action>, model: &mut Model) -> Vec<Effect> {
    let Some(action) = action else {
        return Vec::new();
    };
    model.overlay = None;
    acts::act(model, action)
}

fn has_draft(model: &Model, ticket: TicketId) -> bool {
    let row = model.queue.row_of(ticket);
    row.is_some_and(|row| row.draft.is_some())
}

/// Tells whether a redraft was asked for twice; says what it means after the first time.
fn is_asked_again(model: &mut Model, ticket: TicketId) -> bool {
    let asked = Some((Action::Redraft, Some(ticket)));
    if model.work.asked_twice == asked {
        model.work.asked_twice = None;
        return true;
    }
    model.work.asked_twice = asked;
    let words = "This ticket has a draft: f again redrafts it, and the old text is kept.";
    model.notes.warn(words, model.stage.now);
    false
}
