//! The body of a request as it arrives: how much, how slowly, and how much of all bodies together.

use std::{sync::Arc, time::Duration};

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes, Incoming};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout, timeout_at},
};

use super::road::Road;

/// The largest body of a request: pictures are in it. OpenAI takes 50 MB, Anthropic 32 MB.
const BODY_LIMIT: usize = 32 << 20;
/// So many bytes of bodies are kept at once, of all requests together.
const BODIES: usize = 256 << 20;
/// How long the body of a request may take to come, however large.
const BODY_TIME: Duration = Duration::from_mins(1);
/// How long it may take to bring its first bytes; then a millisecond more for each.
const FIRST_TIME: Duration = Duration::from_secs(10);
/// How long a body waits until others have gone.
const ROOM_TIME: Duration = Duration::from_secs(1);
/// So many bytes a value takes once it is read, at most: its place in a list or an object, and its name.
const VALUE_WEIGHT: usize = 100;
/// The most that the values of one body may weigh: others shall find room too.
const MOST_VALUES: usize = BODIES / 4;
/// Room is taken in pieces of this size, as the body comes.
const GRAIN: u32 = 64 << 10;

/// The room for bodies, in bytes.
#[derive(Clone)]
pub(super) struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(BODIES)))
    }
}

impl Room {
    async fn grain(&self) -> Result<OwnedSemaphorePermit, NotRead> {
        if let Ok(grain) = Arc::clone(&self.0).try_acquire_many_owned(GRAIN) {
            return Ok(grain);
        }
        let waiting = Arc::clone(&self.0).acquire_many_owned(GRAIN);
        let grain = timeout(ROOM_TIME, waiting).await;
        grain.ok().and_then(Result::ok).ok_or(NotRead::NoRoom)
    }
}

/// A body that was read.
pub(super) struct Arrived {
    pub bytes: Vec<u8>,
    /// Its room; kept as long as something made of it is.
    pub room: OwnedSemaphorePermit,
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotRead {
    TooLarge,
    BrokeOff,
    TooSlow,
    NoRoom,
}

/// The body of a request that is yet to come.
pub(super) struct Arriving<B = Incoming> {
    body: B,
    road: Arc<Road>,
}

impl<B: Body<Data = Bytes> + Unpin> Arriving<B> {
    pub(super) const fn new(body: B, road: Arc<Road>) -> Self {
        Self { body, road }
    }

    /// Reads it to its end.
    pub(super) async fn read(mut self, room: &Room) -> Result<Arrived, NotRead> {
        let named = usize::try_from(self.body.size_hint().lower()).unwrap_or(usize::MAX);
        if named > BODY_LIMIT {
            return Err(NotRead::TooLarge);
        }
        let began = Instant::now();
        let mut held = room.grain().await?;
        let mut bytes = Vec::with_capacity(named.min(held.num_permits()));
        loop {
            let frame = timeout_at(began + time_for(bytes.len()), self.body.frame()).await;
            let Some(frame) = frame.map_err(|_| NotRead::TooSlow)? else {
                break;
            };
            let frame = frame.map_err(|_| NotRead::BrokeOff)?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            let length = bytes.len() + data.len();
            if length > BODY_LIMIT {
                return Err(NotRead::TooLarge);
            }
            while held.num_permits() < length {
                held.merge(room.grain().await?);
            }
            bytes.extend_from_slice(&data);
        }
        self.road.has_read();
        let values = values_weigh(&bytes);
        if values > MOST_VALUES {
            return Err(NotRead::TooLarge);
        }
        while held.num_permits() < bytes.len().saturating_add(values) {
            held.merge(room.grain().await?);
        }
        Ok(Arrived { bytes, room: held })
    }
}

/// Returns how much memory the values of a JSON text take beside its bytes, which counts where they are
/// tiny: a number between two commas is two bytes long. What stands in texts weighs nothing more.
fn values_weigh(json: &[u8]) -> usize {
    let mut values = 0_usize;
    let mut rest = json;
    while !rest.is_empty() {
        let text = memchr::memchr(b'"', rest).unwrap_or(rest.len());
        let (outside, tail) = rest.split_at(text);
        values = values.saturating_add(memchr::memchr3_iter(b',', b'[', b'{', outside).count());
        rest = after_text(tail.get(1..).unwrap_or_default());
    }
    values.saturating_mul(VALUE_WEIGHT)
}

/// Returns what follows a JSON text that has begun.
fn after_text(mut rest: &[u8]) -> &[u8] {
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        let is_end = rest.get(at) == Some(&b'"');
        rest = rest
            .get(at + if is_end { 1 } else { 2 }..)
            .unwrap_or_default();
        if is_end {
            return rest;
        }
    }
    &[]
}

/// How long a body may have taken that has brought so many bytes.
fn time_for(bytes: usize) -> Duration {
    let earned = Duration::from_millis(u64::try_from(bytes).unwrap_or(u64::MAX));
    FIRST_TIME.saturating_add(earned).min(BODY_TIME)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::{Stream, StreamExt as _, stream};
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    fn room(bytes: usize) -> Room {
        Room(Arc::new(Semaphore::new(bytes)))
    }

    fn body(
        pieces: impl Stream<Item = Vec<u8>> + Send + 'static,
    ) -> Arriving<impl Body<Data = Bytes, Error = Infallible> + Unpin> {
        let frames = pieces.map(|piece| Ok(Frame::data(Bytes::from(piece))));
        let road = Road::new(Arc::new(Semaphore::new(1)));
        Arriving::new(StreamBody::new(Box::pin(frames)), road)
    }

    fn pieces(count: usize, bytes: usize, pause: Duration) -> impl Stream<Item = Vec<u8>> + Send {
        stream::iter(0..count).then(move |_| async move {
            tokio::time::sleep(pause).await;
            vec![b' '; bytes]
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_counts_as_it_arrives_until_its_request_is_over() {
        let room = room(4 * 65_536);
        let small = body(pieces(1, 10, Duration::ZERO)).read(&room).await;
        assert_eq!(room.0.available_permits(), 3 * 65_536);
        let large = body(pieces(3, 50_000, Duration::ZERO)).read(&room).await;
        assert_eq!(
            large.as_ref().map(|read| read.bytes.len()).ok(),
            Some(150_000)
        );
        assert_eq!(room.0.available_permits(), 0);

        let began = Instant::now();
        let refused = body(pieces(1, 10, Duration::ZERO)).read(&room).await;
        assert_eq!(refused.err(), Some(NotRead::NoRoom));
        assert_eq!(began.elapsed(), ROOM_TIME);

        drop((small, large));
        assert_eq!(room.0.available_permits(), 4 * 65_536);
    }

    #[test]
    fn tiny_values_weigh_more_than_their_bytes_and_words_do_not() {
        let weighs = |json: &str| values_weigh(json.as_bytes()) / VALUE_WEIGHT;
        assert_eq!(weighs(r#"{"a":[1,2,3],"b":{}}"#), 6);
        assert_eq!(weighs(r#"{"a":"1,2,[{,","b":"\\\",\\"}"#), 2);
        assert_eq!(weighs(r#""an open text, \"#), 0);
        assert_eq!(weighs(""), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_of_millions_of_values_takes_their_room_or_is_refused() {
        let of_values = |count: usize| body(stream::iter([b"1,".repeat(count)]));
        let room = Room::default();
        let read = of_values(600_000).read(&room).await;
        assert!(room.0.available_permits() < BODIES - 60_000_000);
        drop(read);
        let refused = of_values(700_000).read(&room).await;
        assert_eq!(refused.err(), Some(NotRead::TooLarge));
        assert_eq!(room.0.available_permits(), BODIES);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_finds_no_room_gives_back_what_it_had() {
        let room = room(2 * 65_536);
        let refused = body(pieces(3, 65_536, Duration::ZERO)).read(&room).await;
        assert_eq!(refused.err(), Some(NotRead::NoRoom));
        assert_eq!(room.0.available_permits(), 2 * 65_536);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_waited_for_as_long_as_it_earns() {
        let second = Duration::from_secs(1);
        for (count, bytes, result, seconds) in [
            // Silent, trickling, fast enough, and fast enough but endless.
            (0, 0, Ok(()), 0),
            (1_000, 1, Err(NotRead::TooSlow), 10),
            (50, 2_000, Ok(()), 50),
            (100, 2_000, Err(NotRead::TooSlow), 60),
        ] {
            let began = Instant::now();
            let read = body(pieces(count, bytes, second))
                .read(&Room::default())
                .await;
            assert_eq!(read.map(drop), result, "{count} x {bytes}");
            assert_eq!(began.elapsed().as_secs(), seconds, "{count} x {bytes}");
        }
        let silent = body(stream::pending()).read(&Room::default()).await;
        assert_eq!(silent.err(), Some(NotRead::TooSlow));
    }

    #[tokio::test]
    async fn more_than_the_limit_is_refused_as_soon_as_it_is_there() {
        let endless = stream::repeat_with(|| vec![0; 1 << 20]);
        let read = body(endless).read(&Room::default()).await;
        assert_eq!(read.err(), Some(NotRead::TooLarge));
    }
}
