//! What passes over a connection: a server that is still telling something is not silent, however
//! long a large message takes on a slow line.

use std::{
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::timeout,
};

use super::ImapError;
use crate::source::mail::tls::Pipe;

/// In so many parts a limit is waited out: the wait is longer by one of them at most.
const PARTS: u32 = 12;

/// How many bytes have passed.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard(Arc<AtomicU64>);

impl Heard {
    /// Counts what passes over a connection from now on.
    pub(super) fn on(&self, pipe: Box<dyn Pipe>) -> Box<dyn Pipe> {
        Box::new(Counted {
            pipe,
            heard: self.clone(),
        })
    }

    /// Waits for work while something passes; fails once nothing has for so long.
    pub(super) async fn within<T>(
        &self,
        server: &str,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, ImapError> {
        let mut work = pin!(work);
        let (mut before, mut quiet) = (self.count(), 0);
        while quiet < PARTS {
            if let Ok(done) = timeout(limit / PARTS, &mut work).await {
                return Ok(done);
            }
            let now = self.count();
            quiet = if now == before { quiet + 1 } else { 0 };
            before = now;
        }
        Err(ImapError::Silent {
            server: server.to_owned(),
            limit,
        })
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// A connection of which the bytes are counted.
#[derive(Debug)]
struct Counted {
    pipe: Box<dyn Pipe>,
    heard: Heard,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.pipe).poll_read(cx, buffer))?;
        self.heard.add(buffer.filled().len().saturating_sub(before));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.pipe).poll_write(cx, bytes))?;
        self.heard.add(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, duplex},
        time::{Instant, sleep},
    };

    use super::*;

    const LIMIT: Duration = Duration::from_mins(2);

    #[tokio::test(start_paused = true)]
    async fn a_slow_answer_is_waited_for_and_silence_ends_the_wait() {
        let (ours, mut theirs) = duplex(64);
        let heard = Heard::default();
        let mut pipe = heard.on(Box::new(ours));
        let server = async {
            for _ in 0..10 {
                sleep(Duration::from_secs(100)).await;
                theirs.write_all(b"x").await.unwrap();
            }
        };
        let mut answer = [0; 10];

        let slow = heard.within("mail", LIMIT, pipe.read_exact(&mut answer));
        let (slow, ()) = tokio::join!(slow, server);
        slow.unwrap().unwrap();
        let began = Instant::now();
        let silent = heard.within("mail", LIMIT, pipe.read_exact(&mut answer));
        let silent = silent.await.unwrap_err();

        assert_eq!(silent.to_string(), "mail said nothing for 120 s");
        assert!((LIMIT..LIMIT + LIMIT / PARTS * 2).contains(&began.elapsed()));
    }
}
