//! What makes one key safe: the reasons to look at a reply again before it leaves. Pure.

use super::letter;
use crate::{
    config::AccountConfig,
    domain::{
        CAME_BACK, Contact, Direction, Draft, DraftOrigin, DraftState, Envelope, Message,
        MessageKind, Purpose, Ticket,
    },
    text::{language::language, redact},
};

/// Tags of customers whose replies are always looked at twice.
const CAREFUL_TAGS: [&str; 3] = ["vip", "legal", "two-keys"];

/// So many of those who are known are named where there are many.
const NAMED: usize = 3;

/// What is left in a text that nobody has finished.
const PLACEHOLDERS: [&str; 7] = [
    "{{",
    "TODO",
    "[name]",
    "[Name]",
    "[your name]",
    "[Your Name]",
    "XXX",
];

/// Words that promise a file, in the languages of the big desks.
const FILE_WORDS: [&str; 12] = [
    "attached",
    "attachment",
    "enclosed",
    "im anhang",
    "anbei",
    "angehängt",
    "ci-joint",
    "pièce jointe",
    "adjunto",
    "adjunta",
    "in allegato",
    "em anexo",
];

/// Where a reply goes, and what is unusual about that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// The account it leaves by; none while no account can send.
    pub account: Option<String>,
    /// Who gets it and what goes with it.
    pub envelope: Envelope,
    /// Who gets it and was on no message of the ticket.
    pub strangers: Vec<Contact>,
    /// Who was on the last message and gets nothing now.
    pub dropped: Vec<Contact>,
    /// Who else has a draft on this ticket.
    pub other_writers: Vec<String>,
    /// What reports said of its addresses: nobody is there.
    pub nobody_at: Vec<String>,
    /// The language of what is answered, where that is plain.
    pub their_language: Option<&'static str>,
}

impl Route {
    /// Judges an envelope by the messages before it.
    pub fn of(
        account: Option<&AccountConfig>,
        envelope: Envelope,
        (ticket, messages): (&Ticket, &[Message]),
        own: &[String],
    ) -> Self {
        let answered = letter::answered(messages);
        let public = messages
            .iter()
            .filter(|message| message.kind == MessageKind::Public)
            .filter(|message| !message.is_of_strangers())
            // A machine that reported on a mail is nobody to write to.
            .filter(|message| {
                !message.auto_class.is_automatic()
                    || answered.is_some_and(|answered| answered.id == message.id)
            });
        let mut known: Vec<&Contact> = vec![&ticket.requester];
        let mut last: Vec<&Contact> = Vec::new();
        for message in public {
            if letter::was_forwarded(message) {
                known.extend(message.to.iter().chain(&message.cc));
                continue;
            }
            last = std::iter::once(&message.from)
                .chain(&message.to)
                .chain(&message.cc)
                .filter(|person| !person.address.is_empty() && !letter::is_own(person, own))
                .collect();
            known.extend(&last);
        }
        let everybody = envelope.everybody();
        let strangers = everybody
            .iter()
            .filter(|person| !known.iter().any(|known| known.is_same_mailbox(person)))
            .map(|person| (*person).clone());
        let strangers = strangers.collect();
        // Nobody expects to get what is passed on to somebody else.
        let is_answer = envelope.purpose == Purpose::Answer;
        let dropped = last
            .iter()
            .filter(|_| is_answer)
            .filter(|person| !everybody.iter().any(|one| one.is_same_mailbox(person)))
            .map(|person| (*person).clone());
        let dropped = dropped.collect();
        Self {
            account: account.map(|account| account.address.clone()),
            envelope,
            strangers,
            dropped,
            other_writers: Vec::new(),
            nobody_at: Vec::new(),
            their_language: answered
                .filter(|message| is_answer && message.direction == Direction::In)
                .and_then(|message| language(&message.body.clean)),
        }
    }

    /// Returns the addresses for people, and what goes with it: `maya@x, cc ops@x, bcc boss@x with
    /// invoice.pdf`.
    pub fn words(&self) -> String {
        Self::to_words(&self.envelope)
    }

    /// Returns the same in fewer words where many get it: of those who were on the ticket before a
    /// few, and by name everybody who was not or whom nobody else sees.
    pub fn words_in_short(&self) -> String {
        let mut words = self.some_of(&self.envelope.to, NAMED);
        for (name, people, most) in [
            ("cc", &self.envelope.cc, NAMED),
            ("bcc", &self.envelope.bcc, usize::MAX),
        ] {
            if !people.is_empty() {
                words.push_str(", ");
                words.push_str(name);
                words.push(' ');
                words.push_str(&self.some_of(people, most));
            }
        }
        let files = &self.envelope.files;
        if !words.is_empty() && !files.is_empty() {
            let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
            words.push_str(" with ");
            words.push_str(&and_more(names.iter().take(NAMED).copied(), names.len()));
        }
        words
    }

    fn some_of(&self, people: &[Contact], most: usize) -> String {
        let mut known = 0_usize;
        let named = people.iter().filter(|person| {
            let is_stranger = self.strangers.iter().any(|one| one.is_same_mailbox(person));
            known += usize::from(!is_stranger);
            is_stranger || known <= most
        });
        and_more(named.map(|person| person.address.as_str()), people.len())
    }

    /// Returns the addresses of an envelope for people.
    pub fn to_words(envelope: &Envelope) -> String {
        let list = |people: &[Contact]| {
            let addresses: Vec<&str> = people.iter().map(|one| one.address.as_str()).collect();
            addresses.join(", ")
        };
        let mut words = list(&envelope.to);
        for (name, people) in [("cc", &envelope.cc), ("bcc", &envelope.bcc)] {
            if !people.is_empty() {
                words.push_str(", ");
                words.push_str(name);
                words.push(' ');
                words.push_str(&list(people));
            }
        }
        if !words.is_empty() && !envelope.files.is_empty() {
            let names: Vec<&str> = envelope
                .files
                .iter()
                .map(|file| file.name.as_str())
                .collect();
            words.push_str(" with ");
            words.push_str(&names.join(", "));
        }
        words
    }
}

/// Names some of so many, and says how many more there are.
fn and_more<'a>(named: impl Iterator<Item = &'a str>, all: usize) -> String {
    let named: Vec<&str> = named.collect();
    match all.saturating_sub(named.len()) {
        0 => named.join(", "),
        left => format!("{} and {left} more", named.join(", ")),
    }
}

/// Tells why a reply of a model is looked at again, whatever else it is: confidence and claims are
/// unknown, and unknown is not clean.
pub fn unread_ai(draft: &Draft) -> Option<&'static str> {
    (draft.origin == DraftOrigin::Ai).then_some("AI wrote it and nobody has changed it")
}

/// Returns what is unusual about a reply, to be seen before it leaves.
pub fn reasons(draft: &Draft, route: &Route, ticket: &Ticket) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    if draft.text.contains(CAME_BACK) {
        reasons.push("it holds two texts: a reply that was not sent came back below it".to_owned());
    } else if draft.state == DraftState::Stale {
        reasons.push("a new message came after it was begun".to_owned());
    }
    let flags = draft.flags.iter().filter(|flag| *flag != "fallback");
    reasons.extend(flags.cloned());
    if let Some(who) = listed(&route.strangers) {
        let were = if route.strangers.len() == 1 {
            "was"
        } else {
            "were"
        };
        reasons.push(format!("{who} {were} not on this ticket before"));
    }
    if let Some(who) = listed(&route.dropped) {
        let (were, do_not) = if route.dropped.len() == 1 {
            ("was", "does not")
        } else {
            ("were", "do not")
        };
        reasons.push(format!(
            "{who} {were} on the last message and {do_not} get it"
        ));
    }
    for nobody in &route.nobody_at {
        // The report that came back says the same of the draft.
        if !reasons.contains(nobody) {
            reasons.push(nobody.clone());
        }
    }
    if let Some(other) = route.other_writers.first() {
        reasons.push(format!("{other} has a draft here too"));
    }
    if let Some(found) = PLACEHOLDERS.iter().find(|mark| draft.text.contains(*mark)) {
        reasons.push(format!("a placeholder is left: {found}"));
    }
    if let Some(mark) = redact::MARKS.iter().find(|mark| draft.text.contains(*mark)) {
        reasons.push(format!("a hidden part shows its mark: {mark}"));
    }
    let lower = draft.text.to_lowercase();
    let speaks_of_file = FILE_WORDS.iter().find(|word| lower.contains(*word));
    if let Some(word) = speaks_of_file.filter(|_| route.envelope.files.is_empty()) {
        reasons.push(format!("it says \"{word}\" and no file goes with it"));
    }
    if let (Some(theirs), Some(ours)) = (route.their_language, language(&draft.text))
        && theirs != ours
    {
        reasons.push(format!(
            "it is in {ours}, and the customer wrote in {theirs}"
        ));
    }
    let careful = CAREFUL_TAGS
        .iter()
        .find(|tag| ticket.tags.iter().any(|own| own == *tag));
    if let Some(tag) = careful {
        reasons.push(format!("the ticket is tagged {tag}: always two keys"));
    }
    reasons
}

/// Names people in a sentence: `a, b and c`; none where there is nobody.
fn listed(people: &[Contact]) -> Option<String> {
    let (last, others) = people.split_last()?;
    let others: Vec<&str> = others.iter().map(|one| one.address.as_str()).collect();
    Some(if others.is_empty() {
        last.address.clone()
    } else {
        format!("{} and {}", others.join(", "), last.address)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(names: &[&str]) -> Vec<Contact> {
        let person = |name: &&str| Contact {
            name: None,
            address: format!("{name}@x.test"),
        };
        names.iter().map(person).collect()
    }

    fn route(to: &[&str], cc: &[&str], strangers: &[&str]) -> Route {
        Route {
            envelope: Envelope {
                to: people(to),
                cc: people(cc),
                ..Envelope::default()
            },
            strangers: people(strangers),
            ..Route::default()
        }
    }

    #[test]
    fn many_people_are_counted_and_strangers_always_named() {
        let route = route(
            &["maya"],
            &["a", "b", "c", "d", "new", "e", "other"],
            &["new", "other"],
        );

        assert_eq!(
            route.words_in_short(),
            "maya@x.test, cc a@x.test, b@x.test, c@x.test, new@x.test, other@x.test and 2 more"
        );
    }
}
