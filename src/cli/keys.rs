//! `deskhand keys`: set, list, test and remove providers' keys. A key is read without echo or from
//! stdin, never from an argument, and is never printed.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::{
    Call,
    ai_args::{KeysArgs, KeysCommand},
    draft::told_to_stop,
    json, secret,
    stop::{Exit, Stop},
};
use crate::{
    desk::{
        Tried, Verify,
        face::{KeyCard, KeyOrigin},
    },
    domain::{Ending, ProviderName},
};

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

/// Lists them; fails when a file that promises its keys lacks one.
pub(super) async fn list(call: &Call) -> Result<Exit, Stop> {
    let (cards, amiss) = call
        .at_desk(async |desk| {
            let cards = desk.keys().await?;
            let amiss = desk.keys_amiss(&cards);
            Ok((cards, amiss))
        })
        .await?;
    for card in &cards {
        if call.out.is_json() {
            call.out.json(&to_json(card));
        } else {
            call.out.line(&in_words(card));
        }
    }
    if amiss.is_empty() {
        return Ok(Exit::OK);
    }
    let names: Vec<&str> = amiss.iter().map(|(name, _)| name.0.as_str()).collect();
    let verb = if names.len() == 1 { "has" } else { "have" };
    let ways: Vec<&str> = amiss.iter().map(|(_, way)| way.as_str()).collect();
    let words = format!(
        "{} {verb} no key, so nobody takes over there.",
        names.join(" and ")
    );
    Err(Stop::failed(words).advising(format!("Give it one: {}", ways.join("; "))))
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
    let name: String = provider.0.chars().filter(|c| !c.is_control()).collect();
    let line = secret::read(&format!("Key for {name} (not shown): ")).await?;
    let key = line.expose_secret().trim();
    if key.is_empty() {
        return Err(Stop::usage("No key was given.").advising(format!(
            "Type it when asked, or pipe it in: printf %s \"$KEY\" | deskhand keys set {provider}"
        )));
    }
    Ok(SecretString::from(key))
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
