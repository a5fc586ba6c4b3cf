//! Where a provider's key comes from: the way to it, never the key.

/// The way to a provider's key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeySource {
    /// The OS keyring: service `deskhand`, account = the provider's name.
    #[default]
    Keyring,
    /// An environment variable, by name: `api_key = "${NAME}"`.
    Env(String),
    /// The first line that a command writes: `api_key_command`, as arguments.
    Command(Vec<String>),
    /// The provider wants none: `auth = "none"`.
    NotNeeded,
}
