//! Reads the whole file: TOML, YAML or JSON in, a config or every finding out.

use std::{io, path::Path};

use secrecy::SecretString;

use super::{
    Around, Config, Missing, Origin, accounts, addresses, bindings, chains, check,
    finding::{Finding, Severity, nearest},
    limits, login, models,
    names::Names,
    provider,
    reader::{Reader, Section},
    recipe, rules, sending, serve,
    settings::{Agent, EngineConfig, Glyphs, SpendConfig, StoreConfig, UiConfig},
    theme::{COLOURS, PARTS, Paint, THEMES},
    threading,
};
use crate::{
    domain::{Cap, Usd},
    engine::policy::{AfterText, Hedging, OnAuthError, OnFault},
};

const TABLES: [&str; 14] = [
    "agent",
    "store",
    "accounts",
    "outbox",
    "threading",
    "providers",
    "models",
    "chains",
    "rules",
    "spend",
    "engine",
    "serve",
    "ui",
    "keys",
];
const AGENT_KEYS: [&str; 3] = ["name", "email", "signature"];
const STORE_KEYS: [&str; 1] = ["url"];
const SPEND_KEYS: [&str; 8] = [
    "cap_month_usd",
    "cap_day_usd",
    "cap_ticket_usd",
    "downgrade_at",
    "alerts",
    "pause_at_cap",
    "allow_unknown_prices",
    "time_zone",
];
const ENGINE_KEYS: [&str; 9] = [
    "on_auth_error",
    "on_refusal",
    "on_model_gone",
    "on_no_credit",
    "after_text",
    "hedge",
    "parallel_drafts",
    "output_limit",
    "clocks",
];
const CLOCK_KEYS: [&str; 7] = [
    "connect",
    "first_text",
    "gap",
    "attempt",
    "run",
    "short_rest",
    "hold",
];
const UI_KEYS: [&str; 5] = ["keymap", "theme", "colours", "glyphs", "editor"];

/// A config with every setting, each explained: what `docs/config.md` shows. A line that begins
/// with `#:` is a setting that is switched off.
pub const EXAMPLE: &str = include_str!("../../assets/config.toml");

/// Returns the name of every setting but those of keys and colours, which have lists of their own.
pub fn settings_known() -> Vec<&'static str> {
    let lists: [&[&'static str]; 15] = [
        &TABLES,
        &AGENT_KEYS,
        &STORE_KEYS,
        &accounts::ACCOUNT_KEYS,
        &login::LOGIN_KEYS,
        &sending::SENDING_KEYS,
        &sending::OUTBOX_KEYS,
        &SPEND_KEYS,
        &ENGINE_KEYS,
        &CLOCK_KEYS,
        &UI_KEYS,
        &provider::PROVIDER_KEYS,
        &models::MODEL_KEYS,
        &limits::LIMIT_KEYS,
        &serve::SERVE_KEYS,
    ];
    lists.concat()
}

/// Reads the config file; what it says is checked against what is `around` it.
///
/// A good file comes with its warnings, a bad one as all its findings. Without a file there is
/// the default config, unless the file was asked for by name.
pub fn load(file: &Path, around: &Around<'_>) -> Result<(Config, Vec<Finding>), Vec<Finding>> {
    let wrong = |message: String| {
        vec![Finding {
            severity: Severity::Error,
            file: file.to_owned(),
            line: 0,
            column: 0,
            message,
            suggestion: None,
        }]
    };
    match std::fs::read(file) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => read(file, &text, around),
            Err(error) => {
                let line = error
                    .as_bytes()
                    .get(..error.utf8_error().valid_up_to())
                    .map_or(1, |good| good.split(|byte| *byte == b'\n').count());
                Err(wrong(format!("line {line} is not UTF-8 text.")))
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => match around.missing {
            // Without a file too the prices of one's own are in force.
            Missing::Fine => read(file, "", around),
            Missing::Wrong => Err(wrong("there is no such file.".to_owned())),
        },
        Err(error) => Err(wrong(format!("the file cannot be read: {error}."))),
    }
}

/// Reads a config from its text; `file` is only named in findings.
pub fn read(
    file: &Path,
    text: &str,
    around: &Around<'_>,
) -> Result<(Config, Vec<Finding>), Vec<Finding>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::new(file, text);
    let document = reader.document();
    let root = Section::root(&mut reader, document.get_ref(), &TABLES);
    let config = whole(&mut reader, &root, around);
    let findings = reader.into_findings();
    if findings
        .iter()
        .any(|finding| finding.severity == Severity::Error)
    {
        Err(findings)
    } else {
        Ok((config, findings))
    }
}

/// Reads every table of the file.
fn whole(reader: &mut Reader<'_>, root: &Section<'_>, around: &Around<'_>) -> Config {
    let mut providers = provider::providers(reader, root, around);
    let addresses = addresses::addresses(reader, root, &mut providers, around);
    reader.names = Names::new(&providers, around.known);
    let origin = recipe::origin(root);
    let recipe = match origin {
        Origin::Own => Vec::new(),
        Origin::Recipe => recipe::models(reader, root, &providers),
    };
    reader.named = recipe
        .iter()
        .map(|model| (model.name.clone(), model.link.clone()))
        .collect();
    let mut config = Config {
        agent: agent(reader, root),
        store: store(reader, root, around),
        accounts: accounts::accounts(reader, root),
        outbox: sending::outbox(reader, root),
        on_subject_change: threading::on_subject_change(reader, root),
        models: models::models(reader, root),
        limits: limits::limits(reader, root),
        provider_order: provider::in_order(root, &providers),
        addresses,
        names: reader.names.clone(),
        providers,
        spend: spend(reader, root),
        engine: engine(reader, root),
        ui: ui(reader, root),
        prices: around.prices.to_vec(),
        ..Config::default()
    };
    let chains = chains::chains(reader, root, &recipe);
    let names: Vec<&str> = chains.found.iter().map(|one| one.name.as_str()).collect();
    config.serve = serve::serve(reader, root, &names);
    config.serve.origin = origin;
    config.serve.models = chains.served;
    if origin == Origin::Recipe {
        recipe::imply(root, &mut config);
    }
    check::check(reader, (root, &config), &chains.found, around);
    config.rules = rules::rules(reader, root, &names);
    for chain in chains.found {
        config.routings.insert(chain.name.clone(), chain.routing);
        config.chains.insert(chain.name, chain.links);
    }
    config
}

fn agent(reader: &mut Reader<'_>, root: &Section<'_>) -> Agent {
    let Some(table) = root.open(reader, "agent", &AGENT_KEYS) else {
        return Agent::default();
    };
    let name = table.text(reader, "name").and_then(|(name, span)| {
        let fits = !name.trim().is_empty() && !name.contains(char::is_control) && name.len() <= 80;
        if !fits {
            let message = "`name` must be a name of one line, at most 80 letters.";
            reader.error(&span, message, None);
        }
        fits.then(|| name.trim().to_owned())
    });
    let email = table.text(reader, "email").and_then(|(email, span)| {
        let fits = email.split_once('@').is_some_and(|(local, domain)| {
            let is_part = |part: &str| {
                !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control())
            };
            is_part(local) && is_part(domain) && !domain.contains('@')
        });
        if !fits {
            let message = "`email` must be an address such as maya@example.com.";
            reader.error(&span, message, None);
        }
        fits.then(|| email.to_owned())
    });
    Agent {
        name,
        email,
        signature: table
            .text(reader, "signature")
            .map(|(text, _)| text.trim_end().to_owned()),
    }
}

fn store(reader: &mut Reader<'_>, root: &Section<'_>, around: &Around<'_>) -> StoreConfig {
    let Some(table) = root.open(reader, "store", &STORE_KEYS) else {
        return StoreConfig::default();
    };
    let url = table.text(reader, "url").and_then(|(written, span)| {
        let (url, unset) = fill(written, around);
        for name in unset {
            let message = format!("the environment has no `{name}`, which [store] url needs.");
            reader.error(&span, message, Some(format!("Set it: export {name}=...")));
        }
        let known = ["postgres://", "postgresql://", "sqlite:"];
        if known.iter().any(|scheme| url.starts_with(scheme)) {
            return Some(SecretString::from(url));
        }
        let message = "`url` must begin with postgres:// or sqlite:.";
        let hint = "Without it, tickets are kept in a file in the data folder.";
        reader.error(&span, message, Some(hint.to_owned()));
        None
    });
    StoreConfig { url }
}

/// Puts values of the environment in for `${NAME}`; returns the names that are unset, too.
fn fill(written: &str, around: &Around<'_>) -> (String, Vec<String>) {
    let (mut filled, mut unset, mut rest) = (String::new(), Vec::new(), written);
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else {
            break;
        };
        filled.push_str(before);
        match (around.env)(name) {
            Some(value) => filled.push_str(&value),
            None => unset.push(name.to_owned()),
        }
        rest = behind;
    }
    filled.push_str(rest);
    (filled, unset)
}

fn spend(reader: &mut Reader<'_>, root: &Section<'_>) -> SpendConfig {
    let usual = SpendConfig::default();
    let Some(table) = root.open(reader, "spend", &SPEND_KEYS) else {
        return usual;
    };
    let is_none = table
        .get("cap_month_usd")
        .is_some_and(|value| value.get_ref().as_str() == Some("none"));
    let cap = if is_none {
        Cap::None
    } else {
        table
            .amount(reader, "cap_month_usd")
            .map_or(Cap::NotChosen, Cap::Month)
    };
    SpendConfig {
        cap,
        cap_day: side_cap(reader, &table, "cap_day_usd"),
        cap_ticket: side_cap(reader, &table, "cap_ticket_usd"),
        downgrade_at: downgrade_at(reader, &table),
        alerts: alerts(reader, &table).unwrap_or(usual.alerts),
        pause_at_cap: table
            .boolean(reader, "pause_at_cap")
            .unwrap_or(usual.pause_at_cap),
        allow_unknown_prices: table
            .boolean(reader, "allow_unknown_prices")
            .unwrap_or(usual.allow_unknown_prices),
        time_zone: time_zone(reader, &table).unwrap_or(usual.time_zone),
    }
}

/// Reads a limit beside the month's; `"none"` declares it absent, as leaving it out does.
fn side_cap(reader: &mut Reader<'_>, table: &Section<'_>, key: &'static str) -> Option<Usd> {
    let value = table.get(key)?;
    if value.get_ref().as_str() == Some("none") {
        return None;
    }
    table.amount(reader, key)
}

fn downgrade_at(reader: &mut Reader<'_>, table: &Section<'_>) -> Option<u32> {
    let value = table.get("downgrade_at")?;
    let whole = super::scalars::whole(value);
    let percent = whole.and_then(|number| u32::try_from(number).ok());
    if let Some(percent @ 1..=100) = percent {
        return Some(percent);
    }
    let message = "`downgrade_at` must be a percentage from 1 to 100, such as 75.";
    reader.error(&value.span(), message, None);
    None
}

fn alerts(reader: &mut Reader<'_>, table: &Section<'_>) -> Option<Vec<u32>> {
    let value = table.get("alerts")?;
    let Some(array) = value.get_ref().as_array() else {
        let message = "`alerts` must be a list of percentages such as [50, 75, 100].";
        reader.error(&value.span(), message, None);
        return None;
    };
    let mut alerts = Vec::new();
    for item in array {
        let percent = super::scalars::whole(item).and_then(|number| u32::try_from(number).ok());
        if let Some(percent @ 1..=100) = percent {
            alerts.push(percent);
        } else {
            let message = "an alert must be a whole percentage from 1 to 100.";
            reader.error(&item.span(), message, None);
        }
    }
    alerts.sort_unstable();
    alerts.dedup();
    Some(alerts)
}

fn time_zone(reader: &mut Reader<'_>, table: &Section<'_>) -> Option<String> {
    let (name, span) = table.text(reader, "time_zone")?;
    if let Ok(zone) = jiff::tz::TimeZone::get(name) {
        return Some(zone.iana_name().unwrap_or(name).to_owned());
    }
    let zones: Vec<String> = jiff::tz::db()
        .available()
        .map(|zone| zone.to_string())
        .collect();
    let lower: Vec<String> = zones.iter().map(|zone| zone.to_lowercase()).collect();
    let near = nearest(name, lower.iter().map(String::as_str))
        .and_then(|near| zones.iter().find(|zone| zone.to_lowercase() == near));
    let hint = near.map_or_else(
        || "Use a name such as Europe/Berlin or UTC.".to_owned(),
        |near| format!("Did you mean \"{near}\"?"),
    );
    let message = format!("there is no time zone {}.", super::reader::quoted(name));
    reader.error(&span, message, Some(hint));
    None
}

fn engine(reader: &mut Reader<'_>, root: &Section<'_>) -> EngineConfig {
    let mut engine = EngineConfig::default();
    let Some(table) = root.open(reader, "engine", &ENGINE_KEYS) else {
        return engine;
    };
    let on_auth_error = [
        ("bench", OnAuthError::Bench),
        ("failover", OnAuthError::Failover),
        ("stop", OnAuthError::Stop),
    ];
    if let Some(choice) = table.word(reader, "on_auth_error", &on_auth_error) {
        engine.policy.on_auth_error = choice;
    }
    let on_fault = [("failover", OnFault::Failover), ("stop", OnFault::Stop)];
    for (key, choice) in [
        ("on_refusal", &mut engine.policy.on_refusal),
        ("on_model_gone", &mut engine.policy.on_model_gone),
        ("on_no_credit", &mut engine.policy.on_no_credit),
    ] {
        if let Some(chosen) = table.word(reader, key, &on_fault) {
            *choice = chosen;
        }
    }
    if let Some(true) = table.boolean(reader, "hedge") {
        engine.policy.hedge = Hedging::On;
    }
    let after_text = [("restart", AfterText::Restart), ("stop", AfterText::Stop)];
    if let Some(choice) = table.word(reader, "after_text", &after_text) {
        engine.policy.after_text = choice;
    }
    if let Some(number) = table.whole(reader, "parallel_drafts", 1..=16) {
        engine.parallel_drafts = usize::try_from(number).unwrap_or(engine.parallel_drafts);
    }
    if let Some(number) = table.whole(reader, "output_limit", 256..=128_000) {
        engine.output_limit = u32::try_from(number).unwrap_or(engine.output_limit);
    }
    clocks(reader, &table, &mut engine);
    engine
}

fn clocks(reader: &mut Reader<'_>, table: &Section<'_>, engine: &mut EngineConfig) {
    let Some(table) = table.open(reader, "clocks", &CLOCK_KEYS) else {
        return;
    };
    let clocks = &mut engine.policy.clocks;
    clocks.first_text = table.duration(reader, "first_text");
    clocks.gap = table.duration(reader, "gap");
    for (key, clock) in [
        ("connect", &mut clocks.connect),
        ("attempt", &mut clocks.attempt),
        ("run", &mut clocks.run),
        ("short_rest", &mut clocks.short_rest),
        ("hold", &mut clocks.hold),
    ] {
        if let Some(time) = table.duration(reader, key) {
            *clock = time;
        }
    }
}

fn ui(reader: &mut Reader<'_>, root: &Section<'_>) -> UiConfig {
    let mut ui = UiConfig::default();
    let table = root.open(reader, "ui", &UI_KEYS);
    let preset = table.as_ref().and_then(|table| {
        let presets = super::keymap::PRESETS.map(|preset| (preset.word(), preset));
        table.word(reader, "keymap", &presets)
    });
    if let Some(table) = &table {
        look(reader, table, &mut ui);
        let glyphs = [("plain", Glyphs::Plain), ("ascii", Glyphs::Ascii)];
        ui.glyphs = table.word(reader, "glyphs", &glyphs).unwrap_or_default();
        ui.editor = provider::command(reader, table, "editor");
    }
    ui.preset = preset.unwrap_or_default();
    ui.keymap = bindings::keymap(reader, root, ui.preset);
    ui
}

fn look(reader: &mut Reader<'_>, table: &Section<'_>, ui: &mut UiConfig) {
    let themes = THEMES.map(|theme| (theme.word(), theme));
    ui.theme_name = table.word(reader, "theme", &themes).unwrap_or_default();
    ui.theme = ui.theme_name.theme();
    let parts: Vec<&'static str> = PARTS.iter().map(|(part, _)| *part).collect();
    let Some(colours) = table.open(reader, "colours", &parts) else {
        return;
    };
    for part in parts {
        let Some((words, span)) = colours.text(reader, part) else {
            continue;
        };
        match (Paint::read(words), ui.theme.part_mut(part)) {
            (Ok(paint), Some(place)) => *place = paint,
            (Ok(_), None) => {}
            (Err(word), _) => {
                let known = COLOURS.iter().map(|(name, _)| *name);
                let known = known.chain(["bold", "reverse", "dim"]);
                let hint = nearest(&word, known).map_or_else(
                    || "Use one of the sixteen colours, and bold, reverse or dim.".to_owned(),
                    |near| format!("Did you mean `{near}`?"),
                );
                let message = format!("there is no colour {}.", super::reader::quoted(&word));
                reader.error(&span, message, Some(hint));
            }
        }
    }
}

/// Returns an amount as it would be written in the file: without needless zeros.
pub(super) fn plain_amount(usd: Usd) -> String {
    let written = usd.to_string();
    let short = written.trim_end_matches('0');
    short.strip_suffix('.').unwrap_or(short).to_owned()
}
