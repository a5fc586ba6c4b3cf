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
            };
            return None;
        }
        inner.links.get(link).map(Arc::clone)
    }

    /// Keeps a link that was just prepared, if it can be asked at all.
    pub(super) fn keep(&self, planned: &PlannedLink, prepared: &Prepared) {
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
        if inner.links.len() < MOST {
            inner.links.insert(name.clone(), Arc::new(template));
        }
    }

    /// Forgets all: a key may be another now.
    pub(super) fn forget(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .links
            .clear();
    }
}
