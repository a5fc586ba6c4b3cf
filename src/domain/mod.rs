//! The words of a support desk: tickets, messages, drafts, receipts and dollars.
//!
//! Ground. Nothing here does I/O, asks a clock or holds a lock; every other room may use it, and
//! it uses none of them. A word means the same here, on the screen, in SQL and in the docs.

pub mod contact;
pub mod draft;
pub mod fault;
pub mod hint;
pub mod ids;
pub mod joining;
pub mod kept_back;
pub mod key;
pub mod link;
pub mod mail;
pub mod manner;
pub mod message;
pub mod missed;
pub mod money;
pub mod outbox;
pub mod query;
pub mod query_match;
pub mod queue;
pub mod rate;
pub mod receipt;
pub mod receipt_query;
pub mod record;
pub mod sign_in;
pub mod spend;
pub mod standing;
pub mod table;
pub mod ticket;
pub mod time;
pub mod usage;

pub use contact::Contact;
pub use draft::{CAME_BACK, Draft, DraftOrigin, DraftState, MAY_HAVE_LEFT};
pub use fault::{Billed, Fault, FaultClass};
pub use hint::Hint;
pub use ids::{AttachmentId, DraftId, HoldId, MessageId, OutboxId, ReceiptId, RunId, TicketId};
pub use kept_back::KeptBack;
pub use key::KeySource;
pub use link::{LinkName, ModelName, ProviderKind, ProviderName};
pub use mail::{FolderMark, FolderRead, FolderUid, MailProtocol, MailServer, NotAServer, Security};
pub use manner::Manner;
pub use message::{Attachment, AutoClass, Body, Direction, Message, MessageKind};
pub use missed::Missed;
pub use money::{Cost, Usd};
pub use outbox::{
    Delivery, Enclosed, Envelope, OutboxKind, OutboxRow, Post, PostLetter, Progress, Purpose,
};
pub use query::Query;
pub use queue::{Change, DraftMark, Order, Page, QueueRow};
pub use rate::RateLeft;
pub use receipt::{Attempt, Ending, Receipt, SkipReason, Skipped, Task};
pub use receipt_query::ReceiptQuery;
pub use record::{Origin, Record, RecordMessage, SameWhen, Unmapped};
pub use sign_in::{Login, SignIn};
pub use spend::{Cap, CapName, Meter, Period, SideCaps};
pub use standing::{KeyStanding, KeyState, Rest};
pub use table::{Because, Column, DayOrder, Days, Field, TableLook, TableWarning};
pub use ticket::{Priority, Status, Ticket, TicketEvent};
pub use time::{Clock, Mono, Timestamp};
pub use usage::{Counting, Usage};
