//! What a run taught about keys and links, remembered: in the store what must outlive the
//! program, in memory what is only of the moment.

use std::{collections::BTreeMap, time::Duration};

use super::{Desk, DeskError, face::DeskEvent};
use crate::{
    domain::{FaultClass, KeyStanding, KeyState, LinkName, ProviderName, Rest},
    engine::{lesson::Lesson, policy::History},
};

/// How long a model that is gone rests, unless the config changes before.
pub(super) const GONE_REST: Duration = Duration::from_hours(24);
/// How many first-word times are kept per link.
const TIMES_KEPT: usize = 64;
/// With fewer than these nothing is said about the slowest twentieth.
const TIMES_NEEDED: usize = 5;

/// First-word times of links, newest last, since this process began.
#[derive(Clone, Debug, Default)]
pub(super) struct Latencies(BTreeMap<LinkName, Vec<Duration>>);

impl Latencies {
    /// Notes one more.
    fn note(&mut self, link: &LinkName, took: Duration) {
        let times = self.0.entry(link.clone()).or_default();
        if times.len() >= TIMES_KEPT {
            times.remove(0);
        }
        times.push(took);
    }

    /// Returns what the clocks of the next call may build on.
    pub(super) fn history(&self, link: &LinkName) -> History {
        let Some(times) = self.0.get(link).filter(|times| times.len() >= TIMES_NEEDED) else {
            return History::default();
        };
        let mut sorted = times.clone();
        sorted.sort_unstable();
        let at = sorted.len() * 95 / 100;
        History {
            first_text_p95: sorted.get(at).copied(),
            gap_p99: None,
        }
    }
}

impl Desk {
    /// Remembers what a run taught.
    pub(super) async fn learn(
        &self,
        lessons: &[Lesson],
        keys: &BTreeMap<ProviderName, String>,
    ) -> Result<(), DeskError> {
        for lesson in lessons {
            self.learn_one(lesson, keys).await?;
        }
        Ok(())
    }

    async fn learn_one(
        &self,
        lesson: &Lesson,
        keys: &BTreeMap<ProviderName, String>,
    ) -> Result<(), DeskError> {
        let now = self.clock.now();
        match lesson {
            Lesson::Rest(rest) => self.store.rest(rest, now).await?,
            Lesson::KeyWorks(provider) => {
                self.note_key(provider, keys, KeyState::Verified, None)
                    .await?;
            }
            Lesson::KeyRefused { provider, said } => {
                self.note_key(provider, keys, KeyState::Invalid, said.clone())
                    .await?;
                self.tell(DeskEvent::KeyRefused(provider.clone()));
            }
            Lesson::NoCredit { provider, said } => {
                self.note_key(provider, keys, KeyState::NoCredit, said.clone())
                    .await?;
            }
            Lesson::Quirk { link, parameter } => {
                self.store.remember_quirk(link, parameter, now).await?;
            }
            Lesson::ModelGone { link, said } => {
                let rest = Rest {
                    link: link.clone(),
                    until: now + GONE_REST,
                    because: FaultClass::ModelGone,
                };
                self.store.rest(&rest, now).await?;
                let words = said.as_deref().unwrap_or("its provider does not offer it");
                self.tell(DeskEvent::Note(format!("{link} is not available: {words}")));
            }
            Lesson::Worked { link, first_text } => {
                self.background
                    .breakers
                    .send_modify(|breakers| breakers.worked(link));
                if let Some(took) = first_text {
                    self.background
                        .latencies
                        .send_modify(|times| times.note(link, *took));
                }
            }
            Lesson::Failed { link, weight } => {
                let mono = self.clock.mono();
                self.background
                    .breakers
                    .send_modify(|breakers| breakers.failed(link, *weight, mono));
            }
        }
        Ok(())
    }

    /// Notes what was seen of a key, unless that is what is known of it already.
    pub(super) async fn note_key(
        &self,
        provider: &ProviderName,
        keys: &BTreeMap<ProviderName, String>,
        state: KeyState,
        said: Option<String>,
    ) -> Result<(), DeskError> {
        let Some(fingerprint) = keys.get(provider) else {
            return Ok(());
        };
        let known = self.store.key_standings().await?;
        let is_known = known.iter().any(|key| {
            key.provider == *provider && key.fingerprint == *fingerprint && key.state == state
        });
        if !is_known {
            let standing = KeyStanding {
                provider: provider.clone(),
                fingerprint: fingerprint.clone(),
                state,
                since: self.clock.now(),
                said,
            };
            self.store.set_key_standing(&standing).await?;
            self.tell(DeskEvent::Configured);
        }
        Ok(())
    }
}
