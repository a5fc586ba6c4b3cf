//! Keys: seen, set, tried and removed; which provider is the primary and which its backup.

use secrecy::{ExposeSecret, SecretString};

use super::{
    Desk, DeskError,
    chains::fingerprint_of,
    face::{DeskEvent, KeyCard, KeyOrigin},
    providers::endpoint,
};
use crate::{
    config::{Origin, ProviderConfig, edit},
    domain::{FaultClass, KeySource, KeyState, LinkName, ModelName, ProviderName},
    engine::lesson::credit_rest,
};

/// Whether a key is tried before it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// The provider is asked; a key it refuses is not kept.
    First,
    /// It is kept unasked.
    Not,
}

/// What trying a key showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Models the provider offers for it; empty where it does not say.
    pub models: Vec<String>,
    /// Whether the provider really judged the key.
    pub is_verified: bool,
}

/// Tells whether a variable holds something.
fn is_set(variable: &str) -> bool {
    crate::config::env::var(variable).is_some_and(|value| !value.trim().is_empty())
}

/// Returns the command that gives a provider a key, as its source wants it.
pub(super) fn way_to_key(name: &ProviderName, source: &KeySource) -> String {
    match source {
        KeySource::Env(variable) => format!("export {variable}=..."),
        KeySource::Keyring | KeySource::Command(_) | KeySource::NotNeeded => {
            format!("deskhand keys set {name}")
        }
    }
}

impl Desk {
    /// Returns the providers of a file in the recipe's shape that have no key, each with the
    /// command that gives it one: such a file promises that all of them can be asked.
    pub fn keys_amiss(&self, cards: &[KeyCard]) -> Vec<(ProviderName, String)> {
        match self.settings().config.serve.origin {
            Origin::Own => Vec::new(),
            Origin::Recipe => self.missing_keys(cards),
        }
    }

    /// Returns the providers of the config that have no key, each with the command that gives it
    /// one.
    pub fn missing_keys(&self, cards: &[KeyCard]) -> Vec<(ProviderName, String)> {
        let settings = self.settings();
        let missing = cards
            .iter()
            .filter(|card| card.origin == KeyOrigin::Missing);
        missing
            .filter_map(|card| {
                let provider = settings.config.providers.get(&card.provider)?;
                let way = way_to_key(&card.provider, &provider.key);
                Some((card.provider.clone(), way))
            })
            .collect()
    }

    /// Returns the state of every provider that can be named. No keyring is asked.
    pub async fn keys(&self) -> Result<Vec<KeyCard>, DeskError> {
        let settings = self.settings();
        let standings = self.store.key_standings().await?;
        let chain = self.chain(None).await?.links;
        let noted = self.keys.noted();
        let cards = settings.providers().into_iter().map(|(name, provider)| {
            let standing = standings.iter().find(|key| key.provider == name);
            let origin = match &provider.key {
                KeySource::Keyring if noted.contains(&name) => KeyOrigin::Keyring,
                KeySource::Env(var) if is_set(var) => KeyOrigin::Env(var.clone()),
                KeySource::Keyring | KeySource::Env(_) => KeyOrigin::Missing,
                KeySource::Command(_) => KeyOrigin::Command,
                KeySource::NotNeeded => KeyOrigin::NotNeeded,
            };
            KeyCard {
                kind: provider.kind,
                origin,
                masked: self.keys.masked(&name),
                state: standing.map(|key| key.state),
                since: standing.map(|key| key.since),
                said: standing.and_then(|key| key.said.clone()),
                default_model: settings.default_model(&name).map(|model| model.0),
                models: settings.models_of(&name, &provider),
                place: chain
                    .iter()
                    .position(|link| link.provider == name)
                    .map(|at| at + 1),
                provider: name,
            }
        });
        Ok(cards.collect())
    }

    /// Keeps a key in the OS keyring, after its provider has accepted it.
    pub async fn set_key(
        &self,
        name: &ProviderName,
        key: SecretString,
        verify: Verify,
    ) -> Result<Tried, DeskError> {
        let provider = self.known(name)?;
        if provider.key != KeySource::Keyring {
            return Err(DeskError::KeyElsewhere(name.clone()));
        }
        let tried = match verify {
            Verify::First => self
                .ask_provider(name, &provider, Some(key.clone()))
                .await
                .map_err(DeskError::of_a_new_key)?,
            Verify::Not => Tried {
                models: Vec::new(),
                is_verified: false,
            },
        };
        let fingerprint = fingerprint_of(Some(&key), &provider.base_url);
        self.keys.set(name, key).await?;
        self.store
            .forget_key_standing(name, self.clock.now())
            .await?;
        if tried.is_verified {
            self.set_key_state(name, &fingerprint, KeyState::Verified, None)
                .await?;
        }
        self.tell(DeskEvent::Configured);
        Ok(tried)
    }

    /// Asks a provider whether it accepts the key that is kept.
    pub async fn test_key(&self, name: &ProviderName) -> Result<Tried, DeskError> {
        let provider = self.known(name)?;
        self.keys.forget(name);
        let wrong = |error| DeskError::Vault {
            provider: name.clone(),
            error,
        };
        let key = self.keys.key(name, &provider.key).await.map_err(wrong)?;
        if key.is_none() && provider.key == KeySource::Keyring {
            return Err(DeskError::NoKey(name.clone()));
        }
        let fingerprint = fingerprint_of(key.as_ref(), &provider.base_url);
        let tried = self.ask_provider(name, &provider, key).await;
        match &tried {
            // That it is accepted does not say that there is credit again.
            Ok(tried) if tried.is_verified && !self.is_spent(name, &fingerprint).await? => {
                self.set_key_state(name, &fingerprint, KeyState::Verified, None)
                    .await?;
            }
            Err(DeskError::KeyNotAccepted {
                refused: true, why, ..
            }) => {
                self.set_key_state(name, &fingerprint, KeyState::Invalid, Some(why.clone()))
                    .await?;
            }
            Ok(_) | Err(_) => {}
        }
        tried
    }

    /// Tells whether a key rests since its credit is spent.
    async fn is_spent(&self, name: &ProviderName, fingerprint: &str) -> Result<bool, DeskError> {
        let now = self.clock.now();
        let standings = self.store.key_standings().await?;
        Ok(standings.iter().any(|key| {
            key.provider == *name
                && key.fingerprint == fingerprint
                && credit_rest(key, now).is_some()
        }))
    }

    /// Removes a key from the keyring; says whether there was one.
    pub async fn remove_key(&self, name: &ProviderName) -> Result<bool, DeskError> {
        let removed = self.keys.remove(name).await?;
        self.store
            .forget_key_standing(name, self.clock.now())
            .await?;
        self.tell(DeskEvent::Configured);
        Ok(removed)
    }

    /// Uses this model of the provider when nothing else says; written into the config.
    pub fn set_default_model(
        &self,
        name: &ProviderName,
        model: &ModelName,
    ) -> Result<(), DeskError> {
        let before = self.settings().default_model(name);
        edit::set_default_model(&self.paths.config_file, name, model)?;
        if let (Some(before), Some(links)) = (before, self.settings().config.default_chain()) {
            let changed: Vec<LinkName> = links
                .iter()
                .map(|link| {
                    let is_it = link.provider == *name && link.model == before;
                    let model = if is_it { model } else { &link.model };
                    LinkName {
                        provider: link.provider.clone(),
                        model: model.clone(),
                    }
                })
                .collect();
            if changed.as_slice() != links {
                edit::set_chain(&self.paths.config_file, "default", &changed)?;
            }
        }
        self.reload()
    }

    /// Makes the backup the primary and the primary the backup.
    pub async fn swap_primary(&self) -> Result<Vec<LinkName>, DeskError> {
        let mut links = self.chain(None).await?.links;
        let [first, second, ..] = links.as_mut_slice() else {
            return Err(DeskError::Nothing(
                "There is no backup to swap with: connect a second provider.",
            ));
        };
        std::mem::swap(first, second);
        if self.settings().config.default_chain().is_some() {
            edit::set_chain(&self.paths.config_file, "default", &links)?;
            self.reload()?;
        } else if let Some(primary) = links.first() {
            self.store
                .set_first_provider(&primary.provider, self.clock.now())
                .await?;
            self.tell(DeskEvent::Configured);
        }
        Ok(links)
    }

    /// Returns the providers whose key was refused and has not been changed since.
    pub async fn refused_keys(&self) -> Result<Vec<(ProviderName, Option<String>)>, DeskError> {
        let standings = self.store.key_standings().await?;
        let invalid = standings
            .into_iter()
            .filter(|key| key.state == KeyState::Invalid);
        Ok(invalid.map(|key| (key.provider, key.said)).collect())
    }

    fn known(&self, name: &ProviderName) -> Result<ProviderConfig, DeskError> {
        self.settings()
            .provider(name)
            .ok_or_else(|| DeskError::NoProvider(name.0.clone()))
    }

    async fn ask_provider(
        &self,
        name: &ProviderName,
        provider: &ProviderConfig,
        key: Option<SecretString>,
    ) -> Result<Tried, DeskError> {
        if key
            .as_ref()
            .is_some_and(|key| key.expose_secret().trim().is_empty())
        {
            return Err(DeskError::Nothing("The key is empty."));
        }
        let link = LinkName {
            provider: name.clone(),
            model: ModelName(String::new()),
        };
        let to = endpoint(&link, provider, key, Vec::new());
        match self.transport.check_key(&to).await {
            Ok(check) => Ok(Tried {
                models: check.models,
                is_verified: check.is_certain,
            }),
            Err(fault) => Err(DeskError::KeyNotAccepted {
                provider: name.clone(),
                refused: fault.class == FaultClass::KeyRefused,
                why: fault.said.unwrap_or_else(|| fault.class.words().to_owned()),
                is_new: false,
            }),
        }
    }
}
