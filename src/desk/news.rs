//! News from outside this desk: other processes' writes, and changes of the config file.

use std::sync::Arc;

use notify::{RecursiveMode, Watcher};
use tokio::sync::mpsc;

use super::{Desk, face::DeskEvent};
use crate::store::news;

impl Desk {
    /// Begins to listen, for a desk that stays open: a screen. What others write and what changes
    /// in the config becomes events within a second.
    pub fn listen(self: &Arc<Self>) {
        let desk = Arc::clone(self);
        drop(self.background.tasks.spawn(async move {
            let stop = desk.background.stop.clone();
            tokio::select! {
                () = stop.cancelled() => {}
                () = desk.follow_store() => {}
            }
        }));
        let desk = Arc::clone(self);
        drop(self.background.tasks.spawn(async move {
            let stop = desk.background.stop.clone();
            tokio::select! {
                () = stop.cancelled() => {}
                () = desk.follow_config() => {}
            }
        }));
    }

    async fn follow_store(&self) {
        let mut news = match news::watch(&self.store).await {
            Ok(news) => news,
            Err(error) => {
                tracing::warn!(%error, "other processes are not listened to");
                return;
            }
        };
        loop {
            match news.next().await {
                Ok(_) => {
                    self.tell(DeskEvent::Changed);
                    self.tell(DeskEvent::Spent);
                }
                Err(error) => {
                    tracing::warn!(%error, "news from other processes could not be read");
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
            }
        }
    }

    /// Follows the config file. Its folder is watched, for editors replace files by renaming.
    async fn follow_config(&self) {
        // One waiting sign is enough: it only says "look again".
        let (sign, mut signs) = mpsc::channel(1);
        let file = self.paths.config_file.clone();
        let Some(folder) = file.parent().map(std::path::Path::to_owned) else {
            return;
        };
        let name = file.file_name().map(std::ffi::OsStr::to_owned);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let is_ours = event.is_ok_and(|event| {
                !matches!(event.kind, notify::EventKind::Access(_))
                    && event
                        .paths
                        .iter()
                        .any(|path| path.file_name() == name.as_deref())
            });
            if is_ours {
                // Full means that a look is due already.
                match sign.try_send(()) {
                    Ok(()) | Err(_) => {}
                }
            }
        });
        let Ok(mut watcher) = watcher else { return };
        if watcher.watch(&folder, RecursiveMode::NonRecursive).is_err() {
            return;
        }
        while signs.recv().await.is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            match self.reload() {
                Ok(()) => {
                    self.tell(DeskEvent::Spent);
                    if let Err(error) = self.wake_gone().await {
                        tracing::warn!(%error, "resting links could not be woken");
                    }
                }
                Err(error) => self.tell(DeskEvent::Note(format!(
                    "The config was changed but is wrong, so the old one stays: {error} \
                     `deskhand config check` names every finding."
                ))),
            }
        }
    }
}
