//! How many files the program may open: a request needs two sockets, and many systems give a
//! program 1,024 unless it asks for more.

/// So many are asked for: every connection of the server, a call for every request that is answered
/// at once, and what the database and the log need.
#[cfg(unix)]
const WANTED: u64 = 4_096;

/// Asks the system for as many as may be needed. Where it gives fewer, the server still runs:
/// whoever finds no room is told so.
#[cfg(unix)]
pub(super) fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.map_or(WANTED, |maximum| maximum.min(WANTED));
    if limit.current.is_none_or(|current| current >= most) {
        return;
    }
    let raised = Rlimit {
        current: Some(most),
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

/// Elsewhere there is no such limit.
#[cfg(not(unix))]
pub(super) const fn raise_limit() {}
