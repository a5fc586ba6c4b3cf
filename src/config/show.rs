//! `deskhand config show`: what is in force, with secrets masked.

use std::collections::BTreeSet;

use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use super::{
    AccountConfig, Config, Glyphs, Limits,
    file::plain_amount,
    settings::{ModelConfig, ProviderConfig},
};
use crate::{
    domain::{Cap, KeySource, LinkName, Login, SignIn, Usd, manner::Place, sign_in::Way},
    engine::{
        chain::Temper,
        policy::{AfterText, Hedging, OnAuthError, OnFault},
    },
};

/// A mailbox: where its password is, never the password.
fn account_json(account: &AccountConfig) -> Value {
    let command = match &account.login {
        Login::Password(KeySource::Command(words)) => Some(words),
        Login::Password(KeySource::Keyring | KeySource::Env(_) | KeySource::NotNeeded)
        | Login::SignIn(_) => None,
    };
    let sign_in = match &account.login {
        Login::SignIn(sign_in) => Some(sign_in),
        Login::Password(_) => None,
    };
    json!({
        "address": account.address,
        "imap": account.imap.to_string(),
        "user": account.user,
        "login": sign_in.map(login_json),
        "client_id": sign_in.map(|sign_in| &sign_in.client_id),
        "client_secret_command": sign_in.and_then(|sign_in| sign_in.client_secret.as_ref()),
        "password_command": command,
        "ca": account.ca,
        "since": account.since.word(),
        "smtp": account.sending.smtp.as_ref().map(ToString::to_string),
        "name": account.sending.name,
        "signature": account.sending.signature,
        "quote": account.sending.quotes,
        "html": account.sending.has_html,
        "sent_copy": account.sending.keeps_copy,
        "subject_token": account.sending.subject_token,
        "plus_address": account.sending.has_plus_address,
        "body_mark": account.sending.has_body_mark,
        "auth_results": account.auth_results,
        "mark_seen": account.marks_seen,
        "acknowledge": account.sending.acknowledge,
    })
}

fn login_json(sign_in: &SignIn) -> Value {
    if let Some(word) = sign_in.service.word() {
        return json!(word);
    }
    let (key, place) = match &sign_in.way {
        Way::Browser(page) => ("browser", page),
        Way::Device(place) => ("device", place),
    };
    json!({ key: place, "token": sign_in.token, "scope": sign_in.scope })
}

impl Config {
    /// Returns the whole config as JSON in the shape of the file; no password and no key is in it.
    pub fn to_json(&self) -> Value {
        let providers: Map<String, Value> = self
            .providers
            .iter()
            .map(|(name, provider)| {
                let limits = self.limits.providers.get(name);
                (name.0.clone(), with_limits(provider_json(provider), limits))
            })
            .chain(self.elsewhere())
            .collect();
        let links: BTreeSet<&LinkName> = self
            .models
            .keys()
            .chain(self.limits.models.keys())
            .collect();
        let models: Map<String, Value> = links
            .into_iter()
            .map(|link| {
                let model = self.models.get(link).map_or_else(|| json!({}), model_json);
                let limits = self.limits.models.get(link);
                (link.to_string(), with_limits(model, limits))
            })
            .collect();
        let mut whole = json!({
            "agent": {
                "name": self.agent.name,
                "email": self.agent.email,
                "signature": self.agent.signature,
            },
            "store": { "url": self.store.url.as_ref().map(|url| mask_url(url.expose_secret())) },
            "accounts": self.accounts.values().map(|account| (account.name.clone(), account_json(account))).collect::<Map<_, _>>(),
            "outbox": {
                "account": self.outbox.account,
                "undo_seconds": self.outbox.undo.as_secs(),
                "attachments_mb": self.outbox.attachments_bytes >> 20,
            },
            "threading": { "on_subject_change": self.on_subject_change.word() },
            "providers": providers,
            "models": models,
            "chains": self.chains_json(),
            "rules": self.rules.iter().map(|rule| json!({ "when": rule.when, "chain": rule.chain })).collect::<Vec<_>>(),
            "spend": self.spend_json(),
            "engine": self.engine_json(),
            "serve": self.serve_json(),
            "ui": {
                "keymap": self.ui.preset.word(),
                "theme": self.ui.theme_name.word(),
                "glyphs": match self.ui.glyphs {
                    Glyphs::Plain => "plain",
                    Glyphs::Ascii => "ascii",
                },
                "editor": self.ui.editor,
            },
        });
        drop_nulls(&mut whole);
        whole
    }

    /// Returns the whole config as TOML, for people.
    pub fn to_toml(&self) -> String {
        toml::to_string(&self.to_json()).unwrap_or_default()
    }

    /// Returns the providers of which only the environment says something: where they are asked.
    fn elsewhere(&self) -> impl Iterator<Item = (String, Value)> {
        let others = self
            .addresses
            .iter()
            .filter(|(name, _)| !self.providers.contains_key(*name));
        others.filter_map(|(name, from)| {
            let url = from.base_url.as_ref()?;
            Some((name.0.clone(), json!({ "base_url": url })))
        })
    }

    fn chains_json(&self) -> Value {
        let chains = self.chains.iter().map(|(name, links)| {
            let routing = self.routing(name).word();
            (name.clone(), json!({ "links": links, "routing": routing }))
        });
        Value::Object(chains.collect())
    }

    fn spend_json(&self) -> Value {
        json!({
            "cap_month_usd": match self.spend.cap {
                Cap::NotChosen => None,
                Cap::None => Some("none".to_owned()),
                Cap::Month(usd) => Some(plain_amount(usd)),
            },
            "cap_day_usd": self.spend.cap_day.map(plain_amount),
            "cap_ticket_usd": self.spend.cap_ticket.map(plain_amount),
            "downgrade_at": self.spend.downgrade_at,
            "alerts": self.spend.alerts,
            "pause_at_cap": self.spend.pause_at_cap,
            "allow_unknown_prices": self.spend.allow_unknown_prices,
            "time_zone": self.spend.time_zone,
        })
    }

    fn serve_json(&self) -> Value {
        let serve = &self.serve;
        let mut aliases = serve.aliases.clone();
        for model in &serve.models {
            let link = model.link.to_string();
            if model.name != link {
                aliases.entry(model.name.clone()).or_insert(link);
            }
        }
        json!({
            "listen": serve.listen.to_string(),
            "any_bearer": serve.any_bearer,
            "hold": if serve.hold.is_zero() {
                json!(0)
            } else {
                json!(format!("{}ms", serve.hold.as_millis()))
            },
            "hold_tokens": serve.hold_tokens,
            "fallback": serve.fallback,
            "aliases": aliases,
        })
    }

    fn engine_json(&self) -> Value {
        let policy = &self.engine.policy;
        let millis = |time: std::time::Duration| format!("{}ms", time.as_millis());
        json!({
            "on_auth_error": match policy.on_auth_error {
                OnAuthError::Bench => "bench",
                OnAuthError::Failover => "failover",
                OnAuthError::Stop => "stop",
            },
            "on_refusal": on_fault(policy.on_refusal),
            "on_model_gone": on_fault(policy.on_model_gone),
            "on_no_credit": on_fault(policy.on_no_credit),
            "hedge": policy.hedge == Hedging::On,
            "after_text": match policy.after_text {
                AfterText::Restart => "restart",
                AfterText::Stop => "stop",
            },
            "parallel_drafts": self.engine.parallel_drafts,
            "output_limit": self.engine.output_limit,
            "clocks": {
                "connect": millis(policy.clocks.connect),
                "first_text": policy.clocks.first_text.map(millis),
                "gap": policy.clocks.gap.map(millis),
                "attempt": millis(policy.clocks.attempt),
                "run": millis(policy.clocks.run),
                "short_rest": millis(policy.clocks.short_rest),
                "hold": millis(policy.clocks.hold),
            },
        })
    }
}

/// Adds what is configured of limits.
fn with_limits(mut shown: Value, limits: Option<&Limits>) -> Value {
    if let (Some(table), Some(limits)) = (shown.as_object_mut(), limits) {
        let limits = json!({
            "requests_per_minute": limits.requests_per_minute,
            "tokens_per_minute": limits.tokens_per_minute,
        });
        table.insert("limits".to_owned(), limits);
    }
    shown
}

const fn on_fault(choice: OnFault) -> &'static str {
    match choice {
        OnFault::Failover => "failover",
        OnFault::Stop => "stop",
    }
}

fn provider_json(provider: &ProviderConfig) -> Value {
    let mut shown = json!({
        "type": provider.kind.word(),
        "base_url": provider.base_url,
        "models": provider.models,
        "default_model": provider.default_model,
        "stream": provider.stream,
        "allow_plain_http": provider.allow_plain_http,
    });
    let key = match &provider.key {
        // Nothing in the file means the keyring, so nothing is shown either.
        KeySource::Keyring => None,
        KeySource::Env(name) => Some(("api_key", json!(format!("${{{name}}}")))),
        // Its arguments may tell more than they should.
        KeySource::Command(words) => {
            let program = words.first().map_or("", String::as_str);
            let rest = if words.len() > 1 {
                vec!["..."]
            } else {
                Vec::new()
            };
            let shown: Vec<&str> = [program].into_iter().chain(rest).collect();
            Some(("api_key_command", json!(shown)))
        }
        KeySource::NotNeeded => Some(("auth", json!("none"))),
    };
    let place = match &provider.manner.place {
        Place::Usual => Vec::new(),
        Place::Azure { api_version } => vec![("api_version", json!(api_version))],
        Place::Vertex {
            project, location, ..
        } => vec![("project", json!(project)), ("location", json!(location))],
    };
    if let Some(table) = shown.as_object_mut() {
        let more = key.into_iter().chain(place);
        table.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
    shown
}

fn model_json(model: &ModelConfig) -> Value {
    let amount = |usd: Option<Usd>| usd.map(plain_amount);
    json!({
        "price_in_usd_per_million": amount(model.price_in),
        "price_out_usd_per_million": amount(model.price_out),
        "price_cached_usd_per_million": amount(model.price_cached),
        "context_tokens": model.window,
        "max_output_tokens": model.output_limit,
        "temper": model.temper.map(|temper| match temper {
            Temper::Plain => "plain",
            Temper::Reasoning => "reasoning",
            Temper::Silent => "silent",
            Temper::Local => "local",
        }),
    })
}

/// Returns a database URL without its password, and without what stands behind a `?`.
pub fn mask_url(url: &str) -> String {
    if !url.contains("://") {
        return url.to_owned();
    }
    let (url, query) = match url.find(['?', '#']).and_then(|at| url.split_at_checked(at)) {
        // An `@` behind it may end a login that holds a `?` or `#` unescaped.
        Some((_, behind)) if behind.contains('@') => return "***".to_owned(),
        Some((url, _)) => (url, "?..."),
        None => (url, ""),
    };
    let Some((scheme, rest)) = url.split_once("://") else {
        return format!("{url}{query}");
    };
    // A password may hold `@` and `/` by mistake: everything before the last `@` is hidden.
    match rest.rsplit_once('@') {
        Some((login, place)) => match login.split_once(':') {
            Some((user, _)) => format!("{scheme}://{user}:***@{place}{query}"),
            None => format!("{scheme}://{login}@{place}{query}"),
        },
        // `user:password/db` without its `@`: a port is all digits.
        None => match rest.split_once(':') {
            Some((host, behind))
                if !host.starts_with('[')
                    && !behind
                        .split('/')
                        .next()
                        .is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit())) =>
            {
                format!("{scheme}://{host}:***{query}")
            }
            Some(_) | None => format!("{scheme}://{rest}{query}"),
        },
    }
}

fn drop_nulls(value: &mut Value) {
    if let Some(table) = value.as_object_mut() {
        table.retain(|_, value| !value.is_null());
        table.values_mut().for_each(drop_nulls);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("postgres://desk:pw@db/desk", "postgres://desk:***@db/desk"),
            (
                "postgres://desk:p@w/x@db/desk?password=y",
                "postgres://desk:***@db/desk?...",
            ),
            ("postgres://desk@db/desk", "postgres://desk@db/desk"),
            ("postgres:///desk", "postgres:///desk"),
            ("postgres://desk:p#w@db/desk", "***"),
            ("postgres://desk:p?w@db/desk", "***"),
            ("sqlite:/tmp/x.db", "sqlite:/tmp/x.db"),
        ] {
            assert_eq!(mask_url(url), shown);
        }
    }
}
