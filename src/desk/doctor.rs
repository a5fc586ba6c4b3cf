//! The doctor: looks at everything a desk needs, and names the command that mends what is wrong.

use std::path::Path;

use super::{
    Desk, Settings,
    face::{KeyCard, KeyOrigin},
    keys::way_to_key,
    settings,
};
use crate::{
    config::{Finding, Severity, paths::Paths},
    domain::{Cap, KeySource, KeyState, ProviderName},
    engine::price::Basis,
    secrets::{Noted, Patience, Vault},
    store::Store,
};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What: `config`, `database`, `keyring`.
    pub what: String,
    /// How it stands.
    pub state: Health,
    /// What was seen, in one sentence.
    pub seen: String,
    /// The command or step that mends it.
    pub mend: Option<String>,
}

/// How a thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// As it should be.
    Good,
    /// Works, but should be looked at.
    Unwise,
    /// Does not work.
    Broken,
}

impl Health {
    /// Returns the word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Unwise => "look",
            Self::Broken => "broken",
        }
    }
}

impl Check {
    pub(super) fn good(what: &str, seen: impl Into<String>) -> Self {
        Self {
            what: what.to_owned(),
            state: Health::Good,
            seen: seen.into(),
            mend: None,
        }
    }

    pub(super) fn bad(
        what: &str,
        state: Health,
        seen: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            what: what.to_owned(),
            state,
            seen: seen.into(),
            mend: Some(mend.into()),
        }
    }
}

/// Looks at what must be right before a desk can be opened: the config and the folders. With
/// these in order [`Desk::examine`] looks at the rest.
pub async fn look(paths: &Paths) -> Vec<Check> {
    let mut checks = Vec::new();
    let settings = match Settings::read(paths) {
        Ok(settings) => {
            let seen = if settings::config_exists(paths) {
                format!("{} is right", paths.config_file.display())
            } else {
                format!(
                    "there is none, and none is needed ({})",
                    paths.config_file.display()
                )
            };
            checks.push(Check::good("config", seen));
            checks.extend(settings.warnings.iter().map(finding));
            Some(settings)
        }
        Err(findings) => {
            checks.extend(findings.iter().map(finding));
            None
        }
    };
    checks.push(folder("data folder", &paths.data_dir));
    checks.push(keyring(&paths.data_dir).await);
    if let Some(settings) = settings {
        checks.push(database(&settings, paths).await);
    }
    checks
}

fn finding(finding: &Finding) -> Check {
    let state = match finding.severity {
        Severity::Error => Health::Broken,
        Severity::Warning => Health::Unwise,
    };
    Check::bad(
        "config",
        state,
        finding.to_string(),
        "edit the line, then `deskhand config check`",
    )
}

fn folder(what: &str, dir: &Path) -> Check {
    let usable = crate::config::paths::make_private(dir)
        .map_err(|error| error.to_string())
        .and_then(|()| tempfile_in(dir));
    match usable {
        Ok(()) => Check::good(what, format!("{} can be written", dir.display())),
        Err(why) => Check::bad(
            what,
            Health::Broken,
            format!("{} cannot be written: {why}", dir.display()),
            "free the disk or the rights, or name another with --data DIR",
        ),
    }
}

/// Writes and removes a small file: rights and space in one look.
fn tempfile_in(dir: &Path) -> Result<(), String> {
    let probe = dir.join(".probe");
    std::fs::write(&probe, b"probe").map_err(|error| error.to_string())?;
    std::fs::remove_file(&probe).map_err(|error| error.to_string())
}

async fn keyring(data_dir: &Path) -> Check {
    let vault = Vault::new(crate::config::env::var);
    // A locked keyring says of a key it never had only that there is none.
    let kept = Noted::at(data_dir).names().into_iter().next();
    let is_kept = kept.is_some();
    let probe = kept.unwrap_or_else(|| ProviderName("doctor".to_owned()));
    match vault
        .get(&probe, &KeySource::Keyring, &Patience::of_a_command())
        .await
    {
        Ok(_) if is_kept => Check::good("keyring", "the keyring of this session is unlocked"),
        Ok(_) => Check::good(
            "keyring",
            "the keyring of this session answers; whether it is locked shows with the first key",
        ),
        Err(error) => Check::bad(
            "keyring",
            Health::Unwise,
            format!("{error}; everything else works without it"),
            error.advice("anthropic"),
        ),
    }
}

async fn database(settings: &Settings, paths: &Paths) -> Check {
    let url = super::store_url(settings, paths);
    match Store::open(&url).await {
        Ok(store) => {
            store.close().await;
            Check::good("database", format!("{url} opens"))
        }
        Err(error) => Check::bad(
            "database",
            Health::Broken,
            error.to_string(),
            "check [store] url, the server, and the rights of the file",
        ),
    }
}

impl Desk {
    /// Looks at keys, accounts, chain, prices, cap and receipts of an open desk.
    pub async fn examine(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        self.examine_cap(&mut checks);
        self.examine_addresses(&mut checks);
        self.examine_chain(&mut checks).await;
        self.examine_keys(&mut checks).await;
        self.examine_accounts(&mut checks).await;
        self.examine_receipts(&mut checks).await;
        self.examine_drafts(&mut checks).await;
        checks
    }

    fn examine_cap(&self, checks: &mut Vec<Check>) {
        checks.push(match self.settings().config.spend.cap {
            Cap::NotChosen => Check::bad(
                "monthly cap",
                Health::Unwise,
                "none is chosen, so nothing is drafted yet",
                "deskhand spend cap 20",
            ),
            Cap::None => Check::good("monthly cap", "declared absent in the config"),
            Cap::Month(cap) => Check::good("monthly cap", format!("{} a month", cap.beside(cap))),
        });
    }

    /// Says which providers are asked somewhere else because the environment says so.
    fn examine_addresses(&self, checks: &mut Vec<Check>) {
        for (name, from) in &self.settings().config.addresses {
            if let Some(url) = &from.base_url {
                let seen = format!("{url}, out of {}", from.variable);
                checks.push(Check::good(&format!("address of {name}"), seen));
            }
        }
    }

    async fn examine_chain(&self, checks: &mut Vec<Check>) {
        let Ok(chain) = self.chain(None).await else {
            return;
        };
        let settings = self.settings();
        let names: Vec<_> = chain.links.iter().map(ToString::to_string).collect();
        let providers: std::collections::BTreeSet<_> =
            chain.links.iter().map(|link| &link.provider).collect();
        checks.push(match providers.len() {
            0 => Check::bad(
                "chain",
                Health::Unwise,
                "no provider is connected; everything but drafting works",
                "deskhand keys set anthropic",
            ),
            1 => Check::bad(
                "chain",
                Health::Unwise,
                format!(
                    "only one provider, so nothing can take over: {}",
                    names.join(" -> ")
                ),
                format!(
                    "connect a second one: deskhand keys set {}",
                    if providers.iter().any(|name| name.0 == "openai") {
                        "anthropic"
                    } else {
                        "openai"
                    }
                ),
            ),
            _ => Check::good("chain", format!("{} ({})", names.join(" -> "), chain.from)),
        });
        for link in &chain.links {
            let price = settings.price(link, self.clock.now());
            if !price.is_some_and(|price| price.basis != Basis::StandIn) {
                let what_follows = if settings.config.spend.allow_unknown_prices {
                    "each call counts at a stand-in price (~)"
                } else {
                    "it is not asked"
                };
                checks.push(Check::bad(
                    "price",
                    Health::Unwise,
                    format!("the price of {link} is not known, so {what_follows}"),
                    format!("set it in the config under [models.\"{link}\"]"),
                ));
            }
        }
    }

    async fn examine_keys(&self, checks: &mut Vec<Check>) {
        let Ok(cards) = self.keys().await else { return };
        let amiss = self.keys_amiss(&cards);
        let in_use = cards.into_iter().filter(|card| {
            card.place.is_some()
                || amiss.iter().any(|(name, _)| *name == card.provider)
                || !matches!(card.origin, KeyOrigin::Missing | KeyOrigin::NotNeeded)
        });
        for card in in_use {
            let name = &card.provider;
            let what = format!("key of {name}");
            if let Some(unreadable) = self.key_out_of_reach(&what, &card).await {
                checks.push(unreadable);
                continue;
            }
            checks.push(match (card.origin, card.state) {
                (KeyOrigin::Missing, _) => Check::bad(
                    &what,
                    Health::Broken,
                    "there is none, but the chain asks it",
                    self.settings().provider(name).map_or_else(
                        || format!("deskhand keys set {name}"),
                        |provider| way_to_key(name, &provider.key),
                    ),
                ),
                (_, Some(KeyState::Invalid)) => Check::bad(
                    &what,
                    Health::Broken,
                    format!("refused: {}", card.said.unwrap_or_default()),
                    format!("deskhand keys set {name}"),
                ),
                (_, Some(KeyState::NoCredit)) => Check::bad(
                    &what,
                    Health::Unwise,
                    format!("no credit: {}", card.said.unwrap_or_default()),
                    format!("add credit at {name}, then `deskhand keys test {name}`"),
                ),
                (_, Some(KeyState::Verified)) => Check::good(&what, "accepted by its provider"),
                (KeyOrigin::NotNeeded, None) => Check::good(&what, "none is needed"),
                (_, None) => Check::good(&what, "there; not tried yet"),
            });
        }
    }

    /// Reads a key that is said to be there; says why it is not.
    async fn key_out_of_reach(&self, what: &str, card: &KeyCard) -> Option<Check> {
        let name = &card.provider;
        let provider = self.settings().provider(name)?;
        if card.origin == KeyOrigin::Missing {
            return None;
        }
        match self.keys.key(name, &provider.key).await {
            Ok(Some(_)) => None,
            Ok(None) if provider.key != KeySource::Keyring => None,
            Ok(None) => Some(Check::bad(
                what,
                Health::Broken,
                "it is no longer in your keyring",
                format!("deskhand keys set {name}"),
            )),
            Err(error) => Some(Check::bad(
                what,
                Health::Broken,
                error.to_string(),
                error.advice(&name.0),
            )),
        }
    }

    /// Drafts belong to a name: those of another one, such as the one before a change, show nowhere.
    async fn examine_drafts(&self, checks: &mut Vec<Check>) {
        let own = self.agent();
        let authors = match self.store.draft_authors().await {
            Ok(authors) => authors,
            Err(error) => {
                let mend = "deskhand tickets is:draft";
                checks.push(Check::bad(
                    "drafts",
                    Health::Broken,
                    error.to_string(),
                    mend,
                ));
                return;
            }
        };
        for (author, count) in authors.into_iter().filter(|(author, _)| *author != own) {
            let (drafts, show) = if count == 1 {
                ("draft is", "shows it")
            } else {
                ("drafts are", "shows them")
            };
            checks.push(Check::bad(
                "drafts",
                Health::Unwise,
                format!("{count} {drafts} kept under the name {author}, and this desk is {own}'s"),
                format!("name = \"{author}\" below [agent] in the config {show} again"),
            ));
        }
    }

    async fn examine_receipts(&self, checks: &mut Vec<Check>) {
        match self.verify_receipts().await {
            Ok(verdict) => checks.push(match verdict.broken {
                None => Check::good(
                    "receipts",
                    format!("{} entries, chain whole", verdict.entries),
                ),
                Some(broken) => Check::bad(
                    "receipts",
                    Health::Broken,
                    format!("entry {} does not fit: {}", broken.entry, broken.why),
                    "deskhand receipts verify; compare with a backup of the database",
                ),
            }),
            Err(error) => checks.push(Check::bad(
                "receipts",
                Health::Broken,
                error.to_string(),
                "deskhand receipts verify",
            )),
        }
    }
}
