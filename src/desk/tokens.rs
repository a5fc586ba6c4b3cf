//! Tokens of `serve`: made here, shown once, known again by their SHA-256.

use sha2::{Digest, Sha256};

use super::{Desk, DeskError};
use crate::store::ServeToken;

/// What every token begins with, so that a search for leaked keys finds it.
const PREFIX: &str = "dh-";
/// The names of nobody in particular: `anybody` asks where no token is needed.
const NOBODYS: [&str; 2] = ["anybody", "agent"];
/// The longest name of a token.
const NAME_CHARS: usize = 40;

/// A token that was just made. Its `Debug` shows the name alone.
pub struct NewToken {
    /// Whose it is.
    pub name: String,
    /// What its owner shows; kept nowhere.
    pub token: secrecy::SecretString,
}

impl std::fmt::Debug for NewToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewToken of {}", self.name)
    }
}

/// Everybody who may ask.
#[derive(Clone, Debug, Default)]
pub struct Callers(Vec<ServeToken>);

impl Callers {
    /// Returns whose token this is. Every token is compared with, in the same time whoever's it is.
    pub fn find(&self, shown: &str) -> Option<&str> {
        let digest = format!("{:x}", Sha256::digest(shown.as_bytes()));
        let mut found = None;
        for token in &self.0 {
            if is_same(token.sha256.as_bytes(), digest.as_bytes()) {
                found = Some(token.name.as_str());
            }
        }
        found
    }

    /// Tells whether there is nobody.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns every token as it is kept.
    pub fn all(&self) -> &[ServeToken] {
        &self.0
    }
}

/// Compares without telling by its time where the first difference is.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let pairs = one.iter().zip(other);
    let differs = pairs.fold(one.len() ^ other.len(), |differs, (a, b)| {
        differs | usize::from(a ^ b)
    });
    std::hint::black_box(differs) == 0
}

impl Desk {
    /// Makes a token; an error if the name is taken or is none.
    pub async fn new_token(&self, name: &str) -> Result<NewToken, DeskError> {
        let name = name.trim();
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
        if name.is_empty() || name.len() > NAME_CHARS || !name.chars().all(is_name) {
            return Err(DeskError::Nothing(
                "A token's name has 1 to 40 letters, digits, `-`, `_`, `.` or `@`.",
            ));
        }
        let is = |taken: &str| taken.eq_ignore_ascii_case(name);
        if NOBODYS.into_iter().any(is) || is(&self.agent()) || self.store.has_person(name).await? {
            return Err(DeskError::Nothing(
                "That is the name of a person here, or of anybody: receipts would not tell them \
                 apart. Name the token for the program that will show it.",
            ));
        }
        // 244 random bits, from the system.
        let random = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
        let token = format!("{PREFIX}{}{}", random[0].simple(), random[1].simple());
        let kept = ServeToken {
            name: name.to_owned(),
            sha256: format!("{:x}", Sha256::digest(token.as_bytes())),
            made_at: self.clock.now(),
        };
        if !self.store.add_serve_token(&kept).await? {
            return Err(DeskError::Nothing(
                "There is a token of that name. Take another name, or remove that one with \
                 `deskhand serve token remove NAME`.",
            ));
        }
        Ok(NewToken {
            name: kept.name,
            token: token.into(),
        })
    }

    /// Returns everybody who may ask.
    pub async fn callers(&self) -> Result<Callers, DeskError> {
        Ok(Callers(self.store.serve_tokens().await?))
    }

    /// Takes a token away; false if there was none.
    pub async fn remove_token(&self, name: &str) -> Result<bool, DeskError> {
        Ok(self
            .store
            .remove_serve_token(name, self.clock.now())
            .await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_digest_alone() {
        let token = |name: &str, token: &str| ServeToken {
            name: name.to_owned(),
            sha256: format!("{:x}", Sha256::digest(token)),
            made_at: crate::domain::Timestamp::UNIX_EPOCH,
        };
        let callers = Callers(vec![token("cron", "dh-1"), token("desk", "dh-2")]);

        assert_eq!(callers.find("dh-2"), Some("desk"));
        assert_eq!(callers.find("dh-1"), Some("cron"));
        for wrong in ["", "dh-", "dh-3", "dh-11"] {
            assert_eq!(callers.find(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_comparison_looks_at_everything() {
        assert!(is_same(b"abc", b"abc"));
        for other in [&b"abx"[..], b"ab", b"abcd", b""] {
            assert!(!is_same(b"abc", other));
        }
    }
}
