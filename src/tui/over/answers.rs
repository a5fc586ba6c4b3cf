//! What follows a line that was typed, or a choice from a menu.

use super::screens::forced;
use crate::tui::{
    acts,
    drill::DrillPage,
    effect::Effect,
    menu::{Choice, Menu},
    model::{Model, Overlay},
    paint,
    prompt::{Named, Prompt, PromptKind},
    receipts,
};
use crate::{
    config::{accounts::is_address, action::Action, env},
    desk::{
        drill::{DrillError, DrillPlan},
        face::{DraftAsk, TicketView},
    },
    domain::{Cap, Change, ProviderName, TicketId, Usd, outbox::read_route},
};
use secrecy::SecretString;
use std::path::PathBuf;

/// Enter in a prompt: what is typed is read; what is wrong with it is said and it stays open.
pub(super) fn answer(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Prompt(mut prompt)) = model.overlay.take() else {
        return Vec::new();
    };
    let typed = prompt.line.text().trim().to_owned();
    if typed.is_empty() && prompt.kind.needs_words() {
        return stay(model, prompt, "Nothing was typed.".to_owned());
    }
    let result = match prompt.kind.clone() {
        PromptKind::Filter => model
            .queue
            .set_filter(&typed)
            .map(|effect| vec![effect])
            .map_err(|why| why.to_string()),
        PromptKind::Tags(ticket) => tags(model, ticket, &typed),
        PromptKind::Assign(ticket) => {
            let assign = Change {
                assignee: Some((!typed.is_empty()).then_some(typed)),
                ..Change::default()
            };
            Ok(acts::change(model, ticket, assign))
        }
        PromptKind::Cap => cap(&typed).map(|cap| vec![Effect::SetCap(cap)]),
        PromptKind::Hint(ticket) => Ok(hinted(model, ticket, typed)),
        PromptKind::NewTo if !is_address(&typed) => Err(format!(
            "{typed} is no address. Write one such as maya@example.com."
        )),
        PromptKind::NewTo => {
            let subject = PromptKind::NewSubject(typed);
            model.overlay = Some(Overlay::Prompt(Prompt::open(subject, "")));
            return Vec::new();
        }
        PromptKind::Merge(ticket) => merge(ticket, &typed, prompt.named.as_ref()),
        kind @ (PromptKind::Recipients(_)
        | PromptKind::Attach(_)
        | PromptKind::Forward(_)
        | PromptKind::NewSubject(_)) => mail(model, kind, typed),
        PromptKind::Drill => drill(model, &typed),
        PromptKind::Export(query) => {
            let mut effects = receipts::open(model, &query);
            effects.push(Effect::ExportReceipts(query, path_of(&typed)));
            Ok(effects)
        }
        PromptKind::Import => Ok(import(model, &typed)),
        PromptKind::Key(provider) => {
            let key = SecretString::from(prompt.line.take().trim().to_owned());
            return set_key(model, provider, key);
        }
    };
    match result {
        Ok(effects) => {
            if let [Effect::LookAtMerge(..)] = effects.as_slice() {
                // It stays open: what is found is shown in it.
                model.overlay = Some(Overlay::Prompt(prompt));
            }
            effects
        }
        Err(why) => stay(model, prompt, why),
    }
}

/// Lets a provider be asked whether it takes a key; the keys are shown meanwhile.
fn set_key(model: &mut Model, provider: ProviderName, key: SecretString) -> Vec<Effect> {
    let words = format!("Asking {provider} whether it accepts the key …");
    model.notes.say(words, model.stage.now);
    let mut effects = acts::act(model, Action::Keys);
    effects.push(Effect::SetKey(provider, key));
    effects
}

/// Says what is wrong with a line; it stays open.
fn stay(model: &mut Model, mut prompt: Prompt, why: String) -> Vec<Effect> {
    prompt.trouble = Some(why);
    model.overlay = Some(Overlay::Prompt(prompt));
    Vec::new()
}

pub(super) fn chosen(model: &mut Model, choice: Choice) -> Vec<Effect> {
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
        Choice::Link(link) => vec![Effect::OpenLink(link)],
        Choice::Model(provider, name) => vec![Effect::SetDefaultModel(provider, name)],
        Choice::RemoveKey(provider) => vec![Effect::RemoveKey(provider)],
        Choice::Nothing => Vec::new(),
    }
}

/// Begins a drill with the text of the ticket under the cursor.
pub(super) fn drill(model: &mut Model, typed: &str) -> Result<Vec<Effect>, String> {
    let plan: DrillPlan = typed.parse().map_err(|why: DrillError| why.to_string())?;
    let number = model.queue.row_here().map(|row| row.number);
    model.overlay = Some(Overlay::Drill(DrillPage::begun(typed.to_owned())));
    Ok(vec![Effect::Drill(plan, number)])
}

pub(super) fn hinted(model: &mut Model, ticket: TicketId, typed: String) -> Vec<Effect> {
    let ask = DraftAsk {
        ticket,
        chain: None,
        hint: (!typed.is_empty()).then_some(typed),
        force: None,
    };
    acts::begin(model, ask)
}

/// What follows a line about mail that leaves.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller hands over the kinds named here and no other"
)]
fn mail(model: &Model, kind: PromptKind, typed: String) -> Result<Vec<Effect>, String> {
    Ok(vec![match kind {
        PromptKind::Recipients(ticket) => return recipients(model, ticket, &typed),
        PromptKind::Attach(ticket) => Effect::Attach(ticket, path_of(&unquoted(&typed))),
        PromptKind::Forward(ticket) => Effect::Forward(ticket, typed),
        PromptKind::NewSubject(to) => Effect::NewTicket { to, subject: typed },
        _ => return Ok(Vec::new()),
    }])
}

/// Reads into which ticket one is merged: the first Enter looks, the second merges.
fn merge(ticket: TicketId, typed: &str, named: Option<&Named>) -> Result<Vec<Effect>, String> {
    let number = typed.trim_start_matches('#').parse();
    let number = number.map_err(|_| format!("{typed} is no number of a ticket."))?;
    let is_looked_at = named.is_some_and(|named| named.number == number);
    Ok(vec![if is_looked_at {
        Effect::Merge(ticket, number)
    } else {
        Effect::LookAtMerge(ticket, number)
    }])
}

/// Reads to whom a reply is to go.
fn recipients(model: &Model, ticket: TicketId, typed: &str) -> Result<Vec<Effect>, String> {
    let view = model.talk.view_of(ticket);
    let before = view.map(|view| view.route.envelope.clone());
    let before = before.unwrap_or_default();
    let people = view.map(TicketView::people).unwrap_or_default();
    let after = read_route(typed, &before, &people)?;
    Ok(vec![Effect::Address(ticket, Box::new(after))])
}

/// Takes off what shells and file managers put round a path that is pasted.
fn unquoted(typed: &str) -> String {
    let typed = typed.strip_prefix("file://").unwrap_or(typed);
    let bare = ['"', '\'']
        .iter()
        .find_map(|quote| typed.strip_prefix(*quote)?.strip_suffix(*quote));
    bare.map_or_else(|| typed.replace("\\ ", " "), str::to_owned)
}

/// Completes the address under the caret of a prompt with people who are known here.
pub(super) fn complete(model: &mut Model) {
    let Some(Overlay::Prompt(prompt)) = &mut model.overlay else {
        return;
    };
    let takes_people = matches!(
        prompt.kind,
        PromptKind::Recipients(_) | PromptKind::Forward(_) | PromptKind::NewTo
    );
    let start = prompt
        .line
        .before_caret()
        .rsplit([' ', ',', ':'])
        .next()
        .unwrap_or_default()
        .to_lowercase();
    if !takes_people || start.is_empty() {
        return;
    }
    let view = model.talk.view();
    let here = view.into_iter().flat_map(|view| {
        view.messages
            .iter()
            .flat_map(|message| {
                std::iter::once(&message.from)
                    .chain(&message.to)
                    .chain(&message.cc)
            })
            .chain([&view.ticket.requester])
    });
    let mut known = here.chain(model.queue.people());
    let found = known.find(|person| {
        person.address.to_lowercase().starts_with(&start)
            || person
                .name
                .as_ref()
                .is_some_and(|name| name.to_lowercase().starts_with(&start))
    });
    let Some(address) = found.map(|person| person.address.clone()) else {
        return;
    };
    prompt.line.replace_word(start.len(), &address);
}

pub(super) fn import(model: &mut Model, typed: &str) -> Vec<Effect> {
    let words = format!("Reading {} …", paint::safe(typed));
    model.notes.say(words, model.stage.now);
    vec![Effect::Import(path_of(typed))]
}

/// Reads a path as a shell would: `~/` is the home folder.
pub(super) fn path_of(typed: &str) -> PathBuf {
    match (typed.strip_prefix("~/"), env::path("HOME")) {
        (Some(rest), Some(home)) => home.join(rest),
        (Some(_) | None, _) => PathBuf::from(typed),
    }
}

pub(super) fn tags(
    model: &mut Model,
    ticket: TicketId,
    typed: &str,
) -> Result<Vec<Effect>, String> {
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

pub(super) fn cap(typed: &str) -> Result<Cap, String> {
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
