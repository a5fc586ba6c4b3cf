//! By what the desk knows its own mail again: ids that nobody else can make.
//!
//! An id of ours names the ticket and the message and carries a code (HMAC-SHA256) over both, made
//! with the secret of this desk. Without it anyone could write an id of ours and put words into any
//! ticket (`FreeScout`, GHSA-6r38-6mcf-2ww3).

use std::fmt;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::domain::OutboxId;

/// So many hex digits of a code are kept: 64 bits.
const CODE_DIGITS: usize = 16;

/// The secret of this desk, and what is made with it.
#[derive(Clone)]
pub(super) struct Stamp {
    secret: Vec<u8>,
    /// The domains of its addresses, in lower case: its ids end in one of them.
    domains: Vec<String>,
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stamp […]")
    }
}

/// What an id of ours says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// It is ours, of the ticket with this number.
    Ours(i64),
    /// It looks like ours and is not.
    Forged,
    /// Somebody else's.
    Foreign,
}

impl Stamp {
    /// Takes the secret, and the addresses of the desk.
    pub(super) fn new(secret: Vec<u8>, own: &[String]) -> Self {
        let domains = own.iter().map(|address| domain_of(address));
        Self {
            secret,
            domains: domains.map(str::to_ascii_lowercase).collect(),
        }
    }

    /// Returns the Message-ID of a reply: `dh.NUMBER.MESSAGE.CODE@DOMAIN`, with the sender's domain.
    pub(super) fn message_id(&self, number: i64, reply: OutboxId, sender: &str) -> String {
        let message = reply.to_string().replace('-', "");
        let code = self.code(&format!("id|{number}|{message}"));
        let domain = domain_of(sender);
        format!("dh.{number}.{message}.{code}@{domain}")
    }

    /// Reads a Message-ID.
    pub(super) fn read_id(&self, id: &str) -> Read {
        let (local, domain) = id.split_once('@').unwrap_or((id, ""));
        let Some(rest) = local.strip_prefix("dh.") else {
            return Read::Foreign;
        };
        let mut parts = rest.split('.');
        let (Some(number), Some(message), Some(code), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Read::Foreign;
        };
        let Ok(number) = number.parse::<i64>() else {
            return Read::Foreign;
        };
        // The code is not of the domain: whoever has a reply could end its id in another.
        if !self
            .domains
            .iter()
            .any(|own| own.eq_ignore_ascii_case(domain))
        {
            return Read::Forged;
        }
        self.judge(&format!("id|{number}|{message}"), code, number)
    }

    /// Returns the mark that stands in addresses and bodies: `dh-NUMBER-CODE`.
    pub(super) fn mark(&self, number: i64) -> String {
        format!("dh-{number}-{}", self.code(&format!("mark|{number}")))
    }

    /// Reads a mark.
    pub(super) fn read_mark(&self, mark: &str) -> Read {
        let Some((number, code)) = mark
            .strip_prefix("dh-")
            .and_then(|rest| rest.split_once('-'))
        else {
            return Read::Foreign;
        };
        let Ok(number) = number.parse::<i64>() else {
            return Read::Foreign;
        };
        self.judge(&format!("mark|{number}"), code, number)
    }

    /// Returns what stands on every mail of this desk, so that none is taken for a customer's when
    /// it comes back.
    pub(super) fn loop_mark(&self) -> String {
        self.code("loop")
    }

    /// Tells whether a mail bears our mark.
    pub(super) fn is_loop_mark(&self, mark: &str) -> bool {
        is_same(&self.code("loop"), mark)
    }

    fn judge(&self, words: &str, code: &str, number: i64) -> Read {
        if is_same(&self.code(words), code) {
            Read::Ours(number)
        } else {
            Read::Forged
        }
    }

    fn code(&self, words: &str) -> String {
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.secret) else {
            return String::new();
        };
        mac.update(words.as_bytes());
        let mut code = format!("{:x}", mac.finalize().into_bytes());
        code.truncate(CODE_DIGITS);
        code
    }
}

fn domain_of(address: &str) -> &str {
    address
        .rsplit_once('@')
        .map_or("localhost", |(_, domain)| domain)
}

/// Compares without telling by its time where they differ.
fn is_same(ours: &str, theirs: &str) -> bool {
    let differs = ours
        .bytes()
        .zip(theirs.bytes())
        .fold(0, |differs, (a, b)| differs | (a ^ b));
    ours.len() == CODE_DIGITS && ours.len() == theirs.len() && differs == 0
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_the_desk_that_made_an_id_takes_it_for_its_own() {
        let own = ["help@Acme.test".to_owned()];
        let ours = Stamp::new(vec![1; 32], &own);
        let theirs = Stamp::new(vec![2; 32], &own);
        let id = ours.message_id(4812, OutboxId::new(Uuid::from_u128(7)), "help@acme.test");

        assert_eq!(ours.read_id(&id), Read::Ours(4812));
        assert_eq!(theirs.read_id(&id), Read::Forged);
        assert_eq!(ours.read_id(&id.replace("4812", "4813")), Read::Forged);
        assert_eq!(ours.read_id(&id.replace("acme", "evil")), Read::Forged);
        assert_eq!(ours.read_id("dh.4812.x@acme.test"), Read::Foreign);
        assert_eq!(ours.read_id("CAB+abc@mail.example"), Read::Foreign);
    }

    #[test]
    fn a_mark_is_no_id_and_an_id_no_mark() {
        let stamp = Stamp::new(vec![3; 32], &[]);

        assert_eq!(stamp.read_mark(&stamp.mark(9)), Read::Ours(9));
        assert_eq!(stamp.read_mark("dh-9-0000000000000000"), Read::Forged);
        assert_eq!(stamp.read_mark("dh-9-"), Read::Forged);
        assert_eq!(stamp.read_mark("dh-x"), Read::Foreign);
        assert!(stamp.is_loop_mark(&stamp.loop_mark()));
        assert!(!stamp.is_loop_mark(""));
    }
}
