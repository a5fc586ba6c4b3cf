//! Reading a mailbox over IMAP: one connection, one folder at a time.
//!
//! Reading changes nothing on the server: bodies are read with `PEEK`. What was read and answered at
//! the desk is marked by an act of its own. Copies of sent mail are put where the server wants them.

mod ask;
mod connect;
mod heard;
mod told;

use std::{collections::BTreeMap, fmt, path::Path, time::Duration};

use async_imap::{Session, error::Error};
use imap_proto::{MailboxDatum, NameAttribute, Response, ResponseCode};
use jiff::Timestamp;
use tokio::time::{sleep, timeout};

use self::{
    ask::{Said, quoted},
    heard::Heard,
};
use super::{
    oauth::Credential,
    tls::{Pipe, plain_words},
};
use crate::{
    domain::{FolderMark, MailServer},
    source::import::Marks,
    text::clean::clean_line,
};

/// How long a server may take to accept a connection and greet.
const CONNECT: Duration = Duration::from_secs(10);
/// How long it may say nothing while an answer is awaited.
const ANSWER: Duration = Duration::from_mins(2);
/// How often a server is asked that cannot tell of new mail.
const POLL: Duration = Duration::from_mins(1);
/// Of so many messages the facts are asked for at once.
const ASKED_AT_ONCE: usize = 500;
/// And the marks: of most nothing has changed, and the server says nothing.
const MARKS_AT_ONCE: usize = 5_000;
/// The folder every account has.
pub const INBOX: &str = "INBOX";

/// Who signs in where.
#[derive(Clone, Copy)]
pub struct Login<'a> {
    /// The server.
    pub server: &'a MailServer,
    /// The name.
    pub user: &'a str,
    /// The password or token.
    pub credential: Credential<'a>,
    /// A file of certificates that are trusted beside the system's.
    pub ca: Option<&'a Path>,
}

/// Says why a mailbox could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ImapError {
    /// The server cannot be reached.
    #[error("{server} cannot be reached: {why}")]
    Unreachable {
        /// Which server.
        server: String,
        /// Why not.
        why: String,
    },
    /// No private connection came about; the password was not sent.
    #[error("no private connection to {server}: {why}. The password was not sent")]
    NotPrivate {
        /// Which server.
        server: String,
        /// Why not.
        why: String,
    },
    /// The server refused name or password.
    #[error("{server} refused the name or the password: {said}")]
    Refused {
        /// Which server.
        server: String,
        /// Its words.
        said: String,
    },
    /// Nothing came from it.
    #[error("{server} said nothing for {} s", limit.as_secs())]
    Silent {
        /// Which server.
        server: String,
        /// How long was waited.
        limit: Duration,
    },
    /// It answered something else than was asked, or the connection broke.
    #[error("{server} could not be read: {said}")]
    Failed {
        /// Which server.
        server: String,
        /// Its words, or the system's.
        said: String,
    },
}

/// A signed-in connection.
pub struct Mailbox {
    session: Session<Box<dyn Pipe>>,
    heard: Heard,
    server: String,
    counts_changes: bool,
    tells_of_news: bool,
    /// The folder of sent mail, once it was found.
    sent: Option<String>,
    /// The messages that the server refused one by one.
    refused: Vec<u32>,
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailbox at {}", self.server)
    }
}

/// What the server says of a message before it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its bytes.
    pub size: u32,
    /// When it arrived.
    pub arrived: Option<Timestamp>,
    /// What was done with it.
    pub marks: Marks,
}

/// Connects and signs in.
pub async fn open(login: Login<'_>) -> Result<Mailbox, ImapError> {
    let server = login.server.to_string();
    let heard = Heard::default();
    let client = within(&server, CONNECT, connect::connect(login, &heard)).await??;
    let mut session = within(&server, ANSWER, connect::sign_in(client, login)).await??;
    let capabilities = within(&server, ANSWER, session.capabilities())
        .await?
        .map_err(|error| failed(&server, &error))?;
    Ok(Mailbox {
        tells_of_news: capabilities.has_str("IDLE"),
        counts_changes: capabilities.has_str("CONDSTORE") || capabilities.has_str("QRESYNC"),
        session,
        heard,
        server,
        sent: None,
        refused: Vec::new(),
    })
}

impl Mailbox {
    /// Opens a folder for reading and says how it stands.
    pub async fn select(&mut self, folder: &str) -> Result<FolderMark, ImapError> {
        let folder = quoted(folder);
        if self.counts_changes {
            self.open_folder(&format!("SELECT {folder} (CONDSTORE)"))
                .await
        } else {
            self.open_folder(&format!("EXAMINE {folder}")).await
        }
    }

    async fn open_folder(&mut self, command: &str) -> Result<FolderMark, ImapError> {
        let mut mark = FolderMark {
            uid_validity: 0,
            uid_next: 0,
            mod_seq: 0,
            messages: 0,
        };
        let take = |answer: &Response<'_>| {
            if let Response::MailboxData(MailboxDatum::Exists(messages)) = answer {
                mark.messages = *messages;
            } else if let Response::Data { outcome, .. } = answer {
                match outcome.code {
                    Some(ResponseCode::UidValidity(number)) => mark.uid_validity = number,
                    Some(ResponseCode::UidNext(number)) => mark.uid_next = number,
                    Some(ResponseCode::HighestModSeq(number)) => mark.mod_seq = number,
                    _ => {}
                }
            }
        };
        self.must(command, take).await?;
        Ok(mark)
    }

    /// Finds the folder of sent mail, where the server says which that is; once found, not
    /// again.
    pub async fn sent_folder(&mut self) -> Result<Option<String>, ImapError> {
        if self.sent.is_some() {
            return Ok(self.sent.clone());
        }
        let mut sent = None;
        let take = |answer: &Response<'_>| {
            if let Response::MailboxData(MailboxDatum::List(folder)) = answer
                && folder.name_attributes.contains(&NameAttribute::Sent)
            {
                sent.get_or_insert_with(|| folder.name.to_string());
            }
        };
        self.must("LIST \"\" *", take).await?;
        self.sent.clone_from(&sent);
        Ok(sent)
    }

    /// Returns the numbers of the messages that arrived since a moment; all without one. Whole
    /// days, so a few older ones may be among them.
    pub async fn uids(&mut self, since: Option<Timestamp>) -> Result<Vec<u32>, ImapError> {
        let query = since.map_or_else(
            || "ALL".to_owned(),
            |since| format!("SINCE {}", since.strftime("%-d-%b-%Y")),
        );
        self.search(&query).await
    }

    /// Returns what the server says of messages before they are read.
    pub async fn facts(&mut self, uids: &[u32]) -> Result<BTreeMap<u32, Facts>, ImapError> {
        let query = "(UID FLAGS INTERNALDATE RFC822.SIZE)";
        let mut all = BTreeMap::new();
        for some in uids.chunks(ASKED_AT_ONCE) {
            all.extend(self.fetch(some, query, told::facts).await?);
        }
        Ok(all)
    }

    /// Returns the marks of messages whose marks changed since then; where the server does not
    /// count changes, of all that are named.
    pub async fn marks(
        &mut self,
        uids: &[u32],
        since: u64,
    ) -> Result<BTreeMap<u32, Marks>, ImapError> {
        let query = if self.counts_changes && since > 0 {
            format!("(UID FLAGS) (CHANGEDSINCE {since})")
        } else {
            "(UID FLAGS)".to_owned()
        };
        let mut all = BTreeMap::new();
        for some in uids.chunks(MARKS_AT_ONCE) {
            let said = self
                .fetch_into(&mut all, some, (&query, told::marks))
                .await?;
            if let Said::No(why) = said {
                return Err(failed(&self.server, &why));
            }
        }
        Ok(all)
    }

    /// Reads messages whole, as they are; one that has gone meanwhile, or that the server keeps
    /// back, is not among them.
    pub async fn bodies(&mut self, uids: &[u32]) -> Result<BTreeMap<u32, Vec<u8>>, ImapError> {
        self.fetch(uids, "(UID BODY.PEEK[])", told::body).await
    }

    /// Returns which messages the server refused when it was asked for each alone, once.
    pub fn take_refused(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.refused)
    }

    /// Says that the server has messages which it does not give.
    pub fn kept_back(&self, messages: usize, folder: &str) -> ImapError {
        let folder = clean_line(folder);
        ImapError::Failed {
            server: self.server.clone(),
            said: format!("{messages} of the messages in {folder} did not come"),
        }
    }

    /// Reads the headers of a message only.
    pub async fn header(&mut self, uid: u32) -> Result<Option<Vec<u8>>, ImapError> {
        let what = "(UID BODY.PEEK[HEADER])";
        let mut found = self.fetch(&[uid], what, told::header).await?;
        Ok(found.remove(&uid))
    }

    /// Waits until the server says that something happened in the opened folder, at most so long
    /// (RFC 2177); a server that cannot say so is asked once a minute.
    pub async fn wait(self, limit: Duration) -> Result<Self, ImapError> {
        if !self.tells_of_news {
            sleep(POLL.min(limit)).await;
            return Ok(self);
        }
        let server = self.server.clone();
        let wrong = |error: Error| failed(&server, &error);
        let mut idle = self.session.idle();
        within(&server, ANSWER, idle.init()).await?.map_err(wrong)?;
        {
            let (news, _stop) = idle.wait_with_timeout(limit);
            news.await.map_err(wrong)?;
        }
        let session = within(&server, ANSWER, idle.done()).await?.map_err(wrong)?;
        Ok(Self { session, ..self })
    }

    /// Marks messages of a folder as read, and as answered where they were. The keyword is for
    /// other programs to filter by; servers without keywords do without.
    pub async fn mark(
        &mut self,
        folder: &str,
        uids: &[u32],
        is_answered: bool,
    ) -> Result<(), ImapError> {
        if uids.is_empty() {
            return Ok(());
        }
        self.open_folder(&format!("SELECT {}", quoted(folder)))
            .await?;
        let set = set_of(uids);
        if !is_answered {
            return self.store(&set, "+FLAGS.SILENT (\\Seen)").await;
        }
        self.store(&set, "+FLAGS.SILENT (\\Seen \\Answered)")
            .await?;
        self.store(&set, "+FLAGS.SILENT (Deskhand)").await
    }

    /// Stores flags. A server that says no to that is not heard: a mailbox that may only be read is
    /// read all the same. What fails is the connection.
    async fn store(&mut self, set: &str, what: &str) -> Result<(), ImapError> {
        let stored = self.ask(&format!("UID STORE {set} {what}"), |_| {}).await?;
        match stored {
            Said::Done | Said::No(_) => Ok(()),
        }
    }

    /// Tells whether a folder has a message with this id.
    pub async fn has_message(&mut self, folder: &str, id: &str) -> Result<bool, ImapError> {
        self.select(folder).await?;
        let id: String = id.chars().filter(|c| !"\"\\\r\n".contains(*c)).collect();
        let query = format!("HEADER Message-ID \"<{id}>\"");
        Ok(!self.search(&query).await?.is_empty())
    }

    /// Puts a message that was read already into a folder.
    pub async fn append_seen(&mut self, folder: &str, bytes: &[u8]) -> Result<(), ImapError> {
        let appending = self.session.append(folder, Some("(\\Seen)"), None, bytes);
        let appended = self.heard.within(&self.server, ANSWER, appending).await?;
        appended.map_err(|error| failed(&self.server, &error))
    }

    /// Signs out. What goes wrong with that is nobody's concern.
    pub async fn close(mut self) {
        drop(timeout(CONNECT, self.session.logout()).await);
    }
}

/// Writes numbers as IMAP names them together: `1:3,7`.
fn set_of(uids: &[u32]) -> String {
    let mut sorted = uids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for uid in sorted {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(uid) => *last = uid,
            _ => ranges.push((uid, uid)),
        }
    }
    let words: Vec<String> = ranges
        .into_iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}:{last}")
            }
        })
        .collect();
    words.join(",")
}

async fn within<T>(
    server: &str,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Result<T, ImapError> {
    timeout(limit, work).await.map_err(|_| ImapError::Silent {
        server: server.to_owned(),
        limit,
    })
}

fn failed(server: &str, error: &Error) -> ImapError {
    ImapError::Failed {
        server: server.to_owned(),
        said: words(error),
    }
}

/// Takes the server's own words out of those of the library: `code: None, info: Some("...")`.
fn server_words(said: &str) -> &str {
    said.split_once("info: Some(\"")
        .and_then(|(_, rest)| rest.rsplit_once("\")"))
        .map_or(said, |(words, _)| words)
}

/// Says what the library says, on one clean line.
fn words(error: &Error) -> String {
    let words = if let Error::No(said) | Error::Bad(said) = error {
        server_words(said).to_owned()
    } else {
        error.to_string()
    };
    clean_line(&plain_words(&words)).chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_words_are_found() {
        let said = "code: None, info: Some(\"[AUTHENTICATIONFAILED] No.\")";
        assert_eq!(server_words(said), "[AUTHENTICATIONFAILED] No.");
        assert_eq!(server_words("other"), "other");
    }

    #[test]
    fn numbers_are_named_in_runs() {
        assert_eq!(set_of(&[9, 3, 1, 2, 7, 8, 3]), "1:3,7:9");
        assert_eq!(set_of(&[u32::MAX, 5]), "5,4294967295");
        assert_eq!(set_of(&[]), "");
    }
}
