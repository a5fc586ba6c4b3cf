//! Identities: newtypes over `UUIDv7`, so that a ticket's id is never taken for a draft's.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => {$(
        #[$doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps an identity that was made at the edge (`Uuid::now_v7`).
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Returns the bare identity.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

id! {
    /// Names a ticket inside the program; people say its number.
    TicketId,
    /// Names one message of a ticket.
    MessageId,
    /// Names an attachment of a message.
    AttachmentId,
    /// Names a draft.
    DraftId,
    /// Names a row of the outbox.
    OutboxId,
    /// Names one run of the fallback engine.
    RunId,
    /// Names the receipt of a run.
    ReceiptId,
    /// Names money held in the ledger for one attempt.
    HoldId,
}
