//! The one table of actions: name, words for people, and default keys.
//!
//! The keymap, the palette, the help screen, `docs/keys.md` and `deskhand config check` all read
//! it, so none of them can say what the others do not.

use std::fmt;

/// Where keys are read: the same chord may mean different things in different places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Queue, conversation and panels: letters are actions.
    Desk,
    /// The editor: letters are text.
    Editor,
    /// Palette, menus and input lines: letters are text, moves choose.
    Picker,
}

/// Every place where keys are read.
pub const SCOPES: [Scope; 3] = [Scope::Desk, Scope::Editor, Scope::Picker];

impl Scope {
    /// Returns the name of its table below `[keys]`; the desk's is `[keys]` itself.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Desk => "desk",
            Self::Editor => "editor",
            Self::Picker => "picker",
        }
    }
}

/// Under which heading help lists an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Moving about.
    Move,
    /// Drafting and answering.
    Draft,
    /// Changing the ticket.
    Ticket,
    /// Finding tickets and looking at them.
    Find,
    /// Providers, keys and money.
    Ai,
    /// The program itself.
    Desk,
}

/// Every heading, in the order of the help screen.
pub const GROUPS: [Group; 6] = [
    Group::Move,
    Group::Draft,
    Group::Ticket,
    Group::Find,
    Group::Ai,
    Group::Desk,
];

impl Group {
    /// Returns the heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Move => "Moving about",
            Self::Draft => "Drafting and answering",
            Self::Ticket => "The ticket",
            Self::Find => "Finding and looking",
            Self::Ai => "Providers, keys and money",
            Self::Desk => "The program",
        }
    }
}

/// Keys of one action in one place.
type Bound = (Scope, &'static [&'static str]);

macro_rules! actions {
    ($(
        $variant:ident $name:literal in $group:ident: $help:literal, also $also:literal
        => [$($scope:ident $keys:expr),* $(,)?];
    )+) => {
        /// Something a person can do at the desk.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $(#[doc = $help] $variant,)+
        }

        /// Every action, in the order of the table.
        pub const ACTIONS: &[Action] = &[$(Action::$variant),+];

        impl Action {
            /// Returns its name in the config: `send_solve`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Returns what it does, as the palette and the help screen say it.
            pub const fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)+ }
            }

            /// Returns other words that the palette finds it by.
            pub const fn synonyms(self) -> &'static str {
                match self { $(Self::$variant => $also,)+ }
            }

            /// Returns the heading it stands under.
            pub const fn group(self) -> Group {
                match self { $(Self::$variant => Group::$group,)+ }
            }

            /// Returns its keys in the preset `desk`, by place.
            pub const fn default_keys(self) -> &'static [Bound] {
                match self { $(Self::$variant => &[$((Scope::$scope, &$keys)),*],)+ }
            }
        }
    };
}

actions! {
    // Moving about.
    Down "down" in Move: "Move down", also "next line"
        => [Desk ["j", "down"], Picker ["down", "ctrl+n"]];
    Up "up" in Move: "Move up", also "previous line"
        => [Desk ["k", "up"], Picker ["up", "ctrl+p"]];
    NextTicket "next_ticket" in Move: "Next ticket, from anywhere", also "following"
        => [Desk ["J"]];
    PreviousTicket "previous_ticket" in Move: "Previous ticket, from anywhere", also "before"
        => [Desk ["K"]];
    Top "top" in Move: "Jump to the top", also "first start"
        => [Desk ["g g", "home"]];
    Bottom "bottom" in Move: "Jump to the bottom", also "last end"
        => [Desk ["G", "end"]];
    PageDown "page_down" in Move: "A page down", also "scroll"
        => [Desk ["ctrl+d", "pagedown", "space"], Picker ["pagedown"]];
    PageUp "page_up" in Move: "A page up", also "scroll"
        => [Desk ["ctrl+u", "pageup"], Picker ["pageup"]];
    NextPane "next_pane" in Move: "Next pane or part", also "focus switch"
        => [Desk ["tab"], Picker ["tab"]];
    PreviousPane "previous_pane" in Move: "Previous pane or part", also "focus switch"
        => [Desk ["shift+tab"], Picker ["shift+tab"]];
    Open "open" in Move: "Open what is under the cursor", also "choose read"
        => [Desk ["enter", "right"], Picker ["enter"]];
    Back "back" in Move: "Go back; at the queue, quit", also "close leave"
        => [Desk ["q", "left"]];
    Cancel "cancel" in Move: "Stop the running draft, or close what is open", also "escape abort"
        => [Desk ["esc"], Editor ["esc"], Picker ["esc"]];
    PartTalk "part_talk" in Move: "Show the conversation", also "messages thread panel"
        => [Desk ["1"]];
    PartDraft "part_draft" in Move: "Show the draft", also "reply panel"
        => [Desk ["2"]];
    PartReceipt "part_receipt" in Move: "Show the receipt: who was asked and what it cost",
        also "attempts fallback panel"
        => [Desk ["3"]];
    PartCustomer "part_customer" in Move: "Show the customer", also "requester contact panel"
        => [Desk ["4"]];

    // Drafting and answering.
    Draft "draft" in Draft: "Draft a reply to the ticket under the cursor",
        also "ai write answer generate"
        => [Desk ["d"]];
    Redraft "redraft" in Draft: "Draft again: shorter, warmer, or in your words",
        also "ai again regenerate retry"
        => [Desk ["R"]];
    Edit "edit" in Draft: "Edit the reply in place", also "reply write change answer"
        => [Desk ["r"]];
    ExternalEditor "external_editor" in Draft: "Edit the reply in your $EDITOR",
        also "vim nano emacs open"
        => [Desk ["ctrl+e"], Editor ["ctrl+e"]];
    Save "save" in Draft: "Save the reply and go back to the ticket", also "keep done"
        => [Editor ["ctrl+s"]];
    Discard "discard" in Draft: "Discard the draft; undo brings it back",
        also "delete throw away remove"
        => [Desk ["D"]];
    SendSolve "send_solve" in Draft: "Put the reply into the outbox, to be solved when sent",
        also "send close finish"
        => [Desk ["Y"]];
    SendPending "send_pending" in Draft: "Put the reply into the outbox, to be pending when sent",
        also "send wait"
        => [Desk ["y"]];
    Keep "keep" in Draft: "Keep the draft as it is, though the customer wrote again",
        also "stale newer message answers still hold"
        => [];
    Compare "compare" in Draft: "Compare the draft with the text before it",
        also "diff difference changes revision version stale"
        => [Desk ["="]];
    Undo "undo" in Draft: "Undo the last thing you did", also "revert withdraw bring back"
        => [Desk ["u"]];

    Recipients "recipients" in Draft: "Say to whom the reply goes: to, cc, bcc",
        also "address copy cc bcc to people"
        => [Desk ["e"]];
    Attach "attach" in Draft: "Let a file go with the reply", also "attachment file add path"
        => [Desk ["A"]];
    Forward "forward" in Draft: "Pass the newest message on, with its files", also "send on fwd"
        => [Desk ["f"]];
    NewTicket "new_ticket" in Draft: "Write to somebody new: a ticket of your own",
        also "compose create outgoing"
        => [Desk ["C"]];
    Note "note" in Draft: "Write an internal note; it never leaves the desk",
        also "comment internal private"
        => [Desk ["n"]];

    // The ticket.
    Status "status" in Ticket: "Set the status", also "state close solve open pending hold"
        => [Desk ["S"]];
    Tags "tags" in Ticket: "Add and remove tags", also "label"
        => [Desk ["t"]];
    Priority "priority" in Ticket: "Set the priority", also "urgent high low normal"
        => [Desk ["p"]];
    AssignMe "assign_me" in Ticket: "Assign the ticket to me", also "take claim own"
        => [Desk ["a m"]];
    AssignNobody "assign_nobody" in Ticket: "Assign the ticket to nobody", also "unassign release"
        => [Desk ["a u"]];
    Assign "assign" in Ticket: "Assign the ticket to somebody by name", also "give person"
        => [Desk ["a a"]];
    Spam "spam" in Ticket: "Set the status to spam", also "junk quarantine unwanted"
        => [Desk ["!"]];

    Detach "detach" in Draft: "Take every file off the reply", also "attachment remove file"
        => [];
    Fetch "fetch" in Ticket: "Fetch what was left on the mail server", also "large body attachment download"
        => [];

    Release "release" in Ticket: "Take the ticket out of quarantine", also "not spam unblock flood"
        => [Desk ["U"]];
    Merge "merge" in Ticket: "Merge the ticket into another", also "join duplicate same"
        => [Desk ["M"]];
    Split "split" in Ticket: "Split the newest message off into a ticket of its own",
        also "undo wrong join separate new topic"
        => [];
    Files "files" in Ticket: "See the files that came with the ticket; save or open one",
        also "attachments download open save"
        => [Desk ["F"]];
    Links "links" in Ticket: "Open a link of the newest message in the browser",
        also "url web browser"
        => [Desk ["o"]];

    // Finding and looking.
    Filter "filter" in Find: "Filter the queue: words, status:, tag:, from:, is:",
        also "search find query"
        => [Desk ["/"]];
    GoQueue "go_queue" in Find: "Go to the queue of unsolved tickets", also "inbox view unsolved"
        => [Desk ["g i"]];
    GoMine "go_mine" in Find: "Go to the tickets assigned to me", also "view my own"
        => [Desk ["g m"]];
    GoAll "go_all" in Find: "Go to all tickets, in every status", also "view every closed solved"
        => [Desk ["g a"]];
    GoFallback "go_fallback" in Find: "Go to the drafts that a backup wrote",
        also "view fallback second provider"
        => [Desk ["g f"]];
    GoSystem "go_system" in Find: "Go to bounces and automatic mail",
        also "view quarantine system out of office"
        => [Desk ["g s"]];
    GoOutbox "go_outbox" in Find: "Go to the replies in the outbox", also "view held sent waiting"
        => [Desk ["g o"]];
    CatchUp "catch_up" in Find: "Go to the drafts that could not be made, and make them",
        also "missed waiting paused cap outage offline again resume"
        => [Desk ["g c"]];
    Overview "overview" in Find: "Open the Overview screen: fallback rate, failures, spend",
        also "figures statistics chart report spend day week forecast first words"
        => [Desk ["g v"]];
    GoReceipts "go_receipts" in Find: "Go to the receipts", also "log audit history attempts"
        => [Desk ["g r"]];
    Quoted "quoted" in Find: "Show or fold quoted text and signatures", also "history toggle"
        => [Desk ["Q"]];

    // Providers, keys and money.
    Keys "keys" in Ai: "Open the Keys screen: providers, keys, models",
        also "api key provider account anthropic openai"
        => [Desk ["g k"]];
    Routing "routing" in Ai: "Open the Routing screen: chains, their links and their order",
        also "chain fallback order priority cost latency balanced"
        => [];
    Providers "providers" in Ai: "Open the Providers screen: how each link is; rest, wake, probe",
        also "breaker down outage health speed rate limit force"
        => [Desk ["g p"]];
    Drill "drill" in Ai: "Drill an outage: what would happen, without key or money",
        also "simulate rehearse failover test 529"
        => [];
    SwapProviders "swap_providers" in Ai: "Swap primary and backup provider",
        also "order chain first second fallback"
        => [Desk ["W"]];
    RaiseCap "raise_cap" in Ai: "Raise the monthly cap", also "spend money budget limit resume pause"
        => [Desk ["+"]];

    // The program.
    SetUp "set_up" in Desk: "Set up my desk", also "start begin config account wizard import keys"
        => [];
    Import "import" in Desk: "Import mail, a table, or an export of another helpdesk",
        also "csv zendesk chatwoot rt jsonl mbox maildir columns"
        => [];
    TryDemo "try_demo" in Desk: "Try the demo desk", also "tour example"
        => [];
    Palette "palette" in Desk: "Open the palette: every action by name", also "command"
        => [Desk ["ctrl+k", ":"], Editor ["ctrl+k"]];
    Help "help" in Desk: "Show the keys of this pane", also "shortcuts ?"
        => [Desk ["?"], Editor ["f1"]];
    Redraw "redraw" in Desk: "Draw the screen anew", also "refresh repaint"
        => [Desk ["ctrl+l"], Editor ["ctrl+l"]];
    Suspend "suspend" in Desk: "Suspend to the shell; fg comes back", also "background ctrl z"
        => [Desk ["ctrl+z"], Editor ["ctrl+z"]];
    Quit "quit" in Desk: "Quit deskhand from anywhere", also "exit leave end"
        => [Desk ["ctrl+c", "ctrl+q"], Editor ["ctrl+q"], Picker ["ctrl+c"]];
}

impl Action {
    /// Returns the action of this name in the config.
    pub fn named(name: &str) -> Option<Self> {
        ACTIONS.iter().copied().find(|action| action.name() == name)
    }

    /// Tells whether it must not repeat while its key is held down: it sends or destroys.
    pub const fn is_once_per_press(self) -> bool {
        matches!(
            self,
            Self::SendSolve | Self::SendPending | Self::Discard | Self::Spam | Self::Quit
        )
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_in_snake_case() {
        let names: BTreeSet<_> = ACTIONS.iter().map(|action| action.name()).collect();

        assert_eq!(names.len(), ACTIONS.len());
        for name in names {
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{name}"
            );
            assert!(
                SCOPES.iter().all(|scope| scope.word() != name),
                "{name} is a table"
            );
        }
    }

    #[test]
    fn every_action_is_found_by_its_name() {
        for &action in ACTIONS {
            assert_eq!(Action::named(action.name()), Some(action));
        }
    }
}
