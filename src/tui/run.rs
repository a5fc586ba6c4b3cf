//! The screen on a real terminal: input, signals, the editor outside, and the way out.

use std::{
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    sync::Arc,
};

use crossterm::{
    event::EventStream,
    execute,
    terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate},
};
use futures::StreamExt as _;
use jiff::tz::TimeZone;
use ratatui::layout::Size;
use tokio::{
    process::Command,
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};

use super::{
    event::{Done, Msg, Trouble},
    input::message,
    runner::Outside,
    session::Session,
    terminal::{self, Guard, ScreenError},
};
use crate::{
    config::{Config, Glyphs, env, keymap::Keymap, theme::Theme},
    desk::Desk,
    domain::TicketId,
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

/// Shows the desk until it is left. The caller closes the desk.
pub async fn run(desk: Arc<Desk>, options: Options) -> Result<Leave, ScreenError> {
    terminal::check(options.term.as_deref())?;
    // When full, one panic more is only in the log.
    let (tell, broken) = mpsc::channel(PANICS_WAITING);
    let mut signals = Signals::listen()?;
    let guard = Guard::take(tell)?;
    let scratch = desk.paths().data_dir.join("editing");
    let session = Session::open(desk, &options, terminal::screen()?);
    let editor = options.editor;
    let mut show = Show {
        session,
        guard,
        broken,
        editor,
        scratch,
    };
    let left = Box::pin(show.go(&mut signals)).await;
    if !show.session.finish().await {
        tracing::warn!("left before every draft had settled; the next start settles them");
    }
    drop(show);
    Ok(left)
}

type Painter = ratatui::backend::CrosstermBackend<io::BufWriter<io::Stdout>>;

struct Show {
    session: Session<Painter>,
    guard: Guard,
    broken: mpsc::Receiver<()>,
    editor: Option<Vec<String>>,
    scratch: PathBuf,
}

struct Signals {
    term: Signal,
    hang_up: Signal,
    interrupt: Signal,
    stop: Signal,
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
                    self.suspend();
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
                        self.suspend();
                        keys = EventStream::new();
                    }
                    Outside::Edit {
                        ticket,
                        number,
                        text,
                    } => {
                        // The child must get every key: our reader ends before it begins.
                        drop(keys);
                        self.edit(ticket, number, &text).await;
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
    fn suspend(&mut self) {
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

    async fn edit(&mut self, ticket: TicketId, number: i64, text: &str) {
        self.guard.leave();
        let result = self.edited(number, text).await;
        self.come_back();
        self.session
            .take(Msg::Done(Done::EditedOutside(ticket, result)));
    }

    /// Runs the editor on a private file in our own folder; the file is gone afterwards.
    async fn edited(&self, number: i64, text: &str) -> Result<Option<String>, Trouble> {
        let Some((program, arguments)) = self.editor.as_deref().and_then(<[String]>::split_first)
        else {
            let mut trouble = Trouble::new("No editor is set.");
            trouble.advice = Some("Set $EDITOR, or `editor` under [ui] in the config.".to_owned());
            return Err(trouble);
        };
        let file = self
            .scratch
            .join(format!("reply-{number}-{}.txt", std::process::id()));
        let cannot = |what: &str, error: &io::Error| {
            Trouble::new(format!("{what}: {error}. The text here is unchanged."))
        };
        // A file of text ends its last line; what is added below is a line of its own.
        let whole = format!("{}\n", text.trim_end_matches('\n'));
        self.write(&file, &whole)
            .map_err(|error| cannot("The editor's file could not be written", &error))?;
        let ran = Command::new(program)
            .args(arguments)
            .arg(&file)
            .status()
            .await;
        let read = std::fs::read(&file);
        drop(std::fs::remove_file(&file));
        match ran {
            Ok(status) if status.success() => {
                let bytes =
                    read.map_err(|error| cannot("The editor's file could not be read", &error))?;
                let new = String::from_utf8_lossy(&bytes).into_owned();
                let is_same = new.trim_end_matches('\n') == text.trim_end_matches('\n');
                let new = new.trim_end_matches('\n').to_owned();
                Ok((!is_same).then_some(new))
            }
            Ok(status) => Err(Trouble::new(format!(
                "The editor ended with {status}; the text here is unchanged."
            ))),
            Err(error) => Err(cannot(
                &format!("The editor `{program}` could not be run"),
                &error,
            )),
        }
    }

    fn write(&self, file: &std::path::Path, text: &str) -> io::Result<()> {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.scratch)?;
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(file)?;
        file.write_all(text.as_bytes())
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
