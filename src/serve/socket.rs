//! A caller's socket, with limits on its time: a head has to come soon, a connection between two
//! requests may be silent for longer, and whoever takes nothing of his answer is left.
//!
//! Hyper's own limit begins when it waits for a head, so that it would also end connections on
//! which nobody asks anything for a while (`poll_read_head` in its `proto/h1/conn.rs`). Here it
//! begins with the first byte of the head.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::road::{FRESH, HEAD, HEAD_TIME, IDLE, REQUEST, Road};

/// How long a caller may take nothing of his answer.
const WRITE_TIME: Duration = Duration::from_secs(30);
/// How much of a body that nobody wants is read, and for how long: a socket that is closed with
/// unread bytes takes the answer back from the caller.
const LINGER_TIME: Duration = Duration::from_secs(5);
const LINGER_BYTES: usize = 64 << 20;

/// A caller's socket.
pub(super) struct Socket<S> {
    inner: S,
    road: Arc<Road>,
    /// Which phase `read_by` is for; none within a request.
    waits_in: Option<u8>,
    read_by: Instant,
    reading: Alarm,
    write_by: Option<Instant>,
    writing: Alarm,
    lingering: Option<Lingering>,
}

#[derive(Clone, Copy)]
struct Lingering {
    by: Instant,
    left: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub(super) fn new(inner: S, road: Arc<Road>) -> Self {
        Self {
            inner,
            road,
            waits_in: None,
            read_by: Instant::now(),
            reading: Alarm(None),
            write_by: None,
            writing: Alarm(None),
            lingering: None,
        }
    }

    fn phase(&self) -> u8 {
        self.road.phase()
    }

    /// Something came: with it a head begins, if none has.
    fn has_come(&mut self) {
        match self.phase() {
            IDLE | FRESH => {
                self.road.head_begins();
                self.waits_in = Some(HEAD);
                self.read_by = Instant::now() + HEAD_TIME;
            }
            REQUEST => self.waits_in = None,
            _ => {}
        }
    }

    /// Nothing came yet: tells whether that has lasted too long.
    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        let phase = self.phase();
        if phase == REQUEST {
            self.waits_in = None;
            self.road.is_read_by(context.waker());
            return false;
        }
        // The end of an answer that is yet to leave: the clock of writing runs.
        if self.write_by.is_some() {
            return false;
        }
        if self.waits_in != Some(phase) {
            self.waits_in = Some(phase);
            self.read_by = Instant::now() + self.road.patience(phase);
        }
        self.reading.is_due(self.read_by, context)
    }

    fn written<T>(
        &mut self,
        polled: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.write_by = None;
            return polled;
        }
        let by = *self
            .write_by
            .get_or_insert_with(|| Instant::now() + WRITE_TIME);
        if self.writing.is_due(by, context) {
            self.road.stalls();
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }

    /// Reads what nobody wants; ready at its end, or when it is enough.
    fn linger(&mut self, mut lingering: Lingering, context: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [0; 8 << 10];
        while lingering.left > 0 {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.inner).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => return Poll::Ready(()),
                Poll::Ready(Ok(())) => {
                    lingering.left = lingering.left.saturating_sub(buffer.filled().len());
                    self.lingering = Some(lingering);
                }
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending if self.reading.is_due(lingering.by, context) => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut socket.inner).poll_read(context, buffer);
        if polled.is_pending() && socket.is_late(context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if buffer.filled().len() > before {
            socket.has_come();
        }
        polled
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        let polled = Pin::new(&mut socket.inner).poll_write(context, bytes);
        socket.written(polled, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        let polled = Pin::new(&mut socket.inner).poll_write_vectored(context, parts);
        socket.written(polled, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        let lingering = if let Some(lingering) = socket.lingering {
            lingering
        } else {
            ready!(Pin::new(&mut socket.inner).poll_shutdown(context))?;
            if !socket.road.owes_reading() {
                return Poll::Ready(Ok(()));
            }
            let (by, left) = (Instant::now() + LINGER_TIME, LINGER_BYTES);
            *socket.lingering.insert(Lingering { by, left })
        };
        socket.linger(lingering, context).map(Ok)
    }
}

/// Wakes its task at a time that is often put off: only when it rings is it set anew.
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    fn is_due(&mut self, by: Instant, context: &mut Context<'_>) -> bool {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(by)));
        if sleep.deadline() > by {
            sleep.as_mut().reset(by);
        }
        while sleep.as_mut().poll(context).is_ready() {
            if sleep.deadline() >= by {
                return true;
            }
            sleep.as_mut().reset(by);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
        sync::Semaphore,
    };

    use super::*;
    use crate::serve::road::Unread;

    fn pair(places: usize) -> (Socket<DuplexStream>, Arc<Road>, DuplexStream) {
        let (ours, theirs) = duplex(64);
        let road = Road::new(Arc::new(Semaphore::new(places)));
        (Socket::new(ours, Arc::clone(&road)), road, theirs)
    }

    /// Reads until it is told that it is too late; returns after how long.
    async fn ends_after(socket: &mut Socket<DuplexStream>) -> Duration {
        let began = Instant::now();
        let mut byte = [0];
        loop {
            match socket.read(&mut byte).await {
                Ok(read) => assert_eq!(read, 1),
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
                    return began.elapsed();
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_has_ten_seconds_however_it_drips() {
        let (mut socket, _, mut theirs) = pair(1_000);
        let drip = async {
            while theirs.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(3)).await;
            }
        };

        let took = tokio::select! {
            took = ends_after(&mut socket) => took,
            () = drip => panic!("it was closed"),
        };

        assert_eq!(took.as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn between_requests_a_connection_may_be_silent_for_longer() {
        for (places, seconds) in [(1_000, 120), (3, 10)] {
            let (mut socket, road, _theirs) = pair(places);
            drop(road.begin(Unread::Nothing));
            assert_eq!(ends_after(&mut socket).await.as_secs(), seconds, "{places}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_after_a_silence_has_ten_seconds_of_its_own() {
        let (mut socket, road, mut theirs) = pair(1_000);
        drop(road.begin(Unread::Nothing));
        let late = async {
            tokio::time::sleep(Duration::from_secs(100)).await;
            theirs.write_all(b"P").await.unwrap();
            std::future::pending::<()>().await;
        };

        let took = tokio::select! {
            took = ends_after(&mut socket) => took,
            () = late => panic!("it waits"),
        };

        assert_eq!(took.as_secs(), 110);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_under_way_may_be_silent() {
        let (mut socket, road, _theirs) = pair(1_000);
        let _turn = road.begin(Unread::Nothing);
        let mut byte = [0];
        let an_hour = Duration::from_hours(1);
        let came = tokio::time::timeout(an_hour, socket.read(&mut byte)).await;
        assert!(came.is_err(), "{came:?}");
    }

    /// Hyper reads no further while it waits for bytes: the clock has to begin all the same.
    #[tokio::test(start_paused = true)]
    async fn after_a_long_answer_a_silent_connection_is_closed_too() {
        use crate::serve::body::{AnswerBody, Leaving};
        for seconds in [0, 12, 300] {
            let (socket, road, mut theirs) = pair(1_000);
            let service = hyper::service::service_fn(move |_| {
                let turn = road.begin(Unread::Nothing);
                async move {
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                    let body = AnswerBody::whole("hi");
                    let body = Leaving { body, _turn: turn };
                    Ok::<_, std::convert::Infallible>(hyper::Response::new(body))
                }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .header_read_timeout(None)
                .serve_connection(hyper_util::rt::TokioIo::new(socket), service);
            let caller = async {
                theirs
                    .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    .await
                    .unwrap();
                let (mut answer, mut piece) = (Vec::new(), [0; 64]);
                while !answer.ends_with(b"hi") {
                    let came = theirs.read(&mut piece).await.unwrap();
                    answer.extend_from_slice(&piece[..came]);
                }
                let began = Instant::now();
                assert_eq!(theirs.read(&mut piece).await.unwrap(), 0);
                began.elapsed().as_secs()
            };
            let ended = async { connection.await.ok() };
            let both = tokio::time::timeout(Duration::from_hours(1), async {
                tokio::join!(ended, caller)
            });
            let (_, silent) = both.await.expect("it is closed");
            assert_eq!(silent, 120, "after an answer of {seconds} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_of_his_answer_is_left_and_who_is_slow_is_not() {
        let (mut socket, road, mut theirs) = pair(1_000);
        let _turn = road.begin(Unread::Nothing);
        let slow = async {
            let mut piece = [0; 64];
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_secs(20)).await;
                theirs.read_exact(&mut piece).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(socket.write_all(&[0; 6 * 64]), slow);
        written.unwrap();
        assert!(!road.is_stalled());

        let began = Instant::now();
        let stalled = socket.write_all(&[0; 64]).await.unwrap_err();

        assert_eq!(stalled.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), 30);
        assert!(road.is_stalled());
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_wants_is_read_before_the_end_but_not_for_ever() {
        let (mut socket, road, mut theirs) = pair(1_000);
        drop(road.begin(Unread::Some));
        let sending = async {
            theirs.write_all(&[0; 1_000]).await.unwrap();
            drop(theirs);
        };
        let (ended, ()) = tokio::join!(socket.shutdown(), sending);
        ended.unwrap();

        let (mut socket, road, _silent) = pair(1_000);
        drop(road.begin(Unread::Some));
        let began = Instant::now();
        socket.shutdown().await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 5);

        let (mut socket, road, _silent) = pair(1_000);
        drop(road.begin(Unread::Some));
        road.has_read();
        let began = Instant::now();
        socket.shutdown().await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 0, "all was read");
    }
}
