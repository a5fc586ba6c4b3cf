//! `deskhand keys`: set, list, test and remove providers' keys. A key is read without echo or from
//! stdin, never from an argument, and is never printed.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::{
    Call,
    args::{KeysArgs, KeysCommand},
    draft::told_to_stop,
    json,
    out::ask,
    stop::{Exit, Stop},
};
use crate::{
    desk::{
        Tried, Verify,
        face::{KeyCard, KeyOrigin},
    },
    domain::{Ending, ProviderName},
};

/// No provider's key is longer; a pipe that goes on for ever is not read.
const LONGEST_KEY: u64 = 16 * 1024;

/// Does what is asked of the keys.
pub(super) async fn run(call: &Call, args: KeysArgs) -> Result<Exit, Stop> {
    let act = act(call, args.command);
    tokio::pin!(act);
    let mut first = true;
    loop {
        tokio::select! {
            done = &mut act => return done,
            () = told_to_stop() => {
                // Once is the prompt's own affair; twice leaves whatever is waited for.
                if !std::mem::replace(&mut first, false) {
                    return Ok(Exit::after(Ending::Cancelled));
                }
            }
        }
    }
}

async fn act(call: &Call, command: KeysCommand) -> Result<Exit, Stop> {
    match command {
        KeysCommand::List => list(call).await,
        KeysCommand::Set {
            provider,
            no_verify,
        } => {
            let verify = if no_verify {
                Verify::Not
            } else {
                Verify::First
            };
            set(call, ProviderName(provider), verify).await
        }
        KeysCommand::Test { provider } => test(call, ProviderName(provider)).await,
        KeysCommand::Remove { provider } => remove(call, ProviderName(provider)).await,
    }
}

async fn list(call: &Call) -> Result<Exit, Stop> {
    let cards = call.at_desk(async |desk| Ok(desk.keys().await?)).await?;
    for card in &cards {
        if call.out.is_json() {
            call.out.json(&to_json(card));
        } else {
            call.out.line(&in_words(card));
        }
    }
    Ok(Exit::OK)
}

async fn set(call: &Call, provider: ProviderName, verify: Verify) -> Result<Exit, Stop> {
    let done = call.at_desk(async |desk| {
        if desk.settings().provider(&provider).is_none() {
            return Err(crate::desk::DeskError::NoProvider(provider.0.clone()).into());
        }
        let key = read_key(&provider).await?;
        Ok(desk.set_key(&provider, key, verify).await?)
    });
    let tried = done.await?;
    call.out.answer(
        || json!({ "provider": provider, "stored": true, "verified": tried.is_verified, "models": tried.models }),
        || match (verify, tried.is_verified) {
            (_, true) => format!("{provider} accepts the key. It is in your keyring."),
            (Verify::First, false) => format!("The key is in your keyring; {provider} has no way to check it."),
            (Verify::Not, false) => format!("The key is in your keyring, unchecked. `deskhand keys test {provider}` checks it."),
        },
    );
    Ok(Exit::OK)
}

async fn test(call: &Call, provider: ProviderName) -> Result<Exit, Stop> {
    let tried: Tried = call
        .at_desk(async |desk| Ok(desk.test_key(&provider).await?))
        .await?;
    call.out.answer(
        || json!({ "provider": provider, "verified": tried.is_verified, "models": tried.models }),
        || {
            let says = if tried.is_verified {
                "accepts the key"
            } else {
                "answers, but has no way to check a key"
            };
            format!("{provider} {says}.")
        },
    );
    Ok(Exit::OK)
}

async fn remove(call: &Call, provider: ProviderName) -> Result<Exit, Stop> {
    let removed = call
        .at_desk(async |desk| Ok(desk.remove_key(&provider).await?))
        .await?;
    call.out.answer(
        || json!({ "provider": provider, "removed": removed }),
        || {
            let (begin, end) = if removed {
                ("The key", "is gone from")
            } else {
                ("No key", "was in")
            };
            format!("{begin} of {provider} {end} your keyring.")
        },
    );
    Ok(Exit::OK)
}

/// Reads a key: without echo on a terminal, else the first line of stdin.
async fn read_key(provider: &ProviderName) -> Result<SecretString, Stop> {
    let line = if io::stdin().is_terminal() {
        typed_key(provider).await?
    } else {
        let mut line = String::new();
        io::stdin()
            .lock()
            .take(LONGEST_KEY)
            .read_line(&mut line)
            .map_err(|error| unread(&error))?;
        SecretString::from(line)
    };
    let key = line.expose_secret().trim();
    if key.is_empty() {
        return Err(Stop::usage("No key was given.").advising(format!(
            "Type it when asked, or pipe it in: printf %s \"$KEY\" | deskhand keys set {provider}"
        )));
    }
    Ok(SecretString::from(key))
}

/// Asks for a key on the terminal. The thread that reads is left alone when the person stops it;
/// the terminal shows what is typed again before the program leaves.
async fn typed_key(provider: &ProviderName) -> Result<SecretString, Stop> {
    let name: String = provider.0.chars().filter(|c| !c.is_control()).collect();
    // Before the prompt: what is pasted right after it must not show either.
    let echo = Echo::off();
    let typed = async {
        // Polled after the signals are listened to: a key pressed at once is not lost to them.
        let (answer, answered) = tokio::sync::oneshot::channel();
        ask(&format!("Key for {name} (not shown): "));
        let read = || {
            let mut line = String::new();
            let typed = io::stdin().lock().take(LONGEST_KEY).read_line(&mut line);
            drop(answer.send(typed.map(|_| SecretString::from(line))));
        };
        let spawned = std::thread::Builder::new().spawn(read);
        drop(spawned.map_err(|error| unread(&error))?);
        match answered.await {
            Ok(typed) => typed.map_err(|error| unread(&error)),
            Err(_) => Err(Stop::failed("The key could not be read.")),
        }
    };
    let typed = tokio::select! {
        biased;
        () = told_to_stop() => Err(Stop {
            exit: Exit::after(Ending::Cancelled),
            words: "Cancelled. Nothing was stored.".to_owned(),
            advice: None,
        }),
        typed = typed => typed,
    };
    echo.restore();
    ask("\n");
    typed
}

fn unread(error: &io::Error) -> Stop {
    Stop::failed(format!("The key could not be read: {error}."))
}

/// How the terminal stood before a key was asked for.
struct Echo {
    #[cfg(unix)]
    before: Option<rustix::termios::Termios>,
}

impl Echo {
    /// Notes how the terminal stands and lets it show nothing.
    fn off() -> Self {
        #[cfg(unix)]
        {
            use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
            let before = tcgetattr(io::stdin()).ok();
            if let Some(before) = &before {
                let mut silent = before.clone();
                silent.local_modes.remove(LocalModes::ECHO);
                // Where that fails, the reading itself says so.
                tcsetattr(io::stdin(), OptionalActions::Now, &silent).unwrap_or(());
            }
            Self { before }
        }
        #[cfg(not(unix))]
        Self {}
    }

    fn restore(&self) {
        #[cfg(unix)]
        if let Some(before) = &self.before {
            use rustix::termios::{OptionalActions, tcsetattr};
            // A terminal that is gone needs no echo.
            tcsetattr(io::stdin(), OptionalActions::Now, before).unwrap_or(());
        }
    }
}

fn to_json(card: &KeyCard) -> Value {
    json!({
        "provider": card.provider,
        "type": card.kind.word(),
        "origin": origin(&card.origin),
        "env": env_name(&card.origin),
        "masked": card.masked,
        "masked_because": card.masked.is_none().then_some("a list reads no key"),
        "state": json::key_state(card.state),
        "since": card.since,
        "said": card.said,
        "default_model": card.default_model,
        "models": card.models,
        "place": card.place,
    })
}

const fn origin(origin: &KeyOrigin) -> &'static str {
    match origin {
        KeyOrigin::Keyring => "keyring",
        KeyOrigin::Env(_) => "env",
        KeyOrigin::Command => "command",
        KeyOrigin::NotNeeded => "not_needed",
        KeyOrigin::Missing => "missing",
    }
}

fn in_words(card: &KeyCard) -> String {
    let from = match &card.origin {
        KeyOrigin::Keyring => "in the keyring".to_owned(),
        KeyOrigin::Env(name) => format!("from ${name}"),
        KeyOrigin::Command => "from a command".to_owned(),
        KeyOrigin::NotNeeded => "needs none".to_owned(),
        KeyOrigin::Missing => "no key".to_owned(),
    };
    let place = card
        .place
        .map(|place| format!("  {place}. in the chain"))
        .unwrap_or_default();
    let model = card.default_model.as_deref().unwrap_or("no default model");
    let state = card
        .state
        .map(|_| format!(", {}", json::key_state(card.state)))
        .unwrap_or_default();
    let said = card
        .said
        .as_deref()
        .map(|said| format!(" ({said})"))
        .unwrap_or_default();
    format!("{:<17} {from}{state}{said}  {model}{place}", card.provider)
}

const fn env_name(origin: &KeyOrigin) -> Option<&String> {
    match origin {
        KeyOrigin::Env(name) => Some(name),
        KeyOrigin::Keyring | KeyOrigin::Command | KeyOrigin::NotNeeded | KeyOrigin::Missing => None,
    }
}
