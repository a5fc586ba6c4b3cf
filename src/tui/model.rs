//! All that the screen knows, each room its own part.

use std::sync::Arc;

use jiff::tz::TimeZone;
use ratatui::layout::Size;

use super::{
    burst::Burst,
    catch_up::CatchUpScreen,
    compare::ComparePage,
    drill::DrillPage,
    editor::Editor,
    event::Moment,
    files::FilesScreen,
    help::Help,
    keys::KeysScreen,
    layout::{self, Layout},
    mailbox::MailboxScreen,
    mapping::MappingScreen,
    menu::Menu,
    meter::MeterRoom,
    notes::Notes,
    outbox::Outbox,
    overview::OverviewScreen,
    palette::Palette,
    panel::Panel,
    prompt::Prompt,
    providers::ProvidersScreen,
    queue::Queue,
    receipts::ReceiptsScreen,
    routing::RoutingScreen,
    setup::SetUp,
    talk::Talk,
    work::Work,
};
use crate::{
    config::{
        Glyphs,
        action::{Action, Scope},
        chord::Chord,
        keymap::Keymap,
    },
    domain::{Delivery, Mono, OutboxRow, TicketId},
};

/// The whole state of the screen.
#[derive(Debug)]
pub struct Model {
    /// The list of tickets.
    pub queue: Queue,
    /// The ticket under the cursor: its conversation and its draft.
    pub talk: Talk,
    /// The reply being edited, if one is.
    pub editor: Option<Editor>,
    /// The side pane: receipt and customer.
    pub panel: Panel,
    /// The spend meter.
    pub meter: MeterRoom,
    /// Messages to the person.
    pub notes: Notes,
    /// What is under way, and what can be undone.
    pub work: Work,
    /// Size, focus, and what never changes while the desk is open.
    pub stage: Stage,
    /// What lies over the panes.
    pub overlay: Option<Overlay>,
}

/// Where the person is, and what surrounds them.
#[derive(Debug)]
pub struct Stage {
    /// The terminal's size.
    pub size: Size,
    /// The pane that keys go to.
    pub focus: Focus,
    /// The part of the ticket that is open.
    pub part: Part,
    /// Keys pressed so far of a longer sequence.
    pub pressed: Vec<Chord>,
    /// The step of the set-up that was gone to; its list comes back when that is done.
    pub setting_up: Option<usize>,
    /// The last act that sends or destroys, and when: holding its key must not repeat it.
    pub last_once: Option<(Action, Mono)>,
    /// When the newest keys were pressed that are acts, and until when none is taken: something
    /// other than a hand types.
    pub burst: Burst,
    /// The time of the newest event.
    pub now: Moment,
    /// What never changes.
    pub facts: Arc<Facts>,
}

/// What never changes while the desk is open.
#[derive(Debug)]
pub struct Facts {
    /// Who "me" is.
    pub agent: String,
    /// Whether this is the demo.
    pub is_demo: bool,
    /// Which keys do what.
    pub keymap: Keymap,
    /// Which signs are drawn.
    pub glyphs: Glyphs,
    /// In which zone times are told.
    pub zone: TimeZone,
}

/// The pane that keys go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// The queue.
    Queue,
    /// The conversation with the draft.
    Talk,
    /// The side pane.
    Side,
}

/// A part of a ticket, by its digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The conversation.
    Talk,
    /// The draft.
    Draft,
    /// The receipt.
    Receipt,
    /// The customer.
    Customer,
}

/// What lies over the panes; one at a time.
#[derive(Debug)]
pub enum Overlay {
    /// Every action by name.
    Palette(Palette),
    /// The keys.
    Help(Help),
    /// One line to type.
    Prompt(Prompt),
    /// A few things to choose from.
    Menu(Menu),
    /// Providers, keys and models.
    Keys(KeysScreen),
    /// Chains and their links.
    Routing(RoutingScreen),
    /// The receipts of all tickets.
    Receipts(ReceiptsScreen),
    /// How every link is.
    Providers(ProvidersScreen),
    /// What a drill showed.
    Drill(DrillPage),
    /// A draft beside the text before it.
    Compare(ComparePage),
    /// What the receipts say together.
    Overview(OverviewScreen),
    /// The drafts that could not be made.
    CatchUp(CatchUpScreen),
    /// The replies that wait.
    Outbox(Outbox),
    /// The files that came with a ticket.
    Files(FilesScreen),
    /// What the columns of a table hold.
    Mapping(MappingScreen),
    /// The steps to a desk of one's own.
    SetUp(SetUp),
    /// The setting up of a mailbox.
    Mailbox(Box<MailboxScreen>),
}

impl Model {
    /// Makes the screen of a desk that nothing has been read of yet.
    pub fn new(facts: Facts, size: Size, now: Moment) -> Self {
        Self {
            queue: Queue::default(),
            talk: Talk::default(),
            editor: None,
            panel: Panel::default(),
            meter: MeterRoom::default(),
            notes: Notes::default(),
            work: Work::default(),
            stage: Stage {
                size,
                focus: Focus::Queue,
                part: Part::Talk,
                pressed: Vec::new(),
                setting_up: None,
                last_once: None,
                burst: Burst::default(),
                now,
                facts: Arc::new(facts),
            },
            overlay: None,
        }
    }

    /// Returns where keys are read now.
    pub fn scope(&self) -> Scope {
        if self.overlay.is_some() {
            Scope::Picker
        } else if self.editor.is_some() {
            Scope::Editor
        } else {
            Scope::Desk
        }
    }

    /// Returns how the screen is divided.
    pub fn layout(&self) -> Layout {
        layout::layout(self)
    }

    /// Returns the ticket under the cursor.
    pub fn here(&self) -> Option<TicketId> {
        self.queue.here()
    }

    /// Returns when figures on the screen may be read anew; none while nothing waits for that.
    pub fn figures_due(&self) -> Option<Mono> {
        let Some(Overlay::Overview(screen)) = &self.overlay else {
            return None;
        };
        screen.due()
    }

    /// Tells whether the screen says how long a reply is still held.
    pub fn counts_down(&self) -> bool {
        let now = self.stage.now.civil;
        let runs = |row: &OutboxRow| {
            row.progress.delivery == Delivery::Held
                && row.progress.due_at().is_some_and(|due| due > now)
        };
        match &self.overlay {
            Some(Overlay::Outbox(outbox)) => outbox.rows.iter().flatten().any(|(row, _)| runs(row)),
            Some(_) => false,
            None => self
                .talk
                .view()
                .is_some_and(|view| view.outbox.iter().any(runs)),
        }
    }

    /// Returns the key to show beside an action.
    pub fn key(&self, action: Action) -> String {
        self.stage
            .facts
            .keymap
            .shown(action)
            .unwrap_or_else(|| "Ctrl+K".to_owned())
    }
}
