//! The log: a daily file in the state folder, never the terminal.
//!
//! It holds what happened and where, never bodies, addresses or keys: types that hold those print
//! `[…]`. A panic is logged by its place alone, for its message may quote a customer.

use std::{panic, path::Path};

use tracing_appender::{
    non_blocking::WorkerGuard,
    rolling::{Builder, Rotation},
};
use tracing_subscriber::EnvFilter;

use crate::config::{env, paths::make_private};

/// So many daily files are kept.
const DAYS_KEPT: usize = 14;

/// Starts the log and returns the guard that writes what is left when it is dropped. A log that
/// cannot be written is no reason to stop: the work goes on without one.
pub(super) fn start(state_dir: &Path) -> Option<WorkerGuard> {
    log_panics();
    make_private(state_dir).ok()?;
    let file = Builder::new()
        .rotation(Rotation::DAILY)
        .filename_prefix("deskhand")
        .filename_suffix("log")
        .max_log_files(DAYS_KEPT)
        .build(state_dir)
        .ok()?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    let wanted = env::var("DESKHAND_LOG").unwrap_or_else(|| "deskhand=info,warn".to_owned());
    let filter = EnvFilter::try_new(wanted).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(false);
    log.try_init().ok()?;
    Some(guard)
}

/// Logs where a panic happened, and says as much on stderr when no screen is open.
fn log_panics() {
    let before = panic::take_hook();
    // The usual hook prints the message, which may quote a customer.
    drop(before);
    panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        tracing::error!(%place, thread, "panic");
        super::out::complain(
            &format!("deskhand came to a stop by a fault of its own at {place}."),
            Some("What was saved is safe. The log in the state folder says when and where."),
        );
    }));
}
