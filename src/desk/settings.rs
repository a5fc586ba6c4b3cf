//! The settings in force: the config, with prices and names worked out.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{Desk, DeskError, demo, face::DeskEvent, models};
use crate::{
    config::{
        self, Around, Config, Finding, Known, Missing, Severity, names::Names, paths::Paths,
        price_rows, prices,
    },
    domain::{FaultClass, LinkName, Timestamp},
    engine::price::{Price, PriceBook},
    llm::catalog::{PRESETS, Preset},
};

/// The settings in force. They change as a whole when the config file does.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the config says.
    pub config: Config,
    /// Who "me" is.
    pub agent: String,
    /// What tokens cost.
    pub prices: PriceBook,
    /// What else models may be called.
    pub names: Names,
    /// The zone whose months are counted.
    pub zone: TimeZone,
    /// What the config says that is allowed but unwise.
    pub warnings: Vec<Finding>,
}

impl Settings {
    /// Reads the config file and works out the rest.
    pub fn read(paths: &Paths) -> Result<Self, Vec<Finding>> {
        let (config, warnings) = load(paths)?;
        Ok(Self::of(config, warnings))
    }

    /// Works out the settings of a config.
    pub fn of(config: Config, warnings: Vec<Finding>) -> Self {
        let own = config.agent.name.clone();
        let agent = own
            .or_else(config::env::login_name)
            .unwrap_or_else(|| "agent".to_owned());
        let zone = TimeZone::get(&config.spend.time_zone).unwrap_or(TimeZone::UTC);
        let prices = prices::book(&config);
        let names = Names::new(&config.providers, &known());
        Self {
            config,
            agent,
            prices,
            names,
            zone,
            warnings,
        }
    }

    /// Returns the price of a link on a day.
    pub fn price(&self, link: &LinkName, at: Timestamp) -> Option<Price> {
        self.prices.price(link, at.to_zoned(TimeZone::UTC).date())
    }
}

/// Returns the providers that need no config, as the config room wants them.
pub fn known() -> Vec<Known> {
    PRESETS.iter().map(known_of).collect()
}

/// Returns one of them.
pub(super) const fn known_of(preset: &Preset) -> Known {
    Known {
        name: preset.name,
        kind: preset.kind,
        base_url: preset.base_url,
        default_model: preset.default_model,
        wants_key: preset.key_env.is_some(),
        priced_like: preset.priced_like,
        habits: preset.habits,
    }
}

/// Reads the config file, or every finding in it.
pub fn load(paths: &Paths) -> Result<(Config, Vec<Finding>), Vec<Finding>> {
    let known = known();
    let wrong = |message: String| {
        vec![Finding {
            severity: Severity::Error,
            file: paths.prices_file(),
            line: 0,
            column: 0,
            message,
            suggestion: Some("Put it right, or move the file away.".to_owned()),
        }]
    };
    let prices = price_rows::load(&paths.prices_file()).map_err(wrong)?;
    let around = Around {
        prices: &prices,
        known: &known,
        env: &config::env::var,
        missing: paths.missing,
        today: models::today(),
    };
    config::load(&paths.config_file, &around)
}

/// Tells whether the config file is there.
pub fn config_exists(paths: &Paths) -> bool {
    paths.missing == Missing::Wrong || paths.config_file.exists()
}

impl Desk {
    /// Reads the config anew. A wrong file changes nothing here; its findings are returned.
    pub fn reload(&self) -> Result<(), DeskError> {
        let mut fresh = Settings::read(&self.paths).map_err(DeskError::Findings)?;
        if let Some(demo) = &self.background.demo {
            fresh = demo::settings(fresh, &demo.addresses);
        }
        self.settings.send_replace(Arc::new(fresh));
        self.keys.forget_all();
        self.tell(DeskEvent::Configured);
        Ok(())
    }

    /// Lets links whose model was gone be asked again: the config has changed.
    pub(super) async fn wake_gone(&self) -> Result<(), DeskError> {
        let now = self.clock.now();
        for rest in self.store.rests(now).await? {
            if rest.because == FaultClass::ModelGone {
                self.store.wake(&rest.link, now).await?;
            }
        }
        Ok(())
    }
}
