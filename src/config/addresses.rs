//! `OPENAI_BASE_URL` and `ANTHROPIC_BASE_URL`: where these two are asked when the config does not
//! say, as the SDKs of their makers read them; with `/v1` at the end or without.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Around, ProviderConfig,
    address::check_url,
    finding::Severity,
    reader::{Reader, Section},
};
use crate::domain::ProviderName;

/// Whose address which variable gives.
const VARIABLES: [(&str, &str); 3] = [
    ("openai", "OPENAI_BASE_URL"),
    ("openai-responses", "OPENAI_BASE_URL"),
    ("anthropic", "ANTHROPIC_BASE_URL"),
];

/// An address that the environment gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromEnv {
    /// The variable.
    pub variable: &'static str,
    /// The address; none where it cannot be used, and then the provider is not asked at all.
    pub base_url: Option<String>,
}

/// Puts the addresses of the environment in the place of the usual ones; returns for each provider
/// which that is, also for those that need no config.
pub(super) fn addresses(
    reader: &mut Reader<'_>,
    root: &Section<'_>,
    providers: &mut BTreeMap<ProviderName, ProviderConfig>,
    around: &Around<'_>,
) -> BTreeMap<ProviderName, FromEnv> {
    let mut found = BTreeMap::new();
    let tables = root.inner("providers");
    let mut told = BTreeSet::new();
    for (known, variable) in VARIABLES {
        let written = (around.env)(variable).filter(|url| !url.trim().is_empty());
        let usual = around.known.iter().find(|preset| preset.name == known);
        let (Some(written), Some(usual)) = (written, usual) else {
            continue;
        };
        for (name, provider) in &mut *providers {
            let table = tables.as_ref().and_then(|all| all.inner(&name.0));
            let says = table
                .as_ref()
                .is_some_and(|own| own.get("base_url").is_some());
            // The same address serves both formats of OpenAI; the format tells them apart.
            if says || provider.base_url != usual.base_url || provider.kind != usual.kind {
                continue;
            }
            match check_url(written.trim(), provider.allow_plain_http) {
                Ok(url) => {
                    provider.base_url.clone_from(&url);
                    found.insert(name.clone(), from_env(variable, Some(url)));
                }
                Err((what, _)) => {
                    let message = format!("{name} cannot be asked at ${variable}: {}", named(what));
                    let hint = format!("Set it right, or unset {variable}.");
                    reader.aside(Severity::Error, message, Some(hint));
                    told.insert(variable);
                }
            }
        }
        let name = ProviderName(known.to_owned());
        if !providers.contains_key(&name) {
            let url = check_url(written.trim(), false);
            // What is wrong with a variable is said once.
            if let (Err((what, _)), true) = (&url, told.insert(variable)) {
                let message = format!("{name} is not asked, for ${variable}: {}", named(what));
                let hint = format!("Set it right, unset it, or add [providers.{name}].");
                reader.aside(Severity::Warning, message, Some(hint));
            }
            found.insert(name, from_env(variable, url.ok()));
        }
    }
    found
}

/// Lets what is said of `base_url` be said of the variable.
fn named(what: &str) -> String {
    what.replacen("`base_url`", "it", 1)
}

const fn from_env(variable: &'static str, base_url: Option<String>) -> FromEnv {
    FromEnv { variable, base_url }
}
