//! The query language of `/` and of `deskhand tickets QUERY`.
//!
//! Words are looked for in subject, people and text; `status:`, `tag:`, `from:` and `is:` narrow.
//! A `-` before a term turns it round. Terms are joined by "and".

use super::{Status, ticket::UnknownWord};

/// What a person looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// All of them must hold.
    pub terms: Vec<Term>,
}

/// One condition, perhaps turned round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Whether it must not hold.
    pub negated: bool,
    /// The condition.
    pub test: Test,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// Somewhere in subject, people or text; letter case does not count.
    Word(String),
    /// `#4812`: the ticket that people call so.
    Number(i64),
    /// `status:open`.
    Status(Status),
    /// `tag:vip`.
    Tag(String),
    /// `from:maya` in the requester's name or address.
    From(String),
    /// `assignee:noor`.
    Assignee(String),
    /// `is:fallback`: its draft came from a later link.
    Fallback,
    /// `is:unsolved`: new, open, pending or hold, and not quarantined.
    Unsolved,
    /// `is:system`: bounces and automatic mail, out of the queue.
    System,
    /// `is:draft`: a draft waits.
    HasDraft,
    /// `source:import`: where the ticket came from; `channel:imap` means every `imap:ACCOUNT`.
    Source(String),
}

/// Says what is wrong with a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// A status that does not exist.
    #[error("{0}")]
    Status(#[from] UnknownWord),
    /// A word after `is:` that means nothing.
    #[error("`is:{0}` means nothing; there are is:fallback, is:unsolved, is:system and is:draft")]
    Is(String),
    /// A field without a value.
    #[error("`{0}:` needs a word after the colon, without a space")]
    Empty(String),
    /// A quotation mark that is never closed.
    #[error("a quotation mark is not closed")]
    Quote,
}

impl Query {
    /// Reads a query; an empty text matches every ticket.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let mut terms = Vec::new();
        for word in words(text)? {
            let (negated, bare) = match word.strip_prefix('-') {
                Some(rest) if !rest.is_empty() => (true, rest),
                Some(_) | None => (false, word.as_str()),
            };
            terms.push(Term {
                negated,
                test: Test::parse(bare)?,
            });
        }
        Ok(Self { terms })
    }
}

impl Test {
    fn parse(word: &str) -> Result<Self, QueryError> {
        let Some((field, value)) = word.split_once(':') else {
            let number = word.strip_prefix('#').and_then(|it| it.parse().ok());
            return Ok(number.map_or_else(|| Self::Word(word.to_owned()), Self::Number));
        };
        let known = matches!(
            field,
            "status" | "tag" | "from" | "assignee" | "is" | "requester" | "source" | "channel"
        );
        if known && value.is_empty() {
            return Err(QueryError::Empty(field.to_owned()));
        }
        Ok(match field {
            "status" => Self::Status(value.parse()?),
            "tag" => Self::Tag(value.to_lowercase()),
            "from" | "requester" => Self::From(value.to_owned()),
            "assignee" => Self::Assignee(value.to_owned()),
            "source" | "channel" => Self::Source(value.to_owned()),
            "is" => match value {
                "fallback" => Self::Fallback,
                "unsolved" => Self::Unsolved,
                "system" => Self::System,
                "draft" => Self::HasDraft,
                other => return Err(QueryError::Is(other.to_owned())),
            },
            _ => Self::Word(word.to_owned()),
        })
    }
}

/// Splits at spaces, keeping `"two words"` together.
pub(super) fn words(text: &str) -> Result<Vec<String>, QueryError> {
    let (mut words, mut word, mut quoted, mut begun) = (Vec::new(), String::new(), false, false);
    for c in text.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                begun = true;
            }
            c if c.is_whitespace() && !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            c => {
                word.push(c);
                begun = true;
            }
        }
    }
    if quoted {
        return Err(QueryError::Quote);
    }
    if begun {
        words.push(word);
    }
    words.retain(|word| !word.is_empty());
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_term_by_term() {
        let query = Query::parse("refund -status:closed tag:VIP \"two words\" re:invoice").unwrap();

        let tests: Vec<_> = query
            .terms
            .into_iter()
            .map(|term| (term.negated, term.test))
            .collect();
        assert_eq!(
            tests,
            vec![
                (false, Test::Word("refund".into())),
                (true, Test::Status(Status::Closed)),
                (false, Test::Tag("vip".into())),
                (false, Test::Word("two words".into())),
                (false, Test::Word("re:invoice".into())),
            ]
        );
    }

    #[test]
    fn a_wrong_query_says_what_there_is() {
        assert!(
            Query::parse("status:opne")
                .unwrap_err()
                .to_string()
                .contains("open")
        );
        assert!(
            Query::parse("is:nice")
                .unwrap_err()
                .to_string()
                .contains("is:fallback")
        );
        assert_eq!(Query::parse("\"half").unwrap_err(), QueryError::Quote);
        assert_eq!(
            Query::parse("tag:").unwrap_err(),
            QueryError::Empty("tag".into())
        );
    }
}
