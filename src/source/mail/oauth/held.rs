//! Access tokens that are good for a while yet: one for each mailbox, renewed by one asker at a time.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::Tokens;
use crate::domain::Mono;

/// A token is renewed so long before it runs out, or when half its life is over.
const BEFORE: Duration = Duration::from_mins(2);

/// The tokens of all mailboxes. Cheap to clone: all clones hold the same.
#[derive(Clone, Default)]
pub struct HeldTokens {
    slots: Arc<std::sync::Mutex<BTreeMap<String, Arc<Mutex<Slot>>>>>,
}

#[derive(Default)]
struct Slot {
    access: Option<(SecretString, Mono)>,
    /// A refresh token that came with a renewal and could not be kept.
    unkept: Option<SecretString>,
    /// A refresh token that the service refused, and its words; asking again mends nothing.
    refused: Option<(SecretString, String)>,
}

/// The place of one mailbox' token, while nobody else renews it.
pub struct Held(OwnedMutexGuard<Slot>);

impl HeldTokens {
    /// Returns the place of a mailbox' token as soon as nobody else is at it.
    pub async fn of(&self, address: &str) -> Held {
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(address.to_lowercase()).or_default())
        };
        Held(slot.lock_owned().await)
    }

    /// Forgets every token: the config has changed.
    pub fn forget_all(&self) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.clear();
    }
}

impl Held {
    /// Returns the token if it is good for a while yet, and not the one that was just refused.
    pub fn access(&self, now: Mono, refused: Option<&SecretString>) -> Option<SecretString> {
        let (access, until) = self.0.access.as_ref()?;
        let is_refused =
            refused.is_some_and(|refused| refused.expose_secret() == access.expose_secret());
        (now < *until && !is_refused).then(|| access.clone())
    }

    /// Keeps what a service granted.
    pub fn keep(&mut self, tokens: &Tokens, now: Mono) {
        let good = tokens.lasts.saturating_sub(BEFORE).max(tokens.lasts / 2);
        self.0.access = Some((tokens.access.clone(), now.after(good)));
        self.0.refused = None;
    }

    /// Notes that a refresh token was refused, and the service's words.
    pub fn refuse(&mut self, refresh: &SecretString, said: &str) {
        self.0.access = None;
        self.0.refused = Some((refresh.clone(), said.to_owned()));
    }

    /// Returns the words with which this refresh token was refused already.
    pub fn refused_with(&self, refresh: &SecretString) -> Option<String> {
        let (refused, said) = self.0.refused.as_ref()?;
        (refused.expose_secret() == refresh.expose_secret()).then(|| said.clone())
    }

    /// Holds a refresh token that could not be kept: the one that is kept may be dead.
    pub fn hold(&mut self, refresh: Option<&SecretString>) {
        self.0.unkept = refresh.cloned();
    }

    /// Returns the refresh token that could not be kept.
    pub fn unkept(&self) -> Option<SecretString> {
        self.0.unkept.clone()
    }

    /// Forgets everything.
    pub fn forget(&mut self) {
        *self.0 = Slot::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(access: &str, seconds: u64) -> Tokens {
        Tokens {
            access: SecretString::from(access),
            refresh: None,
            lasts: Duration::from_secs(seconds),
        }
    }

    #[tokio::test]
    async fn a_token_is_used_until_shortly_before_it_runs_out() {
        let held = HeldTokens::default();
        let at = |seconds: u64| Mono::default().after(Duration::from_secs(seconds));
        let mut here = held.of("Support@acme.test").await;
        here.keep(&tokens("one", 3_600), at(0));

        assert!(here.access(at(3_479), None).is_some());
        assert!(here.access(at(3_480), None).is_none());
        assert!(
            here.access(at(0), Some(&SecretString::from("one")))
                .is_none()
        );
        here.keep(&tokens("short", 60), at(0));
        assert!(here.access(at(29), None).is_some());
        assert!(here.access(at(30), None).is_none());
        drop(here);
        assert!(
            held.of("support@acme.test")
                .await
                .access(at(1), None)
                .is_some()
        );
    }
}
