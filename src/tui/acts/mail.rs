//! Mail: to whom it goes, what goes with it, notes, new tickets, received files, links.

use super::super::{
    effect::Effect,
    files::FilesScreen,
    menu::Menu,
    model::{Model, Overlay},
    prompt::{Prompt, PromptKind},
};
use crate::{
    config::action::Action,
    domain::{Change, MessageKind, TicketId, outbox::route_line},
};

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller hands over the actions named here and no other"
)]
pub(super) fn mail(model: &mut Model, action: Action) -> Vec<Effect> {
    if action == Action::NewTicket {
        return ask(model, PromptKind::NewTo, "");
    }
    let Some(here) = model.here() else {
        let words = "No ticket is under the cursor.";
        model.notes.say(words, model.stage.now);
        return Vec::new();
    };
    match action {
        Action::Note => {
            super::writing::open_note(model, here);
            super::moving::saw(model)
        }
        Action::Forward => ask(model, PromptKind::Forward(here), ""),
        Action::Attach => ask(model, PromptKind::Attach(here), ""),
        Action::Merge => ask(model, PromptKind::Merge(here), ""),
        Action::Split => vec![Effect::Split(here)],
        Action::Fetch => vec![Effect::Fetch(here)],
        Action::Detach => detach(model, here),
        Action::Recipients => {
            let envelope = model
                .talk
                .view_of(here)
                .map(|view| route_line(&view.route.envelope));
            match envelope {
                Some(line) => ask(model, PromptKind::Recipients(here), &line),
                None => Vec::new(),
            }
        }
        Action::Release => {
            let release = Change {
                release: true,
                ..Change::default()
            };
            super::change(model, here, release)
        }
        Action::Files => {
            model.overlay = Some(Overlay::Files(FilesScreen::of(here)));
            vec![Effect::LoadFiles(here)]
        }
        Action::Links => links(model),
        _ => Vec::new(),
    }
}

fn ask(model: &mut Model, kind: PromptKind, text: &str) -> Vec<Effect> {
    model.overlay = Some(Overlay::Prompt(Prompt::open(kind, text)));
    Vec::new()
}

/// Takes every file off the reply of a ticket.
fn detach(model: &mut Model, here: TicketId) -> Vec<Effect> {
    let view = model.talk.view_of(here);
    let envelope = view.map(|view| view.route.envelope.clone());
    let Some(mut envelope) = envelope.filter(|envelope| !envelope.files.is_empty()) else {
        let words = "No file goes with the reply here.";
        model.notes.say(words, model.stage.now);
        return Vec::new();
    };
    envelope.files.clear();
    vec![Effect::Address(here, Box::new(envelope))]
}

/// Offers the links of the newest message that has some.
fn links(model: &mut Model) -> Vec<Effect> {
    let view = model.here().and_then(|here| model.talk.view_of(here));
    let found = view.and_then(|view| {
        let mut messages = view.messages.iter().rev();
        messages.find_map(|message| {
            let links = links_of(&message.body.text);
            (message.kind == MessageKind::Public && !links.is_empty()).then_some(links)
        })
    });
    match found {
        Some(links) => model.overlay = Some(Overlay::Menu(Menu::links(links))),
        None => model
            .notes
            .say("No message here has a link.", model.stage.now),
    }
    Vec::new()
}

/// Finds the links to the web in a text: ten at most, each once.
fn links_of(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let is_end = |c: char| c.is_whitespace() || c.is_control() || "<>\"'`|".contains(c);
    for scheme in ["https://", "http://"] {
        for (at, _) in text.match_indices(scheme) {
            let rest = text.get(at..).unwrap_or_default();
            let link = rest.split(is_end).next().unwrap_or_default();
            let link = link.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}']);
            if link.len() > scheme.len()
                && link.len() < 2000
                && !found.iter().any(|known| known == link)
            {
                found.push(link.to_owned());
            }
        }
    }
    found.truncate(10);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_without_what_stands_round_them() {
        let text = "See (https://a.test/x?y=1), <http://b.test>. javascript:alert(1) file:///etc \
                    https://a.test/x?y=1 https://";
        assert_eq!(links_of(text), ["https://a.test/x?y=1", "http://b.test"]);
    }
}
