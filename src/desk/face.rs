//! What the desk shows to its faces: plain values, no doors behind them.

use std::time::Duration;

use crate::{
    desk::send::guard::Route,
    domain::{
        Attempt, CapName, Contact, Cost, Draft, DraftId, FaultClass, KeyState, LinkName, Message,
        MessageKind, Meter, Missed, Origin, OutboxRow, ProviderKind, ProviderName, QueueRow,
        Receipt, RunId, Ticket, TicketId, Timestamp, Usd, link::NotALink,
    },
    engine::{chain::LinkFacts, figures::Figures, outage::Outage, routing::Routing},
};

/// A part of the queue, as the screen needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueuePage {
    /// How many rows were passed over.
    pub offset: u64,
    /// The rows.
    pub rows: Vec<QueueRow>,
    /// How many there are altogether in this view.
    pub total: u64,
    /// How many tickets the filter hides.
    pub hidden: u64,
}

/// One ticket with all that stands around it.
#[derive(Clone, Debug)]
pub struct TicketView {
    /// The ticket.
    pub ticket: Ticket,
    /// Its messages, oldest first.
    pub messages: Vec<Message>,
    /// The live draft of this agent.
    pub draft: Option<Draft>,
    /// The note that this agent has begun and not added.
    pub note: Option<String>,
    /// Its receipts, newest first.
    pub receipts: Vec<Receipt>,
    /// Its replies in the outbox, newest first.
    pub outbox: Vec<OutboxRow>,
    /// Where it was imported from, if it was.
    pub origin: Option<Origin>,
    /// Where a reply would go.
    pub route: Route,
}

impl TicketView {
    /// Returns the ticket's own people: who asked, and whoever a message came from or went to.
    pub fn people(&self) -> Vec<&Contact> {
        let public = self.messages.iter();
        let public = public.filter(|message| message.kind == MessageKind::Public);
        let named = public.flat_map(|message| {
            let from = std::iter::once(&message.from).chain(&message.reply_to);
            from.chain(&message.to).chain(&message.cc)
        });
        std::iter::once(&self.ticket.requester)
            .chain(named)
            .collect()
    }
}

/// Which draft to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftAsk {
    /// For which ticket.
    pub ticket: TicketId,
    /// Another chain than the one that is meant for this ticket.
    pub chain: Option<AskedChain>,
    /// What to do differently this time: `shorter`, or free words.
    pub hint: Option<String>,
    /// A link that is asked first, whatever the breaker and rests say of it.
    pub force: Option<LinkName>,
}

/// The chain that a person asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedChain {
    /// These links, in this order.
    Links(Vec<LinkName>),
    /// A chain of the config by its name, or a model by its name alone.
    Named(String),
    /// This link first, then the ticket's chain.
    First(LinkName),
}

impl std::str::FromStr for AskedChain {
    type Err = NotALink;

    /// Reads a name, or links with commas between.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if !text.is_empty() && !text.contains(['/', ',']) && !text.contains(char::is_control) {
            return Ok(Self::Named(text.to_owned()));
        }
        let links: Result<Vec<LinkName>, NotALink> = text.split(',').map(str::parse).collect();
        links.map(Self::Links)
    }
}

/// A draft under way: the newest state, not a stream of events. Published by `watch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The run.
    pub run: RunId,
    /// The ticket it is for.
    pub ticket: TicketId,
    /// What it is doing.
    pub phase: Phase,
    /// The link being asked or speaking.
    pub link: Option<LinkName>,
    /// The whole text of the attempt that speaks.
    pub text: String,
    /// Text of an earlier attempt that broke off: shown dimmed until the new text comes.
    pub void: Option<VoidText>,
    /// Attempts that are over, in order: why the engine moved on, as it happens.
    pub attempts: Vec<Attempt>,
    /// Time since the run began.
    pub elapsed: Duration,
}

/// Words that no longer count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoidText {
    /// What had been shown.
    pub text: String,
    /// Who wrote it.
    pub link: LinkName,
    /// Why it is void.
    pub because: FaultClass,
}

/// What a running draft is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waits for money that other drafts hold, or for a link's short rest.
    Waiting,
    /// Asked; no words yet.
    Asking,
    /// Words come.
    Writing,
}

/// How a draft came out.
#[derive(Clone, Debug)]
pub struct Drafted {
    /// The draft as saved; none when no text was kept.
    pub draft: Option<Draft>,
    /// What happened.
    pub receipt: Receipt,
}

/// The state of one provider on the Keys screen and in `keys list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCard {
    /// The provider.
    pub provider: ProviderName,
    /// Its wire format.
    pub kind: ProviderKind,
    /// Where its key comes from.
    pub origin: KeyOrigin,
    /// The key masked to its last four characters, when it was read already.
    pub masked: Option<String>,
    /// What was last seen of it.
    pub state: Option<KeyState>,
    /// When that was.
    pub since: Option<Timestamp>,
    /// The provider's words, when it refused.
    pub said: Option<String>,
    /// The model used when nothing else says.
    pub default_model: Option<String>,
    /// Every model known for it.
    pub models: Vec<String>,
    /// Its place in the default chain, 1 for the primary.
    pub place: Option<usize>,
}

/// Where a key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// The OS keyring.
    Keyring,
    /// An environment variable, by name.
    Env(String),
    /// A command of the config.
    Command,
    /// The provider wants none.
    NotNeeded,
    /// There is none.
    Missing,
}

/// What the Routing screen shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutingView {
    /// Every chain, the default first.
    pub chains: Vec<ChainCard>,
    /// Links that can be part of a chain; those in use first.
    pub known: Vec<LinkFacts>,
    /// Every provider that can be named.
    pub providers: Vec<ProviderName>,
    /// Those of them that have no key.
    pub keyless: Vec<ProviderName>,
}

/// One chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainCard {
    /// Its name.
    pub name: String,
    /// Its links, as written.
    pub links: Vec<LinkName>,
    /// How they are put in order.
    pub routing: Routing,
    /// The rules that choose it, as written.
    pub rules: Vec<String>,
}

/// The meter and what goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendView {
    /// How the ledger stands.
    pub meter: Meter,
    /// Where the cap comes from: `config`, `not chosen yet`, `declared absent`.
    pub cap_because: String,
    /// What the cheapest useful draft needs.
    pub cheapest_draft: Option<Usd>,
    /// The limits of time, the month's first, and how each stands.
    pub caps: Vec<CapView>,
    /// Whether so much is spent that the cheaper link goes first (`downgrade_at`).
    pub cheap_first: bool,
    /// Which of them AI work is paused by.
    pub paused_by: Option<CapName>,
    /// Who is down, when nobody is left to ask.
    pub outage: Option<Box<Outage>>,
    /// How many drafts could not be made and are still wanted.
    pub missed: u64,
}

/// The drafts that could not be made and are still wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatchUp {
    /// The oldest first.
    pub rows: Vec<CatchUpRow>,
    /// What stands in the way of making them now, in words; none when the way is free.
    pub in_the_way: Option<String>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatchUpRow {
    /// The ticket and why its draft could not be made.
    pub missed: Missed,
    /// What the draft is likely to cost, by the drafts made lately; none without any.
    pub likely: Option<Usd>,
    /// What it costs at most; none where no price is known.
    pub at_most: Option<Usd>,
}

impl CatchUp {
    /// Returns what all of them are likely to cost; none when that is not known of every one.
    pub fn likely(&self) -> Option<Usd> {
        self.sum(|row| row.likely)
    }

    /// Returns what all of them cost at most; none when that is not known of every one.
    pub fn at_most(&self) -> Option<Usd> {
        self.sum(|row| row.at_most)
    }

    fn sum(&self, of: impl Fn(&CatchUpRow) -> Option<Usd>) -> Option<Usd> {
        self.rows
            .iter()
            .try_fold(Usd::ZERO, |sum, row| Some(sum.plus(of(row)?)))
    }
}

/// How one limit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapView {
    /// Which.
    pub name: CapName,
    /// The limit.
    pub cap: Usd,
    /// Settled; a bound where some of it is not certain.
    pub settled: Cost,
    /// Held for calls under way.
    pub held: Usd,
    /// When the count begins anew.
    pub ends: Timestamp,
}

/// A part of the receipts that a query means.
#[derive(Clone, Debug, Default)]
pub struct ReceiptPage {
    /// Those found, newest first, each with its entry number.
    pub rows: Vec<(i64, Receipt)>,
    /// The newest entry there was, where the newest were looked for: what is added later lies after
    /// it.
    pub newest: Option<i64>,
    /// The oldest entry that was looked through: the next part lies before it.
    pub before: Option<i64>,
    /// How far back in time that is.
    pub searched_to: Option<Timestamp>,
    /// Whether nothing lies before it.
    pub is_last: bool,
}

/// What the receipts since a time say together.
#[derive(Clone, Debug)]
pub struct OverviewView {
    /// Since when.
    pub since: Timestamp,
    /// The day it is, in the zone whose days are counted.
    pub today: jiff::civil::Date,
    /// The sums.
    pub figures: Figures,
    /// The sums of the seven days that end today, whatever `since` is.
    pub week: Figures,
    /// What the month comes to if it goes on as it began; an estimate.
    pub forecast: Option<Usd>,
    /// The meter.
    pub spend: SpendView,
}

/// What the desk tells its faces, unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeskEvent {
    /// A running draft changed; read it from `Desk::live`.
    Grew(RunId),
    /// Tickets changed, here or in another process; reload what is shown.
    Changed,
    /// One ticket changed.
    TicketChanged(TicketId),
    /// A draft was saved.
    DraftSaved(DraftId),
    /// The ledger or the cap changed.
    Spent,
    /// A threshold of the cap was passed for the first time this period: 50, 75 or 100.
    Alert(u32),
    /// Keys, chains or other settings changed.
    Configured,
    /// The first choice answers again after drafts that a backup wrote.
    Back {
        /// Who.
        provider: ProviderName,
        /// How many drafts that were.
        drafts: u64,
        /// Who wrote them.
        by: Vec<ProviderName>,
    },
    /// A key was refused; its banner stays until the key is set anew.
    KeyRefused(ProviderName),
    /// What a person must do to sign in to a mailbox: open a page, with a code to type there or in
    /// the browser of this machine.
    SignIn {
        /// The page.
        url: String,
        /// The code; none where the browser of this machine is asked.
        code: Option<String>,
    },
    /// Something a person should know, in one sentence.
    Note(String),
}
