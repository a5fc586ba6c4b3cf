//! What a person should know of a message before answering it.

use serde::{Deserialize, Serialize};

/// Something about a message that filing could not decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "hint")]
pub enum Hint {
    /// It answers this ticket, under another subject.
    NewTopic,
    /// Its writer was on no message of the ticket before: they get no reply unless asked for.
    NewParticipant,
    /// Its writer said the same within a day, on another ticket.
    MaybeDuplicate {
        /// That ticket's number.
        number: i64,
    },
    /// It bears one of our addresses, and no mail server vouches for it.
    Unverified,
    /// It reports that a reply of ours was not delivered to somebody it was not written to: passed
    /// on, or made up.
    UncheckedReport,
    /// It is so large that its body was left on the mail server.
    LeftThere {
        /// How large it is, in MB.
        megabytes: u32,
    },
}

impl Hint {
    /// Tells whether it says that strangers may have written the message: who is on it is known to
    /// nobody by that.
    pub const fn is_of_strangers(&self) -> bool {
        match self {
            Self::NewParticipant | Self::Unverified => true,
            Self::NewTopic
            | Self::MaybeDuplicate { .. }
            | Self::LeftThere { .. }
            | Self::UncheckedReport => false,
        }
    }

    /// Says it, and what to do.
    pub fn words(self) -> String {
        match self {
            Self::NewTopic => "looks like a new topic: split makes it a ticket of its own".into(),
            Self::NewParticipant => {
                "from somebody new on this ticket: a reply goes to the others, unless you add them"
                    .into()
            }
            Self::MaybeDuplicate { number } => {
                format!("possible duplicate of #{number}: merge joins the two")
            }
            Self::LeftThere { megabytes } => {
                format!("{megabytes} MB: its body is on the mail server; fetch brings it")
            }
            Self::UncheckedReport => {
                "says that a reply did not arrive, at an address it was not written to: it may have \
                 been passed on; that could not be checked"
                    .into()
            }
            Self::Unverified => "bears our address, and no mail server vouches for it".into(),
        }
    }
}
