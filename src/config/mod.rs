//! What the person has decided: providers, chains, money, keys and colours, from one TOML file.
//!
//! Everything leaves this room as typed values; a file that is wrong leaves it as a list of all
//! its findings. The environment is read in `env` and nowhere else. This room opens no socket,
//! asks no keyring and runs no command; `edit` is the one place that writes the file.

pub mod action;
pub mod chord;
pub mod finding;
pub mod keymap;
pub mod settings;
pub mod theme;

use std::collections::BTreeMap;

pub use finding::{Finding, Severity};
pub use settings::{
    Agent, Chains, Glyphs, Known, ModelConfig, ProviderConfig, SpendConfig, StoreConfig, UiConfig,
};

use crate::domain::{LinkName, ProviderName};

/// The whole config.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Who "me" is.
    pub agent: Agent,
    /// Where tickets are kept.
    pub store: StoreConfig,
    /// Providers that the file names; known ones need not be there.
    pub providers: BTreeMap<ProviderName, ProviderConfig>,
    /// What the file says of single models.
    pub models: BTreeMap<LinkName, ModelConfig>,
    /// Chains by name; the one named `default` is used when nothing else says.
    pub chains: Chains,
    /// Money.
    pub spend: SpendConfig,
    /// The screen.
    pub ui: UiConfig,
}

impl Config {
    /// Returns the chain used when nothing else says, if the file has one.
    pub fn default_chain(&self) -> Option<&[LinkName]> {
        self.chains.get("default").map(Vec::as_slice)
    }
}
