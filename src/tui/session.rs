//! The loop's heart without a terminal: takes messages, starts effects, waits, draws. The real
//! terminal and the tests' both drive it.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use ratatui::{Terminal, backend::Backend, layout::Size};
use tokio::{
    sync::{broadcast, watch},
    time::{Instant, sleep_until},
};

use super::{
    Options,
    event::{Moment, Msg, Press},
    model::{Facts, Model},
    runner::{Outside, Runner},
    strays::Typed,
    update::{start, update},
    view::view,
};
use crate::{
    config::{action::Action, chord::Sequence, theme::Theme},
    desk::{Desk, Quiet, clock::SystemClock, face::DeskEvent},
    domain::{Clock, Mono},
};

/// One frame at 60 Hz: news that come faster are painted together.
const FRAME: Duration = Duration::from_millis(16);
/// One frame at 30 Hz: growing text is read no faster.
const GROWTH: Duration = Duration::from_millis(33);
/// How often a countdown moves.
const SECOND: Duration = Duration::from_secs(1);
/// How often the clock of a running draft moves.
const RUNNING: Duration = Duration::from_millis(200);
/// How long leaving waits for drafts to settle and texts to be saved.
const LEAVING: Duration = Duration::from_secs(3);

/// The screen of one open desk.
pub struct Session<B: Backend> {
    model: Model,
    theme: Theme,
    terminal: Terminal<B>,
    runner: Runner,
    desk: Arc<Desk>,
    events: broadcast::Receiver<DeskEvent>,
    growth: watch::Receiver<u64>,
    clock: SystemClock,
    pace: Pace,
    outside: VecDeque<Outside>,
}

/// When to paint, and when to read growing text.
struct Pace {
    is_stale: bool,
    painted: Option<Mono>,
    grown: Instant,
}

impl<B: Backend> std::fmt::Debug for Session<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session with {:?}", self.runner)
    }
}

impl<B: Backend> Session<B> {
    /// Opens the screen of a desk and asks for what it shows first.
    pub fn open(desk: Arc<Desk>, options: &Options, terminal: Terminal<B>) -> Self {
        let clock = SystemClock::start();
        let now = Moment {
            civil: clock.now(),
            mono: clock.mono(),
        };
        let size = terminal.size().unwrap_or(Size {
            width: 80,
            height: 24,
        });
        let facts = Facts {
            agent: desk.agent(),
            is_demo: desk.is_demo(),
            keymap: options.keymap.clone(),
            glyphs: options.glyphs,
            zone: options.zone.clone(),
        };
        let mut session = Self {
            model: Model::new(facts, size, now),
            theme: options.theme,
            terminal,
            runner: Runner::new(Arc::clone(&desk)),
            events: desk.events(),
            growth: desk.live().changes(),
            desk,
            clock,
            pace: Pace {
                is_stale: true,
                painted: None,
                grown: Instant::now(),
            },
            outside: VecDeque::new(),
        };
        // Subscribed before it listens: nothing that others write is missed.
        session.desk.listen();
        let mut effects = start(&mut session.model);
        if options.opens_set_up {
            effects.extend(super::acts::act(&mut session.model, Action::SetUp));
        }
        for effect in effects {
            session.outside.extend(session.runner.start(effect));
        }
        session
    }

    /// Takes a message and begins what follows from it.
    pub fn take(&mut self, msg: Msg) {
        let now = Moment {
            civil: self.clock.now(),
            mono: self.clock.mono(),
        };
        for effect in update(&mut self.model, msg, now) {
            self.outside.extend(self.runner.start(effect));
        }
        self.pace.is_stale = true;
    }

    /// Presses keys one after the other, as the config spells them: `j`, `ctrl+k`, `g r`.
    pub fn press(&mut self, keys: &str) {
        let Ok(sequence) = keys.parse::<Sequence>() else {
            return;
        };
        for chord in sequence.0 {
            self.take(Msg::Key(Press {
                chord,
                is_repeat: false,
            }));
        }
    }

    /// Waits for the next thing to happen besides input: an end, news, growth, or time.
    pub async fn wait(&mut self) -> Msg {
        let due = self.due();
        let next_read = self.pace.grown + GROWTH;
        let growth = &mut self.growth;
        let grows = async {
            sleep_until(next_read).await;
            if growth.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let time = async {
            match due {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            end = self.runner.next() => end.map_or(Msg::Broke, Msg::Done),
            event = self.events.recv() => match event {
                Ok(event) => Msg::Desk(event),
                Err(broadcast::error::RecvError::Lagged(_)) => Msg::Missed,
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            },
            () = grows => {
                self.pace.grown = Instant::now();
                Msg::Live(self.desk.live().running())
            }
            () = time => Msg::Tick,
        }
    }

    /// Paints what has changed, unless a frame has just been painted.
    pub fn paint(&mut self) -> Result<(), B::Error> {
        let now = self.clock.mono();
        let is_soon = self
            .pace
            .painted
            .is_some_and(|last| now.since(last) < FRAME);
        if self.pace.is_stale && !is_soon {
            self.paint_now()?;
        }
        Ok(())
    }

    /// Paints at once.
    pub fn paint_now(&mut self) -> Result<(), B::Error> {
        let (model, theme) = (&self.model, &self.theme);
        self.terminal.draw(|frame| view(model, theme, frame))?;
        self.pace.is_stale = false;
        self.pace.painted = Some(self.clock.mono());
        Ok(())
    }

    /// Forgets what stands on the terminal, so that everything is painted anew.
    pub fn forget(&mut self) -> Result<(), B::Error> {
        self.pace.is_stale = true;
        // Not `clear`: it asks the terminal where its cursor is, and the answer is lost among the
        // keys, so that nothing would be painted anew.
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }

    /// Returns what only the owner of the terminal can do, if there is something.
    pub fn outside(&mut self) -> Option<Outside> {
        self.outside.pop_front()
    }

    /// Returns the painted cells.
    pub const fn terminal(&self) -> &Terminal<B> {
        &self.terminal
    }

    /// Leaves: what is typed is saved, drafts are stopped and settle what they cost; all within a
    /// limit. Tells whether everything ended in time.
    pub async fn finish(&mut self) -> bool {
        for effect in super::acts::leave_editor(&mut self.model) {
            drop(self.runner.start(effect));
        }
        self.runner.stop_all();
        let all = async {
            while !self.runner.is_idle() {
                drop(self.runner.next().await);
            }
        };
        tokio::time::timeout(LEAVING, all).await.is_ok()
    }

    /// Waits, within a limit, until no write is under way, and lets none begin while what it returns
    /// is kept.
    pub async fn quiet(&mut self) -> Option<Quiet> {
        let desk = Arc::clone(&self.desk);
        let quiet = async {
            self.runner.writes_done().await;
            desk.quiet().await
        };
        tokio::time::timeout(LEAVING, quiet).await.ok()
    }

    /// Returns the texts of which no save is known to be on disk.
    pub fn unsaved(&self) -> impl Iterator<Item = &Typed> {
        self.runner.unsaved()
    }

    /// Starts a task that panics: for the test of what follows.
    #[cfg(debug_assertions)]
    pub fn break_a_task(&mut self) {
        self.runner.break_a_task();
    }

    /// Returns how long until something moves by itself; none when nothing does.
    fn due(&self) -> Option<Duration> {
        let now = self.clock.mono();
        let editor = self
            .model
            .editor
            .as_ref()
            .and_then(super::editor::Editor::due);
        let frame = self
            .pace
            .painted
            .filter(|_| self.pace.is_stale)
            .map(|last| last.after(FRAME));
        let running = (!self.model.work.runs.is_empty()).then(|| now.after(RUNNING));
        let stray = self.model.work.strays.due();
        let figures = self.model.figures_due();
        // A countdown is on the screen.
        let leaving = self.model.counts_down().then(|| now.after(SECOND));
        [
            editor,
            stray,
            self.model.notes.due(),
            frame,
            running,
            figures,
            leaving,
        ]
        .into_iter()
        .flatten()
        .min()
        .map(|due| due.since(now))
    }
}
