//! What the screen wants done: the only way out of `update`.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;

use super::strays::Typed;
use crate::{
    config::AccountConfig,
    desk::{
        drill::DrillPlan,
        face::{ChainCard, DraftAsk},
        send::Approval,
        tables::TableAsk,
    },
    domain::{
        Cap, Change, DraftId, Envelope, LinkName, MessageId, OutboxId, ProviderName, Query,
        ReceiptQuery, TicketId,
    },
};

/// Which receipts are to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptAsk {
    /// Those that this means.
    pub query: ReceiptQuery,
    /// Which part of them.
    pub span: ReceiptSpan,
    /// Comes back with them.
    pub turn: u64,
}

/// A part of the receipts, by entry numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptSpan {
    /// The newest.
    Newest,
    /// Those before an entry.
    Before(i64),
    /// Those after an entry.
    After(i64),
}

/// One thing to do outside the model.
#[derive(Debug)]
pub enum Effect {
    /// Read rows of the queue.
    LoadPage {
        /// Which tickets.
        query: Query,
        /// How many rows to pass over.
        offset: u64,
        /// How many to read.
        limit: u64,
        /// The ticket that is looked at: it is to be among them.
        keep: Option<TicketId>,
        /// Comes back with the rows.
        turn: u64,
    },
    /// Read one ticket with all that stands around it.
    LoadTicket(TicketId),
    /// Read the meter.
    LoadSpend,
    /// Read the banners.
    LoadBanners,
    /// Read the cards of the providers.
    LoadKeys,
    /// Read the addresses of the accounts.
    LoadAccounts,
    /// Look for the mail servers of an address.
    FindServers(String),
    /// Try an account with a password, and keep both.
    AddAccount(Box<AccountConfig>, SecretString),
    /// Sign in to an account with a token, and note it in the config.
    SignIn(Box<AccountConfig>),
    /// Give a sign-in up that waits for the person.
    StopSignIn,
    /// Read the chains.
    LoadChains,
    /// Write a chain into the config.
    SaveChain(ChainCard),
    /// Read receipts of all tickets.
    LoadReceipts(ReceiptAsk),
    /// Write the receipts that a query means into a file.
    ExportReceipts(String, PathBuf),
    /// Read how every link is.
    LoadProviders,
    /// Let a link, or a provider, rest for so long.
    Rest(String, Duration),
    /// Forget what speaks against a link.
    Wake(String),
    /// Try a link with a tiny call.
    Probe(LinkName),
    /// Play a drill with the text of a ticket.
    Drill(DrillPlan, Option<i64>),
    /// Read the figures of the last so many days.
    LoadOverview(u16),
    /// Read the drafts that could not be made.
    LoadCatchUp,
    /// Take a ticket off the list of drafts that wait.
    DropMissed(TicketId),
    /// Read the replies that wait in the outbox.
    LoadOutbox,
    /// Read mail or an export from a file or folder into tickets; of a table, look at it first.
    Import(PathBuf),
    /// Look at a table.
    LookAtTable(Box<TableAsk>),
    /// Find out what would come of a table.
    TryTable(Box<TableAsk>),
    /// File a table.
    ImportTable(Box<TableAsk>),
    /// Make a draft.
    Draft(DraftAsk),
    /// Stop the draft that runs for a ticket.
    Stop(TicketId),
    /// Keep what was typed.
    Save {
        /// The text, and for which ticket.
        typed: Typed,
        /// The revision it builds on.
        expected: Option<i64>,
    },
    /// Note that messages of a ticket were read.
    Saw(TicketId, Vec<MessageId>),
    /// Fetch what was left on a mail server.
    Fetch(TicketId),
    /// Keep what was typed on top of whatever stands there: an earlier save of it failed.
    SaveOver(Typed),
    /// Change a ticket; `undo` is the change that takes it back.
    Change {
        /// Which ticket.
        ticket: TicketId,
        /// What to change.
        change: Change,
        /// What takes it back.
        undo: Change,
    },
    /// Put the draft into the outbox.
    QueueReply(Approval),
    /// Keep a stale draft, whose reader has seen so many messages of people.
    Keep(TicketId, u64),
    /// Compare a draft with the text before it.
    Compare(TicketId),
    /// Take a reply out of the outbox.
    Withdraw(OutboxId),
    /// Let a reply leave now that waits for a word.
    Release(OutboxId),
    /// Note that an unsure reply has left.
    WasSent(OutboxId),
    /// Add an internal note.
    AddNote(Typed),
    /// Say to whom a draft goes and what goes with it.
    Address(TicketId, Box<Envelope>),
    /// Let a file go with the draft.
    Attach(TicketId, PathBuf),
    /// Make a ticket for somebody who has not written.
    NewTicket {
        /// For whom.
        to: String,
        /// About what.
        subject: String,
    },
    /// Pass the newest message on to somebody.
    Forward(TicketId, String),
    /// Look at what merging a ticket into the one with that number would put together.
    LookAtMerge(TicketId, i64),
    /// Merge a ticket into the one with that number.
    Merge(TicketId, i64),
    /// Undo the merge of a ticket.
    Unmerge(TicketId),
    /// Split the newest message off into a ticket of its own.
    Split(TicketId),
    /// Read which files came with a ticket.
    LoadFiles(TicketId),
    /// Save one of them.
    SaveFile(TicketId, usize),
    /// Open one of them with the system's program.
    OpenFile(TicketId, usize),
    /// Open a link in the browser.
    OpenLink(String),
    /// Throw a draft away.
    Discard(TicketId, DraftId),
    /// Bring a draft back.
    Restore(TicketId, DraftId),
    /// Write a new cap.
    SetCap(Cap),
    /// Keep a key, after the provider has accepted it.
    SetKey(ProviderName, SecretString),
    /// Forget a key.
    RemoveKey(ProviderName),
    /// Ask the provider whether it accepts the key.
    TestKey(ProviderName),
    /// Use this model of the provider when nothing else says.
    SetDefaultModel(ProviderName, String),
    /// Make the backup the primary and the other way round.
    SwapProviders,
    /// Hand the text to an editor outside.
    EditOutside(Typed),
    /// Give the terminal back to the shell until it continues us.
    Suspend,
    /// Paint everything anew.
    Redraw,
    /// Leave the demo and open the person's own desk at its set-up.
    OwnDesk,
    /// Leave.
    Leave,
}
