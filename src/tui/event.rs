//! What happens to the screen: keys, news of the desk, and the ends of what it had begun.

use std::path::PathBuf;

use ratatui::layout::Size;

use super::{
    effect::ReceiptAsk,
    setup::MailSources,
    strays::{Typed, Writing},
};
use crate::{
    config::{AccountConfig, chord::Chord},
    desk::{
        comparing::Compared,
        drill::Drilled,
        face::{
            CatchUp, DeskEvent, Drafted, KeyCard, OverviewView, QueuePage, ReceiptPage,
            RoutingView, Running, SpendView, TicketView,
        },
        files::Received,
        health::LinkHealth,
        import::Imported,
        joining::MergeLook,
        servers::Servers,
    },
    domain::{
        Change, Draft, DraftId, Mono, OutboxRow, ProviderName, RunId, Status, TableLook, Ticket,
        TicketId, Timestamp,
    },
};

/// One thing that happened, as `update` takes it.
#[derive(Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(Press),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size.
    Resize(Size),
    /// The desk has news.
    Desk(DeskEvent),
    /// The desk has had more news than could be kept: all that is shown must be read anew.
    Missed,
    /// The newest state of every running draft.
    Live(Vec<Running>),
    /// Something that was begun has ended.
    Done(Done),
    /// Time went on.
    Tick,
    /// A background task broke; its report is in the log.
    Broke,
}

/// One press of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    /// Which.
    pub chord: Chord,
    /// Whether the keyboard says that the key is held down.
    pub is_repeat: bool,
}

/// The time, both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// On the calendar.
    pub civil: Timestamp,
    /// On the stopwatch.
    pub mono: Mono,
}

/// Why an act failed, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What happened and why.
    pub said: String,
    /// What to do.
    pub advice: Option<String>,
    /// What the screen itself can do about it.
    pub kind: TroubleKind,
}

/// Troubles the screen has an answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// No cap is chosen: ask for one.
    CapNotChosen,
    /// A newer text of the draft exists: both are kept.
    Conflict,
    /// Any other.
    Other,
}

/// The end of something that was begun.
#[derive(Debug)]
pub enum Done {
    /// Rows of the queue came.
    Page {
        /// Of which question; older answers are dropped.
        turn: u64,
        /// The rows.
        page: Result<QueuePage, Trouble>,
    },
    /// A ticket came.
    Ticket(TicketId, Result<Box<TicketView>, Trouble>),
    /// A draft was compared with the text before it.
    Compared(TicketId, Result<Box<Compared>, Trouble>),
    /// The meter came.
    Spend(Result<SpendView, Trouble>),
    /// Banners came, and the tour's word on what to try next.
    Banners(Vec<String>, Option<&'static str>),
    /// Cards of the providers came.
    Keys(Result<Vec<KeyCard>, Trouble>),
    /// Where mail comes from so far.
    Accounts(MailSources),
    /// The mail servers of an address were found, or not.
    Servers(String, Result<Servers, Trouble>),
    /// An account was tried and kept, or not; the words say how it went.
    AccountAdded(Result<String, Trouble>),
    /// The chains came.
    Chains(Result<RoutingView, Trouble>),
    /// A chain was written, or not.
    ChainSaved(Result<String, Trouble>),
    /// Receipts came for their screen.
    Receipts(ReceiptAsk, Result<Box<ReceiptPage>, Trouble>),
    /// How every link is came.
    Providers(Result<Vec<LinkHealth>, Trouble>),
    /// A link was changed or tried; the words say how it went.
    LinkDone(Result<String, Trouble>),
    /// A drill was played.
    Drilled(Result<Box<Drilled>, Trouble>),
    /// The figures of so many days came.
    Overview(u16, Result<Box<OverviewView>, Trouble>),
    /// Receipts were written into a file; how many.
    Exported(Result<u64, Trouble>),
    /// The drafts that could not be made came.
    CatchUp(Result<CatchUp, Trouble>),
    /// A ticket was taken off the list of drafts that wait.
    MissedDropped(Result<(), Trouble>),
    /// The replies in the outbox came, each with its ticket.
    Outbox(Result<Vec<(OutboxRow, Ticket)>, Trouble>),
    /// A table was looked at.
    Table(PathBuf, Result<Box<TableLook>, Trouble>),
    /// What would come of a table came.
    TableTried(Result<Box<Imported>, Trouble>),
    /// Mail was read into tickets; the words say what came of it.
    Imported(Result<String, Trouble>),
    /// The text of a note that is being written is on disk, or not.
    NoteKept(Typed, Result<(), Trouble>),
    /// A note was added to its ticket, or not.
    NoteAdded(Typed, Result<(), Trouble>),
    /// A draft came out, one way or another.
    Drafted(TicketId, Result<Box<Drafted>, Trouble>),
    /// The typed text is on disk, or not.
    Saved {
        /// The text, and for which ticket.
        typed: Typed,
        /// The draft as saved.
        draft: Result<Box<Draft>, Trouble>,
    },
    /// A ticket was changed; the second is what undoes it.
    Changed(Result<(Box<Ticket>, Change), Trouble>),
    /// A reply was put into the outbox.
    Queued(Result<Box<OutboxRow>, Trouble>, Status),
    /// A reply was taken out of the outbox again; with its ticket.
    Withdrawn(Result<(Box<Draft>, Box<Ticket>), Trouble>),
    /// Something was done with a reply, a note or a draft's address; the words say what.
    Sending(Result<String, Trouble>),
    /// An address that is looked for is an account of the config that signs in with a token.
    KnownAccount(Box<AccountConfig>),
    /// What a merge into the ticket with that number would put together.
    MergeSeen(TicketId, i64, Result<Box<MergeLook>, Trouble>),
    /// A ticket was merged; the number of the one it goes on in.
    Merged(TicketId, Result<i64, Trouble>),
    /// The files of a ticket came.
    Files(TicketId, Result<Vec<Received>, Trouble>),
    /// Something was done with a received file or a link; the words say what.
    FileDone(Result<String, Trouble>),
    /// A ticket was made by hand.
    MadeTicket(Result<i64, Trouble>),
    /// A draft was thrown away.
    Discarded(TicketId, Result<DraftId, Trouble>),
    /// A draft was brought back.
    Restored(TicketId, Result<(), Trouble>),
    /// The cap was written.
    CapSet(Result<SpendView, Trouble>),
    /// A provider's key or model was changed or tried; the words say how it went.
    KeyDone(ProviderName, Result<String, Trouble>),
    /// The outside editor was left; its text, if it was changed.
    EditedOutside((TicketId, Writing), Result<Option<String>, Trouble>),
    /// A run was told to stop.
    Stopped(RunId),
}

impl Trouble {
    /// Makes a trouble that only words can tell.
    pub fn new(said: impl Into<String>) -> Self {
        Self {
            said: said.into(),
            advice: None,
            kind: TroubleKind::Other,
        }
    }

    /// Writes it on one line.
    pub fn line(&self) -> String {
        match &self.advice {
            Some(advice) if self.said.ends_with(['.', '!', '?']) => {
                format!("{} {advice}", self.said)
            }
            Some(advice) => format!("{}. {advice}", self.said),
            None => self.said.clone(),
        }
    }
}
