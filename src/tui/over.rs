//! Keys while something lies over the panes.

use std::path::PathBuf;

use secrecy::SecretString;

use super::{
    acts, catch_up,
    drill::DrillPage,
    effect::Effect,
    help::Help,
    menu::{Choice, Menu},
    model::{Model, Overlay},
    outbox::Outbox,
    overview, paint,
    prompt::{Prompt, PromptKind},
    providers, receipts,
    routing::After,
    setup::{SetUp, Step},
};
use crate::{
    config::{
        action::Action,
        chord::{Chord, Key},
        env,
    },
    desk::{
        drill::{DrillError, DrillPlan},
        face::{DraftAsk, KeyCard, KeyOrigin},
    },
    domain::{Cap, Change, LinkName, TicketId, Usd},
};

/// Does what a key of pickers means.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let was_steps = matches!(model.overlay, Some(Overlay::SetUp(_)));
    let mut effects = picker(model, action);
    effects.extend(after(model, was_steps));
    effects
}

/// The list of steps comes back when what was gone to from it is closed.
fn after(model: &mut Model, was_steps: bool) -> Option<Effect> {
    if model.overlay.is_some() || model.work.is_leaving {
        return None;
    }
    let step = model.stage.setting_up.take().filter(|_| !was_steps)?;
    model.stage.setting_up = Some(step);
    model.overlay = Some(Overlay::SetUp(SetUp::at(step)));
    Some(Effect::LoadKeys)
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
    let letter = match (chord.key, chord.ctrl, chord.alt) {
        (Key::Char(c), false, false) => Some(c),
        _ => None,
    };
    match &mut model.overlay {
        Some(Overlay::Palette(palette)) => {
            palette.press(chord);
        }
        Some(Overlay::Help(help)) => {
            help.line.press(chord);
            help.top = 0;
        }
        Some(Overlay::Prompt(prompt)) => {
            prompt.line.press(chord);
            prompt.trouble = None;
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
        Some(Overlay::CatchUp(screen)) => {
            let after = letter.map(|letter| screen.letter(letter));
            return after.map_or_else(Vec::new, |after| catch_up(model, after));
        }
        Some(Overlay::Outbox(outbox)) if letter == Some('u') => {
            return bring_back(outbox);
        }
        Some(Overlay::Receipts(screen)) => {
            let after = screen.press(chord, now);
            return receipts::follow(model, after);
        }
        Some(Overlay::Outbox(_) | Overlay::SetUp(_) | Overlay::Drill(_)) => {
            plain_moves(model, letter);
        }
        None => {}
    }
    Vec::new()
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
        Some(Overlay::Routing(room)) => {
            if room.escape() == After::Close {
                model.overlay = None;
            }
        }
        _ => model.overlay = None,
    }
    Vec::new()
}

fn routing(model: &mut Model, chord: Chord, letter: Option<char>) -> Vec<Effect> {
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
const fn forced(ticket: TicketId, link: LinkName) -> DraftAsk {
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

fn catch_up(model: &mut Model, after: catch_up::After) -> Vec<Effect> {
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
        Some(Overlay::Overview(screen)) => screen.move_by(rows),
        Some(Overlay::CatchUp(screen)) => screen.move_by(rows),
        Some(Overlay::Outbox(outbox)) => outbox.move_by(rows),
        Some(Overlay::SetUp(setup)) => setup.move_by(rows),
        Some(Overlay::Prompt(_)) | None => {}
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
        Some(Overlay::CatchUp(screen)) => {
            let after = screen.enter();
            catch_up(model, after)
        }
        Some(Overlay::Outbox(outbox)) => bring_back(outbox),
        Some(Overlay::SetUp(setup)) => {
            let (step, place) = (setup.chosen(), setup.cursor);
            set_up(model, step, place)
        }
        Some(Overlay::Help(_) | Overlay::Providers(_) | Overlay::Drill(_)) | None => Vec::new(),
    }
}

fn run(action: Option<Action>, model: &mut Model) -> Vec<Effect> {
    let Some(action) = action else {
        return Vec::new();
    };
    model.overlay = None;
    acts::act(model, action)
}

fn bring_back(outbox: &Outbox) -> Vec<Effect> {
    let row = outbox.here().map(|row| row.id);
    row.map(Effect::Withdraw).into_iter().collect()
}

fn set_up(model: &mut Model, step: Step, place: usize) -> Vec<Effect> {
    if model.stage.facts.is_demo {
        model.work.is_leaving = true;
        return vec![Effect::OwnDesk];
    }
    model.stage.setting_up = Some(place);
    match step {
        Step::Key => acts::act(model, Action::Keys),
        Step::Cap => acts::ask_for_cap(model),
        Step::Import => {
            model.overlay = Some(Overlay::Prompt(Prompt::open(PromptKind::Import, "")));
            Vec::new()
        }
    }
}

/// Begins a drill with the text of the ticket under the cursor.
fn drill(model: &mut Model, typed: &str) -> Result<Vec<Effect>, String> {
    let plan: DrillPlan = typed.parse().map_err(|why: DrillError| why.to_string())?;
    let number = model.queue.row_here().map(|row| row.number);
    model.overlay = Some(Overlay::Drill(DrillPage::begun(typed.to_owned())));
    Ok(vec![Effect::Drill(plan, number)])
}

fn hinted(model: &mut Model, ticket: TicketId, typed: String) -> Vec<Effect> {
    let ask = DraftAsk {
        ticket,
        chain: None,
        hint: (!typed.is_empty()).then_some(typed),
        force: None,
    };
    acts::begin(model, ask)
}

fn import(model: &mut Model, typed: &str) -> Vec<Effect> {
    let words = format!("Reading mail from {} …", paint::safe(typed));
    model.notes.say(words, model.stage.now);
    vec![Effect::Import(path_of(typed))]
}

/// Reads a path as a shell would: `~/` is the home folder.
fn path_of(typed: &str) -> PathBuf {
    match (typed.strip_prefix("~/"), env::path("HOME")) {
        (Some(rest), Some(home)) => home.join(rest),
        (Some(_) | None, _) => PathBuf::from(typed),
    }
}

fn chosen(model: &mut Model, choice: Choice) -> Vec<Effect> {
    model.overlay = None;
    match choice {
        Choice::Status(ticket, status) => acts::change(
            model,
            ticket,
            Change {
                status: Some(status),
                ..Change::default()
            },
        ),
        Choice::Priority(ticket, level) => acts::change(
            model,
            ticket,
            Change {
                priority: Some(level),
                ..Change::default()
            },
        ),
        Choice::Redraft(ticket, hint) => acts::begin(
            model,
            DraftAsk {
                ticket,
                chain: None,
                hint,
                force: None,
            },
        ),
        Choice::OtherProvider(ticket, links) => {
            model.overlay = Some(Overlay::Menu(Menu::other_provider(ticket, links)));
            Vec::new()
        }
        Choice::ByLink(ticket, link) => acts::begin(model, forced(ticket, link)),
        Choice::Rest(whom, time) => {
            let mut effects = acts::act(model, Action::Providers);
            effects.push(Effect::Rest(whom, time));
            effects
        }
        Choice::OwnHint(ticket) => {
            model.overlay = Some(Overlay::Prompt(Prompt::open(PromptKind::Hint(ticket), "")));
            Vec::new()
        }
        Choice::Model(provider, name) => vec![Effect::SetDefaultModel(provider, name)],
        Choice::RemoveKey(provider) => vec![Effect::RemoveKey(provider)],
        Choice::Nothing => Vec::new(),
    }
}

fn keys(model: &mut Model, letter: Option<char>) -> Vec<Effect> {
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

/// Enter in a prompt: what is typed is read; what is wrong with it is said and it stays open.
fn answer(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Prompt(mut prompt)) = model.overlay.take() else {
        return Vec::new();
    };
    let typed = prompt.line.text().trim().to_owned();
    let result = match prompt.kind.clone() {
        PromptKind::Filter => model
            .queue
            .set_filter(&typed)
            .map(|effect| vec![effect])
            .map_err(|why| why.to_string()),
        PromptKind::Tags(ticket) => tags(model, ticket, &typed),
        PromptKind::Assign(ticket) => {
            let to = (!typed.is_empty()).then_some(typed);
            Ok(acts::change(
                model,
                ticket,
                Change {
                    assignee: Some(to),
                    ..Change::default()
                },
            ))
        }
        PromptKind::Cap => cap(&typed).map(|cap| vec![Effect::SetCap(cap)]),
        PromptKind::Hint(ticket) => Ok(hinted(model, ticket, typed)),
        PromptKind::Import | PromptKind::Export(_) | PromptKind::Key(_) if typed.is_empty() => {
            Err("Nothing was typed.".to_owned())
        }
        PromptKind::Drill => drill(model, &typed),
        PromptKind::Export(query) => {
            let mut effects = receipts::open(model, &query);
            effects.push(Effect::ExportReceipts(query, path_of(&typed)));
            Ok(effects)
        }
        PromptKind::Import => Ok(import(model, &typed)),
        PromptKind::Key(provider) => {
            let key = SecretString::from(prompt.line.take().trim().to_owned());
            model.notes.say(
                format!("Asking {provider} whether it accepts the key …"),
                model.stage.now,
            );
            return acts::act(model, Action::Keys)
                .into_iter()
                .chain([Effect::SetKey(provider, key)])
                .collect();
        }
    };
    match result {
        Ok(effects) => effects,
        Err(why) => {
            prompt.trouble = Some(why);
            model.overlay = Some(Overlay::Prompt(prompt));
            Vec::new()
        }
    }
}

fn tags(model: &mut Model, ticket: TicketId, typed: &str) -> Result<Vec<Effect>, String> {
    let mut change = Change::default();
    for word in typed.split([' ', ',']).filter(|word| !word.is_empty()) {
        let (list, tag) = match word.strip_prefix('-') {
            Some(tag) => (&mut change.remove_tags, tag),
            None => (&mut change.add_tags, word.strip_prefix('+').unwrap_or(word)),
        };
        if tag.is_empty() {
            return Err("A `-` or `+` needs a tag behind it, without a space.".to_owned());
        }
        list.push(tag.to_lowercase());
    }
    Ok(if change == Change::default() {
        Vec::new()
    } else {
        acts::change(model, ticket, change)
    })
}

fn cap(typed: &str) -> Result<Cap, String> {
    if typed.eq_ignore_ascii_case("none") {
        return Ok(Cap::None);
    }
    let usd: Usd = typed
        .parse()
        .map_err(|why: crate::domain::money::NotAnAmount| why.to_string())?;
    if usd <= Usd::ZERO {
        return Err("The cap must be above zero.".to_owned());
    }
    Ok(Cap::Month(usd))
}
