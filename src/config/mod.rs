//! What the person has decided: providers, chains, money, keys and colours, from one file in TOML,
//! YAML or JSON.
//!
//! Everything leaves this room as typed values; a file that is wrong leaves it as a list of all
//! its findings. The environment is read in `env` and nowhere else. This room opens no socket,
//! asks no keyring and runs no command; `edit` is the one place that writes the file, TOML only.

pub mod accounts;
pub mod action;
mod address;
pub mod addresses;
mod arrays;
pub mod asked;
mod bindings;
mod book;
mod chains;
mod check;
pub mod chord;
pub mod edit;
mod edit_error;
pub mod env;
mod file;
pub mod finding;
pub mod format;
mod json;
pub mod keymap;
pub mod limits;
pub mod login;
mod model_table;
mod models;
pub mod names;
pub mod paths;
pub mod price_import;
pub mod price_rows;
pub mod prices;
mod provider;
mod reader;
mod recipe;
pub mod rules;
mod scalars;
pub mod sending;
pub mod serve;
pub mod settings;
pub mod show;
mod site;
pub mod theme;
pub mod threading;
mod yaml;

use std::collections::BTreeMap;

pub use accounts::{AccountConfig, Since};
pub use asked::{Meant, NotServed};
pub use file::{EXAMPLE, load, read, settings_known};
pub use finding::{Finding, Severity};
pub use limits::{Limits, LimitsConfig};
pub use paths::{Overrides, Paths};
pub use sending::{LONGEST_UNDO, SendingConfig};
pub use serve::{Implied, Origin, ServeConfig, ServedModel};
pub use settings::{
    Agent, Around, Chains, EngineConfig, Glyphs, Known, Missing, ModelConfig, OutboxConfig,
    ProviderConfig, SpendConfig, StoreConfig, UiConfig,
};
pub use threading::OnSubjectChange;

use crate::{
    domain::{LinkName, ProviderName},
    engine::routing::Routing,
};

/// The whole config.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Who "me" is.
    pub agent: Agent,
    /// Where tickets are kept.
    pub store: StoreConfig,
    /// Mailboxes, by the names in the file.
    pub accounts: BTreeMap<String, AccountConfig>,
    /// How replies wait and leave.
    pub outbox: OutboxConfig,
    /// What becomes of an answer under another subject; `[threading]`.
    pub on_subject_change: OnSubjectChange,
    /// Providers that the file names; known ones need not be there.
    pub providers: BTreeMap<ProviderName, ProviderConfig>,
    /// The same in the order of the file.
    pub provider_order: Vec<ProviderName>,
    /// Addresses that the environment gives in the place of the usual ones.
    pub addresses: BTreeMap<ProviderName, addresses::FromEnv>,
    /// What the file says of single models.
    pub models: BTreeMap<LinkName, ModelConfig>,
    /// Chains by name; the one named `default` is used when nothing else says.
    pub chains: Chains,
    /// How the links of a chain are put in order, where that is not as written.
    pub routings: BTreeMap<String, Routing>,
    /// Which chain a ticket is drafted with; the first that fits wins.
    pub rules: Vec<rules::Rule>,
    /// Money.
    pub spend: SpendConfig,
    /// How much may be asked of providers and models in a minute.
    pub limits: LimitsConfig,
    /// The fallback engine.
    pub engine: EngineConfig,
    /// How requests of other programs are served.
    pub serve: ServeConfig,
    /// What else models may be called.
    pub names: names::Names,
    /// The screen.
    pub ui: UiConfig,
    /// Prices of one's own, from the file beside the tickets.
    pub prices: Vec<price_rows::BookRow>,
}

impl Config {
    /// Returns the chain used when nothing else says, if the file has one.
    pub fn default_chain(&self) -> Option<&[LinkName]> {
        self.chains.get("default").map(Vec::as_slice)
    }

    /// Returns how the links of a chain are put in order.
    pub fn routing(&self, chain: &str) -> Routing {
        self.routings.get(chain).copied().unwrap_or_default()
    }
}
