//! News from outside this desk: other processes' writes, and changes of the config file.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use notify::{RecursiveMode, Watcher};
use tokio::{sync::mpsc, time::sleep};

use super::{Desk, face::DeskEvent, recover::LOOK_AGAIN};
use crate::{
    domain::ProviderName,
    store::{
        EventRow, StoreError, Verb,
        news::{self, News},
    },
};

/// How often to look where the system gives no sign, and how long to wait after a failure.
const LOOK: Duration = Duration::from_secs(1);
/// How long signs are gathered: an editor touches a file more than once.
const GATHER: Duration = Duration::from_millis(50);

impl Desk {
    /// Begins to listen, for a desk that stays open: a screen. Subscribe to [`Desk::events`]
    /// before. What others write and what changes in the config becomes events within a second;
    /// what a program left behind that died meanwhile is settled.
    pub fn listen(self: &Arc<Self>) {
        for sentence in self.take_remarks() {
            self.tell(DeskEvent::Note(sentence));
        }
        self.until_closed(|desk| async move { desk.follow_store().await });
        self.until_closed(|desk| async move { desk.follow_config().await });
        self.until_closed(|desk| async move { desk.look_for_the_lost().await });
        self.until_closed(|desk| async move { desk.look_for_life().await });
        self.until_closed(Self::watch_accounts);
        // Ends by itself when the desk closes: a reply on its way is not broken off.
        drop(self.background.tasks.spawn(Arc::clone(self).run_outbox()));
    }

    /// Returns what was to be said before anybody listened, once.
    pub fn take_remarks(&self) -> Vec<String> {
        self.background.remarks.send_replace(Vec::new())
    }

    /// Begins to listen to other processes and to the config alone, for a program that serves
    /// others: it reads no mailbox and sends nothing.
    pub fn listen_to_others(self: &Arc<Self>) {
        self.until_closed(|desk| async move { desk.follow_store().await });
        self.until_closed(|desk| async move { desk.follow_config().await });
        self.until_closed(|desk| async move { desk.look_for_the_lost().await });
    }

    /// Lets something run beside the acts until the desk is closed.
    fn until_closed<F>(self: &Arc<Self>, act: impl FnOnce(Arc<Self>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = self.background.stop.clone();
        let acting = act(Arc::clone(self));
        drop(self.background.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = acting => {}
            }
        }));
    }

    async fn follow_store(&self) {
        loop {
            let lost = match news::watch(&self.store).await {
                Ok(news) => self.hear(news).await,
                Err(error) => error,
            };
            tracing::warn!(%lost, "news from other processes could not be read");
            sleep(LOOK).await;
            // What happened meanwhile is not told again.
            self.tell(DeskEvent::Changed);
        }
    }

    /// Hears news until they break off, and returns why.
    async fn hear(&self, mut news: News) -> StoreError {
        loop {
            match news.next().await {
                Ok(rows) => {
                    for row in &rows {
                        self.hear_of(row);
                    }
                    self.tell(DeskEvent::Changed);
                    self.tell(DeskEvent::Spent);
                }
                Err(error) => return error,
            }
        }
    }

    /// Takes what another process did that concerns more than what is shown.
    fn hear_of(&self, row: &EventRow) {
        // The subject of a standing is a provider, whose key may be another now, or a link.
        if row.verb == Verb::Standing && !row.subject.contains('/') {
            self.keys.forget(&ProviderName(row.subject.clone()));
            self.tell(DeskEvent::Configured);
        }
        if row.verb == Verb::Configured {
            self.tell(DeskEvent::Configured);
        }
        if let (Verb::Announced, Ok(percent)) = (row.verb, row.detail.parse()) {
            self.tell(DeskEvent::Alert(percent));
        }
    }

    async fn look_for_the_lost(&self) {
        loop {
            sleep(LOOK_AGAIN).await;
            if let Err(error) = self.recover().await {
                tracing::warn!(%error, "what others left behind could not be looked for");
            }
        }
    }

    /// Follows the config file, by signs where they come; else it is looked at.
    async fn follow_config(&self) {
        // The first look is taken too: the file may have changed since the desk was opened.
        let mut known = None;
        loop {
            // One waiting sign is enough: it only says "look again".
            let (sign, mut signs) = mpsc::channel(1);
            let watching = self.watch_config(sign);
            loop {
                let found = Some(self.config_now());
                if found != known {
                    known = found;
                    self.take_config().await;
                }
                if watching.is_none() {
                    sleep(LOOK).await;
                    break;
                }
                if signs.recv().await.is_none() {
                    break;
                }
                sleep(GATHER).await;
            }
        }
    }

    /// Returns what the file says and when it was written: written again as it was, it says that
    /// something beside it has changed, such as a password.
    fn config_now(&self) -> Option<(Vec<u8>, Option<SystemTime>)> {
        let file = &self.paths.config_file;
        let written = std::fs::metadata(file).and_then(|metadata| metadata.modified());
        Some((std::fs::read(file).ok()?, written.ok()))
    }

    /// Watches the folder of the file, for editors replace files by renaming, and that of the file
    /// it stands for where it is a link. None where that cannot be: no folder yet.
    fn watch_config(&self, sign: mpsc::Sender<()>) -> Option<notify::RecommendedWatcher> {
        let mut files: Vec<PathBuf> = vec![self.paths.config_file.clone()];
        files.extend(self.paths.config_file.canonicalize());
        let names: Vec<_> = files
            .iter()
            .filter_map(|file| file.file_name().map(std::ffi::OsStr::to_owned))
            .collect();
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                let is_ours = event.is_ok_and(|event| {
                    let mut found = event.paths.iter().filter_map(|path| path.file_name());
                    !matches!(event.kind, notify::EventKind::Access(_))
                        && found.any(|found| names.iter().any(|name| name == found))
                });
                if is_ours {
                    // Full means that a look is due already.
                    match sign.try_send(()) {
                        Ok(()) | Err(_) => {}
                    }
                }
            })
            .ok()?;
        for file in &files {
            watcher
                .watch(file.parent()?, RecursiveMode::NonRecursive)
                .ok()?;
        }
        Some(watcher)
    }

    async fn take_config(&self) {
        if let Err(error) = self.reload() {
            let advice = error.advice().unwrap_or_default();
            return self.tell(DeskEvent::Note(format!(
                "The config was changed but is wrong, so the old one stays: {error} {advice}"
            )));
        }
        let woken = self.wake_gone().await;
        if let Err(error) = woken.and(self.announce().await) {
            tracing::warn!(%error, "what follows from the new config could not be noted");
        }
    }
}
