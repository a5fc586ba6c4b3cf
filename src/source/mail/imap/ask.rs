//! Commands, each heard to the answer that ends it.
//!
//! The library takes a refusal and a connection that breaks between two answers for the end of a
//! list. Mail would be passed over so; here only the server's own OK ends a list.

use std::collections::BTreeMap;

use async_imap::error::Error;
use imap_proto::{AttributeValue, MailboxDatum, Response, Status};

use super::{ANSWER, ImapError, Mailbox, failed, set_of};

/// A server that refuses more messages than this of those asked for together refuses them all.
const MOST_REFUSED: usize = 10;

/// How a command ended.
pub(super) enum Said {
    /// The server did it.
    Done,
    /// It said no, in these words.
    No(Error),
}

/// What is taken out of what the server tells of a message: its number and more.
pub(super) type Taken<T> = fn(&[AttributeValue<'_>]) -> Option<(u32, T)>;

impl Mailbox {
    /// Runs a command; `take` hears every answer before the one that ends it.
    pub(super) async fn ask(
        &mut self,
        command: &str,
        mut take: impl FnMut(&Response<'_>),
    ) -> Result<Said, ImapError> {
        let session = &mut self.session;
        let asked = async {
            let own = session.run_command(command).await?;
            loop {
                let answer = session.read_response().await?;
                let answer = answer.ok_or(Error::ConnectionLost)?;
                let Response::Done {
                    tag,
                    status,
                    outcome,
                } = answer.parsed()
                else {
                    take(answer.parsed());
                    continue;
                };
                if *tag != own {
                    continue;
                }
                let words = outcome.information.as_deref();
                let words = words.unwrap_or("no reason was given").to_owned();
                return match status {
                    Status::Ok => Ok(Said::Done),
                    Status::No => Ok(Said::No(Error::No(words))),
                    Status::Bad | Status::PreAuth | Status::Bye => Err(Error::Bad(words)),
                };
            }
        };
        let heard = self.heard.within(&self.server, ANSWER, asked).await?;
        heard.map_err(|error| failed(&self.server, &error))
    }

    /// Runs a command that the server must not refuse.
    pub(super) async fn must(
        &mut self,
        command: &str,
        take: impl FnMut(&Response<'_>),
    ) -> Result<(), ImapError> {
        match self.ask(command, take).await? {
            Said::Done => Ok(()),
            Said::No(why) => Err(failed(&self.server, &why)),
        }
    }

    /// Returns the numbers of the messages that fit a query, smallest first.
    pub(super) async fn search(&mut self, query: &str) -> Result<Vec<u32>, ImapError> {
        let mut uids = Vec::new();
        let take = |answer: &Response<'_>| {
            if let Response::MailboxData(MailboxDatum::Search(found)) = answer {
                uids.extend_from_slice(found);
            }
        };
        self.must(&format!("UID SEARCH {query}"), take).await?;
        uids.sort_unstable();
        uids.dedup();
        Ok(uids)
    }

    /// Asks for something of messages. Where the server refuses some of them, the others come one
    /// by one; what is missing then has gone, or is kept back.
    pub(super) async fn fetch<T>(
        &mut self,
        uids: &[u32],
        what: &str,
        taken: Taken<T>,
    ) -> Result<BTreeMap<u32, T>, ImapError> {
        let mut found = BTreeMap::new();
        if uids.is_empty() {
            return Ok(found);
        }
        let said = self.fetch_into(&mut found, uids, (what, taken)).await?;
        if matches!(said, Said::Done) {
            return Ok(found);
        }
        let mut refused = 0;
        for uid in uids {
            if found.contains_key(uid) {
                continue;
            }
            let said = self.fetch_into(&mut found, &[*uid], (what, taken)).await?;
            if let Said::No(why) = said {
                self.refused.push(*uid);
                refused += 1;
                if refused > MOST_REFUSED {
                    return Err(failed(&self.server, &why));
                }
            }
        }
        Ok(found)
    }

    pub(super) async fn fetch_into<T>(
        &mut self,
        found: &mut BTreeMap<u32, T>,
        uids: &[u32],
        (what, taken): (&str, Taken<T>),
    ) -> Result<Said, ImapError> {
        let command = format!("UID FETCH {} {what}", set_of(uids));
        let take = |answer: &Response<'_>| {
            if let Response::Fetch(_, values) = answer {
                found.extend(taken(values));
            }
        };
        self.ask(&command, take).await
    }
}

/// Puts a name into quotes (RFC 9051, section 4.3). No name holds the end of a line.
pub(super) fn quoted(name: &str) -> String {
    let name = name.replace(['\r', '\n'], "");
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}
