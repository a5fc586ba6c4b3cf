//! `deskhand serve`: the engine for other programs.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use clap::{Args, Subcommand};
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    Call,
    out::note,
    stop::{Exit, Stop},
};
use crate::{
    config::{Implied, Origin},
    desk::{
        Desk, Mode, Patience,
        face::{KeyCard, KeyOrigin},
        serving::Serving,
        tokens::NewToken,
    },
    domain::Cap,
    serve::{Admission, Options, Server, Shards},
};

/// Signals to stop that come within this are one: some wrappers send one twice, to the program and
/// to its group.
pub(super) const ONE_SIGNAL: Duration = Duration::from_secs(1);

/// The name of the token that is made when there is none.
const FIRST: &str = "first";

/// Offer the same models, fallback, receipts and cap to other programs, over HTTP on loopback.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct ServeArgs {
    #[command(subcommand)]
    command: Option<ServeCommand>,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT", value_parser = address)]
    listen: Option<SocketAddr>,
    /// Ask nobody for a token; on loopback only.
    #[arg(long)]
    no_auth: bool,
}

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
enum ServeCommand {
    /// Make, list and remove the tokens that callers show.
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token; it is shown once, and kept as its digest alone.
    New {
        /// Whose it is: receipts name it.
        #[arg(long, value_name = "NAME")]
        name: String,
    },
    /// List the names of the tokens.
    List,
    /// Take a token away; a server that runs refuses it at once.
    #[command(alias = "revoke")]
    Remove {
        /// Whose.
        #[arg(value_name = "NAME")]
        name: String,
    },
}

pub(super) async fn run(call: &Call, args: &ServeArgs) -> Result<Exit, Stop> {
    match &args.command {
        Some(ServeCommand::Token { command }) => token(call, command).await,
        None => serve(call, args).await,
    }
}

async fn token(call: &Call, command: &TokenCommand) -> Result<Exit, Stop> {
    call.at_desk(async |desk: &Arc<Desk>| {
        match command {
            TokenCommand::New { name } => {
                let made = desk.new_token(name).await?;
                let token = made.token.expose_secret();
                call.out.answer(
                    || json!({"name": made.name, "token": token}),
                    || token.to_owned(),
                );
            }
            TokenCommand::List => {
                for token in desk.callers().await?.all() {
                    call.out.answer(
                        || json!({"name": token.name, "made_at": token.made_at}),
                        || {
                            format!(
                                "{}  made {}",
                                token.name,
                                token.made_at.strftime("%Y-%m-%d")
                            )
                        },
                    );
                }
            }
            TokenCommand::Remove { name } => {
                if !desk.remove_token(name).await? {
                    return Err(
                        Stop::failed(format!("There is no token of the name {name}."))
                            .advising("deskhand serve token list"),
                    );
                }
                call.out
                    .answer(|| json!({"removed": name}), || format!("Removed {name}."));
            }
        }
        Ok(Exit::OK)
    })
    .await
}

async fn serve(call: &Call, args: &ServeArgs) -> Result<Exit, Stop> {
    let desk = call.open(Mode::Serving, Patience::Command).await?;
    let served = serve_at(call, args, &desk).await;
    desk.close().await;
    served
}

async fn serve_at(call: &Call, args: &ServeArgs, desk: &Arc<Desk>) -> Result<Exit, Stop> {
    let settings = desk.settings();
    let config = &settings.config;
    if config.spend.cap == Cap::NotChosen {
        return Err(
            Stop::usage("No spend cap is chosen, and other programs would spend too.").advising(
                "deskhand spend cap 20   # dollars a month; none declares that there is no cap",
            ),
        );
    }
    check_keys(desk).await?;
    let listen = args.listen.unwrap_or(config.serve.listen);
    let admission = admission(args, config.serve.any_bearer, listen)?;
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        Stop::failed(format!("deskhand could not listen on {listen}: {error}."))
            .advising("Name another port: deskhand serve --listen 127.0.0.1:8010")
    })?;
    if !listen.ip().is_loopback() {
        note(&format!(
            "Warning: {listen} is reachable from outside, and deskhand speaks plain HTTP: put TLS in front of it."
        ));
    }
    let listens = listener.local_addr().unwrap_or(listen);
    let first = first_token(desk, admission).await?;
    desk.listen_to_others();
    let serving = Serving::start(Arc::clone(desk)).await?;
    let shards = start_shards()?;
    // Whoever reads the address may stop the server at once.
    let told = super::draft::told_to_stop();
    tell(call, listens, admission, first.as_ref());
    say_remarks(desk);
    say_implied(&config.serve.implied, admission);
    let options = Options {
        listens,
        admission,
        shards,
        log: Box::new(note),
    };
    let server = Server::new(serving, options, desk.callers().await?);
    let stop = CancellationToken::new();
    let stopping = async {
        told.await;
        note("Stopping: requests under way are ended and settled.");
        stop.cancel();
        tokio::time::sleep(ONE_SIGNAL).await;
        super::draft::told_to_stop().await;
    };
    let why = tokio::select! {
        is_whole = server.run(listener, stop.clone()) => if is_whole {
            return Ok(Exit::OK);
        } else {
            "The database could not be written: what the last requests cost is not all in it."
        },
        () = stopping => {
            "deskhand was told twice to stop, and did not wait for what was being written."
        }
    };
    let advice = "deskhand spend   # the next command counts what is still held (~)";
    Err(Stop::failed(why).advising(advice))
}

fn say_remarks(desk: &Desk) {
    for remark in desk.take_remarks() {
        note(&remark);
    }
}

fn start_shards() -> Result<Shards, Stop> {
    Shards::start()
        .map_err(|error| Stop::failed(format!("The program could not start its threads: {error}.")))
}

/// Says what the shape of the config implies.
fn say_implied(implied: &[Implied], admission: Admission) {
    for implied in implied {
        // Off loopback a token is asked for, whatever the config says.
        if *implied != Implied::AnyBearer || admission == Admission::AnyBearer {
            note(implied.words());
        }
    }
}

/// Who is let in: on loopback as the config and the person say; elsewhere with a token alone.
fn admission(args: &ServeArgs, any_bearer: bool, listen: SocketAddr) -> Result<Admission, Stop> {
    let is_loopback = listen.ip().is_loopback();
    if args.no_auth && !is_loopback {
        return Err(Stop::usage(format!(
            "--no-auth is for loopback alone: at {listen} anybody could spend your money."
        ))
        .advising("deskhand serve token new --name NAME"));
    }
    if !is_loopback {
        return Ok(Admission::Token);
    }
    if args.no_auth {
        note("No token is asked for: every program of this machine may spend your money.");
        return Ok(Admission::Everybody);
    }
    Ok(if any_bearer {
        Admission::AnyBearer
    } else {
        Admission::Token
    })
}

/// A key that is missing would be found out with the first outage.
async fn check_keys(desk: &Arc<Desk>) -> Result<(), Stop> {
    let settings = desk.settings();
    let cards = desk.keys().await?;
    let missing = desk.missing_keys(&cards);
    if missing.is_empty() {
        let has_no_key =
            |card: &KeyCard| matches!(card.origin, KeyOrigin::Missing | KeyOrigin::NotNeeded);
        if settings.config.providers.is_empty() && cards.iter().all(has_no_key) {
            return Err(
                Stop::usage("No provider has a key yet, so no model can answer.")
                    .advising("deskhand keys set anthropic"),
            );
        }
        return Ok(());
    }
    let (names, ways): (Vec<String>, Vec<String>) = missing
        .into_iter()
        .map(|(name, way)| (name.to_string(), way))
        .unzip();
    let words = format!("There is no key for {}.", names.join(" and "));
    let is_all = names.len() == settings.config.providers.len();
    if settings.config.serve.origin == Origin::Recipe || is_all {
        return Err(Stop::usage(words).advising(ways.join("\n")));
    }
    note(&format!("{words} Its models are skipped."));
    Ok(())
}

async fn first_token(desk: &Arc<Desk>, admission: Admission) -> Result<Option<NewToken>, Stop> {
    if admission != Admission::Token || !desk.callers().await?.is_empty() {
        return Ok(None);
    }
    Ok(Some(desk.new_token(FIRST).await?))
}

/// Reads an address and a port; `localhost` is 127.0.0.1.
fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let port = text.strip_prefix("localhost:");
    let numeric = port.map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    let wants = "write an address and a port, such as 127.0.0.1:8000";
    numeric.parse().map_err(|_| wants)
}

fn tell(call: &Call, listens: SocketAddr, admission: Admission, first: Option<&NewToken>) {
    // Where it listens on every address, this machine reaches it at its own.
    let mut reached = listens;
    if listens.ip().is_unspecified() {
        reached.set_ip(match listens {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    let url = format!("http://{reached}");
    let token = first.map(|made| made.token.expose_secret().to_owned());
    call.out.answer(
        || json!({"listening": url, "token": token}),
        || {
            let mut lines = vec![
                format!("deskhand serves on http://{listens}"),
                format!("  OpenAI clients     base URL {url}/v1"),
                format!("  Anthropic clients  base URL {url}"),
                format!("  Gemini clients     base URL {url}"),
            ];
            match (&token, admission) {
                (Some(token), _) => lines.push(format!(
                    "  token              {token}   (shown once; `deskhand serve token new` makes more)"
                )),
                (None, Admission::Token) => {
                    lines.push("  token              one of `deskhand serve token list`".to_owned());
                }
                (None, Admission::AnyBearer) => {
                    lines.push("  token              any (Authorization: Bearer test)".to_owned());
                }
                (None, Admission::Everybody) => lines.push("  token              none".to_owned()),
            }
            lines.push("Ctrl-C stops it.".to_owned());
            lines.join("\n")
        },
    );
}
