//! News from other processes: what they wrote, as soon as it is written.
//!
//! SQLite: a change in the database's folder is the sign to look. PostgreSQL: a notification.
//! Where neither comes (network disks, a lost connection), one look per second. A server of requests
//! writes so often that it would mostly hear of itself: it looks by the clock too.

use std::{path::Path, time::Duration};

use notify::{EventKind, RecursiveMode, Watcher};
use secrecy::ExposeSecret;
use sqlx::postgres::PgListener;
use tokio::sync::mpsc;

use super::{EventRow, Store, StoreError, StoreUrl, Use};

/// How long signs are gathered before a look: a commit touches several files.
const GATHER: Duration = Duration::from_millis(20);
/// After how long it is looked again when no further sign comes. A commit touches the file first and
/// is seen when the disk has it: a slow disk takes longer than `GATHER`, and gives no second sign.
const AGAIN: [Duration; 4] = [
    Duration::from_millis(50),
    Duration::from_millis(150),
    Duration::from_millis(600),
    Duration::from_secs(3),
];
/// How often to look where no signs come.
const LOOK: Duration = Duration::from_secs(1);
/// How often a server of requests looks.
const SERVING_LOOK: Duration = Duration::from_millis(250);

/// Hands out what other processes wrote. Call `next` in a loop; drop it to stop.
pub struct News {
    store: Store,
    seen: i64,
    signs: Signs,
}

/// Where signs come from.
enum Signs {
    /// The folder of a file; the watcher lives as long as we listen.
    Folder {
        _watcher: notify::RecommendedWatcher,
        changed: mpsc::Receiver<()>,
        /// How many looks there were since the last sign.
        looks: usize,
    },
    /// A server's notifications.
    Server(Box<PgListener>),
    /// None: look so often.
    Clock(Duration),
}

/// Begins to watch. Only what is written from now on is news.
pub async fn watch(store: &Store) -> Result<News, StoreError> {
    let signs = match &store.0.url {
        StoreUrl::Sqlite(_) if store.0.purpose == Use::Serving => Some(Signs::Clock(SERVING_LOOK)),
        StoreUrl::Sqlite(file) => watch_folder(file),
        StoreUrl::Postgres(url) => listen(url.expose_secret()).await,
    };
    Ok(News {
        seen: store.last_event().await?,
        store: store.clone(),
        signs: signs.unwrap_or(Signs::Clock(LOOK)),
    })
}

impl News {
    /// Waits until other processes have written something and returns it, oldest first. May be
    /// dropped and called again: nothing is lost.
    pub async fn next(&mut self) -> Result<Vec<EventRow>, StoreError> {
        loop {
            let rows = self.store.events_after(self.seen).await?;
            if let Some(last) = rows.last() {
                self.seen = last.seq;
                let foreign: Vec<EventRow> = rows
                    .into_iter()
                    .filter(|row| row.origin != self.store.origin())
                    .collect();
                if !foreign.is_empty() {
                    return Ok(foreign);
                }
                continue;
            }
            if self.signs.wait().await.is_err() {
                self.signs = Signs::Clock(LOOK);
            }
        }
    }

    /// Tells whether news come by themselves; else they are looked for by the clock.
    pub fn is_told(&self) -> bool {
        !matches!(self.signs, Signs::Clock(_))
    }
}

impl std::fmt::Debug for News {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "News after {}", self.seen)
    }
}

/// The signs have ended and will not come back.
struct Ended;

impl Signs {
    async fn wait(&mut self) -> Result<(), Ended> {
        match self {
            Self::Folder { changed, looks, .. } => {
                let sign = match AGAIN.get(*looks) {
                    Some(pause) => tokio::time::timeout(*pause, changed.recv()).await,
                    None => Ok(changed.recv().await),
                };
                let Ok(sign) = sign else {
                    *looks += 1;
                    return Ok(());
                };
                sign.ok_or(Ended)?;
                *looks = 0;
                tokio::time::sleep(GATHER).await;
                // What came meanwhile is looked at now.
                while changed.try_recv().is_ok() {}
                Ok(())
            }
            Self::Server(listener) => match listener.try_recv().await {
                // None: the connection was lost and is made anew; what was missed is looked for.
                Ok(Some(_) | None) => Ok(()),
                Err(_) => Err(Ended),
            },
            Self::Clock(pause) => {
                tokio::time::sleep(*pause).await;
                Ok(())
            }
        }
    }
}

async fn listen(url: &str) -> Option<Signs> {
    let connecting = async {
        let mut listener = PgListener::connect(url).await?;
        listener.listen("deskhand_events").await?;
        Ok::<_, sqlx::Error>(listener)
    };
    let listener = tokio::time::timeout(super::CONNECT_LIMIT, connecting).await;
    Some(Signs::Server(Box::new(listener.ok()?.ok()?)))
}

fn watch_folder(file: &Path) -> Option<Signs> {
    let folder = std::path::absolute(file).ok()?.parent()?.to_owned();
    if !tells_of_others(&folder) {
        return None;
    }
    let name = file.file_name()?.to_os_string();
    // One sign is enough: whoever looks sees everything. A full channel means a look is due.
    let (sender, changed) = mpsc::channel(1);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        let is_ours = event.paths.iter().any(|path| {
            path.file_name()
                .is_some_and(|found| begins_with(found, &name))
        });
        if is_ours && is_write(event.kind) {
            sender.try_send(()).unwrap_or_default();
        }
    })
    .ok()?;
    watcher.watch(&folder, RecursiveMode::NonRecursive).ok()?;
    Some(Signs::Folder {
        _watcher: watcher,
        changed,
        looks: AGAIN.len(),
    })
}

/// Tells whether a file is the database or stands beside it (`-wal`, `-shm`).
fn begins_with(found: &std::ffi::OsStr, name: &std::ffi::OsStr) -> bool {
    found
        .as_encoded_bytes()
        .starts_with(name.as_encoded_bytes())
}

/// Reading opens files too; that is no news.
fn is_write(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(_))
}

/// Tells whether a file system reports what other machines write: network disks do not.
#[cfg(target_os = "linux")]
fn tells_of_others(folder: &Path) -> bool {
    /// NFS, SMB, SMB2, CIFS, 9P, FUSE, AFS, Ceph, CODA: magic numbers of statfs(2).
    const REMOTE: [u64; 9] = [
        0x6969,
        0x517B,
        0xFE53_4D42,
        0xFF53_4D42,
        0x0102_1997,
        0x6573_5546,
        0x5346_414F,
        0x00C3_6400,
        0x7375_7245,
    ];
    rustix::fs::statfs(folder).is_ok_and(|stats| {
        u64::try_from(stats.f_type).is_ok_and(|kind| !REMOTE.contains(&(kind & 0xFFFF_FFFF)))
    })
}

/// Elsewhere the watcher is trusted.
#[cfg(not(target_os = "linux"))]
const fn tells_of_others(_folder: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::Timestamp, store::Verb};

    #[tokio::test]
    async fn without_signs_news_are_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let url = StoreUrl::Sqlite(folder.path().join("tickets.db"));
        let (ours, theirs) = (
            Store::open(&url).await.unwrap(),
            Store::open(&url).await.unwrap(),
        );
        let mut news = News {
            store: ours,
            seen: 0,
            signs: Signs::Clock(LOOK),
        };
        assert!(!news.is_told());

        let telling = theirs.tell(Verb::Configured, "cap", "theo", Timestamp::UNIX_EPOCH);
        let (heard, told) = tokio::join!(news.next(), telling);

        told.unwrap();
        assert_eq!(heard.unwrap()[0].subject, "cap");
    }

    #[tokio::test]
    async fn what_the_disk_has_only_after_its_sign_is_found_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let url = StoreUrl::Sqlite(folder.path().join("tickets.db"));
        let (ours, theirs) = (
            Store::open(&url).await.unwrap(),
            Store::open(&url).await.unwrap(),
        );
        let (sender, changed) = mpsc::channel(1);
        // Nobody tells of the commit itself, as on a disk that is slower than its signs.
        let mut news = News {
            store: ours,
            seen: 0,
            signs: Signs::Folder {
                _watcher: notify::recommended_watcher(|_: notify::Result<_>| {}).unwrap(),
                changed,
                looks: AGAIN.len(),
            },
        };
        sender.try_send(()).unwrap();

        let writing = async {
            tokio::time::sleep(GATHER * 2).await;
            theirs
                .tell(Verb::Configured, "cap", "theo", Timestamp::UNIX_EPOCH)
                .await
        };
        let hearing = tokio::time::timeout(LOOK, news.next());
        let (heard, written) = tokio::join!(hearing, writing);

        written.unwrap();
        let heard = heard.expect("it is found within a second").unwrap();
        assert_eq!(heard[0].subject, "cap");
        drop(sender);
    }
}
