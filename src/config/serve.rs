//! `[serve]`: how `deskhand serve` listens, whom it lets in, and which models it knows by name.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use super::{
    asked::AUTO,
    finding::nearest,
    reader::{Reader, Section, Span, quoted},
};
use crate::domain::LinkName;

/// Every setting of `[serve]`.
pub(super) const SERVE_KEYS: [&str; 6] = [
    "listen",
    "any_bearer",
    "hold",
    "hold_tokens",
    "fallback",
    "aliases",
];

/// How requests of other programs are served; `[serve]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeConfig {
    /// Where it listens; `127.0.0.1:8000` unless the file says otherwise.
    pub listen: SocketAddr,
    /// In which shape the file is written.
    pub origin: Origin,
    /// Whether any bearer token is accepted; only ever on loopback.
    pub any_bearer: bool,
    /// How long the first words of a stream may be held back, so that a failure among them stays
    /// unseen; zero holds nothing.
    pub hold: Duration,
    /// After so many tokens they are held back no longer.
    pub hold_tokens: u32,
    /// Who is asked after a model that has no chain of its own, in order.
    pub fallback: Vec<LinkName>,
    /// Models that the file gives a chain of their own, in the order of the file.
    pub models: Vec<ServedModel>,
    /// Other names: each stands for a model, a `provider/model` or a chain.
    pub aliases: BTreeMap<String, String>,
    /// What the shape of the file implies although it does not say so; to be said aloud.
    pub implied: Vec<Implied>,
}

impl Default for ServeConfig {
    /// 400 ms and 24 tokens: ENGINE section 4.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8000)),
            origin: Origin::Own,
            any_bearer: false,
            hold: Duration::from_millis(400),
            hold_tokens: 24,
            fallback: Vec::new(),
            models: Vec::new(),
            aliases: BTreeMap::new(),
            implied: Vec::new(),
        }
    }
}

impl ServeConfig {
    /// Returns what the file calls a link, where it names it in words of its own.
    pub fn called(&self, link: &LinkName) -> Option<&str> {
        let model = self.models.iter().find(|model| model.link == *link)?;
        Some(&model.name)
    }
}

/// One model that the file gives a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedModel {
    /// Its name as it is written: `gpt-4`, or `openai/gpt-4`.
    pub name: String,
    /// The link it means.
    pub link: LinkName,
    /// Who is asked, in order; the first is `link`.
    pub links: Vec<LinkName>,
}

/// In which shape a config is written. Both may be TOML, YAML or JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The shape of `docs/config.md`.
    #[default]
    Own,
    /// That of `TokenPak`'s recipe: each provider has a table of models, and a table of models says
    /// of each whose it is and who takes over.
    Recipe,
}

impl Origin {
    /// Returns the word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Recipe => "recipe",
        }
    }
}

/// What a file in the recipe's shape implies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Implied {
    /// No cap on spending.
    NoCap,
    /// Models without a price are asked.
    UnknownPrices,
    /// Any bearer token is accepted.
    AnyBearer,
    /// A refused key moves the request on.
    Failover,
}

impl Implied {
    /// Returns the word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoCap => "no_cap",
            Self::UnknownPrices => "unknown_prices",
            Self::AnyBearer => "any_bearer",
            Self::Failover => "failover",
        }
    }

    /// Returns it as a sentence, with the setting that says otherwise.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoCap => "There is no cap on spending; cap_month_usd below spend sets one.",
            Self::UnknownPrices => {
                "Models without a price are asked, and counted at the dearest price of their \
                 provider; allow_unknown_prices = false below spend ends that."
            }
            Self::AnyBearer => {
                "Any bearer token is accepted on loopback; any_bearer = false below serve ends \
                 that."
            }
            Self::Failover => {
                "A request whose key is refused moves on to the next model; on_auth_error below \
                 engine says otherwise."
            }
        }
    }
}

/// Reads `[serve]`; `chains` are the names there are.
pub(super) fn serve(reader: &mut Reader<'_>, root: &Section<'_>, chains: &[&str]) -> ServeConfig {
    let mut serve = ServeConfig::default();
    let Some(table) = root.open(reader, "serve", &SERVE_KEYS) else {
        return serve;
    };
    serve.listen = listen(reader, &table).unwrap_or(serve.listen);
    serve.any_bearer = table.boolean(reader, "any_bearer").unwrap_or(false);
    serve.hold = hold(reader, &table).unwrap_or(serve.hold);
    serve.hold_tokens = table
        .whole(reader, "hold_tokens", 1..=4_096)
        .and_then(|tokens| u32::try_from(tokens).ok())
        .unwrap_or(serve.hold_tokens);
    serve.fallback = fallback(reader, &table);
    serve.aliases = aliases(reader, &table, chains);
    serve
}

fn listen(reader: &mut Reader<'_>, table: &Section<'_>) -> Option<SocketAddr> {
    let (written, span) = table.text(reader, "listen")?;
    let numeric = written
        .strip_prefix("localhost:")
        .map_or_else(|| written.to_owned(), |port| format!("127.0.0.1:{port}"));
    let address = numeric.parse().ok();
    if address.is_none() {
        let message = format!("`listen` cannot be {}.", quoted(written));
        let hint = "Write an address and a port, such as 127.0.0.1:8000.".to_owned();
        reader.error(&span, message, Some(hint));
    }
    address
}

fn hold(reader: &mut Reader<'_>, table: &Section<'_>) -> Option<Duration> {
    let is_off = table.get("hold").and_then(super::scalars::whole) == Some(0);
    if is_off {
        return Some(Duration::ZERO);
    }
    table.duration(reader, "hold")
}

fn fallback(reader: &mut Reader<'_>, table: &Section<'_>) -> Vec<LinkName> {
    let mut links = Vec::new();
    for (text, span) in table.texts(reader, "fallback").unwrap_or_default() {
        let Some(link) = super::chains::link(reader, text, &span) else {
            continue;
        };
        if links.contains(&link) {
            let message = format!("`fallback` names {link} twice.");
            reader.error(&span, message, Some("Remove one of the two.".to_owned()));
            continue;
        }
        links.push(link);
    }
    links
}

fn aliases(
    reader: &mut Reader<'_>,
    table: &Section<'_>,
    chains: &[&str],
) -> BTreeMap<String, String> {
    let mut aliases = BTreeMap::new();
    let Some(table) = table.open_any(reader, "aliases") else {
        return aliases;
    };
    for (name, span, value) in table.entries() {
        if super::reader::looks_like_key(name) || name.trim() != name || name.is_empty() {
            let message = format!("{} cannot be the name of a model.", quoted(name));
            reader.error(&span, message, None);
            continue;
        }
        let Some(means) = value.get_ref().as_str() else {
            let message = format!("{} must stand for one model or chain.", quoted(name));
            reader.error(&value.span(), message, None);
            continue;
        };
        if is_meant(reader, means, &value.span(), chains) {
            aliases.insert(name.to_owned(), means.to_owned());
        }
    }
    aliases
}

/// Tells whether a text names a chain or a model; notes if not.
fn is_meant(reader: &mut Reader<'_>, means: &str, span: &Span, chains: &[&str]) -> bool {
    let is_good = means == AUTO || chains.contains(&means) || reader.link(means).is_some();
    if !is_good {
        let hint = nearest(means, chains.iter().copied()).map_or_else(
            || "Write provider/model, or the name of a chain.".to_owned(),
            |near| format!("Did you mean {near}?"),
        );
        let message = format!("{} is neither a model nor a chain.", quoted(means));
        reader.error(span, message, Some(hint));
    }
    is_good
}
