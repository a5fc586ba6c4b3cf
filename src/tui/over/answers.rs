//! What follows a line that was typed, or a choice from a menu.

use super::screens::forced;
use crate::tui::{
    acts,
    drill::DrillPage,
    effect::Effect,
    menu::{Choice, Menu},
    model::{Model, Overlay},
    paint,
    prompt::{Prompt, PromptKind},
    receipts,
};
use crate::{
    config::{action::Action, env},
    desk::{
        drill::{DrillError, DrillPlan},
        face::DraftAsk,
    },
    domain::{Cap, Change, TicketId, Usd},
};
use secrecy::SecretString;
use std::path::PathBuf;

/// Enter in a prompt: what is typed is read; what is wrong with it is said and it stays open.
pub(super) fn answer(model: &mut Model) -> Vec<Effect> {
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

pub(super) fn import(model: &mut Model, typed: &str) -> Vec<Effect> {
    let words = format!("Reading mail from {} …", paint::safe(typed));
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
