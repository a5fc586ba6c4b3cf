//! A key out of the environment, which is handed in.

use secrecy::SecretString;

use super::{VaultError, checked};

/// Returns the key that a variable holds.
pub(super) fn key(
    name: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<SecretString, VaultError> {
    match environment(name) {
        Some(value) => checked(&value, &format!("the environment's `{name}`")),
        None => Err(VaultError::NotInEnvironment {
            name: name.to_owned(),
        }),
    }
}
