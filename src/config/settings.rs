//! What the config says, as typed values: the rest of the program never sees TOML.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::{
    keymap::{Keymap, Preset},
    price_rows::BookRow,
    theme::{Theme, ThemeName},
};
use crate::{
    domain::{
        Cap, KeySource, LinkName, Manner, ModelName, ProviderKind, Usd,
        manner::{Habits, Place, Site},
    },
    engine::{chain::Temper, policy::Policy},
};

/// Who "me" is; `[agent]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agent {
    /// The name on events and receipts; without it the login name, else `agent`.
    pub name: Option<String>,
    /// The agent's own address.
    pub email: Option<String>,
    /// What stands below a reply.
    pub signature: Option<String>,
}

/// How replies wait and leave; `[outbox]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxConfig {
    /// The account by which replies leave to people who wrote to none; needed where there are
    /// several.
    pub account: Option<String>,
    /// How long a reply can be taken back.
    pub undo: std::time::Duration,
    /// What a reply may carry, in bytes.
    pub attachments_bytes: u64,
}

impl Default for OutboxConfig {
    /// 10 s to think again; 25 MB is what most servers take.
    fn default() -> Self {
        Self {
            account: None,
            undo: std::time::Duration::from_secs(10),
            attachments_bytes: 25 << 20,
        }
    }
}

/// Where tickets are kept; `[store]`.
#[derive(Clone, Debug, Default)]
pub struct StoreConfig {
    /// `postgres://...` with its password, or nothing for the file in the data folder.
    pub url: Option<SecretString>,
}

/// A provider that needs no config: its name says everything. The llm room lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// `anthropic`.
    pub name: &'static str,
    /// Its wire format.
    pub kind: ProviderKind,
    /// Its address.
    pub base_url: &'static str,
    /// The model used when nothing else says.
    pub default_model: Option<&'static str>,
    /// Whether it wants a key.
    pub wants_key: bool,
    /// Under which provider the price book has its models.
    pub priced_like: Option<&'static str>,
    /// In what it departs from its wire format.
    pub habits: Habits,
}

impl Known {
    /// Turns what is known into what a config with nothing but the name would say; none where the
    /// config must say more: a resource or a project.
    pub fn provider(&self) -> Option<ProviderConfig> {
        let is_whole = self.habits.site == Site::Address;
        is_whole.then(|| ProviderConfig {
            kind: self.kind,
            base_url: self.base_url.to_owned(),
            key: if self.wants_key {
                KeySource::Keyring
            } else {
                KeySource::NotNeeded
            },
            models: Vec::new(),
            default_model: self.default_model.map(|model| ModelName(model.to_owned())),
            stream: true,
            allow_plain_http: false,
            priced_like: self.priced_like,
            manner: Manner {
                habits: self.habits,
                place: Place::Usual,
            },
        })
    }
}

/// What the config is read in the light of.
pub struct Around<'a> {
    /// Providers that need no config.
    pub known: &'a [Known],
    /// Reads the environment: [`super::env::var`], or a test's own.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// What it means that there is no file.
    pub missing: Missing,
    /// Prices of one's own.
    pub prices: &'a [BookRow],
    /// The day, UTC: prices and models come and go.
    pub today: jiff::civil::Date,
}

/// What it means that there is no config file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Nothing is set: every setting has its default.
    Fine,
    /// The person named the file, so it must be there.
    Wrong,
}

/// One provider; `[providers.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderConfig {
    /// Its wire format.
    pub kind: ProviderKind,
    /// Its address, its own path kept.
    pub base_url: String,
    /// The way to its key.
    pub key: KeySource,
    /// Models to offer besides those known.
    pub models: Vec<ModelName>,
    /// The model used when nothing else says.
    pub default_model: Option<ModelName>,
    /// Whether to ask for streams.
    pub stream: bool,
    /// Whether `http://` to another machine is allowed.
    pub allow_plain_http: bool,
    /// Under which provider the price book has its models.
    pub priced_like: Option<&'static str>,
    /// In what its server departs from its wire format.
    pub manner: Manner,
}

/// What is said of one model; `[models."provider/name"]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelConfig {
    /// The price of a million input tokens.
    pub price_in: Option<Usd>,
    /// The price of a million output tokens.
    pub price_out: Option<Usd>,
    /// The price of a million cached input tokens.
    pub price_cached: Option<Usd>,
    /// How many tokens fit into it.
    pub window: Option<u64>,
    /// The most tokens it writes.
    pub output_limit: Option<u32>,
    /// How long it may be silent before its first words.
    pub temper: Option<Temper>,
}

/// Money; `[spend]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendConfig {
    /// `cap_month_usd`.
    pub cap: Cap,
    /// `cap_day_usd`, if there is one.
    pub cap_day: Option<Usd>,
    /// `cap_ticket_usd`, if there is one.
    pub cap_ticket: Option<Usd>,
    /// `downgrade_at`: from this percentage of the month's cap on the cheaper link goes first.
    pub downgrade_at: Option<u32>,
    /// At which percentages to say so, once per month.
    pub alerts: Vec<u32>,
    /// Whether AI stops at the cap.
    pub pause_at_cap: bool,
    /// Whether models without a price may be used.
    pub allow_unknown_prices: bool,
    /// The time zone whose months are counted, by IANA name; `UTC` when nothing is said.
    pub time_zone: String,
}

impl Default for SpendConfig {
    fn default() -> Self {
        Self {
            cap: Cap::NotChosen,
            cap_day: None,
            cap_ticket: None,
            downgrade_at: None,
            alerts: vec![50, 75, 100],
            pause_at_cap: true,
            allow_unknown_prices: false,
            time_zone: "UTC".to_owned(),
        }
    }
}

/// The fallback engine; `[engine]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// What to do when a key is refused or an answer breaks off, and how long to wait for what.
    pub policy: Policy,
    /// How many drafts may be written at once.
    pub parallel_drafts: usize,
    /// The most tokens a draft may have.
    pub output_limit: u32,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            parallel_drafts: 3,
            output_limit: 1024,
        }
    }
}

/// The screen; `[ui]` and `[keys]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UiConfig {
    /// The set of keys that `keymap` begins with.
    pub preset: Preset,
    /// Which keys do what.
    pub keymap: Keymap,
    /// The set of colours that `theme` begins with.
    pub theme_name: ThemeName,
    /// Which colours paint what.
    pub theme: Theme,
    /// Which signs are drawn.
    pub glyphs: Glyphs,
    /// The command that edits a draft outside, as arguments; without it `$VISUAL`, `$EDITOR`.
    pub editor: Option<Vec<String>>,
}

impl Default for UiConfig {
    fn default() -> Self {
        Self {
            preset: Preset::default(),
            keymap: Keymap::default(),
            theme_name: ThemeName::default(),
            theme: ThemeName::default().theme(),
            glyphs: Glyphs::default(),
            editor: None,
        }
    }
}

/// Which signs are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Glyphs {
    /// `!`, `x`, `ok` and `*`: one cell wide everywhere.
    #[default]
    Plain,
    /// Nothing outside ASCII.
    Ascii,
}

/// Chains by name, each an ordered list of links; `[chains.NAME]` and `fallback_to`.
pub type Chains = BTreeMap<String, Vec<LinkName>>;
