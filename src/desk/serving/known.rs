//! What a serving process knows of keys and links, in memory: what a run taught holds for the next
//! one at once, and is written down soon after.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    desk::{chains::Memory, learn},
    domain::{FaultClass, KeyStanding, KeyState, LinkName, ProviderName, Rest, Timestamp},
    engine::{
        breaker::Luck,
        lesson::{Lesson, is_news},
    },
};

/// Fingerprints of the keys that were used, by provider.
type Keys = BTreeMap<ProviderName, String>;

/// So many lessons wait at most while the store cannot be written.
const MOST_PENDING: usize = 1_000;

/// What is known, and what of it is not yet written down.
pub(super) struct Known(Mutex<Inner>);

struct Inner {
    memory: Arc<Memory>,
    pending: Vec<Lesson>,
    /// Of which key the pending lessons speak, by provider.
    keys: Keys,
    /// Whether something changed that others must hear of soon.
    is_urgent: bool,
}

/// What is to be written down.
pub(super) struct Pending {
    pub lessons: Vec<Lesson>,
    pub keys: Keys,
}

impl Known {
    pub(super) fn new(memory: Memory) -> Self {
        Self(Mutex::new(Inner {
            memory: Arc::new(memory),
            pending: Vec::new(),
            keys: Keys::new(),
            is_urgent: false,
        }))
    }

    /// Returns what is known now.
    pub(super) fn memory(&self) -> Arc<Memory> {
        Arc::clone(&self.lock().memory)
    }

    /// Takes what the store knows; what is not yet written there holds all the same. Of the times of
    /// a link only now and then one is written, so those kept here stay while they are more.
    pub(super) fn refresh(&self, memory: Memory, now: Timestamp, luck: Luck) {
        let mut inner = self.lock();
        let before = std::mem::replace(&mut inner.memory, Arc::new(memory));
        let pending = std::mem::take(&mut inner.pending);
        let keys = std::mem::take(&mut inner.keys);
        inner.learn(&pending, (&keys, now), now, luck);
        let memory = Arc::make_mut(&mut inner.memory);
        for (link, times) in &before.times {
            memory
                .times
                .entry(link.clone())
                .or_default()
                .or_more_of(times);
        }
    }

    /// Learns what a run that began at a time taught.
    pub(super) fn learn(
        &self,
        lessons: &[Lesson],
        (keys, began): (&Keys, Timestamp),
        now: Timestamp,
        luck: Luck,
    ) {
        self.lock().learn(lessons, (keys, began), now, luck);
    }

    /// Lets one request try a link that was left alone; false if another does already.
    pub(super) fn claim(&self, link: &LinkName, now: Timestamp, until: Timestamp) -> bool {
        let mut inner = self.lock();
        Arc::make_mut(&mut inner.memory)
            .breakers
            .claim(link, now, until)
    }

    /// Takes what is to be written down; none while nothing is.
    pub(super) fn take_pending(&self) -> Option<Pending> {
        let mut inner = self.lock();
        if inner.pending.is_empty() {
            return None;
        }
        inner.is_urgent = false;
        Some(Pending {
            lessons: std::mem::take(&mut inner.pending),
            keys: std::mem::take(&mut inner.keys),
        })
    }

    /// Takes back what could not be written down.
    pub(super) fn put_back(&self, pending: Pending) {
        let mut inner = self.lock();
        let newer = std::mem::replace(&mut inner.pending, pending.lessons);
        // Of a key that was replaced meanwhile nobody asks any more.
        for (provider, fingerprint) in pending.keys {
            match inner.keys.get(&provider) {
                Some(newest) if *newest != fingerprint => {
                    inner
                        .pending
                        .retain(|lesson| !speaks_of_key(lesson, &provider));
                }
                Some(_) => {}
                None => drop(inner.keys.insert(provider, fingerprint)),
            }
        }
        inner.pending.extend(newer);
        inner.pending.truncate(MOST_PENDING);
    }

    /// Tells whether something waits that others must hear of soon.
    pub(super) fn is_urgent(&self) -> bool {
        self.lock().is_urgent
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No code under this lock can panic half-way through a change that matters.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn learn(&mut self, lessons: &[Lesson], keys: (&Keys, Timestamp), now: Timestamp, luck: Luck) {
        let memory = Arc::make_mut(&mut self.memory);
        let told: Vec<Lesson> = lessons
            .iter()
            .filter(|lesson| learn::says(&memory.breakers, lesson, now))
            .cloned()
            .collect();
        if !told.is_empty() {
            memory.breakers.learn(&told, now, luck);
            self.is_urgent = true;
        }
        for lesson in lessons {
            self.learn_one(lesson, keys, now);
        }
    }

    fn learn_one(&mut self, lesson: &Lesson, (keys, began): (&Keys, Timestamp), now: Timestamp) {
        let times = (began, now);
        let key = |provider: &ProviderName| keys.get(provider).cloned();
        let memory = Arc::make_mut(&mut self.memory);
        match lesson {
            Lesson::Worked {
                link,
                first_text,
                gap_p99,
            } => {
                let times = memory.times.entry(link.clone()).or_default();
                times.note(*first_text, *gap_p99);
                // Of what is heard with every request the newest is enough.
                self.pending
                    .retain(|old| !matches!(old, Lesson::Worked { link: of, .. } if of == link));
                self.pending.push(lesson.clone());
            }
            Lesson::Left { link, left } => {
                memory
                    .times
                    .entry(link.clone())
                    .or_default()
                    .note_left(*left, now);
                self.pending
                    .retain(|old| !matches!(old, Lesson::Left { link: of, .. } if of == link));
                self.pending.push(lesson.clone());
            }
            Lesson::KeyWorks(provider) => {
                self.key((provider, key(provider)), KeyState::Verified, lesson, times);
            }
            Lesson::KeyRefused { provider, .. } => {
                self.key((provider, key(provider)), KeyState::Invalid, lesson, times);
            }
            Lesson::NoCredit { provider, .. } => {
                self.key((provider, key(provider)), KeyState::NoCredit, lesson, times);
            }
            Lesson::Rest(rest) => self.rest(rest.clone(), lesson),
            Lesson::ModelGone { link, .. } => {
                let rest = Rest {
                    link: link.clone(),
                    until: now + learn::GONE_REST,
                    because: FaultClass::ModelGone,
                };
                // What its provider says is told to the caller alone: it may quote the request.
                let link = link.clone();
                self.rest(rest, &Lesson::ModelGone { link, said: None });
            }
            Lesson::Quirk { link, parameter } => {
                let quirk = (link.clone(), parameter.clone());
                if !memory.quirks.contains(&quirk) {
                    memory.quirks.push(quirk);
                }
                self.pending.push(lesson.clone());
            }
            Lesson::Undecided { .. } | Lesson::Failed { .. } => self.pending.push(lesson.clone()),
        }
    }

    fn rest(&mut self, rest: Rest, lesson: &Lesson) {
        let memory = Arc::make_mut(&mut self.memory);
        memory.rests.retain(|known| known.link != rest.link);
        memory.rests.push(rest);
        self.pending.push(lesson.clone());
        self.is_urgent = true;
    }

    fn key(
        &mut self,
        (provider, fingerprint): (&ProviderName, Option<String>),
        state: KeyState,
        lesson: &Lesson,
        (began, now): (Timestamp, Timestamp),
    ) {
        let Some(fingerprint) = fingerprint else {
            return;
        };
        let mut known = self.memory.keys.iter();
        let known = known.find(|key| key.provider == *provider);
        if !is_news(known, (&fingerprint, state), began, now) {
            return;
        }
        let standing = KeyStanding {
            provider: provider.clone(),
            fingerprint: fingerprint.clone(),
            state,
            since: now,
            said: None,
        };
        let memory = Arc::make_mut(&mut self.memory);
        memory.keys.retain(|key| key.provider != *provider);
        memory.keys.push(standing);
        // A lesson of the key before must not be written down as one of this.
        if self.keys.get(provider) != Some(&fingerprint) {
            self.pending.retain(|old| !speaks_of_key(old, provider));
            self.keys.insert(provider.clone(), fingerprint);
        }
        self.pending.push(lesson.clone());
        self.is_urgent = true;
    }
}

/// Tells whether a lesson is of a provider's key.
fn speaks_of_key(lesson: &Lesson, of: &ProviderName) -> bool {
    match lesson {
        Lesson::KeyWorks(provider)
        | Lesson::KeyRefused { provider, .. }
        | Lesson::NoCredit { provider, .. } => provider == of,
        Lesson::Rest(_)
        | Lesson::Quirk { .. }
        | Lesson::ModelGone { .. }
        | Lesson::Worked { .. }
        | Lesson::Undecided { .. }
        | Lesson::Left { .. }
        | Lesson::Failed { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::breaker::Breakers;

    fn nothing() -> Memory {
        Memory {
            keys: Vec::new(),
            rests: Vec::new(),
            quirks: Vec::new(),
            breakers: Breakers::default(),
            times: BTreeMap::new(),
        }
    }

    #[test]
    fn times_outlast_a_refresh_from_a_store_that_knows_fewer() {
        let link = LinkName::new("openai", "big");
        let known = Known::new(nothing());
        let took = Duration::from_millis(300);
        let worked = Lesson::Worked {
            link: link.clone(),
            first_text: Some(took),
            gap_p99: None,
        };
        let now = Timestamp::UNIX_EPOCH;
        for _ in 0..5 {
            known.learn(
                std::slice::from_ref(&worked),
                (&Keys::new(), now),
                now,
                Luck(0),
            );
        }
        let p95 = || known.memory().times[&link].history().first_text_p95;
        assert_eq!(p95(), Some(took));

        known.refresh(nothing(), now, Luck(0));

        assert_eq!(p95(), Some(took));
    }

    #[test]
    fn what_was_seen_of_a_key_is_not_said_of_the_one_that_replaced_it() {
        let provider = ProviderName("openai".to_owned());
        let keys = |key: &str| Keys::from([(provider.clone(), key.to_owned())]);
        let refused = [Lesson::KeyRefused {
            provider: provider.clone(),
            said: None,
        }];
        let now = Timestamp::UNIX_EPOCH;
        let known = Known::new(nothing());
        known.learn(&refused, (&keys("old"), now), now, Luck(0));
        // A run with the new key says nothing of it: it was rate limited.
        known.learn(&[], (&keys("new"), now), now, Luck(0));

        let pending = known.take_pending().unwrap();
        assert_eq!(pending.keys, keys("old"));

        let works = [Lesson::KeyWorks(provider.clone())];
        known.learn(&works, (&keys("new"), now), now, Luck(0));
        known.put_back(pending);
        known.refresh(nothing(), now, Luck(0));

        let pending = known.take_pending().unwrap();
        assert_eq!(pending.keys, keys("new"));
        assert_eq!(pending.lessons, works);
    }
}
