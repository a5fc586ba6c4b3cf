//! The query language of the receipts feed and of `deskhand receipts list QUERY`.
//!
//! Words are looked for in what providers said and in names; fields narrow. A `-` before a term
//! turns it round; all terms must hold. The same words everywhere: screen, command, export.

use std::time::Duration;

use jiff::civil::Date;

use super::{Attempt, Ending, FaultClass, Receipt, Task, Timestamp, fault::FAULT_CLASSES};

/// What a person looks for among receipts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiptQuery {
    /// All of them must hold.
    pub terms: Vec<ReceiptTerm>,
}

/// One condition, perhaps turned round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptTerm {
    /// Whether it must not hold.
    pub negated: bool,
    /// The condition.
    pub test: ReceiptTest,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptTest {
    /// Somewhere in links, models, request ids, the providers' words or the agent's name.
    Word(String),
    /// `ticket:4812`.
    Ticket(i64),
    /// `tag:vip`: of the ticket, as it is now.
    Tag(String),
    /// `agent:noor`.
    Agent(String),
    /// `task:reply`.
    Task(Task),
    /// `ending:failed`.
    Ending(Ending),
    /// `action:drafted`: somewhere in what was done with it.
    Action(String),
    /// `provider:openai`: it was asked.
    Provider(String),
    /// `link:openai/gpt-4o`: this very link was asked.
    Link(String),
    /// `model:gpt-4o`: it was asked, or answered; a part of the name is enough.
    Model(String),
    /// `first:anthropic`: the first link of the chain was this provider's.
    First(String),
    /// `class:rate_limited`: an attempt failed so; beside `provider:` or `link:` one of theirs.
    Class(FaultClass),
    /// `is:fallback`: a later link than the first answered.
    Fallback,
    /// `since:7d`, `since:2026-11-01`: it began then or later.
    Since(Timestamp),
    /// `until:2026-11-30`: it began before.
    Until(Timestamp),
}

/// Says what is wrong with a query for receipts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptQueryError {
    /// A value that the field does not know.
    #[error("`{field}:{value}` means nothing; there are {known}")]
    Unknown {
        /// The field.
        field: &'static str,
        /// What was written.
        value: String,
        /// What could be.
        known: String,
    },
    /// A time that is none.
    #[error("`{0}` is no time; write 7d, 24h or a day such as 2026-11-01")]
    Time(String),
    /// A ticket that is no number.
    #[error("`ticket:{0}` is no ticket's number")]
    Ticket(String),
    /// A quotation mark that is never closed, or a field without a value.
    #[error(transparent)]
    Words(#[from] super::query::QueryError),
}

/// Every ending.
const ENDINGS: [Ending; 12] = [
    Ending::Answered,
    Ending::Truncated,
    Ending::OverCap,
    Ending::Failed,
    Ending::Offline,
    Ending::NoLink,
    Ending::KeyRefused,
    Ending::BadInput,
    Ending::TooLong,
    Ending::Refused,
    Ending::Cancelled,
    Ending::Lost,
];

impl ReceiptQuery {
    /// Reads a query; an empty text matches every receipt. `now` is what `since:7d` counts from.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, ReceiptQueryError> {
        let mut terms = Vec::new();
        for word in super::query::words(text)? {
            let (negated, bare) = match word.strip_prefix('-') {
                Some(rest) if !rest.is_empty() => (true, rest),
                Some(_) | None => (false, word.as_str()),
            };
            terms.push(ReceiptTerm {
                negated,
                test: ReceiptTest::parse(bare, now)?,
            });
        }
        Ok(Self { terms })
    }

    /// Tells whether a receipt is meant. Tags are the ticket's and not the receipt's: the store
    /// has looked at them already.
    pub fn matches(&self, receipt: &Receipt) -> bool {
        self.terms
            .iter()
            .filter(|term| !matches!(term.test, ReceiptTest::Tag(_)))
            .all(|term| term.test.matches(receipt) != term.negated)
            && self.has_attempt(receipt)
    }

    /// Tells whether one attempt meets all that is asked of an attempt: a class beside a provider
    /// means a failure of that provider.
    fn has_attempt(&self, receipt: &Receipt) -> bool {
        let asked = || {
            let terms = self.terms.iter().filter(|term| !term.negated);
            terms.map(|term| &term.test)
        };
        let meets = |attempt: &Attempt| {
            asked().all(|test| match test {
                ReceiptTest::Class(class) => attempt.class == Some(*class),
                ReceiptTest::Provider(name) => is_of(attempt, name),
                ReceiptTest::Link(name) => is_link(attempt, name),
                ReceiptTest::Word(_)
                | ReceiptTest::Ticket(_)
                | ReceiptTest::Tag(_)
                | ReceiptTest::Agent(_)
                | ReceiptTest::Task(_)
                | ReceiptTest::Ending(_)
                | ReceiptTest::Action(_)
                | ReceiptTest::Model(_)
                | ReceiptTest::First(_)
                | ReceiptTest::Fallback
                | ReceiptTest::Since(_)
                | ReceiptTest::Until(_) => true,
            })
        };
        !asked().any(|test| matches!(test, ReceiptTest::Class(_)))
            || receipt.attempts.iter().any(meets)
    }
}

fn is_of(attempt: &Attempt, provider: &str) -> bool {
    attempt.link.provider.0.to_lowercase() == provider
}

fn is_link(attempt: &Attempt, link: &str) -> bool {
    attempt.link.to_string().to_lowercase() == link
}

impl ReceiptTest {
    fn parse(word: &str, now: Timestamp) -> Result<Self, ReceiptQueryError> {
        let Some((field, value)) = word.split_once(':') else {
            return Ok(Self::Word(word.to_lowercase()));
        };
        let name = || value.to_lowercase();
        let known = [
            "ticket", "tag", "agent", "task", "ending", "action", "provider", "link", "model",
            "first", "class", "is", "since", "until",
        ];
        if known.contains(&field) && value.is_empty() {
            return Err(super::query::QueryError::Empty(field.to_owned()).into());
        }
        Ok(match field {
            "ticket" => Self::Ticket(
                value
                    .trim_start_matches('#')
                    .parse()
                    .map_err(|_| ReceiptQueryError::Ticket(value.to_owned()))?,
            ),
            "tag" => Self::Tag(name()),
            "agent" => Self::Agent(name()),
            "action" => Self::Action(name()),
            "provider" => Self::Provider(name()),
            "link" => Self::Link(name()),
            "model" => Self::Model(name()),
            "first" => Self::First(name()),
            "task" => Self::Task(named("task", value, &Task::ALL, Task::word)?),
            "ending" => Self::Ending(named("ending", value, &ENDINGS, Ending::word)?),
            "class" => Self::Class(named("class", value, &FAULT_CLASSES, FaultClass::word)?),
            "is" if value == "fallback" => Self::Fallback,
            "is" => {
                return Err(ReceiptQueryError::Unknown {
                    field: "is",
                    value: value.to_owned(),
                    known: "is:fallback".to_owned(),
                });
            }
            "since" => Self::Since(time(value, now)?),
            "until" => Self::Until(time(value, now)?),
            _ => Self::Word(word.to_lowercase()),
        })
    }

    fn matches(&self, receipt: &Receipt) -> bool {
        let mut attempts = receipt.attempts.iter();
        match self {
            Self::Word(word) => has_word(receipt, word),
            Self::Ticket(number) => receipt.ticket_number == Some(*number),
            Self::Tag(_) => true,
            Self::Agent(agent) => receipt.agent.to_lowercase().contains(agent),
            Self::Task(task) => receipt.task == *task,
            Self::Ending(ending) => receipt.ending == *ending,
            Self::Action(action) => receipt.action.to_lowercase().contains(action),
            Self::Provider(name) => attempts.any(|attempt| is_of(attempt, name)),
            Self::Link(name) => attempts.any(|attempt| is_link(attempt, name)),
            Self::Model(name) => attempts.any(|attempt| {
                let answered = attempt.answered_by.as_deref().unwrap_or_default();
                [attempt.link.model.0.as_str(), answered]
                    .iter()
                    .any(|model| model.to_lowercase().contains(name))
            }),
            Self::First(name) => receipt
                .chain
                .first()
                .is_some_and(|link| link.provider.0.to_lowercase() == *name),
            Self::Class(class) => attempts.any(|attempt| attempt.class == Some(*class)),
            Self::Fallback => receipt.is_fallback(),
            Self::Since(from) => receipt.began >= *from,
            Self::Until(to) => receipt.began < *to,
        }
    }
}

fn has_word(receipt: &Receipt, word: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(word);
    let in_attempt = |attempt: &Attempt| {
        let texts = [&attempt.answered_by, &attempt.said, &attempt.request_id];
        has(&attempt.link.to_string()) || texts.into_iter().flatten().any(|text| has(text))
    };
    has(&receipt.agent)
        || has(&receipt.action)
        || receipt.id.to_string().starts_with(word)
        || receipt.attempts.iter().any(in_attempt)
}

/// Returns the value of a field that has names of its own.
fn named<T: Copy>(
    field: &'static str,
    value: &str,
    all: &[T],
    word: fn(T) -> &'static str,
) -> Result<T, ReceiptQueryError> {
    let found = all.iter().find(|known| word(**known) == value);
    found.copied().ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|known| word(*known)).collect();
        ReceiptQueryError::Unknown {
            field,
            value: value.chars().take(40).collect(),
            known: known.join(", "),
        }
    })
}

/// Reads `7d`, `24h`, `30m` before now, or a day or an instant in UTC.
pub fn time(text: &str, now: Timestamp) -> Result<Timestamp, ReceiptQueryError> {
    let wrong = || ReceiptQueryError::Time(text.chars().take(40).collect());
    let ago = text.char_indices().next_back().and_then(|(at, unit)| {
        let seconds = match unit {
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        let count: u64 = text.get(..at)?.parse().ok()?;
        Some(Duration::from_secs(count.checked_mul(seconds)?))
    });
    if let Some(ago) = ago {
        return now.checked_sub(ago).map_err(|_| wrong());
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let day: Date = text.parse().map_err(|_| wrong())?;
    let begins = day.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| wrong())?;
    Ok(begins.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-25T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_query_is_read_term_by_term() {
        let query = ReceiptQuery::parse(
            "slow provider:OpenAI -is:fallback class:timed_out ending:answered since:2d",
            now(),
        )
        .unwrap();

        let tests: Vec<_> = query
            .terms
            .into_iter()
            .map(|term| (term.negated, term.test))
            .collect();
        let two_days_ago = "2026-11-23T12:00:00Z".parse().unwrap();
        assert_eq!(
            tests,
            [
                (false, ReceiptTest::Word("slow".to_owned())),
                (false, ReceiptTest::Provider("openai".to_owned())),
                (true, ReceiptTest::Fallback),
                (false, ReceiptTest::Class(FaultClass::TimedOut)),
                (false, ReceiptTest::Ending(Ending::Answered)),
                (false, ReceiptTest::Since(two_days_ago)),
            ]
        );
    }

    #[test]
    fn times_are_read_in_three_ways() {
        for (text, wanted) in [
            ("90m", "2026-11-25T10:30:00Z"),
            ("2w", "2026-11-11T12:00:00Z"),
            ("2026-11-01", "2026-11-01T00:00:00Z"),
            ("2026-11-01T08:00:00Z", "2026-11-01T08:00:00Z"),
        ] {
            assert_eq!(time(text, now()), Ok(wanted.parse().unwrap()), "{text}");
        }
        for wrong in ["", "d", "7y", "yesterday", "99999999999999999999d", "-3d"] {
            assert!(time(wrong, now()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wrong_query_says_what_there_is() {
        for (text, words) in [
            ("ending:nice", "answered, truncated, over_cap"),
            ("class:slow", "rate_limited"),
            ("is:cheap", "is:fallback"),
            ("since:monday", "write 7d"),
            ("ticket:x", "no ticket's number"),
            ("model:", "needs a word"),
            ("action:", "needs a word"),
            ("\"half", "quotation mark"),
        ] {
            let error = ReceiptQuery::parse(text, now()).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
