//! The terminal: what is switched on is switched off again, in reverse, however the program ends.

use std::{
    io::{self, BufWriter, Stdout, Write, stdout},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crossterm::{
    cursor,
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute,
    terminal::{self, EnterAlternateScreen, LeaveAlternateScreen},
};
use ratatui::{Terminal, backend::CrosstermBackend, layout::Size};
use tokio::sync::mpsc;

/// A frame goes out in one write: this holds the largest.
const FRAME_BYTES: usize = 1 << 16;

/// The terminal as the program writes to it.
pub type Screen = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

type Hook = Box<dyn Fn(&std::panic::PanicHookInfo<'_>) + Send + Sync>;

/// Holds the terminal; dropping it gives the terminal back.
pub struct Guard {
    is_taken: Arc<AtomicBool>,
    old_hook: Option<Arc<Hook>>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Guard {:?}", self.is_taken)
    }
}

impl Guard {
    /// Takes the terminal. A panic of this thread gives it back first; a panic of any other
    /// thread is told to `broken` and leaves the screen alone, for the desk lives on.
    pub fn take(broken: mpsc::Sender<()>) -> io::Result<Self> {
        let is_taken = Arc::new(AtomicBool::new(false));
        let old_hook: Arc<Hook> = Arc::new(std::panic::take_hook());
        let (taken, old) = (Arc::clone(&is_taken), Arc::clone(&old_hook));
        let screen_thread = std::thread::current().id();
        std::panic::set_hook(Box::new(move |report| {
            let place = report
                .location()
                .map(ToString::to_string)
                .unwrap_or_default();
            let thread = std::thread::current();
            // The message may quote a customer: the log gets the place alone.
            tracing::error!(place, thread = thread.name().unwrap_or("unnamed"), "panic");
            if thread.id() == screen_thread {
                give_back(&taken);
                old(report);
            } else {
                // A full channel has told of a panic already; one note is enough.
                broken.try_send(()).ok();
            }
        }));
        let guard = Self {
            is_taken,
            old_hook: Some(old_hook),
        };
        guard.enter()?;
        Ok(guard)
    }

    /// Switches on what the screen needs.
    pub fn enter(&self) -> io::Result<()> {
        self.is_taken.store(true, Ordering::SeqCst);
        terminal::enable_raw_mode()?;
        execute!(
            stdout(),
            EnterAlternateScreen,
            EnableBracketedPaste,
            cursor::Hide
        )
    }

    /// Switches it off again, for a while or for good.
    pub fn leave(&self) {
        give_back(&self.is_taken);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        give_back(&self.is_taken);
        if let Some(old) = self.old_hook.take()
            && !std::thread::panicking()
        {
            std::panic::set_hook(Box::new(move |report| old(report)));
        }
    }
}

/// Undoes in reverse what `enter` did, once. A terminal that is gone cannot be told: no error.
fn give_back(is_taken: &AtomicBool) {
    if !is_taken.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = stdout();
    drop(execute!(
        out,
        cursor::Show,
        DisableBracketedPaste,
        LeaveAlternateScreen
    ));
    drop(terminal::disable_raw_mode());
    drop(out.flush());
}

/// Opens the screen on a terminal that has been taken.
pub fn screen() -> io::Result<Screen> {
    let out = BufWriter::with_capacity(FRAME_BYTES, stdout());
    Terminal::new(CrosstermBackend::new(out))
}

/// Why the screen cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
    /// Input or output is no terminal.
    #[error(
        "deskhand needs a terminal for its screen; `deskhand tickets` and the other commands \
         work without one."
    )]
    NotATerminal,
    /// The terminal can do nothing.
    #[error(
        "This terminal (TERM={0}) cannot show a screen; `deskhand tickets` and the other commands \
         work here."
    )]
    Dumb(String),
    /// The terminal has too few cells.
    #[error("deskhand needs a terminal of at least 60x16, this one is {wide}x{high}.")]
    TooSmall {
        /// Its columns.
        wide: u16,
        /// Its rows.
        high: u16,
    },
    /// The terminal does not answer.
    #[error("The terminal could not be used: {0}.")]
    Io(#[from] io::Error),
}

/// Tells whether the screen can be opened here, and how large it is.
pub fn check(term: Option<&str>) -> Result<Size, ScreenError> {
    use io::IsTerminal as _;
    if !io::stdin().is_terminal() || !stdout().is_terminal() {
        return Err(ScreenError::NotATerminal);
    }
    if let Some(term) = term.filter(|term| *term == "dumb") {
        return Err(ScreenError::Dumb(term.to_owned()));
    }
    let (wide, high) = terminal::size()?;
    let smallest = super::layout::SMALLEST;
    if wide < smallest.0 || high < smallest.1 {
        return Err(ScreenError::TooSmall { wide, high });
    }
    Ok(Size {
        width: wide,
        height: high,
    })
}
