//! How links behaved lately, as the desk keeps it: read before each plan, changed after each run,
//! and by hand. Every process sees the same, and a restart forgets nothing.

use std::{collections::BTreeMap, time::Duration};

use uuid::Uuid;

use super::{Desk, DeskError, chains::Prepared, face::DeskEvent};
use crate::{
    config::finding::nearest,
    domain::{KeyState, LinkName, ProviderName, Timestamp},
    engine::{
        breaker::{Breakers, Judgement, Luck},
        plan::Usable,
    },
};

/// A link, or a provider with all its links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whom {
    /// The provider.
    pub provider: ProviderName,
    /// The link; none means every link of the provider.
    pub link: Option<LinkName>,
}

impl std::fmt::Display for Whom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.link {
            Some(link) => link.fmt(f),
            None => self.provider.fmt(f),
        }
    }
}

impl Desk {
    /// Returns how links behaved lately. What cannot be read counts as nothing.
    pub(super) async fn breakers(&self) -> Result<Breakers, DeskError> {
        Ok(read(&self.store.breakers().await?))
    }

    /// Changes how links behaved, in one step that no other process comes between.
    pub(super) async fn change_breakers<T>(
        &self,
        change: impl FnOnce(&mut Breakers, Timestamp, Luck) -> T + Send,
    ) -> Result<T, DeskError> {
        let now = self.clock.now();
        // The random end of a UUIDv7.
        let [.., last] = Uuid::now_v7().into_bytes();
        let told = self.store.change_breakers(now, |kept| {
            let mut breakers = read(kept);
            let told = change(&mut breakers, now, Luck(last));
            *kept = written(&breakers, now);
            told
        });
        Ok(told.await?)
    }

    /// Claims the probes a plan would make: one of a link is under way at a time, whatever number
    /// of processes draft. A link whose probe is taken counts as open.
    pub(super) async fn claim_probes(&self, prepared: &mut Prepared) -> Result<(), DeskError> {
        let limit = prepared.plan.policy.clocks.run;
        for planned in &mut prepared.plan.links {
            if planned.usable != Usable::HalfOpen {
                continue;
            }
            let link = planned.link.name.clone();
            let claimed = self.change_breakers(|breakers, now, _| {
                let until = now.saturating_add(limit).unwrap_or(now);
                (
                    breakers.claim(&link, now, until),
                    breakers.wants_a_turn(&link),
                    breakers.judge(&link, now),
                )
            });
            match claimed.await? {
                (true, wants_a_turn, _) => {
                    prepared.claimed.push(planned.link.name.clone());
                    if wants_a_turn {
                        planned.usable = Usable::Yes;
                    }
                }
                (false, _, Judgement::Open { until }) => {
                    planned.usable = Usable::Open {
                        until,
                        failed: None,
                    };
                }
                (false, _, _) => {}
            }
        }
        Ok(())
    }

    /// Gives claimed probes back when their run is over, before what it taught is noted: a link
    /// that was not asked, or whose answer says nothing of it, is free for the next draft.
    pub(super) async fn release_probes(&self, claimed: &[LinkName]) {
        if claimed.is_empty() {
            return;
        }
        let told = self.change_breakers(|breakers, _, _| {
            for link in claimed {
                breakers.release(link);
            }
        });
        if let Err(error) = told.await {
            tracing::warn!(%error, "claimed probes were not given back; they run out by themselves");
        }
    }

    /// Lets a link or a provider rest, as a person wants it.
    pub async fn rest_by_hand(&self, whom: &Whom, time: Duration) -> Result<Timestamp, DeskError> {
        let until = self.clock.now() + time;
        self.change_breakers(|breakers, _, _| {
            breakers.rest(&whom.provider, whom.link.as_ref(), until);
        })
        .await?;
        self.tell(DeskEvent::Configured);
        Ok(until)
    }

    /// Forgets what speaks against a link or a provider: rests, spent credit of its key, failures,
    /// what a person said. A refused key stays refused; `keys test` asks about it.
    pub async fn wake_by_hand(&self, whom: &Whom) -> Result<(), DeskError> {
        self.change_breakers(|breakers, _, _| {
            breakers.wake(&whom.provider, whom.link.as_ref());
        })
        .await?;
        let now = self.clock.now();
        for rest in self.store.rests(now).await? {
            let is_meant = match &whom.link {
                Some(link) => rest.link == *link,
                None => rest.link.provider == whom.provider,
            };
            if is_meant {
                self.store.wake(&rest.link, now).await?;
            }
        }
        let keys = self.store.key_standings().await?;
        let is_spent = keys
            .iter()
            .any(|key| key.provider == whom.provider && key.state == KeyState::NoCredit);
        if is_spent {
            self.store.forget_key_standing(&whom.provider, now).await?;
        }
        self.tell(DeskEvent::Configured);
        Ok(())
    }

    /// Reads a link or a provider by its name.
    pub fn whom(&self, text: &str) -> Result<Whom, DeskError> {
        let settings = self.settings();
        let whom = match text.parse::<LinkName>() {
            Ok(link) => {
                let link = settings.names.resolve(&link);
                Whom {
                    provider: link.provider.clone(),
                    link: Some(link),
                }
            }
            Err(_) => Whom {
                provider: ProviderName(text.to_owned()),
                link: None,
            },
        };
        match settings.provider(&whom.provider) {
            Some(provider) => match &whom.link {
                Some(link) if !settings.knows(link, &provider) => {
                    let known = settings.models_of(&link.provider, &provider);
                    Err(DeskError::NoModel {
                        near: nearest(&link.model.0, known.iter().map(String::as_str))
                            .map(str::to_owned),
                        link: link.clone(),
                    })
                }
                Some(_) | None => Ok(whom),
            },
            None => Err(DeskError::NoProvider(
                text.chars().filter(|c| !c.is_control()).take(60).collect(),
            )),
        }
    }
}

pub(super) fn read(kept: &BTreeMap<String, String>) -> Breakers {
    let mut breakers = Breakers::default();
    for (name, json) in kept {
        if let Ok(standing) = serde_json::from_str(json) {
            breakers.put(name, standing);
        }
    }
    breakers
}

fn written(breakers: &Breakers, now: Timestamp) -> BTreeMap<String, String> {
    let kept = breakers.kept(now);
    kept.into_iter()
        .filter_map(|(name, standing)| Some((name, serde_json::to_string(standing).ok()?)))
        .collect()
}
