//! `[providers.NAME]`.

use std::collections::BTreeMap;

use super::{
    Around, Known, ProviderConfig,
    address::check_url,
    finding::nearest,
    models,
    reader::{Reader, Section, Span, looks_like_key, quoted},
    site,
};
use crate::domain::{
    KeySource, Manner, ModelName, ProviderKind, ProviderName, link::PROVIDER_KINDS,
};

/// Every setting of a provider.
pub(super) const PROVIDER_KEYS: [&str; 15] = [
    "type",
    "preset",
    "base_url",
    "api_key",
    "api_key_command",
    "auth",
    "models",
    "default_model",
    "stream",
    "allow_plain_http",
    "resource",
    "api_version",
    "project",
    "location",
    "limits",
];

/// Reads every provider of the file.
pub(super) fn providers(
    reader: &mut Reader<'_>,
    root: &Section<'_>,
    around: &Around<'_>,
) -> BTreeMap<ProviderName, ProviderConfig> {
    let mut providers = BTreeMap::new();
    let Some(all) = root.open_any(reader, "providers") else {
        return providers;
    };
    for (name, span, value) in all.entries() {
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
        let fits = !name.is_empty() && name.len() <= 40 && name.chars().all(is_name);
        if !fits || looks_like_key(name) {
            let message = format!("{} cannot be the name of a provider.", quoted(name));
            let hint = "Use small letters, digits, `-`, `_` and `.`, at most 40.".to_owned();
            reader.error(&span, message, Some(hint));
            continue;
        }
        let Some(table) = Section::of(reader, &format!("providers.{name}"), value) else {
            continue;
        };
        table.refuse_unknown(reader, &PROVIDER_KEYS);
        if let Some(provider) = provider(reader, &table, &Named { name, span }, around) {
            providers.insert(ProviderName(name.to_owned()), provider);
        } else {
            reader.faulty.insert(name.to_owned());
        }
    }
    providers
}

/// Returns the providers that were read in the order of the file.
pub(super) fn in_order(
    root: &Section<'_>,
    read: &BTreeMap<ProviderName, ProviderConfig>,
) -> Vec<ProviderName> {
    let all = root.inner("providers");
    let mut names: Vec<(usize, ProviderName)> = all
        .iter()
        .flat_map(Section::inners)
        .map(|(name, span, _)| (span.start, ProviderName(name.to_owned())))
        .filter(|(_, name)| read.contains_key(name))
        .collect();
    names.sort_unstable();
    names.into_iter().map(|(_, name)| name).collect()
}

/// The provider being read: its name and where that stands.
pub(super) struct Named<'n> {
    pub(super) name: &'n str,
    pub(super) span: Span,
}

fn provider(
    reader: &mut Reader<'_>,
    table: &Section<'_>,
    named: &Named<'_>,
    around: &Around<'_>,
) -> Option<ProviderConfig> {
    let preset = match preset(reader, table, named, around) {
        Ok(preset) => preset,
        Err(Unknown) => return None,
    };
    let kind = kind(reader, table, named, (preset, around));
    let usual_key = match preset {
        Some(known) if !known.wants_key => KeySource::NotNeeded,
        Some(_) | None => KeySource::Keyring,
    };
    let key = key(reader, table, named.name, (usual_key, around));
    let models = models::listed(reader, table);
    let default_model = table
        .text(reader, "default_model")
        .and_then(|(model, span)| models::name(reader, model, &span))
        .or_else(|| {
            let usual = preset.and_then(|known| known.default_model);
            let usual = usual.map(|model| ModelName(model.to_owned()));
            models.first().cloned().or(usual)
        });
    let stream = table.boolean(reader, "stream").unwrap_or(true);
    let allow_plain_http = table.boolean(reader, "allow_plain_http").unwrap_or(false);
    let written = base_url(reader, table, allow_plain_http);
    let habits = preset.map(|known| known.habits).unwrap_or_default();
    let has_url = !matches!(written, Written::Absent);
    let found = site::place(reader, table, named, habits.site, has_url);
    let (kind, found) = (kind?, found?);
    let base_url = match (written, found.base_url) {
        (Written::Wrong, _) => return None,
        (Written::Good(url), _) | (Written::Absent, Some(url)) => url,
        (Written::Absent, None) => usual_url(reader, named, kind, (preset, around))?,
    };
    Some(ProviderConfig {
        kind,
        base_url,
        key,
        models,
        default_model,
        stream,
        allow_plain_http,
        priced_like: preset.map_or_else(|| priced_like(kind), |known| known.priced_like),
        manner: Manner {
            habits,
            place: found.place,
        },
    })
}

/// Says that a preset of that name is unknown, which was noted.
struct Unknown;

/// Finds what is known of a provider: by its `preset`, else by its name.
fn preset<'k>(
    reader: &mut Reader<'_>,
    table: &Section<'_>,
    named: &Named<'_>,
    around: &Around<'k>,
) -> Result<Option<&'k Known>, Unknown> {
    let find = |name: &str| around.known.iter().find(|preset| preset.name == name);
    let Some((written, span)) = table.text(reader, "preset") else {
        return Ok(find(named.name));
    };
    if let Some(found) = find(written) {
        return Ok(Some(found));
    }
    let listed: Vec<&str> = around.known.iter().map(|preset| preset.name).collect();
    let hint = nearest(written, listed.iter().copied()).map_or_else(
        || format!("There are: {}.", listed.join(", ")),
        |near| format!("Did you mean \"{near}\"?"),
    );
    let message = format!("there is no preset {}.", quoted(written));
    reader.error(&span, message, Some(hint));
    Err(Unknown)
}

/// Returns whose prices a provider without a preset has: those of the format it speaks.
const fn priced_like(kind: ProviderKind) -> Option<&'static str> {
    match kind {
        ProviderKind::Anthropic => Some("anthropic"),
        ProviderKind::OpenAi | ProviderKind::OpenAiResponses => Some("openai"),
        ProviderKind::Gemini => Some("gemini"),
        ProviderKind::OpenAiCompatible => None,
    }
}

/// Finds the wire format: as written, else as the provider's name says.
fn kind(
    reader: &mut Reader<'_>,
    table: &Section<'_>,
    named: &Named<'_>,
    (preset, around): (Option<&Known>, &Around<'_>),
) -> Option<ProviderKind> {
    if table.get("type").is_some() {
        let words = PROVIDER_KINDS.map(|kind| (kind.word(), kind));
        return table.word(reader, "type", &words);
    }
    if let Some(known) = preset {
        return Some(known.kind);
    }
    let hint = nearest(named.name, around.known.iter().map(|known| known.name)).map_or_else(
        || format!("Add type = {}.", kinds()),
        |near| {
            format!(
                "Did you mean [providers.{near}]? Else add type = {}.",
                kinds()
            )
        },
    );
    let message = format!("[providers.{}] does not say its type.", named.name);
    reader.error(&named.span, message, Some(hint));
    None
}

/// Returns the address of the provider of that name, else of the one whose format it is.
fn usual_url(
    reader: &mut Reader<'_>,
    named: &Named<'_>,
    kind: ProviderKind,
    (preset, around): (Option<&Known>, &Around<'_>),
) -> Option<String> {
    let by_kind = match kind {
        // Anybody may speak it.
        ProviderKind::OpenAiCompatible => None,
        ProviderKind::Anthropic
        | ProviderKind::OpenAi
        | ProviderKind::OpenAiResponses
        | ProviderKind::Gemini => around.known.iter().find(|known| known.kind == kind),
    };
    if let Some(known) = preset.or(by_kind) {
        return Some(known.base_url.to_owned());
    }
    let message = format!("[providers.{}] needs a base_url.", named.name);
    let hint = "For example base_url = \"http://127.0.0.1:11434/v1\".".to_owned();
    reader.error(&named.span, message, Some(hint));
    None
}

fn kinds() -> String {
    let kinds: Vec<String> = PROVIDER_KINDS
        .iter()
        .map(|kind| format!("\"{}\"", kind.word()))
        .collect();
    kinds.join(" or ")
}

/// Finds the way to the key. The key itself must not stand in the file and is never repeated.
fn key(
    reader: &mut Reader<'_>,
    table: &Section<'_>,
    provider: &str,
    (usual, around): (KeySource, &Around<'_>),
) -> KeySource {
    let auth = table.word(reader, "auth", &[("none", ()), ("key", ())]);
    let is_keyless = auth.is_some()
        && table
            .get("auth")
            .is_some_and(|value| value.get_ref().as_str() == Some("none"));
    let ways = ["api_key", "api_key_command"].map(|key| table.get(key));
    if let [Some(_), Some(second)] = ways {
        let message = "there are both api_key and api_key_command: keep one of them.";
        reader.error(&second.span(), message, None);
    }
    if let (true, Some(way)) = (is_keyless, ways.into_iter().flatten().next()) {
        let message = "auth = \"none\" says that no key is wanted, but one is named.";
        reader.error(
            &way.span(),
            message,
            Some("Remove one of the two.".to_owned()),
        );
    }
    if is_keyless {
        return KeySource::NotNeeded;
    }
    if let Some(value) = table.get("api_key") {
        return from_environment(
            reader,
            value.get_ref().as_str(),
            &value.span(),
            provider,
            around,
        );
    }
    if table.get("api_key_command").is_none() {
        return if auth.is_some() {
            KeySource::Keyring
        } else {
            usual
        };
    }
    command(reader, table, "api_key_command").map_or(KeySource::Keyring, KeySource::Command)
}

fn from_environment(
    reader: &mut Reader<'_>,
    written: Option<&str>,
    span: &Span,
    provider: &str,
    around: &Around<'_>,
) -> KeySource {
    let name = written
        .and_then(|written| written.trim().strip_prefix("${"))
        .and_then(|rest| rest.strip_suffix('}'))
        .filter(|name| {
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            !name.is_empty()
                && !name.starts_with(|c: char| c.is_ascii_digit())
                && name.chars().all(is_part)
        });
    let Some(name) = name else {
        let message = format!(
            "a key must not stand in the config; api_key of {provider} may only name a variable of \
             the environment, as \"${{NAME}}\"."
        );
        let hint = format!("Run `deskhand keys set {provider}` and remove this line.");
        reader.error(span, message, Some(hint));
        return KeySource::Keyring;
    };
    if (around.env)(name).is_none_or(|value| value.trim().is_empty()) {
        let message = format!("the environment has no `{name}`, so {provider} has no key.");
        let hint = format!("Set it, or run `deskhand keys set {provider}` and remove this line.");
        reader.warning(span, message, Some(hint));
    }
    KeySource::Env(name.to_owned())
}

/// Reads a command: a list of arguments, or one text split as a shell splits words.
pub(super) fn command(
    reader: &mut Reader<'_>,
    table: &Section<'_>,
    key: &str,
) -> Option<Vec<String>> {
    let value = table.get(key)?;
    let words: Vec<String> = match value.get_ref().as_str() {
        Some(line) => shlex::split(line).unwrap_or_default(),
        None => super::reader::texts(reader, key, value)?
            .into_iter()
            .map(|(word, _)| word.to_owned())
            .collect(),
    };
    let is_command = words
        .first()
        .is_some_and(|program| !program.trim().is_empty())
        && words.iter().all(|word| !word.contains('\0'));
    if !is_command {
        let message = format!("`{key}` must be a command such as [\"pass\", \"show\", \"x\"].");
        reader.error(&value.span(), message, None);
        return None;
    }
    if key.ends_with("_command") && words.iter().any(|word| looks_like_key(word)) {
        let message = "a key must not stand in the config, not as part of a command either.";
        let hint = "Name a command that writes the key, such as [\"pass\", \"show\", \"x\"].";
        reader.error(&value.span(), message, Some(hint.to_owned()));
        return None;
    }
    Some(words)
}

/// What stands as `base_url`.
enum Written {
    Good(String),
    Wrong,
    Absent,
}

fn base_url(reader: &mut Reader<'_>, table: &Section<'_>, allow_plain_http: bool) -> Written {
    if table.get("base_url").is_none() {
        return Written::Absent;
    }
    let Some((written, span)) = table.text(reader, "base_url") else {
        return Written::Wrong;
    };
    match check_url(written.trim(), allow_plain_http) {
        Ok(url) => Written::Good(url),
        Err((message, hint)) => {
            reader.error(&span, message, hint.map(ToOwned::to_owned));
            Written::Wrong
        }
    }
}
