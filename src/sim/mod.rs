//! Providers that are not there: real HTTP on loopback in each provider's own words, with faults
//! on demand.
//!
//! The demo's models, the tests' and the drills'. It uses nothing of the program, so that it
//! cannot share a mistake with the codecs it tries, and it is written on bare sockets: an HTTP
//! framework cannot cut a stream or reset a connection.

mod answers;
mod control;
pub mod fault;
mod http;
mod serve;
mod state;
mod wire;

use std::{io, net::Ipv4Addr, sync::Arc};

use serde::Serialize;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

pub use fault::Fault;
pub use state::{Served, Step};
pub use wire::Family;

use self::state::State;

/// Returns the reply to a prompt, for tests of what the demo is answered.
#[cfg(test)]
pub(crate) fn reply(prompt: &[String]) -> String {
    answers::answer(prompt)
}

/// How to start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SimOptions {
    /// The port; 0 takes a free one.
    pub port: u16,
    /// The pace of a streamed answer; none is as fast as it goes.
    pub words_per_second: Option<u32>,
}

/// Where the providers are, as base URLs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Addresses {
    /// The base URLs, one per wire format.
    pub base_urls: BaseUrls,
    /// Nobody listens here: a connection is refused.
    pub refused: String,
    /// Faults are set and the log is read here.
    pub control: String,
}

/// The base URLs, one per wire format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BaseUrls {
    /// Anthropic Messages.
    pub anthropic: String,
    /// OpenAI Chat Completions.
    pub openai: String,
    /// OpenAI Responses.
    #[serde(rename = "openai-responses")]
    pub openai_responses: String,
    /// Gemini.
    pub gemini: String,
}

/// Running providers. Dropping it stops them.
pub struct Sim {
    state: Arc<State>,
    addresses: Addresses,
    stop: watch::Sender<bool>,
    serving: tokio::sync::Mutex<JoinSet<()>>,
}

impl Sim {
    /// Starts the providers on loopback.
    pub async fn start(options: SimOptions) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let port = listener.local_addr()?.port();
        // Bound and closed at once: the port is ours but nobody listens.
        let refused = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await?
            .local_addr()?
            .port();
        let root = format!("http://127.0.0.1:{port}");
        let state = Arc::new(State::new(options.words_per_second));
        let (stop, stopped) = watch::channel(false);
        let mut serving = JoinSet::new();
        serving.spawn(serve::accept(listener, Arc::clone(&state), stopped));
        Ok(Self {
            state,
            addresses: Addresses {
                base_urls: BaseUrls {
                    anthropic: format!("{root}/anthropic"),
                    openai: format!("{root}/openai"),
                    openai_responses: format!("{root}/openai-responses"),
                    gemini: format!("{root}/gemini"),
                },
                refused: format!("http://127.0.0.1:{refused}"),
                control: format!("{root}/control"),
            },
            stop,
            serving: tokio::sync::Mutex::new(serving),
        })
    }

    /// Returns where the providers are.
    pub fn addresses(&self) -> Addresses {
        self.addresses.clone()
    }

    /// Says what is to happen to the next requests of each family, after what was said before.
    pub fn script(&self, steps: impl IntoIterator<Item = Step>) {
        self.state.script(steps);
    }

    /// Sets the pace of streamed answers from now on; none is as fast as it goes.
    pub fn set_pace(&self, words_per_second: Option<u32>) {
        self.state.set_pace(words_per_second);
    }

    /// Takes back what was scripted and not yet used.
    pub fn clear_script(&self) {
        self.state.clear_script();
    }

    /// Returns every request so far, in order.
    pub fn served(&self) -> Vec<Served> {
        self.state.served()
    }

    /// Waits until the simulator is stopped from elsewhere; for a program that is nothing else.
    pub async fn until_stopped(&self) {
        while self.serving.lock().await.join_next().await.is_some() {}
    }

    /// Stops listening and ends every call under way.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let mut serving = self.serving.lock().await;
        serving.shutdown().await;
    }
}
