//! The command line: every act of the desk, for people and for scripts.
//!
//! A command reads its arguments, asks the desk, and answers through `out`: in words, or in the
//! JSON that `docs/cli.md` lists. Nothing here decides what a draft or a cap means.

mod account;
mod ai_args;
mod args;
mod catch_up;
mod chain;
mod config;
mod config_check;
mod demo;
mod doctor;
mod draft;
mod draft_kept;
mod drill;
mod export;
mod files;
mod import;
mod import_args;
mod joining;
mod json;
mod keys;
mod limits;
mod logging;
mod mail_args;
mod models;
mod out;
mod outbox;
mod overview;
mod prices;
mod providers;
mod receipt_args;
mod receipts;
mod reply;
mod secret;
mod serve;
mod set;
mod show;
mod sim;
mod spend;
mod stop;
mod sync;
mod tickets;
mod words;

use std::{ffi::OsString, process::ExitCode, sync::Arc};

use clap::Parser as _;

use self::{
    args::{Args, Colour, Command},
    out::{Format, Out, complain},
    receipt_args::SpendArgs,
    stop::{Exit, Stop},
};
use crate::{
    config::{
        Missing, env,
        paths::{Overrides, Paths},
    },
    desk::{Desk, Mode, Opening, Patience},
    secrets::no_core_files,
};

/// What every command has at hand.
struct Call {
    out: Out,
    paths: Paths,
    wants_colour: bool,
}

/// Runs the program with these arguments and returns its exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    no_core_files();
    // It fails only when a provider is installed already, which then serves as well.
    drop(rustls::crypto::ring::default_provider().install_default());
    let args = match Args::try_parse_from(args::prepare(args)) {
        Ok(args) => args,
        Err(answer) => return args::answer(&answer).into(),
    };
    match start(args) {
        Ok(exit) => exit.into(),
        Err(stop) => {
            complain(&stop.words, stop.advice.as_deref());
            stop.exit.into()
        }
    }
}

fn start(args: Args) -> Result<Exit, Stop> {
    let wants_colour = match args.colour {
        Colour::Auto => !env::wants_no_colour(),
        Colour::Always => true,
        Colour::Never => false,
    };
    let format = if args.json {
        Format::Json
    } else {
        Format::Plain
    };
    let missing = missing(&args);
    let overrides = Overrides {
        config: args.config,
        data: args.data,
    };
    let call = Call {
        out: Out::new(format, wants_colour),
        paths: Paths {
            missing,
            ..Paths::find(&overrides.or_env())?
        },
        wants_colour,
    };
    let _log = logging::start(&call.paths.state_dir);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Stop::failed(format!("The program could not start its tasks: {error}."))
        })?;
    let exit = runtime.block_on(call.run(args.command));
    // A keyring that never answers must not keep the program from leaving.
    runtime.shutdown_background();
    exit
}

/// Returns what it means that there is no config file. One that `--config` names must be there
/// for what depends on it; listing, filing and setting up work without.
fn missing(args: &Args) -> Missing {
    let Some(_) = &args.config else {
        return Missing::Fine;
    };
    match &args.command {
        None
        | Some(
            Command::Draft(_)
            | Command::CatchUp(_)
            | Command::Drill(_)
            | Command::Providers(_)
            | Command::Chain(_)
            | Command::Overview(_)
            | Command::Limits(_)
            | Command::Models
            | Command::Prices(_)
            | Command::Config(_)
            | Command::ValidateConfig { .. }
            | Command::ListKeys
            | Command::Doctor
            | Command::Serve(_)
            | Command::Sync(_)
            | Command::Reply(_)
            | Command::Outbox(_)
            | Command::Spend(SpendArgs { command: None }),
        ) => Missing::Wrong,
        Some(
            Command::Demo(_)
            | Command::Picture
            | Command::Sim(_)
            | Command::Tickets(_)
            | Command::Import(_)
            | Command::Export(_)
            | Command::Show(_)
            | Command::Account(_)
            | Command::Set(_)
            | Command::Note(_)
            | Command::New(_)
            | Command::Forward(_)
            | Command::Files(_)
            | Command::Merge(_)
            | Command::Split(_)
            | Command::Receipts(_)
            | Command::Keys(_)
            | Command::Spend(SpendArgs { command: Some(_) }),
        ) => Missing::Fine,
    }
}

impl Call {
    #[expect(
        clippy::cognitive_complexity,
        reason = "the list of all commands, one line each"
    )]
    async fn run(&self, command: Option<Command>) -> Result<Exit, Stop> {
        match command {
            None => Box::pin(demo::open_desk(self)).await,
            Some(Command::Demo(args)) => Box::pin(demo::run(self, &args)).await,
            Some(Command::Picture) => Box::pin(demo::picture(self)).await,
            Some(Command::Sim(args)) => sim::run(self, &args).await,
            Some(Command::Import(args)) => Box::pin(import::run(self, &args)).await,
            Some(Command::Export(args)) => Box::pin(export::run(self, &args)).await,
            Some(Command::Tickets(args)) => tickets::run(self, &args).await,
            Some(Command::Account(args)) => Box::pin(account::run(self, args.command)).await,
            Some(Command::Sync(args)) => Box::pin(sync::run(self, &args)).await,
            Some(Command::Show(args)) => show::run(self, &args).await,
            Some(Command::Set(args)) => set::run(self, &args).await,
            Some(Command::Reply(args)) => Box::pin(reply::run(self, &args)).await,
            Some(Command::Note(args)) => Box::pin(reply::note(self, &args)).await,
            Some(Command::New(args)) => joining::new(self, &args).await,
            Some(Command::Forward(args)) => Box::pin(joining::forward(self, &args)).await,
            Some(Command::Files(args)) => Box::pin(files::run(self, &args)).await,
            Some(Command::Merge(args)) => joining::merge(self, &args).await,
            Some(Command::Split(args)) => joining::split(self, &args).await,
            Some(Command::Outbox(args)) => Box::pin(outbox::run(self, args)).await,
            Some(Command::Draft(args)) if args.keep => draft_kept::keep(self, args.number).await,
            Some(Command::Draft(args)) if args.compare => {
                draft_kept::compare(self, args.number).await
            }
            Some(Command::Draft(args)) => Box::pin(draft::run(self, &args)).await,
            Some(Command::CatchUp(args)) => Box::pin(catch_up::run(self, args.command)).await,
            Some(Command::Providers(args)) => Box::pin(providers::run(self, args.command)).await,
            Some(Command::Chain(args)) => Box::pin(chain::run(self, args.command)).await,
            Some(Command::Drill(args)) => Box::pin(drill::run(self, &args)).await,
            Some(Command::Receipts(args)) => receipts::run(self, args).await,
            Some(Command::Overview(args)) => overview::run(self, &args).await,
            Some(Command::Spend(args)) => spend::run(self, args).await,
            Some(Command::Keys(args)) => Box::pin(keys::run(self, args)).await,
            Some(Command::ListKeys) => Box::pin(keys::list(self)).await,
            Some(Command::Limits(args)) => limits::run(self, &args).await,
            Some(Command::Serve(args)) => Box::pin(serve::run(self, &args)).await,
            Some(Command::Models) => models::run(self).await,
            Some(Command::Prices(args)) => prices::run(self, args).await,
            Some(Command::Config(args)) => config::run(self, args),
            Some(Command::ValidateConfig { file }) => Ok(config_check::check(self, file)),
            Some(Command::Doctor) => Box::pin(doctor::run(self)).await,
        }
    }

    /// Opens a desk.
    async fn open(&self, mode: Mode, patience: Patience) -> Result<Arc<Desk>, Stop> {
        let opening = Opening {
            paths: self.paths.clone(),
            mode,
            patience,
        };
        Ok(Box::pin(Desk::open(opening)).await?)
    }

    /// Does something at the real desk, and closes it whatever came of it.
    async fn at_desk<T>(
        &self,
        act: impl AsyncFnOnce(&Arc<Desk>) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let desk = self.open(Mode::Real, Patience::Command).await?;
        let done = act(&desk).await;
        // What was found and settled when it was opened: nobody else would hear of it.
        for remark in desk.take_remarks() {
            out::note(&remark);
        }
        desk.close().await;
        done
    }
}
