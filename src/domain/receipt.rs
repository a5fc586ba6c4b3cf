//! Receipts: what was asked of whom, what came back, and what it cost.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Billed, Cost, FaultClass, LinkName, ReceiptId, RunId, TicketId, Timestamp, Usage, Usd,
};

/// The record of one AI action. Append-only: once written it is never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The inner identity.
    pub id: ReceiptId,
    /// The run it tells of.
    pub run: RunId,
    /// The ticket it served, by identity and by number.
    pub ticket: Option<TicketId>,
    /// The number people say.
    pub ticket_number: Option<i64>,
    /// What was asked for.
    pub task: Task,
    /// The agent for whom it was done.
    pub agent: String,
    /// When the run began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// The links in the order they were to be tried.
    pub chain: Vec<LinkName>,
    /// Where the chain came from: `default`, `--chain`, `ticket`.
    pub chain_from: String,
    /// Every attempt, in order.
    pub attempts: Vec<Attempt>,
    /// Links that were not tried, and why.
    pub skipped: Vec<Skipped>,
    /// How it ended.
    pub ending: Ending,
    /// What followed for the person: drafted, cancelled, denied and why, in words.
    pub action: String,
    /// SHA-256 of what was sent to the model, in hex.
    pub asked_sha256: String,
    /// How many words were sent, and of how many.
    pub words_sent: u64,
    /// How many words the ticket has.
    pub words_whole: u64,
    /// What was masked before it left, e.g. `1 card number`.
    pub redacted: Vec<String>,
    /// What the first link of the chain would have cost, estimated; none when it answered.
    pub first_choice_cost: Option<Usd>,
    /// The messages the answer was made from, by RFC Message-ID.
    pub sources: Vec<String>,
}

impl Receipt {
    /// Returns what the run cost altogether.
    pub fn cost(&self) -> Cost {
        self.attempts
            .iter()
            .fold(Cost::FREE, |sum, attempt| sum.plus(attempt.cost))
    }

    /// Returns the attempt whose text was kept, if any was. It need not be the last: another may
    /// have been asked beside it.
    pub fn answer(&self) -> Option<&Attempt> {
        let class = match self.ending {
            Ending::Answered => None,
            Ending::Truncated => Some(FaultClass::Truncated),
            Ending::OverCap
            | Ending::Failed
            | Ending::Offline
            | Ending::NoLink
            | Ending::KeyRefused
            | Ending::BadInput
            | Ending::TooLong
            | Ending::Refused
            | Ending::Cancelled
            | Ending::Lost => return None,
        };
        let mut attempts = self.attempts.iter().rev();
        attempts.find(|attempt| attempt.class == class)
    }

    /// Tells whether an answer came from another link than the first of the chain.
    pub fn is_fallback(&self) -> bool {
        match (self.answer(), self.chain.first()) {
            (Some(answer), Some(first)) => answer.link != *first,
            (Some(_) | None, _) => false,
        }
    }
}

/// One call to one link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// 1 for the first.
    pub no: u32,
    /// Who was asked, for which model.
    pub link: LinkName,
    /// The model that answered, as the provider named it.
    pub answered_by: Option<String>,
    /// When it began.
    pub began: Timestamp,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// What went wrong; none for a clean answer.
    pub class: Option<FaultClass>,
    /// The provider's words, or ours where it had none.
    pub said: Option<String>,
    /// The provider's id for the request.
    pub request_id: Option<String>,
    /// How long it asked us to wait.
    pub retry_after: Option<Duration>,
    /// Time to the connection, when a new one was made.
    pub connect: Option<Duration>,
    /// Time to the first text.
    pub first_text: Option<Duration>,
    /// Time to the end.
    pub took: Duration,
    /// Tokens, as the provider counted them.
    pub usage: Usage,
    /// What it cost.
    pub cost: Cost,
    /// The price row it was counted with, in words; none when no price is known.
    pub price: Option<String>,
    /// Whether the provider may want money for it.
    pub billed: Billed,
    /// Why the run went on to another attempt; none for the last.
    pub moved_on_because: Option<String>,
    /// Text that was shown and then replaced, at most 4,000 characters.
    pub shown: Option<String>,
}

impl Attempt {
    /// Tells whether it was dropped because another, asked beside it, spoke first.
    pub fn was_slower(&self) -> bool {
        self.class == Some(FaultClass::Cancelled) && self.moved_on_because.is_some()
    }

    /// Returns what became of it in a word or two.
    pub fn outcome(&self) -> &'static str {
        match self.class {
            Some(_) if self.was_slower() => "slower",
            Some(class) => class.words(),
            None => "ok",
        }
    }

    /// Returns how long it kept this answer from beginning.
    pub fn delayed(&self, answer: &Self) -> Duration {
        if !self.was_slower() {
            return self.took;
        }
        let ahead = answer.began.duration_since(self.began);
        Duration::try_from(ahead).unwrap_or(Duration::ZERO)
    }
}

/// A link that was not asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Which.
    pub link: LinkName,
    /// Why.
    pub because: SkipReason,
}

/// Why a link was not asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// An earlier one answered.
    NotNeeded,
    /// The run ended before its turn came.
    RunEnded,
    /// It rests until a named time.
    Resting {
        /// When it may be asked again.
        until: Timestamp,
        /// What put it to rest.
        because: FaultClass,
    },
    /// It failed too often lately; may be asked again at the time named.
    Open {
        /// When.
        until: Timestamp,
    },
    /// A person lets it rest.
    RestedByHand {
        /// Until when.
        until: Timestamp,
    },
    /// Its key was refused and has not been changed since.
    KeyInvalid,
    /// No key is known for its provider.
    NoKey,
    /// The keyring did not give the key.
    KeyNotAvailable(String),
    /// The money left does not pay for a useful answer.
    OverCap,
    /// No price is known and the config does not allow that.
    NoPrice,
    /// The prompt does not fit its window.
    TooSmall,
    /// It is not set up properly; the words say how.
    NotUsable(String),
    /// The ledger could not be asked for money; the words say why.
    NoLedger(String),
}

impl SkipReason {
    /// Returns words for people, without times.
    pub fn words(&self) -> String {
        match self {
            Self::NotNeeded => "not needed".to_owned(),
            Self::RunEnded => "not tried: the run had ended".to_owned(),
            Self::Resting { because, .. } => format!("resting: {}", because.words()),
            Self::Open { .. } => "resting: failed too often lately".to_owned(),
            Self::RestedByHand { .. } => "resting: a person said so".to_owned(),
            Self::KeyInvalid => "not tried: its key was refused".to_owned(),
            Self::NoKey => "not tried: no key".to_owned(),
            Self::OverCap => "not tried: over the cap".to_owned(),
            Self::NoPrice => "not tried: its price is not known".to_owned(),
            Self::TooSmall => "not tried: its window is too small".to_owned(),
            Self::KeyNotAvailable(why) | Self::NotUsable(why) | Self::NoLedger(why) => {
                format!("not tried: {why}")
            }
        }
    }
}

/// What an AI action was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// A reply to a ticket.
    Reply,
    /// A tiny call that tries a key.
    KeyTest,
    /// A rehearsal against simulated providers; never kept.
    Drill,
    /// A tiny call that tries a link.
    Probe,
    /// A request of another program, passed on by `serve`.
    Request,
}

impl Task {
    /// Every task.
    pub const ALL: [Self; 5] = [
        Self::Reply,
        Self::KeyTest,
        Self::Drill,
        Self::Probe,
        Self::Request,
    ];

    /// Returns the word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::KeyTest => "key_test",
            Self::Drill => "drill",
            Self::Probe => "probe",
            Self::Request => "request",
        }
    }
}

/// How a run ended (ENGINE section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// A whole answer.
    Answered,
    /// An answer that stopped at the output limit.
    Truncated,
    /// The cap did not allow it.
    OverCap,
    /// Every link that was tried failed.
    Failed,
    /// No provider could be reached at all.
    Offline,
    /// No link could be tried.
    NoLink,
    /// A provider refused the key.
    KeyRefused,
    /// A provider did not accept the request.
    BadInput,
    /// The ticket is too long for every model in the chain.
    TooLong,
    /// A model declined.
    Refused,
    /// A person stopped it.
    Cancelled,
    /// The program died; found and settled at the next start.
    Lost,
}

impl Ending {
    /// Returns the name in receipts, JSON and SQL.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Truncated => "truncated",
            Self::OverCap => "over_cap",
            Self::Failed => "failed",
            Self::Offline => "offline",
            Self::NoLink => "no_link",
            Self::KeyRefused => "key_refused",
            Self::BadInput => "bad_input",
            Self::TooLong => "too_long",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
        }
    }

    /// Tells whether a text was kept.
    pub const fn has_text(self) -> bool {
        matches!(self, Self::Answered | Self::Truncated)
    }

    /// Returns the exit code of a command that ended so (ENGINE section 6).
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Answered | Self::Truncated => 0,
            Self::OverCap => 3,
            Self::Failed | Self::Offline | Self::NoLink => 4,
            Self::KeyRefused | Self::BadInput | Self::TooLong | Self::Refused => 5,
            Self::Cancelled => 130,
            Self::Lost => 1,
        }
    }
}
