//! The threads that answer: one per processor, up to a few. A connection stays on one of them, with
//! all that its requests do: passing a task to another thread and waking that takes longer than most
//! tasks do.

use std::{
    fmt, io,
    net::TcpStream,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use tokio::runtime::{Builder, Handle};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// More threads than this no provider keeps busy, and each has connections of its own.
const MOST: usize = 4;

/// The threads, each a runtime of its own. Dropped, they end.
pub struct Shards {
    all: Vec<Shard>,
    _stop: DropGuard,
}

struct Shard {
    runtime: Handle,
    connections: Arc<AtomicUsize>,
}

impl fmt::Debug for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Shards", self.all.len())
    }
}

impl Shards {
    /// Starts as many threads as the machine has processors, up to a number.
    pub fn start() -> io::Result<Self> {
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let stop = CancellationToken::new();
        // Also when one of them cannot start.
        let guard = stop.clone().drop_guard();
        let all = (0..processors.min(MOST))
            .map(|number| {
                let runtime = Builder::new_current_thread().enable_all().build()?;
                let shard = Shard {
                    runtime: runtime.handle().clone(),
                    connections: Arc::default(),
                };
                let stop = stop.clone();
                thread::Builder::new()
                    .name(format!("serve-{number}"))
                    .spawn(move || {
                        runtime.block_on(stop.cancelled());
                        // What still waits for a keyring keeps no program from leaving.
                        runtime.shutdown_background();
                    })?;
                Ok(shard)
            })
            .collect::<io::Result<_>>()?;
        Ok(Self { all, _stop: guard })
    }

    /// Gives a connection to the thread that has the fewest.
    pub(super) fn take<F: Future<Output = ()> + Send + 'static>(
        &self,
        socket: tokio::net::TcpStream,
        tasks: &TaskTracker,
        serve: impl FnOnce(tokio::net::TcpStream) -> F + Send + 'static,
    ) -> io::Result<()> {
        // It belongs to the runtime that it was accepted on until it is taken from there.
        let socket: TcpStream = socket.into_std()?;
        let fewest = self
            .all
            .iter()
            .min_by_key(|shard| shard.connections.load(Ordering::Relaxed));
        let Some(shard) = fewest else {
            return Ok(());
        };
        let counted = Counted::new(&shard.connections);
        let connection = async move {
            match tokio::net::TcpStream::from_std(socket) {
                Ok(socket) => serve(socket).await,
                Err(error) => tracing::warn!(%error, "a connection could not be taken over"),
            }
            drop(counted);
        };
        drop(tasks.spawn_on(connection, &shard.runtime));
        Ok(())
    }
}

/// One connection of a thread.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(connections: &Arc<AtomicUsize>) -> Self {
        connections.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(connections))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
