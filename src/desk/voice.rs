//! Who speaks for a run: the transport, with the ask and the endpoints of this run.

use std::collections::BTreeMap;

use tokio_util::task::TaskTracker;

use super::ledger::{Speaker, Talk};
use crate::{
    domain::{Fault, FaultClass, LinkName, Usage},
    engine::{ask::Ask, run::Call},
    llm::{Conversation, Transport, heard::Heard, wire::Endpoint},
};

/// The voice of one run.
pub(super) struct Voice<'a> {
    transport: &'a Transport,
    ask: &'a Ask,
    endpoints: &'a BTreeMap<LinkName, Endpoint>,
    shorter: Option<&'a BTreeMap<LinkName, Ask>>,
    tasks: Option<&'a TaskTracker>,
}

/// One call, or the reason why there is none.
pub(super) enum Spoken {
    Under(Box<Conversation>),
    Nowhere(LinkName),
}

impl<'a> Voice<'a> {
    /// Makes the voice of a run.
    pub(super) const fn new(
        transport: &'a Transport,
        ask: &'a Ask,
        endpoints: &'a BTreeMap<LinkName, Endpoint>,
    ) -> Self {
        Self {
            transport,
            ask,
            endpoints,
            shorter: None,
            tasks: None,
        }
    }

    /// Says less to the links that would cut the whole ask.
    pub(super) const fn with_shorter(mut self, shorter: &'a BTreeMap<LinkName, Ask>) -> Self {
        self.shorter = Some(shorter);
        self
    }

    /// Makes connections ahead, among these tasks.
    pub(super) const fn warming(mut self, tasks: &'a TaskTracker) -> Self {
        self.tasks = Some(tasks);
        self
    }
}

impl Speaker for Voice<'_> {
    type Talk = Spoken;

    fn speak(&self, call: &Call) -> Spoken {
        let Some(endpoint) = self.endpoints.get(&call.link) else {
            return Spoken::Nowhere(call.link.clone());
        };
        let mut to = endpoint.clone();
        to.quirks.without.clone_from(&call.without);
        let shorter = self.shorter.and_then(|shorter| shorter.get(&call.link));
        let mut ask = shorter.unwrap_or(self.ask).clone();
        ask.output_limit = call.output_limit;
        Spoken::Under(Box::new(self.transport.speak(&to, &ask, call.limits)))
    }

    fn warm(&self, link: &LinkName) {
        let (Some(endpoint), Some(tasks)) = (self.endpoints.get(link), self.tasks) else {
            return;
        };
        let (transport, base_url) = (self.transport.clone(), endpoint.base_url.clone());
        let plain = endpoint.allow_plain_http;
        // Ends by itself within seconds; nothing waits for it.
        drop(tasks.spawn(async move {
            transport.warm(&base_url, plain).await;
        }));
    }
}

impl Talk for Spoken {
    async fn next(&mut self) -> Heard {
        match self {
            Self::Under(conversation) => conversation.next().await,
            Self::Nowhere(link) => {
                let fault = Fault::new(FaultClass::BadInput);
                let said = format!("{link} has no address");
                Heard::failed(fault.saying(said), Usage::default())
            }
        }
    }
}
