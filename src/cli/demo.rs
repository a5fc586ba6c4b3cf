//! Bare `deskhand` and `deskhand demo`: the desk on the screen.

use std::{fs, io, path::Path, sync::Arc, time::Duration};

use super::{
    Call,
    args::DemoArgs,
    draft::told_to_stop,
    out::{complain, note},
    serve::ONE_SIGNAL,
    stop::{Exit, Stop},
};
use crate::{
    config::env,
    desk::{CLOSING, Desk, Mode, Patience, settings},
    secrets::Noted,
    store::{Store, StoreUrl},
    tui::{self, Leave, Options},
};

/// The file the desk keeps in its data folder when the config names no other database.
const DATABASE: &str = "deskhand.db";

/// How long leaving asks whether a reply is being sent.
const ASKING: Duration = Duration::from_secs(2);

/// Opens the real desk when a key, an import or a config is there; else the demo.
pub(super) async fn open_desk(call: &Call) -> Result<Exit, Stop> {
    let paths = &call.paths;
    let is_set_up = settings::config_exists(paths)
        || !Noted::at(&paths.data_dir).names().is_empty()
        || has_tickets(&paths.data_dir.join(DATABASE)).await;
    screen(call, if is_set_up { Mode::Real } else { Mode::Demo }).await
}

/// Tells whether a database holds tickets. One that cannot be opened counts as holding some: the
/// real desk then says what is wrong with it.
async fn has_tickets(file: &Path) -> bool {
    if !file.exists() {
        return false;
    }
    let Ok(store) = Store::open(&StoreUrl::Sqlite(file.to_owned())).await else {
        return true;
    };
    let is_empty = store.is_empty().await;
    store.close().await;
    !is_empty.unwrap_or(false)
}

/// Opens the demo, from its beginning when that is asked for.
pub(super) async fn run(call: &Call, args: &DemoArgs) -> Result<Exit, Stop> {
    if args.reset {
        let dir = call.paths.demo_dir();
        match fs::remove_dir_all(&dir) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let words = format!(
                    "The demo's folder {} could not be removed: {error}.",
                    dir.display()
                );
                return Err(Stop::failed(words).advising("Close other demos, then try again."));
            }
        }
    }
    screen(call, Mode::Demo).await
}

/// Shows a desk; from the demo a person can go on to the desk of their own and its set-up.
async fn screen(call: &Call, mode: Mode) -> Result<Exit, Stop> {
    let left = one_screen(call, mode, false).await?;
    if left == Leave::OwnDesk {
        return Ok(Exit::left(one_screen(call, Mode::Real, true).await?));
    }
    Ok(Exit::left(left))
}

async fn one_screen(call: &Call, mode: Mode, opens_set_up: bool) -> Result<Leave, Stop> {
    // Where there is no screen to show, nothing is opened.
    tui::terminal::check(env::var("TERM").as_deref())?;
    let desk = call.open(mode, Patience::Screen).await?;
    let options = Options {
        opens_set_up,
        ..options(call, &desk)
    };
    let left = Box::pin(tui::run(Arc::clone(&desk), options)).await;
    if let Ok(left) = &left {
        // Said before the desk closes: where the text is must not wait for anything.
        for sentence in &left.unsaved {
            complain(sentence, None);
        }
    }
    let why = left.as_ref().map_or(Leave::Quit, |left| left.why);
    let hurried = close(&desk, why).await;
    Ok(hurried.unwrap_or(left?.why))
}

/// Closes a desk whose screen was left so, and says what it waits for. A further Ctrl-C, or signal
/// to end, ends the wait: a reply that was being sent is unsure then.
async fn close(desk: &Desk, left: Leave) -> Option<Leave> {
    let further = told_to_stop();
    // Not waited for where the database does not answer: leaving is what counts.
    let sending = tokio::time::timeout(ASKING, desk.is_sending());
    if sending.await.unwrap_or(false) {
        note(&format!(
            "A reply is being sent; deskhand waits up to {} s for the server's answer. Ctrl-C ends \
             the wait.",
            CLOSING.as_secs()
        ));
    }
    let mut hurried = None;
    let told = async {
        match left {
            Leave::Quit | Leave::OwnDesk => further.await,
            Leave::Interrupted | Leave::Terminated | Leave::HungUp => {
                tokio::time::sleep(ONE_SIGNAL).await;
                told_to_stop().await;
            }
        }
        hurried = Some(match left {
            Leave::Quit | Leave::OwnDesk => Leave::Interrupted,
            Leave::Interrupted | Leave::Terminated | Leave::HungUp => left,
        });
    };
    desk.close_or(told).await;
    hurried
}

/// Draws the demo's screen as SVG: the picture of the README.
pub(super) async fn picture(call: &Call) -> Result<Exit, Stop> {
    let desk = call.open(Mode::Demo, Patience::Command).await?;
    let theme = desk.settings().config.ui.theme;
    let options = Options {
        theme,
        ..Options::default()
    };
    let svg = Box::pin(tui::picture::of_desk(Arc::clone(&desk), &options)).await;
    desk.close().await;
    call.out.text(&svg);
    Ok(Exit::OK)
}

fn options(call: &Call, desk: &Desk) -> Options {
    let mut options = Options::of(&desk.settings().config);
    if !call.wants_colour {
        options.theme = options.theme.without_colours();
    }
    options
}
