//! The screen on a real terminal: input, signals, the editor outside, and the way out.

use std::{io, path::PathBuf, sync::Arc};

use crossterm::{
    event::EventStream,
    execute,
    terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate},
};
use futures::StreamExt as _;
use jiff::tz::TimeZone;
use ratatui::layout::Size;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};

use super::{
    event::{Done, Msg},
    input::message,
    outside::OutsideEditor,
    rescue,
    runner::Outside,
    session::Session,
    strays::Typed,
    terminal::{self, Guard, ScreenError},
};
use crate::{
    config::{Config, Glyphs, env, keymap::Keymap, theme::Theme},
    desk::{Desk, face::DeskEvent},
};

/// How many panics of background tasks may wait to be told; more are in the log.
const PANICS_WAITING: usize = 8;

/// What the screen is told when it opens.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which colours paint what; already without colours where none are wanted.
    pub theme: Theme,
    /// Which keys do what.
    pub keymap: Keymap,
    /// Which signs are drawn.
    pub glyphs: Glyphs,
    /// In which zone times are told.
    pub zone: TimeZone,
    /// The kind of terminal, as `TERM` names it.
    pub term: Option<String>,
    /// The editor outside, as arguments.
    pub editor: Option<Vec<String>>,
    /// Whether the steps of the set-up are open from the start.
    pub opens_set_up: bool,
}

impl Default for Options {
    /// Returns what tests use: no colours, UTC, no editor.
    fn default() -> Self {
        Self {
            theme: crate::config::theme::ThemeName::Mono.theme(),
            keymap: Keymap::default(),
            glyphs: Glyphs::Plain,
            zone: TimeZone::UTC,
            term: None,
            editor: None,
            opens_set_up: false,
        }
    }
}

impl Options {
    /// Reads them from the config and the environment.
    pub fn of(config: &Config) -> Self {
        let ui = &config.ui;
        let term = env::var("TERM");
        let is_console = term.as_deref() == Some("linux");
        Self {
            theme: if env::wants_no_colour() {
                ui.theme.without_colours()
            } else {
                ui.theme
            },
            keymap: ui.keymap.clone(),
            glyphs: if is_console { Glyphs::Ascii } else { ui.glyphs },
            zone: TimeZone::system(),
            term,
            editor: ui.editor.clone().or_else(env::editor),
            opens_set_up: false,
        }
    }
}

/// How the screen was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// The person left.
    Quit,
    /// The person left the demo for a desk of their own.
    OwnDesk,
    /// SIGINT came from outside.
    Interrupted,
    /// SIGTERM came.
    Terminated,
    /// SIGHUP came, or the terminal is gone.
    HungUp,
}

impl Leave {
    /// Returns the exit code: 128 and the signal's number.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Quit | Self::OwnDesk => 0,
            Self::Interrupted => 130,
            Self::Terminated => 143,
            Self::HungUp => 129,
        }
    }
}

/// How the screen was left, and what must be told once the terminal is given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Why.
    pub why: Leave,
    /// Sentences on typed text that could not be saved, and where it is now.
    pub unsaved: Vec<String>,
}

/// Shows the desk until it is left. The caller closes the desk.
pub async fn run(desk: Arc<Desk>, options: Options) -> Result<Left, ScreenError> {
    terminal::check(options.term.as_deref())?;
    // When full, one panic more is only in the log.
    let (tell, broken) = mpsc::channel(PANICS_WAITING);
    let mut signals = Signals::listen()?;
    let guard = Guard::take(tell)?;
    let scratch = desk.paths().data_dir.join("editing");
    let mut session = Session::open(desk, &options, terminal::screen()?);
    if let Some(words) = rescue::left_behind(&scratch) {
        session.take(Msg::Desk(DeskEvent::Note(words)));
    }
    let command = options.editor;
    let mut show = Show {
        session,
        guard,
        broken,
        editor: OutsideEditor { command, scratch },
    };
    let why = Box::pin(show.go(&mut signals)).await;
    if !show.session.finish().await {
        tracing::warn!("left before every draft had settled; the next start settles them");
    }
    let scratch: PathBuf = show.editor.scratch.clone();
    let texts = show.session.unsaved();
    let unsaved = texts.map(|typed| rescue::rescue(typed, &scratch)).collect();
    drop(show);
    Ok(Left { why, unsaved })
}

type Painter = ratatui::backend::CrosstermBackend<io::BufWriter<io::Stdout>>;

struct Show {
    session: Session<Painter>,
    guard: Guard,
    broken: mpsc::Receiver<()>,
    editor: OutsideEditor,
}

/// The signals that a screen must heed.
pub(super) struct Signals {
    pub term: Signal,
    pub hang_up: Signal,
    pub interrupt: Signal,
    pub stop: Signal,
}

/// `SIGTSTP`, which tokio has no name for.
const SIGTSTP: i32 = rustix::process::Signal::TSTP.as_raw();

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            stop: signal(SignalKind::from_raw(SIGTSTP))?,
        })
    }
}

/// What woke the loop.
enum Woken {
    Leave(Leave),
    Suspend,
    Msg(Msg),
    Nothing,
}

impl Show {
    async fn go(&mut self, signals: &mut Signals) -> Leave {
        let mut keys = EventStream::new();
        if self.paint_now().is_err() {
            return Leave::HungUp;
        }
        #[cfg(debug_assertions)]
        self.rehearse_panic();
        loop {
            match self.next(&mut keys, signals).await {
                Woken::Leave(why) => return why,
                Woken::Suspend => {
                    drop(keys);
                    self.suspend().await;
                    keys = EventStream::new();
                }
                Woken::Msg(msg) => self.session.take(msg),
                Woken::Nothing => {}
            }
            while let Some(outside) = self.session.outside() {
                match outside {
                    Outside::Leave => return Leave::Quit,
                    Outside::OwnDesk => return Leave::OwnDesk,
                    Outside::Redraw => drop(self.session.forget()),
                    Outside::Suspend => {
                        drop(keys);
                        self.suspend().await;
                        keys = EventStream::new();
                    }
                    Outside::Edit(typed) => {
                        // The child must get every key: our reader ends before it begins.
                        drop(keys);
                        let leave = self.edit(&typed, signals).await;
                        if let Some(why) = leave {
                            return why;
                        }
                        keys = EventStream::new();
                    }
                }
            }
            if self.paint().is_err() {
                return Leave::HungUp;
            }
        }
    }

    async fn next(&mut self, keys: &mut EventStream, signals: &mut Signals) -> Woken {
        tokio::select! {
            biased;
            _ = signals.term.recv() => Woken::Leave(Leave::Terminated),
            _ = signals.hang_up.recv() => Woken::Leave(Leave::HungUp),
            _ = signals.interrupt.recv() => Woken::Leave(Leave::Interrupted),
            _ = signals.stop.recv() => Woken::Suspend,
            event = keys.next() => match event {
                Some(Ok(event)) => message(event).map_or(Woken::Nothing, Woken::Msg),
                // The terminal is gone: going on would only turn in circles.
                Some(Err(_)) | None => Woken::Leave(Leave::HungUp),
            },
            Some(()) = self.broken.recv() => Woken::Msg(Msg::Broke),
            msg = self.session.wait() => Woken::Msg(msg),
        }
    }

    fn paint(&mut self) -> io::Result<()> {
        execute!(io::stdout(), BeginSynchronizedUpdate)?;
        self.session.paint()?;
        execute!(io::stdout(), EndSynchronizedUpdate)
    }

    fn paint_now(&mut self) -> io::Result<()> {
        self.session.paint_now()
    }

    /// Gives the terminal to the shell until it continues us. The whole process group stops, as
    /// with any program that Ctrl+Z stops.
    async fn suspend(&mut self) {
        // Stopped inside a transaction we would lock everybody out.
        let _quiet = self.session.quiet().await;
        self.guard.leave();
        rustix::process::kill_current_process_group(rustix::process::Signal::STOP).ok();
        self.come_back();
    }

    fn come_back(&mut self) {
        if let Err(error) = self.guard.enter() {
            tracing::error!(%error, "the terminal could not be taken again");
        }
        if let Ok((width, height)) = crossterm::terminal::size() {
            self.session.take(Msg::Resize(Size { width, height }));
        }
        drop(self.session.forget());
    }

    /// Hands a text to the editor outside; tells whether a signal came that ends the desk.
    async fn edit(&mut self, typed: &Typed, signals: &mut Signals) -> Option<Leave> {
        self.guard.leave();
        let edited = self.editor.edit(typed.number, &typed.text, signals).await;
        if edited.leave.is_none() {
            self.come_back();
        }
        let done = Done::EditedOutside((typed.ticket, typed.writing), edited.text);
        self.session.take(Msg::Done(done));
        edited.leave
    }

    /// Panics on purpose where a test asks for it; not in what people run.
    #[cfg(debug_assertions)]
    #[expect(clippy::panic, reason = "the test of what follows a panic needs one")]
    fn rehearse_panic(&mut self) {
        match env::var("DESKHAND_TEST_PANIC").as_deref() {
            Some("ui") => panic!("a rehearsed panic on the screen's thread"),
            Some("task") => self.session.break_a_task(),
            Some(_) | None => {}
        }
    }
}
