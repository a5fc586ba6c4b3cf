//! Tickets, their statuses, and the moves between them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Contact, TicketId, Timestamp};

/// One matter of one requester, with all its messages.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The inner identity.
    pub id: TicketId,
    /// What people say: `#4812`.
    pub number: i64,
    /// Where it came from: `import`, `demo`, later `imap:<account>`.
    pub source: String,
    /// The subject without prefixes such as `Re:`.
    pub subject: String,
    /// Who asked.
    pub requester: Contact,
    /// Where it stands.
    pub status: Status,
    /// How urgent somebody said it is.
    pub priority: Option<Priority>,
    /// The agent who has it.
    pub assignee: Option<String>,
    /// Sorted, without doubles.
    pub tags: Vec<String>,
    /// Why it is out of the queue in the view `system` (a bounce, automatic mail), if it is.
    pub quarantined_because: Option<String>,
    /// How many messages it has.
    pub messages: i64,
    /// When its first message was sent.
    pub created_at: Timestamp,
    /// When anything about it last changed.
    pub updated_at: Timestamp,
    /// When the requester last wrote.
    pub last_customer_message_at: Option<Timestamp>,
    /// Bumped by every change: the optimistic lock.
    pub version: i64,
}

impl fmt::Debug for Ticket {
    /// Writes the number and the status; the rest is people's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket #{} {}", self.number, self.status)
    }
}

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has acted on it.
    New,
    /// The desk must act.
    Open,
    /// The requester must act.
    Pending,
    /// A third party must act.
    Hold,
    /// Answered; a reply opens it again.
    Solved,
    /// Over for good; a reply starts a follow-up.
    Closed,
    /// Unwanted mail.
    Spam,
    /// Went on in another ticket.
    Merged,
    /// Thrown away; can be brought back.
    Deleted,
}

/// Every status, in the order people read them.
pub const STATUSES: [Status; 9] = [
    Status::New,
    Status::Open,
    Status::Pending,
    Status::Hold,
    Status::Solved,
    Status::Closed,
    Status::Spam,
    Status::Merged,
    Status::Deleted,
];

/// What happened to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketEvent {
    /// A person set the status by hand.
    SetByHand(Status),
    /// A public reply left the desk; the agent may have chosen a status.
    AgentReply(Option<Status>),
    /// An internal note was written.
    InternalNote,
    /// The requester or a copied person wrote.
    CustomerReply,
    /// Automatic mail came: out of office, a receipt, a list notice.
    AutomaticMail,
    /// A reply could not be delivered for now.
    SoftBounce,
    /// A reply will never be delivered.
    HardBounce,
    /// The snooze ran out.
    SnoozeEnds,
    /// The days after solving ran out.
    CloseTimer,
    /// A spam or deleted ticket is brought back to what it was.
    Restore(Status),
}

/// Says why a status cannot follow another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a ticket that is {from} cannot become {to}: {because}")]
pub struct IllegalMove {
    /// Where it stood.
    pub from: Status,
    /// Where it was to go.
    pub to: Status,
    /// Why not, and what to do instead.
    pub because: &'static str,
}

impl Status {
    /// Returns the word for it, as on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::Pending => "pending",
            Self::Hold => "hold",
            Self::Solved => "solved",
            Self::Closed => "closed",
            Self::Spam => "spam",
            Self::Merged => "merged",
            Self::Deleted => "deleted",
        }
    }

    /// Returns its letter in the queue.
    pub const fn letter(self) -> char {
        match self {
            Self::New => 'N',
            Self::Open => 'O',
            Self::Pending => 'P',
            Self::Hold => 'H',
            Self::Solved => 'S',
            Self::Closed => 'C',
            Self::Spam => 'X',
            Self::Merged => 'M',
            Self::Deleted => 'D',
        }
    }

    /// Tells whether the desk still owes something: what the queue shows by default.
    pub const fn is_unsolved(self) -> bool {
        matches!(self, Self::New | Self::Open | Self::Pending | Self::Hold)
    }

    /// Returns the status after `event` (DOMAIN: the table of section 2), or why it cannot be.
    pub fn after(self, event: &TicketEvent) -> Result<Self, IllegalMove> {
        match *event {
            TicketEvent::SetByHand(to) => self.set_by_hand(to),
            TicketEvent::AgentReply(chosen) => self.after_reply(chosen),
            TicketEvent::InternalNote | TicketEvent::AutomaticMail | TicketEvent::SoftBounce => {
                Ok(self)
            }
            TicketEvent::CustomerReply => Ok(match self {
                Self::Pending | Self::Hold | Self::Solved => Self::Open,
                Self::New
                | Self::Open
                | Self::Closed
                | Self::Spam
                | Self::Merged
                | Self::Deleted => self,
            }),
            TicketEvent::HardBounce | TicketEvent::SnoozeEnds => Ok(match self {
                Self::New | Self::Open | Self::Pending | Self::Hold => Self::Open,
                Self::Solved if *event == TicketEvent::HardBounce => Self::Open,
                Self::Solved | Self::Closed | Self::Spam | Self::Merged | Self::Deleted => self,
            }),
            TicketEvent::CloseTimer => Ok(if self == Self::Solved {
                Self::Closed
            } else {
                self
            }),
            TicketEvent::Restore(before) => match self {
                Self::Spam | Self::Deleted => Ok(before),
                Self::New
                | Self::Open
                | Self::Pending
                | Self::Hold
                | Self::Solved
                | Self::Closed
                | Self::Merged => {
                    Err(self.refuse(before, "only spam and deleted tickets are restored."))
                }
            },
        }
    }

    fn set_by_hand(self, to: Self) -> Result<Self, IllegalMove> {
        match (self, to) {
            (from, to) if from == to => Ok(to),
            (_, Self::New) => Err(self.refuse(
                to,
                "`new` is only for tickets that nobody has acted on. Use open.",
            )),
            (_, Self::Merged) => {
                Err(self.refuse(to, "merging needs the ticket that it goes on in."))
            }
            (Self::Closed, Self::Spam | Self::Deleted) => Ok(to),
            (Self::Closed, _) => Err(self.refuse(
                to,
                "closed is final. A new message starts a follow-up ticket.",
            )),
            (Self::Merged, _) => {
                Err(self.refuse(to, "it went on in another ticket. Change that one."))
            }
            (_, to) => Ok(to),
        }
    }

    fn after_reply(self, chosen: Option<Self>) -> Result<Self, IllegalMove> {
        let default = match self {
            Self::New | Self::Open | Self::Pending => Self::Pending,
            Self::Hold => Self::Hold,
            Self::Solved => Self::Solved,
            Self::Closed | Self::Spam | Self::Merged | Self::Deleted => {
                return Err(self.refuse(
                    chosen.unwrap_or(Self::Pending),
                    "it takes no reply. Restore it, or write a new ticket.",
                ));
            }
        };
        self.set_by_hand(chosen.unwrap_or(default))
    }

    const fn refuse(self, to: Self, because: &'static str) -> IllegalMove {
        IllegalMove {
            from: self,
            to,
            because,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Says that a word names no status or priority, and which there are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no {what} `{word}`; there are {known}")]
pub struct UnknownWord {
    /// "status" or "priority".
    pub what: &'static str,
    /// What was written.
    pub word: String,
    /// The words there are.
    pub known: &'static str,
}

impl FromStr for Status {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        STATUSES
            .into_iter()
            .find(|status| status.word() == word)
            .ok_or_else(|| UnknownWord {
                what: "status",
                word: word.chars().filter(|c| !c.is_control()).take(40).collect(),
                known: "new, open, pending, hold, solved, closed, spam, merged and deleted",
            })
    }
}

/// How urgent a ticket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// When there is time.
    Low,
    /// As they come.
    Normal,
    /// Before the others.
    High,
    /// Now.
    Urgent,
}

impl Priority {
    /// Returns the word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }
}

impl FromStr for Priority {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Low, Self::Normal, Self::High, Self::Urgent]
            .into_iter()
            .find(|priority| priority.word() == word)
            .ok_or_else(|| UnknownWord {
                what: "priority",
                word: word.chars().filter(|c| !c.is_control()).take(40).collect(),
                known: "low, normal, high and urgent",
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_is_never_entered_again() {
        for from in STATUSES.into_iter().filter(|&from| from != Status::New) {
            assert!(
                from.after(&TicketEvent::SetByHand(Status::New)).is_err(),
                "{from}"
            );
        }
    }

    #[test]
    fn a_reply_of_the_customer_reopens_all_but_what_is_over() {
        let after = |status: Status| status.after(&TicketEvent::CustomerReply).unwrap();
        assert_eq!(after(Status::Pending), Status::Open);
        assert_eq!(after(Status::Solved), Status::Open);
        assert_eq!(after(Status::New), Status::New);
        assert_eq!(after(Status::Closed), Status::Closed);
    }

    #[test]
    fn automatic_mail_changes_nothing() {
        for status in STATUSES {
            assert_eq!(status.after(&TicketEvent::AutomaticMail), Ok(status));
        }
    }

    #[test]
    fn every_word_is_read_back() {
        for status in STATUSES {
            assert_eq!(status.word().parse(), Ok(status));
        }
    }
}
