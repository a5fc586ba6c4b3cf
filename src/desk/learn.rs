//! What a run taught about keys and links, remembered in the store: every process and every start
//! of the program builds on it.

use std::{collections::BTreeMap, time::Duration};

use super::{Desk, DeskError, face::DeskEvent};
use crate::{
    domain::{FaultClass, KeyStanding, KeyState, ProviderName, Rest, Timestamp},
    engine::{
        breaker::{Breakers, Judgement},
        lesson::{Lesson, is_news},
        times::Times,
    },
};

/// How long a model that is gone rests, unless the config changes before.
pub(super) const GONE_REST: Duration = Duration::from_hours(24);
impl Desk {
    /// Remembers what a run that began at a time taught.
    pub(super) async fn learn(
        &self,
        lessons: &[Lesson],
        keys: &BTreeMap<ProviderName, String>,
        began: Timestamp,
    ) -> Result<(), DeskError> {
        for lesson in lessons {
            self.learn_one(lesson, (keys, began)).await?;
        }
        self.learn_of_links(lessons).await
    }

    /// Remembers how links behaved, in one step; a good answer of a link that nothing was known of
    /// writes nothing.
    async fn learn_of_links(&self, lessons: &[Lesson]) -> Result<(), DeskError> {
        let known = self.breakers().await?;
        let now = self.clock.now();
        let told = lessons.iter().filter(|one| says(&known, one, now));
        let told: Vec<Lesson> = told.cloned().collect();
        if told.is_empty() {
            return Ok(());
        }
        self.change_breakers(|breakers, now, luck| breakers.learn(&told, now, luck))
            .await
    }

    async fn learn_one(
        &self,
        lesson: &Lesson,
        keys: (&BTreeMap<ProviderName, String>, Timestamp),
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
            Lesson::Worked {
                link,
                first_text,
                gap_p99,
            } => {
                let noted = self.store.change_link_times(link, now, |kept| {
                    let mut times = kept.map_or_else(Times::default, read_times);
                    times.note(*first_text, *gap_p99);
                    serde_json::to_string(&times).unwrap_or_default()
                });
                noted.await?;
            }
            Lesson::Left { link, left } => {
                let noted = self.store.change_link_times(link, now, |kept| {
                    let mut times = kept.map_or_else(Times::default, read_times);
                    times.note_left(*left, now);
                    serde_json::to_string(&times).unwrap_or_default()
                });
                noted.await?;
            }
            // Taken together: one step for all links of a run.
            Lesson::Undecided { .. } | Lesson::Failed { .. } => {}
        }
        Ok(())
    }

    /// Notes what a run saw of a key, unless that says nothing new.
    async fn note_key(
        &self,
        provider: &ProviderName,
        (keys, began): (&BTreeMap<ProviderName, String>, Timestamp),
        state: KeyState,
        said: Option<String>,
    ) -> Result<(), DeskError> {
        let Some(fingerprint) = keys.get(provider) else {
            return Ok(());
        };
        let known = self.store.key_standings().await?;
        let known = known.iter().find(|key| key.provider == *provider);
        if is_news(known, (fingerprint, state), began, self.clock.now()) {
            self.set_key_state(provider, fingerprint, state, said)
                .await?;
        }
        Ok(())
    }

    /// Writes down what is known of a key from now on.
    pub(super) async fn set_key_state(
        &self,
        provider: &ProviderName,
        fingerprint: &str,
        state: KeyState,
        said: Option<String>,
    ) -> Result<(), DeskError> {
        let standing = KeyStanding {
            provider: provider.clone(),
            fingerprint: fingerprint.to_owned(),
            state,
            since: self.clock.now(),
            said,
        };
        self.store.set_key_standing(&standing).await?;
        self.tell(DeskEvent::Configured);
        Ok(())
    }
}

/// Tells whether a lesson says something new to the breakers: of a link that has never failed, one
/// more answer does not.
pub(super) fn says(known: &Breakers, lesson: &Lesson, now: Timestamp) -> bool {
    match lesson {
        Lesson::Failed { .. } => true,
        Lesson::Worked { link, .. } | Lesson::Undecided { link } => {
            known.judge(link, now) != Judgement::Closed || known.last_failure(link).is_some()
        }
        Lesson::Rest(_)
        | Lesson::KeyWorks(_)
        | Lesson::KeyRefused { .. }
        | Lesson::NoCredit { .. }
        | Lesson::Quirk { .. }
        | Lesson::Left { .. }
        | Lesson::ModelGone { .. } => false,
    }
}

/// Reads the times of a link. What cannot be read counts as nothing.
pub(super) fn read_times(kept: &str) -> Times {
    serde_json::from_str(kept).unwrap_or_default()
}
