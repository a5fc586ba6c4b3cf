//! The connection to the first link, made when a ticket is opened: the draft that may follow finds
//! it. An idle desk opens none.

use std::{sync::Arc, time::Duration};

use super::{Desk, DeskError, face::TicketView, route::Occasion};
use crate::{
    domain::{Cap, KeySource, LinkName, Mono, ProviderName},
    engine::breaker::Judgement,
};

/// Who moves through the queue passes many tickets: not for each it is looked whom to connect to.
const LOOK_EVERY: Duration = Duration::from_secs(2);

impl Desk {
    /// Connects to the link that a draft for this ticket would ask first, where a draft is
    /// possible. Does not wait: who opens a ticket reads it first.
    pub fn warm_for(self: &Arc<Self>, view: &TicketView) {
        let has_draft = view.draft.is_some();
        if has_draft || self.is_demo() || self.settings().config.spend.cap == Cap::NotChosen {
            return;
        }
        let now = self.clock.mono();
        let is_due = |last: &mut Option<Mono>| {
            let is_due = last.is_none_or(|last| now.since(last) >= LOOK_EVERY);
            if is_due {
                *last = Some(now);
            }
            is_due
        };
        if !self.background.warmed.send_if_modified(is_due) {
            return;
        }
        let (desk, view) = (Arc::clone(self), view.clone());
        let stop = self.background.stop.clone();
        drop(self.background.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = desk.warm_now(&view) => {}
            }
        }));
    }

    async fn warm_now(&self, view: &TicketView) {
        match self.first_asked(view).await {
            Ok(Some(provider)) => {
                if let Some(provider) = self.settings().provider(&provider) {
                    let plain = provider.allow_plain_http;
                    self.transport.warm(&provider.base_url, plain).await;
                }
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "nobody to connect to ahead"),
        }
    }

    /// Returns whom a draft for a ticket would ask first; none while AI work is paused. No key is
    /// read for it: the keyring may be locked, and nobody has asked for a draft yet.
    async fn first_asked(&self, view: &TicketView) -> Result<Option<ProviderName>, DeskError> {
        if self.spend().await?.paused_by.is_some() {
            return Ok(None);
        }
        let occasion = Occasion {
            prompt_at_most: super::chains::USUAL_PROMPT,
            turn: 0,
        };
        let links = self.route(Some(view), None, occasion).await?.links;
        let memory = self.memory().await?;
        let now = self.clock.now();
        let settings = self.settings();
        let noted = self.keys.noted();
        let may_be_asked = |link: &LinkName| {
            let has_key = settings.provider(&link.provider).is_some_and(|provider| {
                provider.key != KeySource::Keyring || noted.contains(&link.provider)
            });
            has_key
                && memory.rest(link, None, now).is_none()
                && memory.breakers.judge(link, now) == Judgement::Closed
        };
        let first = links.into_iter().find(|link| may_be_asked(link));
        Ok(first.map(|link| link.provider))
    }
}
