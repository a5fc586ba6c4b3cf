//! What a run taught about keys and links, remembered: in the store what must outlive the
//! program, in memory what is only of the moment.

use std::{collections::BTreeMap, time::Duration};

use super::{Desk, DeskError, face::DeskEvent};
use crate::{
    domain::{FaultClass, KeyStanding, KeyState, LinkName, ProviderName, Rest},
    engine::{breaker::Judgement, lesson::Lesson, policy::History},
};

/// How long a model that is gone rests, unless the config changes before.
pub(super) const GONE_REST: Duration = Duration::from_hours(24);
/// How many first-word times are kept per link.
const TIMES_KEPT: usize = 64;
/// With fewer than these nothing is said about the slowest twentieth.
const TIMES_NEEDED: usize = 5;

/// First-word times of links and the gaps within their answers, newest last, since this process
/// began.
#[derive(Clone, Debug, Default)]
pub(super) struct Latencies(BTreeMap<LinkName, Times>);

#[derive(Clone, Debug, Default)]
struct Times {
    first_words: Vec<Duration>,
    /// The 99th percentile of each answer.
    gaps: Vec<Duration>,
}

impl Latencies {
    /// Notes one more answer.
    fn note(&mut self, link: &LinkName, first_words: Option<Duration>, gap: Option<Duration>) {
        let times = self.0.entry(link.clone()).or_default();
        for (kept, time) in [
            (&mut times.first_words, first_words),
            (&mut times.gaps, gap),
        ] {
            if kept.len() >= TIMES_KEPT && time.is_some() {
                kept.remove(0);
            }
            kept.extend(time);
        }
    }

    /// Returns what the clocks of the next call may build on.
    pub(super) fn history(&self, link: &LinkName) -> History {
        let Some(times) = self.0.get(link) else {
            return History::default();
        };
        History {
            first_text_p95: percentile(&times.first_words, 95),
            gap_p99: percentile(&times.gaps, 99),
        }
    }
}

fn percentile(times: &[Duration], percent: usize) -> Option<Duration> {
    if times.len() < TIMES_NEEDED {
        return None;
    }
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() * percent / 100).copied()
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
        self.learn_of_links(lessons).await
    }

    /// Remembers how links behaved, in one step; a good answer of a link that nothing was known of
    /// writes nothing.
    async fn learn_of_links(&self, lessons: &[Lesson]) -> Result<(), DeskError> {
        let known = self.breakers().await?;
        let now = self.clock.now();
        let says = |lesson: &Lesson| match lesson {
            Lesson::Failed { .. } => true,
            Lesson::Worked { link, .. } | Lesson::Undecided { link } => {
                known.judge(link, now) != Judgement::Closed || known.last_failure(link).is_some()
            }
            Lesson::Rest(_)
            | Lesson::KeyWorks(_)
            | Lesson::KeyRefused { .. }
            | Lesson::NoCredit { .. }
            | Lesson::Quirk { .. }
            | Lesson::ModelGone { .. } => false,
        };
        let told: Vec<Lesson> = lessons.iter().filter(|one| says(one)).cloned().collect();
        if told.is_empty() {
            return Ok(());
        }
        self.change_breakers(|breakers, now, luck| breakers.learn(&told, now, luck))
            .await
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
            Lesson::Worked {
                link,
                first_text,
                gap_p99,
            } => {
                self.background
                    .latencies
                    .send_modify(|times| times.note(link, *first_text, *gap_p99));
            }
            // Taken together: one step for all links of a run.
            Lesson::Undecided { .. } | Lesson::Failed { .. } => {}
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
