//! Links as they were prepared a moment ago: where each is asked, at what price, with which key. What
//! changes from request to request, how the link behaved lately, is put in anew each time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    desk::{Settings, chains::Prepared},
    domain::{LinkName, Mono},
    engine::plan::PlannedLink,
    llm::wire::Endpoint,
};

/// So long a link stays prepared: prices have hours, keys are set anew.
const FRESH: Duration = Duration::from_secs(10);
/// So many links are kept; callers may name any.
const MOST: usize = 256;

/// A prepared link.
pub(super) struct Template {
    pub planned: PlannedLink,
    pub to: Endpoint,
    pub fingerprint: String,
}

#[derive(Default)]
struct Inner {
    settings: Option<Arc<Settings>>,
    since: Mono,
    links: HashMap<LinkName, Arc<Template>>,
    /// How often all was forgotten.
    forgotten: u64,
}

/// The links that are prepared.
#[derive(Default)]
pub(super) struct Ready(Mutex<Inner>);

impl Ready {
    /// Returns a link that was prepared with these settings not long ago.
    pub(super) fn get(
        &self,
        link: &LinkName,
        settings: &Arc<Settings>,
        now: Mono,
    ) -> Option<Arc<Template>> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = inner
            .settings
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, settings));
        if !is_same || now.since(inner.since) >= FRESH {
            *inner = Inner {
                settings: Some(Arc::clone(settings)),
                since: now,
                links: HashMap::new(),
                forgotten: inner.forgotten + 1,
            };
            return None;
        }
        inner.links.get(link).map(Arc::clone)
    }

    /// Returns how often all was forgotten, to be shown when a link is kept.
    pub(super) fn forgotten(&self) -> u64 {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .forgotten
    }

    /// Keeps a link that was just prepared, if it can be asked at all and nothing was forgotten since
    /// its preparing began: its key may be an older one.
    pub(super) fn keep(&self, planned: &PlannedLink, prepared: &Prepared, since: u64) {
        let name = &planned.link.name;
        let to = prepared.endpoints.get(name);
        let fingerprint = prepared.fingerprints.get(&name.provider);
        let (Some(to), Some(fingerprint)) = (to, fingerprint) else {
            return;
        };
        let template = Template {
            planned: planned.clone(),
            to: to.clone(),
            fingerprint: fingerprint.clone(),
        };
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.links.len() < MOST && inner.forgotten == since {
            inner.links.insert(name.clone(), Arc::new(template));
        }
    }

    /// Forgets all: a key may be another now.
    pub(super) fn forget(&self) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.links.clear();
        inner.forgotten += 1;
    }
}
