//! What makes one key safe: the reasons to look at a reply again before it leaves. Pure.

use super::letter;
use crate::{
    config::AccountConfig,
    domain::{
        Contact, Direction, Draft, DraftOrigin, DraftState, Envelope, Message, MessageKind,
        Purpose, Ticket,
    },
    text::{language::language, redact},
};

/// Tags of customers whose replies are always looked at twice.
const CAREFUL_TAGS: [&str; 3] = ["vip", "legal", "two-keys"];

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
        let is_own = |person: &Contact| {
            own.iter()
                .any(|own| own.eq_ignore_ascii_case(&person.address))
        };
        let public = messages
            .iter()
            .filter(|message| message.kind == MessageKind::Public)
            .filter(|message| !message.is_of_strangers());
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
                .filter(|person| !person.address.is_empty() && !is_own(person))
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
            their_language: letter::answered(messages)
                .filter(|message| is_answer && message.direction == Direction::In)
                .and_then(|message| language(&message.body.clean)),
        }
    }

    /// Returns the addresses for people, and what goes with it: `maya@x, cc ops@x, bcc boss@x with
    /// invoice.pdf`.
    pub fn words(&self) -> String {
        Self::to_words(&self.envelope)
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

/// Tells why a reply of a model is looked at again, whatever else it is: confidence and claims are
/// unknown, and unknown is not clean.
pub fn unread_ai(draft: &Draft) -> Option<&'static str> {
    (draft.origin == DraftOrigin::Ai).then_some("AI wrote it and nobody has changed it")
}

/// Returns what is unusual about a reply, to be seen before it leaves.
pub fn reasons(draft: &Draft, route: &Route, ticket: &Ticket) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    if draft.state == DraftState::Stale {
        reasons.push("a new message came after it was begun".to_owned());
    }
    let flags = draft.flags.iter().filter(|flag| *flag != "fallback");
    reasons.extend(flags.cloned());
    let names = |people: &[Contact]| {
        let names: Vec<&str> = people.iter().map(|one| one.address.as_str()).collect();
        names.join(", ")
    };
    if !route.strangers.is_empty() {
        let who = names(&route.strangers);
        reasons.push(format!("{who} was not on this ticket before"));
    }
    if !route.dropped.is_empty() {
        let who = names(&route.dropped);
        reasons.push(format!("{who} was on the last message and does not get it"));
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
