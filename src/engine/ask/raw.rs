//! A caller's own JSON, passed on as it was written but for what must differ.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize,
    de::{Deserializer, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::domain::ProviderKind;

/// A request in the words of one wire format.
#[derive(Clone, PartialEq, Eq)]
pub struct Raw {
    /// The wire format.
    pub kind: ProviderKind,
    /// The JSON object.
    pub body: String,
    /// Headers of the caller that belong to the wire format (`anthropic-version`,
    /// `anthropic-beta`), names in lower case.
    pub headers: Vec<(&'static str, String)>,
}

impl Raw {
    /// Returns how many tokens the model may think, where the caller bounds that in the words of
    /// Messages: there the output limit must be greater.
    pub fn thinking_budget(&self) -> Option<u32> {
        #[derive(Deserialize)]
        struct Thinking {
            #[serde(rename = "type")]
            kind: String,
            budget_tokens: u32,
        }
        #[derive(Deserialize)]
        struct Body {
            thinking: Thinking,
        }
        // Most requests are not read a second time.
        if self.kind != ProviderKind::Anthropic || !self.body.contains("budget_tokens") {
            return None;
        }
        let Body { thinking } = serde_json::from_str(&self.body).ok()?;
        (thinking.kind == "enabled").then_some(thinking.budget_tokens)
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw {}, {} bytes", self.kind.word(), self.body.len())
    }
}

/// What is to become of one member of the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// It gets this value (JSON), in its place or at the end.
    Put(&'a str, String),
    /// It is left out.
    Drop(&'a str),
}

/// The members of a JSON object in order, each value as it was written.
pub struct Members<'a>(Vec<(Name<'a>, &'a RawValue)>);

/// The name of a member: a part of the text where nothing in it is escaped.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Members<'a> {
    /// Reads them; none if the text is no JSON object.
    pub fn of(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Returns a member's value as it was written; of several with one name the last.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let mut members = self.0.iter().rev();
        let found = members.find(|(own, _)| own.0 == name);
        found.map(|(_, value)| value.get())
    }
}

impl fmt::Debug for Members<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} members", self.0.len())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Each)
    }
}

/// Returns the body with its changes; every other byte stays as it was, unless a member is dropped:
/// then the members are put together anew, each value as it was written. None if it is no JSON
/// object.
pub fn changed(body: &str, changes: &[Change<'_>]) -> Option<String> {
    changed_of(body, &Members::of(body)?, changes)
}

/// Returns [`changed`] of a body whose members were read already.
pub fn changed_of(body: &str, members: &Members<'_>, changes: &[Change<'_>]) -> Option<String> {
    let Members(members) = members;
    let is_there = |name: &str| members.iter().any(|(own, _)| own.0 == name);
    let drops = |name: &str| {
        let mut all = changes.iter();
        all.any(|change| matches!(change, Change::Drop(dropped) if *dropped == name))
    };
    let new_value = |name: &str| {
        changes.iter().find_map(|change| match change {
            Change::Put(put, value) if *put == name => Some(value.as_str()),
            Change::Put(..) | Change::Drop(_) => None,
        })
    };
    let added = changes.iter().filter_map(|change| match change {
        Change::Put(name, value) if !is_there(name) => Some((*name, value.as_str())),
        Change::Put(..) | Change::Drop(_) => None,
    });
    if members.iter().any(|(name, _)| drops(&name.0)) || members.is_empty() {
        let kept = members
            .iter()
            .filter(|(name, _)| !drops(&name.0))
            .map(|(name, value)| (&*name.0, new_value(&name.0).unwrap_or(value.get())));
        let all = kept.chain(added).map(|(name, value)| member(name, value));
        return Some(format!("{{{}}}", all.collect::<Vec<_>>().join(",")));
    }
    let mut out = String::with_capacity(body.len() + 64);
    let mut from = 0;
    for (name, value) in members {
        // The value is a part of the body: its place is the distance of the two.
        let start = value
            .get()
            .as_ptr()
            .addr()
            .checked_sub(body.as_ptr().addr())?;
        let end = start + value.get().len();
        if let Some(new) = new_value(&name.0) {
            out.push_str(body.get(from..start)?);
            out.push_str(new);
            from = end;
        }
        if members
            .last()
            .is_some_and(|(_, last)| std::ptr::eq(*last, *value))
        {
            out.push_str(body.get(from..end.max(from))?);
            from = end.max(from);
        }
    }
    for (name, value) in added {
        out.push(',');
        out.push_str(&member(name, value));
    }
    out.push_str(body.get(from..)?);
    Some(out)
}

fn member(name: &str, value: &str) -> String {
    format!("{}:{value}", serde_json::Value::from(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_other_byte_stays() {
        let body =
            "{ \"model\" : \"gpt-4\",\n \"x\": [1,  2.50, {\"model\":\"no\"}], \"seed\" :7 }\n";
        let changes = [
            Change::Put("model", "\"claude\"".to_owned()),
            Change::Put("max_tokens", "5".to_owned()),
        ];

        assert_eq!(
            changed(body, &changes).unwrap(),
            "{ \"model\" : \"claude\",\n \"x\": [1,  2.50, {\"model\":\"no\"}], \"seed\" :7,\"max_tokens\":5 }\n"
        );
        assert_eq!(changed(body, &[]).unwrap(), body);
        let last = [Change::Put("seed", "8".to_owned())];
        assert!(changed(body, &last).unwrap().ends_with("\"seed\" :8 }\n"));
    }

    #[test]
    fn a_dropped_member_is_gone_and_the_values_of_the_others_stay() {
        let body = r#"{"provider": {"fallback": []}, "n": 1.0, "model": "a"}"#;
        let changes = [
            Change::Drop("provider"),
            Change::Put("model", "\"b\"".to_owned()),
        ];

        assert_eq!(changed(body, &changes).unwrap(), r#"{"n":1.0,"model":"b"}"#);
    }

    #[test]
    fn only_an_object_is_changed() {
        assert_eq!(changed("[]", &[]), None);
        assert_eq!(changed("{", &[]), None);
        let put = [Change::Put("a", "1".to_owned())];
        assert_eq!(changed("{}", &put).unwrap(), r#"{"a":1}"#);
    }
}
