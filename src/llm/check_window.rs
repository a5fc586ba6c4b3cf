//! Asks a server how much fits into a model there, where nobody else knows.

use std::{sync::Arc, time::Duration};

use hyper::Method;
use tokio::time::{Instant, timeout};

use super::{
    client::{Pool, read_some, spelled},
    connect::{Connecting, WATCHED},
    ollama,
    transport::Transport,
    wire::{Call, Endpoint},
};
use crate::domain::manner::WindowFrom;

/// How long the question may take: a draft waits for it.
const WINDOW_LIMIT: Duration = Duration::from_millis(500);
/// The most bytes of an answer.
const ANSWER_CAP_BYTES: usize = 1 << 20;

impl Transport {
    /// Returns how much fits into a model as its server says; none where the server is not asked
    /// or does not answer.
    pub async fn window(&self, to: &Endpoint) -> Option<u64> {
        match to.manner.habits.window {
            WindowFrom::Book => None,
            WindowFrom::Ollama => {
                let asked = timeout(WINDOW_LIMIT, self.ollama_window(to)).await;
                asked.unwrap_or(None)
            }
        }
    }

    async fn ollama_window(&self, to: &Endpoint) -> Option<u64> {
        let loaded = self.got(to, &ollama::running(to), Method::GET).await?;
        if let Some(window) = ollama::window_running(&loaded, &to.model.0) {
            return Some(window);
        }
        let shown = self.got(to, &ollama::shown(to), Method::POST).await?;
        Some(ollama::window_shown(&shown).unwrap_or(ollama::LEAST))
    }

    async fn got(&self, to: &Endpoint, call: &Call, method: Method) -> Option<Vec<u8>> {
        let target = self.clients.target(&call.url, to.allow_plain_http).ok()?;
        let request = spelled(call, method, &target).ok()?;
        let client = self.clients.client(&target, Pool::Shared).ok()?;
        let connecting = Connecting::new(WINDOW_LIMIT);
        let sent = WATCHED.scope(Arc::clone(&connecting), client.execute(request));
        let mut response = sent
            .await
            .ok()
            .filter(|answer| answer.status().is_success())?;
        let until = Instant::now() + WINDOW_LIMIT;
        Some(read_some(&mut response, ANSWER_CAP_BYTES, until).await)
    }
}
