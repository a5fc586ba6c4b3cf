//! Callers who leave while bytes of theirs lie unread: hyper reads no further during a request, so it
//! does not see that the connection was closed behind them. Here that is looked for.

use std::time::Duration;

use tokio::{net::TcpStream, time::sleep};

use super::road::Road;

/// How often it is looked, while a request is under way: who left is to be noticed within 50 ms.
const LOOK: Duration = Duration::from_millis(20);

/// The other side of a connection.
pub(super) struct Peer(#[cfg(unix)] Option<std::os::fd::OwnedFd>);

impl Peer {
    #[cfg(unix)]
    pub(super) fn of(socket: &TcpStream) -> Self {
        use std::os::fd::AsFd as _;
        // Without a descriptor left, only who leaves no bytes behind is noticed.
        Self(socket.as_fd().try_clone_to_owned().ok())
    }

    #[cfg(not(unix))]
    pub(super) const fn of(_socket: &TcpStream) -> Self {
        Self()
    }

    /// Waits until it has closed the connection while a request is under way.
    pub(super) async fn left(&self, road: &Road) {
        loop {
            road.is_asked().await;
            sleep(LOOK).await;
            if road.is_asking() && self.is_closed() {
                return;
            }
        }
    }

    #[cfg(unix)]
    fn is_closed(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let Some(socket) = &self.0 else {
            return false;
        };
        #[cfg(target_os = "linux")]
        let closed = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
        #[cfg(not(target_os = "linux"))]
        let closed = PollFlags::HUP | PollFlags::ERR;
        let mut looked = [PollFd::new(socket, closed)];
        let now = Timespec::default();
        poll(&mut looked, Some(&now)).is_ok_and(|found| found > 0)
            && looked.iter().any(|it| it.revents().intersects(closed))
    }

    #[cfg(not(unix))]
    const fn is_closed(&self) -> bool {
        false
    }
}
