//! A place in a request: what stands there, and how to name it when it is wrong.

use std::{fmt, fmt::Write as _};

use serde_json::Number;

use super::{Refusal, RefusalKind};
use crate::engine::ask::json::Json;

/// A value and the way to it.
#[derive(Clone, Copy)]
pub(super) struct Spot<'a> {
    value: &'a Json,
    step: Step<'a>,
    up: Option<&'a Self>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Member(&'a str),
    Item(usize),
}

impl fmt::Debug for Spot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

impl<'a> Spot<'a> {
    /// Makes the place of the whole request.
    ///
    /// # Errors
    ///
    /// If it is no object.
    pub(super) fn root(value: &'a Json) -> Result<Self, Refusal> {
        let spot = Self {
            value,
            step: Step::Root,
            up: None,
        };
        spot.is_object().then_some(spot).ok_or_else(|| {
            let said = format!("The body must be a JSON object; it is {}.", value.words());
            Refusal::new(RefusalKind::BadInput, said)
        })
    }

    /// Returns a member; none where there is none or it is null.
    ///
    /// # Errors
    ///
    /// If this is no object, or the member stands in it with two values: a provider may go by the
    /// other one.
    pub(super) fn member<'s>(&'s self, name: &'s str) -> Result<Option<Spot<'s>>, Refusal> {
        let Json::Object(members) = self.value else {
            return Err(self.wrong("an object"));
        };
        let mut named = members.iter().filter(|(own, _)| own == name);
        let first = named.next();
        if named.any(|other| Some(other) != first) {
            let path = self.path_to(name);
            let said = format!("`{path}` is there with two values; leave one out.");
            return Err(Refusal::wrong(path.as_str(), said));
        }
        let found = self.value.get(name).filter(|value| **value != Json::Null);
        Ok(found.map(|value| Spot {
            value,
            step: Step::Member(name),
            up: Some(self),
        }))
    }

    /// Returns the first of several names for one member.
    pub(super) fn either<'s>(&'s self, names: [&'s str; 2]) -> Result<Option<Spot<'s>>, Refusal> {
        let [first, second] = names;
        match (self.member(first)?, self.member(second)?) {
            (Some(_), Some(_)) => {
                let path = self.path_to(second);
                let said = format!("`{path}` is there in both of its spellings; leave one out.");
                Err(Refusal::wrong(path.as_str(), said))
            }
            (first, second) => Ok(first.or(second)),
        }
    }

    /// Returns a member that must be there.
    pub(super) fn need<'s>(&'s self, name: &'s str) -> Result<Spot<'s>, Refusal> {
        self.member(name)?.ok_or_else(|| {
            let path = self.path_to(name);
            Refusal::wrong(path.as_str(), format!("`{path}` is missing."))
        })
    }

    /// Returns a member that is a text, if it is there.
    pub(super) fn text_of(&self, name: &str) -> Result<Option<String>, Refusal> {
        let member = self.member(name)?;
        member
            .map(|spot| spot.text().map(str::to_owned))
            .transpose()
    }

    /// Returns a member that is true or false, if it is there.
    pub(super) fn flag_of(&self, name: &str) -> Result<Option<bool>, Refusal> {
        self.member(name)?.map(|spot| spot.flag()).transpose()
    }

    /// Returns a member that is a number, if it is there.
    pub(super) fn number_of(&self, name: &str) -> Result<Option<Number>, Refusal> {
        self.member(name)?.map(|spot| spot.number()).transpose()
    }

    /// Returns a member that is a count of tokens, if it is there.
    pub(super) fn count_of(&self, name: &str) -> Result<Option<u32>, Refusal> {
        self.member(name)?.map(|spot| spot.count()).transpose()
    }

    /// Returns the value.
    pub(super) const fn value(&self) -> &'a Json {
        self.value
    }

    /// Returns the text that stands here.
    pub(super) fn text(&self) -> Result<&'a str, Refusal> {
        self.value.as_text().ok_or_else(|| self.wrong("a text"))
    }

    /// Returns what stands here: true or false.
    pub(super) fn flag(&self) -> Result<bool, Refusal> {
        match self.value {
            Json::Bool(flag) => Ok(*flag),
            Json::Null | Json::Number(_) | Json::Text(_) | Json::List(_) | Json::Object(_) => {
                Err(self.wrong("true or false"))
            }
        }
    }

    /// Returns the number that stands here.
    pub(super) fn number(&self) -> Result<Number, Refusal> {
        match self.value {
            Json::Number(number) => Ok(number.clone()),
            Json::Null | Json::Bool(_) | Json::Text(_) | Json::List(_) | Json::Object(_) => {
                Err(self.wrong("a number"))
            }
        }
    }

    /// Returns the whole number of at least 1 that stands here; one too large is the largest.
    pub(super) fn count(&self) -> Result<u32, Refusal> {
        let number = self.number()?;
        let count = number.as_u64().filter(|count| *count > 0);
        let count = count.ok_or_else(|| self.wrong("a whole number of at least 1"))?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Returns the places of the items that stand here.
    pub(super) fn items(&self) -> Result<impl Iterator<Item = Spot<'_>>, Refusal> {
        match self.value {
            Json::List(items) => {
                let places = items.iter().enumerate();
                Ok(places.map(|(at, value)| Spot {
                    value,
                    step: Step::Item(at),
                    up: Some(self),
                }))
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::Object(_) => {
                Err(self.wrong("a list"))
            }
        }
    }

    /// Tells whether an object stands here.
    pub(super) fn is_object(&self) -> bool {
        self.value.is_object()
    }

    /// Tells whether a list stands here.
    pub(super) const fn is_list(&self) -> bool {
        matches!(self.value, Json::List(_))
    }

    /// Makes the refusal of a value of the wrong kind.
    pub(super) fn wrong(&self, wanted: &str) -> Refusal {
        let (path, is) = (self.path(), self.value.words());
        Refusal::wrong(
            path.as_str(),
            format!("`{path}` must be {wanted}; it is {is}."),
        )
    }

    /// Makes the refusal of a word that is none of those known here.
    pub(super) fn unknown(&self, known: &str) -> Refusal {
        let path = self.path();
        let word = self.value.as_text().unwrap_or(self.value.words());
        let word: String = word.chars().take(60).collect();
        let said = format!("`{path}` is `{word}`; deskhand knows {known}.");
        Refusal::wrong(path.as_str(), said)
    }

    /// Returns how it is named: `messages[2].content`.
    pub(super) fn path(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn path_to(&self, name: &str) -> String {
        let mut path = self.path();
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
        path
    }

    fn write(&self, out: &mut String) {
        if let Some(up) = self.up {
            up.write(out);
        }
        match self.step {
            Step::Root => {}
            Step::Member(name) if out.is_empty() => out.push_str(name),
            Step::Member(name) => {
                out.push('.');
                out.push_str(name);
            }
            // Writing to a text cannot fail.
            Step::Item(at) => write!(out, "[{at}]").unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let json = Json::read(r#"{"messages":[{"content":"a"},{"content":5}]}"#).unwrap();
        let root = Spot::root(&json).unwrap();
        let messages = root.need("messages").unwrap();
        let second = messages.items().unwrap().nth(1).unwrap();

        let refusal = second.text_of("content").unwrap_err();

        assert_eq!(refusal.param.as_deref(), Some("messages[1].content"));
        assert_eq!(
            refusal.message,
            "`messages[1].content` must be a text; it is a number."
        );
        let refusal = second.need("role").unwrap_err();
        assert_eq!(refusal.message, "`messages[1].role` is missing.");
        assert_eq!(
            root.need("model").unwrap_err().param.as_deref(),
            Some("model")
        );
    }

    #[test]
    fn a_member_with_two_values_is_refused_where_it_is_read() {
        let json = Json::read(r#"{"n":8,"own":1,"n":1,"own":2}"#).unwrap();
        let root = Spot::root(&json).unwrap();

        let refusal = root.count_of("n").unwrap_err();

        assert_eq!(refusal.param.as_deref(), Some("n"));
        assert_eq!(
            refusal.message,
            "`n` is there with two values; leave one out."
        );
        let alike = Json::read(r#"{"n":1,"n":1}"#).unwrap();
        assert_eq!(Spot::root(&alike).unwrap().count_of("n").unwrap(), Some(1));
    }

    #[test]
    fn a_body_that_is_no_object_is_refused() {
        let json = Json::read("[]").unwrap();
        let refusal = Spot::root(&json).unwrap_err();
        assert_eq!(
            refusal.message,
            "The body must be a JSON object; it is a list."
        );
    }
}
