//! Access tokens that are good for a while yet: one for each mailbox, renewed by one asker at a time.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
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
    /// How often all was forgotten. A slot that is at work then learns of it when it is asked for
    /// next: its place stays, for a second one would renew beside it.
    forgotten: Arc<AtomicU64>,
}

#[derive(Default)]
struct Slot {
    access: Option<(SecretString, Mono)>,
    /// A refresh token that came with a renewal and could not be kept.
    unkept: Option<Unkept>,
    /// A refresh token that the service refused, and its words; asking again mends nothing.
    refused: Option<(SecretString, String)>,
    /// How often all was forgotten when this was filled.
    as_of: u64,
}

/// A refresh token that is here and nowhere else.
#[derive(Clone)]
pub struct Unkept {
    /// The token.
    pub refresh: SecretString,
    /// What is kept in its place; when that is another one, somebody has signed in since.
    pub instead_of: Option<SecretString>,
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
        let mut held = Held(slot.lock_owned().await);
        let forgotten = self.forgotten.load(Ordering::Acquire);
        if held.0.as_of != forgotten {
            held.0.access = None;
            held.0.refused = None;
            held.0.as_of = forgotten;
        }
        held
    }

    /// Forgets every token that can be had again: the config has changed. One that could not be
    /// kept stays, for it is nowhere else.
    pub fn forget_all(&self) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
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
        let is_it = |unkept: &mut Unkept| is_same(Some(&unkept.refresh), Some(refresh));
        self.0.unkept.take_if(is_it);
        self.0.access = None;
        self.0.refused = Some((refresh.clone(), said.to_owned()));
    }

    /// Returns the words with which this refresh token was refused already.
    pub fn refused_with(&self, refresh: &SecretString) -> Option<String> {
        let (refused, said) = self.0.refused.as_ref()?;
        (refused.expose_secret() == refresh.expose_secret()).then(|| said.clone())
    }

    /// Holds a refresh token that is not kept yet: the one that is kept may be dead.
    pub fn hold(&mut self, unkept: Unkept) {
        self.0.unkept = Some(unkept);
    }

    /// Notes that what is kept is the newest there is.
    pub fn all_is_kept(&mut self) {
        self.0.unkept = None;
    }

    /// Returns the refresh token that could not be kept.
    pub fn unkept(&self) -> Option<Unkept> {
        self.0.unkept.clone()
    }

    /// Forgets everything.
    pub fn forget(&mut self) {
        let as_of = self.0.as_of;
        *self.0 = Slot {
            as_of,
            ..Slot::default()
        };
    }
}

/// Tells whether two tokens are the same one, or both none.
pub fn is_same(one: Option<&SecretString>, other: Option<&SecretString>) -> bool {
    one.map(SecretString::expose_secret) == other.map(SecretString::expose_secret)
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
    #[tokio::test]
    async fn a_new_config_leaves_the_place_of_a_token_and_what_is_nowhere_else() {
        let held = HeldTokens::default();
        let at = Mono::default();
        let mut here = held.of("support@acme.test").await;
        here.hold(Unkept {
            refresh: SecretString::from("newest"),
            instead_of: None,
        });

        held.forget_all();
        here.keep(&tokens("of the old config", 3_600), at);
        let beside = tokio::time::timeout(Duration::ZERO, held.of("support@acme.test")).await;
        assert!(beside.is_err(), "two would renew side by side");
        drop(here);

        let here = held.of("support@acme.test").await;
        assert!(here.access(at, None).is_none());
        let unkept = here.unkept().unwrap();
        assert_eq!(unkept.refresh.expose_secret(), "newest");
    }
}
