//! The state in which every provider is down: seen as such, looked at with one probe per back-off
//! while a desk is open, and over as soon as one link has answered.

use std::{sync::Arc, time::Duration};

use tokio::{sync::broadcast::error::RecvError, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{Desk, DeskError};
use crate::{
    domain::{FaultClass, KeySource, KeyState, LinkName},
    engine::{
        breaker::{Breakers, Judgement},
        outage::{Health, Outage, outage},
    },
};

/// How often an outage is looked at while it lasts; a probe is made only when a back-off is over.
const LOOK: Duration = Duration::from_secs(1);

impl Desk {
    /// Says whether every link of the default chain is down; none when one can be asked.
    pub async fn outage(&self) -> Result<Option<Outage>, DeskError> {
        let links = self.chain(None).await?.links;
        let settings = self.settings();
        let now = self.clock.now();
        let memory = self.memory().await?;
        let noted = self.keys.noted();
        let health = |link: &LinkName| {
            let Some(provider) = settings.provider(&link.provider) else {
                return Health::Absent;
            };
            let has_way = match &provider.key {
                KeySource::Keyring => noted.contains(&link.provider),
                KeySource::Env(name) => crate::config::env::var(name).is_some(),
                KeySource::Command(_) | KeySource::NotNeeded => true,
            };
            let is_refused = memory
                .keys
                .iter()
                .any(|key| key.provider == link.provider && key.state == KeyState::Invalid);
            let rest = memory.rest(link, None, now);
            match rest.map(|rest| rest.because) {
                _ if !has_way => Health::Absent,
                _ if is_refused => Health::Refused,
                Some(FaultClass::ModelGone) => Health::Absent,
                Some(FaultClass::OutOfCredit) => Health::NoCredit,
                _ => judged(&memory.breakers, link, now),
            }
        };
        let healths: Vec<(LinkName, Health)> = links
            .into_iter()
            .map(|link| {
                let health = health(&link);
                (link, health)
            })
            .collect();
        Ok(outage(&healths))
    }

    /// Looks for life while every provider is down, as long as the desk is open.
    pub(super) async fn look_for_life(self: &Arc<Self>) {
        if self.is_demo() {
            return;
        }
        let mut events = self.events();
        loop {
            match self.outage().await {
                Ok(Some(found)) => {
                    if let Some(link) = found.due {
                        self.look_at(&link).await;
                    }
                    // Without a link that can be looked at only a person can help.
                    if !found.failing.is_empty() {
                        sleep(LOOK).await;
                        continue;
                    }
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "an outage could not be looked at"),
            }
            if matches!(events.recv().await, Err(RecvError::Closed)) {
                return;
            }
            // What came meanwhile is part of the next look.
            sleep(LOOK).await;
            events = events.resubscribe();
        }
    }

    /// Asks one link whether it is there, unless another process does, or nothing may be spent.
    async fn look_at(&self, link: &LinkName) {
        let may_spend = self.spend().await.is_ok_and(|spend| {
            spend.paused_by.is_none() && spend.meter.cap != crate::domain::Cap::NotChosen
        });
        if !may_spend {
            return;
        }
        let limit = self.settings().config.engine.policy.clocks.run;
        let claimed = self.change_breakers(|breakers, now, _| {
            let until = now.saturating_add(limit).unwrap_or(now);
            breakers.claim(link, now, until)
        });
        if !matches!(claimed.await, Ok(true)) {
            return;
        }
        let cancel: CancellationToken = self.background.stop.child_token();
        if let Err(error) = self.probe(link, &cancel).await {
            tracing::warn!(%link, %error, "a link could not be looked at");
            self.release_probes(std::slice::from_ref(link)).await;
        }
    }
}

fn judged(breakers: &Breakers, link: &LinkName, now: crate::domain::Timestamp) -> Health {
    match breakers.judge(link, now) {
        Judgement::Closed => Health::Well,
        // It has answered since, if only because nobody else was left to ask.
        Judgement::HalfOpen | Judgement::Open { .. } if breakers.is_proved(link) => Health::Well,
        Judgement::HalfOpen => Health::Failing { until: None },
        Judgement::Open { until } => Health::Failing { until: Some(until) },
        Judgement::Rested { .. } => Health::Absent,
    }
}
