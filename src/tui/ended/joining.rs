//! What follows when it is known what a merge would put together, and when it has.

use crate::{
    config::action::Action,
    desk::joining::MergeLook,
    domain::{Contact, TicketId},
    tui::{
        effect::Effect,
        event::Trouble,
        model::{Model, Overlay},
        paint::{head, safe},
        prompt::{Named, PromptKind},
        work::Undo,
    },
};

/// So much of a subject and of a name is shown: the box has room for both on three lines.
const SHOWN: usize = 48;

/// Shows in the prompt which ticket a merge would go on in, where it still asks for that.
pub(super) fn seen(
    model: &mut Model,
    (ticket, typed): (TicketId, i64),
    seen: Result<Box<MergeLook>, Trouble>,
) -> Vec<Effect> {
    let Some(Overlay::Prompt(prompt)) = &mut model.overlay else {
        return Vec::new();
    };
    let number = prompt.line.text().trim().trim_start_matches('#').parse();
    if prompt.kind != PromptKind::Merge(ticket) || number != Ok(typed) {
        return Vec::new();
    }
    match seen {
        Ok(look) => {
            prompt.named = Some(Named {
                number: look.into.number,
                words: words(&look, typed),
            });
        }
        Err(trouble) => prompt.trouble = Some(trouble.line()),
    }
    Vec::new()
}

/// Returns a name with its address, and the address alone where there is no name.
fn person(who: &Contact) -> String {
    match &who.name {
        Some(name) => format!("{name} <{}>", who.address),
        None => who.address.clone(),
    }
}

fn words(look: &MergeLook, typed: i64) -> String {
    let (from, into) = (&look.from, &look.into);
    let went_on = if into.number == typed {
        String::new()
    } else {
        format!("#{typed} went on in ")
    };
    let subject = safe(&into.subject);
    let who = safe(&person(&into.requester));
    let draft = if look.has_draft {
        format!(" Your draft stays with #{}.", from.number)
    } else {
        String::new()
    };
    format!(
        "{went_on}#{} “{}” of {} ({}). Enter merges #{} into it; Esc merges nothing.{draft}",
        into.number,
        head(&subject, SHOWN),
        head(&who, SHOWN),
        into.status,
        from.number,
    )
}

/// Says where a ticket went on, and what undoes it.
pub(super) fn merged(model: &mut Model, ticket: TicketId, into: i64) -> Vec<Effect> {
    model.work.remember(Undo::Merged(ticket));
    let undo = model.key(Action::Undo);
    let words = format!("It went on in #{into}. {undo} takes it back.");
    model.notes.say(words, model.stage.now);
    let mut effects = vec![model.queue.reload()];
    effects.extend(model.here().and_then(|here| model.talk.reload(here)));
    effects
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        desk::face::TicketView,
        tui::{
            event::{Done, Msg},
            fixture::{model, now, press, row, view},
            update::update,
        },
    };

    fn look(from: i64, into: i64) -> Box<MergeLook> {
        let ticket = |view: TicketView| view.ticket;
        Box::new(MergeLook {
            from: ticket(view(from)),
            into: ticket(view(into)),
            has_draft: true,
        })
    }

    fn prompted(model: &Model) -> Option<&Named> {
        match &model.overlay {
            Some(Overlay::Prompt(prompt)) => prompt.named.as_ref(),
            _ => None,
        }
    }

    #[test]
    fn a_merge_shows_the_other_ticket_and_waits_for_a_second_press() {
        let mut model = model();
        let here = row(0).id;

        let looked = press(&mut model, "M 4 8 0 2 enter");
        assert!(matches!(looked.as_slice(), [Effect::LookAtMerge(of, 4802)] if *of == here));
        update(
            &mut model,
            Msg::Done(Done::MergeSeen(here, 4802, Ok(look(0, 2)))),
            now(),
        );

        let named = prompted(&model).expect("the prompt shows the ticket");
        for words in [
            "#4802 “CSV import cuts the last row”",
            "j.osei@osei.example",
            "draft stays",
        ] {
            assert!(named.words.contains(words), "{}", named.words);
        }
        let merged = press(&mut model, "enter");
        assert!(matches!(merged.as_slice(), [Effect::Merge(of, 4802)] if *of == here));
        update(&mut model, Msg::Done(Done::Merged(here, Ok(4802))), now());
        let undone = press(&mut model, "u");
        assert!(
            matches!(undone.as_slice(), [Effect::Unmerge(of)] if *of == here),
            "{undone:?}"
        );
    }

    #[test]
    fn another_number_is_looked_at_anew() {
        let mut model = model();
        let here = row(0).id;
        press(&mut model, "M 4 8 0 2 enter");
        update(
            &mut model,
            Msg::Done(Done::MergeSeen(here, 4802, Ok(look(0, 2)))),
            now(),
        );

        let looked = press(&mut model, "backspace 3 enter");
        assert!(
            matches!(looked.as_slice(), [Effect::LookAtMerge(_, 4803)]),
            "{looked:?}"
        );
        // What was found of the first number comes too late.
        update(
            &mut model,
            Msg::Done(Done::MergeSeen(here, 4802, Ok(look(0, 2)))),
            now(),
        );
        assert_eq!(prompted(&model), None);

        press(&mut model, "backspace 2 enter");
        update(
            &mut model,
            Msg::Done(Done::MergeSeen(here, 4802, Ok(look(0, 2)))),
            now(),
        );
        assert!(prompted(&model).is_some());
        update(&mut model, Msg::Paste("9".to_owned()), now());
        let pasted = press(&mut model, "enter");
        assert!(
            matches!(pasted.as_slice(), [Effect::LookAtMerge(_, 48_029)]),
            "{pasted:?}"
        );
    }
}
